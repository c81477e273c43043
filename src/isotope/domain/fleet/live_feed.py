"""What the live map reads of the store: plain tuples, since at the start it is the whole fleet."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from isotope.infra.db import Tx
from isotope.kernel.ids import ModelId, OperatorId, VehicleId
from isotope.kernel.vehicle_types import VehicleType

Key = tuple[OperatorId, VehicleId]

MAX_MODELS: Final = 100_000

_COLUMNS: Final = """
    v.operator_id, v.id, v.nr, v.model_id, v.status = 'READY', s.lat, s.lon, coalesce(s.battery_pct, 100),
    coalesce(extract(epoch from s.seen_at), 0)::float8
"""


class ModelFacts(NamedTuple):
    """What the map needs of a model; `minimum_pct` None: the operator's minimum counts."""

    vehicle_type: VehicleType
    is_offered: bool
    minimum_pct: int | None


async def load_models(tx: Tx) -> dict[tuple[OperatorId, ModelId], ModelFacts]:
    """Every model of every operator."""
    rows = await tx.tuples(
        """
        select operator_id, id, vehicle_type, retired_at is null, (spec ->> 'minimum_battery_pct')::int
          from vehicle_model limit %(limit)s
        """,
        {"limit": MAX_MODELS},
    )
    return {
        (operator_id, model_id): ModelFacts(VehicleType(vehicle_type), is_offered, minimum_pct)
        for operator_id, model_id, vehicle_type, is_offered, minimum_pct in rows
    }


async def read_rows_of(tx: Tx, keys: Sequence[Key]) -> list[tuple[Any, ...]]:
    """These vehicles: operator, id, nr, model, ready, lat, lon, battery, unix time when last heard."""
    return await tx.tuples(
        f"""
        select {_COLUMNS}
          from unnest(%(operator_ids)s::bigint[], %(vehicle_ids)s::bigint[]) as k (operator_id, id)
          join vehicle v on v.operator_id = k.operator_id and v.id = k.id
          left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
        """,
        {"operator_ids": [key[0] for key in keys], "vehicle_ids": [key[1] for key in keys]},
    )


async def read_rows_after(tx: Tx, after: Key, limit: int) -> list[tuple[Any, ...]]:
    """The next vehicles of all operators in the order of their keys."""
    return await tx.tuples(
        f"""
        select {_COLUMNS}
          from vehicle v
          left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
         where (v.operator_id, v.id) > (%(operator_id)s, %(vehicle_id)s)
         order by v.operator_id, v.id limit %(limit)s
        """,
        {"operator_id": after[0], "vehicle_id": after[1], "limit": limit},
    )
