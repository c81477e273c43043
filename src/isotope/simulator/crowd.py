"""Riders who live in the simulated city: they rest, look for a vehicle, ride somewhere, park, pay, and rest again."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec
import structlog

from isotope.kernel.geo import Point, distance_m
from isotope.simulator.api import Api, ApiRefused, ApiUnavailableError
from isotope.simulator.app import App, Riding, Seen
from isotope.simulator.bank import Bank
from isotope.simulator.fleet import SimulatedFleet
from isotope.simulator.outing import Travel, abandon, begin, park
from isotope.simulator.path import nearby, street_path
from isotope.simulator.paying import CARD_FAILED, CARD_GONE, Payer
from isotope.simulator.purse import Purse

_log = structlog.get_logger(__name__)

_UNAUTHORIZED: Final = 401
_PARKING: Final = frozenset({"PARKING_ZONE", "PAID_PARKING_ZONE", "PARK_PLACE_ZONE"})
_STARTS: Final = 4
_LOOKS_AROUND_KM: Final = 1
_FEW: Final = 2
_OUTAGE_REST_S: Final = 15.0
_LEAVE_S: Final = 10.0


class Remembered(msgspec.Struct, kw_only=True):
    """What a rider's app keeps over a restart."""

    token: str
    user_id: int
    prefix: str
    phone: str
    cards: dict[str, str] = {}


@dataclass(slots=True)
class Tally:
    """What the crowd did."""

    rides: int = 0
    paid: Decimal = Decimal(0)
    by_card: Decimal = Decimal(0)
    detours: int = 0
    rentals: Counter[str] = field(default_factory=Counter)
    taxi: Counter[str] = field(default_factory=Counter)
    paying: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class City:
    """Where and how the crowd lives."""

    centre: Point
    radius_m: float
    travel: Travel
    bank: Bank
    rest_s: tuple[float, float]
    parking: Sequence[Point] = ()


