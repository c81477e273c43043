"""With what the people of the city pay. Pure.

Each card of the test provider is in the hands of somebody among the first `len(PURSES)` riders, so that a small crowd
already meets everything that a card can do.
"""

from typing import Final

import msgspec


class Purse(msgspec.Struct, frozen=True, kw_only=True):
    """One rider's means.

    Attributes:
        cards: test cards by name, in the order in which they are tried; none: coins, which the operator's desk takes.
        from_wallet: rides are paid from the wallet, which the first card fills.
        auto_topup: the wallet fills itself.
        confirms: the chance (0..1) of saying yes when the bank asks.
    """

    cards: tuple[str, ...] = ()
    from_wallet: bool = False
    auto_topup: bool = False
    confirms: float = 0.9


PURSES: Final = (
    Purse(cards=("ok",)),
    Purse(cards=("declined", "ok")),
    Purse(cards=("ok_mastercard",), from_wallet=True, auto_topup=True),
    Purse(from_wallet=True),
    Purse(cards=("needs_3ds",)),
    Purse(cards=("declined_at_capture", "ok_mastercard")),
    Purse(cards=("slow",)),
    Purse(cards=("insufficient_funds",)),
    Purse(cards=("timeout_at_capture",)),
    Purse(cards=("expired", "twice")),
    Purse(cards=("charges_decline_after_first", "refund_refused")),
    Purse(cards=("timeout",)),
    Purse(cards=("setup_refused", "dispute_later")),
    Purse(cards=("timeout_lost",), from_wallet=True),
    Purse(cards=("timeout_at_refund",)),
)


# A day and a deposit are more than coins are for. Whose first card says no has another one.
RENTER_PURSES: Final = (
    Purse(cards=("ok",)),
    Purse(cards=("declined", "ok_mastercard")),
    Purse(cards=("needs_3ds",)),
    Purse(cards=("declined_at_capture", "ok")),
    Purse(cards=("slow",)),
)


# A taxi is paid by whoever is in a hurry: with a card that works in the end, from the wallet, or in cash.
PASSENGER_PURSES: Final = (
    Purse(cards=("ok",)),
    Purse(from_wallet=True),
    Purse(cards=("declined", "ok_mastercard")),
    Purse(cards=("slow",)),
    Purse(cards=("declined_at_capture", "ok")),
)


def purse_of(nr: int) -> Purse:
    """Of the rider `nr`, counted from 0; the same after a restart."""
    return PURSES[nr % len(PURSES)]


def purse_of_renter(nr: int) -> Purse:
    """The same of those who rent cars."""
    return RENTER_PURSES[nr % len(RENTER_PURSES)]


def purse_of_passenger(nr: int) -> Purse:
    """The same of those who take taxis."""
    return PASSENGER_PURSES[nr % len(PASSENGER_PURSES)]
