"""The trip that a caller may act on, locked."""

from isotope.domain.taxi import errors, store
from isotope.domain.taxi.model import Trip
from isotope.infra.db import Tx
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import DriverId, OperatorId, RiderId, TripId


async def lock_driven_trip(tx: Tx, operator_id: OperatorId, driver_id: DriverId, trip_id: TripId) -> Trip:
    """The driver's own trip.

    Raises:
        Refusal: `trip_not_found`.
    """
    trip = await store.lock_trip(tx, operator_id, trip_id)
    if trip is None or trip.driver_id != driver_id:
        raise errors.trip_not_found()
    return trip


async def lock_own_trip(tx: Tx, operator_id: OperatorId, rider_id: RiderId | None, trip_id: TripId) -> Trip:
    """The rider's own trip; any of the operator's where `rider_id` is None.

    Raises:
        Refusal: `trip_not_found`.
    """
    trip = await store.lock_trip(tx, operator_id, trip_id)
    if trip is None or rider_id not in (None, trip.rider_id):
        raise errors.trip_not_found()
    return trip


def must(no: Refusal | None) -> None:
    """Nothing refuses.

    Raises:
        Refusal: `no`.
    """
    if no is not None:
        raise no
