"""The client of the antivirus, against a real server of its protocol."""

import io
import socketserver
import struct
import threading

import pytest

from francesante.lib.clamd import ClamdError, find_signature

# The file that every antivirus agrees to find, written so that no antivirus finds it here.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Daemon(socketserver.StreamRequestHandler):
    """INSTREAM of clamd(8): chunks by their length until an empty one, then one answer."""

    def handle(self):
        assert self.rfile.read(10) == b"zINSTREAM\0"
        received = b""
        while length := struct.unpack(">I", self.rfile.read(4))[0]:
            received += self.rfile.read(length)
        self.server.received.append(received)
        answer = self.server.answer or (b"stream: Eicar-Signature FOUND" if EICAR in received else b"stream: OK")
        self.wfile.write(answer + b"\0")


@pytest.fixture(params=["tcp", "unix"])
def daemon(request, tmp_path):
    made = (
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Daemon)
        if request.param == "tcp"
        else socketserver.ThreadingUnixStreamServer(str(tmp_path / "clamd.ctl"), Daemon)
    )
    made.received, made.answer = [], b""
    made.url = (
        f"tcp://127.0.0.1:{made.server_address[1]}" if request.param == "tcp" else f"unix://{made.server_address}"
    )
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def test_a_sound_file_is_sent_whole_and_nothing_is_found(daemon):
    content = bytes(range(256)) * 1024
    assert find_signature(daemon.url, io.BytesIO(content)) == ""
    assert daemon.received == [content]


def test_an_empty_file_has_a_verdict_too(daemon):
    assert find_signature(daemon.url, io.BytesIO(b"")) == ""


def test_what_is_found_is_named(daemon):
    assert find_signature(daemon.url, io.BytesIO(b"avant" + EICAR)) == "Eicar-Signature"


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR", b"stream: ", b"bonjour"])
def test_another_answer_is_no_verdict(daemon, answer):
    daemon.answer = answer
    with pytest.raises(ClamdError, match=answer.decode().strip()):
        find_signature(daemon.url, io.BytesIO(b"x"))


@pytest.mark.parametrize(
    "url", ["tcp://127.0.0.1:1", "unix:///nulle/part.ctl", "http://127.0.0.1", "tcp://", "n’importe quoi"]
)
def test_nobody_there_is_no_verdict(url):
    with pytest.raises(ClamdError):
        find_signature(url, io.BytesIO(b"x"))
