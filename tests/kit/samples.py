"""Bodies that fit an operation, made of what a world has: for the tests that walk the registry.

Every field of every operation that can carry an id, a token or a name of something must be known here. An operation
with a field that is not fails `known_fields`, so nothing is added to the API without being walked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec
from psycopg.types.json import Jsonb

from isotope.api.operation import Auth, Operation
from isotope.api.sections import operations
from isotope.domain.benefits import (
    GroupDraft,
    GroupSpec,
    PackageDraft,
    PackageId,
    PackageSpec,
    PromoDraft,
    PromoKind,
    PromoSpec,
    upsert_group,
    upsert_package,
    upsert_promo,
)
from isotope.domain.drivers import DriverDocumentId
from isotope.domain.fleet import (
    ByStaff,
    PlanMaintenance,
    VehicleStatus,
    hold_vehicle,
    lock_vehicle,
    plan_maintenance,
)
from isotope.domain.fleet.slots import Slot, take_slot
from isotope.domain.maps import sign_place
from isotope.domain.maps.model import Place
from isotope.domain.payments import Card, CardPaymentId, find_card
from isotope.domain.pricing.model import Quota
from isotope.domain.receipts import ReceiptId, issue_later, read_receipts
from isotope.domain.rental import store as booking_store
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingStatus,
    BookingTerms,
    ChargeKind,
    ChargeStatus,
    DepositStatus,
)
from isotope.domain.sharing import Terms, store
from isotope.domain.sharing.model import EventKind, RideStatus
from isotope.domain.sharing.refunds import Fine, FineId, insert_fine, next_fine_id
from isotope.domain.sharing.reservation_store import NewReservation, insert_reservation
from isotope.domain.sharing.reservations import ReservationId, ReservationTerms
from isotope.domain.subscriptions import PlanDraft, PlanId, PlanSpec, SubscriptionId, upsert_plan
from isotope.domain.taxi.model import Stop, Trip, TripOfferId
from isotope.domain.taxi.quotes import Quote, sign_quote
from isotope.domain.tenants.model import Role, Settings
from isotope.domain.tenants.queries import find_token_key
from isotope.domain.tenants.store import insert_staff, insert_staff_token
from isotope.domain.zones import ZoneType
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token, new_token
from isotope.kernel.actor import SYSTEM, rider_actor
from isotope.kernel.ids import RideId
from tests.kit.drivers import DriverKit, make_document, make_driver, make_offer, make_request
from tests.kit.fleet import HOME, TARIFF, Fleet, make_fleet, make_zones, zone_draft
from tests.kit.receipts import ride_draft
from tests.kit.rentals import RENTAL_TARIFF, Rentals, make_rentals
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An operator with something of everything."""

    kit: OperatorKit
    rider: RiderKit
    fleet: Fleet
    ride_id: RideId
    card: Card
    top_up_id: CardPaymentId
    receipt_id: ReceiptId
    fine_id: FineId
    reservation_id: ReservationId
    task_id: int
    rentals: Rentals
    station_title: str
    charge: BookingCharge
    package_id: PackageId
    group_ref: str
    promo_code: str
    plan_id: PlanId
    subscription_id: SubscriptionId
    staff_token: str
    driver: DriverKit
    trip: Trip
    trip_title: str
    offer_id: TripOfferId
    document_id: DriverDocumentId
    place_token: str
    quote_token: str
    phone_token: str = "a-token-that-nobody-was-given"

    @property
    def key(self) -> str:
        return self.kit.public_key

    @property
    def secret(self) -> str:
        return self.kit.secret_key

    def token_for(self, operation: Operation) -> str | None:
        """Of whoever may send every field: staff on the dashboard, drivers in theirs, else the operator's systems."""
        if operation.auth is Auth.NONE:
            return None
        if operation.auth is Auth.DRIVER:
            return self.driver.token
        return self.staff_token if operation.auth is Auth.STAFF else self.secret


