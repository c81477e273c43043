"""Writing rides. Functions take the transaction and never commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.identity import RiderStatus, user_not_found
from isotope.domain.pricing import AtEnd, Bill
from isotope.domain.sharing.model import (
    NO_PLAN,
    EndPlan,
    EventKind,
    Outcome,
    ReviewStatus,
    Ride,
    RideStatus,
    Terms,
)
from isotope.domain.sharing.rows import RIDE_COLUMNS, ride_row
from isotope.domain.wallet import Charged
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import CommandId, ModelId, OperatorId, RideId, RiderId, VehicleId


async def lock_rider(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> RiderStatus:
    """Starts and reservations of one rider queue here, so that their places are counted right.

    Raises:
        Refusal: `user_not_found`.
    """
    status: str | None = await tx.scalar(
        "select status from rider where operator_id = %(operator_id)s and id = %(rider_id)s for no key update",
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    if status is None:
        raise user_not_found()
    return RiderStatus(status)


async def lock_ride(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> Ride | None:
    """The ride, FOR UPDATE. Locks are taken in the order rider, ride, vehicle, wallet."""
    return await tx.find(
        ride_row,
        f"select {RIDE_COLUMNS} from ride where operator_id = %(operator_id)s and id = %(ride_id)s for no key update",
        {"operator_id": operator_id, "ride_id": ride_id},
    )


@dataclass(frozen=True, slots=True)
class NewRide:
    """A ride that waits for a card (AUTHORISING) or for its vehicle (UNLOCKING)."""

    operator_id: OperatorId
    rider_id: RiderId
    vehicle_id: VehicleId
    model_id: ModelId
    status: RideStatus
    place: int
    currency: str
    terms: Terms
    start: Point
    start_odometer_m: int
    requested_at: datetime


async def insert_ride(tx: Tx, ride: NewRide) -> RideId:
    """The indexes ride_open_vehicle and ride_open_place refuse a second one."""
    ride_id: RideId = await tx.scalar(
        """
        insert into ride (operator_id, rider_id, vehicle_id, model_id, status, place, currency, terms,
                          requested_at, start_lat, start_lon, start_odometer_m)
        values (%(operator_id)s, %(rider_id)s, %(vehicle_id)s, %(model_id)s, %(status)s, %(place)s, %(currency)s, %(terms)s,
                %(requested_at)s, %(lat)s, %(lon)s, %(odometer_m)s)
        returning id
        """,
        {
            "operator_id": ride.operator_id,
            "rider_id": ride.rider_id,
            "vehicle_id": ride.vehicle_id,
            "model_id": ride.model_id,
            "status": ride.status,
            "place": ride.place,
            "currency": ride.currency,
            "terms": Jsonb(msgspec.to_builtins(ride.terms)),
            "requested_at": ride.requested_at,
            "lat": ride.start.lat,
            "lon": ride.start.lon,
            "odometer_m": ride.start_odometer_m,
        },
    )
    return ride_id


async def free_place(tx: Tx, operator_id: OperatorId, rider_id: RiderId, limit: int) -> tuple[int, int | None]:
    """How many rides the rider has open, and the lowest free place up to `limit` (None: all taken)."""
    taken: Sequence[int] = [
        row[0]
        for row in await tx.tuples(
            """
            select place from ride
             where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status not in ('ENDED', 'FAILED')
            """,
            {"operator_id": operator_id, "rider_id": rider_id},
        )
    ]
    free = next((place for place in range(1, limit + 1) if place not in taken), None)
    return len(taken), free


async def add_event(
    tx: Tx,
    ride: tuple[OperatorId, RideId],
    kind: EventKind,
    at: datetime,
    actor: Actor,
    data: dict[str, Any] | None = None,
) -> None:
    """Append what happened. The caller holds the ride's row, so numbers have no race."""
    await tx.execute(
        """
        insert into ride_event (operator_id, ride_id, nr, kind, at, actor, data)
        select %(operator_id)s, %(ride_id)s, coalesce(max(nr), 0) + 1, %(kind)s, %(at)s, %(actor)s, %(data)s
          from ride_event where operator_id = %(operator_id)s and ride_id = %(ride_id)s
        """,
        {
            "operator_id": ride[0],
            "ride_id": ride[1],
            "kind": kind,
            "at": at,
            "actor": actor,
            "data": Jsonb(data or {}),
        },
    )


async def set_status(tx: Tx, ride: Ride, status: RideStatus, *, command_id: CommandId | None = None) -> None:
    """Move an open ride on; `command_id` is what a waiting status waits for."""
    await tx.execute(
        """
        update ride set status = %(status)s, command_id = %(command_id)s, outcome = null
         where operator_id = %(operator_id)s and id = %(id)s
        """,
        {"operator_id": ride.operator_id, "id": ride.id, "status": status, "command_id": command_id},
    )


