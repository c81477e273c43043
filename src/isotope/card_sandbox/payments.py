"""Payments: authorised or charged, confirmed, captured, released, refunded."""

import sqlite3
from datetime import timedelta
from typing import Any

import msgspec

from isotope.card_sandbox.cards import CARDS, SandboxCard
from isotope.card_sandbox.desk import Desk, Reply, Wrong, new_id, new_token, refusal, stamp
from isotope.card_sandbox.wire import Amount, Charge

_DECLINED = 402
_UNKNOWN = 404


def charge(desk: Desk, ask: Charge) -> Reply:
    """Reserve or take an amount, or ask the holder first."""
    row = desk.one(
        "select * from card where id = :id and merchant = :merchant and customer = :customer and removed = 0",
        id=ask.card,
        customer=ask.customer,
    )
    if row is None:
        return refusal(_UNKNOWN, "card_unknown")
    card = CARDS[row["name"]]
    payment, token = new_id("pay"), new_token()
    desk.run(
        """
        insert into payment (id, token, merchant, card, amount, currency, takes, status, key, return_url, description, at)
        values (:id, :token, :merchant, :card, :amount, :currency, :takes, 'new', :key, :return_url, :description, :at)
        """,
        id=payment,
        token=token,
        card=ask.card,
        amount=ask.amount,
        currency=ask.currency,
        takes=int(ask.capture),
        key=desk.key,
        return_url=ask.return_url,
        description=ask.description,
    )
    code = _refused_at_charge(desk, card, ask)
    if code is not None:
        return _fail(desk, payment, code)
    if card.asks:
        if not ask.on_session:
            return _fail(desk, payment, "authentication_required")
        desk.run(
            "update payment set status = 'requires_action', confirm_url = :url where id = :id",
            url=f"{desk.base}/confirm/{token}",
            id=payment,
        )
        desk.tell("payment.requires_action", payment, payment=payment, twice=card.twice)
    else:
        _reserve(desk, _row(desk, payment))
    return Reply(200, payment_body(_row(desk, payment)), payment)


def confirm(desk: Desk, token: str, *, agrees: bool) -> sqlite3.Row:
    """What the holder says on the page; said again it changes nothing. The payment."""
    payment = find_by_token(desk.db, token)
    if payment is None:
        raise Wrong(_UNKNOWN, "page_unknown")
    if payment["status"] == "requires_action":
        if agrees:
            _reserve(desk, payment)
        else:
            _fail(desk, payment["id"], "authentication_failed")
    return payment


def find_by_token(db: sqlite3.Connection, token: str) -> sqlite3.Row | None:
    """The payment that a confirmation page is of."""
    row: sqlite3.Row | None = db.execute("select * from payment where token = ?", (token,)).fetchone()
    return row


def capture(desk: Desk, payment_id: str, ask: Amount) -> Reply:
    """Take a part or all of what is reserved; the rest is let go."""
    payment = _found(desk, payment_id)
    if payment is None:
        return refusal(_UNKNOWN, "payment_unknown")
    if payment["status"] != "authorised" or ask.amount > payment["amount"]:
        return refusal(_DECLINED, "not_possible", payment_id)
    code = _card_of(desk, payment).at_capture
    if code is not None:
        return _fail(desk, payment_id, code)
    _take(desk, payment, ask.amount, desk.key)
    return Reply(200, payment_body(_row(desk, payment_id)), payment_id)


def release(desk: Desk, payment_id: str) -> Reply:
    """Let a reservation go; also one that is gone already."""
    payment = _found(desk, payment_id)
    if payment is None:
        return refusal(_UNKNOWN, "payment_unknown")
    if payment["status"] == "captured":
        return refusal(_DECLINED, "not_possible", payment_id)
    if payment["status"] == "requires_action":
        # The holder can confirm it no more.
        _fail(desk, payment_id, "authentication_failed")
    if payment["status"] == "authorised":
        desk.run("update payment set status = 'released' where id = :id", id=payment_id)
        desk.tell("payment.released", payment_id, payment=payment_id, twice=_card_of(desk, payment).twice)
    return Reply(200, payment_body(_row(desk, payment_id)), payment_id)


