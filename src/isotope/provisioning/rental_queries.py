"""Reading what the store has of rentals, in the folder's words."""

from typing import Any, Final

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId
from isotope.provisioning.current import StoredThing
from isotope.provisioning.limits import MAX_READ

# Bookings ahead and under way; the closed ones, which are most, are left out by booking_open.
_OPEN: Final = "b.operator_id = %(operator_id)s and b.status in ('AWAITING_PAYMENT', 'UPCOMING', 'ACTIVE')"


async def read_rentals(tx: Tx, operator_id: OperatorId) -> dict[str, Any]:
    """The fields of `Current` that are about rentals."""
    return {
        "rental_tariffs": await _tariffs(tx, operator_id),
        "rental_packages": await _packages(tx, operator_id),
        "rental_addons": await _addons(tx, operator_id),
        "rental_models": await _models(tx, operator_id),
        "stations": await _stations(tx, operator_id),
    }


async def booked_vehicles(tx: Tx, operator_id: OperatorId) -> dict[str, int]:
    """How many bookings are ahead or under way, by the number of the vehicle."""
    rows = await tx.tuples(
        f"""
        select v.nr, count(*) from booking b join vehicle v on v.operator_id = b.operator_id and v.id = b.vehicle_id
         where {_OPEN} group by v.nr limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return dict(rows)


async def _tariffs(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        "select ref, title, spec, retired_at is not null as is_retired from rental_tariff"
        " where operator_id = %(operator_id)s order by id limit %(limit)s",
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {row["ref"]: _titled(row) for row in rows}


async def _packages(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        "select ref, title, spec, retired_at is not null as is_retired from rental_package"
        " where operator_id = %(operator_id)s order by id limit %(limit)s",
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {row["ref"]: _titled(row) for row in rows}


async def _addons(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        "select ref, title, spec, retired_at is not null as is_retired from rental_addon"
        " where operator_id = %(operator_id)s order by id limit %(limit)s",
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {row["ref"]: _titled(row) for row in rows}


async def _models(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        f"""
        with booked as (select b.model_id, count(*) as bookings from booking b where {_OPEN} group by b.model_id)
        select m.ref, t.ref as priced_by, r.spec, r.retired_at is not null as is_retired,
               coalesce(k.bookings, 0) as bookings
          from rental_model r
          join vehicle_model m on m.operator_id = r.operator_id and m.id = r.model_id
          join rental_tariff t on t.operator_id = r.operator_id and t.id = r.tariff_id
          left join booked k on k.model_id = r.model_id
         where r.operator_id = %(operator_id)s order by r.model_id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {
        row["ref"]: StoredThing(
            fields={"priced_by": row["priced_by"], **row["spec"]},
            is_retired=row["is_retired"],
            bookings=row["bookings"],
        )
        for row in rows
    }


async def _stations(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        f"""
        with booked as (select b.zone_id, count(*) as bookings from booking b where {_OPEN} group by b.zone_id)
        select z.ref, z.title, z.lat, z.lon, z.area, z.radius_m, z.spec, z.retired_at is not null as is_retired,
               coalesce(k.bookings, 0) as bookings
          from rental_zone z left join booked k on k.zone_id = z.id
         where z.operator_id = %(operator_id)s order by z.id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {
        row["ref"]: StoredThing(
            fields={
                "title": row["title"],
                "pin": [row["lon"], row["lat"]],
                "shape": row["area"] if row["area"] is not None else [row["lon"], row["lat"], row["radius_m"]],
                **row["spec"],
            },
            is_retired=row["is_retired"],
            bookings=row["bookings"],
        )
        for row in rows
    }


def _titled(row: dict[str, Any]) -> StoredThing:
    return StoredThing(fields={"title": row["title"], **row["spec"]}, is_retired=row["is_retired"])
