"""What a trip would cost, class by class, and who could come: decide nothing, look, ask the roads, price."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import uuid4

from isotope.domain.maps import Roads, RoadsUnavailable, open_place
from isotope.domain.maps.model import Route
from isotope.domain.payments import Cards, PaymentMethod, read_payment_methods
from isotope.domain.pricing import Words
from isotope.domain.taxi import errors
from isotope.domain.taxi.fares import quote_price
from isotope.domain.taxi.model import FarePrice, Stop, TaxiClass
from isotope.domain.taxi.near import NearDriver, Way, find_ways, list_near_drivers
from isotope.domain.taxi.queries import list_classes
from isotope.domain.taxi.quotes import Quote, short_route, short_stops, sign_quote
from isotope.domain.taxi.schedule import may_schedule
from isotope.domain.taxi.surge import find_factor
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Flow
from isotope.infra.runtime import Runtime
from isotope.infra.signed import BadToken, TokenEnded
from isotope.kernel.errors import Fault, invalid
from isotope.kernel.ids import DriverId, RiderId, TaxiClassId

# So many drivers are told by name.
_MOST_DRIVERS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTrips:
    """From place to place, for whom, how paid and when.

    Attributes:
        token_key: what signs places and quotes of the operator's.
        waypoints: tokens of places, pick-up first.
        rider_id: None: the operator's systems ask, for whomever they name at the request.
        scheduled_at: None: now.
        show_drivers: name the drivers too, each with a token of their own.
        allow_scheduled: classes without a fit driver come too, for a trip for later.
        show_offline: such classes have a price and a token also where no time was given.
        words: for the lines of prices.
    """

    operator: Operator
    token_key: bytes
    waypoints: Sequence[str]
    rider_id: RiderId | None
    is_cash: bool
    words: Words
    scheduled_at: datetime | None = None
    show_drivers: bool = False
    allow_scheduled: bool = False
    show_offline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedClass:
    """A class. `nearest` None: no fit driver is near. Without a token it cannot be requested as it was asked for."""

    taxi_class: TaxiClass
    nearest: Way | None
    surge: Decimal
    price: FarePrice | None = None
    token: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedDriver:
    """A driver who could come, in one class."""

    driver: NearDriver
    taxi_class: TaxiClass
    way: Way
    price: FarePrice
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """All of it. `paying` None: cash, or nobody is known who pays."""

    stops: tuple[Stop, ...]
    route: Route
    classes: list[QuotedClass]
    drivers: list[QuotedDriver]
    paying: PaymentMethod | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What every price of the answer is made from."""

    command: QuoteTrips
    stops: tuple[Stop, ...]
    route: Route
    polyline: str
    surge: Decimal
    now: datetime

    def price(self, taxi_class: TaxiClass) -> FarePrice:
        return quote_price(
            taxi_class.spec.tariff,
            distance_m=self.route.distance_m,
            duration_s=self.route.duration_s,
            stops=len(self.stops) - 2,
            surge=self.surge,
            is_scheduled=self.command.scheduled_at is not None,
            words=self.command.words,
        )

    def token(self, taxi_class: TaxiClass, price: FarePrice, driver_id: DriverId | None = None) -> tuple[str, datetime]:
        operator = self.command.operator
        quote = Quote(
            id=uuid4(),
            rider_id=self.command.rider_id,
            class_id=taxi_class.id,
            class_ref=taxi_class.ref,
            class_title=taxi_class.title,
            tariff=taxi_class.spec.tariff,
            stops=self.stops,
            distance_m=self.route.distance_m,
            duration_s=self.route.duration_s,
            surge=str(self.surge),
            total_minor=price.total_minor,
            currency=operator.currency,
            is_cash=self.command.is_cash,
            scheduled_at=self.command.scheduled_at,
            driver_id=driver_id,
            route=self.polyline,
        )
        return sign_quote(self.command.token_key, operator, quote, self.now)


