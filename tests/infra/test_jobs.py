import pytest

from isotope.infra.runtime import Runtime


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
