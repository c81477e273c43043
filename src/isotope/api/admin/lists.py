"""What handlers of the dashboard's lists have in common: from what was sent to what is asked."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from isotope.api.admin.list_types import DateRange, NumberRange, Slider
from isotope.api.exports import MOST_EXPORTED
from isotope.api.operation import Call
from isotope.dashboards.ranges import Range
from isotope.dashboards.scope import Scope, scope_of
from isotope.domain.tenants import Right, has_right
from isotope.kernel.errors import Fault, invalid

_SHOWN: Final = 50


def scope(call: Call[Any]) -> Scope:
    """Whose rows who calls may see."""
    return scope_of(call.operator, call.staff())


def sees_people(call: Call[Any]) -> bool:
    """Whether names, phones and e-mail addresses are shown whole, and searched."""
    return has_right(call.staff().role, Right.SEE_PEOPLE)


def length_of(page_length: int | None, *, export: bool) -> int:
    """How many rows a page has."""
    return MOST_EXPORTED if export else (page_length or _SHOWN)


def days_of(
    call: Call[Any], sent: DateRange | None, *, most_days: int | None = None
) -> tuple[datetime | None, datetime | None]:
    """The instants from which (included) and until which (not included) the days last by the operator's clock.

    Raises:
        Refusal: `validation_failed`: no such days, the last before the first, or more than `most_days`.
    """
    if sent is None:
        return None, None
    first, last = _day("date_range.from", sent.from_), _day("date_range.to", sent.to)
    if first is not None and last is not None:
        if last < first:
            raise invalid(Fault("date_range.to", "a day that is not before `from` is expected"))
        if most_days is not None and (last - first).days >= most_days:
            raise invalid(Fault("date_range.to", f"at most {most_days} days are expected"))
    zone = ZoneInfo(call.operator.time_zone)

    def begins(day: date) -> datetime:
        return datetime.combine(day, time(), zone).astimezone(UTC)

    return (
        None if first is None else begins(first),
        None if last is None else begins(last + timedelta(days=1)),
    )


def _day(field: str, sent: str | None) -> date | None:
    if sent is None:
        return None
    try:
        found = date.fromisoformat(sent)
    except ValueError:
        raise invalid(Fault(field, "a day such as 2026-06-01 is expected")) from None
    # A day that no calendar of people has would break the arithmetic of time zones.
    if not date(1970, 1, 2) <= found <= date(9999, 12, 30):
        raise invalid(Fault(field, "a day from 1970 on is expected"))
    return found


def range_of(field: str, sent: NumberRange | None) -> Range | None:
    """None: no bound at all.

    Raises:
        Refusal: `validation_failed`: the end is below the beginning.
    """
    return None if sent is None else _range(field, sent.from_, sent.to)


def sliders_of(sent: list[Slider] | None, keys: dict[str, tuple[float, float]]) -> dict[str, Range]:
    """The ranges by key. `keys`: which there are, with the ends of their own ranges, at which a bound bounds nothing.

    Raises:
        Refusal: `validation_failed`: an unknown key, or an end below the beginning.
    """
    found: dict[str, Range] = {}
    for nr, slider in enumerate(sent or ()):
        if slider.key not in keys:
            raise invalid(Fault(f"sliders.{nr}.key", f"one of {', '.join(keys)} is expected"))
        least, most = keys[slider.key]
        low = None if slider.from_ is None or slider.from_ <= least else slider.from_
        high = None if slider.to is None or slider.to >= most else slider.to
        if (wanted := _range(f"sliders.{nr}", low, high)) is not None:
            found[slider.key] = wanted
    return found


def _range(field: str, low: float | None, high: float | None) -> Range | None:
    if low is not None and high is not None and high < low:
        raise invalid(Fault(f"{field}.to", "a number that is not below `from` is expected"))
    return None if low is None and high is None else Range(low, high)


def models_of(sent: list[int] | None) -> list[int] | None:
    """The models that are wanted; None: all."""
    wanted = [one for one in sent or () if one]
    return wanted or None
