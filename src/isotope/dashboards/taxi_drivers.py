"""Drivers of taxis for a dashboard, the newest first: which ones; `taxi.show_drivers` has the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.dashboards.paging import Paging, Slice
from isotope.dashboards.scope import Scope
from isotope.dashboards.search import Search
from isotope.dashboards.where import Where
from isotope.domain.drivers.model import Presence
from isotope.infra.db import Tx
from isotope.kernel.ids import DriverId

_TABLES: Final = "driver d left join driver_state s on s.operator_id = d.operator_id and s.driver_id = d.id"
_PRESENCE: Final = """
    case when not coalesce(s.is_online, false) then 'OFFLINE'
         when s.seen_at >= %(heard_since)s then 'ONLINE' else 'NO_CONNECTION' end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichTaxiDrivers:
    """`presences` empty: all. `class_ids`: whose trips they take, online or not; None: any.

    `search_people`: by name, too, not only by the plates that they may drive.
    """

    presences: Sequence[Presence] = ()
    search: Search | None = None
    search_people: bool = True
    class_ids: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class FoundDriver:
    """What the list is sorted by."""

    created_at: datetime
    id: DriverId


async def list_taxi_drivers(
    tx: Tx, scope: Scope, which: WhichTaxiDrivers, paging: Paging, *, heard_since: datetime, offset: int = 0
) -> tuple[Slice[FoundDriver], int]:
    """A page of them, and how many there are. An operator's drivers are hundreds: all are looked at, by driver_name."""
    where = Where("d.operator_id = %(operator_id)s and d.status <> 'RETIRED'")
    where.params["heard_since"] = heard_since
    if which.presences:
        where.add(f"{_PRESENCE} = any(%(presences)s)", presences=[one.value for one in which.presences])
    if which.class_ids is not None:
        where.add("s.class_ids && %(class_ids)s::bigint[]", class_ids=list(which.class_ids))
    if which.search is not None:
        by_plate = f"""
            exists (select from driver_vehicle dv
                      join taxi_vehicle w on w.operator_id = dv.operator_id and w.id = dv.vehicle_id
                     where dv.operator_id = d.operator_id and dv.driver_id = d.id
                       and {which.search.matches("fold(w.plate)")})
        """
        by_name = f"{which.search.matches('fold(d.name)')} or " if which.search_people else ""
        where.add(f"({by_name}{by_plate})", **which.search.params)
    params = {**scope.params, **where.params, **paging.params, "offset": offset}
    count: int = await tx.scalar(f"select count(*) from {_TABLES} where {where.sql}", params)
    rows = await tx.tuples(
        f"""
        select d.created_at, d.id from {_TABLES}
         where {where.sql}{paging.where("d.created_at", "d.id")}{paging.order("d.created_at", "d.id")} offset %(offset)s
        """,
        params,
    )
    return paging.slice([FoundDriver(at, DriverId(driver_id)) for at, driver_id in rows]), count
