"""A rider, or the operator's staff, cancels a trip."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.drivers import lock_state, set_idle
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.pricing import english
from isotope.domain.taxi import fares, machine, store
from isotope.domain.taxi.billing import BillTrip, bill_trip
from isotope.domain.taxi.cancel_rules import cancel_fee_minor
from isotope.domain.taxi.model import Outcome, Trip, TripStatus
from isotope.domain.taxi.queries import find_trip
from isotope.domain.taxi.receipts import issue_receipt
from isotope.domain.taxi.usecases.locking import lock_own_trip, must
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTrip:
    """`rider_id`: whose trip it must be; None: staff or the system cancel anybody's, for nothing."""

    operator: Operator
    trip_id: TripId
    actor: Actor
    rider_id: RiderId | None = None
    reason: str | None = None


async def cancel_trip(rt: Runtime, cards: Cards, command: CancelTrip) -> Trip:
    """The trip, CANCELED: its offers are withdrawn, what a card reserved beyond the fee is let go.

    Cancelling twice is one cancel.

    Raises:
        Refusal: `trip_not_found`, `trip_status`.
    """
    async with rt.db.write() as tx:
        trip = await lock_own_trip(tx, command.operator.id, command.rider_id, command.trip_id)
        if trip.status is TripStatus.CANCELED:
            return trip
        is_rider = machine.role_of(command.actor) == "rider"
        fee_minor = cancel_fee_minor(trip, command.operator.settings.taxi, rt.clock.now()) if is_rider else 0
        canceled, calls = await close_undriven(
            tx,
            rt,
            cards,
            command.operator,
            trip,
            command.actor,
            outcome=Outcome.RIDER_CANCELED if is_rider else Outcome.STAFF_CANCELED,
            fee_minor=fee_minor,
            fee_code="taxi_cancel_fee",
            reason=command.reason,
            now=rt.clock.now(),
        )
    await carry_out_all(rt, cards, command.operator, calls)
    if not calls:
        return canceled
    async with rt.db.read() as tx:
        return await find_trip(tx, command.operator.id, command.trip_id) or canceled


async def close_undriven(
    tx: Tx,
    rt: Runtime,
    cards: Cards,
    operator: Operator,
    trip: Trip,
    actor: Actor,
    *,
    outcome: Outcome,
    now: datetime,
    fee_minor: int = 0,
    fee_code: str = "taxi_cancel_fee",
    reason: str | None = None,
) -> tuple[Trip, list[CardCall]]:
    """A trip that nobody is driven in is over, with its fee; the calls are carried out after the commit.

    The caller holds the trip's row.

    Raises:
        Refusal: `trip_status`.
    """
    must(machine.may_change(trip.status, TripStatus.CANCELED, machine.role_of(actor)))
    await store.withdraw_offers(tx, trip, now)
    if trip.driver_id is not None and trip.status.has_driver:
        await lock_state(tx, operator.id, trip.driver_id)
        await set_idle(tx, operator.id, trip.driver_id, now)
    changes, calls = await bill_trip(
        tx,
        rt,
        cards,
        BillTrip(
            operator=operator,
            trip=trip,
            price=fares.fee_price(trip.terms.tariff, fee_code, fee_minor, english),
            reason="trip_fee",
            actor=actor,
            now=now,
        ),
    )
    canceled = await store.move_trip(
        tx, trip, TripStatus.CANCELED, actor, now, reason=reason, outcome=outcome, **changes
    )
    await issue_receipt(tx, operator, canceled, now)
    return canceled, calls
