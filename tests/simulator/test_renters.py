"""How simulated people rent: what they do of what they drew, and how they get rid of a car."""

import asyncio
from collections import Counter
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from isotope.kernel.geo import Point
from isotope.simulator import battery, renters
from isotope.simulator.api import ApiRefused
from isotope.simulator.crowd import City, Tally
from isotope.simulator.fleet import load_units
from isotope.simulator.outing import Travel
from isotope.simulator.purse import RENTER_PURSES, purse_of_renter
from isotope.simulator.rental_app import Place, RentalApp, Rented
from isotope.simulator.renters import Renter, Way, choose_way

HOME = Point(60.172, 24.938)
PLACE = Place(7, "Eliel Square", HOME)


def refused(code: str) -> ApiRefused:
    return ApiRefused(409, code, "no", {})


class Desk:
    """The rental part of an app, with noes to give: each code once, by the name of the step."""

    def __init__(self, noes: dict[str, list[str]] | None = None, *, models: int = 1) -> None:
        self.did: Counter[str] = Counter()
        self.status = "NONE"
        self._noes = noes or {}
        self._models = models
        self._real = RentalApp(None)  # type: ignore[arg-type]  # only its clock

    def _do(self, step: str, status: str) -> Rented:
        if noes := self._noes.get(step):
            raise refused(noes.pop(0))
        self.did[step] += 1
        self.status = status
        return Rented(1, status, PLACE.id, "1301", HOME)

    def now(self) -> datetime:
        return self._real.now()

    async def places(self) -> list[Place]:
        return [PLACE]

    async def models(self, _place: Place, start: datetime, end: datetime) -> list[int]:
        assert start < end
        return [3] * self._models

    async def book(self, *_when: Any, **_what: Any) -> Rented:
        return self._do("book", "UPCOMING")

    async def look(self, _booking_id: int) -> Rented:
        return self._do("look", self.status)

    async def bookings(self, status: str) -> list[Rented]:
        return [Rented(1, status, PLACE.id, "1301", HOME)] if self.status == status else []

    async def pick_up(self, _booking_id: int, **_how: Any) -> Rented:
        return self._do("pick_up", "ACTIVE")

    async def lock(self, _booking_id: int) -> None:
        self._do("lock", "ACTIVE")

    async def unlock(self, _booking_id: int) -> None:
        self._do("unlock", "ACTIVE")

    async def extend(self, _booking_id: int, _end: datetime) -> str | None:
        self._do("extend", "ACTIVE")
        return None

    async def bring_back(self, _booking_id: int, _at: Point, **_how: Any) -> Rented:
        return self._do("bring_back", "ENDED")

    async def cancel(self, _booking_id: int) -> None:
        self._do("cancel", "CANCELLED")


class Payer:
    saved: dict[str, str] = {}  # noqa: RUF012 - nothing is written there

    async def means(self) -> str:
        return "card_1"

    async def card_failed(self, _no: ApiRefused) -> str | None:
        return None


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renters, "_ASK_AGAIN_S", 0)


def renter(desk: Desk, way: Way, monkeypatch: pytest.MonkeyPatch) -> tuple[Renter, Tally]:
    monkeypatch.setattr(renters, "choose_way", lambda _drawn: way)
    tally = Tally()
    city = City(HOME, 2_000, Travel(None, 1_000_000, 14), None, (0, 0))  # type: ignore[arg-type]  # no bank asks here
    person = Renter(None, city, tally, Random(1), purse_of_renter(0))  # type: ignore[arg-type]  # no call is made
    person._desk = desk  # type: ignore[assignment]
    person._payer = Payer()  # type: ignore[assignment]
    return person, tally


@pytest.mark.parametrize(
    ("drawn", "way"), [(0, Way.DRIVE), (0.74, Way.DRIVE), (0.75, Way.CANCEL), (0.92, Way.CANCEL), (0.93, Way.STAY_AWAY)]
)
def test_what_becomes_of_a_booking(drawn: float, way: Way) -> None:
    assert choose_way(drawn) is way


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("way", "status"), [(Way.DRIVE, "ENDED"), (Way.CANCEL, "CANCELLED"), (Way.STAY_AWAY, "UPCOMING")]
)
async def test_each_way_ends_as_it_should(way: Way, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    person, tally = renter(desk, way, monkeypatch)
    await person._outing()
    assert desk.status == status
    assert tally.rentals["booked"] == 1
    assert desk.did["pick_up"] == (way is Way.DRIVE)
    assert not person._is_out


@pytest.mark.asyncio
async def test_what_passes_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    noes = {"pick_up": ["rental_did_not_unlock"], "bring_back": ["vehicle_moving", "return_not_in_station"]}
    desk = Desk(noes)
    person, tally = renter(desk, Way.DRIVE, monkeypatch)
    await person._outing()
    assert desk.status == "ENDED"
    assert set(tally.refused) == {"rental_did_not_unlock", "vehicle_moving", "return_not_in_station"}


@pytest.mark.asyncio
async def test_who_cannot_have_the_car_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk({"pick_up": ["card_declined"]})
    person, _tally = renter(desk, Way.DRIVE, monkeypatch)
    await person._outing()
    assert (desk.status, desk.did["pick_up"]) == ("CANCELLED", 0)


@pytest.mark.asyncio
async def test_without_a_free_car_nothing_is_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(models=0)
    person, _tally = renter(desk, Way.DRIVE, monkeypatch)
    await person._outing()
    assert desk.did == Counter()


@pytest.mark.asyncio
async def test_who_is_stopped_on_the_road_brings_the_car_back(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    person, _tally = renter(desk, Way.DRIVE, monkeypatch)
    on_the_road = asyncio.Event()

    async def drive_for_ever(*_way: Any) -> None:
        on_the_road.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Travel, "along", drive_for_ever)
    outing = asyncio.create_task(person._outing())
    await asyncio.wait_for(on_the_road.wait(), 20)
    outing.cancel()
    await asyncio.gather(outing, return_exceptions=True)
    assert person._is_out
    await person._let_go()
    assert (desk.status, person._is_out) == ("ENDED", False)


def test_every_renter_has_a_card() -> None:
    assert all(purse.cards for purse in RENTER_PURSES)


def test_a_car_goes_as_far_as_its_model_says(tmp_path: Path) -> None:
    (tmp_path / "vehicles.csv").write_text(
        "nr,model,lat,lon,device_identity,device_secret\n1,car,60,24,a,a\n2,kick,60,24,b,b\n"
    )
    (tmp_path / "models.yaml").write_text("models: {car: {vehicle_type: CAR, range_km: 310}, kick: {range_km: 70}}\n")
    car, kick = load_units(tmp_path)
    assert (car.range_m, car.charge_below_pct) == (310_000, battery.CAR_CHARGE_BELOW_PCT)
    assert (kick.range_m, kick.charge_below_pct) == (battery.RANGE_M, battery.CHARGE_BELOW_PCT)
    assert car.odometer_m >= 5_000_000
    assert kick.odometer_m == 0
    car.battery_pct = kick.battery_pct = 50
    car.advance(1)
    kick.advance(1)
    assert (car.charging, kick.charging) == (True, False)
