"""`manage.py portal` as a person lives it: start, look, kill, start again."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings

from francesante.lib.embedded import EmbeddedServers
from francesante.management.commands import portal as command
from francesante.management.commands.portal import PUBLIC_SERVICES

pytestmark = pytest.mark.embedded

READY = "Portail France Santé :"


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def portal(tmp_path, free_port):
    """A function that starts the supervisor on this test's own data and port."""
    started = []
    chosen = {"PORTAL_VAR": str(tmp_path), "PORT": str(free_port), "DJANGO_SETTINGS_MODULE": "francesante.settings"}
    chosen |= dict.fromkeys(PUBLIC_SERVICES, "")  # A test leaves the machine alone.
    removed = {"DATABASE_URL", "REDIS_URL", "DEMO", "DEMO_DATA", "PRODUCTION"}

    def start(**changes):
        process = subprocess.Popen(
            [sys.executable, "manage.py", "portal"],
            cwd=settings.BASE_DIR,
            env={name: value for name, value in os.environ.items() if name not in removed} | chosen | changes,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
    EmbeddedServers(tmp_path).stop()


def test_only_the_services_in_reach_are_named_and_what_is_set_is_kept(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = f"http://127.0.0.1:{listening.getsockname()[1]}"
        monkeypatch.setattr(command, "PUBLIC_SERVICES", {"HERE": here, "NOBODY": "http://127.0.0.1:1", "SET": here})
        for name in ("HERE", "NOBODY"):
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)
        monkeypatch.setenv("SET", "")
        command._name_services_in_reach()
    assert (os.environ["HERE"], os.environ.get("NOBODY"), os.environ["SET"]) == (here, None, "")


def wait_until_ready(process):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if READY in line:
            return
    pytest.fail("".join(lines))


def children(process):
    """Direct children, by name of program."""
    pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in pids}
    return {
        name: pid
        for pid, command in commands.items()
        for name in ("gunicorn", "worker", "beat")
        if f" {name} " in command
    }


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "still waiting"
        time.sleep(0.05)


def alive(pid):
    try:
        return "Z" not in re.search(r"State:\s+(\S)", Path(f"/proc/{pid}/status").read_text()).group(1)
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_life_and_deaths(portal, tmp_path, free_port):
    servers = EmbeddedServers(tmp_path)

    # From an empty directory to a page; then the supervisor is killed outright.
    first = portal()
    wait_until_ready(first)
    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/sante/") as answer:
        assert answer.status == 200
    programs = children(first)
    assert set(programs) == {"gunicorn", "worker", "beat"}
    first.kill()
    first.wait()
    wait_for(lambda: not any(map(alive, programs.values())))

    # The next start finds servers left behind and uses them; the death of any program ends everything, and says so.
    second = portal()
    wait_until_ready(second)
    os.kill(children(second)["beat"], signal.SIGKILL)
    output, _ = second.communicate(timeout=90)
    assert second.returncode == 1
    assert "« beat » s'est arrêté" in output
    assert servers._postgres_processes() + servers._valkey_processes() == []

    # A second portal on the same data is refused; a polite end leaves nothing running.
    third = portal()
    wait_until_ready(third)
    rival = portal(PORT="0")
    output, _ = rival.communicate(timeout=90)
    assert rival.returncode == 1
    assert "Un portail tourne déjà" in output
    programs = children(third)
    third.terminate()
    output, _ = third.communicate(timeout=90)
    assert third.returncode == 0, output
    assert not any(map(alive, programs.values()))
    assert servers._postgres_processes() + servers._valkey_processes() == []


def test_taken_port_is_said_before_anything_starts(portal, tmp_path, free_port):
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", free_port))
        occupant.listen()
        process = portal()
        output, _ = process.communicate(timeout=90)
    assert process.returncode == 1
    assert f"Le port {free_port} n'est pas libre" in output
    assert not (tmp_path / "pg").exists()
