"""The public services that a test may ask for, on this machine, answering in their true form."""

import pytest
from django.core.cache import cache

from tests.services import Service


@pytest.fixture
def service(monkeypatch):
    # A machine behind a proxy must not send what is local through it.
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    cache.clear()
    made = Service()
    yield made
    made.close()
    cache.clear()


@pytest.fixture
def annuaire(service, settings):
    """The portal asks this Annuaire des entreprises."""
    settings.ANNUAIRE_URL = service.url
    return service


@pytest.fixture
def geocoder(service, settings):
    """The portal asks this geocoder."""
    settings.GEOCODING_URL = service.url
    return service