class Person:
    """One rider with a life of its own."""

    def __init__(
        self, api: Api, city: City, tally: Tally, rng: Random, purse: Purse, memory: Remembered | None = None
    ) -> None:
        self.app = App(api, rng)
        self._city, self._tally, self._rng = city, tally, rng
        self._at = nearby(city.centre, city.radius_m, rng)
        self._riding: Riding | None = None
        self._reserved: int | None = None
        self._signed_in = False
        known = {} if memory is None else memory.cards
        self._payer = Payer(self.app, city.bank, purse, rng, tally.paying, known)
        if memory is not None:
            self.app.token, self.app.user_id = memory.token, memory.user_id
            self.app.phone = (memory.prefix, memory.phone)

    def memory(self) -> Remembered | None:
        if not self._signed_in:
            return None
        prefix, phone = self.app.phone
        return Remembered(
            token=self.app.token, user_id=self.app.user_id, prefix=prefix, phone=phone, cards=self._payer.saved
        )

    @property
    def _is_out(self) -> bool:
        """Whether something of theirs is to be given up before they go."""
        return self._riding is not None or self._reserved is not None

    async def live(self) -> None:
        """Until cancelled; what is open then is ended."""
        try:
            while True:
                try:
                    if not self._signed_in:
                        await self._sign_in()
                    await self._rest()
                    await self._outing()
                except ApiRefused as no:
                    self._tally.refused[no.code] += 1
                    if no.status == _UNAUTHORIZED:
                        self._signed_in = False
                    await self._let_go()
                except ApiUnavailableError as error:
                    _log.warning("simulator.api_unavailable", error=str(error))
                    await asyncio.sleep(_OUTAGE_REST_S)
                    await self._let_go()
                except Exception:  # noqa: BLE001 - one rider's trouble does not end the city.
                    _log.exception("simulator.rider_confused", rider_id=self.app.user_id)
                    await asyncio.sleep(_OUTAGE_REST_S)
        finally:
            if self._is_out:
                # The leave is short and shielded: whoever stops the crowd waits for it.
                await asyncio.shield(asyncio.wait_for(self._let_go(), _LEAVE_S))

    async def _sign_in(self) -> None:
        """Go on with the token of before, or log in again, or register."""
        if self.app.token:
            try:
                await self.app.wallet()
            except ApiRefused as no:
                if no.status != _UNAUTHORIZED:
                    raise
                await self.app.log_in()
            await self._finish_old()
        else:
            await self.app.sign_up()
        self._signed_in = True

    async def _finish_old(self) -> None:
        """End what a crash left open, as the app shows it after a restart of the phone."""
        for ride_id in await self.app.active_rides():
            riding = Riding(ride_id)
            await abandon(self.app, riding, lambda: self._at, None)

    async def _rest(self) -> None:
        await asyncio.sleep(self._rng.uniform(*self._city.rest_s))

    async def _outing(self) -> None:
        method = await self._payer.means()
        if method is None:
            return
        vehicle = await self._take_a_vehicle(method)
        if vehicle is None:
            self._at = nearby(self._city.centre, self._city.radius_m, self._rng)
            return
        await self._ride_it(vehicle)

    async def _take_a_vehicle(self, method: str) -> Seen | None:
        """Walk to one of the nearest and start it; the next one if somebody was faster, or the card did not pay."""
        pays: str | None = method
        seen = await self.app.vehicles(self._at, _LOOKS_AROUND_KM)
        seen.sort(key=lambda vehicle: distance_m(vehicle.at, self._at))
        near = seen[:12]
        self._rng.shuffle(near)
        for vehicle in near[:_STARTS]:
            if self._rng.random() < 0.2:  # noqa: PLR2004 - every fifth makes sure of it before walking there
                await self._reserve(vehicle)
            self._at = vehicle.at
            await self.app.pricing(vehicle.id)
            if self._rng.random() < 0.1:  # noqa: PLR2004 - some cannot find it
                await self._try_to_ring(vehicle)
            await self._pause_for_thought()
            try:
                self._riding = await begin(self.app, vehicle, self._at, self._city.travel.fleet, pays)
            except ApiRefused as no:
                self._tally.refused[no.code] += 1
                if no.code in CARD_FAILED | CARD_GONE:
                    pays = await self._payer.card_failed(no)
                elif no.code == "debt_open":
                    pays = await self._payer.means()
                await self._give_up_reservation()
                if pays is None:
                    return None
                continue
            self._reserved = None
            return vehicle
        return None

    async def _reserve(self, vehicle: Seen) -> None:
        try:
            self._reserved = await self.app.reserve(vehicle, self._at)
        except ApiRefused as no:
            self._tally.refused[no.code] += 1

    async def _give_up_reservation(self) -> None:
        if self._reserved is None:
            return
        reservation_id, self._reserved = self._reserved, None
        try:
            await self.app.cancel_reservation(reservation_id)
        except ApiRefused as no:
            # The start used it up, or its time was over.
            self._tally.refused[no.code] += 1

    async def _ride_it(self, vehicle: Seen) -> None:
        riding = self._riding
        if riding is None:
            return
        travel = self._city.travel
        path = street_path(vehicle.at, self._destination(vehicle.at), self._rng)
        half = path.length_m * self._rng.uniform(0.3, 0.7)
        first, second = path.split(half)
        await travel.along(riding.nr, first)
        self._at = first.end
        await self.app.current(riding)
        if self._rng.random() < 0.25:  # noqa: PLR2004 - every fourth stops at a shop
            await self._stop_at_a_shop(riding)
        await travel.along(riding.nr, second)
        self._at = second.end
        await self.app.current(riding)
        parked = await park(
            self.app,
            riding,
            self._at,
            travel,
            photo=self._rng.random() < 0.5,  # noqa: PLR2004 - a coin
            pays_fines=self._rng.random() < 0.1,  # noqa: PLR2004 - some are in a hurry
        )
        self._riding = None
        self._at = parked.at
        self._tally.rides += 1
        self._tally.paid += parked.paid
        self._tally.by_card += parked.by_card
        self._tally.detours += parked.detour_m > 0

    async def _stop_at_a_shop(self, riding: Riding) -> None:
        try:
            await self.app.pause(riding)
            await asyncio.sleep(self._rng.uniform(10, 40) / self._city.travel.speed_factor)
            await self.app.unpause(riding)
        except ApiRefused as no:
            self._tally.refused[no.code] += 1

    async def _try_to_ring(self, vehicle: Seen) -> None:
        try:
            await self.app.ring(vehicle.id, self._at)
        except ApiRefused as no:
            self._tally.refused[no.code] += 1

    async def _pause_for_thought(self) -> None:
        await asyncio.sleep(self._rng.uniform(1, 6) / self._city.travel.speed_factor)

    def _destination(self, start: Point) -> Point:
        """Mostly where one may park, a ride of some minutes away."""
        reachable = [place for place in self._city.parking if 300 < distance_m(place, start) < 2_500]  # noqa: PLR2004
        if reachable and self._rng.random() < 0.7:  # noqa: PLR2004 - most riders know the zones
            return nearby(self._rng.choice(reachable), 15, self._rng)
        return nearby(self._city.centre, self._city.radius_m * 0.8, self._rng)

    async def _let_go(self) -> None:
        """Of the vehicle that is ridden or kept."""
        riding = self._riding
        try:
            await self._give_up_reservation()
            if riding is None:
                return
            if await abandon(self.app, riding, lambda: self._at, self._city.travel.fleet):
                self._riding = None
        except (ApiRefused, ApiUnavailableError) as error:
            _log.warning(
                "simulator.ride_left_open", ride_id=None if riding is None else riding.ride_id, error=str(error)
            )


def parking_places(zones: Sequence[dict[str, Any]]) -> list[Point]:
    """A place inside each zone that is for parking: a circle's centre, a polygon's middle."""
    places: list[Point] = []
    for zone in zones:
        if zone["zone_type"] not in _PARKING:
            continue
        if zone.get("zone_point"):
            places.append(Point(zone["zone_point"]["latitude"], zone["zone_point"]["longitude"]))
        elif zone.get("zone_area"):
            ring = zone["zone_area"]["coordinates"][0][:-1]
            places.append(Point(sum(c[1] for c in ring) / len(ring), sum(c[0] for c in ring) / len(ring)))
    return places


def middle(fleet: SimulatedFleet) -> tuple[Point, float]:
    """Where the city is: the median position of the fleet, and the radius that holds most of it."""
    lats = sorted(unit.position.lat for unit in fleet.units())
    lons = sorted(unit.position.lon for unit in fleet.units())
    centre = Point(lats[len(lats) // 2], lons[len(lons) // 2])
    away = sorted(distance_m(centre, unit.position) for unit in fleet.units())
    return centre, max(500.0, away[int(len(away) * 0.8)])
