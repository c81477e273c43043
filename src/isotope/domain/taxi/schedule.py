"""Trips for later: a date and a time as apps send them, by the operator's clock. Pure.

| sent | is |
|---|---|
| neither date nor time | now |
| one of them | refused: both are needed |
| a time that does not exist (spring) | as if the clock had not been put forward: 03:30 becomes 04:30 |
| a time that exists twice (autumn) | the first of the two |
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from isotope.domain.taxi import errors
from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.errors import Fault, Refusal, invalid

DATE_FIELD: Final = "scheduled_date"
TIME_FIELD: Final = "scheduled_time"

# `fromisoformat` of newer versions of Python also takes weeks and other spellings, of the same length.
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


def read_schedule(day: str | None, clock: str | None, time_zone: str) -> datetime | None:
    """The instant in UTC; None: now. An empty text is as none.

    Raises:
        Refusal: `validation_failed`.
    """
    day, clock = (day or "").strip(), (clock or "").strip()
    if not day and not clock:
        return None
    faults: list[Fault] = []
    on = at = None
    try:
        on = date.fromisoformat(day) if _DATE.fullmatch(day) else None
    except ValueError:
        on = None
    if on is None:
        faults.append(Fault(DATE_FIELD, "a date such as 2026-12-24 is expected beside scheduled_time"))
    try:
        at = time.fromisoformat(clock) if _TIME.fullmatch(clock) else None
    except ValueError:
        at = None
    if at is None:
        faults.append(
            Fault(TIME_FIELD, "a time such as 14:45, by the operator's clock, is expected beside scheduled_date")
        )
    if on is None or at is None:
        raise invalid(*faults)
    try:
        return datetime.combine(on, at, ZoneInfo(time_zone)).astimezone(UTC)
    except OverflowError as error:
        raise invalid(Fault(DATE_FIELD, "a date that people live to see is expected")) from error


def may_schedule(at: datetime, settings: TaxiSettings, now: datetime) -> Refusal | None:
    """Whether a trip can be ordered for then.

    | | refusal |
    |---|---|
    | the operator takes no orders for later | scheduled_trips_off |
    | sooner than `schedule_lead_min` from now | schedule_too_soon |
    | later than `schedule_days` from now | schedule_too_far |
    """
    if not settings.scheduled:
        return errors.scheduled_trips_off()
    if at < now + timedelta(minutes=settings.schedule_lead_min):
        return errors.schedule_too_soon(settings.schedule_lead_min)
    if at > now + timedelta(days=settings.schedule_days):
        return errors.schedule_too_far(settings.schedule_days)
    return None


def local_date_and_time(at: datetime, time_zone: str) -> tuple[str, str]:
    """`2026-12-24` and `14:45`, by the operator's clock."""
    local = at.astimezone(ZoneInfo(time_zone))
    return local.date().isoformat(), f"{local:%H:%M}"
