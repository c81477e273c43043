"""What zones do to vehicles now, in the store: a row for each vehicle to which they do anything."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.rows import RIDE_COLUMNS, ride_row
from isotope.domain.zones import NO_EFFECT, ZoneEffect
from isotope.infra.db import Tx
from isotope.kernel.ids import CommandId, OperatorId, VehicleId, ZoneId

NOT_TOLD: Final = CommandId(0)
"""Stands for an order that could not be given."""

Key = tuple[OperatorId, VehicleId]


class VehicleEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What zones do to a vehicle, and the orders for it that are not known to be done (None: none; 0: not given).

    `inside`: the zones it is in (`zones.effects.Inside`). `due_at`: when the orders are looked at again.
    """

    inside: dict[ZoneId, datetime | None]
    effect: ZoneEffect
    speed_command_id: CommandId | None = None
    engine_command_id: CommandId | None = None
    tries: int = 0
    due_at: datetime | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it need not be kept."""
        return self.effect == NO_EFFECT and not self.inside and self.due_at is None


NOTHING: Final = VehicleEffect(inside={}, effect=NO_EFFECT)

_COLUMNS: Final = "e.inside, e.effect, e.speed_command_id, e.engine_command_id, e.tries, e.due_at"


def _row(inside: Any, effect: Any, **columns: Any) -> VehicleEffect:
    return VehicleEffect(
        # JSON has its keys as text.
        inside=msgspec.convert(inside, dict[ZoneId, datetime | None], strict=False),
        effect=msgspec.convert(effect, ZoneEffect),
        **columns,
    )


async def list_effects(tx: Tx, vehicles: Sequence[Key]) -> dict[Key, VehicleEffect]:
    """Of those vehicles, of whichever operators, to which zones do anything; one statement."""
    rows = await tx.dicts(
        f"""
        select e.operator_id, e.vehicle_id, {_COLUMNS}
          from unnest(%(operator_ids)s::bigint[], %(vehicle_ids)s::bigint[]) as given (operator_id, vehicle_id)
          join vehicle_zone_effect e on e.operator_id = given.operator_id and e.vehicle_id = given.vehicle_id
        """,
        {"operator_ids": [operator_id for operator_id, _ in vehicles], "vehicle_ids": [id_ for _, id_ in vehicles]},
    )
    return {(row.pop("operator_id"), row.pop("vehicle_id")): _row(**row) for row in rows}


async def get_effect(tx: Tx, operator_id: OperatorId, vehicle_id: VehicleId) -> VehicleEffect:
    """`NOTHING` where there is no row. To change it the caller holds the vehicle's row."""
    found = await list_effects(tx, [(operator_id, vehicle_id)])
    return found.get((operator_id, vehicle_id), NOTHING)


async def put_effect(tx: Tx, key: Key, effect: VehicleEffect, now: datetime) -> None:
    """Write it, or forget it when there is nothing to keep. The caller holds the vehicle's row."""
    params = {"operator_id": key[0], "vehicle_id": key[1]}
    if effect.is_nothing:
        await tx.execute(
            "delete from vehicle_zone_effect where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s",
            params,
        )
        return
    await tx.execute(
        """
        insert into vehicle_zone_effect (operator_id, vehicle_id, inside, effect, changed_at, speed_command_id,
                                         engine_command_id, tries, due_at)
        values (%(operator_id)s, %(vehicle_id)s, %(inside)s, %(effect)s, %(now)s, %(speed)s, %(engine)s, %(tries)s,
                %(due_at)s)
        on conflict (operator_id, vehicle_id) do update set
            inside = excluded.inside, effect = excluded.effect, changed_at = excluded.changed_at,
            speed_command_id = excluded.speed_command_id, engine_command_id = excluded.engine_command_id,
            tries = excluded.tries, due_at = excluded.due_at
        """,
        {
            **params,
            "inside": Jsonb(msgspec.to_builtins(effect.inside, str_keys=True)),
            "effect": Jsonb(msgspec.to_builtins(effect.effect)),
            "now": now,
            "speed": effect.speed_command_id,
            "engine": effect.engine_command_id,
            "tries": effect.tries,
            "due_at": effect.due_at,
        },
    )


async def list_left_behind(tx: Tx, now: datetime, limit: int) -> list[Key]:
    """Vehicles that nobody rides any more and that zones still act on, or that have not confirmed in time that they do not."""
    rows = await tx.tuples(
        """
        select e.operator_id, e.vehicle_id from vehicle_zone_effect e
         where (e.due_at is null or e.due_at <= %(now)s or e.effect <> '{}')
           and not exists (select from ride r
                            where r.operator_id = e.operator_id and r.vehicle_id = e.vehicle_id
                              and r.status not in ('ENDED', 'FAILED'))
         order by e.due_at nulls first limit %(limit)s
        """,
        {"now": now, "limit": limit},
    )
    return [(OperatorId(operator_id), VehicleId(vehicle_id)) for operator_id, vehicle_id in rows]


async def lock_ride_on(tx: Tx, operator_id: OperatorId, vehicle_id: VehicleId) -> Ride | None:
    """The open ride on a vehicle, FOR UPDATE; there is one at most (index ride_open_vehicle)."""
    return await tx.find(
        ride_row,
        f"""
        select {RIDE_COLUMNS} from ride
         where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s and status not in ('ENDED', 'FAILED')
           for no key update
        """,
        {"operator_id": operator_id, "vehicle_id": vehicle_id},
    )
