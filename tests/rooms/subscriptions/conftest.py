from collections.abc import Iterator

import pytest
import pytest_asyncio

from isotope.infra.runtime import Runtime
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.subscribers import Subscriber, a_subscriber


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@pytest_asyncio.fixture
async def subscriber(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> Subscriber:
    return await a_subscriber(rt, clock, sandbox)
