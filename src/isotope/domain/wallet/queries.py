"""What is read of the ledger."""

from collections.abc import Iterable
from itertools import groupby

import msgspec

from isotope.domain.wallet.model import AccountKind, Difference, Entry, Standing
from isotope.infra.db import Tx
from isotope.kernel.ids import DriverId, OperatorId, RiderId


class AccountRow(msgspec.Struct, frozen=True):
    """A rider's account."""

    kind: str
    balance_minor: int


class CurrencyAccountRow(AccountRow, frozen=True):
    """A rider's account in some currency."""

    currency: str


def standing_of(currency: str, rows: Iterable[AccountRow]) -> Standing:
    """Accounts that do not exist hold nothing."""
    held = {row.kind: row.balance_minor for row in rows}
    return Standing(
        currency=currency,
        balance_minor=held.get(AccountKind.RIDER_BALANCE, 0),
        bonus_minor=held.get(AccountKind.RIDER_BONUS, 0),
        debt_minor=-held.get(AccountKind.RIDER_DEBT, 0),
        in_transit_minor=held.get(AccountKind.RIDER_IN_TRANSIT, 0),
    )


async def get_standing(tx: Tx, operator_id: OperatorId, rider_id: RiderId, currency: str) -> Standing:
    """The wallet as it is now; a few index reads, however many entries there are."""
    rows = await tx.all(
        AccountRow,
        """
        select kind, balance_minor from ledger_account
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "currency": currency},
    )
    return standing_of(currency, rows)


class _EntryRow(msgspec.Struct, frozen=True):
    kind: str
    rider_id: int | None
    driver_id: int | None
    amount_minor: int


async def find_entries(tx: Tx, operator_id: OperatorId, cause: str, reason: str) -> tuple[Entry, ...]:
    """What was posted for a cause; empty when nothing was."""
    rows = await tx.all(
        _EntryRow,
        """
        select a.kind, a.rider_id, a.driver_id, e.amount_minor
          from ledger_transaction t
          join ledger_entry e on e.operator_id = t.operator_id and e.transaction_id = t.id
          join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
         where t.operator_id = %(operator_id)s and t.cause = %(cause)s and t.reason = %(reason)s
         order by e.nr
        """,
        {"operator_id": operator_id, "cause": cause, "reason": reason},
    )
    return tuple(
        Entry(
            kind=AccountKind(row.kind),
            amount_minor=row.amount_minor,
            rider_id=None if row.rider_id is None else RiderId(row.rider_id),
            driver_id=None if row.driver_id is None else DriverId(row.driver_id),
        )
        for row in rows
    )


class DebtRow(msgspec.Struct, frozen=True):
    """What a rider owes in one currency."""

    currency: str
    debt_minor: int


async def list_standings(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> list[Standing]:
    """Every wallet that a rider has, by currency; a rider who never paid anything has none."""
    rows = await tx.all(
        CurrencyAccountRow,
        """
        select currency, kind, balance_minor from ledger_account
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s
         order by currency, kind
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    return [standing_of(currency, accounts) for currency, accounts in groupby(rows, key=lambda row: row.currency)]


class InTransitRow(msgspec.Struct, frozen=True):
    """What is on its way between a rider's card and us, in one currency."""

    currency: str
    amount_minor: int


async def find_in_transit(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> InTransitRow | None:
    """Money in transit in any currency."""
    return await tx.find(
        InTransitRow,
        """
        select currency, abs(balance_minor) as amount_minor from ledger_account
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and kind = 'RIDER_IN_TRANSIT'
           and balance_minor <> 0
         order by currency limit 1
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def find_debt(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> DebtRow | None:
    """An open debt in any currency."""
    return await tx.find(
        DebtRow,
        """
        select currency, -balance_minor as debt_minor from ledger_account
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and kind = 'RIDER_DEBT' and balance_minor < 0
         order by currency limit 1
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def trial_balance(tx: Tx, operator_id: OperatorId, currency: str | None = None) -> dict[AccountKind, int]:
    """The sum of each kind of account in one currency (the operator's, if None); together they are zero.

    Reads every entry: for reconciliation and tests, not for a request.
    """
    rows = await tx.tuples(
        """
        select a.kind, sum(e.amount_minor)::bigint
          from ledger_account a
          join ledger_entry e on e.operator_id = a.operator_id and e.account_id = a.id
         where a.operator_id = %(operator_id)s
           and a.currency = coalesce(%(currency)s, (select currency from operator where id = %(operator_id)s))
         group by a.kind
        """,
        {"operator_id": operator_id, "currency": currency},
    )
    sums = dict(rows)
    return {kind: sums.get(kind, 0) for kind in AccountKind}


async def check_ledger(tx: Tx, operator_id: OperatorId) -> list[Difference]:
    """The first 1,000 things that are wrong in an operator's ledger; none, if the database does its duty.

    Reads every entry: for reconciliation and tests, not for a request.
    """
    return await tx.all(
        Difference,
        """
        select what, id, expected_minor, found_minor from (
            select case when count(e.nr) = 0 then 'transaction_empty'
                        when count(distinct a.currency) > 1 or min(a.currency) <> t.currency
                            then 'transaction_mixes_currencies'
                        else 'transaction_not_zero' end as what,
                   t.id, 0::bigint as expected_minor, coalesce(sum(e.amount_minor), 0)::bigint as found_minor
              from ledger_transaction t
              left join ledger_entry e on e.operator_id = t.operator_id and e.transaction_id = t.id
              left join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
             where t.operator_id = %(operator_id)s
             group by t.operator_id, t.id
            having count(e.nr) = 0 or sum(e.amount_minor) <> 0 or count(distinct a.currency) > 1
                or min(a.currency) <> t.currency
            union all
            select 'balance_not_sum', a.id, coalesce(sum(e.amount_minor), 0)::bigint, a.balance_minor
              from ledger_account a
              left join ledger_entry e on e.operator_id = a.operator_id and e.account_id = a.id
             where a.operator_id = %(operator_id)s and (a.rider_id is not null or a.driver_id is not null)
             group by a.operator_id, a.id
            having coalesce(sum(e.amount_minor), 0) <> a.balance_minor
            union all
            select 'bonus_lots_not_balance', coalesce(a.id, 0), coalesce(a.balance_minor, 0), coalesce(l.remaining, 0)
              from (select id, rider_id, currency, balance_minor from ledger_account
                     where operator_id = %(operator_id)s and kind = 'RIDER_BONUS') a
              full join (select rider_id, currency, sum(remaining_minor)::bigint as remaining from bonus_lot
                          where operator_id = %(operator_id)s group by rider_id, currency) l
                on l.rider_id = a.rider_id and l.currency = a.currency
             where coalesce(a.balance_minor, 0) <> coalesce(l.remaining, 0)
        ) wrong
        order by what, id limit 1000
        """,
        {"operator_id": operator_id},
    )
