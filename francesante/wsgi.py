"""WSGI entry point of the web processes."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "francesante.settings")
# Only the web: an import or a quarter's computation may rightly last longer than a page.
os.environ.setdefault("STATEMENT_TIMEOUT", "30s")

application = get_wsgi_application()