async def make_world(rt: Runtime, *, settings: Settings | None = None, staff: Role | None = None) -> World:
    """An operator with a zone, three vehicles, and a rider who rides the first of them and has reserved the last.

    There are vehicles for rent too, of which the rider has booked one. The rider has a card, of a provider that is not there, with a top-up that failed, and a receipt.
    """
    kit = await make_operator(rt, name=f"Operator {uuid4().hex}", settings=settings, staff=staff)
    rider = await make_rider(rt, kit.operator, name=f"Rider {uuid4().hex}", email=f"{uuid4().hex}@example.test")
    fleet = await make_fleet(rt, kit.operator, 3)
    await make_zones(rt, kit.operator, zone_draft(ZoneType.PARKING_ZONE, title=f"Zone {uuid4().hex}"))
    ride_id = await make_running_ride(rt, kit, rider, fleet)
    card, top_up_id = await make_failed_top_up(rt, kit, rider)
    async with rt.db.write() as tx:
        await issue_later(tx, ride_draft(kit.operator, rider.id, f"ride:{ride_id}", at=rt.clock.now()))
    [receipt] = await read_receipts(rt, kit.operator.id, rider.id)
    package_id, group_ref, promo_code = await make_benefits(rt, kit)
    plan_id, subscription_id = await make_subscription(rt, kit, rider)
    rentals = await make_rentals(rt, kit)
    driver = await make_driver(rt, kit.operator, name=f"Driver {uuid4().hex}")
    trip_title = f"Pick-up {uuid4().hex}"
    trip = await make_request(rt, kit.operator, rider.id, driver.class_id, title=trip_title)
    return World(
        kit=kit,
        rider=rider,
        fleet=fleet,
        ride_id=ride_id,
        card=card,
        top_up_id=top_up_id,
        receipt_id=receipt.id,
        fine_id=await make_fine(rt, kit, ride_id),
        reservation_id=await make_reservation(rt, kit, rider, fleet),
        task_id=await make_task(rt, kit, fleet),
        rentals=rentals,
        station_title=await name_station(rt, rentals),
        charge=await make_booking(rt, rentals, rider),
        package_id=package_id,
        group_ref=group_ref,
        promo_code=promo_code,
        plan_id=plan_id,
        subscription_id=subscription_id,
        staff_token=await make_staff_token(rt, kit),
        driver=driver,
        trip=trip,
        trip_title=trip_title,
        offer_id=await make_offer(rt, trip, driver.id),
        document_id=await make_document(rt, kit.operator, driver.id),
        place_token=await make_place_token(rt, kit, title=trip_title),
        quote_token=await make_quote_token(rt, kit, trip),
    )


async def make_place_token(rt: Runtime, kit: OperatorKit, *, title: str) -> str:
    """As `get-suggestions` gives them."""
    place = Place(lat=HOME.lat, lon=HOME.lon, title=title)
    return sign_place(await token_key(rt, kit), kit.operator, place, rt.clock.now())


async def make_quote_token(rt: Runtime, kit: OperatorKit, trip: Trip) -> str:
    """As `get-drivers` gives them: of the trip's rider, for its class."""
    terms = trip.terms
    quote = Quote(
        id=uuid4(),
        rider_id=trip.rider_id,
        class_id=trip.class_id,
        class_ref=terms.class_ref,
        class_title=terms.class_title,
        tariff=terms.tariff,
        stops=(Stop(lat=60.17, lon=24.93, title="Here"), Stop(lat=60.18, lon=24.93, title="There")),
        distance_m=terms.distance_m,
        duration_s=terms.duration_s,
        surge="1",
        total_minor=terms.quoted.total_minor,
        currency=trip.currency,
        is_cash=True,
    )
    return sign_quote(await token_key(rt, kit), kit.operator, quote, rt.clock.now())[0]


async def token_key(rt: Runtime, kit: OperatorKit) -> bytes:
    """What tokens of the operator's are signed with."""
    async with rt.db.read() as tx:
        key = await find_token_key(tx, kit.operator.id)
    assert key is not None
    return key


async def make_benefits(rt: Runtime, kit: OperatorKit) -> tuple[PackageId, str, str]:
    """A package that fits every ride, a discount group by its ref, and a promo code for a bonus."""
    operator_id, now = kit.operator.id, rt.clock.now()
    ref = uuid4().hex
    async with rt.db.write() as tx:
        package = PackageSpec(price_minor=300, quota=Quota(unlocks=1, ride_min=30))
        package_id = await upsert_package(tx, operator_id, PackageDraft(ref=ref, title="Half an hour", spec=package))
        await upsert_group(tx, operator_id, GroupDraft(ref=ref, title=ref, spec=GroupSpec(pct=10)))
        promo = PromoSpec(kind=PromoKind.BONUS, amount_minor=100)
        await upsert_promo(tx, operator_id, PromoDraft(code=ref.upper(), title=ref, spec=promo), SYSTEM, now)
    return package_id, ref, ref.upper()


