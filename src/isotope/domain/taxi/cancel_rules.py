"""What it costs a rider to cancel. Pure.

| the trip | the fee |
|---|---|
| AUTHORISING, REQUESTED | nothing |
| SCHEDULED, and nobody promised to drive it | nothing |
| SCHEDULED, earlier than `schedule_free_cancel_min` before it | nothing |
| SCHEDULED and promised, later than that | the class's fee |
| ACCEPTED, within `free_cancel_s` of the acceptance | nothing |
| ACCEPTED, and the driver is later than was said by more than `late_cancel_s` | nothing |
| ACCEPTED or ARRIVED otherwise | the class's fee |

Staff, drivers and the system cancel for nothing; a rider who does not come pays the no-show fee instead.
"""

from datetime import datetime, timedelta

from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.tenants.model import TaxiSettings


def cancel_fee_minor(trip: Trip, settings: TaxiSettings, now: datetime) -> int:
    """By the table above; before tax where that is added."""
    fee_minor = trip.terms.tariff.cancel_minor
    match trip.status:
        case TripStatus.SCHEDULED:
            return fee_minor if _is_short_before(trip, settings, now) else 0
        case TripStatus.ACCEPTED:
            return 0 if _is_just_accepted(trip, settings, now) or _is_driver_late(trip, settings, now) else fee_minor
        case TripStatus.ARRIVED:
            return fee_minor
        case _:
            return 0


def _is_short_before(trip: Trip, settings: TaxiSettings, now: datetime) -> bool:
    free = timedelta(minutes=settings.schedule_free_cancel_min)
    return trip.driver_id is not None and trip.scheduled_at is not None and now > trip.scheduled_at - free


def _is_just_accepted(trip: Trip, settings: TaxiSettings, now: datetime) -> bool:
    return trip.accepted_at is not None and now <= trip.accepted_at + timedelta(seconds=settings.free_cancel_s)


def _is_driver_late(trip: Trip, settings: TaxiSettings, now: datetime) -> bool:
    """Of a trip for later the promised time counts."""
    if trip.accepted_at is None:
        return False
    said = trip.accepted_at + timedelta(seconds=trip.pickup_eta_s or 0)
    if trip.scheduled_at is not None:
        said = max(said, trip.scheduled_at)
    return now > said + timedelta(seconds=settings.late_cancel_s)
