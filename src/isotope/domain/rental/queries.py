"""What is read of bookings, their charges and refunds."""

from collections.abc import Sequence
from typing import Final

from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingEvent,
    BookingRefund,
    BookingStatus,
    ChargeId,
    RefundId,
)
from isotope.domain.rental.rows import (
    BOOKING_COLUMNS,
    CHARGE_COLUMNS,
    REFUND_COLUMNS,
    booking_row,
    charge_row,
    refund_row,
)
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import BookingId, OperatorId, RiderId

MOST_CHARGES: Final = 200


async def find_booking(tx: Tx, operator_id: OperatorId, booking_id: BookingId) -> Booking | None:
    return await tx.find(
        booking_row,
        f"select {BOOKING_COLUMNS} from booking where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": booking_id},
    )


async def list_bookings(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, statuses: Sequence[BookingStatus], limit: int
) -> list[Booking]:
    """A rider's, what starts last first. By booking_rider."""
    return await tx.all(
        booking_row,
        f"""
        select {BOOKING_COLUMNS} from booking
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = any(%(statuses)s)
         order by starts_at desc, id desc limit %(limit)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "statuses": list(statuses), "limit": limit},
    )


async def list_events(tx: Tx, operator_id: OperatorId, booking_id: BookingId, limit: int) -> list[BookingEvent]:
    """Oldest first."""
    return await tx.all(
        BookingEvent,
        """
        select nr, kind, at, actor, data from booking_event
         where operator_id = %(operator_id)s and booking_id = %(id)s order by nr limit %(limit)s
        """,
        {"operator_id": operator_id, "id": booking_id, "limit": limit},
    )


async def find_charge(tx: Tx, operator_id: OperatorId, charge_id: ChargeId) -> BookingCharge | None:
    return await tx.find(
        charge_row,
        f"select {CHARGE_COLUMNS} from booking_charge where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": charge_id},
    )


async def find_charge_by_key(tx: Tx, operator_id: OperatorId, actor: Actor, key: str) -> BookingCharge | None:
    """What the same caller asked for under this key before."""
    return await tx.find(
        charge_row,
        f"""
        select {CHARGE_COLUMNS} from booking_charge
         where operator_id = %(operator_id)s and actor = %(actor)s and key = %(key)s
        """,
        {"operator_id": operator_id, "actor": actor, "key": key},
    )


async def list_charges(tx: Tx, operator_id: OperatorId, booking_ids: Sequence[BookingId]) -> list[BookingCharge]:
    """Of these bookings, oldest first."""
    return await tx.all(
        charge_row,
        f"""
        select {CHARGE_COLUMNS} from booking_charge
         where operator_id = %(operator_id)s and booking_id = any(%(ids)s::bigint[])
         order by booking_id, id limit %(limit)s
        """,
        {"operator_id": operator_id, "ids": list(booking_ids), "limit": MOST_CHARGES * max(1, len(booking_ids))},
    )


async def find_refund(tx: Tx, operator_id: OperatorId, refund_id: RefundId) -> BookingRefund | None:
    return await tx.find(
        refund_row,
        f"select {REFUND_COLUMNS} from booking_refund where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": refund_id},
    )


async def list_refunds(tx: Tx, operator_id: OperatorId, booking_ids: Sequence[BookingId]) -> list[BookingRefund]:
    """Of these bookings, oldest first."""
    return await tx.all(
        refund_row,
        f"""
        select {REFUND_COLUMNS} from booking_refund
         where operator_id = %(operator_id)s and booking_id = any(%(ids)s::bigint[])
         order by booking_id, id limit %(limit)s
        """,
        {"operator_id": operator_id, "ids": list(booking_ids), "limit": MOST_CHARGES * max(1, len(booking_ids))},
    )


async def has_open_booking(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> bool:
    """Whether the rider has one that is not over. By booking_rider; a rider has few."""
    return bool(
        await tx.scalar(
            """
            select exists (select from booking
                            where operator_id = %(operator_id)s and rider_id = %(rider_id)s
                              and status in ('AWAITING_PAYMENT', 'UPCOMING', 'ACTIVE'))
            """,
            {"operator_id": operator_id, "rider_id": rider_id},
        )
    )


async def has_deposit(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> bool:
    """Whether a deposit of the rider's is held, or nobody knows yet what became of it. As `has_open_booking`."""
    return bool(
        await tx.scalar(
            """
            select exists (select from booking
                            where operator_id = %(operator_id)s and rider_id = %(rider_id)s
                              and deposit_status in ('ASKED', 'HELD', 'ENDING'))
            """,
            {"operator_id": operator_id, "rider_id": rider_id},
        )
    )


async def has_booking_on(tx: Tx, operator_id: OperatorId, rider_id: RiderId, method_id: str) -> bool:
    """Whether something may still be asked of this for a booking that is not over. As `has_open_booking`."""
    return bool(
        await tx.scalar(
            """
            select exists (select from booking
                            where operator_id = %(operator_id)s and rider_id = %(rider_id)s
                              and payment_method_id = %(method_id)s
                              and (status in ('AWAITING_PAYMENT', 'UPCOMING', 'ACTIVE')
                                   or deposit_status in ('ASKED', 'HELD', 'ENDING')))
            """,
            {"operator_id": operator_id, "rider_id": rider_id, "method_id": method_id},
        )
    )
