"""More time for a booking: how far it goes, what it asks for, and back again when nobody pays it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from isotope.domain.rental.extending import is_used, may_extend
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingStatus,
    ChargeId,
    ChargeKind,
    ChargeStatus,
    OrderKind,
)
from isotope.kernel.actor import SYSTEM
from tests.rooms.rental.bookings import END, START, a_booking

HOUR = timedelta(hours=1)
LATEST = END + 5 * HOUR


@pytest.mark.parametrize(
    ("booking", "new_end", "now", "code"),
    [
        (a_booking(), END + HOUR, START, None),
        (a_booking(), LATEST, START, None),
        (a_booking(), LATEST + timedelta(seconds=1), START, "extension_too_long"),
        (a_booking(), END, START, "extension_not_later"),
        (a_booking(), END - HOUR, START, "extension_not_later"),
        (a_booking(status=BookingStatus.ACTIVE), END + HOUR, END + HOUR, "extension_not_later"),
        # Who is late can still extend to what is ahead.
        (a_booking(status=BookingStatus.ACTIVE), END + 2 * HOUR, END + HOUR, None),
        (a_booking(order_kind=OrderKind.LOCK, ordered_at=START), END + HOUR, START, "booking_busy"),
    ],
)
def test_what_may_be_extended(booking: Booking, new_end: datetime, now: datetime, code: str | None) -> None:
    refusal = may_extend(booking, new_end, LATEST, now)
    assert (None if refusal is None else refusal.code) == code


@pytest.mark.parametrize("status", BookingStatus)
def test_only_what_is_ahead_or_under_way(status: BookingStatus) -> None:
    refusal = may_extend(a_booking(status=status), END + HOUR, LATEST, START)
    assert (refusal is None) == (status in (BookingStatus.UPCOMING, BookingStatus.ACTIVE))


@pytest.mark.parametrize(("returned_at", "used"), [(None, False), (END, False), (END + timedelta(seconds=1), True)])
def test_time_that_was_used_is_owed(returned_at: datetime | None, used: bool) -> None:
    assert is_used(a_booking(returned_at=returned_at), a_charge()) is used


def a_charge(**changes: Any) -> BookingCharge:
    """An extension from END by two hours that a card is asked for."""
    booking = a_booking()
    fields: dict[str, Any] = {
        "operator_id": booking.operator_id,
        "id": ChargeId(1),
        "booking_id": booking.id,
        "kind": ChargeKind.EXTENSION,
        "status": ChargeStatus.PENDING,
        "currency": "EUR",
        "lines": (),
        "taxes": (),
        "total_minor": 2_000,
        "tax_minor": 0,
        "charged_bonus_minor": 0,
        "charged_balance_minor": 0,
        "charged_card_minor": 0,
        "card_pending_minor": 2_000,
        "debt_minor": 0,
        "ends_at": END + 2 * HOUR,
        "ended_at_before": END,
        "code": None,
        "reason": None,
        "actor": SYSTEM,
        "key": None,
        "opened_at": START,
        "settled_at": None,
    }
    return BookingCharge(**(fields | changes))
