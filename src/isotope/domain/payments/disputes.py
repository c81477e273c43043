"""The SQL of disputes."""

from datetime import datetime

import msgspec

from isotope.domain.payments.model import CardPayment, DisputeFound, DisputeStatus
from isotope.domain.payments.rows import PAYMENT_COLUMNS, payment_row
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """Money that a bank took back, for now or for good."""

    operator_id: OperatorId
    id: int
    status: DisputeStatus
    amount_minor: int


def _row(*, status: str, operator_id: int, id: int, amount_minor: int) -> Dispute:
    return Dispute(operator_id=OperatorId(operator_id), id=id, status=DisputeStatus(status), amount_minor=amount_minor)


async def lock_payment_by_ref(tx: Tx, operator_id: OperatorId, provider_ref: str) -> CardPayment | None:
    """The payment that the provider means."""
    return await tx.find(
        payment_row,
        f"""
        select {PAYMENT_COLUMNS} from card_payment
         where operator_id = %(operator_id)s and provider_ref = %(ref)s for no key update
        """,
        {"operator_id": operator_id, "ref": provider_ref},
    )


async def find_dispute(tx: Tx, operator_id: OperatorId, provider_ref: str) -> Dispute | None:
    return await tx.find(
        _row,
        """
        select operator_id, id, status, amount_minor from card_dispute
         where operator_id = %(operator_id)s and provider_ref = %(ref)s
        """,
        {"operator_id": operator_id, "ref": provider_ref},
    )


async def insert_dispute(tx: Tx, payment: CardPayment, found: DisputeFound, now: datetime) -> Dispute:
    """OPEN, whatever became of it by now: that is written next. The caller holds the payment's row."""
    return await tx.one(
        _row,
        """
        insert into card_dispute (operator_id, payment_id, provider_ref, status, amount_minor, opened_at)
        values (%(operator_id)s, %(payment_id)s, %(ref)s, 'OPEN', %(amount)s, %(now)s)
        returning operator_id, id, status, amount_minor
        """,
        {
            "operator_id": payment.operator_id,
            "payment_id": payment.id,
            "ref": found.ref,
            "amount": found.amount_minor,
            "now": now,
        },
    )


async def end_dispute(tx: Tx, dispute: Dispute, status: DisputeStatus, now: datetime) -> None:
    await tx.execute(
        """
        update card_dispute set status = %(status)s, ended_at = %(now)s
         where operator_id = %(operator_id)s and id = %(id)s
        """,
        {"operator_id": dispute.operator_id, "id": dispute.id, "status": status, "now": now},
    )


async def list_open_disputes(tx: Tx, limit: int, after: tuple[int, int]) -> list[tuple[int, int, str]]:
    """(operator, id, provider's reference) of all operators, a page."""
    rows = await tx.tuples(
        """
        select operator_id, id, provider_ref from card_dispute
         where status = 'OPEN' and (operator_id, id) > (%(operator_id)s, %(id)s)
         order by operator_id, id limit %(limit)s
        """,
        {"operator_id": after[0], "id": after[1], "limit": limit},
    )
    return [(row[0], row[1], row[2]) for row in rows]
