"""What driving and the worker's looks read."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from isotope.domain.fleet import VehicleStatus
from isotope.domain.rental.model import Booking, RentalModelSpec, Station
from isotope.domain.rental.rows import STATION_COLUMNS, station_row
from isotope.infra.db import Tx
from isotope.kernel.ids import BookingId, CommandId, ModelId, OperatorId, VehicleId

MOST_CANDIDATES: Final = 5


class OrderedBooking(NamedTuple):
    """A booking whose order was not settled in time. `command_id` None: a card was asked first, and nothing ordered."""

    operator_id: OperatorId
    booking_id: BookingId
    command_id: CommandId | None
    ordered_at: datetime


async def list_ordered(
    tx: Tx, before: datetime, asked_before: datetime, after: tuple[datetime, BookingId], limit: int
) -> list[OrderedBooking]:
    """Of all operators: orders whose time was over at `before`, and cards asked before `asked_before`; the first first.

    By booking_ordered.
    """
    rows = await tx.tuples(
        """
        select b.operator_id, b.id, b.command_id, b.ordered_at from booking b
          left join device_command c on c.operator_id = b.operator_id and c.id = b.command_id
         where b.order_kind is not null and b.ordered_at <= %(before)s
           and (b.ordered_at, b.id) > (%(after)s, %(after_id)s)
           and case when b.command_id is null then b.ordered_at <= %(asked_before)s else c.expires_at <= %(before)s end
         order by b.ordered_at, b.id limit %(limit)s
        """,
        {"before": before, "asked_before": asked_before, "after": after[0], "after_id": after[1], "limit": limit},
    )
    return [OrderedBooking(*row) for row in rows]


class DueBooking(NamedTuple):
    """A booking that the worker has to look at."""

    operator_id: OperatorId
    booking_id: BookingId
    next_at: datetime


async def list_due(tx: Tx, now: datetime, after: tuple[datetime, BookingId], limit: int) -> list[DueBooking]:
    """Of all operators, what is due longest first. By booking_due."""
    rows = await tx.tuples(
        """
        select operator_id, id, next_at from booking
         where next_at <= %(now)s and (next_at, id) > (%(after)s, %(after_id)s)
         order by next_at, id limit %(limit)s
        """,
        {"now": now, "after": after[0], "after_id": after[1], "limit": limit},
    )
    return [DueBooking(*row) for row in rows]


async def list_candidates(tx: Tx, booking: Booking, now: datetime) -> list[VehicleId]:
    """Vehicles of the booking's model that stand READY in its station, free for its time; the fullest first.

    None is locked: who takes one looks again. By rental_vehicle_zone and vehicle_slot_free, vehicle by vehicle (`offset 0`).
    """
    rows = await tx.tuples(
        """
        select v.id from rental_vehicle r
          join vehicle v on v.operator_id = r.operator_id and v.id = r.vehicle_id
          left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
         where r.operator_id = %(operator_id)s and r.zone_id = %(zone_id)s and v.model_id = %(model_id)s
           and v.status = %(ready)s and v.id <> %(vehicle_id)s
           and not exists (select from vehicle_slot k
                            where k.operator_id = v.operator_id and k.vehicle_id = v.id
                              and k.during && tstzrange(%(start)s, %(end)s) offset 0)
         order by s.battery_pct desc nulls last, v.id limit %(limit)s
        """,
        {
            "operator_id": booking.operator_id,
            "zone_id": booking.zone_id,
            "model_id": booking.model_id,
            "ready": VehicleStatus.READY,
            "vehicle_id": booking.vehicle_id,
            "start": min(now, booking.starts_at),
            "end": booking.ends_at + timedelta(minutes=booking.terms.buffer_min),
            "limit": MOST_CANDIDATES,
        },
    )
    return [VehicleId(vehicle_id) for (vehicle_id,) in rows]


async def find_minimum_energy_pct(tx: Tx, operator_id: OperatorId, model_id: ModelId) -> int:
    """Below it no vehicle of the model is handed out; 0 where it is not rented any more."""
    found = await tx.scalar(
        """
        select coalesce((spec ->> 'minimum_energy_pct')::int, %(usual_pct)s) from rental_model
         where operator_id = %(operator_id)s and model_id = %(model_id)s
        """,
        {"operator_id": operator_id, "model_id": model_id, "usual_pct": RentalModelSpec().minimum_energy_pct},
    )
    return 0 if found is None else int(found)


async def failed_to_unlock(tx: Tx, booking: Booking) -> bool:
    """Whether the booking's vehicle did not unlock when its rider stood there, and no other one came in its place."""
    return bool(
        await tx.scalar(
            """
            select e.kind = 'not_unlocked' from booking_event e
             where e.operator_id = %(operator_id)s and e.booking_id = %(id)s
               and e.kind in ('not_unlocked', 'vehicle_changed')
             order by e.nr desc limit 1
            """,
            {"operator_id": booking.operator_id, "id": booking.id},
        )
    )


async def get_station(tx: Tx, booking: Booking) -> Station:
    """Where the booking begins and ends, also when it was retired since."""
    return await tx.one(
        station_row,
        f"select {STATION_COLUMNS} from rental_zone where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": booking.operator_id, "id": booking.zone_id},
    )
