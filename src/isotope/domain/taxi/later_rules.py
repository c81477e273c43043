"""What time does to a trip that is for later. Pure.

| when | promised | nobody promised |
|---|---|---|
| at each of `remind_min` before it | rider and driver are reminded | the rider is reminded |
| `schedule_search_min` before it | the driver sets off, if free and here | a driver is looked for |
| half of that before it, and the driver has not set off | the promise is given up, and a driver is looked for | |

Reminders whose time passed before the trip was ordered are not sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from isotope.domain.taxi.model import Trip
from isotope.domain.tenants.model import TaxiSettings

# How often a promised driver who cannot set off yet is looked at.
RETRY = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterPlan:
    """What is due now. `notices`: words for `trip.told`. `next_at`: when to look again."""

    notices: Sequence[str] = ()
    set_off: bool = False
    give_up_promise: bool = False
    search: bool = False
    next_at: datetime | None = None


def plan_later(trip: Trip, settings: TaxiSettings, now: datetime) -> LaterPlan:
    """By the table above, of a SCHEDULED trip."""
    at = trip.scheduled_at
    if at is None:
        raise ValueError(f"{trip.cause} is not for later")
    reminders = {f"remind:{minutes}": at - timedelta(minutes=minutes) for minutes in settings.remind_min}
    due = [
        word for word, when in reminders.items() if when <= now and when >= trip.requested_at and word not in trip.told
    ]
    search_at = at - timedelta(minutes=settings.schedule_search_min)
    lost_at = at - timedelta(minutes=settings.schedule_search_min) / 2
    ahead = [when for word, when in reminders.items() if when > now and word not in trip.told]
    if now < search_at:
        return LaterPlan(notices=due, next_at=min([*ahead, search_at]))
    if trip.driver_id is None:
        return LaterPlan(notices=due, search=True)
    if now >= lost_at:
        return LaterPlan(notices=due, set_off=True, give_up_promise=True, search=True)
    return LaterPlan(notices=due, set_off=True, next_at=min(now + RETRY, lost_at))
