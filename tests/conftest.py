"""What every test gets: a database server, no network, no undefined template variable, and a browser on request."""

import os
import shutil
import socket
import sys

import pytest
from django.conf import settings
from django.template import engines
from django.template.base import FilterExpression, Node

pytest_plugins = [
    "tests.plugins.committed",
    "tests.plugins.declared",
    "tests.plugins.reference",
    "tests.plugins.services",
    "tests.plugins.signed_in",
]

CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
NO_CHROMIUM = "AUCUN CHROMIUM : les tests de navigateur n'ont pas été joués (apt-get install chromium, ou CHROMIUM=…)"


# Servers ---------------------------------------------------------------------------------------------------------


def pytest_configure(config):
    """Start the test cluster, or join those who already use it; several runs at once share it."""
    if not settings.DATABASE_URL and not config.option.help:
        settings.TEST_SERVERS.acquire()


def pytest_unconfigure(config):
    settings.TEST_SERVERS.release()


# Network ---------------------------------------------------------------------------------------------------------


def _is_local(address):
    return isinstance(address, str | bytes) or address[0] in {"localhost", "127.0.0.1", "::1"}


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """Refuse connections that leave the machine: a test that needs the Internet is a test that lies."""
    real_connect, real_connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(real):
        def connect(self, address):
            if not _is_local(address):
                raise AssertionError(f"network access from a test: {address}")
            return real(self, address)

        return connect

    socket.socket.connect, socket.socket.connect_ex = guarded(real_connect), guarded(real_connect_ex)
    yield
    socket.socket.connect, socket.socket.connect_ex = real_connect, real_connect_ex


# Templates -------------------------------------------------------------------------------------------------------


class UndefinedVariable(str):
    """Django's `string_if_invalid` that fails for our templates and stays empty for those of libraries.

    FilterExpression.resolve() asks for its truth at the moment a variable is missing; `|default:` makes the
    absence deliberate.
    """

    __slots__ = ()

    def __bool__(self):
        frame = sys._getframe(1)
        expression = frame.f_locals.get("self")
        if not isinstance(expression, FilterExpression) or frame.f_code.co_name != "resolve":
            return False
        if any(function.__name__ in {"default", "default_if_none"} for function, _ in expression.filters):
            return False
        while frame:
            node = frame.f_locals.get("self")
            if isinstance(node, Node):
                origin = str(getattr(node, "origin", ""))
                if origin.startswith(str(settings.BASE_DIR / "templates")):
                    raise AssertionError(f"undefined template variable {expression.token!r} in {origin}")
                return False
            frame = frame.f_back
        return False


@pytest.fixture(scope="session", autouse=True)
def undefined_variables_fail(django_test_environment):
    engines["django"].engine.string_if_invalid = UndefinedVariable()


# Browser ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium():
    """The system's Chromium; skipped loudly on a laptop that has none, an error in CI."""
    if not CHROMIUM:
        if os.environ.get("CI"):
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    from playwright.sync_api import sync_playwright

    # Playwright's event loop lives in this thread, which Django then believes asynchronous.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, live_server):
    """A fresh French page on the live server.

    `page.console_errors` lists what the console and the scripts complain of; a test that expects an error empties
    it, otherwise the test fails at its end.
    """
    context = chromium.new_context(
        base_url=live_server.url, locale="fr-FR", timezone_id="Europe/Paris", reduced_motion="reduce"
    )
    page = context.new_page()
    page.console_errors = []
    page.on("console", lambda message: message.type == "error" and page.console_errors.append(message.text))
    page.on("pageerror", lambda error: page.console_errors.append(str(error)))
    yield page
    errors = list(page.console_errors)
    context.close()
    assert errors == []


@pytest.fixture(scope="session")
def axe_violations():
    """A function of a page: its serious and critical accessibility faults, as `rule: targets` lines."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()

    def violations(page):
        found = axe.run(page).response["violations"]
        return [
            f"{rule['id']} ({rule['help']}): {', '.join(' '.join(map(str, node['target'])) for node in rule['nodes'])}"
            for rule in found
            if rule["impact"] in {"serious", "critical"}
        ]

    return violations


def pytest_terminal_summary(terminalreporter):
    if any(NO_CHROMIUM in str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_sep("!", NO_CHROMIUM, red=True, bold=True)
