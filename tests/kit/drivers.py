"""A driver for a test, with a car of a class, made without provisioning and the code flow."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.drivers import (
    Driver,
    DriverDocumentId,
    DriverState,
    DriverStatus,
    GoOnline,
    get_driver,
    go_online,
)
from isotope.domain.drivers.store import insert_document
from isotope.domain.identity.model import Phone
from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.taxi import store as trip_store
from isotope.domain.taxi.model import (
    FarePrice,
    Stop,
    TaxiClassSpec,
    TaxiTariff,
    Trip,
    TripOfferId,
    TripPayment,
    TripStatus,
    TripTerms,
)
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token, new_token
from isotope.kernel.actor import rider_actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, RiderId, TaxiClassId, TaxiVehicleId

HELSINKI = Point(60.1699, 24.9384)
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class DriverKit:
    """A driver, a token that works, and a car of one class."""

    rt: Runtime
    operator: Operator
    driver: Driver
    token: str
    vehicle_id: TaxiVehicleId
    class_id: TaxiClassId

    @property
    def id(self) -> DriverId:
        return self.driver.id

    async def go_online(self, point: Point = HELSINKI) -> DriverState:
        return await go_online(
            self.rt,
            GoOnline(operator=self.operator, driver_id=self.id, vehicle_id=self.vehicle_id, point=point),
        )


def new_driver_phone() -> Phone:
    """A valid Finnish mobile number that no other driver of this process was given."""
    return Phone(prefix="358", number=f"451{next(_numbers):06d}")


async def make_class(rt: Runtime, operator: Operator, *, title: str = "Standard") -> TaxiClassId:
    """A class that costs nothing."""
    async with rt.db.write() as tx:
        return TaxiClassId(
            await tx.scalar(
                "insert into taxi_class (operator_id, ref, title, spec) values (%s, %s, %s, %s) returning id",
                (operator.id, uuid4().hex, title, Jsonb(msgspec.to_builtins(TaxiClassSpec()))),
            )
        )


async def make_taxi_vehicle(
    rt: Runtime, operator: Operator, *class_ids: TaxiClassId, plate: str | None = None
) -> TaxiVehicleId:
    """A car that nobody may drive yet."""
    async with rt.db.write() as tx:
        return TaxiVehicleId(
            await tx.scalar(
                "insert into taxi_vehicle (operator_id, plate, title, color, seats, class_ids)"
                " values (%s, %s, 'Toyota Corolla', 'white', 4, %s) returning id",
                (operator.id, plate or f"T-{uuid4().hex[:12]}", list(class_ids)),
            )
        )


async def let_drive(rt: Runtime, operator: Operator, driver_id: DriverId, vehicle_id: TaxiVehicleId) -> None:
    """The driver may drive the car."""
    async with rt.db.write() as tx:
        await tx.execute(
            "insert into driver_vehicle (operator_id, driver_id, vehicle_id) values (%s, %s, %s)",
            (operator.id, driver_id, vehicle_id),
        )


async def make_driver(
    rt: Runtime,
    operator: Operator,
    *,
    name: str = "Dora Driver",
    phone: Phone | None = None,
    status: DriverStatus = DriverStatus.ACTIVE,
    class_id: TaxiClassId | None = None,
) -> DriverKit:
    """With a live token; offline."""
    now, token = rt.clock.now(), new_token()
    phone = phone or new_driver_phone()
    class_id = class_id or await make_class(rt, operator)
    vehicle_id = await make_taxi_vehicle(rt, operator, class_id)
    async with rt.db.write() as tx:
        driver_id = DriverId(
            await tx.scalar(
                """
                insert into driver (operator_id, name, email, phone_prefix, phone, language, status, cash_allowed, created_at)
                values (%s, %s, %s, %s, %s, %s, %s, true, %s) returning id
                """,
                (
                    operator.id,
                    name,
                    f"{uuid4().hex}@example.test",
                    phone.prefix,
                    phone.number,
                    operator.languages[0],
                    status,
                    now,
                ),
            )
        )
        await tx.execute(
            "insert into driver_token (token_hash, operator_id, driver_id, created_at, expires_at)"
            " values (%s, %s, %s, %s, %s)",
            (hash_token(token), operator.id, driver_id, now, now + timedelta(days=30)),
        )
        driver = await get_driver(tx, operator.id, driver_id)
    await let_drive(rt, operator, driver_id, vehicle_id)
    return DriverKit(rt=rt, operator=operator, driver=driver, token=token, vehicle_id=vehicle_id, class_id=class_id)


async def make_request(
    rt: Runtime,
    operator: Operator,
    rider_id: RiderId,
    class_id: TaxiClassId,
    *,
    title: str = "Railway square",
    total_minor: int = 1_255,
    payment: TripPayment = TripPayment.CASH,
    scheduled_at: datetime | None = None,
    pin: str | None = None,
) -> Trip:
    """A trip that nobody drives yet: three kilometres north of `HELSINKI`, by a stop, 25.5 % tax in its price."""
    tax_minor = total_minor - round(total_minor / 1.255)
    line = Line(
        code="taxi_base",
        text="Start",
        quantity=1,
        unit_price_minor=total_minor,
        amount_minor=total_minor,
        tax_rate="0.255",
    )
    taxes = TaxLine(rate="0.255", net_minor=total_minor - tax_minor, tax_minor=tax_minor, gross_minor=total_minor)
    quoted = FarePrice(
        lines=(line,),
        taxes=(taxes,),
        net_minor=total_minor - tax_minor,
        tax_minor=tax_minor,
        total_minor=total_minor,
    )
    now = rt.clock.now()
    async with rt.db.write() as tx:
        return await trip_store.insert_trip(
            tx,
            Trip(
                operator_id=operator.id,
                id=await trip_store.next_trip_id(tx),
                rider_id=rider_id,
                class_id=class_id,
                status=TripStatus.REQUESTED if scheduled_at is None else TripStatus.SCHEDULED,
                quote_id=uuid4(),
                payment=payment,
                payment_method_id="cash" if payment is TripPayment.CASH else "wallet",
                currency=operator.currency,
                terms=TripTerms(
                    class_ref="standard",
                    class_title="Standard",
                    tariff=TaxiTariff(base_minor=total_minor, tax_rate="0.255"),
                    distance_m=3_000,
                    duration_s=420,
                    surge="1",
                    quoted=quoted,
                    time_zone=operator.time_zone,
                    commission_pct="20",
                ),
                comment="By the kiosk",
                pin=pin,
                requested_at=now,
                scheduled_at=scheduled_at,
                search_until=now + timedelta(minutes=5) if scheduled_at is None else None,
            ),
            [
                Stop(lat=HELSINKI.lat, lon=HELSINKI.lon, title=title),
                Stop(lat=HELSINKI.lat + 0.01, lon=HELSINKI.lon, title="The stop"),
                Stop(lat=HELSINKI.lat + 0.027, lon=HELSINKI.lon, title="The destination"),
            ],
            rider_actor(rider_id),
        )


async def make_offer(
    rt: Runtime, trip: Trip, driver_id: DriverId, *, seconds: float = 30, slot: int = 1
) -> TripOfferId:
    """The trip is offered to the driver for so long, who is told."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        offer_id = await tx.scalar(
            "insert into trip_offer (operator_id, trip_id, driver_id, status, slot, offered_at, expires_at, eta_s, distance_m)"
            " values (%s, %s, %s, 'OPEN', %s, %s, %s, 120, 800) returning id",
            (trip.operator_id, trip.id, driver_id, slot, now, now + timedelta(seconds=seconds)),
        )
        await trip_store.tell_driver(tx, trip.operator_id, driver_id)
    return TripOfferId(offer_id)


async def make_document(
    rt: Runtime, operator: Operator, driver_id: DriverId, *, kind: str = "licence"
) -> DriverDocumentId:
    """A document without a picture, which waits for staff."""
    async with rt.db.write() as tx:
        return (await insert_document(tx, operator.id, driver_id, kind, None, rt.clock.now())).id
