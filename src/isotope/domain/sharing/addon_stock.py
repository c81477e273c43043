"""Add-ons of which there are only so many. Rows are locked after the rider's and before the vehicle's, by rising id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isotope.infra.db import Tx
from isotope.kernel.ids import AddonId, OperatorId, RideId


@dataclass(frozen=True, slots=True)
class _Stocked:
    id: AddonId
    stock: int


async def lock_stock(tx: Tx, operator_id: OperatorId, addon_ids: Sequence[AddonId]) -> Mapping[AddonId, int]:
    """Of the add-ons that are limited, how many are left; who else wants one of them waits until this commits.

    Every ride that is not over has what it took, one of each.
    """
    stocked = await tx.all(
        _Stocked,
        """
        select id, (spec ->> 'stock')::int as stock from addon
         where operator_id = %(operator_id)s and id = any(%(ids)s) and spec ->> 'stock' is not null
         order by id for no key update
        """,
        {"operator_id": operator_id, "ids": list(addon_ids)},
    )
    if not stocked:
        return {}
    # A statement of its own: it sees what was committed while we waited.
    taken = dict(
        await tx.tuples(
            """
            with back as (
                delete from ride_addon a using ride r
                 where a.operator_id = %(operator_id)s and a.addon_id = any(%(ids)s)
                   and r.operator_id = a.operator_id and r.id = a.ride_id and r.status in ('ENDED', 'FAILED')
            )
            select a.addon_id, count(*)
              from ride_addon a join ride r on r.operator_id = a.operator_id and r.id = a.ride_id
             where a.operator_id = %(operator_id)s and a.addon_id = any(%(ids)s)
               and r.status not in ('ENDED', 'FAILED')
             group by a.addon_id
            """,
            {"operator_id": operator_id, "ids": [addon.id for addon in stocked]},
        )
    )
    return {addon.id: addon.stock - taken.get(addon.id, 0) for addon in stocked}


async def take_from_stock(tx: Tx, operator_id: OperatorId, ride_id: RideId, addon_ids: Sequence[AddonId]) -> None:
    """The ride, just inserted, has them until it is over. The caller has locked the stock."""
    await tx.execute(
        """
        insert into ride_addon (operator_id, addon_id, ride_id)
        select %(operator_id)s, addon_id, %(ride_id)s from unnest(%(ids)s::bigint[]) as taken (addon_id)
        """,
        {"operator_id": operator_id, "ride_id": ride_id, "ids": list(addon_ids)},
    )
