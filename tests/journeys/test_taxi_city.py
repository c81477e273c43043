"""A town of taxis: 200 requests over 60 drivers, in the streets of Helsinki's centre as OpenStreetMap has them.

Simulated drivers and riders speak HTTP with the application of this process. The test's clock goes on by steps; after each
step the worker's two looks at trips run, then every driver and every rider whose turn it is does what it has to. People
decline, let offers pass, lose the connection, give trips up, cancel, do not come, and order for later.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx2
import pytest_asyncio

from isotope.domain.maps import ImportPlaces, import_places
from isotope.domain.taxi import dispatch_trips, watch_trips
from isotope.domain.tenants import get_operator_by_slug
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import check_ledger, trial_balance
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.provisioning import apply_folder, read_folder
from isotope.simulator.api import Api, ApiRefused
from isotope.simulator.app import App
from isotope.simulator.driver_app import DriverApp, load_drivers
from isotope.simulator.drivers import BUSY_STEP_S, Driver, Manners
from isotope.simulator.passengers import Hail, draw_wish
from isotope.simulator.taxi_app import TaxiApp
from isotope.simulator.taxi_street import Area, Street
from tests.journeys.kit.system import DEMO_CITY
from tests.kit.clock import SettableClock
from tests.kit.http import Api as HttpApi
from tests.kit.http import run_api
from tests.kit.maps import helsinki_places
from tests.kit.riders import make_rider

SEED: Final = 1917
REQUESTS: Final = 200
RIDERS: Final = 100
DRIVERS: Final = 60
STEP_S: Final = 10.0
# While there are trips for later only.
QUIET_STEP_S: Final = 30.0
# Of whoever has nothing to do; an offer lives longer.
IDLE_S: Final = 30.0
MOST_STEPS: Final = 500
LATER_MIN: Final = (12.0, 16.0)
AT_ONCE: Final = 6
NO_SHOW_EVERY: Final = 40
# The middle of the extract, and what lies within it.
AREA: Final = Area(Point(60.1700, 24.9420), 1_100)
# Drivers move six times as fast as real ones: still no faster than a position may.
SPEED: Final = 6.0
MANNERS: Final = Manners(silent_s=(100.0, 600.0), loses_connection=0.15, gives_up=0.06, takes_a_break=0.0)


@dataclass
class Town:
    """Everybody in it, and what they did."""

    rt: Runtime
    api: HttpApi
    clock: SettableClock
    operator: Operator
    phone: Api
    drivers: list[Driver]
    apps: list[App]
    street: Street = field(default_factory=Street)
    tally: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    async def rows(self, sql: Any) -> list[Any]:
        """Of a query whose only parameter is the operator."""
        async with self.rt.db.read() as tx:
            return await tx.tuples(sql, {"id": self.operator.id})


@pytest_asyncio.fixture
async def town(rt: Runtime, clock: SettableClock, tmp_path: Path) -> AsyncIterator[Town]:
    """The demo city under a name of its own, with the places of the extract."""
    places = helsinki_places("en", "fi", "sv")
    folder = _own_folder(tmp_path / "town")
    await apply_folder(rt, read_folder(folder))
    async with rt.db.read() as tx:
        operator = await get_operator_by_slug(tx, "taxi-town")
    await import_places(
        rt, ImportPlaces(operator=operator, source="helsinki", attribution="OpenStreetMap", places=places.places)
    )
    async with run_api(rt, tmp_path / "data") as api:
        transport = httpx2.ASGITransport(app=api.app)  # type: ignore[arg-type]
        rng = Random(SEED)
        phone = Api(
            "http://isotope.test",
            public_key="taxi-town-public",
            secret_key="taxi-town-secret",
            rng=rng,
            transport=transport,
        )
        found = Town(rt, api, clock, operator, phone, [], [])
        for number in load_drivers(folder):
            own = Random(rng.random())
            app = DriverApp(phone, own, number)
            found.drivers.append(
                Driver(app, AREA, found.street, own, found.tally, found.refused, SPEED, manners=MANNERS)
            )
        for _ in range(RIDERS):
            rider = await make_rider(rt, operator)
            app_of = App(phone, Random(rng.random()))
            app_of.token, app_of.user_id = rider.token, rider.id
            await app_of.add_money("100.00")
            found.apps.append(app_of)
        yield found
        await phone.aclose()


def _own_folder(folder: Path) -> Path:
    folder.mkdir()
    for name in ("operator.yaml", "taxi.yaml", "taxi_vehicles.csv", "drivers.csv"):
        (folder / name).write_text((DEMO_CITY / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "pricing.yaml").write_text("tariffs: {}\n", encoding="utf-8")
    (folder / "models.yaml").write_text("models: {}\n", encoding="utf-8")
    (folder / "vehicles.csv").write_text("nr,model,lat,lon\n", encoding="utf-8")
    (folder / "zones.geojson").write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    file = folder / "operator.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in (
        ("slug: demo", "slug: taxi-town"),
        ("offer_s: 20", "offer_s: 45"),
        ("demo-public", "taxi-town-public"),
        ("demo-secret", "taxi-town-secret"),
        ("admin@demo.test", "admin@taxi-town.test"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")
    return folder


@dataclass
class Turn:
    """Somebody, and when it is their turn again."""

    act: Callable[[datetime], Awaitable[float | None]]
    at: datetime


async def take_turns(turns: Sequence[Turn], now: datetime) -> list[Turn]:
    """Whoever's turn it is, some of them at once; who is left."""
    slots = asyncio.Semaphore(AT_ONCE)
    over: set[int] = set()

    async def one(turn: Turn) -> None:
        async with slots:
            again_s = await turn.act(now)
        if again_s is None:
            over.add(id(turn))
        else:
            turn.at = now + timedelta(seconds=again_s)

    await asyncio.gather(*(one(turn) for turn in turns if turn.at <= now))
    return [turn for turn in turns if id(turn) not in over]


