"""Periodic: what was written down as it happened is added up by day."""

from typing import Final

from isotope.infra.runtime import Runtime

_BATCH: Final = 5_000
_MAX_BATCHES: Final = 20


async def roll_up_days(rt: Runtime) -> int:
    """How many lines of `day_tally` went into `day_total`. Safe to run twice and at once.

    Who counts reads both, in one statement: a line is in one of them at any moment.
    """
    rolled = 0
    for _batch in range(_MAX_BATCHES):
        async with rt.db.write() as tx:
            taken = await tx.scalar(
                """
                with due as (
                    select operator_id, id from day_tally order by operator_id, id limit %(limit)s for update skip locked
                ), taken as (
                    delete from day_tally t using due where t.operator_id = due.operator_id and t.id = due.id
                    returning t.operator_id, t.subaccount_id, t.day, t.what, t.count, t.amount_minor
                ), added as (
                    insert into day_total as d (operator_id, subaccount_id, day, what, count, amount_minor)
                    select operator_id, subaccount_id, day, what, sum(count), sum(amount_minor)
                      from taken group by operator_id, subaccount_id, day, what
                     order by operator_id, day, what, subaccount_id
                    on conflict (operator_id, day, what, subaccount_id) do update
                       set count = d.count + excluded.count, amount_minor = d.amount_minor + excluded.amount_minor
                )
                select count(*) from taken
                """,
                {"limit": _BATCH},
            )
        rolled += int(taken)
        if taken < _BATCH:
            break
    return rolled
