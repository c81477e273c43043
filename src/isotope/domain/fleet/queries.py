"""Reading the catalogue and the fleet."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from isotope.domain.fleet import errors
from isotope.domain.fleet.model import (
    AddonOffer,
    LockedVehicle,
    Offers,
    StatusChange,
    TariffOffer,
    VehicleModel,
    VehicleOffer,
    VehicleStatus,
)
from isotope.domain.fleet.rows import (
    MODEL_COLUMNS,
    STATE_COLUMNS,
    VEHICLE_COLUMNS,
    locked_vehicle_row,
    model_of,
    state_of,
    vehicle_of,
)
from isotope.domain.pricing.model import AddonPrice, Tariff
from isotope.infra.db import Tx
from isotope.kernel.ids import AddonId, DeviceId, ModelId, OperatorId, SubaccountId, TariffId, VehicleId

MAX_LISTED: Final = 1_000

# The add-ons in the order in which the model names them, without those that were retired.
_OFFER_COLUMNS: Final = """
    t.spec as tariff_spec,
    (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'ref', a.ref, 'title', a.title, 'price', a.spec)
                               order by array_position(m.addon_ids, a.id)), '[]')
       from addon a
      where a.operator_id = m.operator_id and a.id = any(m.addon_ids) and a.retired_at is null) as addons
"""


async def offers_of(tx: Tx, operator_id: OperatorId, model: VehicleModel) -> Offers:
    """What the model costs now, in one statement."""
    row = await tx.dicts(
        f"""
        select {_OFFER_COLUMNS}
          from vehicle_model m
          join tariff t on t.operator_id = m.operator_id and t.id = m.tariff_id
         where m.operator_id = %(operator_id)s and m.id = %(model_id)s
        """,
        {"operator_id": operator_id, "model_id": model.id},
    )
    if not row:
        raise errors.model_not_found()
    return _offers(operator_id, row[0])


async def get_vehicle_offer(
    tx: Tx, operator_id: OperatorId, *, vehicle_id: VehicleId | None = None, nr: str | None = None
) -> VehicleOffer:
    """A vehicle with its model, its state, its price and its add-ons, in one statement.

    Raises:
        Refusal: `vehicle_not_found`, `vehicle_not_named`.
    """
    if vehicle_id is None and nr is None:
        raise errors.vehicle_not_named()
    rows = await tx.dicts(
        f"""
        select {VEHICLE_COLUMNS}, {MODEL_COLUMNS}, {STATE_COLUMNS}, {_OFFER_COLUMNS}
          from vehicle v
          join vehicle_model m on m.operator_id = v.operator_id and m.id = v.model_id
          join tariff t on t.operator_id = m.operator_id and t.id = m.tariff_id
          left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
         where v.operator_id = %(operator_id)s
           and (v.id = %(vehicle_id)s or %(vehicle_id)s::bigint is null)
           and (v.nr = %(nr)s or %(nr)s::text is null)
        """,
        {"operator_id": operator_id, "vehicle_id": vehicle_id, "nr": nr},
    )
    if not rows:
        raise errors.vehicle_not_found()
    row = rows[0]
    return VehicleOffer(
        model=model_of(row), offers=_offers(operator_id, row), vehicle=vehicle_of(row), state=state_of(row)
    )


async def get_model_offer(tx: Tx, operator_id: OperatorId, model_id: ModelId) -> VehicleOffer:
    """A model that is still offered, with its price and its add-ons, in one statement.

    Raises:
        Refusal: `model_not_found`.
    """
    rows = await tx.dicts(
        f"""
        select m.operator_id, m.id as model_id, {MODEL_COLUMNS}, {_OFFER_COLUMNS}
          from vehicle_model m
          join tariff t on t.operator_id = m.operator_id and t.id = m.tariff_id
         where m.operator_id = %(operator_id)s and m.id = %(model_id)s and m.retired_at is null
        """,
        {"operator_id": operator_id, "model_id": model_id},
    )
    if not rows:
        raise errors.model_not_found()
    return VehicleOffer(model=model_of(rows[0]), offers=_offers(operator_id, rows[0]))


async def list_models(tx: Tx, operator_id: OperatorId) -> list[VehicleModel]:
    """The models that are still offered, by title; at most `MAX_LISTED`."""
    rows = await tx.dicts(
        f"""
        select m.operator_id, m.id as model_id, {MODEL_COLUMNS} from vehicle_model m
         where m.operator_id = %(operator_id)s and m.retired_at is null
         order by m.title, m.id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_LISTED},
    )
    return [model_of(row) for row in rows]


