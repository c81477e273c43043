"""A rider's bank takes a payment back, and perhaps returns it."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from isotope.domain.payments import disputes, events, queries, store
from isotope.domain.payments.cards import Cards, merchant_of
from isotope.domain.payments.disputes import Dispute
from isotope.domain.payments.model import CardPayment, CardStatus, DisputeFound, DisputeStatus
from isotope.domain.payments.ports import CardsUnclear
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import AccountKind, Entry, Posting, post
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId

_log = structlog.get_logger(__name__)

JOB: Final = "handle_card_dispute"
_PAGE: Final = 100
# Far longer than any payment of ours stays unrecorded.
_LATE: Final = timedelta(days=7)


async def record_dispute(rt: Runtime, cards: Cards, operator: Operator, dispute_ref: str) -> None:
    """Ask the provider how a dispute stands and write it down. Safe to repeat and in any order.

    | provider says | ledger                                                        | card       |
    |---------------|---------------------------------------------------------------|------------|
    | OPEN          | once: PROVIDER_CLEARING + amount, CHARGEBACKS - amount         | used no more |
    | WON           | as OPEN if that was missed, then the reverse, once             | used no more |
    | LOST          | as OPEN if that was missed; it stays so                        | used no more |

    The rider owes nothing by it: whether the claim is just, staff decide, who can fine or block. A card whose holder
    says that it was not them is not charged again.

    Raises:
        CardsUnclear: the provider does not say.
    """
    provider = cards.get_provider()
    found = await provider.find_dispute(merchant_of(operator), dispute_ref)
    if found is None:
        _log.warning("cards.dispute_unknown", dispute=dispute_ref)
        return
    now = rt.clock.now()
    async with rt.db.write() as tx:
        payment = await disputes.lock_payment_by_ref(tx, operator.id, found.payment_ref)
        if payment is None:
            _log.warning("cards.dispute_of_unknown_payment", dispute=dispute_ref)
            return
        dispute = await disputes.find_dispute(tx, operator.id, dispute_ref)
        if dispute is None:
            dispute = await _open(tx, payment, found, now)
        # What was won stays won; what was lost can still be won by an appeal.
        if found.status not in (dispute.status, DisputeStatus.OPEN) and dispute.status is not DisputeStatus.WON:
            await disputes.end_dispute(tx, dispute, found.status, now)
            if found.status is DisputeStatus.WON:
                await _post(tx, payment, dispute, "dispute_won", -dispute.amount_minor, now)


async def follow_disputes(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """Periodic: how the open ones stand, should a webhook have been lost; how many were asked for.

    Also those of which a webhook told before their payment was written down.
    """
    if cards.provider is None:
        return 0
    count, after = await _match_late(rt, cards, cards.provider.name, operators), (0, 0)
    while True:
        async with rt.db.read() as tx:
            page = await disputes.list_open_disputes(tx, _PAGE, after)
        for operator_id, number, ref in page:
            after = (operator_id, number)
            count += 1
            try:
                await record_dispute(rt, cards, await operators.get(OperatorId(operator_id)), ref)
            except CardsUnclear as error:
                _log.warning("cards.dispute_unclear", dispute=ref, reason=error.reason)
        if len(page) < _PAGE:
            return count


async def _match_late(rt: Runtime, cards: Cards, provider: str, operators: Operators) -> int:
    now, count = rt.clock.now(), 0
    async with rt.db.read() as tx:
        unmatched = await events.list_unmatched_disputes(tx, provider, now - _LATE, _PAGE)
    for event in unmatched:
        async with rt.db.read() as tx:
            payments = await events.find_payments(tx, provider, event.payment_ref)
        for payment in payments:
            count += 1
            try:
                await record_dispute(rt, cards, await operators.get(payment.operator_id), event.ref)
            except CardsUnclear as error:
                _log.warning("cards.dispute_unclear", dispute=event.ref, reason=error.reason)
                continue
            async with rt.db.write() as tx:
                await events.set_operator(tx, provider, event.event_id, payment.operator_id, now)
    return count


async def _open(tx: Tx, payment: CardPayment, found: DisputeFound, now: datetime) -> Dispute:
    dispute = await disputes.insert_dispute(tx, payment, found, now)
    await _post(tx, payment, dispute, "disputed", dispute.amount_minor, now)
    card = await queries.find_card(tx, payment.operator_id, payment.rider_id, payment.card_id)
    if card is not None and card.status is CardStatus.ACTIVE:
        await store.set_card_status(tx, card, CardStatus.LOST)
    return dispute


async def _post(tx: Tx, payment: CardPayment, dispute: Dispute, reason: str, taken_minor: int, now: datetime) -> None:
    """`taken_minor` went back to the bank; below zero it came from there."""
    await post(
        tx,
        Posting(
            operator_id=payment.operator_id,
            currency=payment.currency,
            reason=reason,
            actor=SYSTEM,
            cause=f"dispute:{dispute.id}",
            now=now,
            entries=(
                Entry(kind=AccountKind.PROVIDER_CLEARING, amount_minor=taken_minor),
                Entry(kind=AccountKind.CHARGEBACKS, amount_minor=-taken_minor),
            ),
        ),
    )
