"""What an operator's own systems read of its taxis: trips, riders, drivers."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing.views import coordinates
from isotope.api.taxi import views
from isotope.api.taxi_list_types import (
    TaxiCustomer,
    TaxiCustomersList,
    TaxiCustomersListRequest,
    TaxiDriversList,
    TaxiDriversListRequest,
    TaxiListedDriver,
    TaxiListedRide,
    TaxiListedRideDriver,
    TaxiRideCustomer,
    TaxiRidesList,
    TaxiRidesListRequest,
)
from isotope.domain import taxi
from isotope.domain.drivers import DriverStatus, Presence
from isotope.domain.identity import RiderStatus
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.kernel.errors import Fault, invalid
from isotope.kernel.geo import Point
from isotope.kernel.money import to_decimal

_BASE: Final = "/openapi/v1.0/taxi"


@operation(
    id="list_taxi_rides",
    tag="Taxi",
    title="Get taxi rides list",
    method="POST",
    path=f"{_BASE}/get-rides-list",
    auth=Auth.SECRET,
    request=TaxiRidesListRequest,
    response=TaxiRidesList,
    request_example={"page": 1, "page_length": 20, "status": "RIDE_ENDED", "date_from": "2026-12-01"},
)
async def list_taxi_rides(call: Call[TaxiRidesListRequest]) -> TaxiRidesList:
    """The operator's trips, newest first, page by page. Days are by the operator's clock, both ends counted."""
    body = call.body
    since, until = _days(call)
    listed = await taxi.list_all_trips(
        call.services.rt,
        call.operator,
        taxi.WhichTrips(
            search=body.search or "",
            statuses=[status for status in TripStatus if views.STATUS[status] == body.status],
            since=since,
            until=until,
        ),
        taxi.Paging(body.page, body.page_length),
    )
    return TaxiRidesList(
        has_next_page=body.page * body.page_length < listed.count,
        record_count=listed.count,
        data=[ride_of(listed, trip) for trip in listed.trips],
    )


@operation(
    id="list_taxi_customers",
    tag="Taxi",
    title="Get taxi customers list",
    method="POST",
    path=f"{_BASE}/get-customers-list",
    auth=Auth.SECRET,
    request=TaxiCustomersListRequest,
    response=TaxiCustomersList,
    request_example={"page": 1, "page_length": 20, "search": "rita"},
)
async def list_taxi_customers(call: Call[TaxiCustomersListRequest]) -> TaxiCustomersList:
    """Riders who have ordered a taxi, the newest account first, page by page, with what came of their trips."""
    body, currency = call.body, call.operator.currency
    found, count = await taxi.list_all_customers(
        call.services.rt, call.operator, body.search or "", taxi.Paging(body.page, body.page_length)
    )
    return TaxiCustomersList(
        has_next_page=body.page * body.page_length < count,
        record_count=count,
        data=[
            TaxiCustomer(
                user_id=one.id,
                name=one.name,
                email=one.email,
                phone_prefix=one.phone_prefix,
                phone=one.phone,
                is_blocked=one.status == RiderStatus.BLOCKED,
                registered_at=views.unix(one.created_at),
                rides=one.trips,
                ended_rides=one.ended,
                canceled_rides=one.canceled,
                last_ride_at=views.unix(one.last_at),
                total_spent=to_decimal(one.spent_minor, currency),
                debt=to_decimal(one.debt_minor, currency),
                currency_code=currency,
            )
            for one in found
        ],
    )


@operation(
    id="list_taxi_drivers",
    tag="Taxi",
    title="Get taxi drivers list",
    method="POST",
    path=f"{_BASE}/get-drivers-list",
    auth=Auth.SECRET,
    request=TaxiDriversListRequest,
    response=TaxiDriversList,
    request_example={"page": 1, "page_length": 20, "status": "ONLINE"},
)
async def list_taxi_drivers(call: Call[TaxiDriversListRequest]) -> TaxiDriversList:
    """The operator's drivers by name, page by page: whether and where they work, what they drive, how they stand."""
    body = call.body
    found, count = await taxi.list_all_drivers(
        call.services.rt,
        call.operator,
        body.search or "",
        None if body.status is None else Presence(body.status),
        taxi.Paging(body.page, body.page_length),
    )
    return TaxiDriversList(
        has_next_page=body.page * body.page_length < count,
        record_count=count,
        data=[driver_of(call, one) for one in found],
    )