async def list_addons(tx: Tx, operator_id: OperatorId) -> list[AddonOffer]:
    """The add-ons that are still offered, by title; at most `MAX_LISTED`."""
    rows = await tx.dicts(
        """
        select id, ref, title, spec as price from addon
         where operator_id = %(operator_id)s and retired_at is null order by title, id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_LISTED},
    )
    return [_addon(operator_id, row) for row in rows]


async def list_tariffs(tx: Tx, operator_id: OperatorId) -> list[TariffOffer]:
    """The tariffs that are still offered, alone or by a model that is, by title; at most `MAX_LISTED`."""
    rows = await tx.dicts(
        """
        select t.id, t.ref, t.title, t.spec from tariff t
         where t.operator_id = %(operator_id)s
           and (t.retired_at is null
                or exists (select from vehicle_model m
                            where m.operator_id = t.operator_id and m.tariff_id = t.id and m.retired_at is null))
         order by t.title, t.id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_LISTED},
    )
    return [
        TariffOffer(
            operator_id=operator_id,
            id=TariffId(row["id"]),
            ref=row["ref"],
            title=row["title"],
            tariff=msgspec.convert(row["spec"], Tariff),
        )
        for row in rows
    ]


async def list_vehicles(tx: Tx, operator_id: OperatorId, vehicle_ids: list[VehicleId]) -> list[VehicleOffer]:
    """Those of the ids that exist, with model, price, add-ons and state, in one statement; at most `MAX_LISTED`."""
    rows = await tx.dicts(
        f"""
        select {VEHICLE_COLUMNS}, {MODEL_COLUMNS}, {STATE_COLUMNS}, {_OFFER_COLUMNS}
          from vehicle v
          join vehicle_model m on m.operator_id = v.operator_id and m.id = v.model_id
          join tariff t on t.operator_id = m.operator_id and t.id = m.tariff_id
          left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
         where v.operator_id = %(operator_id)s and v.id = any(%(vehicle_ids)s)
         order by v.id limit %(limit)s
        """,
        {"operator_id": operator_id, "vehicle_ids": vehicle_ids, "limit": MAX_LISTED},
    )
    return [
        VehicleOffer(
            model=model_of(row), offers=_offers(operator_id, row), vehicle=vehicle_of(row), state=state_of(row)
        )
        for row in rows
    ]


async def list_in_use(tx: Tx, vehicles: Sequence[tuple[OperatorId, VehicleId]]) -> list[LockedVehicle]:
    """Those of the vehicles, of whichever operators, that a journey has now, with model and state; none is locked."""
    return await tx.all(
        locked_vehicle_row,
        f"""
        select {VEHICLE_COLUMNS}, {MODEL_COLUMNS}, {STATE_COLUMNS}
          from unnest(%(operator_ids)s::bigint[], %(vehicle_ids)s::bigint[]) as given (operator_id, vehicle_id)
          join vehicle v on v.operator_id = given.operator_id and v.id = given.vehicle_id and v.status = 'IN_USE'
          join vehicle_model m on m.operator_id = v.operator_id and m.id = v.model_id
          left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
        """,
        {"operator_ids": [operator_id for operator_id, _ in vehicles], "vehicle_ids": [id_ for _, id_ in vehicles]},
    )


async def find_vehicle_of_device(tx: Tx, operator_id: OperatorId, device_id: DeviceId) -> VehicleId | None:
    """The vehicle that the device sits in."""
    found: VehicleId | None = await tx.scalar(
        "select id from vehicle where operator_id = %(operator_id)s and device_id = %(device_id)s",
        {"operator_id": operator_id, "device_id": device_id},
    )
    return found


async def list_status_changes(
    tx: Tx, operator_id: OperatorId, vehicle_id: VehicleId, limit: int = 100
) -> list[StatusChange]:
    """The vehicle's log, newest first."""
    rows = await tx.dicts(
        """
        select from_status, to_status, actor, cause, at from vehicle_status_change
         where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s order by id desc limit %(limit)s
        """,
        {"operator_id": operator_id, "vehicle_id": vehicle_id, "limit": min(limit, MAX_LISTED)},
    )
    return [
        StatusChange(
            from_status=VehicleStatus(row["from_status"]),
            to_status=VehicleStatus(row["to_status"]),
            actor=row["actor"],
            cause=row["cause"],
            at=row["at"],
        )
        for row in rows
    ]


def _offers(operator_id: OperatorId, row: dict[str, Any]) -> Offers:
    return Offers(
        tariff=msgspec.convert(row["tariff_spec"], Tariff),
        addons=tuple(_addon(operator_id, addon) for addon in row["addons"]),
    )


def _addon(operator_id: OperatorId, row: dict[str, Any]) -> AddonOffer:
    return AddonOffer(
        operator_id=operator_id,
        id=AddonId(row["id"]),
        ref=row["ref"],
        title=row["title"],
        price=msgspec.convert(row["price"], AddonPrice),
    )


async def must_be_of(
    tx: Tx, operator_id: OperatorId, vehicle_id: VehicleId, subaccount_id: SubaccountId | None
) -> None:
    """Whether the vehicle belongs to the subaccount; None: everything of the operator does.

    Raises:
        Refusal: `vehicle_not_found`.
    """
    if subaccount_id is None:
        return
    is_its = await tx.scalar(
        """
        select exists (select from vehicle where operator_id = %(operator_id)s and id = %(id)s
                          and subaccount_id = %(subaccount_id)s)
        """,
        {"operator_id": operator_id, "id": vehicle_id, "subaccount_id": subaccount_id},
    )
    if not is_its:
        raise errors.vehicle_not_found()
