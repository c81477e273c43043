"""Migrations against a real server, of which each test has a database of its own."""

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from isotope.infra.migrate import Migration, MigrationError, load_migrations, migrate, pending
from tests.kit.postgres import create_database, drop_database, with_database


@pytest.fixture
def empty_url(template_url: str) -> Iterator[str]:
    url = with_database(template_url, f"isotope_migrate_{uuid.uuid4().hex[:8]}")
    create_database(url)
    yield url
    drop_database(url)


ONE = Migration("0001_one.sql", "create table one (n int); insert into one values (1)")
TWO = Migration("0002_two.sql", "alter table one add column text text not null default 'kept'")


def _rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_fresh_database_gets_everything_once(empty_url: str) -> None:
    ours = [one.name for one in load_migrations()]
    assert pending(empty_url)[1:] == ours
    applied = migrate(empty_url)
    assert applied[0].startswith("procrastinate/schema@")
    assert applied[1:] == ours
    assert migrate(empty_url) == []
    assert pending(empty_url) == []
    assert _rows(
        empty_url, "select to_regclass('ride') is not null, to_regclass('procrastinate_jobs') is not null"
    ) == [(True, True)]


def test_an_upgrade_keeps_the_data(empty_url: str) -> None:
    migrate(empty_url, [ONE])
    assert migrate(empty_url, [ONE, TWO]) == [TWO.name]
    assert _rows(empty_url, "select n, text from one") == [(1, "kept")]


def test_every_upgrade_of_ours_from_the_state_before_it(empty_url: str) -> None:
    """One file at a time, as installations that update often go through them."""
    ours = load_migrations()
    for count in range(1, len(ours) + 1):
        assert migrate(empty_url, ours[:count])[-1] == ours[count - 1].name


def test_a_changed_file_is_refused(empty_url: str) -> None:
    migrate(empty_url, [ONE, TWO])
    changed = Migration(ONE.name, ONE.sql + " ")
    with pytest.raises(MigrationError, match=r"0001_one\.sql was changed after it was applied"):
        migrate(empty_url, [changed, TWO])


def test_a_database_of_a_newer_version_is_refused(empty_url: str) -> None:
    migrate(empty_url, [ONE, TWO])
    with pytest.raises(MigrationError, match=r"0002_two\.sql.*newer"):
        migrate(empty_url, [ONE])


def test_a_file_before_an_applied_one_is_refused(empty_url: str) -> None:
    migrate(empty_url, [TWO_ALONE])
    with pytest.raises(MigrationError, match=r"0001_one\.sql comes before 0002_two\.sql"):
        migrate(empty_url, [ONE, TWO_ALONE])


TWO_ALONE = Migration(TWO.name, "create table two (n int)")


def test_a_failing_file_leaves_nothing_of_itself(empty_url: str) -> None:
    broken = Migration("0002_broken.sql", "create table half (n int); select 1 / 0")
    with pytest.raises(MigrationError, match=r"0002_broken\.sql: division by zero"):
        migrate(empty_url, [ONE, broken])
    assert _rows(empty_url, "select to_regclass('one') is not null, to_regclass('half')") == [(True, None)]
    assert migrate(empty_url, [ONE, TWO]) == [TWO.name]


def test_processes_that_migrate_at_once_do_it_once(empty_url: str) -> None:
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate(empty_url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(names) for names in applied) == [0, 0, 0, 1 + len(load_migrations())]


def test_it_does_not_wait_long_for_a_locked_table_and_comes_again(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isotope.infra.migrate._LOCK_TIMEOUT", "50ms")
    migrate(empty_url, [ONE])
    with psycopg.connect(empty_url) as blocker:
        blocker.execute("select from one")
        tries: list[float] = []

        def let_go_at_the_second(wait_s: float) -> None:
            tries.append(wait_s)
            if len(tries) == 2:
                blocker.rollback()

        monkeypatch.setattr("time.sleep", let_go_at_the_second)
        assert migrate(empty_url, [ONE, TWO]) == [TWO.name]
    assert tries == [1, 2]


def test_a_table_locked_for_good_is_reported(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isotope.infra.migrate._LOCK_TIMEOUT", "20ms")
    monkeypatch.setattr("time.sleep", lambda _wait_s: None)
    migrate(empty_url, [ONE])
    with psycopg.connect(empty_url) as blocker:
        blocker.execute("select from one")
        with pytest.raises(MigrationError, match=r"0002_two\.sql: a table is locked"):
            migrate(empty_url, [ONE, TWO])


@pytest.mark.parametrize(
    ("names", "says"),
    [(["1_short.sql"], "1_short.sql"), (["0001_a.sql", "0001_b.sql"], "same number"), (["0001_A.sql"], "0001_A.sql")],
)
def test_misnamed_files_are_refused(tmp_path: Path, names: list[str], says: str) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1")
    with pytest.raises(MigrationError, match=says):
        load_migrations(tmp_path)


def test_the_queue_is_upgraded_by_its_own_steps(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database made with an older queue gets the steps since, and only those."""
    from isotope.infra import migrate as module  # noqa: PLC0415 - what is replaced

    migrate(empty_url, [])
    real = module._queue_steps()
    newer = Migration("procrastinate/99.01.00_01_pre_new.sql", "create table new_in_queue (n int)")
    after = Migration("procrastinate/99.01.00_50_post_new.sql", "alter table new_in_queue add m int")
    monkeypatch.setattr(module, "_queue_steps", lambda: [*real, newer, after])
    assert migrate(empty_url, []) == [newer.name, after.name]
    assert migrate(empty_url, []) == []
