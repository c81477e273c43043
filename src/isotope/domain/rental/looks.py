"""When the worker looks at a booking next, and what it has to do then. Pure.

What is due (every line that fits, in this order; `told` are the words of what was done already):

| status           | when                                  | not told     | what                                     |
|------------------|---------------------------------------|--------------|------------------------------------------|
| AWAITING_PAYMENT | `hold_until`                          |              | GIVE_UP: the vehicle is free again       |
| UPCOMING         | so long before the start, each        | `start:<min>`| REMIND_START (the last that is due)      |
| UPCOMING         | `prepare_min` before the start        | `prepared`   | PREPARE: the vehicle is kept             |
| UPCOMING         | `no_show_min` after the start         |              | NO_SHOW                                  |
| ACTIVE           | so long before the end, each          | `end:<min>`  | REMIND_END (the last that is due)        |
| ACTIVE           | `late_grace_min` after the end        | `late`       | LATE: rider and staff are told           |
| ENDED            | `inspect_until`, deposit HELD         |              | END_DEPOSIT                              |

Nobody is reminded of what was closer than that when it was booked. Source: domain rules, Rental booking.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from isotope.domain.rental.model import Booking, BookingStatus, DepositStatus


class Due(StrEnum):
    """What has to be done about a booking because of the time."""

    GIVE_UP = "GIVE_UP"
    REMIND_START = "REMIND_START"
    PREPARE = "PREPARE"
    NO_SHOW = "NO_SHOW"
    REMIND_END = "REMIND_END"
    LATE = "LATE"
    END_DEPOSIT = "END_DEPOSIT"


class Look(NamedTuple):
    """`word` is what `told` says once it was done; empty where the booking itself says so."""

    at: datetime
    what: Due
    word: str = ""


PREPARED: Final = "prepared"
LATE: Final = "late"


def next_look(booking: Booking) -> datetime | None:
    """None: time alone does nothing more to it."""
    return min((look.at for look in _looks(booking)), default=None)


def looks_due(booking: Booking, now: datetime) -> list[Look]:
    """By the table above; of several reminders of one kind all are returned, and one message is enough."""
    return [look for look in _looks(booking) if look.at <= now]


def _looks(booking: Booking) -> Iterable[Look]:
    match booking.status:
        case BookingStatus.AWAITING_PAYMENT if booking.hold_until is not None:
            yield Look(booking.hold_until, Due.GIVE_UP)
        case BookingStatus.UPCOMING:
            yield from _upcoming(booking)
        case BookingStatus.ACTIVE:
            yield from _active(booking)
        case BookingStatus.ENDED if booking.deposit_status is DepositStatus.HELD and booking.inspect_until is not None:
            yield Look(booking.inspect_until, Due.END_DEPOSIT)
        case _:
            pass


def _upcoming(booking: Booking) -> Iterable[Look]:
    terms, start = booking.terms, booking.starts_at
    known_at = booking.confirmed_at or booking.requested_at
    for before_min in terms.remind_start_min:
        at, word = start - timedelta(minutes=before_min), f"start:{before_min}"
        if word not in booking.told and at >= known_at:
            yield Look(at, Due.REMIND_START, word)
    if PREPARED not in booking.told:
        yield Look(start - timedelta(minutes=terms.prepare_min), Due.PREPARE, PREPARED)
    yield Look(start + timedelta(minutes=terms.no_show_min), Due.NO_SHOW)


def _active(booking: Booking) -> Iterable[Look]:
    terms, end = booking.terms, booking.ends_at
    for before_min in terms.remind_end_min:
        at, word = end - timedelta(minutes=before_min), f"end:{before_min}"
        if word not in booking.told and at >= (booking.picked_up_at or booking.starts_at):
            yield Look(at, Due.REMIND_END, word)
    if LATE not in booking.told:
        yield Look(end + timedelta(minutes=terms.late_grace_min), Due.LATE, LATE)
