"""What a driver can do with a trip. Pure.

| the trip | actions |
|---|---|
| SCHEDULED, promised | SET_OFF once it is near enough, CANCEL |
| ACCEPTED | ARRIVE, CANCEL |
| ARRIVED | START, CANCEL; NO_SHOW once the wait is over |
| STARTED | REACH_STOP while a stop is ahead, END |
| ENDED, cash due | TAKE_CASH |
| else | none |
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from isotope.domain.taxi import driving_errors
from isotope.domain.taxi.model import Stop, Trip, TripStatus
from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.errors import Refusal

DriverAction = Literal["SET_OFF", "ARRIVE", "START", "NO_SHOW", "REACH_STOP", "END", "TAKE_CASH", "CANCEL"]


def driver_actions(trip: Trip, stops: Sequence[Stop], settings: TaxiSettings, now: datetime) -> list[DriverAction]:
    """By the table above."""
    match trip.status:
        case TripStatus.SCHEDULED:
            return ["CANCEL"] if may_set_off(trip, settings, now) is not None else ["SET_OFF", "CANCEL"]
        case TripStatus.ACCEPTED:
            return ["ARRIVE", "CANCEL"]
        case TripStatus.ARRIVED:
            until = no_show_from(trip, settings)
            return ["START", "CANCEL", "NO_SHOW"] if until is not None and now >= until else ["START", "CANCEL"]
        case TripStatus.STARTED:
            return ["END"] if next_stop(stops) is None else ["REACH_STOP", "END"]
        case TripStatus.ENDED if trip.cash_due_minor:
            return ["TAKE_CASH"]
        case _:
            return []


def may_set_off(trip: Trip, settings: TaxiSettings, now: datetime) -> Refusal | None:
    """A promised trip becomes the driver's trip so long before it as drivers are asked for it, and not before."""
    if trip.scheduled_at is None:
        return None
    first = trip.scheduled_at - timedelta(minutes=settings.schedule_offer_min)
    return None if now >= first else driving_errors.too_early_to_set_off(ceil((first - now).total_seconds()))


def no_show_from(trip: Trip, settings: TaxiSettings) -> datetime | None:
    """From when on the driver need not wait; None: nobody waits. Nobody need be there before the time that was agreed."""
    if trip.status is not TripStatus.ARRIVED or trip.arrived_at is None:
        return None
    since = trip.arrived_at if trip.scheduled_at is None else max(trip.arrived_at, trip.scheduled_at)
    return since + timedelta(seconds=settings.no_show_s)


def next_stop(stops: Sequence[Stop]) -> int | None:
    """The number of the first stop on the way that is ahead; None: only the destination is."""
    return next((nr for nr, stop in enumerate(stops[:-1]) if nr > 0 and stop.reached_at is None), None)
