"""What a rider's rides of one tariff cost on a day of the operator: the SQL of caps a day.

Rows are locked after the vehicle and before the wallet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from isotope.domain.sharing.model import Ride
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId, TariffId


@dataclass(frozen=True, slots=True)
class DayKey:
    """One rider, one tariff, one day."""

    operator_id: OperatorId
    rider_id: RiderId
    tariff_id: TariffId
    day: date


def day_of(at: datetime, time_zone: str) -> date:
    """A ride counts for the day on which it began, at the operator's."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def key_of(operator: Operator, ride: Ride) -> DayKey | None:
    """For which day a ride counts; None: its tariff has no cap a day."""
    tariff_id = ride.terms.tariff_id
    if tariff_id is None or ride.terms.tariff.day_cap_minor is None:
        return None
    day = day_of(ride.started_at or ride.requested_at, operator.time_zone)
    return DayKey(ride.operator_id, ride.rider_id, tariff_id, day)


async def lock_spent(tx: Tx, key: DayKey) -> int:
    """What was spent that day; other ends of the rider that count for it wait."""
    return int(
        await tx.scalar(
            """
            insert into rider_day_spend as s (operator_id, rider_id, tariff_id, day, spent_minor)
            values (%(operator_id)s, %(rider_id)s, %(tariff_id)s, %(day)s, 0)
            on conflict (operator_id, rider_id, tariff_id, day) do update set spent_minor = s.spent_minor
            returning spent_minor
            """,
            _params(key),
        )
    )


async def add_spent(tx: Tx, key: DayKey, amount_minor: int) -> None:
    """Count a ride; below zero: what was given back of it counts no more."""
    await tx.execute(
        """
        update rider_day_spend set spent_minor = greatest(0, spent_minor + %(amount)s)
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and tariff_id = %(tariff_id)s
           and day = %(day)s
        """,
        {**_params(key), "amount": amount_minor},
    )


async def list_spent(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, days: Sequence[date]
) -> dict[tuple[TariffId, date], int]:
    """What was spent on these days, by tariff; an unlocked look, for running prices."""
    rows = await tx.tuples(
        """
        select tariff_id, day, spent_minor from rider_day_spend
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and day = any(%(days)s)
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "days": list(days)},
    )
    return {(TariffId(tariff_id), day): spent for tariff_id, day, spent in rows}


def _params(key: DayKey) -> dict[str, object]:
    return {"operator_id": key.operator_id, "rider_id": key.rider_id, "tariff_id": key.tariff_id, "day": key.day}