async def make_subscription(rt: Runtime, kit: OperatorKit, rider: RiderKit) -> tuple[PlanId, SubscriptionId]:
    """A plan that is offered, and what the rider once bought of it; it is over."""
    operator_id, now = kit.operator.id, rt.clock.now()
    title = f"Plan {uuid4().hex}"
    spec = PlanSpec(price_minor=100, days=1, pct=10)
    async with rt.db.write() as tx:
        plan_id = await upsert_plan(tx, operator_id, PlanDraft(ref=uuid4().hex, title=title, spec=spec))
        subscription_id = await tx.scalar(
            """
            insert into subscription (operator_id, rider_id, plan_id, status, renews, requested_at, bought_at, period_nr,
                                      period_start, period_end, told_version, told_at, ended_at)
            values (%(operator_id)s, %(rider_id)s, %(plan_id)s, 'ENDED', true, %(start)s, %(start)s, 1, %(start)s,
                    %(end)s, 1, %(start)s, %(end)s)
            returning id
            """,
            {
                "operator_id": operator_id,
                "rider_id": rider.id,
                "plan_id": plan_id,
                "start": now - timedelta(days=1),
                "end": now,
            },
        )
        await tx.execute(
            """
            insert into subscription_period (operator_id, subscription_id, nr, title, spec, status, currency, total_minor,
                                             tax_minor, charged_bonus_minor, charged_balance_minor, actor, opened_at,
                                             settled_at, starts_at, ends_at)
            values (%(operator_id)s, %(id)s, 1, %(title)s, %(spec)s, 'PAID', 'EUR', 100, 0, 0, 100, 'system',
                    %(start)s, %(start)s, %(start)s, %(end)s)
            """,
            {
                "operator_id": operator_id,
                "id": subscription_id,
                "title": title,
                "spec": Jsonb(msgspec.to_builtins(spec)),
                "start": now - timedelta(days=1),
                "end": now,
            },
        )
    return plan_id, SubscriptionId(subscription_id)


async def make_fine(rt: Runtime, kit: OperatorKit, ride_id: RideId) -> FineId:
    """A fine on the ride that is owed."""
    async with rt.db.write() as tx:
        fine = Fine(
            operator_id=kit.operator.id,
            id=await next_fine_id(tx),
            ride_id=ride_id,
            amount_minor=100,
            charged_balance_minor=0,
            charged_card_minor=0,
            card_pending_minor=0,
            debt_minor=100,
            reason=f"Fine {uuid4().hex}",
            actor=SYSTEM,
            key=uuid4().hex,
            at=rt.clock.now(),
        )
        return (await insert_fine(tx, fine)).id


async def make_staff_token(rt: Runtime, kit: OperatorKit) -> str:
    """A token of an owner who has no password: the walks over operations need no login, which takes its time."""
    now, token = rt.clock.now(), new_token()
    async with rt.db.write() as tx:
        staff = await insert_staff(
            tx,
            operator_id=kit.operator.id,
            email=f"{uuid4().hex}@example.test",
            name="Olga Owner",
            role=Role.OWNER,
            password_hash="none",
            now=now,
        )
        await insert_staff_token(
            tx,
            operator_id=kit.operator.id,
            staff_id=staff.id,
            token_hash=hash_token(token),
            now=now,
            expires_at=now + timedelta(days=30),
        )
    return token


