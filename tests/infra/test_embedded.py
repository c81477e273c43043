"""The embedded server, started and killed in every way that happens."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from isotope.infra.embedded import NOT_DURABLE, EmbeddedError, EmbeddedPostgres, database_url, running_url
from tests.kit.waiting import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="speaks of what root may do")


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder below a folder closed to others, as /root is."""
    closed = Path(tempfile.mkdtemp(prefix="isotope-embedded-"))
    yield closed / "data"
    shutil.rmtree(closed)


def _server(data: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(data, settings=NOT_DURABLE)


def _insert(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("insert into kept values (1)")


def _count(url: str) -> int:
    with psycopg.connect(url) as connection:
        [(count,)] = connection.execute("select count(*) from kept").fetchall()
        return int(count)


def _socket_dir(url: str) -> Path:
    return Path(psycopg.conninfo.conninfo_to_dict(url)["host"])  # type: ignore[arg-type]


def test_cold_then_warm_keeps_the_data_and_leaves_no_socket(data: Path) -> None:
    with _server(data) as server:
        _insert(server.url)
        socket_dir = _socket_dir(server.url)
        assert socket_dir.exists()
        assert running_url(data) == server.url
    assert not socket_dir.exists()
    assert running_url(data) is None
    with _server(data) as server:
        assert _count(server.url) == 1


def test_it_listens_on_its_socket_only(data: Path) -> None:
    with _server(data) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        assert connection.execute("select version() like 'PostgreSQL 18%'").fetchone() == (True,)


def test_a_second_owner_of_the_folder_is_refused(data: Path) -> None:
    with _server(data), pytest.raises(EmbeddedError, match=rf"in use by process {os.getpid()}.*DATA=\.\.\."):
        _server(data).start()


def test_two_folders_side_by_side(data: Path) -> None:
    with _server(data) as one, _server(data.parent / "other") as other:
        _insert(one.url)
        with psycopg.connect(other.url) as connection:
            assert connection.execute("select to_regclass('kept')").fetchone() == (None,)


def test_a_killed_server_is_started_again_at_the_same_address_with_all_that_was_committed(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        url = server.url
        _insert(url)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.is_alive(), "the server is gone")
        assert (data / "postgres" / "postmaster.pid").exists()
        server.restart()
        assert server.url == url
        assert _count(url) == 1


def test_a_stale_pid_file_whose_number_belongs_to_another_process(data: Path) -> None:
    with _server(data) as server:
        _insert(server.url)
    # Ours is alive for sure, and is no PostgreSQL.
    (data / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{data}/postgres\n1\n5432\n\n\n")
    with _server(data) as server:
        assert _count(server.url) == 1


_OWNER = """
import sys, time
from pathlib import Path
from isotope.infra.embedded import NOT_DURABLE, EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings=NOT_DURABLE)
print(server.start(), server.pid, flush=True)
time.sleep(600)
"""


def test_the_server_ends_with_its_killed_owner_and_the_next_start_takes_over(data: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _OWNER, str(data)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        url, pid = owner.stdout.readline().split()
        _insert(url)
        owner.kill()
    wait_until(lambda: not _is_running(int(pid)), "the server ended by itself")
    left_socket = _socket_dir(url)
    with _server(data) as server:
        assert _count(server.url) == 1
        assert not left_socket.exists()


def test_a_server_that_outlived_its_owner_is_stopped_by_the_next_start(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isotope.infra.embedded._knows_pdeathsig", lambda _setpriv: False)
    orphan = _server(data)
    orphan.start()
    _insert(orphan.url)
    pid = orphan.pid
    assert pid is not None
    # The owner dies: the kernel takes its lock away, nobody stops the server.
    assert orphan._lock is not None
    orphan._lock.close()
    process, orphan._process = orphan._process, None
    with _server(data) as server:
        assert server.pid != pid
        assert _count(server.url) == 1
    assert process is not None
    assert process.wait(10) == 0


def test_what_a_cut_off_first_start_left_is_made_anew(data: Path) -> None:
    half = data / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with _server(data) as server:
        _insert(server.url)
    assert not half.exists()


def test_a_folder_of_another_version_is_refused(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 15, the installed package brings 18"):
        _server(data).start()
    # The refusal holds nothing: the folder can be used otherwise at once.
    shutil.rmtree(data / "postgres")
    with _server(data):
        pass


def test_a_server_that_cannot_start_says_why(data: Path) -> None:
    with pytest.raises(EmbeddedError, match="shared_buffers"):
        EmbeddedPostgres(data, settings={"shared_buffers": "a lot"}).start()


def test_a_command_uses_the_running_server_or_starts_one(data: Path) -> None:
    with database_url(data) as url:
        _insert(url)
    assert running_url(data) is None
    with _server(data) as server, database_url(data) as url:
        assert url == server.url
        assert _count(url) == 1
    with database_url(data, "postgresql://elsewhere/isotope") as url:
        assert url == "postgresql://elsewhere/isotope"


@needs_root
def test_run_by_root_nobody_else_gets_in(data: Path) -> None:
    with _server(data) as server:
        cluster = data / "postgres"
        assert cluster.stat().st_mode & 0o777 == 0o700
        assert cluster.owner() == "nobody"
        assert data.parent.stat().st_mode & 0o777 == 0o700
        assert data.parent.owner() == "root"
        done = _as("nobody", f"import psycopg; psycopg.connect({server.url!r})")
        assert done.returncode != 0
        assert "provided user name (isotope) and authenticated user name (nobody) do not match" in done.stderr or (
            "Peer authentication failed" in done.stderr
        )


@needs_root
def test_an_ordinary_user_runs_it_directly(data: Path) -> None:
    user = pwd.getpwnam("daemon")
    data.mkdir()
    os.chown(data, user.pw_uid, user.pw_gid)
    script = """
    import os, psycopg
    from pathlib import Path
    from isotope.infra.embedded import NOT_DURABLE, EmbeddedPostgres
    with EmbeddedPostgres(Path(%r), settings=NOT_DURABLE) as server, psycopg.connect(server.url) as connection:
        print(Path(f"/proc/{server.pid}").owner(), connection.execute("select 1").fetchone())
    """
    done = _as("daemon", textwrap.dedent(script) % str(data))
    assert done.stdout == "daemon (1,)\n", done.stderr


@needs_root
def test_root_without_setpriv_is_told_what_to_do(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(EmbeddedError, match=r"setpriv.*ordinary user.*ISOTOPE_DATABASE_URL"):
        _server(data).start()


def _as(user: str, script: str) -> subprocess.CompletedProcess[str]:
    who = pwd.getpwnam(user)
    command = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
    # It may pass closed folders, so that the test does not depend on where the repository lies.
    command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    command += [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
