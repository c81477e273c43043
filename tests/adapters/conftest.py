"""What is shared by all tests of adapters."""

from collections.abc import Iterator

import pytest

from tests.kit.localstripe import stop_localstripe


@pytest.fixture(scope="session", autouse=True)
def _no_localstripe_stays() -> Iterator[None]:
    """It is started by the first test that needs it."""
    yield
    stop_localstripe()