async def set_command(tx: Tx, operator_id: OperatorId, ride_id: RideId, command_id: CommandId) -> None:
    await tx.execute(
        "update ride set command_id = %(command_id)s where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": ride_id, "command_id": command_id},
    )


async def set_ending(
    tx: Tx,
    ride: Ride,
    command_id: CommandId,
    at: datetime,
    position: Point,
    outcome: Outcome = Outcome.BY_RIDER,
    plan: EndPlan = NO_PLAN,
) -> None:
    """It was asked to end at `at`, by the rider or because of `outcome`; the ride waits for the lock, then for `plan`."""
    await tx.execute(
        """
        update ride set status = 'ENDING', command_id = %(command_id)s, ending_at = %(at)s, outcome = %(outcome)s,
               end_lat = %(lat)s, end_lon = %(lon)s, end_plan = %(plan)s
         where operator_id = %(operator_id)s and id = %(id)s
        """,
        {
            "operator_id": ride.operator_id,
            "id": ride.id,
            "command_id": command_id,
            "at": at,
            "outcome": outcome,
            "plan": None if plan == NO_PLAN else Jsonb(msgspec.to_builtins(plan)),
            "lat": position.lat,
            "lon": position.lon,
        },
    )


async def set_end_plan(tx: Tx, ride: Ride, plan: EndPlan) -> None:
    """What was given at a try that came to nothing (a photo) counts at the next."""
    await tx.execute(
        "update ride set end_plan = %(plan)s where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": ride.operator_id, "id": ride.id, "plan": Jsonb(msgspec.to_builtins(plan))},
    )


async def set_started(tx: Tx, ride: Ride, at: datetime) -> None:
    await tx.execute(
        """
        update ride set status = 'ACTIVE', started_at = %(at)s, command_id = null
         where operator_id = %(operator_id)s and id = %(id)s
        """,
        {"operator_id": ride.operator_id, "id": ride.id, "at": at},
    )


async def set_failed(tx: Tx, ride: Ride, outcome: Outcome, at: datetime) -> None:
    await tx.execute(
        """
        update ride set status = 'FAILED', ended_at = %(at)s, outcome = %(outcome)s, command_id = null
         where operator_id = %(operator_id)s and id = %(id)s
        """,
        {"operator_id": ride.operator_id, "id": ride.id, "at": at, "outcome": outcome},
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """What is written when a ride is over and paid."""

    at: datetime
    outcome: Outcome
    position: Point
    distance_m: int
    bill: Bill
    at_end: AtEnd
    charged: Charged
    review: tuple[str, ...] = ()
    earned_bonus_minor: int = 0


async def set_ended(tx: Tx, ride: Ride, ending: Ending) -> Ride:
    return await tx.one(
        ride_row,
        f"""
        update ride set status = 'ENDED', ended_at = %(at)s, outcome = %(outcome)s, command_id = null,
               end_lat = %(lat)s, end_lon = %(lon)s, distance_m = %(distance_m)s, lines = %(lines)s,
               total_minor = %(total)s, tax_minor = %(tax)s, taxes = %(taxes)s, charged_bonus_minor = %(bonus)s,
               charged_balance_minor = %(balance)s, card_pending_minor = %(card)s, debt_minor = %(debt)s,
               at_end = %(at_end)s, review_status = %(review_status)s, review_reasons = %(review)s,
               earned_bonus_minor = %(earned)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {RIDE_COLUMNS}
        """,
        {
            "operator_id": ride.operator_id,
            "id": ride.id,
            "at": ending.at,
            "outcome": ending.outcome,
            "lat": ending.position.lat,
            "lon": ending.position.lon,
            "distance_m": ending.distance_m,
            "lines": Jsonb(msgspec.to_builtins(ending.bill.lines)),
            "total": ending.bill.total_minor,
            "tax": ending.bill.tax_minor,
            "taxes": Jsonb(msgspec.to_builtins(ending.bill.taxes)),
            "bonus": ending.charged.bonus_minor,
            "balance": ending.charged.balance_minor,
            "card": ending.charged.card_minor,
            "debt": ending.charged.debt_minor,
            "at_end": Jsonb(msgspec.to_builtins(ending.at_end)),
            "review_status": ReviewStatus.IN_REVIEW if ending.review else None,
            "review": list(ending.review),
            "earned": ending.earned_bonus_minor,
        },
    )


async def add_card_outcome(tx: Tx, ride: Ride, *, collected_minor: int, unpaid_minor: int) -> Ride:
    """Of what the card was asked for: what it paid, and what became debt."""
    return await tx.one(
        ride_row,
        f"""
        update ride
           set charged_card_minor = charged_card_minor + %(collected)s, debt_minor = coalesce(debt_minor, 0) + %(unpaid)s,
               card_pending_minor = card_pending_minor - %(collected)s - %(unpaid)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {RIDE_COLUMNS}
        """,
        {
            "operator_id": ride.operator_id,
            "id": ride.id,
            "collected": collected_minor,
            "unpaid": unpaid_minor,
        },
    )
