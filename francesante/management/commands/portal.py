"""`manage.py portal`: the whole portal on one machine, from an empty directory to a page that answers."""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from francesante.lib.embedded import EmbeddedServerError, EmbeddedServers

PORT_SECONDS = 3
READY_SECONDS = 90
STOP_SECONDS = 15
WATCH_SECONDS = 0.5
LOG_LINES = 15
PR_SET_PDEATHSIG = 1

REACH_SECONDS = 1
PUBLIC_SERVICES = {
    "ANNUAIRE_URL": "https://recherche-entreprises.api.gouv.fr",
    "GEOCODING_URL": "https://data.geopf.fr/geocodage",
}
"""Other services of the State, asked when this machine reaches them; a variable that is set, even to nothing, is kept."""

PROGRAMS = {
    "web": ["-m", "gunicorn", "-c", "python:francesante.gunicorn_conf"],
    "worker": [
        "-m",
        "celery",
        "-A",
        "francesante",
        "worker",
        "-c",
        "2",
        "-l",
        "INFO",
        "--without-gossip",
        "--without-mingle",
    ],
    "beat": ["-m", "celery", "-A", "francesante", "beat", "-l", "INFO", "--pidfile="],
}


class Stopped(BaseException):
    """Someone asked for the end (Ctrl-C, SIGTERM, closed terminal)."""


