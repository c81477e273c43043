"""The reading SQL of this room."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.receipts import rules
from isotope.domain.receipts.errors import receipt_not_found
from isotope.domain.receipts.model import NumberFault, Paid, Receipt, ReceiptId, ReceiptKind, Seller
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId

MOST_LISTED: Final = 100

_SELECT: Final = """
    select r.operator_id, r.id, r.rider_id, r.kind, r.cause, r.corrects, r.subject, r.supplied_from, r.supplied_until,
           r.currency, r.lines, r.taxes, r.net_minor, r.tax_minor, r.total_minor, r.paid_bonus_minor,
           r.paid_balance_minor, r.paid_card_minor, r.paid_debt_minor, r.paid_cash_minor, r.issued_at, r.time_zone, r.seller,
           r.number_prefix, r.year, r.number,
           o.number_prefix as corrected_prefix, o.year as corrected_year, o.number as corrected_number
      from receipt r
      left join receipt o on o.operator_id = r.operator_id and o.cause = r.corrects
"""


async def find_receipt(tx: Tx, operator_id: OperatorId, receipt_id: ReceiptId) -> Receipt | None:
    return await tx.find(
        _receipt_row,
        f"{_SELECT} where r.operator_id = %(operator_id)s and r.id = %(id)s",
        {"operator_id": operator_id, "id": receipt_id},
    )


async def get_receipt(
    tx: Tx, operator_id: OperatorId, receipt_id: ReceiptId, rider_id: RiderId | None = None
) -> Receipt:
    """`rider_id`: whose it must be; None: anybody's, for staff.

    Raises:
        Refusal: `receipt_not_found`, also for a receipt of somebody else.
    """
    found = await find_receipt(tx, operator_id, receipt_id)
    if found is None or rider_id not in (None, found.rider_id):
        raise receipt_not_found()
    return found


async def find_receipt_by_cause(tx: Tx, operator_id: OperatorId, cause: str) -> Receipt | None:
    """The receipt of `ride:12`, with the taxes that a refund of it gives back."""
    return await tx.find(
        _receipt_row,
        f"{_SELECT} where r.operator_id = %(operator_id)s and r.cause = %(cause)s",
        {"operator_id": operator_id, "cause": cause},
    )


async def list_receipt_ids(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, causes: Sequence[str]
) -> list[ReceiptId]:
    """The rider's receipts for some causes, oldest first. By the unique key on operator and cause."""
    rows = await tx.tuples(
        """
        select id from receipt
         where operator_id = %(operator_id)s and cause = any(%(causes)s) and rider_id = %(rider_id)s order by id
        """,
        {"operator_id": operator_id, "causes": list(causes), "rider_id": rider_id},
    )
    return [ReceiptId(receipt_id) for (receipt_id,) in rows]


async def list_receipts(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, before: ReceiptId | None = None, limit: int = 20
) -> list[Receipt]:
    """A rider's receipts, newest first, those before the bookmark `before` (the last id of the page before)."""
    return await tx.all(
        _receipt_row,
        f"{_SELECT} where r.operator_id = %(operator_id)s and r.rider_id = %(rider_id)s"
        " and (%(before)s::bigint is null or r.id < %(before)s) order by r.id desc limit %(limit)s",
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "before": before,
            "limit": max(0, min(limit, MOST_LISTED)),
        },
    )


class WaitingYear(msgspec.Struct, frozen=True):
    """An operator's year in which receipts wait for their number."""

    operator_id: OperatorId
    year: int


async def list_waiting(tx: Tx, operator_id: OperatorId | None = None, limit: int = 1_000) -> Sequence[WaitingYear]:
    """Where numbers are to be given; the rows that wait are few, and the index has no others."""
    return await tx.all(
        WaitingYear,
        """
        select distinct operator_id, year from receipt
         where number is null and (%(operator_id)s::bigint is null or operator_id = %(operator_id)s)
         order by operator_id, year limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": limit},
    )


async def check_receipts(tx: Tx, operator_id: OperatorId) -> list[NumberFault]:
    """The first 1,000 things that are wrong in an operator's numbers; none, if the database does its duty.

    `gap`: a number is missing before this one. `counter`: the counter is not the last number. `year`: the number is of
    another year than the receipt. Reads every receipt: for reconciliation and tests, not for a request.
    """
    return await tx.all(
        NumberFault,
        """
        select what, year, number from (
            select 'gap' as what, year::int, number
              from (select year, number, lag(number, 1, 0) over (partition by year order by number) as before
                      from receipt where operator_id = %(operator_id)s and number is not null) numbered
             where number <> before + 1
            union all
            select 'counter', coalesce(c.year, n.year)::int, coalesce(c.last_number, 0)
              from (select year, last_number from receipt_counter where operator_id = %(operator_id)s) c
              full join (select year, max(number) as number from receipt
                          where operator_id = %(operator_id)s and number is not null group by year) n on n.year = c.year
             where coalesce(c.last_number, 0) <> coalesce(n.number, 0)
            union all
            select 'year', year::int, coalesce(number, 0)
              from receipt
             where operator_id = %(operator_id)s and year <> extract(year from issued_at at time zone time_zone)
        ) wrong
        order by what, year, number limit 1000
        """,
        {"operator_id": operator_id},
    )


def _receipt_row(
    *,
    kind: str,
    lines: Any,
    taxes: Any,
    seller: Any,
    paid_bonus_minor: int,
    paid_balance_minor: int,
    paid_card_minor: int,
    paid_debt_minor: int,
    paid_cash_minor: int,
    number_prefix: str,
    year: int,
    number: int | None,
    corrected_prefix: str | None,
    corrected_year: int | None,
    corrected_number: int | None,
    **columns: Any,
) -> Receipt:
    return Receipt(
        kind=ReceiptKind(kind),
        lines=msgspec.convert(lines, tuple[Line, ...]),
        taxes=msgspec.convert(taxes, tuple[TaxLine, ...]),
        seller=msgspec.convert(seller, Seller),
        paid=Paid(
            bonus_minor=paid_bonus_minor,
            balance_minor=paid_balance_minor,
            card_minor=paid_card_minor,
            debt_minor=paid_debt_minor,
            cash_minor=paid_cash_minor,
        ),
        number=_number(number_prefix, year, number),
        corrects_number=_number(corrected_prefix, corrected_year, corrected_number),
        **columns,
    )


def _number(prefix: str | None, year: int | None, number: int | None) -> str | None:
    return None if prefix is None or year is None or number is None else rules.number_text(prefix, year, number)
