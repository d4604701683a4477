"""Files of registers, read from end to end without holding them: gzipped or not, in UTF-8 or in an older encoding."""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from labelling.readers.register_rows import RegisterFileError

CHUNK = 1 << 20
OLD_ENCODING = "cp1252"
"""What a file that is not UTF-8 is read as: latin-1, and the apostrophes that spreadsheets add to it."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, gzipped or not.

    Raises:
        RegisterFileError: it is missing, unreadable, or its compression is damaged or cut short.
    """
    try:
        with path.open("rb") as raw:
            if raw.peek(2)[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield unpacked  # type: ignore[misc]
            else:
                yield raw
    except FileNotFoundError as error:
        raise RegisterFileError(f"Le fichier {path} n’existe pas.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise RegisterFileError(f"Le fichier {path} est illisible ou incomplet : téléchargez-le à nouveau.") from error


def encoding_of(path: Path) -> str:
    """Return the encoding of a file, read once from end to end.

    Raises:
        RegisterFileError: it is missing, damaged or empty.
    """
    decoder, blank, encoding = codecs.getincrementaldecoder("utf-8")(), True, "utf-8-sig"
    with opened(path) as stream:
        while chunk := stream.read(CHUNK):
            blank = blank and not chunk.strip()
            if encoding != OLD_ENCODING:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    encoding = OLD_ENCODING
    if blank:
        raise RegisterFileError(f"Le fichier {path} est vide : téléchargez-le à nouveau.")
    return encoding


@contextmanager
def opened_text(path: Path) -> Iterator[IO[str]]:
    """Open a text file, as :func:`opened`; its lines keep their ends, as ``csv`` wants them.

    Raises:
        RegisterFileError: it is missing, damaged or empty.
    """
    encoding = encoding_of(path)
    with opened(path) as stream:
        yield io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")


@contextmanager
def opened_utf8(path: Path) -> Iterator[IO[bytes]]:
    """Open a file as bytes of UTF-8 without mark, whatever its encoding.

    Raises:
        RegisterFileError: it is missing, damaged or empty.
    """
    encoding = encoding_of(path)
    with opened(path) as stream:
        buffered = io.BufferedReader(_AsUtf8(stream) if encoding == OLD_ENCODING else stream)  # type: ignore[type-var]
        if buffered.peek(3)[:3] == codecs.BOM_UTF8:
            buffered.read(3)
        yield buffered


class _AsUtf8(io.RawIOBase):
    """A stream of the older encoding, read as UTF-8."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # A byte of the older encoding makes three bytes of UTF-8 at most.
        data = self._stream.read(len(buffer) // 3).decode(OLD_ENCODING, "replace").encode()
        buffer[: len(data)] = data
        return len(data)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file as it is on disk."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
