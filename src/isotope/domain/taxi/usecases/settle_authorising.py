"""What a card answered decides whether a driver is looked for.

Called by the request that asked the card, and by the worker in case that request's process is gone. Whoever comes first
writes; the other finds nothing to do.

| the payment | then | the rider is told |
|---|---|---|
| AUTHORISED | REQUESTED, or SCHEDULED where it is for later | |
| FAILED, RELEASED | CANCELED, `card_refused` | card_declined |
| anything else: nobody knows | CANCELED, `card_refused`; what turns out to be reserved is let go | card_no_answer |
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from isotope.domain.payments import (
    CardPayment,
    PaymentStatus,
    RefusalCode,
    card_declined,
    card_no_answer,
    list_payments,
)
from isotope.domain.taxi import errors, store
from isotope.domain.taxi.model import Outcome, Trip, TripStatus
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import TripId

# Later than any provider's time-out: until then the request is there and goes on itself.
LOOK_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class SettleAuthorising:
    """Which trip."""

    operator: Operator
    trip_id: TripId


@dataclass(frozen=True, slots=True)
class Settled:
    """The trip as it is now, and why it does not go on."""

    trip: Trip
    refusal: Refusal | None = None


async def settle_authorising(rt: Runtime, what: SettleAuthorising) -> Settled:
    """Go on, or end the trip free of charge. Safe to run twice.

    Raises:
        Refusal: `trip_not_found`.
    """
    operator, now = what.operator, rt.clock.now()
    async with rt.db.write() as tx:
        trip = await store.lock_trip(tx, operator.id, what.trip_id)
        if trip is None:
            raise errors.trip_not_found()
        if trip.status is not TripStatus.AUTHORISING:
            return Settled(trip, card_no_answer() if trip.outcome == Outcome.CARD_REFUSED else None)
        # Answers about this payment are recorded under the trip's lock, so it stays as it is read.
        payment = (await list_payments(tx, operator.id, trip.cause))[0]
        if payment.status is PaymentStatus.AUTHORISED:
            return Settled(await go_on(tx, operator, trip, now))
        refusal = _why(payment)
        trip = await store.move_trip(
            tx, trip, TripStatus.CANCELED, SYSTEM, now, reason=refusal.code, outcome=Outcome.CARD_REFUSED
        )
        return Settled(trip, refusal)


async def go_on(tx: Tx, operator: Operator, trip: Trip, now: datetime) -> Trip:
    """The card has reserved the amount: drivers hear of it. The caller holds the trip's row."""
    if trip.scheduled_at is not None:
        return await store.move_trip(tx, trip, TripStatus.SCHEDULED, SYSTEM, now, next_at=now)
    until = now + timedelta(seconds=operator.settings.taxi.search_s)
    return await store.move_trip(tx, trip, TripStatus.REQUESTED, SYSTEM, now, search_until=until, next_at=until)


def _why(payment: CardPayment) -> Refusal:
    if payment.status in (PaymentStatus.FAILED, PaymentStatus.RELEASED):
        return card_declined(payment.code or RefusalCode.OTHER)
    return card_no_answer()
