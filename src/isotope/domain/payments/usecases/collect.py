"""Decide how a bill's part for the card is collected."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments import queries, store
from isotope.domain.payments.model import CallKind, Card, CardCall, PaymentStatus, Purpose
from isotope.domain.payments.rules import plan_collection
from isotope.domain.payments.usecases.open_payment import OpenPayment, open_payment
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Collect `due_minor` for `cause` from what is reserved for it and, if that is too little, from `card`."""

    operator_id: OperatorId
    purpose: Purpose
    cause: str
    card: Card | None
    currency: str
    due_minor: int
    actor: Actor
    now: datetime


async def collect(tx: Tx, command: Collect) -> list[CardCall]:
    """The calls to carry out after the commit: captures, releases and at most one charge.

    The amount stands on the rider's account in transit already (`wallet.charge` with `on_card`).

    Raises:
        ValueError: more is due than is reserved, and there is no card; a bug of the caller.
    """
    payments = await store.lock_payments(tx, command.operator_id, command.cause)
    asked = await queries.list_asked(tx, command.operator_id, command.cause) if payments else set()
    reserved = [
        (payment.id, payment.amount_minor)
        for payment in payments
        if payment.status is PaymentStatus.AUTHORISED and payment.id not in asked
    ]
    by_id = {payment.id: payment for payment in payments}
    calls = []
    for step in plan_collection(reserved, command.due_minor):
        if step.payment_id is not None:
            payment = by_id[step.payment_id]
            calls.append(
                await store.insert_call(tx, payment, step.kind, step.amount_minor, actor=command.actor, now=command.now)
            )
            continue
        if command.card is None:
            raise ValueError(f"{command.cause}: no card for {step.amount_minor} more than is reserved")
        _payment, call = await open_payment(
            tx,
            OpenPayment(
                card=command.card,
                purpose=command.purpose,
                cause=command.cause,
                currency=command.currency,
                amount_minor=step.amount_minor,
                reserve=step.kind is CallKind.AUTHORISE,
                actor=command.actor,
                now=command.now,
            ),
        )
        calls.append(call)
    return calls
