"""The launcher of the embedded servers, put through what laptops put it through."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import redis
from django.conf import settings

from francesante.lib import embedded
from francesante.lib.embedded import NOBODY, EmbeddedServerError, EmbeddedServers

pytestmark = pytest.mark.embedded


@pytest.fixture
def empty_root():
    """A directory of its own, which the server can reach even as nobody."""
    directory = Path(tempfile.mkdtemp(prefix="portal-test-"))
    directory.chmod(0o755)
    yield directory
    EmbeddedServers(directory).stop()
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Data made once, stopped properly, to be copied."""
    directory = tmp_path_factory.mktemp("made")
    with EmbeddedServers(directory).running():
        pass
    return directory


@pytest.fixture
def root(empty_root, made):
    """A directory that has already served."""
    shutil.copytree(made, empty_root, dirs_exist_ok=True)
    empty_root.chmod(0o755)
    return empty_root


def query(servers, sql):
    with closing(psycopg2.connect(host=str(servers.socket_dir), user="portal", dbname="portal")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None


def broker(servers):
    return closing(redis.Redis(unix_socket_path=str(servers.broker_socket)))


def postmaster(servers):
    return int((servers.pg_dir / "postmaster.pid").read_text().split()[0])


def leftovers(servers):
    return servers._postgres_processes() + servers._valkey_processes()


def kill_and_leave(servers, pids):
    """Do as a power cut or an OOM killer: processes vanish, and so does our share of the lock."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    servers._users.close()
    servers._users = None


def test_from_nothing_then_again(empty_root):
    servers = EmbeddedServers(empty_root)
    begun = time.monotonic()
    with servers.running():
        first = time.monotonic() - begun
        query(servers, "CREATE TABLE kept AS SELECT 'É' AS letter")
        assert query(servers, "SELECT lower(letter) FROM kept") == [("é",)]
        assert query(servers, "SHOW listen_addresses") == [("",)]
        assert query(servers, "SHOW fsync") == [("on",)]
        assert servers.socket_dir.stat().st_mode & 0o777 == 0o700
        assert servers.failure() == ""
    assert leftovers(servers) == []
    assert not servers.socket_dir.exists()
    begun = time.monotonic()
    with servers.running():
        assert query(servers, "SELECT letter FROM kept") == [("É",)]
        assert time.monotonic() - begun < 5
    assert first < 15


def test_contrib_extensions_that_migrations_need(root):
    servers = EmbeddedServers(root, purpose="test")
    with servers.running():
        for extension in ("btree_gist", "pg_trgm", "unaccent"):
            query(servers, f"CREATE EXTENSION {extension}")
        assert query(servers, "SHOW fsync") == [("off",)]


def test_postmaster_killed_keeps_what_was_committed(root):
    servers = EmbeddedServers(root)
    servers.acquire()
    query(servers, "CREATE TABLE kept AS SELECT 1 AS id")
    kill_and_leave(servers, [postmaster(servers)])
    with servers.running():
        assert query(servers, "SELECT id FROM kept") == [(1,)]


def test_everything_killed_keeps_rows_and_queued_tasks(root):
    servers = EmbeddedServers(root)
    servers.acquire()
    query(servers, "CREATE TABLE kept AS SELECT 1 AS id")
    with broker(servers) as client:
        client.lpush("celery", "task")
    time.sleep(1.2)  # Valkey writes its journal down once a second
    kill_and_leave(servers, leftovers(servers))
    # A killed process is gone when the system has buried it, a moment later on a busy machine.
    until = time.monotonic() + 5
    while not servers.failure() and time.monotonic() < until:
        time.sleep(0.05)
    assert "PostgreSQL" in servers.failure()
    with servers.running():
        assert query(servers, "SELECT id FROM kept") == [(1,)]
        with broker(servers) as client:
            assert client.llen("celery") == 1


def test_lock_file_naming_another_living_process(root):
    """After a reboot, the number of the old postmaster belongs to anyone."""
    servers = EmbeddedServers(root)
    with servers.running():
        content = (servers.pg_dir / "postmaster.pid").read_text().split("\n")
    content[0] = str(os.getpid())
    (servers.pg_dir / "postmaster.pid").write_text("\n".join(content))
    with servers.running():
        assert query(servers, "SELECT 1") == [(1,)]


def test_orphans_of_a_killed_process_are_reused(root):
    servers = EmbeddedServers(root)
    servers.acquire()
    before = postmaster(servers)
    kill_and_leave(servers, [])
    with servers.running():
        assert postmaster(servers) == before
    assert leftovers(servers) == []


def test_orphans_of_a_deleted_directory_are_replaced(root):
    servers = EmbeddedServers(root)
    servers.acquire()
    before = postmaster(servers)
    kill_and_leave(servers, [])
    for path in (servers.pg_dir, servers.valkey_dir):
        shutil.rmtree(path)
    with servers.running():
        assert postmaster(servers) != before
        assert query(servers, "SELECT 1") == [(1,)]
        assert servers.failure() == ""


def test_the_last_user_stops_the_servers(root):
    first, second = EmbeddedServers(root), EmbeddedServers(root)
    first.acquire()
    second.acquire()
    first.release()
    assert query(second, "SELECT 1") == [(1,)]
    second.release()
    assert leftovers(second) == []


def test_several_processes_at_once_from_nothing(empty_root):
    program = (
        "import sys; from pathlib import Path; from francesante.lib.embedded import EmbeddedServers\n"
        "with EmbeddedServers(Path(sys.argv[1])).running(): pass"
    )
    racers = [subprocess.Popen([sys.executable, "-c", program, empty_root], cwd=settings.BASE_DIR) for _ in range(4)]
    assert [racer.wait(60) for racer in racers] == [0, 0, 0, 0]
    assert leftovers(EmbeddedServers(empty_root)) == []


def test_interrupted_initialisation_starts_over(empty_root):
    (empty_root / "pg.new").mkdir()
    (empty_root / "pg.new" / "half").write_text("made")
    with EmbeddedServers(empty_root).running():
        assert not (empty_root / "pg.new").exists()


def test_data_of_another_version_are_refused_with_a_sentence(root):
    servers = EmbeddedServers(root)
    (servers.pg_dir / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedServerError, match="PostgreSQL 12"):
        servers.acquire()
    servers.stop()


def test_failed_start_quotes_the_log(root):
    servers = EmbeddedServers(root)
    (servers.pg_dir / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(EmbeddedServerError, match="nonsense"):
        servers.acquire()


def test_socket_directory_of_someone_else_is_refused(root):
    servers = EmbeddedServers(root)
    servers.socket_dir.symlink_to(root)
    try:
        with pytest.raises(EmbeddedServerError, match="autre compte"):
            servers.acquire()
    finally:
        servers.socket_dir.unlink()


def test_missing_binaries_say_what_to_do(root, monkeypatch):
    monkeypatch.setattr(embedded, "_package_dir", lambda name: None)
    monkeypatch.setattr(embedded.Path, "glob", lambda self, pattern: iter(()))
    with pytest.raises(EmbeddedServerError, match="DATABASE_URL"):
        _ = EmbeddedServers(root)._pg_bin


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="only root changes identity")
def test_root_without_namespaces_becomes_nobody_and_back(root):
    """Default Docker refuses user namespaces; data already made by one way must open by the other."""
    setpriv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    servers = EmbeddedServers(root)
    if subprocess.run([*setpriv, "test", "-x", servers._pg_bin / "postgres"], check=False).returncode:
        pytest.skip("nobody cannot reach the binaries here")
    servers.__dict__["_unprivileged"] = setpriv
    with servers.running():
        assert Path(f"/proc/{postmaster(servers)}").stat().st_uid == NOBODY
        query(servers, "CREATE TABLE kept AS SELECT 1 AS id")
    with EmbeddedServers(root).running():
        assert query(servers, "SELECT id FROM kept") == [(1,)]


@pytest.mark.parametrize(
    "binaries", sorted(Path("/usr/lib/postgresql").glob("*/bin")), ids=lambda path: path.parent.name
)
def test_binaries_of_the_system(empty_root, monkeypatch, binaries):
    monkeypatch.setenv("PORTAL_PG_BIN", str(binaries))
    servers = EmbeddedServers(empty_root)
    with servers.running():
        assert query(servers, "SELECT lower('ÉCOLE')") == [("école",)]
