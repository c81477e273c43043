"""What the worker does of a booking for which something is due: every row of the tables, and after a sleep of days."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from isotope.domain.rental.looks import LATE, PREPARED, Due, looks_due, next_look
from isotope.domain.rental.model import Booking, BookingStatus, DepositStatus, OrderKind
from isotope.domain.rental.watching import IDLE, Step, Watch, plan_watch
from tests.rooms.rental.bookings import END, START, a_booking

MIN = timedelta(minutes=1)


def watch(booking: Booking, now: datetime, **more: Any) -> Watch:
    return plan_watch(booking, looks_due(booking, now), now, **more)


def awaiting() -> Booking:
    return replace(a_booking(), status=BookingStatus.AWAITING_PAYMENT, hold_until=START - timedelta(days=2))


def active() -> Booking:
    return replace(a_booking(), status=BookingStatus.ACTIVE, picked_up_at=START)


def ended(deposit: DepositStatus = DepositStatus.HELD) -> Booking:
    return replace(
        active(),
        status=BookingStatus.ENDED,
        returned_at=END,
        deposit_status=deposit,
        inspect_until=END + timedelta(days=1),
    )


@pytest.mark.parametrize(
    ("booking", "now", "more", "expected"),
    [
        (awaiting(), START - timedelta(days=2, minutes=1), {}, IDLE),
        (awaiting(), START - timedelta(days=2), {}, Watch(Step.GIVE_UP, None, ())),
        (awaiting(), START + timedelta(days=20), {}, Watch(Step.GIVE_UP, None, ())),
        (a_booking(), START - timedelta(days=2), {}, IDLE),
        (a_booking(), START - 1_440 * MIN, {}, Watch(Step.NOTHING, Due.REMIND_START, ("start:1440",))),
        (a_booking("start:1440"), START - 61 * MIN, {}, IDLE),
        (a_booking("start:1440"), START - 60 * MIN, {}, Watch(Step.PREPARE, Due.REMIND_START, ("start:60",))),
        # Two reminders that are due at once are one message.
        (a_booking(), START - 30 * MIN, {}, Watch(Step.PREPARE, Due.REMIND_START, ("start:1440", "start:60"))),
        # Slept over the start: nobody is told of what was, but the vehicle is kept all the same.
        (a_booking(), START + 5 * MIN, {}, Watch(Step.PREPARE, None, ("start:1440", "start:60"))),
        (a_booking("start:1440", "start:60", PREPARED), START + 59 * MIN, {}, IDLE),
        (a_booking(), START + 60 * MIN, {}, Watch(Step.NO_SHOW, None, ())),
        (a_booking(), START + timedelta(days=9), {}, Watch(Step.NO_SHOW, None, ())),
        (a_booking(), START + 60 * MIN, {"had_vehicle": False}, Watch(Step.NO_VEHICLE, None, ())),
        (active(), END - 61 * MIN, {}, IDLE),
        (active(), END - 60 * MIN, {}, Watch(Step.NOTHING, Due.REMIND_END, ("end:60",))),
        (active(), END, {}, Watch(Step.NOTHING, None, ("end:60",))),
        (active(), END + 15 * MIN, {}, Watch(Step.NOTHING, Due.LATE, ("end:60", LATE))),
        (active(), END + timedelta(days=3), {}, Watch(Step.NOTHING, Due.LATE, ("end:60", LATE))),
        (ended(), END + timedelta(hours=23), {}, IDLE),
        (ended(), END + timedelta(days=1), {}, Watch(Step.END_DEPOSIT, None, ())),
        (ended(), END + timedelta(days=1), {"is_charging": True}, IDLE),
        (ended(DepositStatus.RELEASED), END + timedelta(days=1), {}, IDLE),
    ],
)
def test_what_is_due_is_done(booking: Booking, now: datetime, more: dict[str, Any], expected: Watch) -> None:
    assert watch(booking, now, **more) == expected


@pytest.mark.parametrize("now", [START - 30 * MIN, START + 60 * MIN, START + timedelta(days=3)])
def test_what_the_vehicle_was_told_is_awaited_first(now: datetime) -> None:
    waiting = replace(a_booking(), order_kind=OrderKind.PICK_UP, ordered_at=now)
    assert watch(waiting, now).step is Step.NOTHING


@given(minutes=st.integers(-4_000, 20_000), slept=st.integers(0, 10_000))
def test_what_was_done_is_not_done_again(minutes: int, slept: int) -> None:
    """However the clock leaps, what was told is in `told`, and is not due any more."""
    for booking in (a_booking(), active()):
        now = START + minutes * MIN
        done = watch(booking, now)
        told = replace(booking, told=(*booking.told, *done.words))
        later = watch(told, now)
        assert later.tell is None
        assert later.words == ()
        # And the next look is ahead, unless something else than words is to be done.
        following = next_look(told)
        if following is not None and done.step is Step.NOTHING:
            assert following > now
        after = watch(told, now + slept * MIN)
        assert not set(after.words) & set(done.words)
