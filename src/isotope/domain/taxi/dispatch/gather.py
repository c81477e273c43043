"""What the dispatcher reads: requests that look for a driver, and drivers who are free."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.taxi.dispatch.model import FreeDriver, OpenRequest
from isotope.domain.tenants.model import TaxiSettings
from isotope.infra.db import Tx
from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, OperatorId, TaxiClassId, TripId

# In one round of an operator; the rest has its turn two seconds later.
MOST_REQUESTS: Final = 500
MOST_DRIVERS: Final = 5_000
# Of a driver's, the next ones.
_MOST_PROMISES: Final = 20


async def list_operators_asked(tx: Tx, now: datetime) -> list[OperatorId]:
    """Whose trips look for a driver now, or will within a week."""
    rows = await tx.tuples(
        """
        select distinct operator_id from trip
         where status = 'REQUESTED' or (status = 'SCHEDULED' and driver_id is null and scheduled_at <= %(until)s)
         order by operator_id
        """,
        {"until": now + timedelta(days=7)},
    )
    return [OperatorId(operator_id) for (operator_id,) in rows]


async def list_requests(tx: Tx, operator_id: OperatorId, settings: TaxiSettings, now: datetime) -> list[OpenRequest]:
    """Oldest first. Those that one driver holds now are in it too, with the number of who hold them."""
    rows = await tx.tuples(
        """
        select t.id, p.lat, p.lon, t.class_id, t.payment = 'CASH', t.wanted_driver_id, false,
               extract(epoch from %(now)s - coalesce(e.at, t.requested_at))::float,
               coalesce(o.tried, '{}'), coalesce(o.held, 0), 0, (t.terms->>'duration_s')::float
          from (select * from trip
                 where operator_id = %(operator_id)s and status = 'REQUESTED' and search_until > %(now)s
                 order by requested_at limit %(limit)s) t
          join trip_point p on p.operator_id = t.operator_id and p.trip_id = t.id and p.nr = 0
          left join lateral (
              select at from trip_event
               where operator_id = t.operator_id and trip_id = t.id and to_status = 'REQUESTED'
               order by nr desc limit 1) e on true
          left join lateral (
              select array_agg(driver_id) filter (where status <> 'WITHDRAWN') as tried,
                     count(*) filter (where status = 'OPEN') as held
                from trip_offer where operator_id = t.operator_id and trip_id = t.id) o on true
        union all
        select t.id, p.lat, p.lon, t.class_id, t.payment = 'CASH', t.wanted_driver_id, true, 0,
               coalesce(o.tried, '{}'), coalesce(o.held, 0),
               extract(epoch from t.scheduled_at - %(now)s)::float, (t.terms->>'duration_s')::float
          from (select * from trip
                 where operator_id = %(operator_id)s and status = 'SCHEDULED' and driver_id is null
                   and scheduled_at <= %(offer_until)s
                 order by scheduled_at limit %(limit)s) t
          join trip_point p on p.operator_id = t.operator_id and p.trip_id = t.id and p.nr = 0
          left join lateral (
              select array_agg(driver_id) filter (where status <> 'WITHDRAWN') as tried,
                     count(*) filter (where status = 'OPEN') as held
                from trip_offer where operator_id = t.operator_id and trip_id = t.id) o on true
        """,
        {
            "operator_id": operator_id,
            "now": now,
            "offer_until": now + timedelta(minutes=settings.schedule_offer_min),
            "limit": MOST_REQUESTS,
        },
    )
    return [
        OpenRequest(
            trip_id=TripId(trip_id),
            at=Point(lat, lon),
            class_id=TaxiClassId(class_id),
            is_cash=is_cash,
            wanted_driver_id=None if wanted is None else DriverId(wanted),
            is_later=is_later,
            waited_s=max(0.0, waited_s),
            tried=frozenset(map(DriverId, tried)),
            held_by=held,
            starts_in_s=starts_in_s,
            duration_s=duration_s,
        )
        for (
            trip_id,
            lat,
            lon,
            class_id,
            is_cash,
            wanted,
            is_later,
            waited_s,
            tried,
            held,
            starts_in_s,
            duration_s,
        ) in rows
    ]


async def list_free_drivers(
    tx: Tx, operator_id: OperatorId, settings: TaxiSettings, currency: str, now: datetime
) -> list[FreeDriver]:
    """Online, heard of, with a fresh position, allowed to work, and without a trip."""
    rows: Sequence[tuple[int, float, float, list[int], bool, float, int, int, list[float], list[float]]]
    rows = await tx.tuples(
        """
        select s.driver_id, s.lat, s.lon, s.class_ids,
               d.cash_allowed and coalesce(a.balance_minor, 0) >= -%(debt)s::bigint,
               extract(epoch from %(now)s - s.idle_since)::float, coalesce(o.declined, 0), coalesce(o.held, 0),
               coalesce(p.starts_in_s, '{}'), coalesce(p.duration_s, '{}')
          from (select * from driver_state
                 where operator_id = %(operator_id)s and is_online and idle_since is not null
                   and seen_at >= %(heard)s and position_at >= %(placed)s
                 order by driver_id limit %(limit)s) s
          join driver d on d.operator_id = s.operator_id and d.id = s.driver_id and d.status = 'ACTIVE'
          left join ledger_account a
            on a.operator_id = s.operator_id and a.driver_id = s.driver_id and a.currency = %(currency)s
          left join lateral (
              select count(*) filter (where status in ('DECLINED', 'EXPIRED') and answered_at >= %(lately)s) as declined,
                     count(*) filter (where status = 'OPEN') as held
                from (select status, answered_at from trip_offer
                       where operator_id = s.operator_id and driver_id = s.driver_id order by id desc limit 20) last) o
            on true
          left join lateral (
              select array_agg(extract(epoch from scheduled_at - %(now)s)::float) as starts_in_s,
                     array_agg((terms->>'duration_s')::float) as duration_s
                from (select scheduled_at, terms from trip
                       where operator_id = s.operator_id and driver_id = s.driver_id and status = 'SCHEDULED'
                       order by scheduled_at limit %(promises)s) promised) p on true
        """,
        {
            "operator_id": operator_id,
            "currency": currency,
            "now": now,
            "debt": settings.driver_debt_minor,
            "heard": now - timedelta(seconds=settings.heartbeat_s),
            "placed": now - timedelta(seconds=settings.position_s),
            "lately": now - timedelta(hours=1),
            "limit": MOST_DRIVERS,
            "promises": _MOST_PROMISES,
        },
    )
    return [
        FreeDriver(
            driver_id=DriverId(driver_id),
            at=Point(lat, lon),
            class_ids=frozenset(map(TaxiClassId, class_ids)),
            takes_cash=takes_cash,
            idle_s=max(0.0, idle_s),
            declined=declined,
            held=held,
            promised=tuple((start, start + takes) for start, takes in zip(starts, durations, strict=True)),
        )
        for driver_id, lat, lon, class_ids, takes_cash, idle_s, declined, held, starts, durations in rows
    ]
