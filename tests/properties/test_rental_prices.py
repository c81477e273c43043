"""Laws of the prices of rentals: for random rates and times, also where clocks are changed."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from isotope.domain.pricing import english
from isotope.domain.rental.local_time import package_fits, parse_local, shifted, started_days
from isotope.domain.rental.model import (
    AddonKind,
    AgreedRentalAddon,
    AgreedRentalPackage,
    BookingTerms,
    Interval,
    Rates,
    RentalAddonId,
    RentalAddonSpec,
    RentalPackageId,
    RentalPackageSpec,
    RentalTariff,
    RentalTariffId,
)
from isotope.domain.rental.prices import (
    SettlementFacts,
    booking_price,
    cancel_fee_minor,
    early_return_minor,
    extension_price,
    settlement_price,
)
from isotope.domain.rental.rates import Combination, cheapest, spans
from isotope.kernel.time_windows import TimeWindow, is_open

ZONES = ("Europe/Helsinki", "America/New_York", "Australia/Lord_Howe", "UTC")
# Weeks around the days on which one of them changes its clocks, and ends of months.
AROUND = (
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2026, 4, 5),
    date(2026, 10, 4),
)

zones = st.sampled_from(ZONES)
# Small ones meet ties, equal ones too; large ones are what operators ask.
prices = st.integers(0, 6) | st.integers(0, 100_000)


@st.composite
def rates(draw: st.DrawFn) -> Rates:
    names = draw(st.sets(st.sampled_from(Rates.__struct_fields__), min_size=1))
    return Rates(**{name: draw(prices) for name in sorted(names)})


@st.composite
def close_rates(draw: st.DrawFn) -> Rates:
    """A day costs what its hours do, and a week what its days do, but for a little: every number of days counts."""
    little = st.integers(-3, 3)
    hour_minor = draw(st.integers(40, 200))
    day_minor = draw(st.sampled_from([24, 26, 28])) * hour_minor + draw(little)
    return Rates(
        minute_minor=draw(st.none() | st.just(hour_minor // 60 + 1)),
        hour_minor=hour_minor,
        day_minor=draw(st.none() | st.just(day_minor)) if (has_week := draw(st.booleans())) else day_minor,
        week_minor=7 * 24 * hour_minor + draw(little) if has_week else None,
        month_minor=draw(st.none() | st.just(30 * 24 * hour_minor + draw(little))),
    )


@st.composite
def starts(draw: st.DrawFn) -> datetime:
    day = draw(st.sampled_from(AROUND)) + timedelta(days=draw(st.integers(-40, 3)))
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 1_439)))


def lengths(most_days: int) -> st.SearchStrategy[timedelta]:
    days = st.builds(lambda nr, off: timedelta(days=nr, minutes=off), st.integers(1, most_days), st.integers(-90, 90))
    return days | st.integers(1, most_days * 1_440).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def terms(draw: st.DrawFn) -> BookingTerms:
    tax = st.sampled_from(["0", "0.1", "0.24", "0.255", "1"])
    package = AgreedRentalPackage(
        id=RentalPackageId(1),
        title="Weekend",
        spec=RentalPackageSpec(price_minor=draw(prices), hours=draw(st.integers(1, 80))),
    )
    addons = draw(
        st.lists(
            st.builds(
                lambda kind, price_minor, own: RentalAddonSpec(kind=kind, price_minor=price_minor, tax_rate=own),
                st.sampled_from(AddonKind),
                prices,
                st.none() | tax,
            ),
            max_size=2,
        )
    )
    return BookingTerms(
        tariff_id=RentalTariffId(1),
        tariff=RentalTariff(
            rates=draw(rates()),
            tax_rate=draw(tax),
            tax_inclusive=draw(st.booleans()),
            included_km_per_day=draw(st.none() | st.integers(0, 300)),
            km_minor=draw(prices),
            late_fee_minor=draw(prices),
            energy_pct_minor=draw(prices),
            early_return_pct=draw(st.integers(0, 100)),
        ),
        time_zone=draw(zones),
        package=package if draw(st.booleans()) else None,
        addons=tuple(
            AgreedRentalAddon(id=RentalAddonId(nr), title=f"Add-on {nr}", spec=spec) for nr, spec in enumerate(addons)
        ),
        late_grace_min=15,
    )


def on_the_wall(start: datetime, zone: str, months: int, days: int) -> datetime:
    """As `shifted`, by another way: the wall's date and clock, read as the zone in force before them would have it."""
    wall = start.astimezone(ZoneInfo(zone))
    if months == days == 0:
        return start
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    day = date(year, month + 1, 1)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - day).days
    day += timedelta(days=min(wall.day, last) - 1 + days)
    clock = datetime(day.year, day.month, day.day, wall.hour, wall.minute, wall.second, tzinfo=UTC)
    before, after = (offset(clock + timedelta(hours=nr), zone) for nr in (-48, 48))
    found = [at for at in (clock - before, clock - after) if at + offset(at, zone) == clock]
    return min(found, default=clock - before)


