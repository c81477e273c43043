"""Every refusal of the table in `booking_rules`, and the order in which they come."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from isotope.domain.identity import Licence
from isotope.domain.rental.booking_rules import (
    BookingFacts,
    age_on,
    may_book,
    may_book_then,
    most_at_once,
    out_of_stock,
)
from isotope.domain.rental.model import (
    Interval,
    Rates,
    RentalAddonId,
    RentalModel,
    RentalModelSpec,
    RentalTariff,
    RentalTariffId,
    Station,
    StationId,
    StationSpec,
)
from isotope.domain.tenants.model import RentalSettings
from isotope.kernel.geo import Point
from isotope.kernel.ids import ModelId, OperatorId
from isotope.kernel.money import Money
from isotope.kernel.time_windows import TimeWindow
from isotope.kernel.vehicle_types import VehicleType

HELSINKI = "Europe/Helsinki"
NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)  # a Monday, 12:00 in Helsinki
START = datetime(2026, 6, 2, 7, 0, tzinfo=UTC)
DAY = Interval(START, START + timedelta(days=1))
SETTINGS = RentalSettings(minimum_age=21, licence_required=True)
STATION = Station(
    operator_id=OperatorId(1),
    id=StationId(1),
    ref="centre",
    title="Centre",
    point=Point(60.0, 25.0),
    area=None,
    radius_m=100.0,
    spec=StationSpec(opening=(TimeWindow(start="08:00", end="20:00"),), closed=("2026-06-06",)),
)
MODEL = RentalModel(
    operator_id=OperatorId(1),
    id=ModelId(1),
    ref="car",
    title="Car",
    vehicle_type=VehicleType.CAR,
    seats=5,
    range_km=None,
    picture_url=None,
    description="",
    spec=RentalModelSpec(licence_category="B"),
    tariff_id=RentalTariffId(1),
    tariff_title="Standard",
    tariff=RentalTariff(rates=Rates(day_minor=4_000)),
)
SEEN = Licence(born_on=date(2000, 6, 2), categories=("AM", "B"), expires_on=date(2026, 6, 3))


def facts(**changes: Any) -> BookingFacts:
    """Of somebody who may book, but for the changes."""
    fields: dict[str, Any] = {
        "settings": SETTINGS,
        "time_zone": HELSINKI,
        "station": STATION,
        "model": MODEL,
        "interval": DAY,
        "now": NOW,
        "blocked": False,
        "licence": SEEN,
        "open_bookings": 0,
        "lately_booked": 0,
        "debt": Money(0, "EUR"),
        "skip_wallet_check": False,
        "has_card": True,
        "needs_card": True,
    }
    return BookingFacts(**fields | changes)


def code(facts: BookingFacts) -> str | None:
    no = may_book(facts)
    return None if no is None else no.code


def from_start(**length: float) -> Interval:
    return Interval(START, START + timedelta(**length))


def on(day: int, hour: int, minute: int = 0, **length: float) -> Interval:
    """Of June, by the clock of Helsinki."""
    start = datetime(2026, 6, day, hour - 3, minute, tzinfo=UTC)
    return Interval(start, start + timedelta(**length or {"hours": 2}))


def settings(**changes: Any) -> RentalSettings:
    return replace(SETTINGS, **changes)


def station(**changes: Any) -> Station:
    return replace(STATION, spec=replace(STATION.spec, **changes))


def model(**changes: Any) -> RentalModel:
    return replace(MODEL, spec=replace(MODEL.spec, **changes))


def licence(**changes: Any) -> Licence:
    fields = {"born_on": SEEN.born_on, "categories": SEEN.categories, "expires_on": SEEN.expires_on}
    return Licence(**fields | changes)


DEBT = Money(1, "EUR")
TABLE: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"blocked": True}, "rider_blocked"),
    # How long.
    ({"interval": from_start(minutes=60)}, None),
    ({"interval": from_start(minutes=59)}, "booking_too_short"),
    ({"interval": from_start(minutes=-60)}, "booking_too_short"),
    ({"interval": from_start(days=1), "settings": settings(maximum_days=1)}, None),
    ({"interval": from_start(days=1, seconds=1), "settings": settings(maximum_days=1)}, "booking_too_long"),
    # How soon, by the operator's settings and the station's own.
    ({"interval": on(1, 14, 0)}, None),
    ({"interval": on(1, 13, 59)}, "booking_too_soon"),
    ({"interval": on(1, 10, 0)}, "booking_too_soon"),
    ({"interval": on(1, 12, 30), "station": station(lead_min=30)}, None),
    ({"interval": on(1, 12, 29), "station": station(lead_min=30)}, "booking_too_soon"),
    ({"settings": settings(advance_days=1)}, None),
    ({"interval": on(2, 12, 1), "settings": settings(advance_days=1)}, "booking_too_far_ahead"),
    ({"interval": on(2, 12, 1), "settings": settings(advance_days=1), "station": station(advance_days=2)}, None),
    # While the station is open; it closes at 20:00, and on the 6th it is closed.
    ({"interval": on(3, 8, 0), "licence": licence(expires_on=None)}, None),
    ({"interval": on(3, 7, 59)}, "station_closed"),
    ({"interval": on(2, 18, 0, hours=2)}, None),
    ({"interval": on(2, 18, 0, hours=2, minutes=1)}, "station_closed"),
    ({"interval": on(6, 10, 0)}, "station_closed"),
    ({"interval": on(5, 10, 0, days=1)}, "station_closed"),
    ({"interval": on(5, 10, 0, days=2), "licence": licence(expires_on=None)}, None),
    # Who is 21 on 2 June, the day of the start.
    ({"licence": licence(born_on=date(2005, 6, 2))}, None),
    ({"licence": licence(born_on=date(2005, 6, 3))}, "rider_too_young"),
    ({"licence": licence(born_on=None)}, "rider_too_young"),
    ({"licence": licence(born_on=None), "settings": settings(minimum_age=None)}, None),
    ({"model": model(minimum_age=26)}, None),
    ({"model": model(minimum_age=27)}, "rider_too_young"),
    ({"model": model(minimum_age=18), "licence": licence(born_on=date(2006, 1, 1))}, "rider_too_young"),
    # A licence of the category, which lasts until the day of the end.
    ({"licence": Licence(born_on=SEEN.born_on)}, "licence_needed"),
    ({"licence": licence(categories=())}, "licence_needed"),
    ({"licence": licence(categories=("AM",))}, "licence_needed"),
    ({"licence": licence(categories=("AM",)), "model": model(licence_category="")}, None),
    ({"licence": licence(categories=()), "model": model(licence_category="")}, "licence_needed"),
    ({"licence": licence(expires_on=date(2026, 6, 2))}, "licence_needed"),
    ({"licence": licence(expires_on=None)}, None),
    ({"licence": Licence(born_on=SEEN.born_on), "settings": settings(licence_required=False)}, None),
    # How many.
    ({"open_bookings": 4}, None),
    ({"open_bookings": 5}, "too_many_bookings"),
    ({"lately_booked": 29}, None),
    ({"lately_booked": 30}, "too_many_bookings_lately"),
    # Debt and card.
    ({"debt": DEBT}, "debt_open"),
    ({"debt": DEBT, "skip_wallet_check": True}, None),
    ({"has_card": False}, "card_needed"),
    ({"has_card": False, "needs_card": False}, None),
    ({"has_card": False, "skip_wallet_check": True}, "card_needed"),
]


@pytest.mark.parametrize(("changes", "expected"), TABLE)
def test_every_row(changes: dict[str, Any], expected: str | None) -> None:
    assert code(facts(**changes)) == expected


def test_the_first_row_that_matches_refuses() -> None:
    rows: list[tuple[str, dict[str, Any]]] = [
        ("rider_blocked", {"blocked": True}),
        ("station_closed", {"interval": on(3, 7, 0)}),
        ("rider_too_young", {"licence": Licence()}),
        ("too_many_bookings", {"open_bookings": 5}),
        ("too_many_bookings_lately", {"lately_booked": 30}),
        ("debt_open", {"debt": DEBT}),
        ("card_needed", {"has_card": False}),
    ]
    for first in range(len(rows)):
        together: dict[str, Any] = {}
        for _code, changes in rows[first:]:
            together |= changes
        assert code(facts(**together)) == rows[first][0]


def test_days_are_of_the_calendar() -> None:
    """In the night to 29 March 2026 clocks go forward in Helsinki: that day has 23 hours, 25 October has 25."""
    one_day, always = settings(maximum_days=1), station(opening=(), closed=())
    for start, hours in ((datetime(2026, 3, 28, 8, tzinfo=UTC), 23), (datetime(2026, 10, 24, 7, tzinfo=UTC), 25)):
        now = start - timedelta(days=1)
        whole = Interval(start, start + timedelta(hours=hours))
        assert may_book_then(one_day, always, whole, HELSINKI, now) is None
        longer = Interval(start, whole.end + timedelta(minutes=1))
        no = may_book_then(one_day, always, longer, HELSINKI, now)
        assert no is not None
        assert no.code == "booking_too_long"


def test_refusals_say_what_would_be_taken() -> None:
    def details(**changes: Any) -> Any:
        no = may_book(facts(**changes))
        assert no is not None
        return no.details

    assert details(interval=on(1, 13)) == {"earliest_pick_up": int((NOW + timedelta(minutes=120)).timestamp())}
    ahead = details(interval=on(20, 13), settings=settings(advance_days=10))
    assert ahead == {"latest_pick_up": int((NOW + timedelta(days=10)).timestamp())}
    assert details(interval=from_start(minutes=5)) == {"minimum_minutes": 60}
    assert details(interval=from_start(days=31)) == {"maximum_days": 30}
    assert details(interval=on(6, 10)) == {"station": "Centre", "reason": "closed_day"}
    assert details(interval=on(3, 7)) == {"station": "Centre", "reason": "closed_hours"}
    assert details(licence=Licence()) == {"minimum_age": 21, "is_known": False}
    late = details(licence=licence(expires_on=date(2026, 6, 2)))
    assert late == {"category": "B", "expires_on": "2026-06-02"}


@pytest.mark.parametrize(
    ("born_on", "day", "age"),
    [
        (date(2000, 5, 10), date(2021, 5, 9), 20),
        (date(2000, 5, 10), date(2021, 5, 10), 21),
        (date(2004, 2, 29), date(2025, 2, 28), 20),
        (date(2004, 2, 29), date(2025, 3, 1), 21),
        (date(2004, 2, 29), date(2024, 2, 29), 20),
    ],
)
def test_years_of_age(born_on: date, day: date, age: int) -> None:
    assert age_on(born_on, day) == age


def hours(start: float, end: float) -> Interval:
    return Interval(START + timedelta(hours=start), START + timedelta(hours=end))


@pytest.mark.parametrize(
    ("out", "most"),
    [
        ([], 0),
        ([hours(0, 24)], 1),
        ([hours(-5, 0)], 0),
        ([hours(24, 30)], 0),
        ([hours(0, 5), hours(5, 10)], 1),
        ([hours(0, 6), hours(5, 10)], 2),
        ([hours(-5, 1), hours(23, 30), hours(10, 11)], 1),
        ([hours(0, 24), hours(1, 3), hours(2, 4)], 3),
    ],
)
def test_how_many_are_out_at_once(out: list[Interval], most: int) -> None:
    assert most_at_once(out, DAY) == most


@given(
    st.lists(
        st.tuples(st.integers(-10, 30), st.integers(1, 20)).map(lambda pair: hours(pair[0], pair[0] + pair[1])),
        max_size=12,
    )
)
def test_at_no_moment_are_more_out(out: list[Interval]) -> None:
    moments = [START + timedelta(hours=half / 2) for half in range(48)]
    counted = [sum(one.start <= at < one.end for one in out) for at in moments]
    assert most_at_once(out, DAY) == max(counted)


def test_what_is_out_of_stock() -> None:
    seat, rack, box = RentalAddonId(1), RentalAddonId(2), RentalAddonId(3)
    out = {seat: [hours(0, 2), hours(1, 3)], rack: [hours(0, 2), hours(2, 4)]}
    wanted = [(seat, 2), (rack, 2), (box, 1)]
    assert out_of_stock(wanted, out, DAY) == [seat]
    assert out_of_stock([(box, 0)], {}, DAY) == [box]
    assert out_of_stock(wanted, out, hours(3, 24)) == []
