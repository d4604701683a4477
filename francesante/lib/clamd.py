"""A client of clamd, the daemon of ClamAV: one file sent, one verdict received.

Protocol: clamd(8), INSTREAM in its « z » form: `zINSTREAM` and a null byte, then chunks preceded by their length on four
bytes, a chunk of length zero to end. The answer is `stream: OK`, `stream: {signature} FOUND` or `{cause} ERROR`, and ends
by a null byte.
"""

import socket
import struct
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

CHUNK = 64 * 1024
TIMEOUT = 60
"""Seconds that one exchange may last without any byte: a large archive takes a while."""
LONGEST_ANSWER = 4096
DEFAULT_PORT = 3310


class Readable(Protocol):
    """What is sent: bytes read piece by piece."""

    def read(self, size: int, /) -> bytes: ...


class ClamdError(Exception):
    """No verdict: the daemon does not answer, refuses the file, or says something else."""


def find_signature(url: str, stream: Readable) -> str:
    """Return the name of what clamd finds in a file, nothing when it finds nothing.

    ``url``: `tcp://host:port` or `unix:///path/to/clamd.ctl`.

    Raises:
        ClamdError: no verdict was given; the file is neither good nor bad.
    """
    try:
        with _connected(url) as connection:
            connection.sendall(b"zINSTREAM\0")
            while chunk := stream.read(CHUNK):
                connection.sendall(struct.pack(">I", len(chunk)) + chunk)
            connection.sendall(struct.pack(">I", 0))
            answer = _answer(connection)
    except OSError as error:
        raise ClamdError(f"clamd: {type(error).__name__}") from error
    if answer == "stream: OK":
        return ""
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return answer.removeprefix("stream: ").removesuffix(" FOUND")
    raise ClamdError(f"clamd: {answer or 'no answer'}")


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT)
        try:
            connection.connect(str(Path(unquote(parts.path))))
        except OSError:
            connection.close()
            raise
        return connection
    if parts.scheme == "tcp" and parts.hostname:
        return socket.create_connection((parts.hostname, parts.port or DEFAULT_PORT), timeout=TIMEOUT)
    raise ClamdError("CLAMD_URL must read tcp://host:port or unix:///path")


def _answer(connection: socket.socket) -> str:
    received = b""
    while not received.endswith(b"\0") and len(received) < LONGEST_ANSWER:
        part = connection.recv(LONGEST_ANSWER)
        if not part:
            break
        received += part
    return received.rstrip(b"\0\n").decode("utf-8", "replace")