async def make_failed_top_up(rt: Runtime, kit: OperatorKit, rider: RiderKit) -> tuple[Card, CardPaymentId]:
    """A card that was saved once, and money that it did not give."""
    now = rt.clock.now()
    who = {"operator_id": kit.operator.id, "rider_id": rider.id, "now": now, "ref": uuid4().hex}
    async with rt.db.write() as tx:
        card_id = await tx.scalar(
            """
            insert into card (operator_id, rider_id, provider, customer_ref, card_ref, brand, last4, exp_month,
                              exp_year, created_at)
            values (%(operator_id)s, %(rider_id)s, 'gone', %(ref)s, %(ref)s, 'Visa', '4242', 12, 2040, %(now)s)
            returning id
            """,
            who,
        )
        top_up_id = await tx.scalar(
            """
            insert into card_payment (operator_id, rider_id, card_id, purpose, cause, currency, amount_minor, status,
                                      code, actor, created_at)
            values (%(operator_id)s, %(rider_id)s, %(card_id)s, 'TOP_UP', 'top_up:' || %(ref)s, 'EUR', 500, 'FAILED',
                    'card_declined', 'system', %(now)s)
            returning id
            """,
            {**who, "card_id": card_id},
        )
        card = await find_card(tx, kit.operator.id, rider.id, card_id)
    assert card is not None
    return card, CardPaymentId(top_up_id)


async def make_task(rt: Runtime, kit: OperatorKit, fleet: Fleet) -> int:
    """Work that is planned on the second vehicle, long from now."""
    start = rt.clock.now() + timedelta(days=1_000)
    plan = PlanMaintenance(
        vehicle_id=fleet.vehicle_ids[1],
        vehicle_nr=None,
        starts_at=start,
        ends_at=start + timedelta(hours=1),
        type_ref="check_up_required",
        priority="LOW",
        description=f"Work {uuid4().hex}",
    )
    by = ByStaff(operator=kit.operator, role=Role.OWNER, actor=SYSTEM)
    return (await plan_maintenance(rt, by, plan)).id


async def name_station(rt: Runtime, rentals: Rentals) -> str:
    """A title that no other station has."""
    title = f"Station {uuid4().hex}"
    async with rt.db.write() as tx:
        await tx.execute(
            "update rental_zone set title = %(title)s where operator_id = %(operator_id)s and id = %(id)s",
            {"title": title, "operator_id": rentals.kit.operator.id, "id": rentals.centre_id},
        )
    return title


async def make_booking(rt: Runtime, rentals: Rentals, rider: RiderKit) -> BookingCharge:
    """The price of a booking that is paid, of the first car, in ten days."""
    operator, now = rentals.kit.operator, rt.clock.now()
    start = now + timedelta(days=10)
    terms = BookingTerms(tariff_id=rentals.tariff_id, tariff=RENTAL_TARIFF, time_zone=operator.time_zone)
    async with rt.db.write() as tx:
        booking = await booking_store.insert_booking(
            tx,
            Booking(
                operator_id=operator.id,
                id=await booking_store.next_booking_id(tx),
                rider_id=rider.id,
                vehicle_id=rentals.car(0),
                model_id=rentals.car_id,
                zone_id=rentals.centre_id,
                status=BookingStatus.UPCOMING,
                starts_at=start,
                ends_at=start + timedelta(hours=1),
                currency=operator.currency,
                terms=terms,
                payment_method_id="wallet",
                requested_at=now,
                confirmed_at=now,
                deposit_status=DepositStatus.NONE,
            ),
        )
        await booking_store.add_event(tx, booking, "confirmed", now, rider_actor(rider.id))
        slot = Slot(
            vehicle_id=booking.vehicle_id, holder=booking.holder, starts_at=booking.starts_at, ends_at=booking.ends_at
        )
        assert await take_slot(tx, operator.id, slot)
        return await booking_store.insert_charge(
            tx,
            BookingCharge(
                operator_id=operator.id,
                id=await booking_store.next_charge_id(tx),
                booking_id=booking.id,
                kind=ChargeKind.BOOKING,
                status=ChargeStatus.PAID,
                currency=operator.currency,
                lines=(),
                taxes=(),
                total_minor=0,
                tax_minor=0,
                charged_bonus_minor=0,
                charged_balance_minor=0,
                charged_card_minor=0,
                card_pending_minor=0,
                debt_minor=0,
                ends_at=None,
                ended_at_before=None,
                code=None,
                reason=None,
                actor=rider_actor(rider.id),
                key=None,
                opened_at=now,
                settled_at=now,
            ),
        )


