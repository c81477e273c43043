import asyncio
from datetime import timedelta

import pytest

from isotope.infra.hub import Hub
from isotope.infra.notified_cache import NotifiedCache
from isotope.kernel.ids import OperatorId
from tests.kit.clock import SettableClock

ONE, TWO = OperatorId(1), OperatorId(2)


class Source:
    """What is loaded: the number of the load; held back while the gate is closed."""

    def __init__(self) -> None:
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def load(self, _operator_id: OperatorId) -> int:
        self.loads += 1
        number = self.loads
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return number


@pytest.fixture
def hub() -> Hub:
    return Hub("")


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache(hub: Hub, source: Source, clock: SettableClock) -> NotifiedCache[int]:
    return NotifiedCache(hub, clock, ("changed", "also_changed"), source.load, life=timedelta(minutes=1))


async def test_loaded_once_for_each_operator_until_told(hub: Hub, cache: NotifiedCache[int]) -> None:
    assert [await cache.get(ONE), await cache.get(ONE), await cache.get(TWO)] == [1, 1, 2]
    for channel in ("changed", "also_changed"):
        before = await cache.get(ONE)
        hub._deliver(channel, "1")
        assert await cache.get(ONE) > before
    assert await cache.get(TWO) == 2
    hub._deliver("changed", "no number")
    hub._reset()
    assert await cache.get(TWO) > 2


async def test_loaded_anew_after_its_life(cache: NotifiedCache[int], clock: SettableClock) -> None:
    assert await cache.get(ONE) == 1
    clock.advance(seconds=59)
    assert await cache.get(ONE) == 1
    clock.advance(seconds=1)
    assert await cache.get(ONE) == 2


async def test_all_who_ask_at_once_wait_for_one_load(cache: NotifiedCache[int], source: Source) -> None:
    source.gate.clear()
    asking = [asyncio.create_task(cache.get(ONE)) for _ in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()  # one gives up, the others still get it
    source.gate.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [1] * 19


async def test_what_changes_while_it_is_loaded_is_not_kept(hub: Hub, cache: NotifiedCache[int], source: Source) -> None:
    source.gate.clear()
    asking = asyncio.create_task(cache.get(ONE))
    await asyncio.sleep(0)
    hub._deliver("changed", "1")
    later = asyncio.create_task(cache.get(ONE))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await asking, await later) == (1, 2)
    assert await cache.get(ONE) == 2


async def test_a_failure_is_told_to_all_who_wait_and_forgotten(cache: NotifiedCache[int], source: Source) -> None:
    source.error = LookupError("away")
    results = await asyncio.gather(*(cache.get(ONE) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [LookupError] * 3
    assert source.loads == 1
    source.error = None
    assert await cache.get(ONE) == 2
