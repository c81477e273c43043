"""Decide to ask a card for money: stored now, asked after the commit."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments import store
from isotope.domain.payments.model import CallKind, Card, CardCall, CardPayment, Purpose
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPayment:
    """An amount that a card is to reserve (`reserve`) or to pay at once.

    `cause` says what for. With `on_session` the rider is there and may be sent to the provider to confirm, who sends
    them back to `return_url`.
    """

    card: Card
    purpose: Purpose
    cause: str
    currency: str
    amount_minor: int
    reserve: bool
    actor: Actor
    now: datetime
    on_session: bool = False
    return_url: str = ""


async def open_payment(tx: Tx, command: OpenPayment) -> tuple[CardPayment, CardCall]:
    """The payment and its first call, which the caller carries out after the commit (`carry_out`).

    Raises:
        psycopg.errors.UniqueViolation: money for this cause comes into the wallet already.
    """
    payment = await store.insert_payment(
        tx,
        card=command.card,
        purpose=command.purpose,
        cause=command.cause,
        currency=command.currency,
        amount_minor=command.amount_minor,
        actor=command.actor,
        on_session=command.on_session,
        return_url=command.return_url,
        now=command.now,
    )
    kind = CallKind.AUTHORISE if command.reserve else CallKind.CHARGE
    call = await store.insert_call(tx, payment, kind, command.amount_minor, actor=command.actor, now=command.now)
    return payment, call
