from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from isotope.infra.runtime import Runtime
from tests.kit.http import Api, run_api


@pytest_asyncio.fixture
async def api(rt: Runtime, tmp_path: Path) -> AsyncIterator[Api]:
    async with run_api(rt, tmp_path) as running:
        yield running