def offset(at: datetime, zone: str) -> timedelta:
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)


def every_combination(asked: Rates, interval: Interval, zone: str) -> Iterator[Combination]:
    """Each number of months, weeks, days and hours that there is room for, and the minutes that are then missing."""

    @cache
    def left_min(months: int, days: int) -> int:
        left = interval.end - on_the_wall(interval.start, zone, months, days)
        return max(0, -(-left // timedelta(minutes=1)))

    @cache
    def by_the_clock(minutes: int) -> Combination | None:
        """The best hours and minutes for what is left: they cost and count the same whatever comes before them."""
        most = 0 if asked.hour_minor is None else -(-minutes // 60)
        ways = (combined(asked, hours=hours, minutes=max(0, minutes - 60 * hours)) for hours in range(most + 1))
        return min((way for way in ways if way is not None), key=lambda way: way.rank, default=None)

    for months in until(left_min, 0, (1, 0)):
        for weeks in until(left_min, months, (0, 7)):
            for days in until(left_min, months, (0, 1), weeks * 7):
                way = by_the_clock(left_min(months, weeks * 7 + days))
                if way is None:
                    continue
                found = combined(asked, months=months, weeks=weeks, days=days, hours=way.hours, minutes=way.minutes)
                if found is not None:
                    yield found


def until(left_min: Callable[[int, int], int], months: int, step: tuple[int, int], days: int = 0) -> Iterator[int]:
    """0, 1 and so on steps of (months, days) after so many, up to and with the first that leaves nothing."""
    for nr in count():
        yield nr
        if not left_min(months + nr * step[0], days + nr * step[1]):
            return


def combined(asked: Rates, **counts: int) -> Combination | None:
    """None: it counts units that have no price."""
    total_minor = 0
    for unit, many in counts.items():
        price_minor = getattr(asked, f"{unit[:-1]}_minor")
        if many and price_minor is None:
            return None
        total_minor += many * (price_minor or 0)
    return Combination(total_minor=total_minor, **counts)


@settings(deadline=None)
@given(rates() | close_rates(), starts(), lengths(45), zones)
def test_it_is_the_cheapest_of_all_combinations(asked: Rates, start: datetime, length: timedelta, zone: str) -> None:
    interval = Interval(start, start + length)
    assert cheapest(asked, spans(interval, zone)) == min(
        every_combination(asked, interval, zone), key=lambda one: one.rank
    )


@settings(deadline=None)
@given(close_rates(), st.integers(0, 120), lengths(4))
def test_it_is_the_cheapest_too_from_an_hour_that_comes_twice(asked: Rates, minutes: int, length: timedelta) -> None:
    start = datetime(2026, 10, 25, 0, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    found = cheapest(asked, spans(Interval(start, start + length), "Europe/Helsinki"))
    ways = every_combination(asked, Interval(start, start + length), "Europe/Helsinki")
    assert found == min(ways, key=lambda one: one.rank)


@given(starts(), st.integers(0, 14), st.integers(-1, 40), zones)
def test_months_and_days_are_of_the_wall(start: datetime, months: int, days: int, zone: str) -> None:
    assert shifted(start, zone, months=months, days=days) == on_the_wall(start, zone, months, days)


@settings(deadline=None)
@given(terms(), starts(), lengths(400), lengths(40))
def test_a_later_end_is_never_cheaper(
    agreed: BookingTerms, start: datetime, length: timedelta, more: timedelta
) -> None:
    first = booking_price(agreed, Interval(start, start + length), english)
    later = booking_price(agreed, Interval(start, start + length + more), english)
    assert first.total_minor <= later.total_minor
    after = {tax.rate: tax for tax in later.taxes}
    for tax in first.taxes:
        assert tax.net_minor <= after[tax.rate].net_minor
        assert tax.tax_minor <= after[tax.rate].tax_minor


@settings(deadline=None)
@given(terms(), starts(), lengths(60), lengths(10))
def test_booked_and_extended_costs_what_booked_at_once_does(
    agreed: BookingTerms, start: datetime, length: timedelta, more: timedelta
) -> None:
    old = Interval(start, start + length)
    booked = booking_price(agreed, old, english)
    extended = extension_price(agreed, old, old.end + more, english)
    at_once = booking_price(agreed, Interval(start, old.end + more), english)
    assert booked.total_minor + extended.total_minor == at_once.total_minor
    assert booked.tax_minor + extended.tax_minor == at_once.tax_minor
    assert all(line.amount_minor >= 0 for line in extended.lines)
    for price in (booked, extended, at_once):
        assert sum(line.amount_minor for line in price.lines) == price.total_minor
        assert price.net_minor + price.tax_minor == price.total_minor
        assert all(line.quantity * line.unit_price_minor == line.amount_minor for line in price.lines)


@settings(deadline=None)
@given(terms(), starts(), lengths(20), lengths(20), lengths(3))
def test_an_earlier_return_gives_no_less_back_and_never_all_that_was_not_paid(
    agreed: BookingTerms, start: datetime, length: timedelta, used: timedelta, more: timedelta
) -> None:
    booked = Interval(start, start + length)
    early = early_return_minor(agreed, booked, start + used)
    assert 0 <= early_return_minor(agreed, booked, start + used + more) <= early
    assert early <= booking_price(agreed, booked, english).total_minor


@settings(deadline=None)
@given(terms(), starts(), lengths(5), lengths(3), st.integers(0, 2_000_000), st.integers(0, 100))
def test_what_comes_up_by_the_end_never_falls_with_use(
    agreed: BookingTerms, start: datetime, length: timedelta, late: timedelta, metres: int, points: int
) -> None:
    booked = Interval(start, start + length)

    def owed(late: timedelta, metres: int, points: int) -> int:
        facts = SettlementFacts(
            booked=booked,
            picked_up_at=start,
            returned_at=booked.end + late,
            distance_m=metres,
            energy_missing_pct=points,
        )
        price = settlement_price(agreed, facts, english)
        assert price is None or sum(line.amount_minor for line in price.lines) == price.total_minor
        return 0 if price is None else price.total_minor

    assert owed(timedelta(0), 0, 0) == 0
    most = owed(late, metres, points)
    assert owed(late - timedelta(minutes=1), metres, points) <= most
    assert owed(late, metres // 2, points) <= most
    assert owed(late, metres, points // 2) <= most


@given(terms(), starts(), lengths(60), lengths(60), st.integers(0, 10**9))
def test_a_later_cancel_never_keeps_less_nor_more_than_was_paid(
    agreed: BookingTerms, start: datetime, before: timedelta, earlier: timedelta, paid_minor: int
) -> None:
    late = cancel_fee_minor(agreed, paid_minor, start, start - before)
    assert 0 <= cancel_fee_minor(agreed, paid_minor, start, start - before - earlier) <= late <= paid_minor


@given(starts(), lengths(400), zones)
def test_started_days_are_the_fewest_that_cover(start: datetime, length: timedelta, zone: str) -> None:
    days = started_days(Interval(start, start + length), zone)
    assert on_the_wall(start, zone, 0, days) >= start + length
    assert days == 1 or on_the_wall(start, zone, 0, days - 1) < start + length


clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30]))
windows = st.lists(
    st.builds(
        lambda days, start, end: TimeWindow(weekdays=tuple(days), start=start, end=end),
        st.lists(st.sampled_from(["fri", "sat", "sun", "mon"]), max_size=3, unique=True),
        clocks,
        clocks | st.just("24:00"),
    ),
    max_size=3,
)


@settings(deadline=None)
@given(windows, starts(), st.integers(1, 4 * 1_440), zones)
def test_a_package_fits_when_every_minute_is_in_its_windows(
    open_at: list[TimeWindow], start: datetime, minutes: int, zone: str
) -> None:
    spec = RentalPackageSpec(price_minor=1, hours=1, windows=tuple(open_at))
    moments = (start + timedelta(minutes=nr) for nr in range(minutes))
    expected = all(is_open(open_at, moment.astimezone(ZoneInfo(zone))) for moment in moments)
    assert package_fits(spec, "car", Interval(start, start + timedelta(minutes=minutes)), zone) == expected


@given(starts(), zones)
def test_a_time_with_its_offset_is_read_back(at: datetime, zone: str) -> None:
    assert parse_local(at.astimezone(ZoneInfo(zone)).isoformat(), zone) == at
