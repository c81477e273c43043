"""What provisioning writes: stations, tariffs, packages, add-ons, models that are rented. Ids are stable by ref.

Nothing is ever deleted, since bookings refer to it: what an operator no longer names is retired, and comes back under
its old id when it is named again. What is so already is not written. Bookings keep what was agreed.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.fleet import UnknownRefError
from isotope.domain.rental import errors
from isotope.domain.rental.model import (
    RentalAddonDraft,
    RentalAddonId,
    RentalModelDraft,
    RentalPackageDraft,
    RentalPackageId,
    RentalTariffDraft,
    RentalTariffId,
    StationDraft,
    StationId,
)
from isotope.infra.db import Tx
from isotope.kernel.ids import ModelId, OperatorId


async def upsert_station(tx: Tx, operator_id: OperatorId, draft: StationDraft) -> StationId:
    """The station as described, under the id that its ref has."""
    params = _params(operator_id, draft.ref, draft.title, draft.spec) | {
        "lat": draft.point.lat,
        "lon": draft.point.lon,
        "area": None if draft.area is None else Jsonb(draft.area),
        "radius_m": draft.radius_m,
    }
    await tx.execute(
        """
        insert into rental_zone as z (operator_id, ref, title, lat, lon, area, radius_m, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(lat)s, %(lon)s, %(area)s, %(radius_m)s, %(spec)s)
        on conflict (operator_id, ref) do update set
            title = excluded.title, lat = excluded.lat, lon = excluded.lon, area = excluded.area,
            radius_m = excluded.radius_m, spec = excluded.spec, retired_at = null
         where (z.title, z.lat, z.lon, z.area, z.radius_m, z.spec, z.retired_at) is distinct from
               (excluded.title, excluded.lat, excluded.lon, excluded.area, excluded.radius_m, excluded.spec, null)
        """,
        params,
    )
    return StationId(
        await tx.scalar("select id from rental_zone where operator_id = %(operator_id)s and ref = %(ref)s", params)
    )


async def upsert_rental_tariff(tx: Tx, operator_id: OperatorId, draft: RentalTariffDraft) -> RentalTariffId:
    """The tariff as described, under the id that its ref has."""
    params = _params(operator_id, draft.ref, draft.title, draft.spec)
    await tx.execute(
        """
        insert into rental_tariff as t (operator_id, ref, title, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(spec)s)
        on conflict (operator_id, ref) do update set title = excluded.title, spec = excluded.spec, retired_at = null
         where (t.title, t.spec, t.retired_at) is distinct from (excluded.title, excluded.spec, null)
        """,
        params,
    )
    return RentalTariffId(
        await tx.scalar("select id from rental_tariff where operator_id = %(operator_id)s and ref = %(ref)s", params)
    )


async def upsert_rental_package(tx: Tx, operator_id: OperatorId, draft: RentalPackageDraft) -> RentalPackageId:
    """The package as described, under the id that its ref has."""
    params = _params(operator_id, draft.ref, draft.title, draft.spec)
    await tx.execute(
        """
        insert into rental_package as p (operator_id, ref, title, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(spec)s)
        on conflict (operator_id, ref) do update set title = excluded.title, spec = excluded.spec, retired_at = null
         where (p.title, p.spec, p.retired_at) is distinct from (excluded.title, excluded.spec, null)
        """,
        params,
    )
    return RentalPackageId(
        await tx.scalar("select id from rental_package where operator_id = %(operator_id)s and ref = %(ref)s", params)
    )


async def upsert_rental_addon(tx: Tx, operator_id: OperatorId, draft: RentalAddonDraft) -> RentalAddonId:
    """The add-on as described, under the id that its ref has."""
    params = _params(operator_id, draft.ref, draft.title, draft.spec)
    await tx.execute(
        """
        insert into rental_addon as a (operator_id, ref, title, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(spec)s)
        on conflict (operator_id, ref) do update set title = excluded.title, spec = excluded.spec, retired_at = null
         where (a.title, a.spec, a.retired_at) is distinct from (excluded.title, excluded.spec, null)
        """,
        params,
    )
    return RentalAddonId(
        await tx.scalar("select id from rental_addon where operator_id = %(operator_id)s and ref = %(ref)s", params)
    )


async def upsert_rental_model(tx: Tx, operator_id: OperatorId, draft: RentalModelDraft) -> ModelId:
    """The model can be rented for the tariff; both are there already.

    Raises:
        UnknownRefError: a ref that names no model or no rental tariff of the operator that is offered.
    """
    params = {
        "operator_id": operator_id,
        "model_ref": draft.model_ref,
        "tariff_ref": draft.tariff_ref,
        "spec": Jsonb(msgspec.to_builtins(draft.spec)),
    }
    model_id = await tx.scalar(
        """
        select (select id from vehicle_model
                 where operator_id = %(operator_id)s and ref = %(model_ref)s and retired_at is null)
        """,
        params,
    )
    tariff_id = await tx.scalar(
        """
        select (select id from rental_tariff
                 where operator_id = %(operator_id)s and ref = %(tariff_ref)s and retired_at is null)
        """,
        params,
    )
    if model_id is None:
        raise UnknownRefError("vehicle_model", [draft.model_ref])
    if tariff_id is None:
        raise UnknownRefError("rental_tariff", [draft.tariff_ref])
    await tx.execute(
        """
        insert into rental_model as m (operator_id, model_id, tariff_id, spec)
        values (%(operator_id)s, %(model_id)s, %(tariff_id)s, %(spec)s)
        on conflict (operator_id, model_id) do update set
            tariff_id = excluded.tariff_id, spec = excluded.spec, retired_at = null
         where (m.tariff_id, m.spec, m.retired_at) is distinct from (excluded.tariff_id, excluded.spec, null)
        """,
        params | {"model_id": model_id, "tariff_id": tariff_id},
    )
    return ModelId(model_id)


async def retire_stations(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """No new bookings there; how many were offered. Their vehicles belong to no station until they stand in another.

    Raises:
        Refusal: `station_has_bookings`: somebody will come there, or bring something back.
    """
    params = {"operator_id": operator_id, "refs": list(refs), "now": now}
    left = await tx.scalar(
        """
        select count(*) from booking b
          join rental_zone z on z.operator_id = b.operator_id and z.id = b.zone_id
         where b.operator_id = %(operator_id)s and z.ref = any(%(refs)s)
           and b.status in ('AWAITING_PAYMENT', 'UPCOMING', 'ACTIVE')
        """,
        params,
    )
    if left:
        raise errors.station_has_bookings(sorted(refs), left)
    retired = await tx.execute(
        """
        update rental_zone set retired_at = %(now)s
         where operator_id = %(operator_id)s and ref = any(%(refs)s) and retired_at is null
        """,
        params,
    )
    await tx.execute(
        """
        delete from rental_vehicle v using rental_zone z
         where v.operator_id = %(operator_id)s and z.operator_id = v.operator_id and z.id = v.zone_id
           and z.ref = any(%(refs)s)
        """,
        params,
    )
    return retired


async def retire_rental_tariffs(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """Offer these no longer; how many were offered."""
    return await tx.execute(
        """
        update rental_tariff set retired_at = %(now)s
         where operator_id = %(operator_id)s and ref = any(%(refs)s) and retired_at is null
        """,
        {"operator_id": operator_id, "refs": list(refs), "now": now},
    )


async def retire_rental_packages(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """Offer these no longer; how many were offered."""
    return await tx.execute(
        """
        update rental_package set retired_at = %(now)s
         where operator_id = %(operator_id)s and ref = any(%(refs)s) and retired_at is null
        """,
        {"operator_id": operator_id, "refs": list(refs), "now": now},
    )


async def retire_rental_addons(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """Offer these no longer; how many were offered."""
    return await tx.execute(
        """
        update rental_addon set retired_at = %(now)s
         where operator_id = %(operator_id)s and ref = any(%(refs)s) and retired_at is null
        """,
        {"operator_id": operator_id, "refs": list(refs), "now": now},
    )


async def retire_rental_models(tx: Tx, operator_id: OperatorId, model_refs: Collection[str], now: datetime) -> int:
    """Rent these models out no longer; how many were. They can go on being shared.

    Raises:
        Refusal: `model_has_bookings`: some are booked, or out.
    """
    params = {"operator_id": operator_id, "refs": list(model_refs), "now": now}
    left = await tx.scalar(
        """
        select count(*) from booking b
          join vehicle_model m on m.operator_id = b.operator_id and m.id = b.model_id
         where b.operator_id = %(operator_id)s and m.ref = any(%(refs)s)
           and b.status in ('AWAITING_PAYMENT', 'UPCOMING', 'ACTIVE')
        """,
        params,
    )
    if left:
        raise errors.model_has_bookings(sorted(model_refs), left)
    return await tx.execute(
        """
        update rental_model r set retired_at = %(now)s from vehicle_model m
         where r.operator_id = %(operator_id)s and m.operator_id = r.operator_id and m.id = r.model_id
           and m.ref = any(%(refs)s) and r.retired_at is null
        """,
        params,
    )


def _params(operator_id: OperatorId, ref: str, title: str, spec: msgspec.Struct) -> dict[str, Any]:
    return {"operator_id": operator_id, "ref": ref, "title": title, "spec": Jsonb(msgspec.to_builtins(spec))}
