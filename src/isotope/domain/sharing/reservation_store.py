"""The SQL of reservations. One that is ACTIVE changes only under its rider's row lock, a USED one under its ride's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.pricing import Bill
from isotope.domain.sharing.reservations import (
    Reservation,
    ReservationId,
    ReservationStatus,
    ReservationTerms,
    Unused,
)
from isotope.domain.wallet import Charged
from isotope.infra.db import Tx
from isotope.kernel.ids import ModelId, OperatorId, RideId, RiderId, VehicleId

_COLUMNS: Final = """
    operator_id, id, rider_id, vehicle_id, model_id, status, place, currency, terms, reserved_at, expires_at, extended,
    ended_at, ride_id, forgiven, total_minor, tax_minor, charged_bonus_minor, charged_balance_minor, debt_minor
"""

# As long as the longest cool-down and the time in which one is forgiven: older ones decide nothing.
_REMEMBERED: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NewReservation:
    """A reservation that begins now."""

    operator_id: OperatorId
    rider_id: RiderId
    vehicle_id: VehicleId
    model_id: ModelId
    place: int
    currency: str
    terms: ReservationTerms
    reserved_at: datetime
    expires_at: datetime


async def insert_reservation(tx: Tx, new: NewReservation) -> Reservation:
    """The indexes reservation_active_vehicle and reservation_active_place refuse a second one."""
    return await tx.one(
        _row,
        f"""
        insert into reservation (operator_id, rider_id, vehicle_id, model_id, status, place, currency, terms,
                                 reserved_at, expires_at)
        values (%(operator_id)s, %(rider_id)s, %(vehicle_id)s, %(model_id)s, 'ACTIVE', %(place)s, %(currency)s,
                %(terms)s, %(reserved_at)s, %(expires_at)s)
        returning {_COLUMNS}
        """,
        {
            "operator_id": new.operator_id,
            "rider_id": new.rider_id,
            "vehicle_id": new.vehicle_id,
            "model_id": new.model_id,
            "place": new.place,
            "currency": new.currency,
            "terms": Jsonb(msgspec.to_builtins(new.terms)),
            "reserved_at": new.reserved_at,
            "expires_at": new.expires_at,
        },
    )


async def find_reservation(tx: Tx, operator_id: OperatorId, reservation_id: ReservationId) -> Reservation | None:
    return await tx.find(
        _row,
        f"select {_COLUMNS} from reservation where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": reservation_id},
    )


async def list_active(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Sequence[Reservation]:
    """Those that last, oldest first; at most 20 (the check on `place`). By index reservation_active_place."""
    return await tx.all(
        _row,
        f"""
        select {_COLUMNS} from reservation
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = 'ACTIVE' order by id
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def has_active(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> bool:
    return bool(
        await tx.scalar(
            """
            select exists (select from reservation
                            where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = 'ACTIVE')
            """,
            {"operator_id": operator_id, "rider_id": rider_id},
        )
    )


async def read_unused(tx: Tx, operator_id: OperatorId, rider_id: RiderId, now: datetime) -> Unused:
    """The last unused ones of the last days, by index reservation_unused."""
    return await tx.one(
        Unused,
        """
        select max(ended_at) filter (where not forgiven) as counted_at,
               max(ended_at) filter (where forgiven) as forgiven_at
          from reservation
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status in ('EXPIRED', 'CANCELLED')
           and ended_at > %(since)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "since": now - _REMEMBERED},
    )


async def set_extended(tx: Tx, reservation: Reservation, expires_at: datetime) -> Reservation:
    return await tx.one(
        _row,
        f"""
        update reservation set expires_at = %(expires_at)s, extended = extended + 1
         where operator_id = %(operator_id)s and id = %(id)s and status = 'ACTIVE'
        returning {_COLUMNS}
        """,
        {"operator_id": reservation.operator_id, "id": reservation.id, "expires_at": expires_at},
    )


async def set_used(tx: Tx, reservation: Reservation, ride_id: RideId, now: datetime) -> None:
    """It became this ride, which has the vehicle and the place from here on."""
    await _change(tx, reservation, "status = 'USED', ride_id = %(ride_id)s, ended_at = %(now)s", "ACTIVE", ride_id, now)


async def set_active_again(tx: Tx, reservation: Reservation) -> None:
    """Its ride came to nothing before the vehicle was told. The caller holds the ride's row."""
    await _change(tx, reservation, "status = 'ACTIVE', ride_id = null, ended_at = null", "USED", None, None)


async def _change(
    tx: Tx, reservation: Reservation, what: Any, from_status: str, ride_id: RideId | None, now: datetime | None
) -> None:
    changed = await tx.execute(
        f"update reservation set {what} where operator_id = %(operator_id)s and id = %(id)s and status = %(from_status)s",
        {
            "operator_id": reservation.operator_id,
            "id": reservation.id,
            "from_status": from_status,
            "ride_id": ride_id,
            "now": now,
        },
    )
    if changed != 1:
        raise LookupError(f"{reservation.holder} is not {from_status}: its rider's row was not locked")


async def set_unused(
    tx: Tx,
    reservation: Reservation,
    status: ReservationStatus,
    at: datetime,
    bill: Bill,
    charged: Charged,
    *,
    forgiven: bool,
) -> Reservation:
    """EXPIRED or CANCELLED, with what it cost and what paid it."""
    return await tx.one(
        _row,
        f"""
        update reservation
           set status = %(status)s, ended_at = %(at)s, forgiven = %(forgiven)s, total_minor = %(total)s,
               tax_minor = %(tax)s, charged_bonus_minor = %(bonus)s, charged_balance_minor = %(balance)s,
               debt_minor = %(debt)s
         where operator_id = %(operator_id)s and id = %(id)s and status = 'ACTIVE'
        returning {_COLUMNS}
        """,
        {
            "operator_id": reservation.operator_id,
            "id": reservation.id,
            "status": status,
            "at": at,
            "forgiven": forgiven,
            "total": bill.total_minor,
            "tax": bill.tax_minor,
            "bonus": charged.bonus_minor,
            "balance": charged.balance_minor,
            "debt": charged.debt_minor,
        },
    )


def _row(*, status: str, terms: Any, **columns: Any) -> Reservation:
    return Reservation(status=ReservationStatus(status), terms=msgspec.convert(terms, ReservationTerms), **columns)