@dataclass
class Child:
    """A program of the portal, with its log; it dies with the supervisor, however the supervisor dies."""

    name: str
    log: Path
    process: subprocess.Popen

    @classmethod
    def start(cls, name: str, words: list[str], log: Path) -> "Child":
        """Start a Python program, out of reach of the terminal's Ctrl-C; the previous log is kept as `.1`."""
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 -- fixed words
                [sys.executable, *words],
                cwd=settings.BASE_DIR,
                env={**os.environ, **({"C_FORCE_ROOT": "1"} if os.getuid() == 0 else {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 -- one prctl, before threads
            )
        return cls(name, log, process)

    def failure(self) -> str:
        """Return the obituary of a dead program, or nothing."""
        if self.process.poll() is None:
            return ""
        last_lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "\n".join([f"« {self.name} » s'est arrêté (code {self.process.returncode}).", *last_lines])


class Command(BaseCommand):
    help = "Lance le portail entier : base, file de tâches, site, tâches de fond. Ctrl-C arrête tout."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
        parser.add_argument(
            "--stop", action="store_true", help="arrête ce qu'un portail tué aurait laissé, puis s'en va"
        )

    def handle(self, *, port: int, stop: bool, **options) -> None:
        self.started = time.monotonic()
        servers: EmbeddedServers = settings.EMBEDDED_SERVERS
        if stop:
            servers.stop()
            EmbeddedServers(settings.VAR_DIR, purpose="test").stop()
            return
        os.environ["PORT"] = str(port)
        try:
            with _stop_on_signals(), ExitStack() as stack:
                _refuse_taken_port(port)
                stack.enter_context(_only_portal())
                stack.callback(self.say, "Arrêté.")
                if settings.EMBEDDED:
                    with self.step("PostgreSQL et Valkey"):
                        stack.enter_context(servers.running())
                self.prepare()
                _name_services_in_reach()
                children: list[Child] = []
                stack.callback(_stop_children, children)
                with self.step("Site"):
                    children.append(_start("web"))
                    _wait_for_home(port, children)
                children += [_start("worker"), _start("beat")]
                self.welcome(port)
                _watch(children, servers if settings.EMBEDDED else None)
        except Stopped:
            return
        except EmbeddedServerError as error:
            raise CommandError(str(error)) from error

    def prepare(self) -> None:
        """Bring the database to what the code expects; each part is a no-op once done."""
        with (_log_dir() / "prepare.log").open("w") as log:
            with self.step("Schéma de la base"):
                call_command("migrate", interactive=False, stdout=log, skip_checks=True)
            with self.step("Territoires"):
                call_command("load_territories", if_needed=True, stdout=log)
            if settings.DEMO:
                with self.step("Jeu de démonstration"):
                    given = ["--data", os.environ["DEMO_DATA"]] if os.environ.get("DEMO_DATA") else []
                    call_command("load_demo", *given, stdout=log)
        connections.close_all()

    def welcome(self, port: int) -> None:
        """Say where the portal is and who may enter."""
        self.stdout.write(f"\nPortail France Santé : http://localhost:{port}/   ({self.elapsed()})")
        self.stdout.write(f"Journaux : {_log_dir()}   Ctrl-C pour tout arrêter.\n")
        if settings.DEMO:
            call_command("demo_accounts", stdout=self.stdout)
            connections.close_all()
        self.stdout.flush()

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Announce a step, then its duration."""
        begun = time.monotonic()
        self.stdout.write(f"[{self.elapsed():>7}] {label}…", ending="")
        self.stdout.flush()
        try:
            yield
        except BaseException:
            self.stdout.write(" interrompu.")
            raise
        self.stdout.write(f" {time.monotonic() - begun:.1f} s")
        self.stdout.flush()

    def say(self, sentence: str) -> None:
        """Write a line at once; a closed terminal is no reason to fail while stopping."""
        with suppress(OSError):
            self.stdout.write(f"[{self.elapsed():>7}] {sentence}")
            self.stdout.flush()

    def elapsed(self) -> str:
        """Return the time since the command began."""
        return f"{time.monotonic() - self.started:.1f} s"


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    """Turn the first request to stop into `Stopped`; the next ones wait for the stop to finish."""

    def stop(*_: object) -> None:
        for number in handled:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _die_with_parent() -> None:
    # The supervisor may be killed outright; nothing of it must then stay behind and hold the port.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def _only_portal() -> Iterator[None]:
    """Refuse a second portal on the same data: its clock would run every task twice."""
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.VAR_DIR / ".supervisor.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(f"Un portail tourne déjà sur les données de {settings.VAR_DIR}.") from error
        yield


def _refuse_taken_port(port: int) -> None:
    """Refuse a port held by someone else; the web process of a portal killed a moment ago is given time to leave."""
    deadline = time.monotonic() + PORT_SECONDS
    while error := _binding_error(port):
        if time.monotonic() > deadline:
            raise CommandError(
                f"Le port {port} n'est pas libre ({error.strerror}). Arrêtez ce qui l'occupe, "
                f"ou choisissez-en un autre : make run PORT={port + 1}"
            )
        time.sleep(0.2)


def _binding_error(port: int) -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ.get("BIND", "127.0.0.1"), port))
        except OSError as error:
            return error
    return None


def _name_services_in_reach() -> None:
    """Give the programs the public services that answer a connection at once; without network nothing waits for them."""
    missing = {name: address for name, address in PUBLIC_SERVICES.items() if name not in os.environ}
    found: dict[str, str] = {}

    def knock(name: str, address: str) -> None:
        parts = urlsplit(address)
        with suppress(OSError), socket.create_connection((parts.hostname, parts.port or 443), timeout=REACH_SECONDS):
            found[name] = address

    knocks = [threading.Thread(target=knock, args=pair, daemon=True) for pair in missing.items()]
    for one in knocks:
        one.start()
    deadline = time.monotonic() + REACH_SECONDS
    for one in knocks:
        # Resolving a name may take much longer than connecting.
        one.join(max(0, deadline - time.monotonic()))
    os.environ.update(dict(found))


def _log_dir() -> Path:
    directory: Path = settings.VAR_DIR / "log"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _start(name: str) -> Child:
    where = ["-s", str(settings.VAR_DIR / "celerybeat-schedule")] if name == "beat" else []
    return Child.start(name, [*PROGRAMS[name], *where], _log_dir() / f"{name}.log")


def _wait_for_home(port: int, children: list[Child]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _home_answers(port):
        _raise_failures(child.failure for child in children)
        if time.monotonic() > deadline:
            raise CommandError(f"Le site ne répond pas après {READY_SECONDS} s : voir {_log_dir()}.")
        time.sleep(0.1)


def _home_answers(port: int) -> bool:
    """Tell whether the home page comes; an error page is the site's answer too, and a failure."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30):
            return True
    except urllib.error.HTTPError as error:
        raise CommandError(f"La page d'accueil répond {error.code} : voir {_log_dir() / 'web.log'}.") from error
    except OSError:
        return False


def _watch(children: list[Child], servers: EmbeddedServers | None) -> None:
    """Return never: until someone stops the portal, or a part of it dies."""
    checks = [child.failure for child in children] + ([servers.failure] if servers else [])
    while True:
        time.sleep(WATCH_SECONDS)
        _raise_failures(checks)


def _raise_failures(checks: "Iterator[Callable[[], str]] | list[Callable[[], str]]") -> None:
    for check in checks:
        if failure := check():
            raise CommandError(failure)


def _stop_children(children: list[Child]) -> None:
    """Ask politely, all at once, then insist."""
    for child in children:
        child.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            # Its session holds its own children too.
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
