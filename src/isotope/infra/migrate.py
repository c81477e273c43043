"""Brings a database to the state of the code: plain SQL files, in order, once, forward only.

The files are `isotope/migrations/NNNN_name.sql`. Each runs in a transaction of its own together with its row in
`schema_migration`. A file that was applied never changes: a differing checksum is refused. The job queue's own
tables (procrastinate) are applied the same way from the installed package.

Several processes may migrate at once: an advisory lock lets one work while the others wait. Statements wait only
shortly for locks, so that a migration never queues all traffic behind itself; it is tried again instead.
"""

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import psycopg
import structlog
from procrastinate.schema import SchemaManager
from psycopg import Connection

MINIMUM_SERVER_VERSION: Final = 150_000

_log = structlog.get_logger(__name__)

# Any number will do as long as every migrating process uses the same.
_ADVISORY_LOCK: Final = 1_769_239_411
_WAIT_FOR_OTHERS_S: Final = 60
_LOCK_TIMEOUT: Final = "3s"
_TRIES: Final = 5
_FILE_NAME: Final = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
_QUEUE_BASE: Final = "procrastinate"
_QUEUE_NAME: Final = re.compile(r"^\d{2}\.\d{2}\.\d{2}_\d{2}_(pre|post)_.+\.sql$")

_TABLE: Final = """
create table if not exists schema_migration (
    name        text primary key,
    checksum    text not null,
    applied_at  timestamptz not null default clock_timestamp()
)"""


class MigrationError(Exception):
    """The database cannot be brought to the state of the code; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `name` is its key in `schema_migration` for ever."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations(folder: Path | None = None) -> list[Migration]:
    """Our own files in order.

    Raises:
        MigrationError: a misnamed file, or two with one number.
    """
    root = resources.files("isotope.migrations") if folder is None else folder
    found: dict[str, Migration] = {}
    for file in root.iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = _FILE_NAME.match(file.name)
        if match is None:
            raise MigrationError(f"{file.name}: a migration is named NNNN_lower_case.sql")
        if match.group(1) in found:
            raise MigrationError(f"{file.name} and {found[match.group(1)].name} have the same number")
        found[match.group(1)] = Migration(file.name, file.read_text(encoding="utf-8"))
    return [found[number] for number in sorted(found)]


def migrate(url: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Apply what is missing; the names of what was applied, in order.

    Raises:
        MigrationError: the server is too old, an applied file was changed or is missing, or a statement fails
            (its transaction is rolled back, earlier files stay applied).
    """
    ours = load_migrations() if migrations is None else list(migrations)
    with _connect(url) as connection:
        if connection.info.server_version < MINIMUM_SERVER_VERSION:
            raise MigrationError(
                f"PostgreSQL {connection.info.server_version // 10_000} is too old: 15 or newer is needed"
            )
        connection.execute("select set_config('lock_timeout', %s, false)", (f"{_WAIT_FOR_OTHERS_S}s",))
        try:
            connection.execute("select pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
        except psycopg.errors.LockNotAvailable as error:
            raise MigrationError(
                f"another process has been migrating this database for more than {_WAIT_FOR_OTHERS_S} s"
            ) from error
        try:
            connection.execute("select set_config('lock_timeout', %s, false)", (_LOCK_TIMEOUT,))
            connection.execute(_TABLE)
            return _apply_missing(connection, ours)
        finally:
            if not connection.closed:
                connection.execute("select pg_advisory_unlock(%s)", (_ADVISORY_LOCK,))


def pending(url: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """The names of what `migrate` would apply.

    Raises:
        MigrationError: as `migrate`.
    """
    ours = load_migrations() if migrations is None else list(migrations)
    with _connect(url) as connection:
        exists = connection.execute("select to_regclass('schema_migration')").fetchone()
        applied = _applied(connection) if exists and exists[0] else {}
        _check_applied(ours, applied)
        return [one.name for one in _missing(ours, applied)]


def _connect(url: str) -> Connection[tuple[Any, ...]]:
    # Prepared statements are of no use here and break behind a pooling proxy.
    return psycopg.connect(url, autocommit=True, connect_timeout=10, prepare_threshold=None)


def _apply_missing(connection: Connection[tuple[Any, ...]], ours: Sequence[Migration]) -> list[str]:
    applied = _applied(connection)
    _check_applied(ours, applied)
    todo = _missing(ours, applied)
    for one in todo:
        _apply(connection, one)
    return [one.name for one in todo]


def _applied(connection: Connection[tuple[Any, ...]]) -> dict[str, str]:
    return dict(connection.execute("select name, checksum from schema_migration").fetchall())


def _check_applied(ours: Sequence[Migration], applied: dict[str, str]) -> None:
    known = {one.name: one for one in ours}
    for name, checksum in sorted(applied.items()):
        if name.startswith(_QUEUE_BASE):
            continue
        if name not in known:
            raise MigrationError(
                f"the database has the migration {name}, which this version does not: it was migrated by a newer "
                "one. Run that version, or restore a backup"
            )
        if known[name].checksum != checksum:
            raise MigrationError(
                f"{name} was changed after it was applied. Applied files never change: restore it as it was and put "
                "the change into a new file"
            )
    last = max((name for name in applied if name in known), default="")
    for one in ours:
        if one.name < last and one.name not in applied:
            raise MigrationError(f"{one.name} comes before {last}, which is applied already: give it the next number")


def _missing(ours: Sequence[Migration], applied: dict[str, str]) -> list[Migration]:
    return [one for one in (*_queue_migrations(applied), *ours) if one.name not in applied]


def _queue_migrations(applied: dict[str, str]) -> list[Migration]:
    """The job queue's schema: whole in a fresh database, else the package's steps since the version applied.

    The whole schema of a version equals all steps up to that version; which it was is in its name.
    """
    steps = _queue_steps()
    newest = steps[-1].name if steps else f"{_QUEUE_BASE}/none"
    bases = [name for name in applied if name.startswith(f"{_QUEUE_BASE}/schema@")]
    if not bases:
        return [Migration(f"{_QUEUE_BASE}/schema@{newest.removeprefix(_QUEUE_BASE + '/')}", SchemaManager.get_schema())]
    base = f"{_QUEUE_BASE}/{bases[0].partition('@')[2]}"
    # Names begin with version and number: they sort as they are to be applied, each version's `pre` before its `post`.
    return [step for step in steps if step.name > base]


def _queue_steps() -> list[Migration]:
    folder = Path(str(SchemaManager.get_migrations_path()))
    steps = [
        Migration(f"{_QUEUE_BASE}/{file.name}", file.read_text(encoding="utf-8"))
        for file in folder.glob("*.sql")
        if _QUEUE_NAME.match(file.name)
    ]
    return sorted(steps, key=lambda step: step.name)


def _apply(connection: Connection[tuple[Any, ...]], one: Migration) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            with connection.transaction():
                connection.execute(one.sql.encode())
                connection.execute(
                    "insert into schema_migration (name, checksum) values (%s, %s)", (one.name, one.checksum)
                )
        except psycopg.errors.LockNotAvailable as error:
            if attempt == _TRIES:
                raise MigrationError(
                    f"{one.name}: a table is locked by others for too long; try again when there is less traffic"
                ) from error
            _log.warning("migrate.locked", name=one.name, attempt=attempt)
            time.sleep(attempt)
        except psycopg.Error as error:
            raise MigrationError(f"{one.name}: {str(error).strip()}") from error
        else:
            _log.info("migrate.applied", name=one.name)
            return
