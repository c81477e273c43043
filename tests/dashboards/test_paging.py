"""Pages by key on the real store: walked both ways, while rows are added."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.dashboards.paging import Paging, Place, Side, Slice
from isotope.infra.runtime import Runtime

START = datetime(2026, 6, 1, tzinfo=UTC)
Row = tuple[datetime, int]


def page_of(rows: Sequence[Row], paging: Paging) -> Slice[Row]:
    """As the store answers the condition and the order."""
    place = paging.place
    found = sorted(rows, reverse=place is None or place.side is Side.AFTER)
    if place is not None:
        key = (place.at, place.id)
        found = [row for row in found if (row < key if place.side is Side.AFTER else row > key)]
    return paging.slice(found[: paging.length + 1])


ROWS = st.sets(st.integers(0, 20), max_size=20).map(
    lambda minutes: [(START + timedelta(minutes=minute // 3), minute + 1) for minute in sorted(minutes)]
)


@given(rows=ROWS, length=st.integers(1, 7))
def test_a_walk_meets_every_row_once_and_goes_back_the_same_way(rows: list[Row], length: int) -> None:
    pages: list[Sequence[Row]] = []
    paging = Paging(length)
    while True:
        found = page_of(rows, paging)
        assert found.has_previous is bool(pages)
        pages.append(found.rows)
        if not found.has_next:
            break
        paging = Paging(length, Place(Side.AFTER, *found.rows[-1]))
    assert [row for page in pages for row in page] == sorted(rows, reverse=True)
    for before, page in zip(reversed(pages[:-1]), reversed(pages[1:]), strict=True):
        back = page_of(rows, Paging(length, Place(Side.BEFORE, *page[0])))
        assert (back.rows, back.has_next) == (before, True)


@given(rows=ROWS, length=st.integers(1, 4))
def test_what_is_added_on_the_way_moves_nothing(rows: list[Row], length: int) -> None:
    known = list(rows)
    met: list[Row] = []
    newer = count(1)
    paging = Paging(length)
    while True:
        found = page_of(known, paging)
        met += found.rows
        known.append((START + timedelta(days=1, minutes=next(newer)), 1_000))
        if not found.has_next:
            break
        paging = Paging(length, Place(Side.AFTER, *found.rows[-1]))
    assert met == sorted(rows, reverse=True)


@pytest.mark.parametrize(
    ("place", "ids"),
    [
        (None, [6, 5]),
        (Place(Side.AFTER, START + timedelta(minutes=2), 5), [4, 3]),
        (Place(Side.AFTER, START, 1), []),
        (Place(Side.BEFORE, START, 1), [3, 2]),
        (Place(Side.BEFORE, START + timedelta(minutes=2), 5), [6]),
    ],
)
async def test_in_the_store(rt: Runtime, place: Place | None, ids: list[int]) -> None:
    paging = Paging(2, place)
    async with rt.db.read() as tx:
        rows = await tx.tuples(
            f"""
            select at, id from (
                select %(start)s::timestamptz + (nr / 2) * interval '1 minute' as at, nr as id
                  from generate_series(1, 6) nr) t
             where true {paging.where("t.at", "t.id")}{paging.order("t.at", "t.id")}
            """,
            {"start": START, **paging.params},
        )
    assert [row_id for _at, row_id in paging.slice(rows).rows] == ids
