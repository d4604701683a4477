"""The production description, really run: the commands of docker-compose.yml, without Docker."""

import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import yaml
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from francesante.lib.embedded import _valkey_binary

COMPOSE = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())
DOCKERFILE = (settings.BASE_DIR / "Dockerfile").read_text()
HOST = "portail.example.fr"
GIVEN = {
    "SECRET_KEY": "not-a-real-key-0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdef",
    "POSTGRES_PASSWORD": "unused",
    "ALLOWED_HOSTS": HOST,
    "PUBLIC_URL": f"https://{HOST}",
    "EMAIL_URL": "smtp://user:secret@127.0.0.1:25",
}


def interpolated(text):
    """The values docker compose would write: `${NAME:?}` and `${NAME:-default}`."""
    return re.sub(r"\$\{(\w+)(?::\?|:-([^}]*))\}", lambda found: GIVEN.get(found[1], found[2] or ""), str(text))


def service_environment(name):
    return {key: interpolated(value) for key, value in COMPOSE["services"][name]["environment"].items()}


def base_environment():
    """This process's own, without what would configure the portal."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name not in PORTAL_VARIABLES}
    return {**kept, "PATH": path, "DJANGO_SETTINGS_MODULE": "francesante.settings", "C_FORCE_ROOT": "1"}


def run(words, env, *, check=True):
    return subprocess.run(
        words, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, timeout=300, check=check
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, log=None, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text() if log else "still waiting"
        time.sleep(0.2)


PORTAL_VARIABLES = {
    "DJANGO_ALLOW_ASYNC_UNSAFE",
    "PRODUCTION",
    "DEMO",
    "DEBUG",
    "PORT",
    "PORTAL_VAR",
    *GIVEN,
    *service_environment("web"),
}


# Refusals --------------------------------------------------------------------------------------------------------


@pytest.fixture
def load_settings(monkeypatch, tmp_path):
    """A function that executes the settings under given variables only."""

    def load(**variables):
        for name in PORTAL_VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in {"PORTAL_VAR": str(tmp_path), **variables}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(settings.BASE_DIR / "francesante" / "settings.py")

    return load


def production(**changes):
    return {**service_environment("web"), "PRODUCTION": "1", **changes}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "django-insecure-" + GIVEN["SECRET_KEY"]}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "changeme" * 10}, "SECRET_KEY must be set"),
        ({"DEMO": "1"}, "DEMO=1 is refused"),
        ({"DEBUG": "1"}, "DEBUG=1 is refused"),
        ({"DATABASE_URL": ""}, "DATABASE_URL must name"),
        ({"DATABASE_URL": "mysql://db/portal"}, "postgres://user:password@host:port/name"),
        ({"REDIS_URL": ""}, "REDIS_URL must name"),
        ({"EMAIL_URL": ""}, "EMAIL_URL must name"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must list"),
        ({"PUBLIC_URL": "http://portail.example.fr"}, "https://"),
    ],
)
def test_settings_refuse_what_production_cannot_have(load_settings, changes, sentence):
    with pytest.raises(ImproperlyConfigured) as refusal:
        load_settings(**production(**changes))
    assert sentence in str(refusal.value)
    assert GIVEN["SECRET_KEY"] not in str(refusal.value)


def test_refusals_name_every_fault_at_once(load_settings):
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY.*DEMO=1.*REDIS_URL"):
        load_settings(**production(SECRET_KEY="", DEMO="1", REDIS_URL=""))


def test_complete_variables_are_accepted(load_settings):
    loaded = load_settings(**production())
    assert loaded["ALLOWED_HOSTS"] == [HOST]
    assert loaded["EMBEDDED"] is False
    assert loaded["DATABASES"]["default"]["HOST"] == "db"
    assert loaded["EMAIL_HOST_PASSWORD"] == "secret"
    assert loaded["EMAIL_USE_TLS"] is True
    assert loaded["SESSION_COOKIE_SECURE"] is loaded["CSRF_COOKIE_SECURE"] is loaded["SECURE_SSL_REDIRECT"] is True


def test_laptop_needs_no_variable_and_keeps_its_secret_key(load_settings, tmp_path):
    loaded = load_settings()
    assert loaded["EMBEDDED"] is True
    assert len(loaded["SECRET_KEY"]) >= 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert load_settings()["SECRET_KEY"] == loaded["SECRET_KEY"]
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgres://u:p%40ss@db:5433/name",
            {"USER": "u", "PASSWORD": "p@ss", "HOST": "db", "PORT": "5433", "NAME": "name"},
        ),
        ("postgresql://db/name", {"USER": "", "PASSWORD": "", "HOST": "db", "PORT": "", "NAME": "name"}),
        ("postgres:///name?host=/run/pg&sslmode=require", {"HOST": "", "NAME": "name"}),
    ],
)
def test_database_addresses(load_settings, url, expected):
    database = load_settings(DATABASE_URL=url)["DATABASES"]["default"]
    assert expected.items() <= database.items()
    if "?" in url:
        assert {"host": "/run/pg", "sslmode": "require"}.items() <= database["OPTIONS"].items()


# Description -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed here")
def test_compose_file_is_valid_and_demands_its_secrets(tmp_path):
    nothing = tmp_path / "nothing.env"
    nothing.touch()
    env = {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir()}
    command = ["docker-compose", "-f", "docker-compose.yml", "--env-file", nothing, "config", "--quiet"]
    assert run(command, {**env, **GIVEN}, check=False).returncode == 0
    for name in GIVEN:
        missing = run(command, env | {key: value for key, value in GIVEN.items() if key != name}, check=False)
        assert missing.returncode != 0, name
        assert name in missing.stderr


def test_image_holds_no_secret_and_runs_unprivileged():
    runtime = DOCKERFILE.rpartition("FROM ")[2]
    assert "PRODUCTION=1" in runtime
    assert "\nUSER portal\n" in runtime
    assert "SECRET_KEY" not in runtime
    assert not re.search(r"^(ENV|ARG)\s.*(KEY|PASSWORD|SECRET|_URL)", DOCKERFILE, re.MULTILINE)


def test_every_application_enters_the_image():
    ignored = (settings.BASE_DIR / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    local = {app.split(".")[0] for app in settings.INSTALLED_APPS if (settings.BASE_DIR / app.split(".")[0]).is_dir()}
    assert {f"!{name}" for name in local | {"templates", "static", "fixtures", "manage.py"}} <= set(ignored)


# The real thing --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory):
    """A Valkey over TCP, as in the composition."""
    directory, port = tmp_path_factory.mktemp("broker"), free_port()
    server = subprocess.Popen(
        [_valkey_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait()


@pytest.fixture(scope="module")
def database_url():
    """An empty database of the test cluster."""
    socket_dir, name = settings.TEST_SERVERS.socket_dir, f"production_{os.getpid()}"

    def administer(statement):
        with closing(psycopg2.connect(host=str(socket_dir), user="portal", dbname="postgres")) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)

    administer(f"CREATE DATABASE {name}")
    yield f"postgres://portal@/{name}?host={socket_dir}"
    administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def environment(tmp_path_factory, database_url, broker_url):
    """The variables of the composition, with addresses that exist here."""
    var = tmp_path_factory.mktemp("var")
    return {
        **base_environment(),
        **service_environment("web"),
        "PRODUCTION": "1",
        "DATABASE_URL": database_url,
        "REDIS_URL": broker_url,
        "PORT": str(free_port()),
        "BIND": "127.0.0.1",
        "PORTAL_VAR": str(var),
        "STATIC_ROOT": str(var / "static"),
        "WEB_WORKERS": "1",
    }


@pytest.fixture(scope="module")
def prepared(environment):
    """What the image's build and the one-shot service do: static files and schema, both at once."""
    shell, flag, script = COMPOSE["services"]["migrate"]["command"]
    migrate, _, load = script.partition(" && ")
    assert load == "python manage.py load_territories --if-needed"  # exercised by the tests of the portal
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    with subprocess.Popen(collect, cwd=settings.BASE_DIR, env=environment) as build:
        run([shell, flag, migrate], environment)
    assert build.returncode == 0
    return environment


