"""What is read when a booking is made."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from isotope.domain.rental.model import OPEN, Interval, RentalAddonId
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId


async def count_bookings(tx: Tx, operator_id: OperatorId, rider_id: RiderId, now: datetime) -> tuple[int, int]:
    """Those that are open, and those that were made in the last 30 days and not given up. By booking_rider."""
    [row] = await tx.tuples(
        """
        select count(*) filter (where status = any(%(open)s)),
               count(*) filter (where requested_at > %(since)s and status <> 'UNPAID')
          from booking
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s
           and (status = any(%(open)s) or requested_at > %(since)s)
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "open": [status.value for status in OPEN],
            "since": now - timedelta(days=30),
        },
    )
    return row[0], row[1]


async def lock_addons(tx: Tx, operator_id: OperatorId, addon_ids: Sequence[RentalAddonId]) -> None:
    """Who books limited add-ons queues here, so that they are counted right. Before any vehicle's row."""
    await tx.execute(
        """
        select 1 from rental_addon where operator_id = %(operator_id)s and id = any(%(ids)s::bigint[])
         order by id for no key update
        """,
        {"operator_id": operator_id, "ids": sorted(addon_ids)},
    )


async def list_addons_out(
    tx: Tx, operator_id: OperatorId, addon_ids: Sequence[RentalAddonId], during: Interval
) -> dict[RentalAddonId, list[Interval]]:
    """For when each is out with bookings, within some time. By booking_addon_during."""
    rows = await tx.tuples(
        """
        select addon_id, lower(during), upper(during) from booking_addon
         where operator_id = %(operator_id)s and addon_id = any(%(ids)s::bigint[])
           and during && tstzrange(%(start)s, %(end)s)
         order by addon_id limit 100000
        """,
        {"operator_id": operator_id, "ids": list(addon_ids), "start": during.start, "end": during.end},
    )
    found: dict[RentalAddonId, list[Interval]] = {}
    for addon_id, start, end in rows:
        found.setdefault(RentalAddonId(addon_id), []).append(Interval(start, end))
    return found
