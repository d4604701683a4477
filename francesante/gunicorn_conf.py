"""Gunicorn: the same for `manage.py portal` and for the container; only the address differs."""

import gc
import os
from pathlib import Path
from typing import Any

from django.urls import get_resolver

wsgi_app = "francesante.wsgi:application"
bind = f"{os.environ.get('BIND', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
# The application is imported once, before the workers fork; nothing connects at import.
preload_app = True
timeout = 60
graceful_timeout = 20
keepalive = 5
# Each worker is renewed now and then, not all at the same moment.
max_requests = 5000
max_requests_jitter = 500
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- gunicorn names its file safely
# No access log: it would hold visitors' addresses, and the proxy in front keeps one under its own rules.
accesslog = None
errorlog = "-"
control_socket_disable = True


def when_ready(_server: Any) -> None:
    """Set aside what lives as long as the process, before the workers fork.

    A full garbage collection would go through all of it: 0.1 s, or more, in the middle of somebody's page.
    """
    # Else each worker reads the addresses, hence every view, in its first page.
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
