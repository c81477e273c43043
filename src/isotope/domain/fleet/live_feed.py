"""What the live map reads of the store: whole columns, since at the start it is the whole fleet.

A row as a tuple costs microseconds to build and to take apart again. Here the store sends each column as one array in
its binary form, which is the array's bytes but for a length before each element.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from isotope.infra.db import Tx
from isotope.kernel.ids import ModelId, OperatorId, VehicleId
from isotope.kernel.vehicle_types import VehicleType

Key = tuple[OperatorId, VehicleId]

MAX_MODELS: Final = 100_000

_COLUMNS: Final = """
    v.operator_id, v.id, v.nr, v.model_id, v.status = 'READY' as is_ready, coalesce(s.lat, 'NaN') as lat,
    coalesce(s.lon, 'NaN') as lon, coalesce(s.battery_pct, 100)::int8 as battery_pct,
    coalesce(extract(epoch from s.seen_at), 0)::float8 as seen_s
"""
_AS_ARRAYS: Final = """
    array_send(array_agg(operator_id)), array_send(array_agg(id)), array_agg(nr), array_send(array_agg(model_id)),
    array_send(array_agg(is_ready)), array_send(array_agg(lat)), array_send(array_agg(lon)),
    array_send(array_agg(battery_pct)), array_send(array_agg(seen_s))
"""
# Number of dimensions, flags, type of the elements, length, first index.
_ARRAY_HEAD: Final = 20


class ModelFacts(NamedTuple):
    """What the map needs of a model: whether it is shared at all; `minimum_pct` None: the operator's minimum counts."""

    vehicle_type: VehicleType
    is_offered: bool
    minimum_pct: int | None


@dataclass(frozen=True, slots=True)
class FeedRows:
    """Vehicles of any operators, in columns of the same length. `lat` and `lon` are NaN before the first position."""

    operator_ids: NDArray[np.int64]
    ids: NDArray[np.int64]
    nrs: Sequence[str]
    model_ids: NDArray[np.int64]
    is_ready: NDArray[np.bool_]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    battery_pct: NDArray[np.int16]
    seen_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.nrs)

    @property
    def last(self) -> Key:
        """The key of the last one."""
        return OperatorId(int(self.operator_ids[-1])), VehicleId(int(self.ids[-1]))

    def models(self) -> set[tuple[OperatorId, ModelId]]:
        """The keys of their models."""
        pairs = np.unique(np.stack((self.operator_ids, self.model_ids), axis=1), axis=0)
        return {(OperatorId(operator_id), ModelId(model_id)) for operator_id, model_id in pairs.tolist()}


async def load_models(tx: Tx) -> dict[tuple[OperatorId, ModelId], ModelFacts]:
    """Every model of every operator."""
    rows = await tx.tuples(
        """
        select operator_id, id, vehicle_type, retired_at is null and coalesce((spec ->> 'sharing')::boolean, true), (spec ->> 'minimum_battery_pct')::int
          from vehicle_model limit %(limit)s
        """,
        {"limit": MAX_MODELS},
    )
    return {
        (operator_id, model_id): ModelFacts(VehicleType(vehicle_type), is_offered, minimum_pct)
        for operator_id, model_id, vehicle_type, is_offered, minimum_pct in rows
    }


async def read_rows_of(tx: Tx, keys: Sequence[Key]) -> FeedRows:
    """These vehicles."""
    return await _read(
        tx,
        f"""
        select {_AS_ARRAYS} from (
        select {_COLUMNS}
          from unnest(%(operator_ids)s::bigint[], %(vehicle_ids)s::bigint[]) as k (operator_id, id)
          join vehicle v on v.operator_id = k.operator_id and v.id = k.id
          left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id) as found
        """,
        {"operator_ids": [key[0] for key in keys], "vehicle_ids": [key[1] for key in keys]},
    )


async def read_rows_after(tx: Tx, after: Key, limit: int) -> FeedRows:
    """The next vehicles of all operators in the order of their keys."""
    return await _read(
        tx,
        f"""
        select {_AS_ARRAYS} from (
        select {_COLUMNS}
          from vehicle v
          left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
         where (v.operator_id, v.id) > (%(operator_id)s, %(vehicle_id)s)
         order by v.operator_id, v.id limit %(limit)s) as found
        """,
        {"operator_id": after[0], "vehicle_id": after[1], "limit": limit},
    )


async def _read(tx: Tx, sql: LiteralString, params: dict[str, Any]) -> FeedRows:
    [(operator_ids, ids, nrs, model_ids, is_ready, lat, lon, battery_pct, seen_s)] = await tx.tuples(
        sql, params, binary=True
    )
    return FeedRows(
        operator_ids=_column(operator_ids, ">i8").astype(np.int64),
        ids=_column(ids, ">i8").astype(np.int64),
        nrs=nrs or [],
        model_ids=_column(model_ids, ">i8").astype(np.int64),
        is_ready=_column(is_ready, "u1").astype(np.bool_),
        lat=_column(lat, ">f8").astype(np.float64),
        lon=_column(lon, ">f8").astype(np.float64),
        battery_pct=_column(battery_pct, ">i8").astype(np.int16),
        seen_s=_column(seen_s, ">f8").astype(np.float64),
    )


def _column(array: bytes | None, dtype: DTypeLike) -> NDArray[Any]:
    """The elements of an array without nulls in PostgreSQL's binary form; None: an aggregate over no rows."""
    if array is None:
        return np.zeros(0, dtype=dtype)
    return np.frombuffer(array, dtype=[("length", ">i4"), ("value", dtype)], offset=_ARRAY_HEAD)["value"]
