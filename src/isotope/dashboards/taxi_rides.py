"""Trips of taxis for a dashboard, newest first: which ones, by their numbers; `taxi.show_trips` has the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from isotope.dashboards.found import MOST_FOUND, RIDER_TEXT, find_riders
from isotope.dashboards.paging import Paging, Slice
from isotope.dashboards.ranges import Range
from isotope.dashboards.scope import Scope
from isotope.dashboards.search import Search
from isotope.dashboards.where import Where
from isotope.domain.taxi.model import TripStatus
from isotope.infra.db import Tx
from isotope.kernel.ids import TripId

# As they are shown: quoted, of an ended trip what it was.
_DISTANCE_M: Final = """
    case when t.status = 'ENDED' and t.driven_m > 0 then t.driven_m else (t.terms ->> 'distance_m')::float8 end
"""
_DURATION_S: Final = """
    case when t.status = 'ENDED' then extract(epoch from t.ended_at - t.started_at)
         else (t.terms ->> 'duration_s')::float8 end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichTaxiRides:
    """`since`, `until`: when they were requested, the end left out. Distances in km, durations in minutes.

    `with_comment`: whether the rider wrote something with the rating; None: either. `search_people`: riders, too.
    """

    statuses: Sequence[TripStatus]
    search: Search | None = None
    search_people: bool = True
    since: datetime | None = None
    until: datetime | None = None
    distance_km: Range | None = None
    duration_min: Range | None = None
    rating: Range | None = None
    class_ids: Sequence[int] | None = None
    with_comment: bool | None = None


@dataclass(frozen=True, slots=True)
class FoundTrip:
    """What the list is sorted by."""

    requested_at: datetime
    id: TripId


async def list_taxi_rides(tx: Tx, scope: Scope, which: WhichTaxiRides, paging: Paging) -> Slice[FoundTrip]:
    """A page of them. By trip_asked, or of whom or what was searched by trip_of_rider, trip_of_driver, trip_of_vehicle."""
    where = Where("t.operator_id = %(operator_id)s")
    where.add("t.status = any(%(statuses)s)", statuses=list(which.statuses))
    where.days("t.requested_at", which.since, which.until)
    where.bounds(_DISTANCE_M, which.distance_km, "distance", 1_000.0)
    where.bounds(_DURATION_S, which.duration_min, "duration", 60.0)
    where.bounds("t.rating", which.rating, "rating")
    if which.class_ids is not None:
        where.add("t.class_id = any(%(class_ids)s)", class_ids=list(which.class_ids))
    if which.with_comment is not None:
        has = "coalesce(t.rating_comment, '') <> ''"
        where.add(has if which.with_comment else f"not ({has})")
    if which.search is not None:
        await _add_search(tx, scope, which.search, where, search_people=which.search_people)
    rows = await tx.tuples(
        f"""
        select t.requested_at, t.id from trip t
         where {where.sql}{paging.where("t.requested_at", "t.id")}{paging.order("t.requested_at", "t.id")}
        """,
        {**scope.params, **where.params, **paging.params},
    )
    return paging.slice([FoundTrip(at, TripId(trip_id)) for at, trip_id in rows])


async def _add_search(tx: Tx, scope: Scope, search: Search, where: Where, *, search_people: bool) -> None:
    """The number of a trip, its rider, its driver's name, its plate."""
    parts: list[LiteralString] = ["t.id = %(searched_number)s"]
    where.params |= search.params
    riders = await find_riders(tx, scope, search) if search_people else []
    if riders is None:
        parts.append(
            f"""
            exists (select from rider u where u.operator_id = t.operator_id and u.id = t.rider_id
                       and u.status <> 'DELETED' and {search.matches(RIDER_TEXT)})
            """
        )
    elif riders:
        parts.append("t.rider_id = any(%(found_riders)s)")
        where.params["found_riders"] = riders
    if not search.is_short:
        for name, column, text in (("driver", "driver_id", "name"), ("taxi_vehicle", "vehicle_id", "plate")):
            found = await _find(tx, scope, search, name, text)
            if found:
                parts.append(f"t.{column} = any(%(found_{name})s)")
                where.params[f"found_{name}"] = found
    where.add("(" + " or ".join(parts) + ")")


async def _find(tx: Tx, scope: Scope, search: Search, table: LiteralString, text: LiteralString) -> list[int]:
    """An operator's drivers and taxis are hundreds: all are looked at."""
    rows = await tx.tuples(
        f"""
        select id from {table} where operator_id = %(operator_id)s and {search.matches(f"fold({text})")}
         order by id desc limit %(most)s
        """,
        {**scope.params, **search.params, "most": MOST_FOUND * 10},
    )
    return [row_id for (row_id,) in rows]
