"""Looks at the books of every operator, for `isotope ledger check` and the end of a replay."""

from dataclasses import dataclass, field

from isotope.domain.receipts import check_receipts
from isotope.domain.tenants import list_operators
from isotope.domain.wallet import check_ledger, trial_balance
from isotope.infra.db import Database
from isotope.kernel.money import Money


@dataclass(slots=True)
class Books:
    """What was found: a line an operator, and a line for everything that is wrong."""

    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def check_books(database_url: str) -> Books:
    """Read every entry and every receipt's number of every operator."""
    database = Database(database_url, max_size=2)
    await database.open()
    books = Books()
    try:
        async with database.read() as tx:
            for operator in await list_operators(tx):
                differences = await check_ledger(tx, operator.id)
                sums = await trial_balance(tx, operator.id)
                amounts = ", ".join(f"{kind.lower()} {Money(s, operator.currency).text()}" for kind, s in sums.items())
                books.lines.append(f"{operator.slug}: {len(differences)} differences; {amounts}")
                books.faults += [
                    f"{operator.slug}: {d.what} {d.id}: expected {d.expected_minor}, found {d.found_minor}"
                    for d in differences
                ]
                books.faults += [
                    f"{operator.slug}: receipt number {fault.number} of {fault.year}: {fault.what}"
                    for fault in await check_receipts(tx, operator.id)
                ]
    finally:
        await database.close()
    return books
