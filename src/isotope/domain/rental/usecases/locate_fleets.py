"""Periodic: vehicles belong to the station that they stand in; slots that are long over are forgotten."""

from datetime import timedelta
from typing import Final

from isotope.domain.fleet import forget_past_slots
from isotope.domain.rental.locate import locate_vehicles
from isotope.domain.tenants import list_operators
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, VehicleId

# Long enough to see in the calendar what has just been; an overdue booking has a new slot once it is brought back.
KEEP: Final = timedelta(days=7)

_OPERATORS: Final = 1_000
_BATCH: Final = 1_000
_MAX_BATCHES: Final = 1_000


async def locate_fleets(rt: Runtime) -> int:
    """How many vehicles belong to another station than before. Safe to run twice: a batch of vehicles is a transaction."""
    moved = 0
    after = OperatorId(0)
    while True:
        async with rt.db.read() as tx:
            operators = await list_operators(tx, after=after, limit=_OPERATORS)
        for operator in operators:
            moved += await _locate(rt, operator)
        if len(operators) < _OPERATORS:
            return moved
        after = operators[-1].id


async def _locate(rt: Runtime, operator: Operator) -> int:
    moved, last = 0, VehicleId(0)
    tolerance_m = operator.settings.rentals.zone_tolerance_m
    while True:
        async with rt.db.write() as tx:
            located = await locate_vehicles(tx, operator.id, rt.clock.now(), tolerance_m=tolerance_m, after=last)
        moved += located.moved
        if located.last is None:
            return moved
        last = located.last


async def forget_slots(rt: Runtime) -> int:
    """How many; bounded: what is left over is forgotten at the next run."""
    forgotten = 0
    for _batch in range(_MAX_BATCHES):
        async with rt.db.write() as tx:
            gone = await forget_past_slots(tx, rt.clock.now() - KEEP, _BATCH)
        forgotten += gone
        if gone < _BATCH:
            break
    return forgotten
