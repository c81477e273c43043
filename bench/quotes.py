"""What get-drivers does, with and without the road engine, on the real extract of Helsinki's centre; 8 riders at once.

Without HTTP, so that the roads are seen: opening places, drivers near, a route, ways of drivers to the pick-up, four classes'
prices and their signed tokens. The floor is one route and one matrix of as many ways, of the same roads, alone. Where the
engine or the extract cannot be had, only the great circle is measured.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from tests.kit.clock import SettableClock
from tests.kit.drivers import make_class, make_driver
from tests.kit.maps import cache
from tests.kit.postgres import TestServer, drop_database, new_database
from tests.kit.riders import make_rider
from tests.kit.tenants import make_operator

from bench.figure import Figure
from bench.load import timed
from isotope.adapters.maps.engine import road_engine
from isotope.adapters.maps.graphs import build_graph, read_place
from isotope.adapters.maps.great_circle import GreatCircleRoads
from isotope.adapters.maps.make import RoadsHere
from isotope.adapters.maps.packages import NoPackage, fetch_engine, fetch_extract
from isotope.domain.maps import Roads, sign_place
from isotope.domain.maps.model import Place
from isotope.domain.payments import NO_CARDS
from isotope.domain.pricing import english
from isotope.domain.taxi import QuoteTrips, quote_trips
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point

CLASSES: Final = 4
DRIVERS: Final = 60
RIDERS: Final = 8
SECONDS: Final = 4.0
_KEY: Final = bytes(32)
_SOUTH, _WEST, _NORTH, _EAST = 60.162, 24.925, 60.176, 24.955
_ENGINE_S: Final = 30.0


def main() -> list[Figure]:
    """Quotes a second; the great circle first."""
    server = TestServer()
    url = new_database(server.template_url)
    try:
        with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder:
            return asyncio.run(_measure(url, Path(folder)))
    finally:
        drop_database(url)
        server.stop()


async def _measure(url: str, folder: Path) -> list[Figure]:
    db = Database(url, max_size=RIDERS)
    await db.open()
    rt = Runtime(db=db, clock=SettableClock(), hub=Hub(url), jobs=Jobs())
    dice = Random(7)
    operator = (await make_operator(rt)).operator
    class_ids = [await make_class(rt, operator) for _ in range(CLASSES)]
    places = [_somewhere(dice) for _ in range(DRIVERS)]
    for number, place in enumerate(places):
        driver = await make_driver(rt, operator, class_id=class_ids[number % CLASSES])
        await driver.go_online(place)
    commands = []
    for _ in range(RIDERS):
        rider = await make_rider(rt, operator)
        way = [Place(lat=at.lat, lon=at.lon, title="Place") for at in (_somewhere(dice), _somewhere(dice))]
        commands.append(
            QuoteTrips(
                operator=operator,
                token_key=_KEY,
                waypoints=[sign_place(_KEY, operator, place, rt.clock.now()) for place in way],
                rider_id=rider.id,
                is_cash=True,
                words=english,
            )
        )

    async def measured(what: str, roads: Roads) -> Figure:
        ours = await timed(SECONDS, [partial(quote_trips, rt, NO_CARDS, roads, command) for command in commands])
        floor = await timed(SECONDS, [partial(_ways, roads, places)] * RIDERS)
        return Figure(what, ours.rate, "/s", f"a route and a matrix of {DRIVERS} ways alone", floor.rate)

    figures = [await measured("quotes of 4 classes by the great circle", GreatCircleRoads())]
    async with _engine(folder) as roads:
        if roads is not None:
            figures.append(await measured("the same with the road engine", roads))
    await db.close()
    return figures


async def _ways(roads: Roads, places: list[Point]) -> None:
    await roads.find_route(places[:2])
    await roads.get_matrix(places, places[:1])


@asynccontextmanager
async def _engine(folder: Path) -> AsyncIterator[Roads | None]:
    try:
        build_graph(fetch_engine(cache()), fetch_extract(cache()), folder)
    except NoPackage:
        yield None
        return
    roads = RoadsHere(folder)
    async with road_engine(folder):
        async with asyncio.timeout(_ENGINE_S):
            while read_place(folder) is None:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        try:
            yield roads
        finally:
            await roads.close()


def _somewhere(dice: Random) -> Point:
    return Point(dice.uniform(_SOUTH, _NORTH), dice.uniform(_WEST, _EAST))


if __name__ == "__main__":
    for figure in main():
        print(figure)
