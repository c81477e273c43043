"""Disputes: the bank takes back what was paid, and may give it back."""

from typing import Any

from isotope.card_sandbox.desk import Desk, Wrong, new_id, stamp
from isotope.card_sandbox.payments import refundable
from isotope.card_sandbox.wire import OpenDispute

_AT_ONCE = 100


def open_dispute(desk: Desk, ask: OpenDispute) -> dict[str, Any]:
    """Take back all that is left of a payment, or a part."""
    payment = desk.one("select * from payment where id = :id and merchant = :merchant", id=ask.payment)
    if payment is None:
        raise Wrong(404, "payment_unknown")
    left = refundable(desk, payment)
    amount = left if ask.amount is None else ask.amount
    if not 0 < amount <= left:
        raise Wrong(402, "not_possible")
    ref = new_id("dis")
    desk.run(
        """
        insert into dispute (id, merchant, payment, status, amount, at)
        values (:id, :merchant, :payment, 'open', :amount, :at)
        """,
        id=ref,
        payment=ask.payment,
        amount=amount,
    )
    desk.move("DISPUTED", ref, payment, amount, key=None)
    desk.tell("dispute.opened", ref, payment=ask.payment)
    return get(desk, ref)


def end_dispute(desk: Desk, ref: str, *, won: bool) -> dict[str, Any]:
    """What the bank decides; decided again it changes nothing."""
    dispute = get(desk, ref)
    if dispute["status"] == "open":
        status = "won" if won else "lost"
        desk.run("update dispute set status = :status where id = :id", status=status, id=ref)
        if won:
            payment = desk.one("select * from payment where id = :id", id=dispute["payment"])
            if payment is None:
                raise LookupError(dispute["payment"])
            desk.move("DISPUTE_WON", ref, payment, dispute["amount"], key=None)
        desk.tell(f"dispute.{status}", ref, payment=dispute["payment"])
    return get(desk, ref)


def get(desk: Desk, ref: str) -> dict[str, Any]:
    """How it stands."""
    row = desk.one(
        """
        select d.*, p.currency from dispute d join payment p on p.id = d.payment
         where d.id = :id and d.merchant = :merchant
        """,
        id=ref,
    )
    if row is None:
        raise Wrong(404, "dispute_unknown")
    return {name: row[name] for name in ("id", "payment", "status", "amount", "currency")}


def open_due(desk: Desk) -> int:
    """Dispute what holders of such cards dispute by now, of every merchant; how many were due."""
    due = desk.db.execute(
        "select id, merchant from payment where dispute_at <= ? order by dispute_at limit ?",
        (stamp(desk.at), _AT_ONCE),
    ).fetchall()
    for payment in due:
        desk.run("update payment set dispute_at = null where id = :id", id=payment["id"])
        theirs = Desk(desk.db, payment["merchant"], desk.at)
        row = theirs.one("select * from payment where id = :id", id=payment["id"])
        if row is not None and refundable(theirs, row) > 0:
            open_dispute(theirs, OpenDispute(payment=payment["id"]))
    return len(due)