async def make_running_ride(rt: Runtime, kit: OperatorKit, rider: RiderKit, fleet: Fleet) -> RideId:
    """A ride as a start would have left it, without any device."""
    now = rt.clock.now()
    operator_id = kit.operator.id
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, operator_id, vehicle_id=fleet.vehicle_id)
        ride_id = await store.insert_ride(
            tx,
            store.NewRide(
                operator_id=operator_id,
                rider_id=rider.id,
                vehicle_id=fleet.vehicle_id,
                model_id=fleet.model_id,
                status=RideStatus.UNLOCKING,
                place=1,
                currency=kit.operator.currency,
                terms=Terms(tariff=TARIFF),
                start=HOME,
                start_odometer_m=0,
                requested_at=now,
            ),
        )
        actor = rider_actor(rider.id)
        await hold_vehicle(
            tx, found.vehicle, holder=f"ride:{ride_id}", status=VehicleStatus.IN_USE, actor=actor, now=now
        )
        for kind in (EventKind.REQUESTED, EventKind.STARTED):
            await store.add_event(tx, (operator_id, ride_id), kind, now, actor)
        await tx.execute(
            "update ride set status = 'ACTIVE', started_at = %(now)s where operator_id = %(operator_id)s and id = %(id)s",
            {"now": now, "operator_id": operator_id, "id": ride_id},
        )
    return ride_id


async def make_reservation(rt: Runtime, kit: OperatorKit, rider: RiderKit, fleet: Fleet) -> ReservationId:
    """The last vehicle, kept for the rider."""
    now = rt.clock.now()
    operator_id = kit.operator.id
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, operator_id, vehicle_id=fleet.vehicle_ids[-1])
        made = await insert_reservation(
            tx,
            NewReservation(
                operator_id=operator_id,
                rider_id=rider.id,
                vehicle_id=found.vehicle.id,
                model_id=fleet.model_id,
                place=2,
                currency=kit.operator.currency,
                terms=ReservationTerms(
                    minutes=15,
                    extensions=1,
                    fee="FIXED",
                    fee_minor=50,
                    credit_on_unlock=True,
                    tax_rate="0.255",
                    tax_inclusive=True,
                ),
                reserved_at=now,
                expires_at=now + timedelta(minutes=15),
            ),
        )
        await hold_vehicle(
            tx,
            found.vehicle,
            holder=made.holder,
            status=VehicleStatus.RESERVED,
            actor=rider_actor(rider.id),
            now=now,
        )
    return made.id


Filler = Callable[[World], Any]

