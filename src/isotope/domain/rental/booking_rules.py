"""Whether a rider may book something. Pure.

The first that matches refuses:

| fact                                                                   | refusal                    |
|------------------------------------------------------------------------|----------------------------|
| the rider is blocked                                                   | rider_blocked              |
| it ends before it starts, or is shorter than `minimum_min`             | booking_too_short          |
| longer than `maximum_days` of the calendar                             | booking_too_long           |
| it starts sooner than `lead_min` from now (of the station)             | booking_too_soon           |
| later than `advance_days` from now (of the station)                    | booking_too_far_ahead      |
| it starts or ends while the station is closed                          | station_closed             |
| the rider is younger at the start than model or operator ask for       | rider_too_young            |
| no licence was seen, not of the model's category, or it runs out       | licence_needed             |
| as many bookings ahead or under way as `open_per_rider`                | too_many_bookings          |
| as many made in 30 days as `per_rider_in_30_days`                      | too_many_bookings_lately   |
| debt is open, unless the wallet is not checked                         | debt_open                  |
| there is no saved card where one is asked for                          | card_needed                |
| the package is unknown, for other models or other times                | package_not_available      |
| an add-on is unknown or for other models                               | unknown_addons             |
| all of a limited add-on are booked for some of the time                | rental_addon_out_of_stock  |
| no vehicle is free                                                     | no_vehicle_free            |
| no card pays, and the wallet has less than the price                   | booking_unaffordable       |

The last is not asked of bookings that may be owed. Source: domain rules, Rental booking and Wallet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from isotope.domain.identity import Licence
from isotope.domain.payments import card_needed
from isotope.domain.rental import errors
from isotope.domain.rental.local_time import may_start_or_end, shifted
from isotope.domain.rental.model import Interval, RentalAddonId, RentalModel, Station
from isotope.domain.tenants.model import RentalSettings
from isotope.domain.wallet import debt_open
from isotope.kernel.errors import Refusal
from isotope.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFacts:
    """What is known when somebody wants to book; what was asked of the calendar, `None` where it was not asked yet."""

    settings: RentalSettings
    time_zone: str
    station: Station
    model: RentalModel
    interval: Interval
    now: datetime
    blocked: bool
    licence: Licence
    open_bookings: int
    lately_booked: int
    debt: Money
    skip_wallet_check: bool
    has_card: bool
    needs_card: bool


def may_book_then(
    settings: RentalSettings, station: Station, interval: Interval, time_zone: str, now: datetime
) -> Refusal | None:
    """The rows about time and place: what is asked of everybody."""
    if interval.end - interval.start < timedelta(minutes=settings.minimum_min):
        return errors.booking_too_short(settings.minimum_min)
    if interval.end > shifted(interval.start, time_zone, days=settings.maximum_days):
        return errors.booking_too_long(settings.maximum_days)
    lead_min = settings.lead_min if station.spec.lead_min is None else station.spec.lead_min
    earliest = now + timedelta(minutes=lead_min)
    if interval.start < earliest:
        return errors.booking_too_soon(lead_min, earliest)
    ahead = settings.advance_days if station.spec.advance_days is None else station.spec.advance_days
    latest = now + timedelta(days=ahead)
    if interval.start > latest:
        return errors.booking_too_far_ahead(ahead, latest)
    for at, is_end in ((interval.start, False), (interval.end, True)):
        if why := may_start_or_end(station, at, time_zone, is_end=is_end):
            return errors.station_closed(station.title, why)
    return None


def may_book(facts: BookingFacts) -> Refusal | None:
    """Every row of the table but those of package, add-ons, calendar and price, which are decided with what they found."""
    if facts.blocked:
        return errors.rider_blocked()
    return (
        may_book_then(facts.settings, facts.station, facts.interval, facts.time_zone, facts.now)
        or _may_drive(facts)
        or _may_have_more(facts)
        or _may_pay(facts)
    )


def _may_have_more(facts: BookingFacts) -> Refusal | None:
    if facts.open_bookings >= facts.settings.open_per_rider:
        return errors.too_many_bookings(facts.settings.open_per_rider)
    if facts.lately_booked >= facts.settings.per_rider_in_30_days:
        return errors.too_many_bookings_lately(facts.settings.per_rider_in_30_days)
    return None


def _may_pay(facts: BookingFacts) -> Refusal | None:
    if facts.debt.amount_minor and not facts.skip_wallet_check:
        return debt_open(facts.debt)
    return card_needed() if facts.needs_card and not facts.has_card else None


def _may_drive(facts: BookingFacts) -> Refusal | None:
    settings, spec, licence = facts.settings, facts.model.spec, facts.licence
    starts_on = facts.interval.start.astimezone(ZoneInfo(facts.time_zone)).date()
    ends_on = facts.interval.end.astimezone(ZoneInfo(facts.time_zone)).date()
    least = max(settings.minimum_age or 0, spec.minimum_age or 0)
    if least and (licence.born_on is None or age_on(licence.born_on, starts_on) < least):
        return errors.rider_too_young(least, is_known=licence.born_on is not None)
    if not settings.licence_required:
        return None
    category = spec.licence_category
    if not licence.categories or (category and category not in licence.categories):
        return errors.licence_needed(category)
    if licence.expires_on is not None and licence.expires_on < ends_on:
        return errors.licence_needed(category, licence.expires_on)
    return None


def age_on(born_on: date, day: date) -> int:
    """Years of age; who was born on 29 February is a year older on 1 March of other years."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def out_of_stock(
    wanted: Sequence[tuple[RentalAddonId, int]], out: dict[RentalAddonId, list[Interval]], during: Interval
) -> list[RentalAddonId]:
    """Those of which there is none left at some moment: (add-on, stock), and for when each is out with others."""
    return [addon_id for addon_id, stock in wanted if most_at_once(out.get(addon_id, []), during) >= stock]


def most_at_once(intervals: Sequence[Interval], during: Interval) -> int:
    """How many of the intervals share a moment of `during`."""
    edges: list[tuple[datetime, int]] = []
    for one in intervals:
        start, end = max(one.start, during.start), min(one.end, during.end)
        if start < end:
            edges += [(start, 1), (end, -1)]
    most = now = 0
    # Ends before starts: one that ends when another starts hands it over.
    for _at, step in sorted(edges):
        now += step
        most = max(most, now)
    return most
