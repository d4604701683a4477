"""The real places of France for tests: the committed reference, loaded once per session.

A test asks for `reference`, or for `reference_rows` beside `committed_db`. Those that do run after those that do not,
so that what a test finds in the database does not depend on the order of the files.
"""

from datetime import UTC, datetime

import pytest

from territories.services.places import load_reference

FIXTURES = {"reference", "reference_rows"}


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not FIXTURES.isdisjoint(getattr(item, "fixturenames", ())))


@pytest.fixture(scope="session")
def reference_rows(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        load_reference(at=datetime(2026, 11, 22, 6, 0, tzinfo=UTC), if_needed=True)


@pytest.fixture
def reference(reference_rows, db):
    """18 régions, 101 départements, 1 257 EPCI and 34 875 communes, in the database."""
