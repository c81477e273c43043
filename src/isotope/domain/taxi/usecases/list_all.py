"""An operator's trips, the riders who ordered them, and its drivers: page by page, for the operator's own systems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from isotope.domain.drivers import Driver, TaxiVehicle, get_drivers, get_vehicles
from isotope.domain.drivers.model import Presence
from isotope.domain.identity import Rider, get_riders
from isotope.domain.taxi import list_queries
from isotope.domain.taxi.list_queries import Customer, ListedDriver, Paging, WhichTrips
from isotope.domain.taxi.model import Stop, Trip
from isotope.domain.taxi.queries import get_trips
from isotope.domain.taxi.show_queries import get_stops
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId, RiderId, TaxiVehicleId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTrips:
    """A page, `count` of all, and who and what stands in it."""

    trips: Sequence[Trip]
    count: int
    stops: Mapping[TripId, Sequence[Stop]]
    riders: Mapping[RiderId, Rider]
    drivers: Mapping[DriverId, Driver]
    vehicles: Mapping[TaxiVehicleId, TaxiVehicle]


async def list_all_trips(rt: Runtime, operator: Operator, which: WhichTrips, paging: Paging) -> ListedTrips:
    """The newest first."""
    async with rt.db.read() as tx:
        trips, count = await list_queries.list_trips(tx, operator.id, which, paging)
        return await _with_all(tx, operator, trips, count)


async def show_trips(tx: Tx, operator: Operator, ids: Sequence[TripId]) -> ListedTrips:
    """These trips, in the same order."""
    found = await get_trips(tx, operator.id, ids)
    return await _with_all(tx, operator, [found[trip_id] for trip_id in ids if trip_id in found], len(ids))


async def _with_all(tx: Tx, operator: Operator, trips: Sequence[Trip], count: int) -> ListedTrips:
    return ListedTrips(
        trips=trips,
        count=count,
        stops=await get_stops(tx, operator.id, [trip.id for trip in trips]),
        riders=await get_riders(tx, operator.id, sorted({trip.rider_id for trip in trips})),
        drivers=await get_drivers(tx, operator.id, sorted({one.driver_id for one in trips if one.driver_id})),
        vehicles=await get_vehicles(tx, operator.id, sorted({one.vehicle_id for one in trips if one.vehicle_id})),
    )


async def list_all_customers(
    rt: Runtime, operator: Operator, search: str, paging: Paging
) -> tuple[list[Customer], int]:
    """The newest account first, and how many there are."""
    async with rt.db.read() as tx:
        return await list_queries.list_customers(tx, operator.id, operator.currency, search, paging)


async def list_all_drivers(
    rt: Runtime, operator: Operator, search: str, presence: Presence | None, paging: Paging
) -> tuple[list[ListedDriver], int]:
    """By name, and how many there are."""
    async with rt.db.read() as tx:
        return await list_queries.list_drivers(
            tx,
            operator.id,
            operator.currency,
            search=search,
            presence=presence,
            heard_since=heard_since(operator, rt.clock.now()),
            paging=paging,
        )


async def show_drivers(tx: Tx, operator: Operator, ids: Sequence[DriverId], now: datetime) -> list[ListedDriver]:
    """These drivers, in the same order."""
    return await list_queries.read_drivers(tx, operator.id, operator.currency, ids, heard_since(operator, now))


def heard_since(operator: Operator, now: datetime) -> datetime:
    """Who means to work and was heard of since then is ONLINE."""
    return now - timedelta(seconds=operator.settings.taxi.heartbeat_s)
