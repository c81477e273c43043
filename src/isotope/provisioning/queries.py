"""Reading what the store has of the things that a folder describes. Across rooms, and read-only but for row locks."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from isotope.domain.tenants import KeyKind, find_operator_by_slug, list_keys
from isotope.infra.db import Tx
from isotope.kernel.ids import DeviceId, OperatorId
from isotope.provisioning.current import (
    CAUSE,
    PROTOCOL,
    Current,
    StoredDevice,
    StoredKey,
    StoredStaff,
    StoredThing,
    StoredVehicle,
    key_hashes,
)
from isotope.provisioning.folder import Folder
from isotope.provisioning.limits import MAX_READ, MAX_STAFF
from isotope.provisioning.rental_queries import booked_vehicles, read_rentals
from isotope.provisioning.taxi_queries import read_taxi


async def lock_operator(tx: Tx, slug: str) -> None:
    """One apply an operator at a time, also for one that is not there yet; waits at most the lock time-out."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('provisioning:' || %(slug)s, 0))", {"slug": slug})


async def lock_vehicles(tx: Tx, operator_id: OperatorId, nrs: Collection[str]) -> None:
    """Let no ride take or leave these until the transaction ends."""
    await tx.execute(
        "select 1 from vehicle where operator_id = %(operator_id)s and nr = any(%(nrs)s) order by id for update",
        {"operator_id": operator_id, "nrs": list(nrs)},
    )


async def read_current(tx: Tx, folder: Folder, now: datetime) -> Current:
    """The store, as far as the folder speaks of it."""
    operator = await find_operator_by_slug(tx, folder.operator.slug)
    identities = [row.device_identity for row in folder.vehicles if row.device_identity is not None]
    shared = Current(
        operator=operator,
        keys=await _keys(tx, list(key_hashes(folder).values())),
        staff=await _staff(tx, [member.email for member in folder.operator.staff]),
        devices=await _devices(tx, identities),
    )
    if operator is None:
        return shared
    return msgspec.structs.replace(
        shared,
        live_kinds=frozenset(key.kind for key in await list_keys(tx, operator.id, now)),
        tariffs=await _tariffs(tx, operator.id),
        addons=await _addons(tx, operator.id),
        models=await _models(tx, operator.id),
        packages=await _packages(tx, operator.id),
        groups=await _groups(tx, operator.id),
        **await _promo_codes(tx, operator.id, list(folder.pricing.promo_codes)),
        subscriptions=await _subscriptions(tx, operator.id),
        **await read_rentals(tx, operator.id),
        **await read_taxi(tx, operator.id),
        zones=await _zones(tx, operator.id),
        vehicles=await _vehicles(tx, operator.id),
        has_money=await _has_money(tx, operator.id),
    )


async def _keys(tx: Tx, hashes: Sequence[bytes]) -> dict[bytes, StoredKey]:
    rows = await tx.tuples(
        "select key_hash, operator_id, kind, expires_at from operator_key where key_hash = any(%(hashes)s)",
        {"hashes": list(hashes)},
    )
    return {
        bytes(key_hash): StoredKey(operator_id=OperatorId(operator_id), kind=KeyKind(kind), expires_at=expires_at)
        for key_hash, operator_id, kind, expires_at in rows
    }


async def _staff(tx: Tx, emails: Sequence[str]) -> dict[str, StoredStaff]:
    rows = await tx.tuples(
        "select email, operator_id, id, name, role from staff where email = any(%(emails)s) limit %(limit)s",
        {"emails": list(emails), "limit": MAX_STAFF},
    )
    return {
        email: StoredStaff(operator_id=OperatorId(operator_id), id=staff_id, name=name, role=role)
        for email, operator_id, staff_id, name, role in rows
    }


async def _devices(tx: Tx, identities: Sequence[str]) -> dict[str, StoredDevice]:
    rows = await tx.tuples(
        "select identity, operator_id, secret_hash from device"
        " where protocol = %(protocol)s and identity = any(%(identities)s)",
        {"protocol": PROTOCOL, "identities": list(identities)},
    )
    return {
        identity: StoredDevice(operator_id=OperatorId(operator_id), secret_hash=bytes(secret_hash))
        for identity, operator_id, secret_hash in rows
    }


