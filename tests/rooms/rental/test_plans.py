"""No question about free vehicles reads all calendars: each is explained on a fleet of some size."""

import time
from datetime import timedelta
from typing import Any

from isotope.domain.fleet.slots import find_next_slot, list_slots
from isotope.domain.rental import availability
from isotope.domain.rental.availability import Wanted
from isotope.domain.rental.model import Interval
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit.large_rentals import LargeRentals, make_large_rentals
from tests.kit.plans import ExplainingTx, nodes

# Twenty stations with fifty vehicles each, and a calendar for weeks: what a question may read is a twentieth.
STATIONS, MODELS, VEHICLES, EACH = 20, 5, 1_000, 30
SLOWEST_S = 1.0


def wanted(large: LargeRentals, **changes: Any) -> Wanted:
    start = large.now + timedelta(days=3)
    fields: dict[str, Any] = {
        "operator_id": large.kit.operator.id,
        "station_id": large.station_ids[7],
        "interval": Interval(start, start + timedelta(hours=6)),
        "settings": large.kit.operator.settings.rentals,
        "now": large.now,
    }
    return Wanted(**(fields | changes))


async def test_what_is_free_is_found_by_the_calendars_index(fresh_database_url: str) -> None:
    db = Database(fresh_database_url, max_size=2)
    await db.open()
    try:
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(fresh_database_url), jobs=Jobs())
        large = await make_large_rentals(rt, stations=STATIONS, models=MODELS, vehicles=VEHICLES, bookings_each=EACH)
        async with db.write() as tx:
            await tx.execute("analyze")
        async with db.read() as tx:
            explaining = ExplainingTx(tx)
            began = time.monotonic()
            later, soon = wanted(large), wanted(large, interval=Interval(large.now, large.now + timedelta(hours=1)))
            free = await availability.count_free(explaining, later)
            await availability.count_free(explaining, soon)
            listed = await availability.list_free(explaining, later, large.model_ids[0], VEHICLES)
            assert free[large.model_ids[0]] == len(listed) > 0
            assert await availability.is_free(explaining, later, listed[0])
            within = Interval(later.interval.start - timedelta(days=3), later.interval.end + timedelta(days=3))
            calendars = await availability.read_calendars(explaining, later, large.model_ids, within)
            assert calendars[large.model_ids[0]].free_times(within, timedelta(hours=6))
            await list_slots(
                explaining,
                large.kit.operator.id,
                listed,
                since=later.interval.start,
                until=later.interval.end,
                limit=100,
            )
            await find_next_slot(explaining, large.kit.operator.id, listed[0], after=large.now)
            took_s = time.monotonic() - began
    finally:
        await db.close()

    assert took_s < SLOWEST_S
    reads = [(sql, node) for sql, plan in explaining.plans.items() for node in nodes(plan) if "Relation Name" in node]
    assert {node["Relation Name"] for _sql, node in reads} >= {"vehicle_slot", "rental_vehicle"}
    for sql, node in reads:
        if node["Relation Name"] not in {"vehicle_slot", "booking", "rental_vehicle"}:
            continue
        assert node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, (sql, node)
        if node["Relation Name"] == "vehicle_slot":
            [by] = [one for one in nodes(node) if one.get("Index Name") == "vehicle_slot_free"]
            # A vehicle at a time, and of its calendar the days that were asked for.
            assert "vehicle_id = " in by["Index Cond"], (sql, by)
            assert "during && " in by["Index Cond"], (sql, by)
