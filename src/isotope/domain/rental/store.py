"""What rentals write. A booking changes only under its row; so do its charges, refunds and events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.identity.model import RiderStatus
from isotope.domain.rental.looks import next_look
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingRefund,
    ChargeId,
    ChargeStatus,
    Interval,
    RefundId,
    RentalAddonId,
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


async def lock_rider(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> RiderStatus | None:
    """The rider's standing, which stays so until the transaction ends; None: no such rider."""
    found = await tx.scalar(
        "select status from rider where operator_id = %(operator_id)s and id = %(id)s for no key update",
        {"operator_id": operator_id, "id": rider_id},
    )
    return None if found is None else RiderStatus(found)


async def next_booking_id(tx: Tx) -> BookingId:
    """The number of the next booking, which its slot names before its row is there."""
    return BookingId(await tx.scalar("select nextval(pg_get_serial_sequence('booking', 'id'))"))


async def next_charge_id(tx: Tx) -> ChargeId:
    return ChargeId(await tx.scalar("select nextval(pg_get_serial_sequence('booking_charge', 'id'))"))


async def next_refund_id(tx: Tx) -> RefundId:
    return RefundId(await tx.scalar("select nextval(pg_get_serial_sequence('booking_refund', 'id'))"))


async def insert_booking(tx: Tx, booking: Booking) -> Booking:
    """As given; when the worker looks at it is set here."""
    return await tx.one(
        booking_row,
        f"""
        insert into booking (operator_id, id, rider_id, vehicle_id, model_id, zone_id, status, starts_at, ends_at, currency,
                             terms, payment_method_id, requested_at, hold_until, confirmed_at, deposit_minor,
                             deposit_status, next_at)
        overriding system value
        values (%(operator_id)s, %(id)s, %(rider_id)s, %(vehicle_id)s, %(model_id)s, %(zone_id)s, %(status)s,
                %(starts_at)s, %(ends_at)s, %(currency)s, %(terms)s, %(payment_method_id)s, %(requested_at)s,
                %(hold_until)s, %(confirmed_at)s, %(deposit_minor)s, %(deposit_status)s, %(next_at)s)
        returning {BOOKING_COLUMNS}
        """,
        msgspec.structs.asdict(booking)
        | {"terms": Jsonb(msgspec.to_builtins(booking.terms)), "next_at": next_look(booking)},
    )


async def lock_booking(tx: Tx, operator_id: OperatorId, booking_id: BookingId) -> Booking | None:
    """The booking, which nobody else changes until this transaction ends."""
    return await tx.find(
        booking_row,
        f"""
        select {BOOKING_COLUMNS} from booking
         where operator_id = %(operator_id)s and id = %(id)s for no key update
        """,
        {"operator_id": operator_id, "id": booking_id},
    )


# What of a booking changes, each with its SQL. `end` is `end_lat` and `end_lon`.
_CHANGES: Final[dict[str, LiteralString]] = {
    "vehicle_id": "vehicle_id = %(vehicle_id)s",
    "status": "status = %(status)s",
    "ends_at": "ends_at = %(ends_at)s",
    "hold_until": "hold_until = %(hold_until)s",
    "confirmed_at": "confirmed_at = %(confirmed_at)s",
    "picked_up_at": "picked_up_at = %(picked_up_at)s",
    "returned_at": "returned_at = %(returned_at)s",
    "closed_at": "closed_at = %(closed_at)s",
    "outcome": "outcome = %(outcome)s",
    "order_kind": "order_kind = %(order_kind)s",
    "command_id": "command_id = %(command_id)s",
    "ordered_at": "ordered_at = %(ordered_at)s",
    "start_odometer_m": "start_odometer_m = %(start_odometer_m)s",
    "end_odometer_m": "end_odometer_m = %(end_odometer_m)s",
    "start_energy_pct": "start_energy_pct = %(start_energy_pct)s",
    "end_energy_pct": "end_energy_pct = %(end_energy_pct)s",
    "end": "end_lat = %(end_lat)s, end_lon = %(end_lon)s",
    "lock_confirmed": "lock_confirmed = %(lock_confirmed)s",
    "lock_refused_at": "lock_refused_at = %(lock_refused_at)s",
    "deposit_status": "deposit_status = %(deposit_status)s",
    "deposit_captured_minor": "deposit_captured_minor = %(deposit_captured_minor)s",
    "inspect_until": "inspect_until = %(inspect_until)s",
    "told": "told = %(told)s",
}


async def change_booking(tx: Tx, booking: Booking, **changes: Any) -> Booking:
    """The booking with these fields changed, and with the time at which the worker looks at it next.

    The caller holds its row.
    """
    changed = msgspec.structs.replace(booking, **changes)
    sets = ", ".join(_CHANGES[name] for name in sorted(changes)) or "id = id"
    return await tx.one(
        booking_row,
        f"""
        update booking set {sets}, next_at = %(next_at)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {BOOKING_COLUMNS}
        """,
        {name: getattr(changed, name) for name in changes}
        | {
            "operator_id": booking.operator_id,
            "id": booking.id,
            "next_at": next_look(changed),
            "told": list(changed.told),
            "end_lat": None if changed.end is None else changed.end.lat,
            "end_lon": None if changed.end is None else changed.end.lon,
        },
    )


async def add_event(tx: Tx, booking: Booking, kind: str, at: datetime, actor: Actor, **data: Any) -> None:
    """Under the booking's row, so the numbers have no gap."""
    await tx.execute(
        """
        insert into booking_event (operator_id, booking_id, nr, kind, at, actor, data)
        select %(operator_id)s, %(id)s, 1 + coalesce(max(nr), 0), %(kind)s, %(at)s, %(actor)s, %(data)s
          from booking_event where operator_id = %(operator_id)s and booking_id = %(id)s
        """,
        {
            "operator_id": booking.operator_id,
            "id": booking.id,
            "kind": kind,
            "at": at,
            "actor": actor,
            "data": Jsonb(data),
        },
    )