async def _tariffs(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        "select ref, title, spec, retired_at is not null as is_retired from tariff"
        " where operator_id = %(operator_id)s order by id limit %(limit)s",
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {row["ref"]: _thing(row, {"title": row["title"], **row["spec"]}) for row in rows}


async def _addons(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        "select ref, title, spec, retired_at is not null as is_retired from addon"
        " where operator_id = %(operator_id)s order by id limit %(limit)s",
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {row["ref"]: _thing(row, {"title": row["title"], **row["spec"]}) for row in rows}


async def _models(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        """
        select m.ref, m.title, m.vehicle_type, m.spec, m.retired_at is not null as is_retired, t.ref as tariff,
               array(select a.ref from addon a where a.operator_id = m.operator_id and a.id = any(m.addon_ids)
                      order by array_position(m.addon_ids, a.id)) as addons
          from vehicle_model m
          join tariff t on t.operator_id = m.operator_id and t.id = m.tariff_id
         where m.operator_id = %(operator_id)s order by m.id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {
        row["ref"]: _thing(
            row,
            {
                "title": row["title"],
                "vehicle_type": row["vehicle_type"],
                "tariff": row["tariff"],
                "addons": row["addons"],
                **row["spec"],
            },
        )
        for row in rows
    }


async def _subscriptions(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        "select ref, title, spec, retired_at is not null as is_retired from subscription_plan"
        " where operator_id = %(operator_id)s order by id limit %(limit)s",
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {row["ref"]: _thing(row, {"title": row["title"], **row["spec"]}) for row in rows}


async def _packages(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        "select ref, title, spec, retired_at is not null as is_retired from package"
        " where operator_id = %(operator_id)s order by id limit %(limit)s",
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {row["ref"]: _thing(row, {"title": row["title"], **row["spec"]}) for row in rows}


async def _groups(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        "select ref, title, spec, retired_at is not null as is_retired from discount_group"
        " where operator_id = %(operator_id)s order by id limit %(limit)s",
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {row["ref"]: _thing(row, {"title": row["title"], **row["spec"]}) for row in rows}


async def _promo_codes(tx: Tx, operator_id: OperatorId, named: Sequence[str]) -> dict[str, Any]:
    """`promo_codes` and `stopped_codes`: of staff's codes only those that the folder names."""
    rows = await tx.dicts(
        """
        select code as ref, title, spec, from_folder, retired_at is not null as is_retired,
               retired_by is distinct from %(apply)s and retired_at is not null as is_stopped
          from promo_code
         where operator_id = %(operator_id)s and (from_folder or code = any(%(named)s))
         order by id limit %(limit)s
        """,
        {"operator_id": operator_id, "named": list(named), "apply": CAUSE, "limit": MAX_READ},
    )
    return {
        "promo_codes": {
            row["ref"]: _thing(row, {"title": row["title"], "from_folder": row["from_folder"], **row["spec"]})
            for row in rows
        },
        "stopped_codes": frozenset(row["ref"] for row in rows if row["is_stopped"]),
    }


async def _zones(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        """
        select ref, zone_type, title, color, area, lat, lon, radius_m, vehicle_types, spec,
               retired_at is not null as is_retired
          from zone where operator_id = %(operator_id)s order by id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {
        row["ref"]: _thing(
            row,
            {
                "zone_type": row["zone_type"],
                "title": row["title"],
                "color": row["color"],
                "shape": row["area"] if row["area"] is not None else [row["lon"], row["lat"], row["radius_m"]],
                "vehicle_types": row["vehicle_types"],
                **row["spec"],
            },
        )
        for row in rows
    }


async def _vehicles(tx: Tx, operator_id: OperatorId) -> dict[str, StoredVehicle]:
    rows = await tx.tuples(
        """
        select v.nr, m.ref, d.identity, v.manual_locker_code, v.status, v.held_by,
               v.status = 'DEPRECATED' and coalesce((
                   select c.cause = %(cause)s from vehicle_status_change c
                    where c.operator_id = v.operator_id and c.vehicle_id = v.id order by c.id desc limit 1), false)
          from vehicle v
          join vehicle_model m on m.operator_id = v.operator_id and m.id = v.model_id
          left join device d on d.operator_id = v.operator_id and d.id = v.device_id
         where v.operator_id = %(operator_id)s order by v.id limit %(limit)s
        """,
        {"operator_id": operator_id, "cause": CAUSE, "limit": MAX_READ},
    )
    bookings = await booked_vehicles(tx, operator_id)
    return {
        nr: StoredVehicle(
            model=model,
            device_identity=identity,
            manual_locker_code=code,
            status=status,
            held_by=held_by,
            was_retired_here=was_retired_here,
            bookings=bookings.get(nr, 0),
        )
        for nr, model, identity, code, status, held_by, was_retired_here in rows
    }


async def device_ids(tx: Tx, operator_id: OperatorId, identities: Sequence[str]) -> dict[str, DeviceId]:
    """The operator's devices of these identities."""
    rows = await tx.tuples(
        "select identity, id from device"
        " where operator_id = %(operator_id)s and protocol = %(protocol)s and identity = any(%(identities)s)",
        {"operator_id": operator_id, "protocol": PROTOCOL, "identities": list(identities)},
    )
    return {identity: DeviceId(device_id) for identity, device_id in rows}


async def _has_money(tx: Tx, operator_id: OperatorId) -> bool:
    found: bool = await tx.scalar(
        "select exists (select from ledger_account where operator_id = %(operator_id)s)"
        " or exists (select from ride where operator_id = %(operator_id)s)"
        " or exists (select from booking where operator_id = %(operator_id)s)",
        {"operator_id": operator_id},
    )
    return found


def _thing(row: dict[str, Any], fields: dict[str, Any]) -> StoredThing:
    return StoredThing(fields=fields, is_retired=row["is_retired"])
