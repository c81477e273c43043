"""Running rides as they are looked at again and again, and since when their vehicles stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.domain.sharing.auto import Standstill
from isotope.infra.db import Tx
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, RideId

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Running:
    """A running ride, where its vehicle is now, and what was seen of it at the last look (None: never looked at)."""

    ride_id: RideId
    at: Point
    odometer_m: int
    before: Standstill | None
    may_be_due: bool


async def list_running(
    tx: Tx,
    operator_id: OperatorId,
    after: RideId,
    *,
    calm_since: datetime,
    started_before: datetime,
    heard_after: datetime,
    battery_pct: int,
) -> list[Running]:
    """The next `PAGE` running rides of an operator by id. By the index ride_running.

    `may_be_due` is true of those for which any rule could have come true: they are looked at closely. Such are the
    paused ones, and those that stand since `calm_since`, began by `started_before`, are silent since
    `heard_after`, or have less battery than that.
    """
    rows = await tx.dicts(
        """
        select r.id, s.lat, s.lon, s.odometer_m, w.lat as was_lat, w.lon as was_lon, w.odometer_m as was_m, w.since,
               r.status = 'PAUSED' or r.started_at <= %(started_before)s or w.since <= %(calm_since)s
                 or s.seen_at <= %(heard_after)s or s.battery_pct < %(battery_pct)s as may_be_due
          from ride r
          join vehicle_state s on s.operator_id = r.operator_id and s.vehicle_id = r.vehicle_id
          left join ride_standstill w on w.operator_id = r.operator_id and w.ride_id = r.id
         where r.operator_id = %(operator_id)s and r.status in ('ACTIVE', 'PAUSED') and r.id > %(after)s
         order by r.id limit %(limit)s
        """,
        {
            "operator_id": operator_id,
            "after": after,
            "calm_since": calm_since,
            "started_before": started_before,
            "heard_after": heard_after,
            "battery_pct": battery_pct,
            "limit": PAGE,
        },
    )
    return [
        Running(
            ride_id=row["id"],
            at=Point(row["lat"], row["lon"]),
            odometer_m=row["odometer_m"],
            before=None
            if row["since"] is None
            else Standstill(Point(row["was_lat"], row["was_lon"]), row["was_m"], row["since"]),
            may_be_due=bool(row["may_be_due"]),
        )
        for row in rows
    ]


async def write_standstills(tx: Tx, operator_id: OperatorId, moved: Sequence[tuple[RideId, Standstill]]) -> None:
    """In one statement; rides that ended meanwhile keep a row until `forget_standstills`."""
    await tx.execute(
        """
        insert into ride_standstill (operator_id, ride_id, lat, lon, odometer_m, since)
        select %(operator_id)s, id, lat, lon, odometer_m, since
          from unnest(%(ids)s::bigint[], %(lats)s::float8[], %(lons)s::float8[], %(metres)s::bigint[],
                      %(since)s::timestamptz[]) as t (id, lat, lon, odometer_m, since)
        on conflict (operator_id, ride_id) do update
           set lat = excluded.lat, lon = excluded.lon, odometer_m = excluded.odometer_m, since = excluded.since
        """,
        {
            "operator_id": operator_id,
            "ids": [ride_id for ride_id, _ in moved],
            "lats": [still.at.lat for _, still in moved],
            "lons": [still.at.lon for _, still in moved],
            "metres": [still.odometer_m for _, still in moved],
            "since": [still.since for _, still in moved],
        },
    )


async def find_standstill(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> Standstill | None:
    rows = await tx.tuples(
        """
        select lat, lon, odometer_m, since from ride_standstill
         where operator_id = %(operator_id)s and ride_id = %(ride_id)s
        """,
        {"operator_id": operator_id, "ride_id": ride_id},
    )
    return next((Standstill(Point(lat, lon), metres, since) for lat, lon, metres, since in rows), None)


async def forget_standstills(tx: Tx, operator_id: OperatorId) -> int:
    """Of rides that run no more; at most `PAGE` at once."""
    return await tx.execute(
        """
        delete from ride_standstill w
         where (w.operator_id, w.ride_id) in (
               select k.operator_id, k.ride_id from ride_standstill k
                 join ride r on r.operator_id = k.operator_id and r.id = k.ride_id
                where k.operator_id = %(operator_id)s and r.status in ('ENDED', 'FAILED')
                limit %(limit)s)
        """,
        {"operator_id": operator_id, "limit": PAGE},
    )


async def clear_past_alerts(tx: Tx, operator_id: OperatorId, now: datetime) -> int:
    """Alerts of rides that are over, and of vehicles that were heard of again. By the index vehicle_alert_open."""
    return await tx.execute(
        """
        update vehicle_alert a set cleared_at = %(now)s
         where a.operator_id = %(operator_id)s and a.cleared_at is null
           and (exists (select from ride r
                         where r.operator_id = a.operator_id and r.id = a.ride_id and r.status in ('ENDED', 'FAILED'))
                or a.kind = 'CONTACT_LOST'
                   and exists (select from vehicle_state s
                                where s.operator_id = a.operator_id and s.vehicle_id = a.vehicle_id
                                  and s.seen_at > a.raised_at))
        """,
        {"operator_id": operator_id, "now": now},
    )
