"""How an operator is doing: vehicles as they stand, today's and yesterday's sums.

Sums by day are kept as things happen (`day_tally`, added up into `day_total`); nothing is counted here but vehicles and
open alerts, by their indexes. Days are those of the operator's clock. A correction of a ride's price counts on the day on
which it ended. What belongs to no vehicle (riders, top-ups, subscriptions) is counted for the whole operator only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from isotope.dashboards.scope import Scope
from isotope.infra.db import Tx

AVERAGED_DAYS: Final = 30
# What stands open has no day.
_OPEN: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class DaySum:
    """How many on a day, and their amount in minor units of the operator's currency."""

    count: int = 0
    amount_minor: int = 0


_NONE: Final = DaySum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """`vehicles`: how many by status. `sums`: by what and day. `alerted`: vehicles in service with open alerts."""

    today: date
    vehicles: Mapping[str, int]
    sums: Mapping[tuple[str, date], DaySum]
    rides_before: int
    alerts: int
    alerted: int

    def on_today(self, what: str) -> DaySum:
        return self.sums.get((what, self.today), _NONE)

    def on_yesterday(self, what: str) -> DaySum:
        return self.sums.get((what, self.today - timedelta(days=1)), _NONE)

    def open(self, what: str) -> int:
        """How many stand open."""
        return self.sums.get((what, _OPEN), _NONE).count

    @property
    def average_rides(self) -> float:
        """Rides a day, of the `AVERAGED_DAYS` before today."""
        return self.rides_before / AVERAGED_DAYS


async def read_statistics(tx: Tx, scope: Scope, now: datetime) -> Statistics:
    """By vehicle_by_status, day_total's key, day_tally's key, and vehicle_alert_open."""
    today = now.astimezone(ZoneInfo(scope.time_zone)).date()
    of_vehicles = "" if scope.subaccount_id is None else " and v.subaccount_id = %(subaccount_id)s"
    of_days = "" if scope.subaccount_id is None else " and subaccount_id = %(subaccount_id)s"
    of_alerts = "" if scope.subaccount_id is None else " and a.subaccount_id = %(subaccount_id)s"
    params = {
        **scope.params,
        "days": [_OPEN, today - timedelta(days=1), today],
        "today": today,
        "since": today - timedelta(days=AVERAGED_DAYS),
    }
    vehicles = await tx.tuples(
        f"select v.status, count(*) from vehicle v where v.operator_id = %(operator_id)s{of_vehicles} group by v.status",
        params,
    )
    sums = await tx.tuples(
        f"""
        select what, day, sum(count)::bigint, sum(amount_minor)::bigint from (
            select what, day, count, amount_minor from day_total
             where operator_id = %(operator_id)s and day = any(%(days)s){of_days}
            union all
            select what, day, count, amount_minor from day_tally
             where operator_id = %(operator_id)s and day = any(%(days)s){of_days}) s
         group by what, day
        """,
        params,
    )
    rides_before = await tx.scalar(
        f"""
        select coalesce(sum(count), 0)::bigint from (
            select count from day_total
             where operator_id = %(operator_id)s and day >= %(since)s and day < %(today)s and what = 'ride'{of_days}
            union all
            select count from day_tally
             where operator_id = %(operator_id)s and day >= %(since)s and day < %(today)s and what = 'ride'{of_days}) s
        """,
        params,
    )
    [(alerts, alerted)] = await tx.tuples(
        f"""
        select count(*), count(distinct a.vehicle_id) filter (where v.status in ('READY', 'IN_USE', 'RESERVED'))
          from vehicle_alert a
          join vehicle v on v.operator_id = a.operator_id and v.id = a.vehicle_id
         where a.operator_id = %(operator_id)s and a.cleared_at is null{of_alerts}
        """,
        params,
    )
    return Statistics(
        today=today,
        vehicles=dict(vehicles),
        sums={(what, day): DaySum(count, amount) for what, day, count, amount in sums},
        rides_before=rides_before,
        alerts=alerts,
        alerted=alerted,
    )
