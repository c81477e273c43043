"""The rider pays what they owe, now, with a card."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments import debts, errors, queries
from isotope.domain.payments.cards import Cards
from isotope.domain.payments.model import CardCall, CardId, CardPayment, PaymentStatus, Purpose
from isotope.domain.payments.usecases.carry_out import carry_out
from isotope.domain.payments.usecases.collect_debts import ON_ITS_WAY, debt_cause
from isotope.domain.payments.usecases.open_payment import OpenPayment, open_payment
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import MAX_AMOUNT_MINOR, lock_standing, payment_running
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId
from isotope.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PayDebt:
    """Pay the whole debt with `card_id` (None: the card that pays rides).

    The rider is there: they may be sent to their bank, which sends them back to `return_url`.
    """

    operator: Operator
    rider_id: RiderId
    actor: Actor
    card_id: CardId | None = None
    return_url: str = ""


async def pay_debt(rt: Runtime, cards: Cards, command: PayDebt) -> CardPayment:
    """The payment: CAPTURED, or ACTION_REQUIRED with the `redirect_url` to send the rider to.

    One that waits for the rider's confirmation already is answered again instead of making a second.

    Raises:
        Refusal: `cards_unavailable`, `no_debt`, `card_needed`, `card_not_found`, `payment_running`, `card_declined`,
            `card_no_answer` (the worker finds out; the debt may yet be paid by it).
    """
    cards.get_provider()
    async with rt.db.write() as tx:
        payment, call = await _decide(tx, cards, command, rt.clock.now())
    if call is None:
        return payment
    await carry_out(rt, cards, command.operator, call)
    async with rt.db.glance() as tx:
        payment = await queries.get_payment(tx, command.operator.id, payment.id)
    if payment.status is PaymentStatus.FAILED:
        raise errors.card_declined(payment.code or "")
    if payment.status is PaymentStatus.AUTHORISING:
        raise errors.card_no_answer()
    return payment


async def _decide(tx: Tx, cards: Cards, command: PayDebt, now: datetime) -> tuple[CardPayment, CardCall | None]:
    operator, rider_id = command.operator, command.rider_id
    await debts.lock_rider(tx, operator.id, rider_id)
    standing = await lock_standing(tx, operator.id, rider_id, operator.currency)
    if standing.debt_minor == 0:
        raise errors.no_debt()
    waiting = await debts.find_incoming(tx, operator.id, rider_id, ON_ITS_WAY)
    if waiting is not None and waiting.status is PaymentStatus.ACTION_REQUIRED:
        return waiting, None
    if waiting is not None:
        raise payment_running(Money(waiting.amount_minor, waiting.currency))
    provider = cards.get_provider().name
    card = await debts.find_card_to_charge(tx, operator.id, rider_id, provider, command.card_id)
    if card is None:
        raise errors.card_needed() if command.card_id is None else errors.card_not_found()
    return await open_payment(
        tx,
        OpenPayment(
            card=card,
            purpose=Purpose.DEBT,
            cause=debt_cause(rider_id, operator.currency),
            currency=operator.currency,
            amount_minor=min(standing.debt_minor, MAX_AMOUNT_MINOR),
            reserve=False,
            actor=command.actor,
            now=now,
            on_session=True,
            return_url=command.return_url,
        ),
    )
