import pytest
from django.core.cache import cache

from tests import factories as make


@pytest.fixture
def now(monkeypatch):
    """The pages' clock stands at the instant of the factories."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: make.NOW)
    return make.NOW


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()
