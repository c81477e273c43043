"""How simulated taxi drivers and their riders live: step by step, with apps that only remember what was done."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from isotope.kernel.geo import Point, distance_m
from isotope.simulator.api import ApiRefused
from isotope.simulator.driver_app import Fix, Job, Offered, Work, load_drivers
from isotope.simulator.drivers import Answer, Driver, Manners, choose_answer
from isotope.simulator.errors import SimulatorError
from isotope.simulator.passengers import Hail, Wish, draw_wish
from isotope.simulator.path import offset
from isotope.simulator.taxi_app import Quote, Ride
from isotope.simulator.taxi_street import Area, Street

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HERE = Point(60.17, 24.94)
AREA = Area(HERE, 500)
GOOD = Manners(declines=0, ignores=0, gives_up=0, loses_connection=0, is_paid_less=0, takes_a_break=0)


@dataclass
class FakeDriverApp:
    """Says what it was told to say, and remembers what was done."""

    offers: Sequence[Offered] = ()
    job: Job | None = None
    later: Sequence[Job] = ()
    is_online: bool = False
    noes: list[str] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)
    time_zone: str = "Europe/Helsinki"

    async def log_in(self) -> int:
        self.did.append("log_in")
        return 7

    async def work(self) -> Work:
        return Work(self.is_online, self.offers, self.job)

    async def go_online(self, vehicle_id: int, _at: Point) -> None:
        assert vehicle_id == 7
        self.is_online = True
        self.did.append("go_online")

    async def go_offline(self) -> None:
        self.is_online = False
        self.did.append("go_offline")

    async def send(self, fixes: Sequence[Fix]) -> None:
        assert 0 < len(fixes) <= 100
        self.fixes += fixes

    async def promised(self) -> Sequence[Job]:
        return self.later

    async def accept(self, offer_id: int) -> None:
        if self.noes:
            raise ApiRefused(409, self.noes.pop(), "no", {})
        self.did.append(f"accept {offer_id}")
        self.offers = ()

    async def decline(self, offer_id: int, _reason: str) -> None:
        self.did.append(f"decline {offer_id}")
        self.offers = ()

    async def set_off(self, trip_id: int) -> None:
        self.did.append(f"set_off {trip_id}")
        self.later = ()

    async def arrive(self, _trip_id: int) -> None:
        self._become("ARRIVED", "START")

    async def start(self, _trip_id: int, pin: str | None) -> None:
        self._become("STARTED", "END")
        self.did.append(f"pin {pin}")

    async def reach_stop(self, _trip_id: int, nr: int) -> None:
        assert self.job is not None
        self.did.append(f"stop {nr}")
        self.job = replace(self.job, next_stop=None)

    async def end(self, _trip_id: int) -> None:
        self._become("ENDED", "TAKE_CASH")
        assert self.job is not None
        self.job = replace(self.job, cash_due=Decimal("12.50"))

    async def take_cash(self, _trip_id: int, amount: Decimal) -> None:
        self.did.append(f"cash {amount}")
        self.job = None

    async def give_up(self, _trip_id: int, reason: str) -> None:
        self.did.append(f"give_up {reason}")
        self.job = None

    def _become(self, status: str, *actions: str) -> None:
        assert self.job is not None
        self.did.append(status)
        self.job = replace(self.job, status=status, actions=actions)


JOB = Job(
    id=1,
    status="ACCEPTED",
    actions=("ARRIVE",),
    points=(offset(HERE, 300, 0), offset(HERE, 300, 300), offset(HERE, 0, 600)),
    next_stop=1,
    pin_required=False,
    cash_due=Decimal(0),
)


def driver(app: FakeDriverApp, manners: Manners = GOOD, street: Street | None = None) -> Driver:
    return Driver(app, AREA, street or Street(), Random(3), Counter(), Counter(), manners=manners)  # type: ignore[arg-type]


async def steps(one: Driver, minutes: float, *, since: datetime = START) -> None:
    for nr in range(int(minutes * 20)):
        await one.step(since + timedelta(seconds=3 * nr))


@pytest.mark.parametrize(
    ("drawn", "answer"),
    [
        (0, Answer.DECLINE),
        (0.119, Answer.DECLINE),
        (0.12, Answer.IGNORE),
        (0.199, Answer.IGNORE),
        (0.2, Answer.ACCEPT),
        (0.99, Answer.ACCEPT),
    ],
)
def test_what_a_driver_does_about_an_offer(drawn: float, answer: Answer) -> None:
    assert choose_answer(drawn) is answer


@pytest.mark.asyncio
async def test_a_trip_from_the_acceptance_to_the_cash() -> None:
    app = FakeDriverApp(offers=[Offered(5, 1, 0, later=False)])
    one = driver(app)
    await steps(one, 0.2)
    assert app.did == ["log_in", "go_online", "accept 5"]
    app.job = JOB
    await steps(one, 12, since=START + timedelta(minutes=1))
    assert app.did[3:] == ["ARRIVED", "STARTED", "pin None", "stop 1", "ENDED", "cash 12.50"]
    assert distance_m(one.at, JOB.points[-1]) < 1_000
    # As fast as a car in a town, second by second.
    for before, after in zip(app.fixes, app.fixes[1:], strict=False):
        assert after.at >= before.at
        assert distance_m(before.point, after.point) <= 9.0 * (after.at - before.at) + 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("manners", "did"),
    [(replace(GOOD, declines=1), ["decline 5"]), (replace(GOOD, ignores=1), []), (GOOD, ["accept 5"])],
)
async def test_offers(manners: Manners, did: list[str]) -> None:
    app = FakeDriverApp(offers=[Offered(5, 1, 0, later=False)], is_online=True)
    await steps(driver(app, manners), 0.1)
    assert app.did[1:] == did


@pytest.mark.asyncio
async def test_somebody_was_faster() -> None:
    app = FakeDriverApp(offers=[Offered(5, 1, 0, later=False)], is_online=True, noes=["offer_taken"])
    one = driver(app)
    await one.step(START)
    assert one._refused == {"offer_taken": 1}


@pytest.mark.asyncio
async def test_who_gives_up_does_it_before_the_pick_up() -> None:
    app = FakeDriverApp(job=JOB, is_online=True)
    await steps(driver(app, replace(GOOD, gives_up=1)), 0.2)
    assert app.did[1:] == ["give_up the car broke down"]


@pytest.mark.asyncio
async def test_who_loses_the_connection_says_later_where_they_were() -> None:
    app = FakeDriverApp(job=JOB, is_online=True)
    one = driver(app, replace(GOOD, loses_connection=1, silent_s=(60, 60)))
    await steps(one, 0.5)
    was_silent, before = one.is_silent, len(app.fixes)
    await steps(one, 1.5, since=START + timedelta(seconds=30))
    assert (was_silent, one.is_silent) == (True, False)
    assert len(app.fixes) - before > 10


@pytest.mark.asyncio
async def test_a_rider_who_does_not_come_is_waited_for_as_long_as_must_be() -> None:
    arrived = replace(JOB, status="ARRIVED", actions=("START",))
    app = FakeDriverApp(job=arrived, is_online=True)
    one = driver(app, street=Street(absent={1}))
    await steps(one, 3)
    assert app.job == arrived
    app.job = replace(arrived, actions=("START", "NO_SHOW"))
    await one.step(START + timedelta(minutes=6))
    assert app.did[1:] == ["give_up no_show"]


@pytest.mark.asyncio
async def test_the_rider_tells_the_digits() -> None:
    app = FakeDriverApp(job=replace(JOB, status="ARRIVED", pin_required=True), is_online=True)
    street = Street()
    one = driver(app, street=street)
    await steps(one, 2)
    assert "STARTED" not in app.did, "nobody told them yet"
    street.pins[1] = "0417"
    await steps(one, 0.1, since=START + timedelta(minutes=2))
    assert app.did[1:3] == ["STARTED", "pin 0417"]


@pytest.mark.asyncio
async def test_a_promise_is_kept_some_minutes_before_its_time() -> None:
    at = START + timedelta(minutes=20)
    app = FakeDriverApp(offers=[Offered(5, 1, 0, later=True)], is_online=True)
    one = driver(app)
    await one.step(START)
    app.later = [replace(JOB, status="SCHEDULED", actions=("SET_OFF",), at=int(at.timestamp()))]
    await steps(one, 11)
    assert app.did[1:] == ["accept 5"]
    await steps(one, 3, since=START + timedelta(minutes=11))
    assert app.did[1:] == ["accept 5", "set_off 1"]


@dataclass
class FakeTaxiApp:
    """A rider's."""

    status: str = "RIDE_REQUESTED"
    actions: tuple[str, ...] = ("CANCEL",)
    pin: str | None = None
    has_class: bool = True
    did: list[str] = field(default_factory=list)

    async def place(self, at: Point) -> str:
        return f"at {at.lat}"

    async def suggest(self, typed: str, _near: Point) -> list[str]:
        return [f"found {typed}"] if typed != "nowhere" else []

    async def quotes(self, waypoints: Sequence[str], **_how: Any) -> list[Quote]:
        self.did.append(" > ".join(waypoints))
        return [Quote(1, "q")] if self.has_class else []

    async def request(self, quote: Quote, **_how: Any) -> int:
        self.did.append(f"request {quote.token}")
        return 9

    async def look(self, _ride_id: int | None) -> Ride:
        return Ride(9, self.status, self.pin, self.actions, 5)

    async def cancel(self, _ride: Ride) -> None:
        self.did.append("cancel")
        self.status = "RIDE_CANCELED"

    async def rate(self, _ride_id: int, stars: int, _comment: str | None) -> None:
        self.did.append(f"rate {stars}")


