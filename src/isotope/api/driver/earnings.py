"""What a driver has earned, and what is owed to them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark, read_bookmark, write_bookmark
from isotope.api.driver.account import BASE, TAG
from isotope.api.driver_types import (
    BalanceEntries,
    BalanceEntriesRequest,
    BalanceEntry,
    Earnings,
    EarningsRequest,
)
from isotope.api.operation import Auth, Call, operation
from isotope.domain import taxi, wallet
from isotope.kernel.errors import Fault, invalid
from isotope.kernel.money import to_decimal

_TRIP: Final = re.compile(r"trip:([0-9]{1,19})")
_TITLED: Final = frozenset({"trip_earning", "trip_cash", "driver_adjusted", "driver_paid"})
_SPAN: Final = timedelta(days=366)
_LIST: Final = "driver_entries"


@operation(
    id="get_earnings",
    tag=TAG,
    title="Earnings",
    method="POST",
    path=f"{BASE}/get-earnings",
    auth=Auth.DRIVER,
    request=EarningsRequest,
    response=Earnings,
    request_example={"since": 1767225600, "until": 1767312000},
)
async def get_earnings(call: Call[EarningsRequest]) -> Earnings:
    """What the operator owes the driver now, and what came of a day, a week or any other time.

    The balance is what was earned, less what riders gave in cash: cash is the driver's at once, the operator's share of it
    is owed.
    """
    operator, driver_id = call.operator, call.driver().id
    since, until = _period(call)
    async with call.services.rt.db.read() as tx:
        balance = await wallet.get_driver_balance(tx, operator.id, driver_id, operator.currency)
        earned = await taxi.sum_earnings(tx, operator.id, driver_id, since, until, operator.currency)
    return Earnings(
        balance=to_decimal(balance, operator.currency),
        currency_code=operator.currency,
        since=int(since.timestamp()),
        until=int(until.timestamp()),
        trips=earned.trips,
        fares=to_decimal(earned.fares_minor, operator.currency),
        commission=to_decimal(earned.fares_minor - earned.earned_minor, operator.currency),
        earned=to_decimal(earned.earned_minor, operator.currency),
        cash=to_decimal(earned.cash_minor, operator.currency),
    )


def _period(call: Call[EarningsRequest]) -> tuple[datetime, datetime]:
    body, now = call.body, call.services.rt.clock.now()
    midnight = now.astimezone(ZoneInfo(call.operator.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight.astimezone(UTC) if body.since is None else datetime.fromtimestamp(body.since, UTC)
    # A trip that is over now counts.
    until = now + timedelta(seconds=1) if body.until is None else datetime.fromtimestamp(body.until, UTC)
    if not since <= until <= since + _SPAN:
        raise invalid(Fault("until", f"a moment from `since` to {_SPAN.days} days after it is expected"))
    return since, until


@operation(
    id="get_balance_entries",
    tag=TAG,
    title="Balance entries",
    method="POST",
    path=f"{BASE}/get-balance-entries",
    auth=Auth.DRIVER,
    request=BalanceEntriesRequest,
    response=BalanceEntries,
    request_example={"page_length": 20},
)
async def get_balance_entries(call: Call[BalanceEntriesRequest]) -> BalanceEntries:
    """All that changed the driver's balance, newest first, page by page: see `get-wallet-entries` for bookmarks."""
    body, operator, driver_id = call.body, call.operator, call.driver().id
    sent = chosen_bookmark(body.page_bookmark, body.bookmark_next, body.bookmark)
    async with call.services.rt.db.read() as tx:
        before = None
        if sent is not None:
            before = read_bookmark(sent[1], _LIST, sent[0])
            there = await wallet.list_driver_entries(
                tx, operator.id, driver_id, operator.currency, before=before + 1, limit=1
            )
            if [entry.id for entry in there] != [before]:
                raise bookmark_unknown(sent[0])
        found = await wallet.list_driver_entries(
            tx, operator.id, driver_id, operator.currency, before=before, limit=body.page_length + 1
        )
    page = found[: body.page_length]
    return BalanceEntries(
        entries=[_shown(call, entry) for entry in page],
        currency_code=operator.currency,
        bookmark_next=write_bookmark(_LIST, page[-1].id) if len(found) > len(page) else None,
    )


def _shown(call: Call[BalanceEntriesRequest], entry: wallet.DriverEntry) -> BalanceEntry:
    trip = _TRIP.fullmatch(entry.cause)
    return BalanceEntry(
        id=entry.id,
        at=int(entry.at.timestamp()),
        title=call.text(f"driver_entry_{entry.reason}" if entry.reason in _TITLED else "driver_entry_other"),
        reason=entry.reason,
        amount=to_decimal(entry.amount_minor, call.operator.currency),
        trip_id=None if trip is None else int(trip[1]),
    )
