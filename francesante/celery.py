"""Celery application; everything it is told comes from the CELERY_* settings."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "francesante.settings")

app = Celery("francesante")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
