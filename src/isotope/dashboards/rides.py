"""Rides for a dashboard, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, LiteralString

from isotope.dashboards.found import RIDER_TEXT, find_riders, find_vehicles
from isotope.dashboards.paging import Paging, Slice
from isotope.dashboards.ranges import Range
from isotope.dashboards.scope import Scope
from isotope.dashboards.search import Search
from isotope.dashboards.where import Where
from isotope.infra.db import Tx
from isotope.kernel.ids import ModelId, RideId, RiderId, VehicleId


class Stage(StrEnum):
    """Rides that go on, that ended, and of these those whose end staff are to look at."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"
    IN_REVIEW = "IN_REVIEW"


# The first condition of each is that of a partial index.
_STAGES: Final[dict[Stage, LiteralString]] = {
    Stage.ACTIVE: "r.status not in ('ENDED', 'FAILED') and r.started_at is not null",
    Stage.ENDED: "r.status = 'ENDED'",
    Stage.IN_REVIEW: "r.review_status = 'IN_REVIEW'",
}
NOT_RATED: Final = "NOT_RATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichRides:
    """`since`, `until`: when they were begun. `duration_min` of a ride that goes on: until now.

    `with_comment`: whether the rider wrote something; None: either. `parking`: qualities, and `NOT_RATED`; empty: all.
    `search_people`: riders, too, not only numbers.
    """

    stage: Stage
    search: Search | None = None
    search_people: bool = True
    since: datetime | None = None
    until: datetime | None = None
    distance_km: Range | None = None
    duration_min: Range | None = None
    rating: Range | None = None
    model_ids: Sequence[int] | None = None
    with_comment: bool | None = None
    parking: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RideRow:
    """A ride, its vehicle and its rider. Amounts are minor units; None while it goes on."""

    id: RideId
    requested_at: datetime
    started_at: datetime
    ended_at: datetime | None
    status: str
    outcome: str | None
    vehicle_id: VehicleId
    nr: str
    model_id: ModelId
    rider_id: RiderId
    name: str
    email: str
    phone_prefix: str
    phone: str
    currency: str
    distance_m: int | None
    start_lat: float
    start_lon: float
    end_lat: float | None
    end_lon: float | None
    total_minor: int | None
    charged_bonus_minor: int | None
    charged_balance_minor: int | None
    charged_card_minor: int
    card_pending_minor: int
    debt_minor: int | None
    rating: int | None
    comment: str | None
    review_status: str | None
    review_reasons: Sequence[str]
    parking_quality: str | None


async def list_rides(tx: Tx, scope: Scope, which: WhichRides, paging: Paging, now: datetime) -> Slice[RideRow]:
    """A page of them, by the index that fits.

    ride_newest, ride_under_way, ride_in_review, ride_of_subaccount, ride_by_model, ride_by_rating, ride_with_comment,
    ride_by_parking, ride_by_distance, ride_by_duration, ride_rider, ride_vehicle.
    """
    where = Where("r.operator_id = %(operator_id)s")
    where.add(_STAGES[which.stage])
    if scope.subaccount_id is not None:
        where.add("r.subaccount_id = %(subaccount_id)s")
    where.days("r.requested_at", which.since, which.until)
    where.bounds("r.distance_m", which.distance_km, "distance", 1_000.0)
    _add_duration(where, which, now)
    where.bounds("r.rating", which.rating, "rating")
    if which.model_ids is not None:
        where.add("r.model_id = any(%(model_ids)s)", model_ids=list(which.model_ids))
    if which.with_comment is not None:
        where.add("r.has_comment" if which.with_comment else "not r.has_comment")
    if which.parking:
        named = [one for one in which.parking if one != NOT_RATED]
        rated = "r.parking_quality = any(%(parking)s)"
        where.add(
            f"({rated} or r.parking_quality is null)" if NOT_RATED in which.parking else rated,
            parking=named,
        )
    if which.search is not None:
        await _add_search(tx, scope, which.search, where, search_people=which.search_people)
    rows = await tx.dicts(
        f"""
        select page.*, v.nr, u.name, u.email, u.phone_prefix, u.phone, a.comment
          from (select r.operator_id, r.id, r.requested_at, r.started_at, r.ended_at, r.status, r.outcome, r.vehicle_id,
                       r.model_id, r.rider_id, r.currency, r.distance_m, r.start_lat, r.start_lon, r.end_lat, r.end_lon,
                       r.total_minor, r.charged_bonus_minor, r.charged_balance_minor, r.charged_card_minor,
                       r.card_pending_minor, r.debt_minor, r.rating, r.review_status, r.review_reasons,
                       r.parking_quality
                  from ride r
                 where {where.sql}{paging.where("r.requested_at", "r.id")}{paging.order("r.requested_at", "r.id")}) page
          join vehicle v on v.operator_id = page.operator_id and v.id = page.vehicle_id
          join rider u on u.operator_id = page.operator_id and u.id = page.rider_id
          left join ride_rating a on a.operator_id = page.operator_id and a.ride_id = page.id
         order by page.requested_at {paging.direction}, page.id {paging.direction}
        """,
        {**scope.params, **where.params, **paging.params},
    )
    return paging.slice([RideRow(**{name: row[name] for name in row if name != "operator_id"}) for row in rows])


def _add_duration(where: Where, which: WhichRides, now: datetime) -> None:
    """As an interval, which is what ride_by_duration has."""
    wanted = which.duration_min
    if wanted is None:
        return
    lasted: LiteralString = "(r.ended_at - r.started_at)"
    if which.stage is Stage.ACTIVE:
        lasted = "(%(now)s::timestamptz - r.started_at)"
        where.params["now"] = now
    if wanted.low is not None:
        where.add(f"{lasted} >= %(lasted_low)s", lasted_low=_minutes(wanted.low))
    if wanted.high is not None:
        where.add(f"{lasted} <= %(lasted_high)s", lasted_high=_minutes(wanted.high))


def _minutes(count: float) -> timedelta:
    # No ride lasts centuries, and no interval more.
    return timedelta(minutes=max(-1e8, min(1e8, count)))


async def _add_search(tx: Tx, scope: Scope, search: Search, where: Where, *, search_people: bool) -> None:
    """By the ride's number, its vehicle's number or IMEI, its rider."""
    parts: list[LiteralString] = ["r.id = %(searched_number)s"]
    where.params |= search.params
    vehicles = await find_vehicles(tx, scope, search)
    if vehicles is None:
        parts.append(
            f"""
            exists (select from vehicle v left join device d on d.operator_id = v.operator_id and d.id = v.device_id
                     where v.operator_id = r.operator_id and v.id = r.vehicle_id
                       and ({search.matches("fold(v.nr)")} or {search.matches("fold(d.identity)")}))
            """
        )
    elif vehicles:
        parts.append("r.vehicle_id = any(%(found_vehicles)s)")
        where.params["found_vehicles"] = vehicles
    riders = await find_riders(tx, scope, search) if search_people else []
    if riders is None:
        parts.append(
            f"""
            exists (select from rider u where u.operator_id = r.operator_id and u.id = r.rider_id
                       and u.status <> 'DELETED' and {search.matches(RIDER_TEXT)})
            """
        )
    elif riders:
        parts.append("r.rider_id = any(%(found_riders)s)")
        where.params["found_riders"] = riders
    where.add("(" + " or ".join(parts) + ")")
