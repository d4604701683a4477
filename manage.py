#!/usr/bin/env python
"""Command line of the portal."""

import os
import sys
from contextlib import nullcontext

# These do not use the servers, or manage them themselves.
WITHOUT_SERVERS = {"portal", "help", "version", "collectstatic", "makemessages", "compilemessages"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "francesante.settings")
    from django.conf import settings  # noqa: PLC0415 -- the settings module must be named first
    from django.core.management import execute_from_command_line  # noqa: PLC0415 -- same reason

    needed = settings.EMBEDDED and not WITHOUT_SERVERS.intersection(sys.argv[1:2])
    with settings.EMBEDDED_SERVERS.running() if needed else nullcontext():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