def refund(desk: Desk, payment_id: str, ask: Amount) -> Reply:
    """Give back, never more than is left of what was taken."""
    payment = _found(desk, payment_id)
    if payment is None:
        return refusal(_UNKNOWN, "payment_unknown")
    card = _card_of(desk, payment)
    if card.at_refund is not None:
        return refusal(_DECLINED, card.at_refund, payment_id)
    if ask.amount > refundable(desk, payment):
        return refusal(_DECLINED, "not_possible", payment_id)
    ref = new_id("ref")
    desk.run(
        "insert into refund (id, payment, amount, at) values (:id, :payment, :amount, :at)",
        id=ref,
        payment=payment_id,
        amount=ask.amount,
    )
    desk.run("update payment set refunded = refunded + :amount where id = :id", amount=ask.amount, id=payment_id)
    desk.move("REFUNDED", ref, payment, ask.amount, key=desk.key)
    desk.tell("refund.done", ref, payment=payment_id, twice=card.twice)
    return Reply(200, {"id": ref, "payment": payment_id, "amount": ask.amount}, payment_id)


def refundable(desk: Desk, payment: sqlite3.Row) -> int:
    """What is left of what was taken: neither given back nor disputed away."""
    row = desk.one(
        "select coalesce(sum(amount), 0) as away from dispute where payment = :id and status <> 'won'", id=payment["id"]
    )
    return int(payment["captured"]) - int(payment["refunded"]) - (int(row["away"]) if row is not None else 0)


def payment_body(payment: sqlite3.Row) -> dict[str, Any]:
    """A payment as the API tells it."""
    return {
        "id": payment["id"],
        "status": payment["status"],
        "amount": payment["amount"],
        "currency": payment["currency"],
        "captured": payment["captured"],
        "refunded": payment["refunded"],
        "code": payment["code"],
        "confirm_url": payment["confirm_url"] if payment["status"] == "requires_action" else None,
    }


def get_payment(desk: Desk, payment_id: str) -> dict[str, Any]:
    payment = _found(desk, payment_id)
    if payment is None:
        raise Wrong(_UNKNOWN, "payment_unknown")
    return payment_body(payment)


def find_call(desk: Desk) -> dict[str, Any]:
    """What was answered to the desk's key, and how the payment stands by now."""
    row = desk.one("select * from call where merchant = :merchant and key = :key", key=desk.key)
    if row is None:
        raise Wrong(_UNKNOWN, "call_unknown")
    if row["status"] is None:
        raise Wrong(409, "in_progress")
    payment = None if row["payment"] is None else payment_body(_row(desk, row["payment"]))
    return {
        "kind": row["kind"],
        "status": row["status"],
        "answer": msgspec.Raw(row["body"].encode()),
        "payment": payment,
    }


def _refused_at_charge(desk: Desk, card: SandboxCard, ask: Charge) -> str | None:
    if ask.capture and card.at_capture is not None:
        return card.at_capture
    if card.at_charge is None or card.charges is None:
        return card.at_charge
    before = desk.one(
        "select count(*) as n from payment where card = :card and status not in ('new', 'failed')", card=ask.card
    )
    return card.at_charge if before is not None and before["n"] >= card.charges else None


def _reserve(desk: Desk, payment: sqlite3.Row) -> None:
    if payment["takes"]:
        _take(desk, payment, payment["amount"], payment["key"])
        return
    desk.run("update payment set status = 'authorised' where id = :id", id=payment["id"])
    desk.tell("payment.authorised", payment["id"], payment=payment["id"], twice=_card_of(desk, payment).twice)


def _take(desk: Desk, payment: sqlite3.Row, amount: int, key: str) -> None:
    card = _card_of(desk, payment)
    dispute_at = stamp(desk.at + timedelta(seconds=desk.dispute_after_s)) if card.disputed else None
    desk.run(
        "update payment set status = 'captured', captured = :amount, dispute_at = :dispute_at where id = :id",
        amount=amount,
        dispute_at=dispute_at,
        id=payment["id"],
    )
    desk.move("CAPTURED", payment["id"], payment, amount, key=key)
    desk.tell("payment.captured", payment["id"], payment=payment["id"], twice=card.twice)


def _fail(desk: Desk, payment: str, code: str) -> Reply:
    desk.run("update payment set status = 'failed', code = :code where id = :id", code=code, id=payment)
    desk.tell("payment.failed", payment, payment=payment, twice=_card_of(desk, _row(desk, payment)).twice)
    return refusal(_DECLINED, code, payment)


def _found(desk: Desk, payment: str) -> sqlite3.Row | None:
    return desk.one("select * from payment where id = :id and merchant = :merchant", id=payment)


def _row(desk: Desk, payment: str) -> sqlite3.Row:
    row = desk.one("select * from payment where id = :id", id=payment)
    if row is None:
        raise LookupError(payment)
    return row


def _card_of(desk: Desk, payment: sqlite3.Row) -> SandboxCard:
    row = desk.one("select name from card where id = :id", id=payment["card"])
    if row is None:
        raise LookupError(payment["card"])
    return CARDS[row["name"]]
