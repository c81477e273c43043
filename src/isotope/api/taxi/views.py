"""The taxi room's nouns as the contract shows them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from isotope.api.money_types import BillLine
from isotope.api.operation import Call
from isotope.api.sharing.views import coordinates
from isotope.api.taxi_types import (
    RideStatusName,
    TaxiPaid,
    TaxiRide,
    TaxiRideAnswer,
    TaxiRideDriver,
    TaxiRideVehicle,
    TaxiScheduledInfo,
    TaxiScheduledRide,
    TaxiWaypoint,
)
from isotope.domain.drivers import Presence, masked_phone
from isotope.domain.pricing import line_text
from isotope.domain.pricing.model import Line
from isotope.domain.taxi import Scheduled, ScheduledTrip, ShownTrip, local_date_and_time
from isotope.domain.taxi.model import Outcome, Stop, Trip, TripStatus
from isotope.kernel.money import to_decimal
from isotope.kernel.polyline import decode

STATUS: Final[dict[TripStatus, RideStatusName]] = {
    TripStatus.AUTHORISING: "RIDE_REQUESTED",
    TripStatus.REQUESTED: "RIDE_REQUESTED",
    TripStatus.SCHEDULED: "SCHEDULED_RIDE",
    TripStatus.ACCEPTED: "RIDE_ACCEPTED",
    TripStatus.ARRIVED: "DRIVER_ARRIVED",
    TripStatus.STARTED: "RIDE_STARTED",
    TripStatus.ENDED: "RIDE_ENDED",
    TripStatus.CANCELED: "RIDE_CANCELED",
}


def unix(at: datetime) -> int:
    return int(at.timestamp())


def find_unix(at: datetime | None) -> int | None:
    return None if at is None else unix(at)


def waypoints(stops: Sequence[Stop]) -> list[TaxiWaypoint]:
    """From the pick-up to the destination."""
    last = len(stops) - 1
    return [
        TaxiWaypoint(
            title=stop.title,
            subtitle=stop.subtitle,
            coordinates=coordinates(stop.point),
            type=_kind(nr, last),
            reached_at=find_unix(stop.reached_at),
        )
        for nr, stop in enumerate(stops)
    ]


def _kind(nr: int, last: int) -> Literal["PICK_UP", "STOP", "DESTINATION"]:
    if nr == 0:
        return "PICK_UP"
    return "DESTINATION" if nr == last else "STOP"


def lines(call: Call[Any], stored: Sequence[Line], currency: str) -> list[BillLine]:
    """In the caller's language."""
    return [
        BillLine(
            code=line.code,
            text=line_text(line, call.text),
            quantity=line.quantity,
            unit_price=to_decimal(line.unit_price_minor, currency),
            amount=to_decimal(line.amount_minor, currency),
        )
        for line in stored
    ]


def ride_answer(call: Call[Any], shown: ShownTrip | None, scheduled: Scheduled, *, with_route: bool) -> TaxiRideAnswer:
    """A trip as it is now, and what the rider has ordered for later."""
    return TaxiRideAnswer(
        ride=None if shown is None else ride(call, shown, with_route=with_route),
        next_request_seconds=None if shown is None else shown.next_request_s,
        scheduled_ride_info=scheduled_info(call, scheduled),
    )


def ride(call: Call[Any], shown: ShownTrip, *, with_route: bool) -> TaxiRide:
    trip, terms, currency = shown.trip, shown.trip.terms, shown.trip.currency

    def money(minor: int) -> Decimal:
        return to_decimal(minor, currency)

    return TaxiRide(
        ride_id=trip.id,
        status=STATUS[trip.status],
        outcome=trip.outcome,
        message=call.text(_message(trip)),
        class_id=trip.class_id,
        class_title=terms.class_title,
        waypoints=waypoints(shown.stops),
        route_waypoints=[coordinates(point) for point in decode(terms.route)] if with_route else None,
        requested_at=unix(trip.requested_at),
        scheduled_at=find_unix(trip.scheduled_at),
        search_until=find_unix(trip.search_until) if trip.status is TripStatus.REQUESTED else None,
        accepted_at=find_unix(trip.accepted_at),
        arrived_at=find_unix(trip.arrived_at),
        started_at=find_unix(trip.started_at),
        ended_at=find_unix(trip.closed_at),
        driver=_driver(call, shown),
        vehicle=_vehicle(shown),
        pick_up_eta_seconds=shown.etas.pick_up_s,
        next_stop_eta_seconds=shown.etas.next_stop_s,
        destination_eta_seconds=shown.etas.destination_s,
        distance_meters=distance_m(trip),
        travel_time_seconds=travel_time_s(trip),
        price=money(terms.quoted.total_minor),
        price_now=money(shown.price.total_minor),
        lines=lines(call, shown.price.lines, currency),
        tax=money(shown.price.tax_minor),
        paid=paid(trip),
        currency_code=currency,
        surge=float(terms.surge),
        payment_type=trip.payment.value,
        payment_method_id=trip.payment_method_id,
        comment=trip.comment,
        pin=None if trip.status.is_final or trip.status is TripStatus.STARTED else trip.pin,
        free_waiting_until=find_unix(shown.free_waiting_until),
        allowed_actions=list(shown.actions),
        cancel_fee=money(shown.cancel_fee_minor),
        rating=trip.rating,
        rating_comment=trip.rating_comment,
    )


