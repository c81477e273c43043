"""Write down what a card provider answered about a trip: the payment, the ledger, the trip or a refund of it."""

from datetime import datetime
from typing import Final

from isotope.domain.payments import (
    Answer,
    CallKind,
    CardCall,
    Collect,
    PaymentStatus,
    Purpose,
    collect,
    get_payment,
    record_answer,
)
from isotope.domain.payments.model import After
from isotope.domain.taxi import refunds, store
from isotope.domain.taxi.model import Trip, TripRefundId
from isotope.domain.taxi.receipts import issue_receipt
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import TripId

_TRIP: Final = "trip"
_REFUND: Final = "trip_refund"


async def record_trip_answer(rt: Runtime, operator: Operator, call: CardCall, answer: Answer) -> None:
    """The `payments.Recorder` of trips. Once for every call, in one transaction; safe to run twice.

    What was reserved for a trip that turned out to be over is let go by the worker.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        # What a payment is for never changes: it is read before the trip is locked, and both before the payment is.
        number = _number((await get_payment(tx, operator.id, call.payment_id)).cause, _TRIP)
        trip = None if number is None else await store.lock_trip(tx, operator.id, TripId(number))
        recorded = await record_answer(tx, operator, call, answer, now)
        after = recorded.after
        if trip is None or after is None:
            return
        if call.kind is CallKind.REFUND:
            await _settle_refund(tx, operator, trip, call, after, now)
            return
        await _settle(tx, operator, trip, after, now)
        if (
            call.kind is CallKind.AUTHORISE
            and trip.status.is_final
            and recorded.payment.status is PaymentStatus.AUTHORISED
        ):
            await collect(
                tx,
                Collect(
                    operator_id=operator.id,
                    purpose=Purpose.TRIP,
                    cause=trip.cause,
                    card=None,
                    currency=trip.currency,
                    due_minor=0,
                    actor=SYSTEM,
                    now=now,
                ),
            )


async def _settle(tx: Tx, operator: Operator, trip: Trip, after: After, now: datetime) -> None:
    if after.collected_minor or after.unpaid_minor:
        paid = await store.change_trip(
            tx,
            trip,
            charged_card_minor=trip.charged_card_minor + after.collected_minor,
            debt_minor=trip.debt_minor + after.unpaid_minor,
            card_pending_minor=trip.card_pending_minor - after.collected_minor - after.unpaid_minor,
        )
        await issue_receipt(tx, operator, paid, now)
        await store.tell(tx, paid)


async def _settle_refund(tx: Tx, operator: Operator, trip: Trip, call: CardCall, after: After, now: datetime) -> None:
    number = _number(call.cause, _REFUND)
    refund = None if number is None else await refunds.find_refund(tx, operator.id, TripRefundId(number))
    if refund is not None:
        settled = await refunds.settle_refund(tx, refund, after)
        await refunds.issue_credit_note(tx, operator, trip, settled, now)


def _number(cause: str, kind: str) -> int | None:
    found, _, digits = cause.partition(":")
    return int(digits) if found == kind and digits.isdigit() else None