# What refers to something of an operator.
REFERENCES: Final[Mapping[str, Filler]] = {
    "user_id": lambda world: world.rider.id,
    "vehicle_id": lambda world: world.fleet.vehicle_id,
    "vehicle_ids": lambda world: list(world.fleet.vehicle_ids),
    "active_vehicle_id": lambda world: list(world.fleet.vehicle_ids),
    "vehicle_number": lambda world: world.fleet.nrs[0],
    "model_id": lambda world: world.fleet.model_id,
    "addon_ids": lambda world: list(world.fleet.addon_ids),
    "ride_id": lambda world: world.ride_id,
    "payment_method_id": lambda world: world.card.method_id,
    "top_up_id": lambda world: world.top_up_id,
    "receipt_id": lambda world: world.receipt_id,
    "fine_id": lambda world: world.fine_id,
    "active_ride_id": lambda world: world.ride_id,
    "reservation_id": lambda world: world.reservation_id,
    "task_id": lambda world: world.task_id,
    "booking_id": lambda world: world.charge.booking_id,
    "charge_id": lambda world: world.charge.id,
    "zone_id": lambda world: world.rentals.centre_id,
    "pick_up_zone_id": lambda world: world.rentals.centre_id,
    "return_zone_id": lambda world: world.rentals.centre_id,
    "vehicle_model_id": lambda world: world.rentals.car_id,
    "rider_id": lambda world: world.rider.id,
    "pricing_package_id": lambda world: world.package_id,
    "plan_id": lambda world: world.plan_id,
    "subscription_id": lambda world: world.subscription_id,
    "discount_group": lambda world: world.group_ref,
    "trip_id": lambda world: world.trip.id,
    "document_id": lambda world: world.document_id,
    "offer_id": lambda world: world.offer_id,
    "driver_id": lambda world: world.driver.id,
    "waypoints": lambda world: [world.place_token, world.place_token],
    "token": lambda world: world.quote_token,
    "taxi_vehicle_id": lambda world: world.driver.vehicle_id,
    "class_ids": lambda world: [world.driver.class_id],
    "phone_token": lambda world: world.phone_token,
    "phone_prefix": lambda world: world.rider.rider.phone_prefix,
    "phone": lambda world: world.rider.rider.phone,
    "email": lambda world: world.rider.rider.email,
}
# What the same words refer to when something is booked.
BOOKED: Final[Mapping[str, Filler]] = {
    "vehicle_id": lambda world: world.rentals.car(1),
    "addon_ids": lambda world: [world.rentals.child_seat_id, world.rentals.cover_id],
    "pricing_package_id": lambda world: world.rentals.weekend_id,
}
# In the section Taxi a ride is a trip.
TAXI: Final[Mapping[str, Filler]] = {"ride_id": lambda world: world.trip.id}
# What refers to nothing.
PLAIN: Final[Mapping[str, Any]] = {
    "admin_id": None,
    "notes": "The left brake squeaks",
    "filter": None,  # words of another list each time
    "flow": None,  # differs from operation to operation: see `_flow`
    "skip_ip_address_check": None,
    "skip_otp": None,
    "skip_document_verification_check": None,
    "code": "123456",  # a promo code is another: see `_code`
    "promo_code": None,
    "title": "A sample",
    "message": "A message",
    "push_token": "an-app-of-this-rider",
    "kind": "BONUS",
    "discount_percent": None,
    "rides": None,
    "days": 30,
    "most": 10,
    "valid_from": None,
    "valid_until": 4_000_000_000,
    "new_riders_only": True,
    "name": "Sam Sample",
    "first_name": "Sam",
    "last_name": "Sample",
    "device_os": "WEB",
    "agree_marketing": True,
    "password": "wrong password",
    "booking_status": "ALL",
    "booking_statuses": ["UPCOMING"],
    "pick_up_date": "2026-08-07T13:00:00",
    "return_date": "2026-08-09T13:00:00",
    "show_exact_match": False,
    "date_of_birth": "1990-05-01",
    "licence_categories": ["B"],
    "licence_valid_until": "2040-01-31",
    "fleet_id": 1,
    "allow_to_create_booking_without_saved_card": None,
    "allow_user_to_go_in_debt": None,
    "amount": 1.5,
    "money_type": "BONUS",
    "reason": "A test",
    "accepted_fine": 25,
    "route_required": True,
    "rating": 4,
    "reasons": ["vehicle"],
    "comment": "A comment",
    "category": "brakes",
    "description": "A description",
    "to_wallet": True,
    "fare": "DRIVEN",
    "movement": "ADJUSTED",
    "vehicle_types": ["SCOOTER"],
    "zone_types": ["PARKING_ZONE"],
    "user_longitude": HOME.lon,
    "user_latitude": HOME.lat,
    "radius_in_km": 2,
    "return_url": None,
    "page_bookmark": None,
    "bookmark_next": None,
    "bookmark": None,
    "page_length": 20,
    "is_on": False,
    "threshold": 5,
    "currency": "EUR",
    "skip_wallet_check": None,
    "skip_save_card_check": None,
    "skip_auto_topup": None,
    "skip_auto_stop": None,
    "user_location_timestamp": 1_780_000_000,
    "images": None,
    "starts_at": 4_000_000_000,
    "ends_at": 4_000_003_600,
    "since": 1_780_000_000,
    "until": 1_780_086_400,
    "task_type": "cleaning_required",
    "priority": "HIGH",
    "command": "ring",
    "address": "Mannerheimintie",
    "is_cash_payment": True,
    "scheduled_date": None,
    "scheduled_time": None,
    "show_driver_list": True,
    "show_offline_classes": True,
    "allow_scheduled_rides": True,
    "route_waypoints_required": True,
    "page": 1,
    "search": None,
    "status": None,  # a word of another list each time
    "date_from": "2026-01-01",
    "date_to": "2040-01-01",
    "stop": 1,
    "document_kind": "licence",
    "expires_on": "2040-01-31",
    "approve": True,
    "pin": "0417",
    "wait_s": 0,
    "version": None,
    "date_range": {"from": "2026-01-01", "to": "2026-12-31"},
    "distance": {"from": 0, "to": 10_000},
    "duration": {"from": 0, "to": 100_000},
    "feedback": None,
    "comments": "ALL",
    "sliders": [],
    "export": False,
    "map_view": False,
    "latitude": HOME.lat,
    "longitude": HOME.lon,
    "positions": [{"latitude": HOME.lat, "longitude": HOME.lon, "at": 1_780_000_000}],
    "value": None,
}


