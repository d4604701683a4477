"""A database where commits are real, for threads and browsers.

Events and signatures are insert-only: the flush of Django's transactional tests is refused, and must be. A test that
needs real commits gets a clone of the test database instead, thrown away at its end (about 0.1 s).

A test asks for `committed_db` (or for `live_server`, or for `page`) and neither for `db` nor for the mark
`django_db`. With the real places of France: ask for `reference_rows` besides.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest
from django.db import connections
from django.test.utils import setup_databases, teardown_databases
from pytest_django.live_server_helper import LiveServer

_clones = count(1)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """pytest-django's test database, also when every test of the session asks for a clone of it: it counts the others only."""
    settings_dict = connections["default"].settings_dict
    with django_db_blocker.unblock():
        made = (
            setup_databases(verbosity=0, interactive=False, aliases={"default"})
            if settings_dict["NAME"] != settings_dict["TEST"]["NAME"]
            else []
        )
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def _no_straggler(django_db_setup, django_db_blocker):
    """End the sessions that threads and Playwright's own context may have left: the test database must be dropped."""
    yield
    connection = connections["default"]
    with django_db_blocker.unblock():
        connection.close()
        with connection._nodb_cursor() as cursor:
            _end_sessions(cursor, connection.settings_dict["NAME"])


def _end_sessions(cursor, database):
    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])


@pytest.fixture
def committed_db(request, django_db_setup, django_db_blocker):
    """The name of a clone of the test database, to which every connection of the process now goes."""
    mixed = {"db", "transactional_db"} & set(request.fixturenames)
    if mixed or request.node.get_closest_marker("django_db"):
        pytest.fail("committed_db replaces db and the mark django_db: ask for one of them only")
    connection = connections["default"]
    settings_dict = connection.settings_dict
    template = settings_dict["NAME"]
    clone = f"{template}_clone{next(_clones)}"
    quote = connection.ops.quote_name
    with django_db_blocker.unblock():
        connections.close_all()
        with connection._nodb_cursor() as cursor:
            _end_sessions(cursor, template)
            cursor.execute(f"DROP DATABASE IF EXISTS {quote(clone)} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {quote(clone)} TEMPLATE {quote(template)}")
        connections.settings["default"]["NAME"] = settings_dict["NAME"] = clone
        try:
            yield clone
        finally:
            connections.close_all()
            connections.settings["default"]["NAME"] = settings_dict["NAME"] = template
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {quote(clone)} WITH (FORCE)")


@pytest.fixture
def live_server(committed_db):
    """pytest-django's server, on a clone: what a page commits, the test sees, and the next test does not."""
    server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _live_server_helper():
    """Take the place of pytest-django's helper, which would ask for the refused flush."""


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run calls in as many threads, started at the same instant; return their results, or what they raised, in order.

    Each thread has its own database connection, closed at its end.
    """
    barrier = Barrier(len(calls))

    def run(call):
        try:
            connections["default"].ensure_connection()
            barrier.wait(timeout=30)
            return call()
        except Exception as error:  # noqa: BLE001  # the outcome of a call is what it returned or raised
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
