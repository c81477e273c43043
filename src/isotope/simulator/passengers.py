"""People who take taxis: they look for a place, see what it costs, request, wait, get in, rate.

Some think better of it, some order for later, some never come. A ride lives in steps, as drivers do: whoever calls `step`
says what time it is.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from isotope.infra.clock import Clock
from isotope.kernel.geo import Point, distance_m
from isotope.simulator.api import Api, ApiRefused
from isotope.simulator.crowd import City, Person, Remembered, Tally
from isotope.simulator.path import nearby
from isotope.simulator.purse import Purse
from isotope.simulator.taxi_app import Ride, TaxiApp
from isotope.simulator.taxi_street import Area, Street

# What people type, as people type it.
TYPED: Final = (
    "Kamppi",
    "rautatientori",
    "Mannerheimintie 12",
    "manerheimintie",
    "Aleksanterinkatu 20",
    "kauppatori",
    "museo",
    "Hakaniemi",
    "hotel",
    "Esplanadi",
    "Bulevardi 5",
    "kirjasto",
)
_OVER: Final = frozenset({"RIDE_ENDED", "RIDE_CANCELED"})
_ASK_S: Final = 5.0
_LEAST_M: Final = 600.0
LATER_MIN: Final = (32.0, 70.0)
_TOO_POOR: Final = "trip_unaffordable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One ride that somebody wants.

    Attributes:
        typed: looked for by its name; the destination is there if it is found, else at `end`.
        method: `payment_method_id`; None with `cash`.
        later: for this time; None: for now.
        leaves_after_s: so long after the request the rider thinks better of it; None: never.
        comes: whether the rider is there when the driver is.
        stars: 1 to 5; None: no opinion.
    """

    start: Point
    end: Point
    stops: tuple[Point, ...] = ()
    typed: str | None = None
    cash: bool = True
    method: str | None = None
    later: datetime | None = None
    leaves_after_s: float | None = None
    comes: bool = True
    stars: int | None = None
    comment: str = ""


def draw_wish(
    rng: Random, area: Area, *, method: str | None, now: datetime, later_min: tuple[float, float] = LATER_MIN
) -> Wish:
    """What somebody in the area may want. `method`: what they have beside cash."""
    start, end = nearby(area.centre, area.radius_m, rng), nearby(area.centre, area.radius_m, rng)
    while distance_m(start, end) < _LEAST_M:
        end = nearby(area.centre, area.radius_m, rng)
    cash = method is None or rng.random() < 0.4  # noqa: PLR2004 - many pay cash
    return Wish(
        start=start,
        end=end,
        stops=(nearby(area.centre, area.radius_m, rng),) if rng.random() < 0.1 else (),  # noqa: PLR2004 - some
        typed=rng.choice(TYPED) if rng.random() < 0.5 else None,  # noqa: PLR2004 - a coin
        cash=cash,
        method=None if cash else method,
        later=now + timedelta(minutes=rng.uniform(*later_min)) if rng.random() < 0.1 else None,  # noqa: PLR2004 - some
        leaves_after_s=rng.uniform(2, 240) if rng.random() < 0.1 else None,  # noqa: PLR2004 - some
        comes=rng.random() >= 0.02,  # noqa: PLR2004 - few do not
        stars=rng.choice((3, 4, 5, 5, 5)) if rng.random() < 0.6 else None,  # noqa: PLR2004 - most
        comment="By the door, please" if rng.random() < 0.2 else "",  # noqa: PLR2004 - some
    )


