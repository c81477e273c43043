"""The reading SQL of reconciliation. Every statement answers at most what it was asked for, or a page."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId

PAGE = 500


class KnownCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it stands here; `posted_minor` is what its postings say came (above zero) or went."""

    id: int
    key: str
    kind: str
    status: str
    done_minor: int | None
    currency: str
    provider_ref: str | None
    answered_at: datetime | None
    posted_minor: int

    @property
    def moved_minor(self) -> int:
        """What it moved: above zero it came from the card."""
        done = self.done_minor or 0
        if self.status != "DONE" or self.kind in ("AUTHORISE", "RELEASE"):
            return 0
        return -done if self.kind == "REFUND" else done


class KnownDispute(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as it stands here; the amounts are what was posted when it was opened and when it was won."""

    ref: str
    currency: str
    opened_minor: int
    won_minor: int


class StrayPosting(msgspec.Struct, frozen=True, kw_only=True):
    """A posting on the provider's account that belongs to no call and no dispute."""

    id: int
    cause: str
    currency: str
    amount_minor: int


_CALLS = """
    select c.id, c.key, c.kind, c.status, c.done_minor, p.currency, p.provider_ref, c.answered_at,
           -coalesce((select sum(e.amount_minor) from ledger_transaction t
                        join ledger_entry e on e.operator_id = t.operator_id and e.transaction_id = t.id
                        join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
                       where t.operator_id = c.operator_id and t.cause = 'card_call:' || c.id
                         and a.kind = 'PROVIDER_CLEARING'), 0)::bigint as posted_minor
      from card_call c join card_payment p on p.operator_id = c.operator_id and p.id = c.payment_id
"""


async def find_calls(tx: Tx, operator_id: OperatorId, keys: Sequence[str]) -> list[KnownCall]:
    """The calls that go by these keys."""
    return await tx.all(
        KnownCall,
        f"{_CALLS} where c.operator_id = %(operator_id)s and c.key = any(%(keys)s::text[])",
        {"operator_id": operator_id, "keys": list(keys)},
    )


async def list_done_calls(
    tx: Tx, operator_id: OperatorId, since: datetime, until: datetime, after: tuple[datetime, int] | None
) -> list[KnownCall]:
    """A page of the calls that moved money and were answered in a period, oldest first."""
    return await tx.all(
        KnownCall,
        f"""
        {_CALLS}
         where c.operator_id = %(operator_id)s and c.status = 'DONE' and c.kind in ('CHARGE', 'CAPTURE', 'REFUND')
           and c.answered_at >= %(since)s and c.answered_at < %(until)s
           and (%(after_at)s::timestamptz is null or (c.answered_at, c.id) > (%(after_at)s, %(after_id)s))
         order by c.answered_at, c.id limit {PAGE}
        """,
        {
            "operator_id": operator_id,
            "since": since,
            "until": until,
            "after_at": None if after is None else after[0],
            "after_id": 0 if after is None else after[1],
        },
    )


async def list_open_calls(tx: Tx, operator_id: OperatorId, until: datetime) -> list[KnownCall]:
    """What nobody knows yet, the oldest first; at most a page."""
    return await tx.all(
        KnownCall,
        f"""
        {_CALLS}
         where c.operator_id = %(operator_id)s and c.status = 'OPEN' and c.created_at < %(until)s
         order by c.id limit {PAGE}
        """,
        {"operator_id": operator_id, "until": until},
    )


async def find_disputes(tx: Tx, operator_id: OperatorId, refs: Sequence[str]) -> list[KnownDispute]:
    """The disputes that the provider calls so."""
    return await tx.all(
        KnownDispute,
        """
        select d.provider_ref as ref, p.currency,
               coalesce(sum(e.amount_minor) filter (where t.reason = 'disputed'), 0)::bigint as opened_minor,
               -coalesce(sum(e.amount_minor) filter (where t.reason = 'dispute_won'), 0)::bigint as won_minor
          from card_dispute d
          join card_payment p on p.operator_id = d.operator_id and p.id = d.payment_id
          left join ledger_transaction t on t.operator_id = d.operator_id and t.cause = 'dispute:' || d.id
          left join ledger_entry e on e.operator_id = t.operator_id and e.transaction_id = t.id
               and e.account_id in (select id from ledger_account a
                                     where a.operator_id = d.operator_id and a.kind = 'PROVIDER_CLEARING')
         where d.operator_id = %(operator_id)s and d.provider_ref = any(%(refs)s::text[])
         group by d.operator_id, d.provider_ref, p.currency
        """,
        {"operator_id": operator_id, "refs": list(refs)},
    )


async def list_stray_postings(tx: Tx, operator_id: OperatorId, since: datetime, until: datetime) -> list[StrayPosting]:
    """Of a period, at most a page."""
    return await tx.all(
        StrayPosting,
        f"""
        select t.id, t.cause, t.currency, -e.amount_minor as amount_minor
          from ledger_transaction t
          join ledger_entry e on e.operator_id = t.operator_id and e.transaction_id = t.id
          join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
         where t.operator_id = %(operator_id)s and t.at >= %(since)s and t.at < %(until)s
           and a.kind = 'PROVIDER_CLEARING'
           and t.cause not like 'card\\_call:%%' and t.cause not like 'dispute:%%'
         order by t.at, t.id limit {PAGE}
        """,
        {"operator_id": operator_id, "since": since, "until": until},
    )
