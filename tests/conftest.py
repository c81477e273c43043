"""Fixtures of every test: a real PostgreSQL, a runtime on it, a clock that tests set.

One server serves the whole run. Under xdist the controlling process owns it and tells the workers its address; each
process has a database of its own. Tests share that database: each makes its own operator.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import settings

from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit.clock import SettableClock
from tests.kit.postgres import TestServer, drop_database, new_database

# The same examples in every run, and no time limit for one: machines differ.
settings.register_profile("isotope", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("isotope")

_TEMPLATE = "isotope_template_url"


class _ServerForWorkers:
    """Registered in xdist's controlling process only."""

    def __init__(self) -> None:
        self._server: TestServer | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        if self._server is None:
            self._server = TestServer()
        node.workerinput[_TEMPLATE] = self._server.template_url

    def pytest_unconfigure(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("dsession"):
        config.pluginmanager.register(_ServerForWorkers(), "isotope-postgres")


@pytest.fixture(scope="session")
def template_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database that others are copied from; never connect to it."""
    given = getattr(request.config, "workerinput", {}).get(_TEMPLATE)
    if given is not None:
        yield given
        return
    server = TestServer()
    yield server.template_url
    server.stop()


@pytest.fixture(scope="session")
def database_url(template_url: str) -> Iterator[str]:
    """The migrated database of this process."""
    url = new_database(template_url)
    yield url
    drop_database(url)


@pytest.fixture
def fresh_database_url(template_url: str) -> Iterator[str]:
    """A migrated database of this test alone, for what concerns all rows of the installation."""
    url = new_database(template_url)
    yield url
    drop_database(url)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest_asyncio.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, min_size=1, max_size=8)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture
async def rt(db: Database, clock: SettableClock) -> AsyncIterator[Runtime]:
    """A runtime on the real store.

    The hub is not started, because subscribing comes first: build what subscribes, then `await rt.hub.start()`.
    It is stopped for you.
    """
    hub = Hub(db.url)
    yield Runtime(db=db, clock=clock, hub=hub, jobs=Jobs())
    await hub.stop()
