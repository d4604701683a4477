"""The quota of what a form may send: neither memory nor disk ever holds more."""

import pytest
from django.core.handlers.wsgi import WSGIRequest


class Endless:
    """The body of a request, as a server gives it: without a single end of line, and never held."""

    def __init__(self, head, length):
        self.head, self.left, self.largest = head, length, 0

    def read(self, size=-1):
        self.largest = max(self.largest, size)
        if self.head:
            given, self.head = self.head[:size], self.head[size:]
            return given
        given = min(size, self.left) if size >= 0 else self.left
        self.left -= given
        return bytes(given)

    readline = read


HEAD = (
    b'--XX\r\nContent-Disposition: form-data; name="criterion"\r\n\r\npresence-medicale\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="file"; filename="film.mov"\r\nContent-Type: video/mp4\r\n\r\n'
)


def received(length):
    """A request that sends a field, then a file of this length; and its body, to see what was read of it."""
    body = Endless(HEAD, length)
    environ = {
        "REQUEST_METHOD": "POST",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.input": body,
        "CONTENT_TYPE": "multipart/form-data; boundary=XX",
        "CONTENT_LENGTH": str(len(HEAD) + length),
    }
    return WSGIRequest(environ), body


@pytest.mark.parametrize("length", [21 * 1024**2, 300 * 1024**2])
def test_what_is_too_large_is_read_in_small_pieces_and_its_first_fields_are_kept(length):
    request, body = received(length)
    assert request.POST["criterion"] == "presence-medicale"
    assert (request.refused_upload, len(request.FILES)) == ("film.mov", 0)
    assert body.left == 0, "read to the end, so that the browser hears the answer"
    assert body.largest <= 64 * 1024


def test_what_is_enormous_is_not_even_read():
    request, body = received(50 * 1024**3)
    assert request.POST["criterion"] == "presence-medicale"
    assert request.refused_upload == "film.mov"
    assert body.left > 49 * 1024**3


def test_what_is_just_too_large_is_stopped_on_its_way(settings):
    settings.UPLOAD_MAX_BYTES = 100_000
    request, _ = received(100_001)
    assert request.POST["criterion"] == "presence-medicale"
    assert (request.refused_upload, len(request.FILES)) == ("film.mov", 0)
