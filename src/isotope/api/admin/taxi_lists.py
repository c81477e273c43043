"""Trips and drivers on the dashboard."""

from typing import Any, Final

from msgspec.structs import replace

from isotope.api.admin.lists import days_of, length_of, models_of, range_of, scope, sees_people
from isotope.api.admin.taxi_list_types import (
    AdminTaxiDrivers,
    AdminTaxiDriversExport,
    AdminTaxiDriversRequest,
    AdminTaxiRides,
    AdminTaxiRidesExport,
    AdminTaxiRidesRequest,
    TaxiDriverOnMap,
    TaxiDriverRow,
    TaxiDriversOnMap,
    TaxiRideRow,
)
from isotope.api.keyset import marks_of
from isotope.api.operation import Auth, Call, operation
from isotope.api.taxi import views
from isotope.api.taxi.lists import driver_of, ride_of
from isotope.api.taxi_list_types import TaxiListedDriver, TaxiListedRide
from isotope.dashboards.masking import masked_email, masked_name, masked_phone
from isotope.dashboards.paging import Paging
from isotope.dashboards.search import read_search
from isotope.dashboards.taxi_drivers import WhichTaxiDrivers, list_taxi_drivers
from isotope.dashboards.taxi_rides import WhichTaxiRides, list_taxi_rides
from isotope.domain import taxi
from isotope.domain.drivers import Presence
from isotope.domain.taxi.model import TripStatus
from isotope.domain.tenants import Right

_TAG: Final = "Taxi dashboard"
_COMMENTS: Final = {"ALL": None, "AVAILABLE": True, "EMPTY": False}


@operation(
    id="admin_taxi_rides",
    tag=_TAG,
    title="Get taxi rides",
    method="POST",
    path="/api/v2/admin/taxi/rides",
    auth=Auth.STAFF,
    right=Right.LOOK,
    request=AdminTaxiRidesRequest,
    response=AdminTaxiRides,
    export=AdminTaxiRidesExport,
    request_example={"ride_status": "RIDE_ENDED", "page_length": 20},
)
async def admin_taxi_rides(call: Call[AdminTaxiRidesRequest]) -> AdminTaxiRides | AdminTaxiRidesExport:
    """Trips in one status, the newest request first.

    Riders and drivers are masked for roles that do not see people.
    """
    body, export = call.body, bool(call.body.export)
    since, until = days_of(call, body.date_range)
    marks = await marks_of(call, "taxi_rides")
    which = WhichTaxiRides(
        statuses=[status for status in TripStatus if views.STATUS[status] == body.ride_status],
        search=read_search(body.search),
        search_people=sees_people(call),
        since=since,
        until=until,
        distance_km=range_of("distance", body.distance),
        duration_min=range_of("duration", body.duration),
        rating=range_of("feedback", body.feedback),
        class_ids=models_of(body.models),
        with_comment=_COMMENTS[body.comments or "ALL"],
    )
    paging = Paging(
        length_of(body.page_length, export=export), marks.read(body.page_bookmark, body.bookmark_next, body.bookmark)
    )
    async with call.services.rt.db.read() as tx:
        found = await list_taxi_rides(tx, scope(call), which, paging)
        shown = await taxi.show_trips(tx, call.operator, [row.id for row in found.rows])
    page = marks.page(found, lambda row: (row.requested_at, row.id))
    rides = [_masked_ride(call, ride_of(shown, trip)) for trip in shown.trips]
    around: dict[str, Any] = {
        "has_next_page": page.has_next_page,
        "has_previous_page": page.has_previous_page,
        "bookmark_next": page.bookmark_next,
        "bookmark_previous": page.bookmark_previous,
    }
    if export:
        return AdminTaxiRidesExport(data=[_ride_row(ride) for ride in rides], **around)
    return AdminTaxiRides(data=rides, **around)


