"""The project: settings, entry points and the tools below the applications."""

from francesante.celery import app as celery_app

__all__ = ["celery_app"]
