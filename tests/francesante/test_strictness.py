"""The suite's own safety nets hold."""

import logging
import socket
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.template import Context, Origin, Template, engines

from francesante.lib.logs import DiscreetFormatter, RefusalsInOneLine


def render(source, origin):
    engine = engines["django"].engine
    return Template(source, origin=Origin(str(origin)), engine=engine).render(Context({"known": "here", "none": None}))


OURS = settings.BASE_DIR / "templates" / "page.html"


def test_undefined_variable_of_our_templates_fails():
    assert render("{{ known }}", OURS) == "here"
    with pytest.raises(AssertionError, match="typo"):
        render("{% if known %}{{ typo }}{% endif %}", OURS)
    with pytest.raises(AssertionError, match="typo"):
        render("{{ known.typo|upper }}", OURS)


def test_absence_may_be_deliberate():
    assert render("{% if typo %}x{% endif %}", OURS) == ""
    assert render("{{ typo|default:'—' }}", OURS) == "—"


def test_templates_of_libraries_keep_djangos_leniency():
    assert render("[{{ typo }}]", "/elsewhere/page.html") == "[]"


def test_network_is_closed_but_for_this_machine():
    with socket.socket() as client, pytest.raises(AssertionError, match="network access"):
        client.connect(("192.0.2.1", 80))
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())


@pytest.mark.browser
def test_browser_reports_console_errors_and_accessibility_faults(page, axe_violations):
    page.set_content("<html lang='fr'><title>t</title><main><h1>t</h1><img src='data:,'></main>")
    assert any("image-alt" in violation for violation in axe_violations(page))
    page.evaluate("console.error('wrong')")
    assert "wrong" in page.console_errors[-1]
    page.console_errors.clear()


@pytest.mark.browser
def test_browser_cannot_leave_the_machine(page):
    from playwright.sync_api import Error

    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("https://www.example.org/")


def test_health(client, db, monkeypatch):
    monkeypatch.setattr("francesante.health.broker_answers", lambda: True)
    answer = client.get("/sante/")
    assert (answer.status_code, answer.json()) == (200, {"database": True, "broker": True})
    assert "no-store" in answer["Cache-Control"]


def test_health_says_which_part_fails(client, db, monkeypatch):
    monkeypatch.setattr("francesante.health.current_app", SimpleNamespace(connection_for_write=refuse))
    answer = client.get("/sante/")
    assert (answer.status_code, answer.json()) == (503, {"database": True, "broker": False})


def refuse(**options):
    raise ConnectionRefusedError


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the visitor wrote the first one
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, None, "10.0.0.1"),
    ],
)
def test_address_of_the_visitor(rf, settings, proxies, forwarded, expected):
    from francesante.lib.proxies import client_address

    settings.TRUSTED_PROXIES = proxies
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    assert client_address(rf.get("/", REMOTE_ADDR="10.0.0.1", **headers)) == expected


def test_logs_do_not_quote_rows():

    error = ValueError("duplicate key\nDETAIL:  Key (email)=(someone@example.fr) already exists.\nHINT: none")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, (ValueError, error, None))
    written = DiscreetFormatter("{message}", style="{").format(record)
    assert "duplicate key" in written
    assert "HINT" in written
    assert "someone@example.fr" not in written


def test_a_refused_request_leaves_a_line_and_a_broken_one_its_traceback():
    refused = logging.LogRecord(
        "django.request", logging.WARNING, "", 0, "Forbidden: /", (), (ValueError, ValueError(), None)
    )
    broken = logging.LogRecord("django.request", logging.ERROR, "", 0, "/", (), (ValueError, ValueError("here"), None))
    for record in (refused, broken):
        assert RefusalsInOneLine().filter(record)
    assert DiscreetFormatter().format(refused) == "Forbidden: /"
    assert "ValueError: here" in DiscreetFormatter().format(broken)
