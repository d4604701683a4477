"""Who is in nearly every test of the label: the two agents of a département, its structure, their file, and the day."""

import pytest

from labelling.choices import ApplicationState as State
from territories.choices import AuthorityKind
from tests import factories as make


@pytest.fixture
def today(monkeypatch):
    """It is ``make.NOW`` for the pages too."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: make.NOW)


@pytest.fixture
def ars(db):
    """An agent of the ARS."""
    return make.mandate(AuthorityKind.ARS)


@pytest.fixture
def prefecture(db):
    """An agent of the préfecture."""
    return make.mandate(AuthorityKind.PREFECTURE)


@pytest.fixture
def owner(db):
    """The person who answers for a structure."""
    return make.membership()


@pytest.fixture
def file(ars):
    """A file that the agent of the ARS reviews."""
    return make.application(state=State.UNDER_REVIEW, ars_reviewer=ars)
