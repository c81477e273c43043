"""What is read of trips by everybody; what one view needs stands beside it."""

from collections.abc import Sequence

from isotope.domain.taxi.model import Stop, TaxiClass, Trip
from isotope.domain.taxi.rows import CLASS_COLUMNS, POINT_COLUMNS, TRIP_COLUMNS, class_row, stop_row, trip_row
from isotope.infra.db import Tx
from isotope.kernel.ids import DriverId, OperatorId, RiderId, TaxiClassId, TripId


async def find_trip(tx: Tx, operator_id: OperatorId, trip_id: TripId) -> Trip | None:
    """As it is now."""
    return await tx.find(
        trip_row,
        f"select {TRIP_COLUMNS} from trip where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": trip_id},
    )


async def get_trips(tx: Tx, operator_id: OperatorId, ids: Sequence[TripId]) -> dict[TripId, Trip]:
    """By number."""
    rows = await tx.all(
        trip_row,
        f"select {TRIP_COLUMNS} from trip where operator_id = %(operator_id)s and id = any(%(ids)s)",
        {"operator_id": operator_id, "ids": list(ids)},
    )
    return {row.id: row for row in rows}


async def find_open_trip(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Trip | None:
    """The rider's newest trip that goes on now; SCHEDULED ones do not."""
    return await tx.find(
        trip_row,
        f"""
        select {TRIP_COLUMNS} from trip
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s
           and status in ('AUTHORISING', 'REQUESTED', 'ACCEPTED', 'ARRIVED', 'STARTED')
         order by id desc limit 1
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def find_driven_trip(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> Trip | None:
    """What the driver is busy with."""
    return await tx.find(
        trip_row,
        f"""
        select {TRIP_COLUMNS} from trip
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s
           and status in ('ACCEPTED', 'ARRIVED', 'STARTED')
        """,
        {"operator_id": operator_id, "driver_id": driver_id},
    )


async def list_stops(tx: Tx, operator_id: OperatorId, trip_id: TripId) -> list[Stop]:
    """Pick-up first, destination last."""
    return await tx.all(
        stop_row,
        f"""
        select {POINT_COLUMNS} from trip_point
         where operator_id = %(operator_id)s and trip_id = %(trip_id)s order by nr
        """,
        {"operator_id": operator_id, "trip_id": trip_id},
    )


async def list_classes(tx: Tx, operator_id: OperatorId) -> list[TaxiClass]:
    """Those that are offered, in the operator's order."""
    return await tx.all(
        class_row,
        f"""
        select {CLASS_COLUMNS} from taxi_class
         where operator_id = %(operator_id)s and retired_at is null
         order by (spec->>'order')::int nulls first, id limit 1000
        """,
        {"operator_id": operator_id},
    )


async def get_classes(tx: Tx, operator_id: OperatorId, ids: Sequence[TaxiClassId]) -> dict[TaxiClassId, TaxiClass]:
    """By number, retired ones too."""
    rows = await tx.all(
        class_row,
        f"select {CLASS_COLUMNS} from taxi_class where operator_id = %(operator_id)s and id = any(%(ids)s)",
        {"operator_id": operator_id, "ids": list(ids)},
    )
    return {row.id: row for row in rows}