WISH = Wish(start=HERE, end=offset(HERE, 900, 0), typed="Kamppi", stars=4)


def hail(app: FakeTaxiApp, wish: Wish = WISH, street: Street | None = None) -> Hail:
    return Hail(app, wish, street or Street(), Random(1), Counter())  # type: ignore[arg-type]


@pytest.mark.asyncio
async def test_a_ride_to_its_end() -> None:
    app, street = FakeTaxiApp(pin="0417"), Street()
    one = hail(app, street=street)
    assert await one.begin(START)
    assert app.did == [f"at {HERE.lat} > found Kamppi", "request q"]
    assert not await one.step(START)
    assert street.pins == {9: "0417"}
    app.status, app.actions = "RIDE_ENDED", ("RATE",)
    assert await one.step(START)
    assert app.did[2:] == ["rate 4"]
    assert street.pins == {}


@pytest.mark.asyncio
async def test_what_is_not_found_by_its_name_is_shown_on_the_map() -> None:
    app = FakeTaxiApp()
    await hail(app, replace(WISH, typed="nowhere", stops=(offset(HERE, 0, 300),))).begin(START)
    assert app.did[0].count("at ") == 3


@pytest.mark.asyncio
async def test_there_is_no_class_for_it() -> None:
    one = hail(FakeTaxiApp(has_class=False))
    assert not await one.begin(START)
    assert await one.step(START)