def _days(call: Call[TaxiRidesListRequest]) -> tuple[datetime | None, datetime | None]:
    """The first instant of the first day, and the first after the last one."""
    faults: list[Fault] = []
    read: list[date | None] = []
    for field, text in (("date_from", call.body.date_from), ("date_to", call.body.date_to)):
        try:
            read.append(_day(text))
        except ValueError:
            read.append(None)
            faults.append(Fault(field, "a day such as 2026-12-24 is expected"))
    first, last = read
    if first is not None and last is not None and last < first:
        faults.append(Fault("date_to", "a day not before date_from is expected"))
    if faults:
        raise invalid(*faults)
    zone = ZoneInfo(call.operator.time_zone)
    since = None if first is None else datetime.combine(first, time(), zone).astimezone(UTC)
    until = None if last is None else datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
    return since, until


def _day(text: str | None) -> date | None:
    if text is None or not text.strip():
        return None
    found = date.fromisoformat(text.strip())
    if len(text.strip()) != len("2026-12-24") or not 1970 <= found.year < 2200:  # noqa: PLR2004 - days that anybody means
        raise ValueError(text)
    return found


def ride_of(listed: taxi.ListedTrips, trip: Trip) -> TaxiListedRide:
    """A trip as lists show it."""
    rider = listed.riders.get(trip.rider_id)
    driver = None if trip.driver_id is None else listed.drivers.get(trip.driver_id)
    vehicle = None if trip.vehicle_id is None else listed.vehicles.get(trip.vehicle_id)
    currency = trip.currency
    return TaxiListedRide(
        ride_id=trip.id,
        status=views.STATUS[trip.status],
        outcome=trip.outcome,
        closed_by=trip.closed_by,
        customer=None
        if rider is None
        else TaxiRideCustomer(
            user_id=rider.id,
            name=rider.name,
            email=rider.email,
            phone_prefix=rider.phone_prefix,
            phone=rider.phone,
        ),
        driver=None
        if driver is None
        else TaxiListedRideDriver(
            driver_id=driver.id, name=driver.name, phone_prefix=driver.phone_prefix, phone=driver.phone
        ),
        vehicle=None if vehicle is None else vehicle.title,
        plate=None if vehicle is None else vehicle.plate,
        class_id=trip.class_id,
        class_title=trip.terms.class_title,
        waypoints=views.waypoints(listed.stops[trip.id]),
        requested_at=views.unix(trip.requested_at),
        scheduled_at=views.find_unix(trip.scheduled_at),
        accepted_at=views.find_unix(trip.accepted_at),
        arrived_at=views.find_unix(trip.arrived_at),
        started_at=views.find_unix(trip.started_at),
        ended_at=views.find_unix(trip.closed_at),
        distance_meters=views.distance_m(trip),
        travel_time_seconds=views.travel_time_s(trip),
        price=to_decimal(trip.terms.quoted.total_minor, currency),
        total=to_decimal(trip.total_minor, currency),
        paid=views.paid(trip),
        driver_earned=to_decimal(trip.earned_minor, currency),
        currency_code=currency,
        payment_type=trip.payment.value,
        comment=trip.comment,
        rating=trip.rating,
        rating_comment=trip.rating_comment,
    )


def driver_of(call: Call[Any], one: taxi.ListedDriver) -> TaxiListedDriver:
    """A driver as lists show them."""
    currency = call.operator.currency
    at = None if one.lat is None or one.lon is None else Point(one.lat, one.lon)
    return TaxiListedDriver(
        driver_id=one.id,
        name=one.name,
        email=one.email,
        phone_prefix=one.phone_prefix,
        phone=one.phone,
        status=one.presence.value,
        is_blocked=one.status is DriverStatus.BLOCKED,
        class_ids=list(one.class_ids) if one.presence is not Presence.OFFLINE else [],
        vehicle=one.vehicle_title,
        vehicle_color=one.vehicle_color,
        plate=one.plate,
        coordinates=None if at is None else coordinates(at),
        position_at=None if at is None else views.find_unix(one.position_at),
        last_seen_at=views.find_unix(one.seen_at),
        ride_id=one.trip_id,
        rides=one.ended,
        rating=round(one.rating_sum / one.rating_count, 2) if one.rating_count else None,
        ratings=one.rating_count,
        is_cash_allowed=one.cash_allowed,
        balance=to_decimal(one.balance_minor, currency),
        currency_code=currency,
        registered_at=views.unix(one.created_at),
    )
