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
from isotope.domain.fleet import VehicleStatus, hold_vehicle, lock_vehicle
from isotope.domain.payments import Card, CardPaymentId, find_card
from isotope.domain.pricing.model import Quota
from isotope.domain.receipts import ReceiptId, issue_later, read_receipts
from isotope.domain.sharing import Terms, store
from isotope.domain.sharing.model import EventKind, RideStatus
from isotope.domain.sharing.refunds import Fine, FineId, insert_fine, next_fine_id
from isotope.domain.sharing.reservation_store import NewReservation, insert_reservation
from isotope.domain.sharing.reservations import ReservationId, ReservationTerms
from isotope.domain.subscriptions import PlanDraft, PlanId, PlanSpec, SubscriptionId, upsert_plan
from isotope.domain.tenants.model import Role, Settings
from isotope.domain.tenants.store import insert_staff, insert_staff_token
from isotope.domain.zones import ZoneType
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token, new_token
from isotope.kernel.actor import SYSTEM, rider_actor
from isotope.kernel.ids import RideId
from tests.kit.fleet import HOME, TARIFF, Fleet, make_fleet, make_zones, zone_draft
from tests.kit.receipts import ride_draft
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
    package_id: PackageId
    group_ref: str
    promo_code: str
    plan_id: PlanId
    subscription_id: SubscriptionId
    staff_token: str
    phone_token: str = "a-token-that-nobody-was-given"

    @property
    def key(self) -> str:
        return self.kit.public_key

    @property
    def secret(self) -> str:
        return self.kit.secret_key

    def token_for(self, operation: Operation) -> str | None:
        """Of whoever may send every field: staff on the dashboard, else the operator's systems."""
        if operation.auth is Auth.NONE:
            return None
        return self.staff_token if operation.auth is Auth.STAFF else self.secret


async def make_world(rt: Runtime, *, settings: Settings | None = None, staff: Role | None = None) -> World:
    """An operator with a zone, three vehicles, and a rider who rides the first of them and has reserved the last.

    The rider has a card, of a provider that is not there, with a top-up that failed, and a receipt.
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
        package_id=package_id,
        group_ref=group_ref,
        promo_code=promo_code,
        plan_id=plan_id,
        subscription_id=subscription_id,
        staff_token=await make_staff_token(rt, kit),
    )


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
    "pricing_package_id": lambda world: world.package_id,
    "plan_id": lambda world: world.plan_id,
    "subscription_id": lambda world: world.subscription_id,
    "discount_group": lambda world: world.group_ref,
    "phone_token": lambda world: world.phone_token,
    "phone_prefix": lambda world: world.rider.rider.phone_prefix,
    "phone": lambda world: world.rider.rider.phone,
    "email": lambda world: world.rider.rider.email,
}
# What refers to nothing.
PLAIN: Final[Mapping[str, Any]] = {
    "filter": "LAST_7_DAYS",
    "flow": None,  # differs from operation to operation: see `_flow`
    "skip_ip_address_check": None,
    "skip_otp": None,
    "skip_document_verification_check": None,
    "code": "123456",  # a promo code is another: see `_code`
    "promo_code": None,
    "title": "A sample",
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
    "command": "ring",
    "value": None,
}


def known_fields(operation: Operation) -> None:
    """Fail when an operation has a field that the walks do not know."""
    unknown = set(operation.request.__struct_fields__) - REFERENCES.keys() - PLAIN.keys()
    assert not unknown, f"{operation.id}: say in tests/kit/samples.py what {sorted(unknown)} refer to"


def body_for(operation: Operation, world: World, *, references: World | None = None) -> dict[str, Any]:
    """A body with every field filled; what refers to something refers to `references`' things."""
    known_fields(operation)
    body: dict[str, Any] = {}
    for name in operation.request.__struct_fields__:
        if name in REFERENCES:
            body[name] = REFERENCES[name](references or world)
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
    return [name for name in operation.request.__struct_fields__ if name in REFERENCES]


def all_operations() -> list[Operation]:
    """What is walked."""
    return list(operations())


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