@pytest.fixture
def service(prepared, tmp_path):
    """A function that runs a service's command, its volume being this test's directory, and returns its log."""
    started = []

    def start(name):
        words = [word.replace("/var/lib/portal", str(tmp_path)) for word in COMPOSE["services"][name]["command"]]
        log = tmp_path / f"{name}.log"
        with log.open("w") as output:
            process = subprocess.Popen(words, cwd=settings.BASE_DIR, env=prepared, stdout=output, stderr=output)
        started.append((process, log))
        return process, log

    yield start
    for process, log in started:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, log.read_text()


def healthy(name, environment, directory):
    """Whether the service's own health check, as written in the composition, passes."""
    kind, *words = COMPOSE["services"][name]["healthcheck"]["test"]
    words = [word.replace("/var/lib/portal", str(directory)) for word in words]
    return run(words if kind == "CMD" else ["sh", "-c", *words], environment, check=False).returncode == 0


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def ask(environment, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{environment['PORT']}{path}", headers={"Host": HOST, **headers})
    try:
        return urllib.request.build_opener(NoRedirect).open(request, timeout=30)
    except urllib.error.HTTPError as error:
        return error


@pytest.mark.embedded
def test_deployment_checks_find_nothing(environment):
    done = run([sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], environment, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.embedded
def test_web(service, prepared, tmp_path):
    _, log = service("web")
    wait_for(lambda: healthy("web", prepared, tmp_path), log)
    https = {"X-Forwarded-Proto": "https"}

    with ask(prepared, "/sante/") as answer:
        assert json.load(answer) == {"database": True, "broker": True}
    with ask(prepared, "/connexion/") as answer:
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/connexion/")
    with ask(prepared, "/sante/", Host="elsewhere.example") as answer:
        assert answer.status == 400

    with ask(prepared, "/connexion/", **https) as answer:
        page = answer.read().decode()
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert "script-src 'self' 'nonce-" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        cookies = answer.headers.get_all("Set-Cookie")
        assert cookies
        assert all("Secure" in cookie for cookie in cookies)

    stylesheet = re.search(r'href="(/static/[^"]*dsfr[^"]*\.css)"', page)[1]
    assert re.search(r"\.[0-9a-f]{12}\.", stylesheet)
    with ask(prepared, stylesheet, **https, **{"Accept-Encoding": "gzip"}) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "gzip"
    assert "integrity=" not in page
    assert "Traceback" not in log.read_text()
    assert GIVEN["SECRET_KEY"] not in log.read_text()


PUBLISH = "import sys; from francesante.celery import app; [app.send_task(name) for name in sys.argv[1:]]"


@pytest.mark.embedded
def test_worker_and_beat(service, prepared, tmp_path):
    _, worker_log = service("worker")
    _, beat_log = service("beat")
    wait_for(lambda: "ready." in worker_log.read_text(), worker_log)
    assert healthy("worker", prepared, tmp_path), worker_log.read_text()
    wait_for(lambda: "beat: Starting..." in beat_log.read_text(), beat_log)
    wait_for(lambda: healthy("beat", prepared, tmp_path), beat_log)

    # Every task of the clock is known to the worker and ends well, even when there is nothing to do.
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    run([sys.executable, "-c", PUBLISH, *scheduled], prepared)
    done = re.compile(r"Task (\S+?)\[\S+\] succeeded")
    wait_for(lambda: scheduled <= set(done.findall(worker_log.read_text())), worker_log)
    assert "ERROR" not in worker_log.read_text()
