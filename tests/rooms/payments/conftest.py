from collections.abc import Iterator

import pytest
import pytest_asyncio

from isotope.infra.runtime import Runtime
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.shop import Shop, open_shop


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@pytest_asyncio.fixture
async def shop(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> Shop:
    return await open_shop(rt, clock, sandbox)
