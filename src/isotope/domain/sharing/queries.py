"""Reading rides."""

from datetime import datetime
from typing import Final, NamedTuple

from isotope.domain.sharing.model import STARTING, Ride, RideEvent
from isotope.domain.sharing.rows import RIDE_COLUMNS, event_row, ride_row
from isotope.infra.db import Tx
from isotope.kernel.ids import CommandId, OperatorId, RideId, RiderId, VehicleId

# A rider has at most 20 open rides (the check on ride.place), so no list of them needs pages.
_OPEN: Final = "status not in ('ENDED', 'FAILED')"


async def list_open_rides(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> list[Ride]:
    """The rider's rides that are not over, oldest first; those still starting included. By index ride_open_place."""
    return await tx.all(
        ride_row,
        f"select {RIDE_COLUMNS} from ride where operator_id = %(operator_id)s and rider_id = %(rider_id)s and {_OPEN} order by id",
        {"operator_id": operator_id, "rider_id": rider_id},
    )


class WaitingRide(NamedTuple):
    """A ride whose vehicle was ordered to do something that nobody has recorded the outcome of."""

    operator_id: OperatorId
    ride_id: RideId
    command_id: CommandId


async def list_waiting(tx: Tx, before: datetime, after: tuple[OperatorId, RideId], limit: int) -> list[WaitingRide]:
    """Rides of all operators that wait for an order whose time was over then, by their ids. By index ride_waiting."""
    rows = await tx.tuples(
        """
        select r.operator_id, r.id, r.command_id from ride r
          join device_command c on c.operator_id = r.operator_id and c.id = r.command_id
         where r.status in ('UNLOCKING', 'PAUSING', 'UNPAUSING', 'ENDING') and c.expires_at <= %(before)s
           and (r.operator_id, r.id) > (%(operator_id)s, %(ride_id)s)
         order by r.operator_id, r.id limit %(limit)s
        """,
        {"before": before, "operator_id": after[0], "ride_id": after[1], "limit": limit},
    )
    return [WaitingRide(*row) for row in rows]


async def list_running_rides(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> list[Ride]:
    """The rider's rides whose meter runs or is paused: open, and past the start."""
    rides = await list_open_rides(tx, operator_id, rider_id)
    return [ride for ride in rides if ride.status not in STARTING]


async def has_open_ride(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> bool:
    return bool(
        await tx.scalar(
            f"select exists (select from ride where operator_id = %(operator_id)s and rider_id = %(rider_id)s and {_OPEN})",
            {"operator_id": operator_id, "rider_id": rider_id},
        )
    )


async def has_ridden(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> bool:
    """Whether the rider has had a ride, or has one now; one that never began is none. A `benefits.HasRidden`."""
    return bool(
        await tx.scalar(
            """
            select exists (select from ride
                            where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status <> 'FAILED')
            """,
            {"operator_id": operator_id, "rider_id": rider_id},
        )
    )


async def has_open_ride_on(tx: Tx, operator_id: OperatorId, rider_id: RiderId, method_id: str) -> bool:
    """Whether a running ride of the rider is paid with this; they have a few at most."""
    return bool(
        await tx.scalar(
            f"""
            select exists (select from ride
                            where operator_id = %(operator_id)s and rider_id = %(rider_id)s and {_OPEN}
                              and terms ->> 'payment_method_id' = %(method_id)s)
            """,
            {"operator_id": operator_id, "rider_id": rider_id, "method_id": method_id},
        )
    )


async def find_ride(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> Ride | None:
    return await tx.find(
        ride_row,
        f"select {RIDE_COLUMNS} from ride where operator_id = %(operator_id)s and id = %(ride_id)s",
        {"operator_id": operator_id, "ride_id": ride_id},
    )


async def find_last_ended_ride(tx: Tx, operator_id: OperatorId, vehicle_id: VehicleId) -> Ride | None:
    """The ride on the vehicle that began last of those that are over and were any; by index ride_vehicle."""
    return await tx.find(
        ride_row,
        f"""
        select {RIDE_COLUMNS} from ride
         where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s and status = 'ENDED'
         order by id desc limit 1
        """,
        {"operator_id": operator_id, "vehicle_id": vehicle_id},
    )


async def list_events(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> list[RideEvent]:
    """In the order in which they happened; at most the last 10,000."""
    events = await tx.all(
        event_row,
        """
        select nr, kind, at, actor, data from ride_event
         where operator_id = %(operator_id)s and ride_id = %(ride_id)s
         order by nr desc limit 10000
        """,
        {"operator_id": operator_id, "ride_id": ride_id},
    )
    return events[::-1]


async def list_events_of(tx: Tx, operator_id: OperatorId, ride_ids: list[RideId]) -> dict[RideId, list[RideEvent]]:
    """The events of several rides in one statement."""
    rows = await tx.dicts(
        """
        select ride_id, nr, kind, at, actor, data from ride_event
         where operator_id = %(operator_id)s and ride_id = any(%(ride_ids)s) order by ride_id, nr
        """,
        {"operator_id": operator_id, "ride_ids": ride_ids},
    )
    events: dict[RideId, list[RideEvent]] = {ride_id: [] for ride_id in ride_ids}
    for row in rows:
        events[row.pop("ride_id")].append(event_row(**row))
    return events
