"""The live map in memory: 100,000 vehicles loaded cold, asked, and kept up with 5,000 reports a second.

The floor of a question is numpy's distance of as many points, nothing else; that of the load is reading the same rows
without keeping them; that of the updates is writing the same reports with nobody listening.
"""

import asyncio
import resource
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import numpy as np
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME, Fleet, make_fleet, state_report
from tests.kit.postgres import TestServer, drop_database, new_database
from tests.kit.tenants import make_operator

from bench.figure import Figure
from isotope.domain.fleet import LiveMap, apply_reports
from isotope.domain.fleet.live_feed import read_rows_after
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, VehicleId

VEHICLES = 100_000
SPREAD_DEG = 0.2
RADIUS_M = 1_000
QUESTIONS = 500
BATCH = 500
BATCHES_A_SECOND = 10
SECONDS = 10


def main() -> list[Figure]:
    server = TestServer()
    url = new_database(server.template_url)
    try:
        return asyncio.run(_measure(url))
    finally:
        drop_database(url)
        server.stop()


async def _measure(url: str) -> list[Figure]:
    db = Database(url, max_size=8)
    await db.open()
    clock = SettableClock()
    rt = Runtime(db=db, clock=clock, hub=Hub(url), jobs=Jobs())
    dice = Random(7)
    operator = (await make_operator(rt)).operator
    places = [
        Point(HOME.lat + dice.uniform(-SPREAD_DEG, SPREAD_DEG) / 2, HOME.lon + dice.uniform(-SPREAD_DEG, SPREAD_DEG))
        for _ in range(VEHICLES)
    ]
    fleets = [
        await make_fleet(rt, operator, 10_000, places=places[first : first + 10_000])
        for first in range(0, VEHICLES, 10_000)
    ]
    live_map = LiveMap(rt)
    figures = await _cold_load(rt, live_map)
    figures += _questions(rt, live_map, operator, places, dice)
    figures += await _updates(rt, live_map, operator, fleets, clock)
    await live_map.stop()
    await rt.hub.stop()
    await db.close()
    return figures


async def _cold_load(rt: Runtime, live_map: LiveMap) -> list[Figure]:
    await rt.hub.start()
    before_mb = _memory_mb()
    begin = time.perf_counter()
    await live_map.start()
    took_s = time.perf_counter() - begin
    memory_mb = _memory_mb() - before_mb
    begin = time.perf_counter()
    after = (OperatorId(0), VehicleId(0))
    async with rt.db.read() as tx:
        while rows := await read_rows_after(tx, after, 25_000):
            after = rows.last
    floor_s = time.perf_counter() - begin
    return [
        Figure(
            what=f"cold load of {live_map.count():,} vehicles",
            unit="ms",
            value=took_s * 1_000,
            floor=floor_s * 1_000,
            floor_what="the same rows read and thrown away",
        ),
        Figure(what="memory that they take", unit="MB", value=memory_mb),
    ]


def _questions(rt: Runtime, live_map: LiveMap, operator: Operator, places: list[Point], dice: Random) -> list[Figure]:
    asked = [places[dice.randrange(len(places))] for _ in range(QUESTIONS)]
    found = [len(live_map.within(operator, place, RADIUS_M, now=rt.clock.now())) for place in asked]
    lat = np.array([place.lat for place in places])
    lon = np.array([place.lon for place in places])
    indexed_s = _median_s(asked, lambda place: live_map.within(operator, place, RADIUS_M, now=rt.clock.now()))
    floor_s = _median_s(asked, lambda place: np.flatnonzero(np.abs(lat - place.lat) + np.abs(lon - place.lon) < 0.01))
    return [
        Figure(
            what=f"radius of {RADIUS_M} m ({statistics.mean(found):.0f} vehicles)",
            unit="ms",
            value=indexed_s * 1_000,
            floor=floor_s * 1_000,
            floor_what="one pass of numpy over both columns",
            digits=3,
        )
    ]


def _median_s(places: list[Point], ask: Callable[[Point], Any]) -> float:
    took = []
    for place in places:
        begin = time.perf_counter()
        ask(place)
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


async def _updates(
    rt: Runtime, live_map: LiveMap, operator: Operator, fleets: list[Fleet], clock: SettableClock
) -> list[Figure]:
    """Staleness is taken from the map itself: how long after the commit the vehicle is shown at its new place."""
    devices = [device_id for fleet in fleets for device_id in fleet.device_ids]
    vehicles = [vehicle_id for fleet in fleets for vehicle_id in fleet.vehicle_ids]
    late_s: list[float] = []
    watchers: set[asyncio.Task[None]] = set()
    write_s = 0.0
    begin = time.perf_counter()
    for number in range(SECONDS * BATCHES_A_SECOND):
        now = clock.advance(milliseconds=1_000 / BATCHES_A_SECOND)
        first = number * BATCH % len(devices)
        shift = (number + 1) * 1e-6
        reports = [
            state_report(operator.id, device_id, now, at=Point(HOME.lat + shift, HOME.lon))
            for device_id in devices[first : first + BATCH]
        ]
        started = time.perf_counter()
        async with rt.db.write() as tx:
            await apply_reports(tx, reports)
        committed = time.perf_counter()
        write_s += committed - started
        for vehicle_id in vehicles[first : first + BATCH : BATCH // 10]:
            task = asyncio.create_task(_watch(live_map, operator, vehicle_id, HOME.lat + shift, committed, late_s))
            watchers.add(task)
            task.add_done_callback(watchers.discard)
        await asyncio.sleep(max(0.0, begin + (number + 1) / BATCHES_A_SECOND - time.perf_counter()))
    took_s = time.perf_counter() - begin
    await asyncio.wait_for(asyncio.gather(*watchers), timedelta(seconds=30).total_seconds())
    late_s.sort()
    written = SECONDS * BATCHES_A_SECOND * BATCH
    return [
        Figure(
            what="reports written, a map listening",
            unit="/s",
            value=written / took_s,
            floor=BATCH * BATCHES_A_SECOND,
            floor_what="what was asked for",
        ),
        Figure(what="reports that one writer could write", unit="/s", value=written / write_s),
        Figure(what="shown after the commit, median", unit="ms", value=statistics.median(late_s) * 1_000),
        Figure(what="shown after the commit, 99.9 %", unit="ms", value=late_s[int(len(late_s) * 0.999)] * 1_000),
    ]


async def _watch(
    live_map: LiveMap, operator: Operator, vehicle_id: VehicleId, lat: float, committed: float, late_s: list[float]
) -> None:
    while True:
        shown = live_map.get(operator.id, vehicle_id)
        if shown is not None and shown.lat == lat:
            late_s.append(time.perf_counter() - committed)
            return
        await asyncio.sleep(0.005)


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


if __name__ == "__main__":
    for figure in main():
        print(figure)