class Shift:
    """A driver's, as turns."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def act(self, now: datetime) -> float | None:
        wait_s = await self._driver.step(now)
        # Who is on the way need not look before they are there.
        return min(IDLE_S, self._driver.left_s) if wait_s <= BUSY_STEP_S else IDLE_S


class Ride:
    """One of the requests, as a turn."""

    def __init__(self, town: Town, nr: int) -> None:
        self._town, self._nr, self._app = town, nr, town.apps[nr % RIDERS]
        self._rng = Random(SEED + nr)
        self._hail: Hail | None = None

    async def act(self, now: datetime) -> float | None:
        town = self._town
        try:
            if self._hail is None:
                return await self._begin(now)
            return None if await self._hail.step(now) else IDLE_S
        except ApiRefused as no:
            town.refused[no.code] += 1
            # Who is too poor, or in a trip still, comes again.
            return 30.0

    async def _begin(self, now: datetime) -> float | None:
        town = self._town
        local = now.astimezone(ZoneInfo(town.operator.time_zone))
        wish = draw_wish(self._rng, AREA, method="wallet", now=local, later_min=LATER_MIN)
        if self._nr % NO_SHOW_EVERY == 0:
            # Too seldom to be left to chance.
            wish = replace(wish, comes=False, leaves_after_s=None)
        hail = Hail(TaxiApp(self._app), wish, town.street, self._rng, town.tally)
        if not await hail.begin(now):
            return 30.0
        self._hail = hail
        return 5.0


async def live(town: Town) -> None:
    """Until every request is over; then until every driver is free."""
    start = town.clock.now()
    requests = [Ride(town, nr) for nr in range(REQUESTS)]
    riders = [Turn(ride.act, start + timedelta(seconds=30 + 1.5 * nr)) for nr, ride in enumerate(requests)]
    drivers: Sequence[Turn] = [Turn(Shift(driver).act, start) for driver in town.drivers]
    quiet = False
    services = town.api.services
    for _ in range(MOST_STEPS):
        now = town.clock.advance(seconds=QUIET_STEP_S if quiet else STEP_S)
        await dispatch_trips(town.rt, services.maps.roads, services.operators)
        await watch_trips(town.rt, services.cards, services.operators)
        drivers = await take_turns(drivers, now)
        riders = await take_turns(riders, now)
        going_on = await town.rows(OPEN)
        quiet = len(await town.rows("select from trip where operator_id = %(id)s")) >= REQUESTS and all(
            status == "SCHEDULED" for _id, status, _at in going_on
        )
        if not riders and not going_on:
            return
    raise AssertionError(f"it never ends: {len(riders)} riders wait, {await town.rows(OPEN)}")


OPEN: Final = """
    select id, status, scheduled_at from trip
     where operator_id = %(id)s and (status not in ('ENDED', 'CANCELED') or cash_due_minor > 0)