def paid(trip: Trip) -> TaxiPaid:
    """What paid the fare or the fee."""

    def money(minor: int) -> Decimal:
        return to_decimal(minor, trip.currency)

    return TaxiPaid(
        bonus=money(trip.charged_bonus_minor),
        balance=money(trip.charged_balance_minor),
        card=money(trip.charged_card_minor),
        pending=money(trip.card_pending_minor),
        cash=money(trip.cash_minor),
        cash_due=money(trip.cash_due_minor),
        debt=money(trip.debt_minor),
        refunded=money(trip.refunded_minor),
    )


def distance_m(trip: Trip) -> int:
    """As quoted; of an ended trip what was driven, where that is known."""
    is_driven = trip.status is TripStatus.ENDED and trip.driven_m
    return round(trip.driven_m) if is_driven else trip.terms.distance_m


def travel_time_s(trip: Trip) -> int:
    """As quoted; of an ended trip what it took."""
    if trip.started_at is None or trip.ended_at is None:
        return trip.terms.duration_s
    return int((trip.ended_at - trip.started_at).total_seconds())


def _message(trip: Trip) -> str:
    if trip.status is not TripStatus.CANCELED:
        return f"taxi_ride_{trip.status.value.lower()}"
    known = {outcome.value for outcome in Outcome}
    return f"taxi_outcome_{trip.outcome}" if trip.outcome in known else "taxi_ride_canceled"


def _driver(call: Call[Any], shown: ShownTrip) -> TaxiRideDriver | None:
    driver, state = shown.driver, shown.state
    if driver is None:
        return None
    settings = call.operator.settings.taxi
    now = call.services.rt.clock.now()
    at = shown.position
    return TaxiRideDriver(
        name=driver.first_name,
        phone=masked_phone(driver.phone_prefix, driver.phone),
        rating=driver.rating(settings.ratings_shown_from),
        is_connected=state is not None and state.presence(settings, now) is Presence.ONLINE,
        coordinates=None if at is None else coordinates(at),
        heading=None if at is None or state is None else state.heading_deg,
        position_at=None if at is None or state is None else find_unix(state.position_at),
    )


def _vehicle(shown: ShownTrip) -> TaxiRideVehicle | None:
    found = shown.vehicle
    if found is None:
        return None
    return TaxiRideVehicle(title=found.title, color=found.color, plate=found.plate, seats=found.seats)


def scheduled_ride(one: ScheduledTrip) -> TaxiScheduledRide:
    """A trip for later."""
    trip, terms = one.trip, one.trip.terms
    at = trip.scheduled_at
    if at is None:
        raise LookupError("a trip for later has a time")
    day, clock = local_date_and_time(at, terms.time_zone)
    return TaxiScheduledRide(
        ride_id=trip.id,
        status=STATUS[trip.status],
        scheduled_at=unix(at),
        scheduled_date=day,
        scheduled_time=clock,
        time_zone=terms.time_zone,
        class_id=trip.class_id,
        class_title=terms.class_title,
        waypoints=waypoints(one.stops),
        price=to_decimal(terms.quoted.total_minor, trip.currency),
        currency_code=trip.currency,
        payment_type=trip.payment.value,
        payment_method_id=trip.payment_method_id,
        comment=trip.comment,
        is_confirmed=trip.driver_id is not None,
        cancel_fee=to_decimal(one.cancel_fee_minor, trip.currency),
        free_cancel_until=unix(one.free_cancel_until),
    )


def scheduled_info(call: Call[Any], scheduled: Scheduled) -> TaxiScheduledInfo | None:
    """In short; None: nothing is ordered for later."""
    if scheduled.next_at is None:
        return None
    day, clock = local_date_and_time(scheduled.next_at, call.operator.time_zone)
    return TaxiScheduledInfo(
        count=scheduled.count,
        limit=call.operator.settings.taxi.scheduled_per_rider,
        next_ride_id=scheduled.next_id,
        next_at=unix(scheduled.next_at),
        message=call.text("taxi_next_scheduled", date=day, time=clock),
    )
