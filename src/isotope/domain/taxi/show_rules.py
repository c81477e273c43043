"""What is told of a trip as it stands. Pure.

| status | ask again after |
|---|---|
| AUTHORISING | 2 s |
| REQUESTED | 3 s |
| ACCEPTED, ARRIVED | 5 s |
| STARTED | 10 s |
| SCHEDULED, within two hours | 30 s |
| SCHEDULED, later | 300 s |
| ENDED, CANCELED | nothing changes any more |

A rider cancels what `machine` lets a rider cancel, and rates an ended trip once.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

from isotope.domain.pricing import Words
from isotope.domain.taxi import machine
from isotope.domain.taxi.cancel_rules import cancel_fee_minor
from isotope.domain.taxi.fares import Driven, fee_price, final_price
from isotope.domain.taxi.model import FarePrice, Trip, TripStatus
from isotope.domain.tenants.model import TaxiSettings

Action = Literal["CANCEL", "RATE"]

_ASK_AGAIN_S: Final = {
    TripStatus.AUTHORISING: 2,
    TripStatus.REQUESTED: 3,
    TripStatus.ACCEPTED: 5,
    TripStatus.ARRIVED: 5,
    TripStatus.STARTED: 10,
}
_SOON: Final = timedelta(hours=2)
_SOON_S, _LATER_S = 30, 300


def next_request_s(trip: Trip, now: datetime) -> int | None:
    """By the table above."""
    if trip.status is TripStatus.SCHEDULED and trip.scheduled_at is not None:
        return _SOON_S if trip.scheduled_at - now <= _SOON else _LATER_S
    return _ASK_AGAIN_S.get(trip.status)


def allowed_actions(trip: Trip) -> list[Action]:
    """What the rider can do now."""
    actions: list[Action] = []
    if machine.may_change(trip.status, TripStatus.CANCELED, "rider") is None:
        actions.append("CANCEL")
    if trip.status is TripStatus.ENDED and trip.rating is None:
        actions.append("RATE")
    return actions


def cancel_fee_now(trip: Trip, settings: TaxiSettings, now: datetime, words: Words) -> int:
    """What a cancel by the rider costs, with tax; 0 where it is free or not possible."""
    if "CANCEL" not in allowed_actions(trip):
        return 0
    fee_minor = cancel_fee_minor(trip, settings, now)
    return fee_price(trip.terms.tariff, "taxi_cancel_fee", fee_minor, words).total_minor


def price_now(trip: Trip, settings: TaxiSettings, now: datetime, words: Words) -> FarePrice:
    """The bill of a trip that is over; before that what was agreed, and from the arrival on what waiting has cost.

    Whether a drive was another one than quoted is known at its end only.
    """
    if trip.status.is_final:
        return FarePrice(
            lines=trip.lines,
            taxes=trip.taxes,
            net_minor=trip.total_minor - trip.tax_minor,
            tax_minor=trip.tax_minor,
            total_minor=trip.total_minor,
        )
    if trip.arrived_at is None or trip.status not in (TripStatus.ARRIVED, TripStatus.STARTED):
        return trip.terms.quoted
    waited = (trip.started_at or now) - waiting_from(trip, trip.arrived_at)
    driven = Driven(
        distance_m=None,
        duration_s=0,
        waited_s=max(0, int(waited.total_seconds())),
        stops=0,
        planned_stops=0,
        at_destination=None,
    )
    return final_price(trip.terms, driven, settings, words, is_scheduled=trip.scheduled_at is not None)


def waiting_from(trip: Trip, arrived_at: datetime) -> datetime:
    """A driver who comes too early for a trip that was ordered for later waits for nothing until then."""
    return arrived_at if trip.scheduled_at is None else max(arrived_at, trip.scheduled_at)


def free_waiting_until(trip: Trip) -> datetime | None:
    """From then on waiting costs; None: nobody waits, or waiting is free."""
    tariff = trip.terms.tariff
    if trip.status is not TripStatus.ARRIVED or trip.arrived_at is None or not tariff.wait_minute_minor:
        return None
    return waiting_from(trip, trip.arrived_at) + timedelta(seconds=tariff.free_wait_s)
