"""What provisioning writes. Ids are stable by ref; nothing is deleted, since subscriptions refer to it."""

from collections.abc import Collection
from datetime import datetime

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.subscriptions.model import Plan, PlanDraft, PlanId
from isotope.domain.subscriptions.rows import PLAN_COLUMNS, plan_row
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId

MOST_LISTED = 1_000


async def upsert_plan(tx: Tx, operator_id: OperatorId, draft: PlanDraft) -> PlanId:
    """The plan as described, under the id that its ref has; what is so already is not written.

    What changes has a new version, of which riders are told before it counts for them.
    """
    params = {
        "operator_id": operator_id,
        "ref": draft.ref,
        "title": draft.title,
        "spec": Jsonb(msgspec.to_builtins(draft.spec)),
    }
    await tx.execute(
        """
        insert into subscription_plan as p (operator_id, ref, title, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(spec)s)
        on conflict (operator_id, ref) do update set
            title = excluded.title, spec = excluded.spec, retired_at = null,
            version = p.version + case when (p.title, p.spec) is distinct from (excluded.title, excluded.spec)
                                       then 1 else 0 end
         where (p.title, p.spec, p.retired_at) is distinct from (excluded.title, excluded.spec, null)
        """,
        params,
    )
    return PlanId(
        await tx.scalar(
            "select id from subscription_plan where operator_id = %(operator_id)s and ref = %(ref)s", params
        )
    )


async def retire_plans(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """Offer these no longer; how many were offered. Subscriptions run to the end of what was paid."""
    return await tx.execute(
        """
        update subscription_plan set retired_at = %(now)s
         where operator_id = %(operator_id)s and ref = any(%(refs)s) and retired_at is null
        """,
        {"operator_id": operator_id, "refs": list(refs), "now": now},
    )


async def find_plan(tx: Tx, operator_id: OperatorId, plan_id: int) -> Plan | None:
    """Offered or not."""
    return await tx.find(
        plan_row,
        f"select {PLAN_COLUMNS} from subscription_plan where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": plan_id},
    )


async def get_plan(tx: Tx, operator_id: OperatorId, plan_id: int) -> Plan:
    """The plan of a subscription."""
    found = await find_plan(tx, operator_id, plan_id)
    if found is None:
        raise LookupError("a subscription has a plan")
    return found


async def list_plans(tx: Tx, operator_id: OperatorId, model_ref: str | None = None) -> list[Plan]:
    """What can be bought, for rides on a model or for any; the cheapest first."""
    found = await tx.all(
        plan_row,
        f"""
        select {PLAN_COLUMNS} from subscription_plan
         where operator_id = %(operator_id)s and retired_at is null order by id limit {MOST_LISTED}
        """,
        {"operator_id": operator_id},
    )
    fitting = [plan for plan in found if model_ref is None or plan.spec.fits(model_ref)]
    return sorted(fitting, key=lambda plan: (plan.spec.price_minor, plan.id))