async def quote_trips(rt: Runtime, cards: Cards, roads: Roads, command: QuoteTrips) -> Quotes:
    """Prices of all classes that can be had.

    | a fit driver of the class is near | allow_scheduled | show_offline or for later | the class |
    |---|---|---|---|
    | yes | any | any | shown, with price and token |
    | no | no | any | left out |
    | no | yes | yes | shown without a driver, with price and token |
    | no | yes | no | shown without a driver, price and token: ask again with a time |

    For cash, classes that take none are left out, and drivers who take none do not count.

    Raises:
        Refusal: `validation_failed` (a waypoint's token), `cash_not_taken`, `scheduled_trips_off`, `schedule_too_soon`,
            `schedule_too_far`, `no_route`, `roads_unavailable`.
    """
    operator, now = command.operator, rt.clock.now()
    settings = operator.settings.taxi
    stops = _stops(command, now)
    if command.is_cash and not settings.cash:
        raise errors.cash_not_taken()
    if command.scheduled_at is not None and (no := may_schedule(command.scheduled_at, settings, now)):
        raise no
    pick_up = stops[0].point
    async with rt.db.read() as tx:
        offered = [one for one in await list_classes(tx, operator.id) if one.spec.cash or not command.is_cash]
        near = await list_near_drivers(tx, operator, pick_up, now, is_cash=command.is_cash)
        # What will be asked for later is not dearer for what is asked for now.
        surge = Decimal(1) if command.scheduled_at else await find_factor(tx, operator, pick_up, now)
    paying = await _paying(rt, cards, command)
    route = await find_way(roads, stops)
    ways = await find_ways(roads, near, pick_up)
    seen = _Seen(command, stops, route, short_route(route.polyline), surge, now)
    nearest = _nearest(near, ways)
    classes = [_quoted(seen, one, nearest.get(one.id)) for one in offered]
    return Quotes(
        stops=stops,
        route=route,
        classes=[one for one in classes if one.nearest is not None or command.allow_scheduled],
        drivers=_drivers(seen, {one.id: one for one in offered}, near, ways) if command.show_drivers else [],
        paying=paying,
    )


async def find_way(roads: Roads, stops: Sequence[Stop]) -> Route:
    """The way through all points. A network call.

    Raises:
        Refusal: `no_route`, `roads_unavailable`.
    """
    try:
        route = await roads.find_route([stop.point for stop in stops])
    except RoadsUnavailable as error:
        raise errors.roads_unavailable() from error
    if route is None:
        raise errors.no_route()
    return route


def _stops(command: QuoteTrips, now: datetime) -> tuple[Stop, ...]:
    faults: list[Fault] = []
    stops: list[Stop] = []
    for nr, token in enumerate(command.waypoints):
        try:
            place = open_place(command.token_key, command.operator, token, now)
        except TokenEnded:
            faults.append(
                Fault(f"waypoints.{nr}", "this token has ended: take a new one of get-suggestions or get-place")
            )
        except BadToken:
            faults.append(Fault(f"waypoints.{nr}", "a token of get-suggestions or get-place is expected"))
        else:
            stops.append(Stop(lat=place.lat, lon=place.lon, title=place.title, subtitle=place.subtitle))
    if faults:
        raise invalid(*faults)
    return short_stops(tuple(stops))


async def _paying(rt: Runtime, cards: Cards, command: QuoteTrips) -> PaymentMethod | None:
    """What pays if the request names nothing else: as `paying.choose_paying`."""
    if command.is_cash or command.rider_id is None:
        return None
    methods = await read_payment_methods(rt, cards, command.operator, command.rider_id, Flow.TAXI)
    if methods[0].kind != "CASH":
        return methods[0]
    return next(one for one in methods if one.kind == "WALLET")


def _nearest(near: Sequence[NearDriver], ways: dict[DriverId, Way]) -> dict[TaxiClassId, Way]:
    """The soonest driver of each class."""
    found: dict[TaxiClassId, Way] = {}
    for one in near:
        way = ways.get(one.driver_id)
        known = found.get(one.class_id)
        if way is not None and (known is None or way.duration_s < known.duration_s):
            found[one.class_id] = way
    return found


def _quoted(seen: _Seen, taxi_class: TaxiClass, nearest: Way | None) -> QuotedClass:
    command = seen.command
    if nearest is None and not (command.show_offline or command.scheduled_at):
        return QuotedClass(taxi_class=taxi_class, nearest=None, surge=seen.surge)
    price = seen.price(taxi_class)
    token, expires_at = seen.token(taxi_class, price)
    return QuotedClass(
        taxi_class=taxi_class, nearest=nearest, surge=seen.surge, price=price, token=token, expires_at=expires_at
    )


def _drivers(
    seen: _Seen, classes: dict[TaxiClassId, TaxiClass], near: Sequence[NearDriver], ways: dict[DriverId, Way]
) -> list[QuotedDriver]:
    """The soonest first; one who drives several classes comes once for each."""
    able = [one for one in near if one.driver_id in ways and one.class_id in classes]
    able.sort(key=lambda one: (ways[one.driver_id].duration_s, one.driver_id, one.class_id))
    drivers: list[QuotedDriver] = []
    for one in able[:_MOST_DRIVERS]:
        taxi_class = classes[one.class_id]
        price = seen.price(taxi_class)
        token, expires_at = seen.token(taxi_class, price, one.driver_id)
        drivers.append(
            QuotedDriver(
                driver=one,
                taxi_class=taxi_class,
                way=ways[one.driver_id],
                price=price,
                token=token,
                expires_at=expires_at,
            )
        )
    return drivers
