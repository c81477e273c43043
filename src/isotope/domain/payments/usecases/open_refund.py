"""Decide to give money back to a card."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments import store
from isotope.domain.payments.model import CallKind, CardCall, CardPaymentId
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRefund:
    """Give `amount_minor` of a payment back, because of `cause` (`refund:3`)."""

    operator_id: OperatorId
    payment_id: CardPaymentId
    amount_minor: int
    cause: str
    actor: Actor
    now: datetime


async def open_refund(tx: Tx, command: OpenRefund) -> CardCall:
    """The call, which the caller carries out after the commit (`carry_out`).

    The amount stands on the rider's account in transit already, above zero.

    Raises:
        ValueError: more than the payment still has; a bug of the caller.
        psycopg.errors.UniqueViolation: the payment's last call is still open, or this cause was refunded from it.
    """
    payment = await store.lock_payment(tx, command.operator_id, command.payment_id)
    if command.amount_minor > payment.captured_minor - payment.refunded_minor:
        raise ValueError(f"payment {payment.id} has less than {command.amount_minor} to give back")
    return await store.insert_call(
        tx, payment, CallKind.REFUND, command.amount_minor, actor=command.actor, now=command.now, cause=command.cause
    )
