"""Taxis without HTTP or cards: an operator and a class, drivers who are online, riders who asked, rounds of the worker."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from isotope.adapters.maps.great_circle import GreatCircleRoads
from isotope.domain.drivers import TakePositions, take_positions
from isotope.domain.drivers.model import DriverPosition
from isotope.domain.maps.ports import Roads
from isotope.domain.payments import NO_CARDS, Cards
from isotope.domain.pricing import english
from isotope.domain.taxi import (
    AcceptOffer,
    Arrive,
    EndTrip,
    Fix,
    StartTrip,
    TrackTrip,
    accept_offer,
    arrive,
    end_trip,
    start_trip,
    track_trip,
    watch_trips,
)
from isotope.domain.taxi import store as trips
from isotope.domain.taxi.dispatch.rounds import dispatch_operator
from isotope.domain.taxi.fares import quote_price
from isotope.domain.taxi.model import OfferStatus, Stop, TaxiTariff, Trip, TripOffer, TripPayment, TripStatus, TripTerms
from isotope.domain.taxi.offers import offer_trip
from isotope.domain.taxi.queries import find_trip
from isotope.domain.taxi.rows import OFFER_COLUMNS, offer_row
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator, Settings, TaxiSettings
from isotope.domain.wallet import AddMoney, MoneyKind, add_money
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, driver_actor, rider_actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, TaxiClassId
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI, DriverKit, make_class, make_driver
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator

PICK_UP: Final = HELSINKI
DESTINATION: Final = Point(60.1834, 24.9384)
# A quoted trip of 2 km and 5 minutes costs 4.00 + 2 * 1.50 + 5 * 0.40 = 9.00.
TARIFF: Final = TaxiTariff(base_minor=400, km_minor=150, minute_minor=40, tax_rate="0.1")


def north(metres: float, of: Point = PICK_UP) -> Point:
    """So far from a point."""
    return Point(of.lat + metres / 111_195, of.lon)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxis:
    """An operator and a class; drivers and riders come as they are asked for."""

    rt: Runtime
    clock: SettableClock
    kit: OperatorKit
    class_id: TaxiClassId
    operators: Operators
    cards: Cards = NO_CARDS
    roads: Roads = field(default_factory=GreatCircleRoads)

    @property
    def operator(self) -> Operator:
        return self.kit.operator

    async def driver(self, at: Point = PICK_UP) -> DriverKit:
        """Online there."""
        driver = await make_driver(self.rt, self.operator, class_id=self.class_id)
        await driver.go_online(at)
        return driver

    async def rider(self, balance_minor: int = 0) -> RiderKit:
        rider = await make_rider(self.rt, self.operator)
        if balance_minor:
            money = AddMoney(
                operator=self.operator,
                rider_id=rider.id,
                amount_minor=balance_minor,
                kind=MoneyKind.BALANCE,
                actor=SECRET_KEY,
            )
            await add_money(self.rt, money)
        return rider

    async def request(
        self,
        rider: RiderKit,
        *,
        payment: TripPayment = TripPayment.CASH,
        at: Point = PICK_UP,
        scheduled_at: datetime | None = None,
        **more: Any,
    ) -> Trip:
        """As `request_trip` leaves it, at a quoted price of 9.00 for 2 km in 5 minutes."""
        now, is_now = self.clock.now(), scheduled_at is None
        until = now + timedelta(seconds=self.operator.settings.taxi.search_s)
        quoted = quote_price(
            TARIFF,
            distance_m=2_000,
            duration_s=300,
            stops=0,
            surge=Decimal(1),
            is_scheduled=False,
            words=english,
        )
        terms = TripTerms(
            class_ref="standard",
            class_title="Standard",
            tariff=TARIFF,
            distance_m=2_000,
            duration_s=300,
            surge="1",
            quoted=quoted,
            time_zone=self.operator.time_zone,
            commission_pct="20",
        )
        stops = [Stop(lat=point.lat, lon=point.lon, title=f"Place {nr}") for nr, point in enumerate([at, DESTINATION])]
        async with self.rt.db.write() as tx:
            trip = Trip(
                operator_id=self.operator.id,
                id=await trips.next_trip_id(tx),
                rider_id=rider.id,
                class_id=self.class_id,
                status=TripStatus.REQUESTED if is_now else TripStatus.SCHEDULED,
                quote_id=uuid4(),
                payment=payment,
                payment_method_id=payment.lower(),
                currency=self.operator.currency,
                terms=terms,
                requested_at=now,
                scheduled_at=scheduled_at,
                search_until=until if is_now else None,
                next_at=until if is_now else now,
                **more,
            )
            return await trips.insert_trip(tx, trip, stops, rider_actor(rider.id))

    async def offer(self, trip: Trip, driver: DriverKit) -> TripOffer:
        async with self.rt.db.write() as tx:
            locked = await trips.lock_trip(tx, self.operator.id, trip.id)
            assert locked is not None
            offer = await offer_trip(
                tx,
                locked,
                driver.id,
                eta_s=120,
                distance_m=600,
                now=self.clock.now(),
                settings=self.operator.settings.taxi,
            )
        assert offer is not None
        return offer

    async def accept(self, trip: Trip, driver: DriverKit) -> Trip:
        offer = await self.offer(trip, driver)
        return await accept_offer(self.rt, AcceptOffer(operator=self.operator, driver_id=driver.id, offer_id=offer.id))

    async def board(self, trip: Trip, driver: DriverKit) -> Trip:
        """Accepted, arrived, started."""
        await self.accept(trip, driver)
        await self.goes(driver, PICK_UP)
        await arrive(self.rt, Arrive(operator=self.operator, driver_id=driver.id, trip_id=trip.id))
        return await start_trip(self.rt, StartTrip(operator=self.operator, driver_id=driver.id, trip_id=trip.id))

    async def goes(self, driver: DriverKit, to: Point) -> None:
        """A position of now, as the API takes it."""
        now = self.clock.now()
        here = TakePositions(operator=self.operator, driver_id=driver.id, positions=(DriverPosition(point=to, at=now),))
        await take_positions(self.rt, here)
        fixes = [Fix(at=now, point=to)]
        await track_trip(self.rt, TrackTrip(operator=self.operator, driver_id=driver.id, fixes=fixes))

    async def end(self, trip: Trip, driver: DriverKit) -> Trip:
        over = EndTrip(operator=self.operator, trip_id=trip.id, actor=driver_actor(driver.id), driver_id=driver.id)
        return await end_trip(self.rt, self.cards, over)

    async def trip(self, trip: Trip) -> Trip:
        async with self.rt.db.read() as tx:
            found = await find_trip(tx, self.operator.id, trip.id)
        assert found is not None
        return found

    async def offers(self, trip: Trip) -> dict[DriverId, OfferStatus]:
        async with self.rt.db.read() as tx:
            rows = await tx.all(
                offer_row,
                f"select {OFFER_COLUMNS} from trip_offer where operator_id = %(operator)s and trip_id = %(id)s",
                {"operator": self.operator.id, "id": trip.id},
            )
        return {row.driver_id: row.status for row in rows}

    async def dispatch(self) -> int:
        """A round of this operator's."""
        return await dispatch_operator(self.rt, self.roads, self.operator)

    async def watch(self) -> int:
        return await watch_trips(self.rt, self.cards, self.operators)


async def make_taxis(rt: Runtime, clock: SettableClock, **settings: Any) -> Taxis:
    """`settings` are of `TaxiSettings`."""
    kit = await make_operator(rt, settings=Settings(taxi=TaxiSettings(**settings)))
    class_id = await make_class(rt, kit.operator)
    return Taxis(rt=rt, clock=clock, kit=kit, class_id=class_id, operators=Operators(rt))
