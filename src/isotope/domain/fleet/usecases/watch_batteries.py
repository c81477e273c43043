"""Periodic: a vehicle that ran down while it stood is DISCHARGED, and one that was charged is READY again.

Only what nobody holds and nobody has put aside is touched (`By.WATCH` in `rules`). A charged vehicle must be
`RECOVERED_PCT` above its minimum, so that one at the border does not change with every report. Silence changes no
status: the map hides a silent vehicle, and shows it again when it speaks.
"""

from typing import Final

from isotope.domain.fleet.model import VehicleStatus
from isotope.domain.fleet.rows import VEHICLE_COLUMNS, vehicle_of
from isotope.domain.fleet.rules import By
from isotope.domain.fleet.store import change_status
from isotope.domain.tenants import list_operators
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId

RECOVERED_PCT: Final = 10

_PAGE: Final = 1_000
_BATCH: Final = 200
_MAX_BATCHES: Final = 50

# What somebody has locked is being changed just now: it waits for the next run.
_DUE: Final = f"""
    select {VEHICLE_COLUMNS}
      from vehicle v
      join vehicle_model m on m.operator_id = v.operator_id and m.id = v.model_id
      join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
     where v.operator_id = %(operator_id)s
       and (v.status = 'READY'
            and s.battery_pct < coalesce((m.spec ->> 'minimum_battery_pct')::int, %(minimum_pct)s)
         or v.status = 'DISCHARGED'
            and s.battery_pct >= least(100, coalesce((m.spec ->> 'minimum_battery_pct')::int, %(minimum_pct)s)
                                            + %(recovered_pct)s))
     order by v.id limit %(limit)s
       for update of v skip locked
"""


async def watch_batteries(rt: Runtime) -> int:
    """How many vehicles changed. Safe to run twice; bounded: what is left over is done at the next run."""
    changed = 0
    after = OperatorId(0)
    while True:
        async with rt.db.read() as tx:
            operators = await list_operators(tx, after=after, limit=_PAGE)
        for operator in operators:
            changed += await _watch(rt, operator)
        if len(operators) < _PAGE:
            return changed
        after = operators[-1].id


async def _watch(rt: Runtime, operator: Operator) -> int:
    changed = 0
    for _batch in range(_MAX_BATCHES):
        async with rt.db.write() as tx:
            rows = await tx.dicts(
                _DUE,
                {
                    "operator_id": operator.id,
                    "minimum_pct": operator.settings.rides.minimum_battery_pct,
                    "recovered_pct": RECOVERED_PCT,
                    "limit": _BATCH,
                },
            )
            for vehicle in map(vehicle_of, rows):
                is_empty = vehicle.status is VehicleStatus.READY
                await change_status(
                    tx,
                    vehicle,
                    to_status=VehicleStatus.DISCHARGED if is_empty else VehicleStatus.READY,
                    by=By.WATCH,
                    actor=SYSTEM,
                    cause="battery",
                    now=rt.clock.now(),
                )
        changed += len(rows)
        if len(rows) < _BATCH:
            break
    return changed
