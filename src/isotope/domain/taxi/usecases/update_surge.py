"""Periodic: fares are raised where more riders ask than drivers are free, and come down again."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import structlog

from isotope.domain.taxi import surge
from isotope.domain.taxi.dispatch import gather
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId

# After so long without us a factor says nothing of now.
_KNOWN: Final = timedelta(minutes=5)
_MOST_CELLS: Final = 10_000

_log = structlog.get_logger(__name__)


async def update_surge(rt: Runtime, operators: Operators) -> int:
    """A minute's step for every operator who raises fares; in how many cells they are raised then.

    A fault about one operator keeps none of the others waiting.
    """
    now = rt.clock.now()
    async with rt.db.glance() as tx:
        asked = {*await gather.list_operators_asked(tx, now), *await _list_raised(tx)}
    raised = 0
    for operator_id in sorted(asked):
        try:
            raised += await update_surge_of(rt, await operators.get(operator_id))
        except Exception:  # noqa: BLE001 - a bug about one operator must not keep the others waiting
            _log.exception("surge.failed", operator=operator_id)
    return raised


async def update_surge_of(rt: Runtime, operator: Operator) -> int:
    """In how many cells fares are raised now."""
    settings, now = operator.settings.taxi, rt.clock.now()
    if not settings.surge.is_on:
        return 0
    async with rt.db.glance() as tx:
        requests = await gather.list_requests(tx, operator.id, settings, now)
        drivers = await gather.list_free_drivers(tx, operator.id, settings, operator.currency, now)
        old = await _read(tx, operator, now)
    asking = [request.at for request in requests if not request.is_later]
    aims = surge.aim(asking, [driver.at for driver in drivers], settings.surge)
    factors = surge.step_to(old, aims)
    async with rt.db.write() as tx:
        await _write(tx, operator, factors, now)
    return len(factors)


async def _list_raised(tx: Tx) -> list[OperatorId]:
    rows = await tx.tuples("select distinct operator_id from taxi_surge order by operator_id")
    return [OperatorId(operator_id) for (operator_id,) in rows]


async def _read(tx: Tx, operator: Operator, now: datetime) -> dict[str, Decimal]:
    """Of the grid as it is now; a grid of other cells is begun anew."""
    rows = await tx.tuples(
        """
        select cell, factor from taxi_surge
         where operator_id = %(operator_id)s and cell like %(grid)s and at >= %(since)s
         order by cell limit %(limit)s
        """,
        {
            "operator_id": operator.id,
            "grid": f"{operator.settings.taxi.surge.cell_m}:%",
            "since": now - _KNOWN,
            "limit": _MOST_CELLS,
        },
    )
    return dict(rows)


async def _write(tx: Tx, operator: Operator, factors: dict[str, Decimal], now: datetime) -> None:
    """Only cells with a raised fare have a row."""
    cells = sorted(factors)
    values = {
        "operator_id": operator.id,
        "cells": cells,
        "factors": [factors[cell] for cell in cells],
        "now": now,
    }
    await tx.execute(
        "delete from taxi_surge where operator_id = %(operator_id)s and cell <> all(%(cells)s::text[])", values
    )
    await tx.execute(
        """
        insert into taxi_surge (operator_id, cell, factor, at)
        select %(operator_id)s, c.cell, c.factor, %(now)s
          from unnest(%(cells)s::text[], %(factors)s::numeric[]) as c (cell, factor)
        on conflict (operator_id, cell) do update set factor = excluded.factor, at = excluded.at
        """,
        values,
    )
