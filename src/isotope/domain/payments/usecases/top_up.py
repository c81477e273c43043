"""A rider puts money of a card into the wallet."""

from uuid import uuid4

import msgspec
from psycopg.errors import UniqueViolation

from isotope.domain.identity import lock_rider
from isotope.domain.payments import debts, errors, queries, store
from isotope.domain.payments.cards import Cards
from isotope.domain.payments.model import (
    Card,
    CardPayment,
    CardPaymentId,
    PaymentStatus,
    Purpose,
)
from isotope.domain.payments.usecases.ask_now import ask_now
from isotope.domain.payments.usecases.carry_out import carry_out
from isotope.domain.payments.usecases.open_payment import OpenPayment, open_payment
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import (
    AccountKind,
    MoneyKind,
    Standing,
    find_entries,
    get_standing,
    idempotency_key_reused,
    may_add,
)
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId
from isotope.kernel.money import Money


class TopUp(msgspec.Struct, frozen=True, kw_only=True):
    """`method_id` None: the card that rides are paid with, or the newest.

    With an `idempotency_key` a repetition by the same actor finds the first.
    """

    operator: Operator
    rider_id: RiderId
    amount_minor: int
    actor: Actor
    method_id: str | None = None
    idempotency_key: str | None = None


class ToppedUp(msgspec.Struct, frozen=True, kw_only=True):
    """The payment and the wallet as they are now, and how much of the payment settled debt."""

    payment: CardPayment
    standing: Standing
    debt_settled_minor: int


async def top_up(rt: Runtime, cards: Cards, command: TopUp) -> ToppedUp:
    """Ask a card for money, with the rider there to confirm it if the bank wants that.

    Nobody may know yet what the provider makes of it: then the payment is AUTHORISING, and the worker finds out.

    Raises:
        Refusal: `cards_unavailable`, `validation_failed` (amount), `card_needed`, `card_not_found`, `card_declined`,
            `wallet_limit_reached`, `user_not_found`, and `idempotency_key_reused` when the key was used for something
            else.
    """
    operator = command.operator
    settings = operator.settings.payments
    cards.get_provider()
    least, most = settings.top_up_minimum_minor, settings.top_up_maximum_minor
    if not least <= command.amount_minor <= most:
        raise errors.amount_out_of_bounds(Money(least, operator.currency), Money(most, operator.currency))
    cause = f"top_up:{command.actor}:{command.idempotency_key or uuid4()}"
    payment = await _find(rt, command, cause) or await _open(rt, cards, command, cause)
    async with rt.db.read() as tx:
        call = await queries.find_open_call(tx, operator.id, payment.id)
    if call is not None and payment.status is PaymentStatus.AUTHORISING:
        await carry_out(rt, cards, operator, call)
    topped_up = await read_top_up(rt, operator, payment.id)
    if topped_up.payment.status is PaymentStatus.FAILED:
        raise errors.card_declined(topped_up.payment.code or "")
    return topped_up


async def find_top_up(
    rt: Runtime, cards: Cards, operator: Operator, rider_id: RiderId, payment_id: CardPaymentId
) -> ToppedUp:
    """What became of a top-up; one that waits for the rider's confirmation is asked for at the provider.

    Raises:
        Refusal: `top_up_not_found`.
    """
    async with rt.db.glance() as tx:
        payment = await queries.find_payment(tx, operator.id, rider_id, payment_id)
    if payment is None or not payment.purpose.fills_wallet:
        raise errors.top_up_not_found()
    await ask_now(rt, cards, operator, payment)
    return await read_top_up(rt, operator, payment_id)


async def _find(rt: Runtime, command: TopUp, cause: str) -> CardPayment | None:
    """What the same key did before."""
    async with rt.db.read() as tx:
        found = await queries.list_payments(tx, command.operator.id, cause)
    if not found:
        return None
    payment = found[0]
    is_same = (
        payment.rider_id == command.rider_id
        and payment.amount_minor == command.amount_minor
        and (command.method_id is None or queries.card_id_of(command.method_id) == payment.card_id)
    )
    if not is_same:
        raise idempotency_key_reused()
    return payment


async def _open(rt: Runtime, cards: Cards, command: TopUp, cause: str) -> CardPayment:
    operator = command.operator
    try:
        async with rt.db.write() as tx:
            await lock_rider(tx, operator.id, command.rider_id)
            standing = await get_standing(tx, operator.id, command.rider_id, operator.currency)
            if no := may_add(standing, command.amount_minor, MoneyKind.BALANCE):
                raise no
            payment, _call = await open_payment(
                tx,
                OpenPayment(
                    card=await _card(tx, cards, command),
                    purpose=Purpose.TOP_UP,
                    cause=cause,
                    currency=operator.currency,
                    amount_minor=command.amount_minor,
                    reserve=False,
                    actor=command.actor,
                    now=rt.clock.now(),
                    on_session=True,
                    return_url=cards.done_url,
                ),
            )
            return payment
    except UniqueViolation:
        # The same key came twice at once.
        payment_of_other = await _find(rt, command, cause)
        if payment_of_other is None:
            raise
        return payment_of_other


async def _card(tx: Tx, cards: Cards, command: TopUp) -> Card:
    """The card that is to pay. Nobody removes it meanwhile: who does holds the rider too."""
    asked = None if command.method_id is None else queries.card_id_of(command.method_id)
    if command.method_id is not None and asked is None:
        raise errors.card_not_found()
    provider = cards.get_provider().name
    card = await debts.find_card_to_charge(tx, command.operator.id, command.rider_id, provider, asked)
    if card is None:
        raise errors.card_needed() if asked is None else errors.card_not_found()
    return card


async def read_top_up(rt: Runtime, operator: Operator, payment_id: CardPaymentId) -> ToppedUp:
    """A payment into the wallet, and the wallet, as they are now."""
    async with rt.db.read() as tx:
        payment = await queries.get_payment(tx, operator.id, payment_id)
        standing = await get_standing(tx, operator.id, payment.rider_id, payment.currency)
        settled_minor = 0
        if payment.status is PaymentStatus.CAPTURED:
            call_id = await queries.get_charge_call_id(tx, payment)
            entries = await find_entries(tx, operator.id, store.call_cause(call_id), "card_captured")
            settled_minor = sum(entry.amount_minor for entry in entries if entry.kind is AccountKind.RIDER_DEBT)
    return ToppedUp(payment=payment, standing=standing, debt_settled_minor=settled_minor)
