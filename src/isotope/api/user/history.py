"""What happened to a rider's wallet."""

import re
from typing import Final

from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark, read_bookmark, write_bookmark
from isotope.api.money_types import WalletEntries, WalletEntriesRequest, WalletEntry
from isotope.api.operation import Auth, Call, operation
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.domain import payments, wallet
from isotope.infra.db import Tx
from isotope.kernel.money import to_decimal

_RIDE: Final = re.compile(r"ride:([0-9]{1,19})")
_CALL: Final = re.compile(r"card_call:([0-9]{1,19})")
_REASON: Final = re.compile(r"[a-z_]{1,40}")


@operation(
    id="get_wallet_entries",
    tag=TAG,
    title="Get wallet entries",
    method="POST",
    path=f"{BASE}/get-wallet-entries",
    auth=Auth.PUBLIC_AND_CALLER,
    request=WalletEntriesRequest,
    response=WalletEntries,
    refusals=(NO_RIDER,),
    request_example={"page_length": 20},
    response_example={
        "entries": [
            {
                "id": 51,
                "at": 1_780_000_000,
                "title": "Ride",
                "reason": "ride",
                "balance": -1.5,
                "bonus": -2.0,
                "debt": 0.0,
                "pending": -0.9,
                "ride_id": 12,
            }
        ],
        "currency_code": "EUR",
        "bookmark_next": None,
    },
)
async def get_wallet_entries(call: Call[WalletEntriesRequest]) -> WalletEntries:
    """The wallet's history, newest first, page by page.

    Send `bookmark_next` of a page as `page_bookmark` (or under its own name, or as `bookmark`) to get the one after it.
    Every row comes exactly once, also while new ones are added.
    """
    body, operator, rider_id = call.body, call.operator, call.rider_id()
    currency = body.currency or operator.currency
    of = f"entries:{currency}"
    sent = chosen_bookmark(body.page_bookmark, body.bookmark_next, body.bookmark)
    async with call.services.rt.db.read() as tx:
        before = None
        if sent is not None:
            before = read_bookmark(sent[1], of, sent[0])
            there = await wallet.list_entries(tx, operator.id, rider_id, currency, before=before + 1, limit=1)
            if [entry.id for entry in there] != [before]:
                raise bookmark_unknown(sent[0])
        found = await wallet.list_entries(
            tx, operator.id, rider_id, currency, before=before, limit=body.page_length + 1
        )
        page = found[: body.page_length]
        causes = await _causes(call, tx, page)
    return WalletEntries(
        entries=[_shown(call, entry, causes[entry.id], currency) for entry in page],
        currency_code=currency,
        bookmark_next=write_bookmark(of, page[-1].id) if len(found) > len(page) else None,
    )


async def _causes(call: Call[WalletEntriesRequest], tx: Tx, page: list[wallet.WalletEntry]) -> dict[int, str]:
    """What each entry was for; of what a card did, what the card was asked for."""
    calls = {entry.id: int(match[1]) for entry in page if (match := _CALL.fullmatch(entry.cause))}
    found = await payments.list_call_causes(tx, call.operator.id, list(calls.values())) if calls else {}
    return {entry.id: found.get(calls.get(entry.id, 0), entry.cause) for entry in page}


def _shown(call: Call[WalletEntriesRequest], entry: wallet.WalletEntry, cause: str, currency: str) -> WalletEntry:
    ride = _RIDE.fullmatch(cause)
    return WalletEntry(
        id=entry.id,
        at=int(entry.at.timestamp()),
        title=call.text(_title(entry.reason, cause)),
        reason=entry.reason,
        balance=to_decimal(entry.balance_minor, currency),
        bonus=to_decimal(entry.bonus_minor, currency),
        debt=to_decimal(entry.debt_minor, currency),
        pending=to_decimal(entry.in_transit_minor, currency),
        ride_id=None if ride is None else int(ride[1]),
    )


def _title(reason: str, cause: str) -> str:
    """The text of an entry; money that a card brought is told by what it was for."""
    if reason == "card_captured":
        purpose = cause.partition(":")[0]
        if purpose in ("top_up", "auto_top_up", "debt"):
            return f"entry_card_{purpose}"
    return f"entry_{reason}" if _REASON.fullmatch(reason) else "entry_other"
