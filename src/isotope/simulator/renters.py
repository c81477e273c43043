"""People who rent cars: they book one for an hour or two, drive somewhere and back, and bring it back early or late.

Some think better of it and cancel, some never come, some want to keep it longer.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import Final

import structlog

from isotope.kernel.geo import Point
from isotope.simulator.api import Api, ApiRefused, ApiUnavailableError
from isotope.simulator.crowd import City, Person, Remembered, Tally
from isotope.simulator.path import Path, nearby, street_path
from isotope.simulator.paying import CARD_FAILED, CARD_GONE
from isotope.simulator.purse import Purse
from isotope.simulator.rental_app import Place, RentalApp, Rented

_log = structlog.get_logger(__name__)

_CAR_KMH: Final = 35.0
_STARTS_IN_MIN: Final = 2
# Whoever thinks better of it had booked for then.
_NOT_SOON_H: Final = (6.0, 72.0)
_HOURS: Final = (0.5, 1.0, 1.5, 2.0, 3.0)
_TRIES: Final = 5
_RETURN_TRIES: Final = 10
_ASK_AGAIN_S: Final = 3.0
_PARKED_WITHIN_M: Final = 15.0
_MOST_LEFT_AT_ONCE: Final = 3
# What time mends: the unit is out of contact or says no once, a card is still being asked.
_PASSING: Final = frozenset(
    {
        "booking_busy",
        "card_no_answer",
        "device_offline",
        "rental_did_not_lock",
        "rental_did_not_unlock",
        "return_not_in_station",
        "return_position_unknown",
        "vehicle_did_not_obey",
        "vehicle_moving",
    }
)
_OVER: Final = frozenset({"booking_not_found", "booking_status"})


class Way(StrEnum):
    """What becomes of a booking."""

    DRIVE = "drive"
    CANCEL = "cancel"
    STAY_AWAY = "stay_away"


def choose_way(drawn: float) -> Way:
    """By a number drawn from 0 to 1.

    | drawn         | way       |
    |---------------|-----------|
    | below 0.75    | DRIVE     |
    | below 0.93    | CANCEL    |
    | from there on | STAY_AWAY |
    """
    if drawn < 0.75:  # noqa: PLR2004 - as the table says
        return Way.DRIVE
    return Way.CANCEL if drawn < 0.93 else Way.STAY_AWAY  # noqa: PLR2004


class Renter(Person):
    """One who rents. Signs in, rests, pays and leaves as every rider does."""

    def __init__(
        self, api: Api, city: City, tally: Tally, rng: Random, purse: Purse, memory: Remembered | None = None
    ) -> None:
        super().__init__(api, city, tally, rng, purse, memory)
        self._desk = RentalApp(self.app)
        self._travel = replace(city.travel, kmh=_CAR_KMH)
        self._places: dict[int, Place] = {}
        self._booking: Rented | None = None

    @property
    def _is_out(self) -> bool:
        return self._booking is not None

    async def _finish_old(self) -> None:
        """Bring back what was driven before a crash; what was only booked stays booked."""
        await self._learn_places()
        for booking in await self._desk.bookings("ACTIVE"):
            await self._carry_back(booking)

    async def _outing(self) -> None:
        await self._learn_places()
        method = await self._payer.means()
        if method is None or not self._places or await self._has_left_too_many():
            return
        way = choose_way(self._rng.random())
        booking = await self._book(method, soon=way is not Way.CANCEL)
        if booking is None:
            return
        self._booking = booking
        match way:
            case Way.DRIVE:
                await self._drive_there_and_back(booking)
            case Way.CANCEL:
                await self._think_better_of_it(booking)
            case Way.STAY_AWAY:
                self._tally.rentals["never_came"] += 1
        self._booking = None

    async def _learn_places(self) -> None:
        self._places = {place.id: place for place in await self._desk.places()}

    async def _has_left_too_many(self) -> bool:
        """Who stays away too often finds the operator asking for what is booked already."""
        return len(await self._desk.bookings("UPCOMING")) >= _MOST_LEFT_AT_ONCE

    async def _book(self, method: str, *, soon: bool) -> Rented | None:
        """At one station after the other, until there is a car, and something that pays for it."""
        pays: str | None = method
        start = self._desk.now() + timedelta(minutes=_STARTS_IN_MIN)
        if not soon:
            start += timedelta(hours=self._rng.uniform(*_NOT_SOON_H))
        end = start + timedelta(hours=self._rng.choice(_HOURS))
        for _ in range(_TRIES):
            if pays is None:
                return None
            place = self._rng.choice(list(self._places.values()))
            try:
                models = await self._desk.models(place, start, end)
                if not models:
                    continue
                booking = await self._desk.book(place, start, end, model_id=self._rng.choice(models), method=pays)
            except ApiRefused as no:
                self._tally.refused[no.code] += 1
                if no.code in CARD_FAILED | CARD_GONE:
                    pays = await self._payer.card_failed(no)
                continue
            if await self._is_paid(booking):
                self._tally.rentals["booked"] += 1
                return booking
        return None

    async def _is_paid(self, booking: Rented) -> bool:
        """The bank is told yes where it asks; nobody waits longer than for a coffee."""
        if booking.page is not None:
            await self._city.bank.confirm(booking.page, yes=True)
        for _ in range(_TRIES):
            if booking.status != "AWAITING_PAYMENT":
                break
            await asyncio.sleep(_ASK_AGAIN_S)
            booking = await self._desk.look(booking.id)
        return booking.status == "UPCOMING"

    async def _think_better_of_it(self, booking: Rented) -> None:
        await self._pause_for_thought()
        await self._desk.cancel(booking.id)
        self._tally.rentals["cancelled"] += 1

    async def _drive_there_and_back(self, booking: Rented) -> None:
        await self._pause_for_thought()
        picked_up = await self._pick_up(booking)
        if picked_up is None:
            await self._desk.cancel(booking.id)
            self._tally.rentals["cancelled"] += 1
            return
        self._booking = booking = picked_up
        self._tally.rentals["picked_up"] += 1
        home = self._places[booking.place_id].at
        start = booking.vehicle_at or home
        there = nearby(self._city.centre, self._city.radius_m, self._rng)
        await self._travel.along(booking.nr, street_path(start, there, self._rng))
        self._at = there
        if self._rng.random() < 0.5:  # noqa: PLR2004 - a coin: something is bought there
            await self._shop(booking)
        if self._rng.random() < 0.2:  # noqa: PLR2004 - every fifth likes it
            await self._keep_it_longer(booking)
        back = nearby(home, _PARKED_WITHIN_M, self._rng)
        await self._travel.along(booking.nr, street_path(there, back, self._rng))
        self._at = back
        await self._bring_back(booking, back)

    async def _pick_up(self, booking: Rented) -> Rented | None:
        """None: neither this car nor another one could be had, or nothing paid the deposit."""
        for _ in range(_TRIES):
            try:
                return await self._desk.pick_up(booking.id, photo=True)
            except ApiRefused as no:
                self._tally.refused[no.code] += 1
                if no.code == "deposit_to_confirm":
                    await self._city.bank.confirm(str(no.details["redirect_url"]), yes=True)
                elif no.code not in _PASSING:
                    return None
                await asyncio.sleep(_ASK_AGAIN_S)
        return None

    async def _shop(self, booking: Rented) -> None:
        try:
            await self._desk.lock(booking.id)
            await asyncio.sleep(self._rng.uniform(20, 90) / self._travel.speed_factor)
            await self._desk.unlock(booking.id)
        except ApiRefused as no:
            self._tally.refused[no.code] += 1

    async def _keep_it_longer(self, booking: Rented) -> None:
        try:
            page = await self._desk.extend(booking.id, self._desk.now() + timedelta(hours=4))
        except ApiRefused as no:
            self._tally.refused[no.code] += 1
            return
        if page is not None:
            await self._city.bank.confirm(page, yes=True)
        self._tally.rentals["extended"] += 1

    async def _bring_back(self, booking: Rented, at: Point) -> None:
        for attempt in range(_RETURN_TRIES):
            try:
                await self._desk.bring_back(booking.id, at, photo=True)
            except ApiRefused as no:
                self._tally.refused[no.code] += 1
                if no.code in _OVER:
                    return
                if no.code not in _PASSING or attempt == _RETURN_TRIES - 1:
                    raise
                if no.code == "return_not_in_station":
                    home = self._places[booking.place_id].at
                    await self._travel.along(booking.nr, Path([at, home]))
                    at = home
                await asyncio.sleep(_ASK_AGAIN_S)
            else:
                self._tally.rentals["returned"] += 1
                return

    async def _carry_back(self, booking: Rented) -> None:
        """Because the renter stops being simulated: the car is put where it came from."""
        home = self._places[booking.place_id].at
        fleet = self._travel.fleet
        if fleet is not None and booking.nr in fleet:
            await fleet.place(booking.nr, home)
        await self._bring_back(booking, home)

    async def _let_go(self) -> None:
        """Of the car that is driven or waits."""
        booking = self._booking
        if booking is None:
            return
        try:
            if any(active.id == booking.id for active in await self._desk.bookings("ACTIVE")):
                await self._carry_back(booking)
            else:
                await self._desk.cancel(booking.id)
            self._booking = None
        except (ApiRefused, ApiUnavailableError) as error:
            if isinstance(error, ApiRefused) and error.code in _OVER:
                self._booking = None
            _log.warning("simulator.booking_left_open", booking_id=booking.id, error=str(error))
