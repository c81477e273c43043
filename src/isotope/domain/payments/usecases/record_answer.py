"""Write down what the provider answered: the payment, and what it means in the ledger."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from isotope.domain.payments import queries, store
from isotope.domain.payments.model import (
    After,
    Answer,
    CallKind,
    CallStatus,
    CardCall,
    CardPayment,
    CardStatus,
    RefusalCode,
)
from isotope.domain.payments.rules import after_answer
from isotope.domain.payments.usecases.follow_top_up import follow_top_up
from isotope.domain.payments.usecases.plan_debt_collection import plan_debt_collection
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import (
    AccountKind,
    Entry,
    Posting,
    SettleDebt,
    credit_entries,
    lock_standing,
    post,
    settle_debt,
)
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM


@dataclass(frozen=True, slots=True)
class Recorded:
    """The payment as it is now. `after` is None when the answer was written down before: nothing changed."""

    payment: CardPayment
    after: After | None


async def record_answer(tx: Tx, operator: Operator, call: CardCall, answer: Answer, now: datetime) -> Recorded:
    """Once for every call, whoever comes first; in the caller's transaction.

    The caller holds what the payment is for (a ride's row) if it changes that too; the payment's row and the wallet are
    locked here, in this order.
    """
    payment = await store.lock_payment(tx, operator.id, call.payment_id)
    after = after_answer(payment, call, answer)
    if after.call is CallStatus.OPEN:
        if (await queries.get_call(tx, operator.id, call.id)).status is not CallStatus.OPEN:
            return Recorded(payment, None)
    elif not await store.end_call(tx, call, after.call, answer, now):
        return Recorded(payment, None)
    is_first = call.kind in (CallKind.AUTHORISE, CallKind.CHARGE)
    changed = await store.set_payment(
        tx,
        payment,
        status=after.payment,
        captured_minor=payment.captured_minor + after.collected_minor,
        refunded_minor=payment.refunded_minor + after.returned_minor,
        answer=answer,
        provider_ref=(answer.ref or payment.provider_ref) if is_first else payment.provider_ref,
    )
    after = await _post(tx, operator, changed, call, after, now)
    await follow_top_up(tx, changed, after, now)
    if answer.code == RefusalCode.CARD_UNKNOWN and is_first:
        card = await queries.find_card(tx, operator.id, payment.rider_id, payment.card_id)
        if card is not None and card.status is CardStatus.ACTIVE:
            await store.set_card_status(tx, card, CardStatus.LOST)
    return Recorded(changed, after)


async def record_alone(rt: Runtime, operator: Operator, call: CardCall, answer: Answer) -> None:
    """The recorder of purposes that nothing above this room waits for: money into the wallet."""
    async with rt.db.write() as tx:
        await record_answer(tx, operator, call, answer, rt.clock.now())


async def _post(tx: Tx, operator: Operator, payment: CardPayment, call: CardCall, after: After, now: datetime) -> After:
    """What happened, in the ledger; and the rest of what is known by then."""
    rider = payment.rider_id
    moved = after.collected_minor or after.unpaid_minor or after.returned_minor or after.kept_minor
    if not moved:
        return after
    standing = await lock_standing(tx, operator.id, rider, payment.currency)
    entries: list[tuple[str, tuple[Entry, ...]]] = []
    clearing, transit = AccountKind.PROVIDER_CLEARING, AccountKind.RIDER_IN_TRANSIT
    if after.collected_minor:
        amount = after.collected_minor
        came = (
            credit_entries(rider, standing, amount)
            if payment.purpose.fills_wallet
            else (Entry(kind=transit, amount_minor=amount, rider_id=rider),)
        )
        entries.append(("card_captured", (Entry(kind=clearing, amount_minor=-amount), *came)))
    if after.unpaid_minor and payment.purpose.is_owed:
        amount = after.unpaid_minor
        owed = (
            Entry(kind=transit, amount_minor=amount, rider_id=rider),
            Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-amount, rider_id=rider),
        )
        entries.append(("card_refused", owed))
    if after.returned_minor:
        amount = after.returned_minor
        went = (
            Entry(kind=transit, amount_minor=-amount, rider_id=rider),
            Entry(kind=clearing, amount_minor=amount),
        )
        entries.append(("card_refunded", went))
    if after.kept_minor:
        amount = after.kept_minor
        kept = credit_entries(rider, standing, amount)
        stays = (Entry(kind=transit, amount_minor=-amount, rider_id=rider), *kept)
        settled = sum(entry.amount_minor for entry in kept if entry.kind is AccountKind.RIDER_DEBT)
        after = msgspec.structs.replace(after, kept_debt_minor=settled)
        entries.append(("refund_to_wallet", stays))
    for reason, sides in entries:
        await post(
            tx,
            Posting(
                operator_id=operator.id,
                currency=payment.currency,
                reason=reason,
                actor=SYSTEM,
                cause=store.call_cause(call.id),
                now=now,
                entries=sides,
            ),
        )
    if after.unpaid_minor and payment.purpose.is_owed:
        # Money may have come in while the card was asked.
        await settle_debt(
            tx,
            SettleDebt(
                operator_id=operator.id,
                rider_id=rider,
                currency=payment.currency,
                actor=SYSTEM,
                cause=store.call_cause(call.id),
                now=now,
            ),
        )
        # The card just said no: that was the first try.
        await plan_debt_collection(tx, operator, rider, payment.currency, now, tried=True)
    return after
