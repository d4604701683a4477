import pytest

from tests import factories as make
from tests.funding.worlds import world


@pytest.fixture
def valfictie(db):
    return world()


@pytest.fixture
def now(monkeypatch):
    """The pages' clock stands at the instant of the factories."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: make.NOW)
    return make.NOW