"""


async def test_no_request_is_lost_and_nobody_drives_two_trips(town: Town) -> None:
    await live(town)
    did = town.tally
    assert did["requested"] + did["scheduled"] == REQUESTS
    for word in ("scheduled", "declined", "let_pass", "silent", "gave_up", "cancelled", "no_show", "promised", "rated"):
        assert did[word] > 0, f"nobody {word}: {did}"
    # No request is lost: each has one end, which its rider heard of.
    assert await town.rows(
        "select count(*), count(*) filter (where closed_at is null) from trip where operator_id = %(id)s"
    ) == [(REQUESTS, 0)]
    assert did["ended"] + did["not_driven"] == REQUESTS
    assert did["ended"] == did["driven"] > REQUESTS / 2
    assert await town.rows(BROKEN_LOGS) == []
    # No driver is in two trips, and no trip has two of them.
    [(held,)] = await town.rows(f"{HELD} select count(*) from held")
    assert held >= did["driven"], "the look at who had which trip finds them at all"
    assert await town.rows(OVERLAPS) == []
    assert await town.rows(ACCEPTED_TWICE) == []
    assert await town.rows(OFFERED_STILL) == []
    # The books.
    async with town.rt.db.read() as tx:
        assert await check_ledger(tx, town.operator.id) == []
        sums = await trial_balance(tx, town.operator.id)
    assert sum(sums.values()) == 0
    assert await town.rows(WRONG_BALANCES) == []
    # Nothing was said that no driver and no rider can come across.
    assert set(town.refused) <= MAY_BE_REFUSED


# Somebody was faster, the rider left meanwhile, or has enough trips before them.
MAY_BE_REFUSED: Final = {
    "debt_open",
    "driver_busy",
    "offer_ended",
    "offer_not_found",
    "offer_taken",
    "promise_clashes",
    "too_many_scheduled_trips",
    "too_many_trips",
    "trip_not_found",
    "trip_status",
    "trip_unaffordable",
}
# A driver who had one trip from here to there, and another one in the midst of it. Who gave one up is in its log.
HELD: Final = """
    with held as (
        select e.trip_id, coalesce(substring(e.actor from 'driver:(.*)')::bigint, t.driver_id) as driver_id,
               e.at as since,
               (select min(l.at) from trip_event l
                 where l.operator_id = e.operator_id and l.trip_id = e.trip_id and l.nr > e.nr
                   and l.to_status in ('ENDED', 'CANCELED', 'REQUESTED')) as until
          from trip_event e join trip t on t.operator_id = e.operator_id and t.id = e.trip_id
         where e.operator_id = %(id)s and e.to_status = 'ACCEPTED'
    )
"""
OVERLAPS: Final = f"""{HELD}
    select a.driver_id, a.trip_id, b.trip_id from held a
      join held b on b.driver_id = a.driver_id and b.trip_id <> a.trip_id and a.since <= b.since and b.since < a.until
"""
ACCEPTED_TWICE: Final = """
    select trip_id from trip_offer where operator_id = %(id)s and status = 'ACCEPTED'
     group by trip_id having count(*) > 1
"""
OFFERED_STILL: Final = "select id from trip_offer where operator_id = %(id)s and status = 'OPEN'"
# Each change begins where the one before it ended, and the last one is the trip's own.
BROKEN_LOGS: Final = """
    select * from (
        select e.trip_id, e.nr, e.from_status,
               lag(e.to_status) over (partition by e.trip_id order by e.nr) as before,
               lead(e.to_status) over (partition by e.trip_id order by e.nr) as later, e.to_status, t.status
          from trip_event e join trip t on t.operator_id = e.operator_id and t.id = e.trip_id
         where e.operator_id = %(id)s and e.to_status is not null
    ) as log
     where (before is not null and from_status <> before) or (later is null and to_status <> status)
"""
# What the operator owes a driver is what they earned but for the cash that they have.
WRONG_BALANCES: Final = """
    with earned as (
        select driver_id, sum(earned_minor - cash_minor) as minor from trip
         where operator_id = %(id)s and driver_id is not null group by driver_id
    )
    select d.id, a.balance_minor, e.minor
      from driver d
      left join ledger_account a on a.operator_id = d.operator_id and a.driver_id = d.id
      left join earned e on e.driver_id = d.id
     where d.operator_id = %(id)s and coalesce(a.balance_minor, 0) <> coalesce(e.minor, 0)
"""
