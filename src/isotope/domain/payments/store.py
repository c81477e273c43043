"""What payments write. Rows of `card_payment` are locked after the ride they pay for and before the wallet."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.payments.model import (
    Answer,
    CallKind,
    CallStatus,
    Card,
    CardCall,
    CardCallId,
    CardPayment,
    CardPaymentId,
    CardStatus,
    PaymentStatus,
    Purpose,
)
from isotope.domain.payments.rows import CALL_COLUMNS, PAYMENT_COLUMNS, call_row, payment_row
from isotope.infra.db import Tx
from isotope.infra.tokens import new_token
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId

# Who stored a call also makes it, within the time-out of a provider and of a request. After that the worker looks.
LEFT_TO_CALLER: Final = timedelta(seconds=20)


async def insert_payment(
    tx: Tx,
    *,
    card: Card,
    purpose: Purpose,
    cause: str,
    currency: str,
    amount_minor: int,
    actor: Actor,
    on_session: bool,
    return_url: str,
    now: datetime,
) -> CardPayment:
    """A payment that nothing was asked for yet. The index card_payment_once refuses a second one for a cause."""
    return await tx.one(
        payment_row,
        f"""
        insert into card_payment (operator_id, rider_id, card_id, purpose, cause, currency, amount_minor, on_session,
                                  return_url, actor, created_at)
        values (%(operator_id)s, %(rider_id)s, %(card_id)s, %(purpose)s, %(cause)s, %(currency)s, %(amount)s,
                %(on_session)s, %(return_url)s, %(actor)s, %(now)s)
        returning {PAYMENT_COLUMNS}
        """,
        {
            "operator_id": card.operator_id,
            "rider_id": card.rider_id,
            "card_id": card.id,
            "purpose": purpose,
            "cause": cause,
            "currency": currency,
            "amount": amount_minor,
            "on_session": on_session,
            "return_url": return_url,
            "actor": actor,
            "now": now,
        },
    )


async def insert_call(
    tx: Tx, payment: CardPayment, kind: CallKind, amount_minor: int, *, actor: Actor, now: datetime, cause: str = ""
) -> CardCall:
    """Store what is about to be asked. The indexes card_call_open and card_call_once refuse what must not be asked."""
    return await tx.one(
        call_row,
        f"""
        insert into card_call (operator_id, payment_id, kind, amount_minor, key, cause, actor, created_at, next_at)
        values (%(operator_id)s, %(payment_id)s, %(kind)s, %(amount)s, %(key)s, %(cause)s, %(actor)s, %(now)s,
                %(next_at)s)
        returning {CALL_COLUMNS}
        """,
        {
            "operator_id": payment.operator_id,
            "payment_id": payment.id,
            "kind": kind,
            "amount": amount_minor,
            "key": new_token(),
            "cause": cause or payment.cause,
            "actor": actor,
            "now": now,
            "next_at": now + LEFT_TO_CALLER,
        },
    )


async def lock_payment(tx: Tx, operator_id: OperatorId, payment_id: CardPaymentId) -> CardPayment:
    """The payment, which nobody else changes until this transaction ends."""
    return await tx.one(
        payment_row,
        f"""
        select {PAYMENT_COLUMNS} from card_payment
         where operator_id = %(operator_id)s and id = %(id)s for no key update
        """,
        {"operator_id": operator_id, "id": payment_id},
    )


async def lock_payments(tx: Tx, operator_id: OperatorId, cause: str) -> list[CardPayment]:
    """Every payment for a cause, by rising id, locked."""
    return await tx.all(
        payment_row,
        f"""
        select {PAYMENT_COLUMNS} from card_payment
         where operator_id = %(operator_id)s and cause = %(cause)s order by id limit 100 for no key update
        """,
        {"operator_id": operator_id, "cause": cause},
    )


async def set_payment(
    tx: Tx,
    payment: CardPayment,
    *,
    status: PaymentStatus,
    captured_minor: int,
    refunded_minor: int,
    answer: Answer,
    provider_ref: str | None,
) -> CardPayment:
    """Move a payment on. The caller holds its row."""
    return await tx.one(
        payment_row,
        f"""
        update card_payment
           set status = %(status)s, captured_minor = %(captured)s, refunded_minor = %(refunded)s,
               provider_ref = %(ref)s, code = %(code)s, redirect_url = %(redirect_url)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {PAYMENT_COLUMNS}
        """,
        {
            "operator_id": payment.operator_id,
            "id": payment.id,
            "status": status,
            "captured": captured_minor,
            "refunded": refunded_minor,
            "ref": provider_ref,
            "code": answer.code,
            "redirect_url": answer.redirect_url,
        },
    )


async def end_call(tx: Tx, call: CardCall, status: CallStatus, answer: Answer, now: datetime) -> bool:
    """Write the provider's answer down; False when somebody else did before. The caller holds the payment's row."""
    changed = await tx.execute(
        """
        update card_call
           set status = %(status)s, done_minor = %(done)s, provider_ref = %(ref)s, code = %(code)s, answered_at = %(now)s
         where operator_id = %(operator_id)s and id = %(id)s and status = 'OPEN'
        """,
        {
            "operator_id": call.operator_id,
            "id": call.id,
            "status": status,
            "done": answer.amount_minor,
            "ref": answer.ref,
            "code": answer.code,
            "now": now,
        },
    )
    return changed > 0


async def claim_due_calls(tx: Tx, now: datetime, limit: int) -> list[CardCall]:
    """Calls of all operators that nobody recorded in time; each comes again later, if it must, and ever more rarely.

    5, 10, 20 ... seconds, an hour at most.
    """
    return await tx.all(
        call_row,
        f"""
        update card_call
           set attempts = attempts + 1,
               next_at = %(now)s + least(interval '1 hour', interval '5 seconds' * 2 ^ least(attempts, 12))
         where (operator_id, id) in (
               select operator_id, id from card_call
                where status = 'OPEN' and next_at <= %(now)s
                order by next_at limit %(limit)s for no key update skip locked)
        returning {CALL_COLUMNS}
        """,
        {"now": now, "limit": limit},
    )


# Riders who wait for an answer ask again and again; the provider is asked this often for them.
_ASKED_EVERY: Final = timedelta(seconds=2)


async def claim_call_now(tx: Tx, operator_id: OperatorId, payment_id: CardPaymentId, now: datetime) -> CardCall | None:
    """The payment's open call, for somebody who wants to look now; None if somebody did a moment ago."""
    return await tx.find(
        call_row,
        f"""
        update card_call set next_at = %(soon)s
         where operator_id = %(operator_id)s and payment_id = %(payment_id)s and status = 'OPEN'
           and not (next_at > %(now)s and next_at <= %(soon)s)
        returning {CALL_COLUMNS}
        """,
        {"operator_id": operator_id, "payment_id": payment_id, "now": now, "soon": now + _ASKED_EVERY},
    )


async def count_open_calls(tx: Tx) -> int:
    """Of all operators; by the index of what is due, which holds the open ones only."""
    found: int = await tx.scalar("select count(*) from card_call where status = 'OPEN'")
    return found


async def hurry_calls(tx: Tx, operator_id: OperatorId, payment_ids: Sequence[CardPaymentId], now: datetime) -> int:
    """Something happened at the provider: look what became of the open calls of these payments now."""
    return await tx.execute(
        """
        update card_call set next_at = %(now)s
         where operator_id = %(operator_id)s and payment_id = any(%(payment_ids)s::bigint[]) and status = 'OPEN'
        """,
        {"operator_id": operator_id, "payment_ids": list(payment_ids), "now": now},
    )


async def set_card_status(tx: Tx, card: Card, status: CardStatus) -> None:
    await tx.execute(
        "update card set status = %(status)s where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": card.operator_id, "id": card.id, "status": status},
    )


def call_cause(call_id: CardCallId) -> str:
    """The cause of the ledger transaction that a call makes."""
    return f"card_call:{call_id}"
