import psycopg
import pytest

from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal


class _BoomError(Exception):
    pass


async def _count(rt: Runtime, name: str) -> int:
    async with rt.db.read() as tx:
        return int(await tx.scalar("select count(*) from procrastinate_jobs where task_name = %s", (name,)))


async def test_a_job_commits_with_its_cause(rt: Runtime) -> None:
    async with rt.db.write() as tx:
        await rt.jobs.defer(tx, "test_committed", lock="a", number=7)
        assert await tx.scalar("select count(*) from procrastinate_jobs where task_name = 'test_committed'") == 1
    assert await _count(rt, "test_committed") == 1


async def _defer_and_fail(rt: Runtime) -> None:
    async with rt.db.write() as tx:
        await rt.jobs.defer(tx, "test_rolled_back", number=7)
        raise _BoomError


async def test_a_job_rolls_back_with_its_cause(rt: Runtime) -> None:
    with pytest.raises(_BoomError):
        await _defer_and_fail(rt)
    assert await _count(rt, "test_rolled_back") == 0


async def _defer_on_a_cut_connection(rt: Runtime) -> None:
    async with rt.db.write() as tx:
        own = await tx.scalar("select pg_backend_pid()")
        with psycopg.connect(rt.db.url, autocommit=True) as cutter:
            cutter.execute("select pg_terminate_backend(%s)", (own,))
        await rt.jobs.defer(tx, "test_cut", number=7)


async def test_a_lost_connection_is_the_store_unavailable_not_a_bug(rt: Runtime) -> None:
    with pytest.raises(Refusal) as refused:
        await _defer_on_a_cut_connection(rt)
    assert refused.value.code == "store_unavailable"
