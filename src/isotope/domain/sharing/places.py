"""What a rider has open at once: each ride and each reservation takes one of the rider's numbered places."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId, VehicleId
from isotope.kernel.vehicle_types import VehicleType


@dataclass(frozen=True, slots=True)
class OpenPlace:
    """A ride that is not over, or a reservation that lasts. `id` is the ride's or the reservation's."""

    kind: Literal["ride", "reservation"]
    id: int
    place: int
    vehicle_id: VehicleId
    vehicle_type: VehicleType
    payment_method_id: str | None


async def list_open_places(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> list[OpenPlace]:
    """At most 20 of each kind (the checks on `place`), by the indexes ride_open_place and reservation_active_place.

    Who is to give a place holds the rider's row.
    """
    return await tx.all(
        _row,
        """
        select o.kind, o.id, o.place, o.vehicle_id, m.vehicle_type, o.payment_method_id
          from (select 'ride' as kind, id, place, vehicle_id, model_id, terms ->> 'payment_method_id' as payment_method_id
                  from ride
                 where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status not in ('ENDED', 'FAILED')
                union all
                select 'reservation', id, place, vehicle_id, model_id, terms ->> 'payment_method_id'
                  from reservation
                 where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = 'ACTIVE') o
          join vehicle_model m on m.operator_id = %(operator_id)s and m.id = o.model_id
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )


def free_place(opened: Iterable[OpenPlace], limit: int) -> int | None:
    """The lowest that is free, up to `limit`; None: all are taken."""
    taken = {one.place for one in opened}
    return next((place for place in range(1, limit + 1) if place not in taken), None)


def _row(*, vehicle_type: str, **columns: Any) -> OpenPlace:
    return OpenPlace(vehicle_type=VehicleType(vehicle_type), **columns)
