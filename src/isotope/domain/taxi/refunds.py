"""What staff give back of a trip: its row, and what it is in writing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.payments import Parts
from isotope.domain.payments.model import After
from isotope.domain.pricing.model import TaxLine
from isotope.domain.receipts import Paid, ReceiptDraft, ReceiptKind, credit_lines, issue_later
from isotope.domain.taxi.model import Trip, TripRefundId
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, TripId

REFUND_COLUMNS: Final = """
    operator_id, id, trip_id, amount_minor, taxes, bonus_minor, balance_minor, card_minor, debt_minor, to_bonus_minor,
    to_balance_minor, to_debt_minor, to_card_minor, card_pending_minor, reason, actor, key, at
"""


class TripRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `trip_refund`. What was paid in cash is given back as balance."""

    operator_id: OperatorId
    id: TripRefundId
    trip_id: TripId
    amount_minor: int
    taxes: tuple[TaxLine, ...]
    bonus_minor: int
    balance_minor: int
    card_minor: int
    debt_minor: int
    to_bonus_minor: int
    to_balance_minor: int
    to_debt_minor: int
    to_card_minor: int
    card_pending_minor: int
    reason: str
    actor: Actor
    at: datetime
    key: str | None = None

    @property
    def cause(self) -> str:
        return f"trip_refund:{self.id}"

    @property
    def parts(self) -> Parts:
        """Which parts of what was paid it gives back."""
        return Parts(
            bonus_minor=self.bonus_minor,
            balance_minor=self.balance_minor,
            card_minor=self.card_minor,
            debt_minor=self.debt_minor,
        )


def refund_row(*, taxes: Any, **columns: Any) -> TripRefund:
    """A row of REFUND_COLUMNS."""
    return TripRefund(taxes=msgspec.convert(taxes, tuple[TaxLine, ...]), **columns)


async def next_refund_id(tx: Tx) -> TripRefundId:
    return TripRefundId(await tx.scalar("select nextval(pg_get_serial_sequence('trip_refund', 'id'))"))


async def insert_refund(tx: Tx, refund: TripRefund) -> TripRefund:
    """As given. The trip's row, which the caller holds, refuses more than was paid."""
    return await tx.one(
        refund_row,
        f"""
        insert into trip_refund ({REFUND_COLUMNS})
        overriding system value
        values (%(operator_id)s, %(id)s, %(trip_id)s, %(amount_minor)s, %(taxes)s, %(bonus_minor)s, %(balance_minor)s,
                %(card_minor)s, %(debt_minor)s, %(to_bonus_minor)s, %(to_balance_minor)s, %(to_debt_minor)s,
                %(to_card_minor)s, %(card_pending_minor)s, %(reason)s, %(actor)s, %(key)s, %(at)s)
        returning {REFUND_COLUMNS}
        """,
        msgspec.structs.asdict(refund) | {"taxes": Jsonb(msgspec.to_builtins(refund.taxes))},
    )


async def find_refund(tx: Tx, operator_id: OperatorId, refund_id: TripRefundId) -> TripRefund | None:
    return await tx.find(
        refund_row,
        f"select {REFUND_COLUMNS} from trip_refund where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": refund_id},
    )


async def find_refund_by_key(tx: Tx, operator_id: OperatorId, actor: Actor, key: str) -> TripRefund | None:
    """What the caller gave back under this key before."""
    return await tx.find(
        refund_row,
        f"""
        select {REFUND_COLUMNS} from trip_refund
         where operator_id = %(operator_id)s and actor = %(actor)s and key = %(key)s
        """,
        {"operator_id": operator_id, "actor": actor, "key": key},
    )


async def list_refunds(tx: Tx, operator_id: OperatorId, trip_id: TripId) -> list[TripRefund]:
    """Oldest first."""
    return await tx.all(
        refund_row,
        f"""
        select {REFUND_COLUMNS} from trip_refund
         where operator_id = %(operator_id)s and trip_id = %(trip_id)s order by id
        """,
        {"operator_id": operator_id, "trip_id": trip_id},
    )


async def settle_refund(tx: Tx, refund: TripRefund, after: After) -> TripRefund:
    """Of what was to go to the card: what went there, and what the wallet got instead."""
    return await tx.one(
        refund_row,
        f"""
        update trip_refund
           set to_card_minor = to_card_minor + %(returned)s, to_debt_minor = to_debt_minor + %(debt)s,
               to_balance_minor = to_balance_minor + %(balance)s,
               card_pending_minor = card_pending_minor - %(returned)s - %(debt)s - %(balance)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {REFUND_COLUMNS}
        """,
        {
            "operator_id": refund.operator_id,
            "id": refund.id,
            "returned": after.returned_minor,
            "debt": after.kept_debt_minor,
            "balance": after.kept_minor - after.kept_debt_minor,
        },
    )


def parts_left(trip: Trip, refunds: Sequence[TripRefund]) -> Parts:
    """What of the parts that paid a trip was not given back; cash is as balance."""
    left = Parts(
        bonus_minor=trip.charged_bonus_minor,
        balance_minor=trip.charged_balance_minor + trip.cash_minor,
        card_minor=trip.charged_card_minor,
        debt_minor=trip.debt_minor,
    )
    for one in refunds:
        left = left.minus(one.parts)
    return left


async def issue_credit_note(tx: Tx, operator: Operator, trip: Trip, refund: TripRefund, now: datetime) -> None:
    """Once it is known where all of the money went."""
    if refund.card_pending_minor:
        return
    await issue_later(
        tx,
        ReceiptDraft(
            operator=operator,
            rider_id=trip.rider_id,
            kind=ReceiptKind.CREDIT_NOTE,
            cause=refund.cause,
            currency=trip.currency,
            lines=credit_lines(refund.taxes, "refund"),
            taxes=refund.taxes,
            paid=Paid(
                bonus_minor=refund.to_bonus_minor,
                balance_minor=refund.to_balance_minor,
                card_minor=refund.to_card_minor,
                debt_minor=refund.to_debt_minor,
            ),
            issued_at=now,
            corrects=trip.cause,
            subject=refund.reason,
        ),
    )