async def insert_charge(tx: Tx, charge: BookingCharge) -> BookingCharge:
    """The indexes refuse a second price, a second settlement, and a claim that was made before under its key."""
    return await tx.one(
        charge_row,
        f"""
        insert into booking_charge ({CHARGE_COLUMNS})
        overriding system value
        values (%(operator_id)s, %(id)s, %(booking_id)s, %(kind)s, %(status)s, %(currency)s, %(lines)s, %(taxes)s,
                %(total_minor)s, %(tax_minor)s, %(charged_bonus_minor)s, %(charged_balance_minor)s,
                %(charged_card_minor)s, %(card_pending_minor)s, %(debt_minor)s, %(ends_at)s, %(ended_at_before)s, %(code)s,
                %(reason)s, %(actor)s, %(key)s, %(opened_at)s, %(settled_at)s)
        returning {CHARGE_COLUMNS}
        """,
        msgspec.structs.asdict(charge)
        | {"lines": Jsonb(msgspec.to_builtins(charge.lines)), "taxes": Jsonb(msgspec.to_builtins(charge.taxes))},
    )


async def settle_charge(
    tx: Tx, charge: BookingCharge, *, card_minor: int, debt_minor: int, now: datetime
) -> BookingCharge:
    """What the card was asked for is known: paid by it, or owed."""
    return await tx.one(
        charge_row,
        f"""
        update booking_charge
           set charged_card_minor = charged_card_minor + %(card)s, debt_minor = debt_minor + %(debt)s,
               card_pending_minor = card_pending_minor - %(card)s - %(debt)s,
               status = case when card_pending_minor = %(card)s + %(debt)s then 'PAID' else status end,
               settled_at = case when card_pending_minor = %(card)s + %(debt)s then %(now)s end
         where operator_id = %(operator_id)s and id = %(id)s
        returning {CHARGE_COLUMNS}
        """,
        {"operator_id": charge.operator_id, "id": charge.id, "card": card_minor, "debt": debt_minor, "now": now},
    )


async def fail_charge(tx: Tx, charge: BookingCharge, *, code: str, now: datetime) -> BookingCharge:
    """Nothing of it was paid, or all of it was given back."""
    return await tx.one(
        charge_row,
        f"""
        update booking_charge
           set status = %(failed)s, code = %(code)s, settled_at = %(now)s, card_pending_minor = 0, charged_bonus_minor = 0,
               charged_balance_minor = 0, charged_card_minor = 0, debt_minor = 0
         where operator_id = %(operator_id)s and id = %(id)s
        returning {CHARGE_COLUMNS}
        """,
        {
            "operator_id": charge.operator_id,
            "id": charge.id,
            "failed": ChargeStatus.FAILED,
            "code": code,
            "now": now,
        },
    )


async def insert_refund(tx: Tx, refund: BookingRefund) -> BookingRefund:
    """The trigger refuses more than was charged."""
    return await tx.one(
        refund_row,
        f"""
        insert into booking_refund ({REFUND_COLUMNS})
        overriding system value
        values (%(operator_id)s, %(id)s, %(booking_id)s, %(charge_id)s, %(kind)s, %(amount_minor)s, %(taxes)s,
                %(bonus_minor)s, %(balance_minor)s, %(card_minor)s, %(debt_minor)s, %(to_bonus_minor)s,
                %(to_balance_minor)s, %(to_debt_minor)s, %(to_card_minor)s, %(card_pending_minor)s, %(reason)s, %(actor)s,
                %(key)s, %(at)s)
        returning {REFUND_COLUMNS}
        """,
        msgspec.structs.asdict(refund) | {"taxes": Jsonb(msgspec.to_builtins(refund.taxes))},
    )


async def add_refund_outcome(
    tx: Tx, refund: BookingRefund, *, returned_minor: int, to_debt_minor: int, to_balance_minor: int
) -> BookingRefund:
    """Of what was to go to the card: what went there, and what the wallet got instead."""
    return await tx.one(
        refund_row,
        f"""
        update booking_refund
           set to_card_minor = to_card_minor + %(returned)s, to_debt_minor = to_debt_minor + %(debt)s,
               to_balance_minor = to_balance_minor + %(balance)s,
               card_pending_minor = card_pending_minor - %(returned)s - %(debt)s - %(balance)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {REFUND_COLUMNS}
        """,
        {
            "operator_id": refund.operator_id,
            "id": refund.id,
            "returned": returned_minor,
            "debt": to_debt_minor,
            "balance": to_balance_minor,
        },
    )


async def keep_addons(tx: Tx, booking: Booking, addon_ids: Sequence[RentalAddonId], during: Interval) -> None:
    """The booking has these with it for so long; what it had before does not count any more."""
    await tx.execute(
        "delete from booking_addon where operator_id = %(operator_id)s and booking_id = %(id)s",
        {"operator_id": booking.operator_id, "id": booking.id},
    )
    if not addon_ids:
        return
    await tx.execute(
        """
        insert into booking_addon (operator_id, booking_id, addon_id, during)
        select %(operator_id)s, %(id)s, addon_id, tstzrange(%(start)s, %(end)s)
          from unnest(%(addon_ids)s::bigint[]) addon_id
        """,
        {
            "operator_id": booking.operator_id,
            "id": booking.id,
            "addon_ids": sorted(set(addon_ids)),
            "start": during.start,
            "end": during.end,
        },
    )
