"""What provisioning writes: tariffs, add-ons, models, vehicles. Ids are stable by ref and by printed number.

Nothing is ever deleted, since rides refer to it: what an operator no longer names is retired, and comes back under its
old id when it is named again. What is so already is not written.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, Literal, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.fleet import errors
from isotope.domain.fleet.channels import CATALOG_CHANGED, tell_vehicles_changed
from isotope.domain.fleet.model import (
    NEVER,
    AddonDraft,
    ModelDraft,
    TariffDraft,
    Vehicle,
    VehicleDraft,
    VehicleStatus,
)
from isotope.domain.fleet.rows import VEHICLE_COLUMNS, vehicle_of
from isotope.domain.fleet.rules import HELD, By
from isotope.domain.fleet.store import change_status
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import AddonId, ModelId, OperatorId, TariffId, VehicleId

Table = Literal["tariff", "addon", "vehicle_model"]

_APPLY: Final = "apply"

_THESE: Final = "operator_id = %(operator_id)s and ref = any(%(refs)s) and retired_at is null"
_OFFERED: Final[dict[Table, LiteralString]] = {
    "tariff": f"select ref, id from tariff where {_THESE}",
    "addon": f"select ref, id from addon where {_THESE}",
    "vehicle_model": f"select ref, id from vehicle_model where {_THESE}",
}
_RETIRE: Final[dict[Table, LiteralString]] = {
    "tariff": f"update tariff set retired_at = %(now)s where {_THESE}",
    "addon": f"update addon set retired_at = %(now)s where {_THESE}",
    "vehicle_model": f"update vehicle_model set retired_at = %(now)s where {_THESE}",
}


async def upsert_tariff(tx: Tx, operator_id: OperatorId, draft: TariffDraft) -> TariffId:
    """The tariff as described, under the id that its ref has."""
    written = await tx.execute(
        """
        insert into tariff as t (operator_id, ref, title, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(spec)s)
        on conflict (operator_id, ref) do update set title = excluded.title, spec = excluded.spec, retired_at = null
         where (t.title, t.spec, t.retired_at) is distinct from (excluded.title, excluded.spec, null)
        """,
        _params(operator_id, draft.ref, draft.title, draft.tariff),
    )
    await _tell(tx, operator_id, written)
    return TariffId(
        await tx.scalar(
            "select id from tariff where operator_id = %(operator_id)s and ref = %(ref)s",
            {"operator_id": operator_id, "ref": draft.ref},
        )
    )


async def upsert_addon(tx: Tx, operator_id: OperatorId, draft: AddonDraft) -> AddonId:
    """The add-on as described, under the id that its ref has."""
    written = await tx.execute(
        """
        insert into addon as t (operator_id, ref, title, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(spec)s)
        on conflict (operator_id, ref) do update set title = excluded.title, spec = excluded.spec, retired_at = null
         where (t.title, t.spec, t.retired_at) is distinct from (excluded.title, excluded.spec, null)
        """,
        _params(operator_id, draft.ref, draft.title, draft.price),
    )
    await _tell(tx, operator_id, written)
    return AddonId(
        await tx.scalar(
            "select id from addon where operator_id = %(operator_id)s and ref = %(ref)s",
            {"operator_id": operator_id, "ref": draft.ref},
        )
    )


async def upsert_model(tx: Tx, operator_id: OperatorId, draft: ModelDraft) -> ModelId:
    """The model as described, under the id that its ref has; its tariff and add-ons are there already.

    Raises:
        UnknownRefError: a ref that names no tariff or add-on of the operator that is offered.
    """
    tariff_id = (await _ids(tx, operator_id, "tariff", [draft.tariff_ref]))[0]
    addon_ids = await _ids(tx, operator_id, "addon", draft.addon_refs)
    written = await tx.execute(
        """
        insert into vehicle_model as m (operator_id, ref, title, vehicle_type, tariff_id, addon_ids, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(vehicle_type)s, %(tariff_id)s, %(addon_ids)s, %(spec)s)
        on conflict (operator_id, ref) do update set
            title = excluded.title, vehicle_type = excluded.vehicle_type, tariff_id = excluded.tariff_id,
            addon_ids = excluded.addon_ids, spec = excluded.spec, retired_at = null
         where (m.title, m.vehicle_type, m.tariff_id, m.addon_ids, m.spec, m.retired_at) is distinct from
               (excluded.title, excluded.vehicle_type, excluded.tariff_id, excluded.addon_ids, excluded.spec, null)
        """,
        _params(operator_id, draft.ref, draft.title, draft.spec)
        | {"vehicle_type": draft.vehicle_type, "tariff_id": tariff_id, "addon_ids": addon_ids},
    )
    await _tell(tx, operator_id, written)
    return ModelId((await _ids(tx, operator_id, "vehicle_model", [draft.ref]))[0])


async def retire_tariffs(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """Offer these no longer; how many were offered. A model that is still offered keeps its price."""
    return await _retire(tx, operator_id, _RETIRE["tariff"], refs, now)


async def retire_addons(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """Offer these no longer; how many were offered. Running rides keep what was agreed."""
    return await _retire(tx, operator_id, _RETIRE["addon"], refs, now)


async def retire_models(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """Offer these no longer; how many were offered. Their vehicles are retired first, or moved to another model.

    Raises:
        Refusal: `model_has_vehicles`: some are still in service.
    """
    left = await tx.scalar(
        """
        select count(*) from vehicle v
          join vehicle_model m on m.operator_id = v.operator_id and m.id = v.model_id
         where v.operator_id = %(operator_id)s and m.ref = any(%(refs)s) and v.status <> 'DEPRECATED'
        """,
        {"operator_id": operator_id, "refs": list(refs)},
    )
    if left:
        raise errors.model_has_vehicles(sorted(refs), left)
    return await _retire(tx, operator_id, _RETIRE["vehicle_model"], refs, now)


async def upsert_vehicles(
    tx: Tx, operator_id: OperatorId, drafts: Sequence[VehicleDraft], actor: Actor, now: datetime
) -> dict[str, VehicleId]:
    """The vehicles as described; ids by printed number. New and returning ones are READY, others keep their status.

    A device that sat in another vehicle is taken out of it, so vehicles can swap devices.

    Raises:
        UnknownRefError: a model that is not offered.
    """
    refs = sorted({draft.model_ref for draft in drafts})
    model_ids = dict(zip(refs, await _ids(tx, operator_id, "vehicle_model", refs), strict=True))
    given: dict[str, Any] = {
        "operator_id": operator_id,
        "nr": [draft.nr for draft in drafts],
        "model_id": [model_ids[draft.model_ref] for draft in drafts],
        "device_id": [draft.device_id for draft in drafts],
        "code": [draft.manual_locker_code for draft in drafts],
        "lat": [None if draft.place is None else draft.place.lat for draft in drafts],
        "lon": [None if draft.place is None else draft.place.lon for draft in drafts],
        "now": now,
        "never": NEVER,
    }
    moved = await tx.tuples(
        """
        update vehicle v set device_id = null
          from unnest(%(nr)s::text[], %(device_id)s::bigint[]) as d (nr, device_id)
         where v.operator_id = %(operator_id)s and v.device_id = d.device_id and v.nr <> d.nr
        returning v.id
        """,
        given,
    )
    written = await tx.tuples(
        """
        insert into vehicle as v (operator_id, nr, model_id, device_id, manual_locker_code, status, status_at, created_at)
        select %(operator_id)s, d.nr, d.model_id, d.device_id, d.code, 'READY', %(now)s, %(now)s
          from unnest(%(nr)s::text[], %(model_id)s::bigint[], %(device_id)s::bigint[], %(code)s::text[])
               as d (nr, model_id, device_id, code)
         order by d.nr
        on conflict (operator_id, nr) do update set
            model_id = excluded.model_id, device_id = excluded.device_id, manual_locker_code = excluded.manual_locker_code
         where (v.model_id, v.device_id, v.manual_locker_code) is distinct from
               (excluded.model_id, excluded.device_id, excluded.manual_locker_code)
        returning v.id
        """,
        given,
    )
    vehicles = await _vehicles(tx, operator_id, given["nr"])
    placed = await tx.tuples(
        """
        insert into vehicle_state (operator_id, vehicle_id, lat, lon, fix_at, reported_at, seen_at)
        select v.operator_id, v.id, d.lat, d.lon, %(never)s, %(never)s, %(never)s
          from unnest(%(nr)s::text[], %(lat)s::float8[], %(lon)s::float8[]) as d (nr, lat, lon)
          join vehicle v on v.operator_id = %(operator_id)s and v.nr = d.nr
         where d.lat is not null
        on conflict (operator_id, vehicle_id) do update set lat = excluded.lat, lon = excluded.lon
         where vehicle_state.fix_at = excluded.fix_at
           and (vehicle_state.lat, vehicle_state.lon) is distinct from (excluded.lat, excluded.lon)
        returning vehicle_id
        """,
        given,
    )
    for vehicle in vehicles:
        if vehicle.status is VehicleStatus.DEPRECATED:
            await change_status(
                tx, vehicle, to_status=VehicleStatus.READY, by=By.APPLY, actor=actor, cause=_APPLY, now=now
            )
    await tell_vehicles_changed(tx, operator_id, sorted({row[0] for row in (*moved, *written, *placed)}))
    return {vehicle.nr: vehicle.id for vehicle in vehicles}


async def upsert_vehicle(
    tx: Tx, operator_id: OperatorId, draft: VehicleDraft, actor: Actor, now: datetime
) -> VehicleId:
    """One vehicle of `upsert_vehicles`."""
    return (await upsert_vehicles(tx, operator_id, [draft], actor, now))[draft.nr]


async def retire_vehicles(tx: Tx, operator_id: OperatorId, nrs: Collection[str], actor: Actor, now: datetime) -> int:
    """Take these out of service for good (DEPRECATED) and their devices out of them; how many were in service.

    Raises:
        Refusal: `vehicle_held`: one of them is in use or reserved; nothing is then retired.
    """
    vehicles = [v for v in await _vehicles(tx, operator_id, sorted(nrs)) if v.status is not VehicleStatus.DEPRECATED]
    for vehicle in vehicles:
        if vehicle.status in HELD:
            raise errors.vehicle_held(vehicle.nr, vehicle.status)
    for vehicle in vehicles:
        await change_status(
            tx, vehicle, to_status=VehicleStatus.DEPRECATED, by=By.APPLY, actor=actor, cause=_APPLY, now=now
        )
    await tx.execute(
        "update vehicle set device_id = null where operator_id = %(operator_id)s and id = any(%(ids)s)",
        {"operator_id": operator_id, "ids": [vehicle.id for vehicle in vehicles]},
    )
    return len(vehicles)


async def _vehicles(tx: Tx, operator_id: OperatorId, nrs: Sequence[str]) -> list[Vehicle]:
    """These, locked in the order of their ids."""
    rows = await tx.dicts(
        f"""
        select {VEHICLE_COLUMNS} from vehicle v
         where v.operator_id = %(operator_id)s and v.nr = any(%(nrs)s) order by v.id for update
        """,
        {"operator_id": operator_id, "nrs": list(nrs)},
    )
    return [vehicle_of(row) for row in rows]


async def _ids(tx: Tx, operator_id: OperatorId, table: Table, refs: Sequence[str]) -> list[int]:
    """In the order of the refs."""
    rows = await tx.tuples(_OFFERED[table], {"operator_id": operator_id, "refs": list(refs)})
    found: dict[str, int] = dict(rows)
    unknown = [ref for ref in refs if ref not in found]
    if unknown:
        raise errors.UnknownRefError(table, unknown)
    return [found[ref] for ref in refs]


async def _retire(tx: Tx, operator_id: OperatorId, sql: LiteralString, refs: Collection[str], now: datetime) -> int:
    retired = await tx.execute(sql, {"operator_id": operator_id, "refs": list(refs), "now": now})
    await _tell(tx, operator_id, retired)
    return retired


async def _tell(tx: Tx, operator_id: OperatorId, written: int) -> None:
    if written:
        await tx.notify(CATALOG_CHANGED, str(operator_id))


def _params(operator_id: OperatorId, ref: str, title: str, spec: msgspec.Struct) -> dict[str, Any]:
    return {"operator_id": operator_id, "ref": ref, "title": title, "spec": Jsonb(msgspec.to_builtins(spec))}
