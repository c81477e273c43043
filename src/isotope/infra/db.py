"""PostgreSQL: a pool, transactions as context managers, rows as typed classes.

Use cases open transactions, store functions take the `Tx` and never commit. While a
transaction is open, `infra.outbound` refuses to call anything over the network.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, Final, LiteralString, TypeVar

import psycopg
import structlog
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import class_row, dict_row, scalar_row, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from isotope.kernel.errors import Kind, Refusal

T = TypeVar("T")
Params = Mapping[str, Any] | Sequence[Any] | None

_log = structlog.get_logger(__name__)
_open_transaction: ContextVar[bool] = ContextVar("open_transaction", default=False)

# A statement, a lock or a forgotten transaction never holds others up longer than this.
SESSION_SETTINGS: Final = {
    "timezone": "UTC",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
RETRY_AFTER_S: Final = 2


def transaction_is_open() -> bool:
    """Whether this task is inside `read()` or `write()`."""
    return _open_transaction.get()


def store_unavailable() -> Refusal:
    """The database does not answer; the caller may come again."""
    return Refusal(Kind.UNAVAILABLE, "store_unavailable", retry_after_s=RETRY_AFTER_S)


def store_busy() -> Refusal:
    """A lock or a statement took too long, or two transactions stood in each other's way."""
    return Refusal(Kind.UNAVAILABLE, "store_busy", retry_after_s=1)


class Tx:
    """An open transaction. Parameters are `%(name)s`; rows come as the class that is asked for.

    A row class is a msgspec Struct or dataclass whose field names are the column names.
    """

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection
        self._after_commit: list[Callable[[], Awaitable[None] | None]] = []

    async def execute(self, sql: LiteralString, params: Params = None) -> int:
        """Run a statement; how many rows it touched."""
        cursor = await self.connection.execute(sql, params)
        return cursor.rowcount

    async def execute_many(self, sql: LiteralString, params: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for every set of parameters, in one round trip (pipeline)."""
        async with self.connection.cursor() as cursor:
            await cursor.executemany(sql, params)

    async def one(self, row: Callable[..., T], sql: LiteralString, params: Params = None) -> T:
        """The one row there must be.

        Raises:
            LookupError: there is none; a bug of the caller.
        """
        found = await self.find(row, sql, params)
        if found is None:
            raise LookupError("a row that must exist does not")
        return found

    async def find(self, row: Callable[..., T], sql: LiteralString, params: Params = None) -> T | None:
        """The first row, or None."""
        async with self.connection.cursor(row_factory=class_row(row)) as cursor:  # type: ignore[arg-type]
            await cursor.execute(sql, params)
            return await cursor.fetchone()

    async def all(self, row: Callable[..., T], sql: LiteralString, params: Params = None) -> list[T]:
        """Every row; the statement itself bounds how many."""
        async with self.connection.cursor(row_factory=class_row(row)) as cursor:  # type: ignore[arg-type]
            await cursor.execute(sql, params)
            return await cursor.fetchall()

    async def dicts(self, sql: LiteralString, params: Params = None) -> list[dict[str, Any]]:
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(sql, params)
            return await cursor.fetchall()

    async def tuples(self, sql: LiteralString, params: Params = None, *, binary: bool = False) -> list[tuple[Any, ...]]:
        """Every row as a tuple; `binary` for values of many bytes, which are sent as they are."""
        async with self.connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(sql, params, binary=binary)
            return await cursor.fetchall()

    async def scalar(self, sql: LiteralString, params: Params = None) -> Any:
        """The first column of the first row, or None."""
        async with self.connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql, params)
            return await cursor.fetchone()

    def cursor(self) -> AsyncCursor[Any]:
        """For COPY."""
        return self.connection.cursor()

    async def notify(self, channel: str, payload: str) -> None:
        """Tell other processes; delivered when this commits, never when it rolls back. At most 7,999 bytes."""
        await self.connection.execute("select pg_notify(%s, %s)", (channel, payload))

    def after_commit(self, call: Callable[[], Awaitable[None] | None]) -> None:
        """Run once the commit is done (to update this process's memory). Must not fail."""
        self._after_commit.append(call)


class Database:
    """The pool of connections of one process."""

    def __init__(self, url: str, *, min_size: int = 1, max_size: int = 10, wait_s: float = 5.0) -> None:
        self.url = url
        options = " ".join(f"-c {key}={value}" for key, value in SESSION_SETTINGS.items())
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            url,
            min_size=min_size,
            max_size=max_size,
            timeout=wait_s,
            # A bounded queue: beyond it callers are told to come again instead of waiting behind each other.
            max_waiting=max_size * 20,
            reconnect_timeout=5.0,
            open=False,
            kwargs={"autocommit": True, "options": options},
        )

    async def open(self, *, wait: bool = True) -> None:
        await self._pool.open(wait=wait, timeout=30.0)

    async def close(self) -> None:
        await self._pool.close()

    def stats(self) -> dict[str, int]:
        """Sizes and waits of the pool, for metrics."""
        return self._pool.get_stats()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """A read-committed transaction that commits when the block ends and rolls back when it raises.

        Raises:
            Refusal: `store_unavailable` when the database does not answer, `store_busy` on lock
                time-outs, deadlocks and statement time-outs.
        """
        async with self._transaction("begin") as tx:
            yield tx

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """One consistent, read-only look at the store."""
        async with self._transaction("begin isolation level repeatable read read only") as tx:
            yield tx

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[Tx]:
        """For one statement, which is a transaction of its own: a third of the round trips of `read()` and `write()`.

        Several statements in it do not see the same moment, and each is committed when it is done.
        """
        async with self._transaction(None) as tx:
            yield tx

    @asynccontextmanager
    async def _transaction(self, begin: LiteralString | None) -> AsyncIterator[Tx]:
        if _open_transaction.get():
            raise RuntimeError("a transaction is already open in this task")
        cancels = _cancels()
        try:
            with _store_faults_as_refusals():
                async with self._pool.connection() as connection:
                    if begin is not None:
                        await connection.execute(begin)
                    tx = Tx(connection)
                    token = _open_transaction.set(True)
                    try:
                        yield tx
                    except BaseException:
                        if begin is not None and not connection.closed:
                            await connection.rollback()
                        raise
                    else:
                        if begin is not None:
                            await connection.commit()
                    finally:
                        _open_transaction.reset(token)
            for call in tx._after_commit:  # noqa: SLF001 - the transaction is ours
                result = call()
                if result is not None:
                    await result
        finally:
            # The driver waits with `asyncio.wait_for`, which up to Python 3.11 can swallow a cancellation. The task
            # would go on for ever, and whoever ends it would wait for ever.
            if _cancels() > cancels:
                raise asyncio.CancelledError


@contextmanager
def _store_faults_as_refusals() -> Iterator[None]:
    try:
        yield
    except (
        psycopg.errors.LockNotAvailable,
        psycopg.errors.QueryCanceled,
        psycopg.errors.DeadlockDetected,
    ) as error:
        _log.warning("store.busy", error=type(error).__name__)
        raise store_busy() from error
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.IdleInTransactionSessionTimeout,
        PoolTimeout,
        PoolClosed,
        TooManyRequests,
    ) as error:
        _log.warning("store.unavailable", error=type(error).__name__)
        raise store_unavailable() from error


def _cancels() -> int:
    """How often this task was told to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()
