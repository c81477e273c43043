"""Fixtures of every test: a real PostgreSQL, a runtime on it, a clock that tests set.

One server serves the whole run. Under xdist the controlling process owns it and tells the workers its address; each
process has a database of its own, and now and then a fresh one, since what looks at all operators takes the longer the
more there are. Tests share a database: each makes its own operator.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

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


class _Databases:
    """The migrated database of this process, changed for a fresh one after so many tests."""

    TESTS: Final = 40

    def __init__(self, template_url: str) -> None:
        self._template_url = template_url
        self._url: str | None = None
        self._tests = 0

    def url(self) -> str:
        if self._tests == self.TESTS:
            self.drop()
        if self._url is None:
            self._url, self._tests = new_database(self._template_url), 0
        self._tests += 1
        return self._url

    def drop(self) -> None:
        if self._url is not None:
            drop_database(self._url)
            self._url = None


@pytest.fixture(scope="session")
def databases(template_url: str) -> Iterator[_Databases]:
    made = _Databases(template_url)
    yield made
    made.drop()


@pytest.fixture
def database_url(databases: _Databases) -> str:
    """A migrated database that some tests before may have used."""
    return databases.url()


@pytest.fixture(scope="module")
def module_database_url(template_url: str) -> Iterator[str]:
    """A migrated database of one module, for what lives as long as it, and for properties."""
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
