"""A limit on what one form may send, kept while it is being received: neither memory nor disk ever holds more."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

FORM_MARGIN = 1024 * 1024
"""Bytes that the other fields of a form and its envelope may take beside its file."""
READ_AT_MOST = 1024**3
"""Bytes that are read and thrown away, so that the browser hears the answer; beyond, the connection is cut."""
CHUNK = 64 * 1024


class UploadQuota(FileUploadHandler):
    """Stop receiving a file beyond ``settings.UPLOAD_MAX_BYTES``, from what is announced or from what comes.

    The fields placed before the file are kept, and ``request.refused_upload`` tells the form the name of the file; what
    comes after it is lost: in our forms the file comes last.
    """

    def handle_raw_input(self, input_data: Any, *_args: Any, **_kwargs: Any) -> None:
        """Keep the stream: :meth:`new_file` is where an upload can be stopped with its first fields."""
        self.stream = input_data

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Refuse at once a file that is announced too large."""
        super().new_file(*args, **kwargs)
        if self._announced > settings.UPLOAD_MAX_BYTES + FORM_MARGIN:
            self._refuse()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass the chunk on to the handlers that keep it, while the quota lasts."""
        if start + len(raw_data) > settings.UPLOAD_MAX_BYTES:
            self._refuse()
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handlers."""

    @property
    def _announced(self) -> int:
        """Length of the whole request, as its sender says it; the server reads no further."""
        return int(self.request.META.get("CONTENT_LENGTH") or 0)  # type: ignore[union-attr]

    def _refuse(self) -> None:
        self.request.refused_upload = self.file_name or ""  # type: ignore[union-attr]
        if self._announced <= READ_AT_MOST:
            # Not left to Django, which reads by lines: a file of zeros is a single one, held whole.
            while self.stream.read(CHUNK):
                pass
        raise StopUpload(connection_reset=True)
