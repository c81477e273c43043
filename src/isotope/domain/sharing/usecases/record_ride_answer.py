"""Write down what a card provider answered about a ride: the payment, the ledger, and the ride, fine or refund."""

from datetime import datetime
from typing import Final

from isotope.domain.payments import Answer, CallKind, CardCall, CardPayment, PaymentStatus, get_payment, record_answer
from isotope.domain.payments.model import After
from isotope.domain.sharing import refunds, store
from isotope.domain.sharing.cards import release_reserved
from isotope.domain.sharing.fine_receipts import issue_credit_note, issue_fine_receipt
from isotope.domain.sharing.first_rides import tell_if_paid
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.receipts import issue_receipt
from isotope.domain.sharing.refunds import Fine, FineId, RefundId
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RideId

_RIDE: Final = "ride"
_FINE: Final = "fine"
_REFUND: Final = "refund"


async def record_ride_answer(rt: Runtime, operator: Operator, call: CardCall, answer: Answer) -> None:
    """The `payments.Recorder` of rides. Once for every call, in one transaction; safe to run twice.

    What the card paid and what it refused move out of the pending part of the ride or fine, and what went back to the
    card or could not, out of the refund's; when nothing is pending any more the receipt is due. A reservation that
    turns out to have worked for a ride that is over is let go by the worker.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        # What a payment is for never changes: it is read before the ride is locked, and both before the payment is.
        cause = (await get_payment(tx, operator.id, call.payment_id)).cause
        ride, fine = await _lock_subject(tx, operator, cause)
        recorded = await record_answer(tx, operator, call, answer, now)
        after = recorded.after
        if ride is None or after is None:
            return
        if call.kind is CallKind.REFUND:
            await _settle_refund(tx, operator, ride, call, after, now)
        elif fine is not None:
            await _settle_fine(tx, operator, ride, fine, after, now)
        else:
            await _settle_ride(tx, rt, operator, ride, call, recorded.payment, after, now)


async def _settle_ride(
    tx: Tx,
    rt: Runtime,
    operator: Operator,
    ride: Ride,
    call: CardCall,
    payment: CardPayment,
    after: After,
    now: datetime,
) -> None:
    if after.collected_minor or after.unpaid_minor:
        paid = await store.add_card_outcome(
            tx, ride, collected_minor=after.collected_minor, unpaid_minor=after.unpaid_minor
        )
        await issue_receipt(tx, operator, paid, now)
        await tell_if_paid(tx, rt, operator, paid, now)
    is_late = call.kind is CallKind.AUTHORISE and not ride.is_open
    if is_late and payment.status is PaymentStatus.AUTHORISED:
        await release_reserved(tx, ride, now)


async def _settle_fine(tx: Tx, operator: Operator, ride: Ride, fine: Fine, after: After, now: datetime) -> None:
    if after.collected_minor or after.unpaid_minor:
        paid = await refunds.add_fine_outcome(
            tx, fine, collected_minor=after.collected_minor, unpaid_minor=after.unpaid_minor
        )
        await issue_fine_receipt(tx, operator, ride, paid, now)


async def _settle_refund(tx: Tx, operator: Operator, ride: Ride, call: CardCall, after: After, now: datetime) -> None:
    number = _number(call.cause, _REFUND)
    refund = None if number is None else await refunds.find_refund(tx, operator.id, RefundId(number))
    if refund is not None:
        settled = await refunds.add_refund_outcome(
            tx,
            refund,
            returned_minor=after.returned_minor,
            to_debt_minor=after.kept_debt_minor,
            to_balance_minor=after.kept_minor - after.kept_debt_minor,
        )
        await issue_credit_note(tx, operator, ride, settled, now)


async def _lock_subject(tx: Tx, operator: Operator, cause: str) -> tuple[Ride | None, Fine | None]:
    """The ride that is paid, or the fine with its ride."""
    ride_id, fine_id = _number(cause, _RIDE), _number(cause, _FINE)
    fine = None if fine_id is None else await refunds.find_fine(tx, operator.id, FineId(fine_id))
    if fine is not None:
        ride_id = fine.ride_id
    ride = None if ride_id is None else await store.lock_ride(tx, operator.id, RideId(ride_id))
    if fine is None or ride is None:
        return ride, None
    # What stood there before the ride was locked may have changed.
    return ride, await refunds.find_fine(tx, operator.id, fine.id)


def _number(cause: str, kind: str) -> int | None:
    found, _, digits = cause.partition(":")
    return int(digits) if found == kind and digits.isdigit() else None
