"""What can be booked, as provisioned."""

from typing import Any

import msgspec

from isotope.domain.rental.model import (
    RentalAddon,
    RentalAddonSpec,
    RentalModel,
    RentalModelSpec,
    RentalPackage,
    RentalPackageSpec,
    RentalTariff,
    Station,
    StationId,
)
from isotope.domain.rental.rows import STATION_COLUMNS, station_row
from isotope.infra.db import Tx
from isotope.kernel.ids import ModelId, OperatorId

# As many as a folder can have.
_MOST = 2_000

_MODELS = """
    select m.operator_id, m.model_id as id, v.ref, v.title, v.vehicle_type, v.spec as vehicle_spec, m.spec, m.tariff_id,
           t.title as tariff_title, t.spec as tariff
      from rental_model m
      join vehicle_model v on v.operator_id = m.operator_id and v.id = m.model_id
      join rental_tariff t on t.operator_id = m.operator_id and t.id = m.tariff_id
     where m.operator_id = %(operator_id)s and m.retired_at is null and v.retired_at is null
"""


def _model_row(*, vehicle_spec: dict[str, Any], spec: Any, tariff: Any, **columns: Any) -> RentalModel:
    return RentalModel(
        seats=vehicle_spec.get("seats", 1),
        range_km=vehicle_spec.get("range_km"),
        picture_url=vehicle_spec.get("picture_url"),
        description=vehicle_spec.get("description", ""),
        spec=msgspec.convert(spec, RentalModelSpec),
        tariff=msgspec.convert(tariff, RentalTariff),
        **columns,
    )


def _package_row(*, spec: Any, **columns: Any) -> RentalPackage:
    return RentalPackage(spec=msgspec.convert(spec, RentalPackageSpec), **columns)


def _addon_row(*, spec: Any, **columns: Any) -> RentalAddon:
    return RentalAddon(spec=msgspec.convert(spec, RentalAddonSpec), **columns)


async def list_stations(tx: Tx, operator_id: OperatorId) -> list[Station]:
    """Those that are not retired, by title."""
    return await tx.all(
        station_row,
        f"""
        select {STATION_COLUMNS} from rental_zone
         where operator_id = %(operator_id)s and retired_at is null order by title, id limit {_MOST}
        """,
        {"operator_id": operator_id},
    )


async def find_station(tx: Tx, operator_id: OperatorId, station_id: StationId) -> Station | None:
    """If it is not retired."""
    return await tx.find(
        station_row,
        f"""
        select {STATION_COLUMNS} from rental_zone
         where operator_id = %(operator_id)s and id = %(id)s and retired_at is null
        """,
        {"operator_id": operator_id, "id": station_id},
    )


async def list_rental_models(tx: Tx, operator_id: OperatorId) -> list[RentalModel]:
    """Every model that is rented, by title."""
    return await tx.all(
        _model_row, f"{_MODELS} order by v.title, m.model_id limit {_MOST}", {"operator_id": operator_id}
    )


async def find_rental_model(tx: Tx, operator_id: OperatorId, model_id: ModelId) -> RentalModel | None:
    """If it is rented."""
    return await tx.find(
        _model_row, f"{_MODELS} and m.model_id = %(model_id)s", {"operator_id": operator_id, "model_id": model_id}
    )


async def list_packages(tx: Tx, operator_id: OperatorId) -> list[RentalPackage]:
    """Those that are not retired, by title."""
    return await tx.all(
        _package_row,
        f"""
        select operator_id, id, ref, title, spec from rental_package
         where operator_id = %(operator_id)s and retired_at is null order by title, id limit {_MOST}
        """,
        {"operator_id": operator_id},
    )


async def list_addons(tx: Tx, operator_id: OperatorId) -> list[RentalAddon]:
    """Those that are not retired, by title."""
    return await tx.all(
        _addon_row,
        f"""
        select operator_id, id, ref, title, spec from rental_addon
         where operator_id = %(operator_id)s and retired_at is null order by title, id limit {_MOST}
        """,
        {"operator_id": operator_id},
    )
