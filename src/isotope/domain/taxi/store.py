"""What taxi writes. A trip changes only under its row, and so do its points, events and offers.

Rows are locked in this order: rider, trip, driver (`driver_state`), card payment, wallet. Several trips, or several
drivers, by rising id.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.taxi import machine
from isotope.domain.taxi.model import OfferStatus, Stop, Trip, TripStatus
from isotope.domain.taxi.rows import TRIP_COLUMNS, trip_row
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import DriverId, OperatorId, TripId

# Told of every change of a trip: `<operator>:<trip>`.
TRIP_CHANNEL: Final = "taxi_trip"
# Told of every change of what a driver is offered, or drives: `<operator>:<driver>`.
DRIVER_CHANNEL: Final = "taxi_driver"


async def next_trip_id(tx: Tx) -> TripId:
    """The number of the next trip."""
    return TripId(await tx.scalar("select nextval(pg_get_serial_sequence('trip', 'id'))"))


async def insert_trip(tx: Tx, trip: Trip, stops: Sequence[Stop], actor: Actor) -> Trip:
    """As given, with its points and its first event.

    Raises:
        psycopg.errors.UniqueViolation: the quote was used before.
    """
    made = await tx.one(
        trip_row,
        f"""
        insert into trip (operator_id, id, rider_id, class_id, status, quote_id, driver_id, vehicle_id, wanted_driver_id,
                          payment, payment_method_id, currency, terms, comment, pin, requested_at, scheduled_at,
                          search_until, next_at)
        overriding system value
        values (%(operator_id)s, %(id)s, %(rider_id)s, %(class_id)s, %(status)s, %(quote_id)s, %(driver_id)s,
                %(vehicle_id)s, %(wanted_driver_id)s, %(payment)s, %(payment_method_id)s, %(currency)s, %(terms)s,
                %(comment)s, %(pin)s, %(requested_at)s, %(scheduled_at)s, %(search_until)s, %(next_at)s)
        returning {TRIP_COLUMNS}
        """,
        msgspec.structs.asdict(trip) | {"terms": Jsonb(msgspec.to_builtins(trip.terms))},
    )
    await tx.execute_many(
        """
        insert into trip_point (operator_id, trip_id, nr, lat, lon, title, subtitle)
        values (%(operator_id)s, %(trip_id)s, %(nr)s, %(lat)s, %(lon)s, %(title)s, %(subtitle)s)
        """,
        [
            {
                "operator_id": trip.operator_id,
                "trip_id": trip.id,
                "nr": nr,
                "lat": stop.lat,
                "lon": stop.lon,
                "title": stop.title,
                "subtitle": stop.subtitle,
            }
            for nr, stop in enumerate(stops)
        ],
    )
    await add_event(tx, made, "requested", trip.requested_at, actor, to_status=made.status)
    await tell(tx, made)
    return made


async def lock_trip(tx: Tx, operator_id: OperatorId, trip_id: TripId) -> Trip | None:
    """The trip, which nobody else changes until this transaction ends."""
    return await tx.find(
        trip_row,
        f"select {TRIP_COLUMNS} from trip where operator_id = %(operator_id)s and id = %(id)s for no key update",
        {"operator_id": operator_id, "id": trip_id},
    )


# What of a trip changes, but its status.
_CHANGES: Final[Mapping[str, LiteralString]] = {
    "driver_id": "driver_id = %(driver_id)s",
    "vehicle_id": "vehicle_id = %(vehicle_id)s",
    "wanted_driver_id": "wanted_driver_id = %(wanted_driver_id)s",
    "pin": "pin = %(pin)s",
    "search_until": "search_until = %(search_until)s",
    "reoffers": "reoffers = %(reoffers)s",
    "accepted_at": "accepted_at = %(accepted_at)s",
    "arrived_at": "arrived_at = %(arrived_at)s",
    "started_at": "started_at = %(started_at)s",
    "ended_at": "ended_at = %(ended_at)s",
    "closed_at": "closed_at = %(closed_at)s",
    "outcome": "outcome = %(outcome)s",
    "closed_by": "closed_by = %(closed_by)s",
    "pickup_eta_s": "pickup_eta_s = %(pickup_eta_s)s",
    "driven_m": "driven_m = %(driven_m)s",
    "track_lat": "track_lat = %(track_lat)s",
    "track_lon": "track_lon = %(track_lon)s",
    "track_at": "track_at = %(track_at)s",
    "lines": "lines = %(lines)s",
    "taxes": "taxes = %(taxes)s",
    "total_minor": "total_minor = %(total_minor)s",
    "tax_minor": "tax_minor = %(tax_minor)s",
    "charged_bonus_minor": "charged_bonus_minor = %(charged_bonus_minor)s",
    "charged_balance_minor": "charged_balance_minor = %(charged_balance_minor)s",
    "charged_card_minor": "charged_card_minor = %(charged_card_minor)s",
    "card_pending_minor": "card_pending_minor = %(card_pending_minor)s",
    "debt_minor": "debt_minor = %(debt_minor)s",
    "cash_minor": "cash_minor = %(cash_minor)s",
    "cash_due_minor": "cash_due_minor = %(cash_due_minor)s",
    "refunded_minor": "refunded_minor = %(refunded_minor)s",
    "earned_minor": "earned_minor = %(earned_minor)s",
    "rating": "rating = %(rating)s",
    "rating_comment": "rating_comment = %(rating_comment)s",
    "rated_at": "rated_at = %(rated_at)s",
    "told": "told = %(told)s",
    "next_at": "next_at = %(next_at)s",
}


async def change_trip(tx: Tx, trip: Trip, **changes: Any) -> Trip:
    """The trip with these fields changed, its status not. The caller holds its row."""
    return await _update(tx, trip, changes, trip.status)


async def move_trip(
    tx: Tx, trip: Trip, to: TripStatus, actor: Actor, now: datetime, *, reason: str | None = None, **changes: Any
) -> Trip:
    """The trip in another status, with the event that says who did it and why. The caller holds its row.

    Raises:
        Refusal: `trip_status`, by the table of `machine`.
    """
    if no := machine.may_change(trip.status, to, machine.role_of(actor)):
        raise no
    if to.is_final:
        changes = {"closed_at": now, "closed_by": actor, "next_at": None} | changes
    moved = await _update(tx, trip, changes, to)
    await add_event(tx, moved, "moved", now, actor, from_status=trip.status, to_status=to, reason=reason)
    await tell(tx, moved)
    if trip.driver_id is not None and trip.driver_id != moved.driver_id:
        await tell_driver(tx, trip.operator_id, trip.driver_id)
    return moved


async def _update(tx: Tx, trip: Trip, changes: Mapping[str, Any], status: TripStatus) -> Trip:
    unknown = changes.keys() - _CHANGES.keys()
    if unknown:
        raise ValueError(f"trips do not change in {sorted(unknown)}")
    values = dict(changes)
    for name in ("lines", "taxes"):
        if name in values:
            values[name] = Jsonb(msgspec.to_builtins(values[name]))
    if "told" in values:
        values["told"] = list(values["told"])
    parts: list[LiteralString] = ["status = %(status)s", *(_CHANGES[name] for name in changes)]
    assignments: LiteralString = ", ".join(parts)
    return await tx.one(
        trip_row,
        f"update trip set {assignments} where operator_id = %(operator_id)s and id = %(id)s returning {TRIP_COLUMNS}",
        {**values, "status": status, "operator_id": trip.operator_id, "id": trip.id},
    )


async def add_event(
    tx: Tx,
    trip: Trip,
    kind: str,
    now: datetime,
    actor: Actor,
    *,
    from_status: TripStatus | None = None,
    to_status: TripStatus | None = None,
    reason: str | None = None,
    **data: str | float | bool | None,
) -> None:
    """Write down what happened; the caller holds the trip's row (or has just made it)."""
    await tx.execute(
        """
        insert into trip_event (operator_id, trip_id, nr, kind, from_status, to_status, at, actor, reason, data)
        select %(operator_id)s, %(trip_id)s, coalesce(max(nr), 0) + 1, %(kind)s, %(from_status)s, %(to_status)s, %(at)s,
               %(actor)s, %(reason)s, %(data)s
          from trip_event where operator_id = %(operator_id)s and trip_id = %(trip_id)s
        """,
        {
            "operator_id": trip.operator_id,
            "trip_id": trip.id,
            "kind": kind,
            "from_status": from_status,
            "to_status": to_status,
            "at": now,
            "actor": actor,
            "reason": reason,
            "data": Jsonb(data),
        },
    )


