"""What the provider knows, in SQLite: one connection, one thread, one transaction at a time."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

# Times are text, UTC, always with microseconds: they sort as they stand. Amounts are minor units.
_SCHEMA: Final = """
create table if not exists customer (
    id        text primary key,
    merchant  text not null
) strict;

create table if not exists card (
    id        text primary key,
    merchant  text not null,
    customer  text not null references customer,
    name      text not null,
    removed   integer not null default 0
) strict;

create table if not exists setup (
    id          text primary key,
    token       text not null unique,
    merchant    text not null,
    customer    text not null references customer,
    status      text not null default 'pending',
    card        text references card,
    code        text,
    return_url  text not null,
    cancel_url  text not null
) strict;

create table if not exists payment (
    id           text primary key,
    token        text not null unique,
    merchant     text not null,
    card         text not null references card,
    amount       integer not null check (amount > 0),
    currency     text not null,
    takes        integer not null,
    status       text not null,
    captured     integer not null default 0 check (captured between 0 and amount),
    refunded     integer not null default 0 check (refunded between 0 and captured),
    code         text,
    key          text not null,
    confirm_url  text,
    return_url   text not null,
    description  text not null,
    dispute_at   text,
    at           text not null
) strict;
create index if not exists payment_card on payment (card);
create index if not exists payment_disputed on payment (dispute_at) where dispute_at is not null;

create table if not exists refund (
    id        text primary key,
    payment   text not null references payment,
    amount    integer not null check (amount > 0),
    at        text not null
) strict;

create table if not exists dispute (
    id        text primary key,
    merchant  text not null,
    payment   text not null references payment,
    status    text not null,
    amount    integer not null check (amount > 0),
    at        text not null
) strict;
create index if not exists dispute_payment on dispute (payment);

create table if not exists movement (
    seq       integer primary key,
    merchant  text not null,
    kind      text not null,
    ref       text not null,
    payment   text not null,
    amount    integer not null check (amount > 0),
    currency  text not null,
    at        text not null,
    call_key  text,
    unique (kind, ref)
) strict;
create index if not exists movement_at on movement (merchant, at, seq);

-- Idempotency: what was answered to a key.
create table if not exists call (
    merchant     text not null,
    key          text not null,
    fingerprint  text not null,
    kind         text not null,
    -- null: it runs
    status       integer,
    body         text,
    payment      text,
    primary key (merchant, key)
) strict;
-- Keys whose first request got lost on purpose.
create table if not exists lost (
    merchant  text not null,
    key       text not null,
    primary key (merchant, key)
) strict;

-- Webhooks that are still to be sent.
create table if not exists event (
    seq       integer primary key autoincrement,
    id        text not null unique,
    payment   text,
    body      text not null,
    twice     integer not null,
    attempts  integer not null default 0
) strict;
"""


class Store:
    """Everything is done by one thread, so a transaction never meets another.

    Args:
        path: the file; None keeps it in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="card-sandbox")
        self._connection = self._thread.submit(_open, path).result()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do it in a transaction; an exception rolls back."""
        return await asyncio.wrap_future(self._thread.submit(self._transact, work))

    def run_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same for threads without a loop."""
        return self._thread.submit(self._transact, work).result()

    def close(self) -> None:
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._connection.execute("begin immediate")
        try:
            result = work(self._connection)
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
        return result


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    # A killed process loses nothing that was committed; only a machine without power may.
    connection.executescript("pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on;")
    connection.executescript(_SCHEMA)
    # What ran when the process was killed did not happen: effect and answer are one transaction.
    connection.execute("delete from call where status is null")
    return connection