@pytest.mark.asyncio
async def test_who_thinks_better_of_it_cancels_when_it_is_time_and_if_it_can_be_done() -> None:
    app = FakeTaxiApp()
    one = hail(app, replace(WISH, leaves_after_s=60))
    await one.begin(START)
    await one.step(START + timedelta(seconds=59))
    app.actions = ()
    await one.step(START + timedelta(seconds=61))
    assert "cancel" not in app.did
    app.actions = ("CANCEL",)
    await one.step(START + timedelta(seconds=62))
    assert app.did[-1] == "cancel"


@pytest.mark.asyncio
async def test_who_does_not_come_is_not_there() -> None:
    street = Street()
    await hail(FakeTaxiApp(), replace(WISH, comes=False), street).begin(START)
    assert street.absent == {9}


def test_wishes_are_of_every_kind_and_in_the_area() -> None:
    rng = Random(5)
    wishes = [draw_wish(rng, Area(HERE, 2_000), method="wallet", now=START) for _ in range(500)]
    assert all(distance_m(point, HERE) <= 2_001 for wish in wishes for point in (wish.start, wish.end, *wish.stops))
    assert all(wish.cash == (wish.method is None) for wish in wishes)
    for kind in ("stops", "typed", "later", "leaves_after_s", "stars", "method"):
        assert 0 < sum(bool(getattr(wish, kind)) for wish in wishes) < 500, kind
    assert 0 < sum(not wish.comes for wish in wishes) < 50


def test_drivers_of_a_folder(tmp_path: Path) -> None:
    assert load_drivers(tmp_path) == []
    (tmp_path / "drivers.csv").write_text("name,phone_prefix,phone\nA,358, 451900001\n", encoding="utf-8")
    assert load_drivers(tmp_path) == [("358", "451900001")]
    (tmp_path / "drivers.csv").write_text("name\nA\n", encoding="utf-8")
    with pytest.raises(SimulatorError, match="phone_prefix"):
        load_drivers(tmp_path)