async def reach_stop(tx: Tx, trip: Trip, nr: int, now: datetime) -> None:
    """Somebody was there. The caller holds the trip's row."""
    await tx.execute(
        """
        update trip_point set reached_at = %(now)s
         where operator_id = %(operator_id)s and trip_id = %(trip_id)s and nr = %(nr)s and reached_at is null
        """,
        {"operator_id": trip.operator_id, "trip_id": trip.id, "nr": nr, "now": now},
    )


async def withdraw_offers(tx: Tx, trip: Trip, now: datetime, *, but: DriverId | None = None) -> list[DriverId]:
    """Whoever was offered the trip, and has not answered, is not any more. The caller holds the trip's row."""
    rows = await tx.tuples(
        """
        update trip_offer set status = %(withdrawn)s, answered_at = %(now)s
         where operator_id = %(operator_id)s and trip_id = %(trip_id)s and status = 'OPEN'
           and driver_id is distinct from %(but)s
        returning driver_id
        """,
        {
            "operator_id": trip.operator_id,
            "trip_id": trip.id,
            "now": now,
            "but": but,
            "withdrawn": OfferStatus.WITHDRAWN,
        },
    )
    drivers = sorted(DriverId(driver_id) for (driver_id,) in rows)
    for driver_id in drivers:
        await tell_driver(tx, trip.operator_id, driver_id)
    return drivers


async def tell(tx: Tx, trip: Trip) -> None:
    """Whoever looks at the trip looks again, after the commit."""
    await tx.notify(TRIP_CHANNEL, f"{trip.operator_id}:{trip.id}")
    if trip.driver_id is not None:
        await tell_driver(tx, trip.operator_id, trip.driver_id)


async def tell_driver(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> None:
    """Whoever shows a driver their offers or trip looks again, after the commit."""
    await tx.notify(DRIVER_CHANNEL, f"{operator_id}:{driver_id}")