@operation(
    id="admin_taxi_drivers",
    tag=_TAG,
    title="Get taxi drivers",
    method="POST",
    path="/api/v2/admin/taxi/drivers",
    auth=Auth.STAFF,
    right=Right.LOOK,
    request=AdminTaxiDriversRequest,
    response=AdminTaxiDrivers,
    export=AdminTaxiDriversExport,
    forms=(TaxiDriversOnMap,),
    request_example={"filter": ["ONLINE"], "page_length": 20},
)
async def admin_taxi_drivers(
    call: Call[AdminTaxiDriversRequest],
) -> AdminTaxiDrivers | TaxiDriversOnMap | AdminTaxiDriversExport:
    """Drivers, who was registered last first, page by page or by bookmark: whether and where they work, how they stand.

    Names, phones and e-mail addresses are masked, and names not searched, for roles that do not see people.
    """
    body, now, export = call.body, call.services.rt.clock.now(), bool(call.body.export)
    marks = await marks_of(call, "taxi_drivers")
    place = marks.read(body.page_bookmark, body.bookmark_next, body.bookmark)
    length = length_of(body.page_length, export=export)
    which = WhichTaxiDrivers(
        presences=[Presence(one) for one in body.filter or ()],
        search=read_search(body.search),
        search_people=sees_people(call),
        class_ids=models_of(body.class_ids),
    )
    async with call.services.rt.db.read() as tx:
        found, count = await list_taxi_drivers(
            tx,
            scope(call),
            which,
            Paging(length, place),
            heard_since=taxi.heard_since(call.operator, now),
            offset=0 if place is not None else ((body.page or 1) - 1) * length,
        )
        listed = await taxi.show_drivers(tx, call.operator, [row.id for row in found.rows], now)
    page = marks.page(found, lambda row: (row.created_at, row.id))
    drivers = [_masked_driver(call, driver_of(call, one)) for one in listed]
    around: dict[str, Any] = {
        "has_next_page": page.has_next_page,
        "record_count": count,
        "bookmark_next": page.bookmark_next,
    }
    if export:
        return AdminTaxiDriversExport(data=[_driver_row(one) for one in drivers], **around)
    if body.map_view:
        return TaxiDriversOnMap(data=[_on_map(one) for one in drivers], **around)
    return AdminTaxiDrivers(data=drivers, **around)


def _masked_ride(call: Call[Any], ride: TaxiListedRide) -> TaxiListedRide:
    if sees_people(call):
        return ride
    customer, driver = ride.customer, ride.driver
    return replace(
        ride,
        customer=customer
        and replace(
            customer,
            name=masked_name(customer.name),
            email=masked_email(customer.email),
            phone=masked_phone(customer.phone),
        ),
        driver=driver and replace(driver, name=masked_name(driver.name), phone=masked_phone(driver.phone)),
    )


def _masked_driver(call: Call[Any], driver: TaxiListedDriver) -> TaxiListedDriver:
    if sees_people(call):
        return driver
    return replace(
        driver, name=masked_name(driver.name), email=masked_email(driver.email), phone=masked_phone(driver.phone)
    )


def _ride_row(ride: TaxiListedRide) -> TaxiRideRow:
    start, end = ride.waypoints[0], ride.waypoints[-1]
    customer, driver = ride.customer, ride.driver
    return TaxiRideRow(
        ride_id=ride.ride_id,
        status=ride.status,
        outcome=ride.outcome,
        class_id=ride.class_id,
        class_title=ride.class_title,
        user_id=None if customer is None else customer.user_id,
        user_name=None if customer is None else customer.name,
        user_email=None if customer is None else customer.email,
        user_phone=None if customer is None else customer.phone_prefix + customer.phone,
        driver_id=None if driver is None else driver.driver_id,
        driver_name=None if driver is None else driver.name,
        plate=ride.plate,
        from_title=start.title,
        from_latitude=start.coordinates.latitude,
        from_longitude=start.coordinates.longitude,
        to_title=end.title,
        to_latitude=end.coordinates.latitude,
        to_longitude=end.coordinates.longitude,
        requested_at=ride.requested_at,
        scheduled_at=ride.scheduled_at,
        accepted_at=ride.accepted_at,
        arrived_at=ride.arrived_at,
        started_at=ride.started_at,
        ended_at=ride.ended_at,
        distance_meters=ride.distance_meters,
        travel_time_seconds=ride.travel_time_seconds,
        payment_type=ride.payment_type,
        price=ride.price,
        total=ride.total,
        driver_earned=ride.driver_earned,
        currency_code=ride.currency_code,
        rating=ride.rating,
        rating_comment=ride.rating_comment,
        comment=ride.comment,
    )


def _driver_row(driver: TaxiListedDriver) -> TaxiDriverRow:
    at = driver.coordinates
    return TaxiDriverRow(
        driver_id=driver.driver_id,
        name=driver.name,
        email=driver.email,
        phone=driver.phone_prefix + driver.phone,
        status=driver.status,
        is_blocked=driver.is_blocked,
        vehicle=driver.vehicle,
        plate=driver.plate,
        latitude=None if at is None else at.latitude,
        longitude=None if at is None else at.longitude,
        position_at=driver.position_at,
        last_seen_at=driver.last_seen_at,
        rides=driver.rides,
        rating=driver.rating,
        ratings=driver.ratings,
        is_cash_allowed=driver.is_cash_allowed,
        balance=driver.balance,
        currency_code=driver.currency_code,
        registered_at=driver.registered_at,
    )


def _on_map(driver: TaxiListedDriver) -> TaxiDriverOnMap:
    return TaxiDriverOnMap(
        id=driver.driver_id,
        name=driver.name,
        status=driver.status,
        coordinates=driver.coordinates,
        position_at=driver.position_at,
        ride_id=driver.ride_id,
        plate=driver.plate,
    )
