"""Log lines that do not repeat people's data."""

import logging
from types import TracebackType


class DiscreetFormatter(logging.Formatter):
    """Formatter that drops what PostgreSQL quotes from rows (`DETAIL: Key (email)=(…) already exists`)."""

    def formatException(  # noqa: N802 -- the name is logging's
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """Return the traceback without the lines that quote values of a row."""
        lines = super().formatException(ei).splitlines()
        return "\n".join(line for line in lines if not line.startswith(("DETAIL:", "CONTEXT:")))


class RefusalsInOneLine(logging.Filter):
    """Filter of ``django.request``: what was refused (4xx) leaves a line; only what broke leaves a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        if record.levelno < logging.ERROR:
            record.exc_info = None
        return True
