"""Reading packages, groups and codes."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from isotope.domain.benefits.model import GroupId, Membership, PackageId, PackageOffer, PackageSpec
from isotope.domain.benefits.rules import is_offered
from isotope.domain.fleet import VehicleModel
from isotope.domain.pricing.model import Discount
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId

MAX_LISTED: Final = 1_000


async def read_packages(tx: Tx, operator_id: OperatorId) -> list[PackageOffer]:
    """Every package that is not retired, cheapest first; at most `MAX_LISTED`."""
    rows = await tx.dicts(
        """
        select id, ref, title, spec from package
         where operator_id = %(operator_id)s and retired_at is null
         order by (spec->>'price_minor')::bigint, id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_LISTED},
    )
    return [_package(operator_id, row) for row in rows]


async def list_packages(
    tx: Tx, operator_id: OperatorId, model: VehicleModel | None, now: datetime, time_zone: str
) -> list[PackageOffer]:
    """What a ride on the model (None: on any) that starts now can take, cheapest first."""
    local = now.astimezone(ZoneInfo(time_zone))
    ref = None if model is None else model.ref
    return [offer for offer in await read_packages(tx, operator_id) if is_offered(offer, ref, local)]


async def list_discounts(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, model: VehicleModel, now: datetime
) -> tuple[Discount, ...]:
    """What a ride of the rider that starts now is cheaper by: their group's per cent, and one promo code's.

    Of several codes the one that takes off most, then the one that ends first. One statement.
    """
    rows = await tx.tuples(
        """
        select 'group', g.id, g.title, (g.spec->>'pct')::int
          from rider_discount_group m
          join discount_group g on g.operator_id = m.operator_id and g.id = m.group_id
         where m.operator_id = %(operator_id)s and m.rider_id = %(rider_id)s and m.ended_at is null
           and (m.valid_until is null or m.valid_until > %(now)s) and g.retired_at is null
           and (g.spec->'models' = '[]' or g.spec->'models' ? %(model_ref)s)
        union all
        (select 'promo', r.id, c.title, r.pct
           from promo_redemption r
           join promo_code c on c.operator_id = r.operator_id and c.id = r.promo_code_id
          where r.operator_id = %(operator_id)s and r.rider_id = %(rider_id)s and r.rides_left > 0
            and (r.expires_at is null or r.expires_at > %(now)s)
          order by r.pct desc, coalesce(r.expires_at, 'infinity'), r.id limit 1)
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "model_ref": model.ref, "now": now},
    )
    return tuple(Discount(kind=kind, id=nr, title=title, pct=pct) for kind, nr, title, pct in rows)


async def find_membership(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Membership | None:
    """The group that the rider was put into last, also when it takes nothing off any more; None: they left it."""
    rows = await tx.dicts(
        """
        select g.id, g.ref, g.title, (g.spec->>'pct')::int as pct, g.spec->'models' as models,
               g.retired_at is not null as is_retired, m.valid_until, m.set_by, m.set_at
          from rider_discount_group m
          join discount_group g on g.operator_id = m.operator_id and g.id = m.group_id
         where m.operator_id = %(operator_id)s and m.rider_id = %(rider_id)s and m.ended_at is null
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    if not rows:
        return None
    row = rows[0]
    return Membership(
        group_id=GroupId(row["id"]),
        ref=row["ref"],
        title=row["title"],
        pct=row["pct"],
        models=tuple(row["models"]),
        is_retired=row["is_retired"],
        valid_until=row["valid_until"],
        set_by=row["set_by"],
        set_at=row["set_at"],
    )


async def list_groups(tx: Tx, operator_id: OperatorId) -> dict[str, GroupId]:
    """The groups that are not retired, by ref; at most `MAX_LISTED`."""
    rows = await tx.tuples(
        """
        select ref, id from discount_group where operator_id = %(operator_id)s and retired_at is null
         order by ref limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_LISTED},
    )
    return {ref: GroupId(group_id) for ref, group_id in rows}


def _package(operator_id: OperatorId, row: dict[str, Any]) -> PackageOffer:
    return PackageOffer(
        operator_id=operator_id,
        id=PackageId(row["id"]),
        ref=row["ref"],
        title=row["title"],
        spec=msgspec.convert(row["spec"], PackageSpec),
    )
