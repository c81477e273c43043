"""A rider of taxis, and a provider of cards for them."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from isotope.infra.runtime import Runtime
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.trips import Trips, some_trips


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@pytest_asyncio.fixture
async def trips(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> AsyncIterator[Trips]:
    async with some_trips(rt, clock, sandbox) as made:
        yield made
