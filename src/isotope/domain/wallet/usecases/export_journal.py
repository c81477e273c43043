"""Write the journal of a period somewhere."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from isotope.domain.tenants.model import Operator
from isotope.domain.wallet.journal import AccountTotal, JournalLine, stream_journal
from isotope.domain.wallet.model import AccountKind
from isotope.infra.runtime import Runtime


class ExportJournal(msgspec.Struct, frozen=True, kw_only=True):
    """Everything with `since <= at < until`."""

    operator: Operator
    since: datetime
    until: datetime


class JournalTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What was written; the totals by currency and account."""

    lines: int
    transactions: int
    totals: tuple[AccountTotal, ...]


@dataclass(slots=True)
class _Sum:
    debit_minor: int = 0
    credit_minor: int = 0
    lines: int = 0


async def export_journal(rt: Runtime, command: ExportJournal, write: Callable[[JournalLine], None]) -> JournalTotals:
    """Give each line to `write`, in order, and tell what they add up to. Needs no more memory for a longer period.

    A period that ended a minute ago changes no more: a posting bears the time at which its transaction began.
    """
    sums: defaultdict[tuple[str, AccountKind], _Sum] = defaultdict(_Sum)
    transactions, last = 0, None
    async with rt.db.read() as tx:
        async for line in stream_journal(tx, command.operator.id, command.since, command.until):
            write(line)
            found = sums[line.currency, line.account]
            found.lines += 1
            if line.amount_minor < 0:
                found.debit_minor -= line.amount_minor
            else:
                found.credit_minor += line.amount_minor
            if line.transaction_id != last:
                transactions, last = transactions + 1, line.transaction_id
    return JournalTotals(
        lines=sum(found.lines for found in sums.values()),
        transactions=transactions,
        totals=tuple(
            AccountTotal(
                currency=currency,
                account=account,
                debit_minor=found.debit_minor,
                credit_minor=found.credit_minor,
                lines=found.lines,
            )
            for (currency, account), found in sorted(sums.items())
        ),
    )