class Hail:
    """One ride, from the wish to the end.

    Args:
        tally: counted there: `requested`, `scheduled`, `cancelled`, `ended`, `not_driven`, `rated`, `no_class`.
    """

    def __init__(self, app: TaxiApp, wish: Wish, street: Street, rng: Random, tally: Counter[str]) -> None:
        self._app, self._wish, self._street, self._rng, self._tally = app, wish, street, rng, tally
        self._asked_at: datetime | None = None
        self.ride_id: int | None = None
        self.ask_in_s: float = _ASK_S
        self.status = ""

    async def begin(self, now: datetime) -> bool:
        """Whether it was requested: there may be no class for it.

        Raises:
            ApiRefused: those of the operations.
        """
        wish = self._wish
        tokens = [await self._app.place(point) for point in (wish.start, *wish.stops)]
        found = await self._app.suggest(wish.typed, wish.start) if wish.typed is not None else []
        tokens.append(found[0] if found else await self._app.place(wish.end))
        quotes = await self._app.quotes(tokens, cash=wish.cash, at=wish.later)
        if not quotes:
            self._tally["no_class"] += 1
            return False
        # The first, cheapest class is what most take.
        quote = quotes[0] if self._rng.random() < 0.7 else self._rng.choice(quotes)  # noqa: PLR2004
        self.ride_id = await self._app.request(quote, method=wish.method, at=wish.later, comment=wish.comment)
        self._asked_at = now
        self._tally["scheduled" if wish.later is not None else "requested"] += 1
        if not wish.comes:
            self._street.absent.add(self.ride_id)
        return True

    async def step(self, now: datetime) -> bool:
        """Look, and do what is to be done. True once it is over."""
        if self.ride_id is None:
            return True
        ride = await self._app.look(self.ride_id)
        if ride is None:
            return True
        self.status = ride.status
        self.ask_in_s = float(ride.ask_in_s or _ASK_S)
        if ride.pin is not None:
            self._street.pins[ride.id] = ride.pin
        if ride.status in _OVER:
            await self._close(ride)
            return True
        if self._thinks_better_of_it(now) and "CANCEL" in ride.actions:
            await self._app.cancel(ride)
            self._tally["cancelled"] += 1
        return False

    async def give_up(self) -> None:
        """Cancel it if that can be done still."""
        ride = None if self.ride_id is None else await self._app.look(self.ride_id)
        if ride is not None and "CANCEL" in ride.actions:
            await self._app.cancel(ride)

    async def _close(self, ride: Ride) -> None:
        self._street.pins.pop(ride.id, None)
        self._street.absent.discard(ride.id)
        if ride.status != "RIDE_ENDED":
            self._tally["not_driven"] += 1
            return
        self._tally["ended"] += 1
        if self._wish.stars is not None and "RATE" in ride.actions:
            await self._app.rate(ride.id, self._wish.stars, None)
            self._tally["rated"] += 1

    def _thinks_better_of_it(self, now: datetime) -> bool:
        after_s = self._wish.leaves_after_s
        return after_s is not None and self._asked_at is not None and (now - self._asked_at).total_seconds() >= after_s


class Passenger(Person):
    """One who takes taxis. Signs in, rests, pays and leaves as every rider does."""

    def __init__(
        self,
        api: Api,
        city: City,
        tally: Tally,
        rng: Random,
        purse: Purse,
        street: Street,
        clock: Clock,
        memory: Remembered | None = None,
    ) -> None:
        super().__init__(api, city, tally, rng, purse, memory)
        self._taxi = TaxiApp(self.app)
        self._street, self._clock = street, clock
        self._hail: Hail | None = None

    @property
    def _is_out(self) -> bool:
        return self._hail is not None

    async def _finish_old(self) -> None:
        """What was requested before a crash and is not driven yet is given up."""
        ride = await self._taxi.look(None)
        if ride is not None and "CANCEL" in ride.actions:
            await self._taxi.cancel(ride)

    async def _outing(self) -> None:
        wish = await self._wish()
        hail = self._hail = Hail(self._taxi, wish, self._street, self._rng, self._tally.taxi)
        try:
            if not await hail.begin(self._clock.now()):
                self._hail = None
                return
        except ApiRefused as no:
            if no.code == _TOO_POOR:
                await self.app.add_money("50.00")
            raise
        while True:
            if await hail.step(self._clock.now()):
                break
            await asyncio.sleep(hail.ask_in_s / self._city.travel.speed_factor)
        self._hail = None
        self._at = wish.end

    async def _wish(self) -> Wish:
        method = await self._payer.means()
        zone = self._street.time_zone
        area = Area(self._city.centre, self._city.radius_m)
        now = self._clock.now().astimezone(ZoneInfo(zone)) if zone else self._clock.now()
        return draw_wish(self._rng, area, method=method, now=now)

    async def _let_go(self) -> None:
        hail, self._hail = self._hail, None
        if hail is not None:
            try:
                await hail.give_up()
            except ApiRefused as no:
                self._tally.refused[no.code] += 1
