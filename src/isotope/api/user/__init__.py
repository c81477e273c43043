"""Section User. Importing it declares its operations."""

from isotope.api.user import (
    account,
    auto_topup,
    bookings,
    cards,
    codes,
    history,
    licence,
    push,
    receipts,
    subscriptions,
    top_up,
)

__all__ = [
    "account",
    "auto_topup",
    "bookings",
    "cards",
    "codes",
    "history",
    "licence",
    "push",
    "receipts",
    "subscriptions",
    "top_up",
]
