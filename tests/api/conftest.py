from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from isotope.infra.runtime import Runtime
from tests.kit.card_api import Customer, make_customer, run_card_api
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.http import Api, run_api


@pytest_asyncio.fixture
async def api(rt: Runtime, tmp_path: Path) -> AsyncIterator[Api]:
    async with run_api(rt, tmp_path) as running:
        yield running


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    """A card provider on a socket."""
    with running_sandbox(clock) as running:
        yield running


@pytest_asyncio.fixture
async def card_api(rt: Runtime, tmp_path: Path, sandbox: SandboxKit) -> AsyncIterator[Api]:
    """The application with that provider."""
    async with run_card_api(rt, tmp_path, sandbox) as running:
        yield running


@pytest_asyncio.fixture
async def rita(card_api: Api, sandbox: SandboxKit) -> Customer:
    """A rider of an operator of her own."""
    return await make_customer(card_api, sandbox)