# What fields of one operation take, before what their names say elsewhere. Lists of the dashboard: so that all is shown.
OF_OPERATION: Final[Mapping[str, Mapping[str, Any]]] = {
    "get_vehicle_alerts": {"filter": "LAST_7_DAYS"},
    "set_push_token": {"is_on": True},
    "admin_change_vehicle_status": {"status": "NEED_SERVICE"},
    "employee_activity_log": {"filter": "VEHICLE_STATUS_CHANGE"},
    "admin_rides": {"ride_status": "ACTIVE", "models": [0], "parking_quality": ["ALL"]},
    "admin_users": {"filter": ["ALL"]},
    "admin_taxi_rides": {"ride_status": "RIDE_REQUESTED", "models": [0]},
    "admin_taxi_drivers": {"filter": ["ONLINE", "OFFLINE", "NO_CONNECTION"], "class_ids": [0]},
}


def known_fields(operation: Operation) -> None:
    """Fail when an operation has a field that the walks do not know."""
    own = OF_OPERATION.get(operation.id, {})
    unknown = set(operation.request.__struct_fields__) - REFERENCES.keys() - PLAIN.keys() - own.keys()
    assert not unknown, f"{operation.id}: say in tests/kit/samples.py what {sorted(unknown)} refer to"


def body_for(operation: Operation, world: World, *, references: World | None = None) -> dict[str, Any]:
    """A body with every field filled; what refers to something refers to `references`' things."""
    known_fields(operation)
    body: dict[str, Any] = {}
    own = OF_OPERATION.get(operation.id, {})
    for name in operation.request.__struct_fields__:
        if name in own:
            body[name] = own[name]
        elif name in REFERENCES:
            body[name] = _reference(operation, name)(references or world)
        elif name == "flow":
            body[name] = _flow(operation)
        elif name in ("code", "promo_code"):
            body[name] = _code(operation, references or world)
        elif PLAIN[name] is not None:
            body[name] = PLAIN[name]
    return body


def required_body(operation: Operation, world: World) -> dict[str, Any]:
    """Only what must be sent."""
    return {name: value for name, value in body_for(operation, world).items() if name in operation.required_fields}


def as_a_rider(operation: Operation, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a rider may send of a body."""
    return {name: value for name, value in body.items() if name not in operation.secret_only}


def references_of(operation: Operation) -> list[str]:
    """The fields that refer to something of an operator."""
    own = OF_OPERATION.get(operation.id, {})
    return [name for name in operation.request.__struct_fields__ if name in REFERENCES and name not in own]


def all_operations() -> list[Operation]:
    """What is walked."""
    return list(operations())


def _reference(operation: Operation, name: str) -> Filler:
    if operation.tag == "Taxi" and name in TAXI:
        return TAXI[name]
    is_booked = operation.id == "create_booking" and name in BOOKED
    return BOOKED[name] if is_booked else REFERENCES[name]


def _code(operation: Operation, references: World) -> str:
    """A new promo code, one that is there, or the digits of a text message."""
    if operation.id == "create_promo_code":
        return f"NEW{references.promo_code[:20]}"
    return references.promo_code if operation.id in ("redeem_code", "stop_promo_code") else str(PLAIN["code"])


def _flow(operation: Operation) -> str:
    info = msgspec.inspect.type_info(operation.request)
    assert isinstance(info, msgspec.inspect.StructType)
    kind = next(known.type for known in info.fields if known.name == "flow")
    while isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    if isinstance(kind, msgspec.inspect.LiteralType):
        return str(kind.values[0])
    assert isinstance(kind, msgspec.inspect.EnumType)
    return str(next(iter(kind.cls)).value)
