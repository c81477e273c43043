"""Write down what a card provider answered about a ride: the payment, the ledger, and the ride."""

from typing import Final

from isotope.domain.payments import Answer, CallKind, CardCall, PaymentStatus, get_payment, record_answer
from isotope.domain.sharing import store
from isotope.domain.sharing.cards import release_reserved
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.receipts import issue_receipt
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RideId

_CAUSE: Final = "ride:"


async def record_ride_answer(rt: Runtime, operator: Operator, call: CardCall, answer: Answer) -> None:
    """The `payments.Recorder` of rides. Once for every call, in one transaction; safe to run twice.

    What the card paid and what it refused move out of the ride's pending part; when nothing is pending any more the
    receipt is due. A reservation that turns out to have worked for a ride that is over is let go by the worker.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        # What a payment is for never changes: it is read before the ride is locked, and both before the payment is.
        cause = (await get_payment(tx, operator.id, call.payment_id)).cause
        ride = await _lock_ride_of(tx, operator, cause)
        recorded = await record_answer(tx, operator, call, answer, now)
        after = recorded.after
        if ride is None or after is None:
            return
        if after.collected_minor or after.unpaid_minor:
            paid = await store.add_card_outcome(
                tx, ride, collected_minor=after.collected_minor, unpaid_minor=after.unpaid_minor
            )
            await issue_receipt(tx, operator, paid, now)
        is_late = call.kind is CallKind.AUTHORISE and not ride.is_open
        if is_late and recorded.payment.status is PaymentStatus.AUTHORISED:
            await release_reserved(tx, ride, now)


async def _lock_ride_of(tx: Tx, operator: Operator, cause: str) -> Ride | None:
    digits = cause.removeprefix(_CAUSE)
    if digits == cause:
        return None
    return await store.lock_ride(tx, operator.id, RideId(int(digits)))
