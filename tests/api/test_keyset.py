"""Signed bookmarks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.api.keyset import Marks
from isotope.dashboards.paging import Place, Side, Slice
from isotope.kernel.ids import MAX_ID
from tests.kit.refusals import refused

AT = datetime(2026, 6, 1, 12, 30, 15, 123_456, tzinfo=UTC)
RIDES = Marks("rides:0", b"k" * 32)
PLACE = Place(Side.AFTER, AT, 7)


@given(
    side=st.sampled_from(Side),
    at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    row_id=st.integers(0, MAX_ID),
)
def test_read_is_what_was_written(side: Side, at: datetime, row_id: int) -> None:
    place = Place(side, at, row_id)
    assert RIDES.read(RIDES.write(place), None, None) == place


@pytest.mark.parametrize("field", [0, 1, 2])
def test_by_any_of_the_three_names(field: int) -> None:
    sent: list[str | None] = [None, None, None]
    sent[field] = RIDES.write(PLACE)
    assert RIDES.read(*sent) == PLACE
    assert RIDES.read("", None, "") is None


def test_one_that_says_two_things() -> None:
    with refused("validation_failed"):
        RIDES.read(RIDES.write(PLACE), RIDES.write(Place(Side.AFTER, AT, 8)), None)
    assert RIDES.read(RIDES.write(PLACE), RIDES.write(PLACE), None) == PLACE


@pytest.mark.parametrize(
    "marks",
    [Marks("tasks:0", b"k" * 32), Marks("rides:3", b"k" * 32), Marks("rides:0", b"o" * 32)],
    ids=["another list", "a subaccount", "another operator"],
)
def test_anothers_is_unknown(marks: Marks) -> None:
    with refused("validation_failed") as told:
        RIDES.read(None, marks.write(PLACE), None)
    assert [fault.field for fault in told.it.faults] == ["bookmark_next"]


@given(text=st.text(max_size=80))
def test_noise_is_unknown(text: str) -> None:
    if text:
        with refused("validation_failed"):
            RIDES.read(text, None, None)


def test_no_bit_can_be_changed() -> None:
    mark = RIDES.write(PLACE)
    for nr in range(len(mark)):
        for other in "Ab9_-=":
            changed = mark[:nr] + other + mark[nr + 1 :]
            if changed != mark:
                with refused("validation_failed"):
                    RIDES.read(changed, None, None)
    with refused("validation_failed"):
        RIDES.read(mark + "=", None, None)


def test_around_a_page() -> None:
    rows = [(AT, 9), (AT - timedelta(minutes=1), 4)]
    page = RIDES.page(Slice(rows, has_next=True, has_previous=True), lambda row: row)
    assert RIDES.read(page.bookmark_next, None, None) == Place(Side.AFTER, AT - timedelta(minutes=1), 4)
    assert RIDES.read(page.bookmark_previous, None, None) == Place(Side.BEFORE, AT, 9)
    assert (page.has_next_page, page.has_previous_page) == (True, True)
    only = RIDES.page(Slice(rows, has_next=False, has_previous=False), lambda row: row)
    assert (only.bookmark_next, only.bookmark_previous) == (None, None)
    assert RIDES.page(Slice([], has_next=False, has_previous=True), lambda row: row).rows == []
