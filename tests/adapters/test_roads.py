"""Ways by road: the real engine on the real extract, servers that answer badly, and the estimate where there is none."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from isotope.adapters.maps.engine import road_engine
from isotope.adapters.maps.graphs import (
    GraphFailed,
    RoadPlace,
    build_graph,
    current_graph,
    maps_folder,
    place_file,
    read_place,
    write_place,
)
from isotope.adapters.maps.great_circle import GreatCircleRoads
from isotope.adapters.maps.make import RoadsHere
from isotope.adapters.maps.osrm import SIDE, OsrmRoads
from isotope.domain.maps import RoadsUnavailable
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.polyline import decode
from tests.kit import maps

STATION, MARKET, CHURCH = Point(60.1709, 24.9410), Point(60.1676, 24.9525), Point(60.1659, 24.9387)
STOCKHOLM = Point(59.33, 18.06)
_LIMIT_S = 30.0


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(_LIMIT_S):
        while not what():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the engine and the graph of Helsinki's centre."""
    engine, extract = maps.engine(), maps.helsinki()
    folder = tmp_path_factory.mktemp("roads")
    build_graph(engine, extract, folder)
    return folder


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[RoadsHere]:
    roads = RoadsHere(data)
    async with road_engine(data):
        await until(lambda: read_place(data) is not None)
        try:
            yield roads
        finally:
            await roads.close()


async def test_ways_by_road(data: Path) -> None:
    async with running(data) as roads:
        route = await roads.find_route([STATION, CHURCH, MARKET])
        assert route is not None
        assert route.by_road
        assert distance_m(STATION, CHURCH) + distance_m(CHURCH, MARKET) < route.distance_m < 6_000
        assert 60 < route.duration_s < 1_200
        assert len(route.legs) == 2
        assert abs(sum(metres for metres, _seconds in route.legs) - route.distance_m) <= 2
        line = decode(route.polyline)
        assert distance_m(line[0], STATION) < 200
        assert distance_m(line[-1], MARKET) < 200
        matrix = await roads.get_matrix([STATION, MARKET], [CHURCH, STATION, STOCKHOLM])
        assert (matrix.durations_s[0][1], matrix.distances_m[0][1]) == (0, 0)
        assert matrix.durations_s[0][2] is matrix.distances_m[1][2] is None
        leg = await roads.find_route([STATION, CHURCH])
        assert leg is not None
        assert matrix.distances_m[0][0] == pytest.approx(leg.distance_m, abs=2)
        assert await roads.find_route([STATION, STOCKHOLM]) is None
        # More than one question holds.
        many = [Point(STATION.lat + nr / 1e6, STATION.lon) for nr in range(SIDE + 30)]
        large = await roads.get_matrix(many, [*many[:3], CHURCH])
        assert len(large.durations_s) == SIDE + 30
        assert {len(row) for row in large.durations_s} == {4}
        assert [row[3] for row in large.distances_m] == pytest.approx([matrix.distances_m[0][0]] * len(many), abs=60)
        wide = await roads.get_matrix([CHURCH], many)
        assert len(wide.durations_s[0]) == SIDE + 30
        assert (await roads.get_matrix([], [CHURCH])).durations_s == ()


async def test_without_an_engine_ways_are_estimated_and_so_again_when_it_is_gone(data: Path) -> None:
    roads = RoadsHere(data)
    before = await roads.find_route([STATION, MARKET])
    assert before is not None
    assert not before.by_road
    async with running(data):
        by_road = await roads.find_route([STATION, MARKET])
        assert by_road is not None
        assert by_road.by_road
    after = await roads.find_route([STATION, MARKET])
    assert after == before
    await roads.close()


async def test_one_that_dies_is_started_again_and_ends_with_its_owner(data: Path) -> None:
    async with running(data) as roads:
        first = read_place(data)
        [pid] = _engines(data)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: read_place(data) not in {first, None})
        assert await roads.find_route([STATION, MARKET]) is not None
        assert len(_engines(data)) == 1
    assert _engines(data) == []
    assert not place_file(data).exists()


async def test_a_new_graph_is_taken(data: Path) -> None:
    async with running(data) as roads:
        first, before = read_place(data), current_graph(data)
        await asyncio.to_thread(build_graph, maps.engine(), maps.helsinki(), data)
        assert current_graph(data) != before
        await until(lambda: read_place(data) not in {first, None})
        assert await roads.find_route([STATION, MARKET]) is not None


async def test_once_for_a_data_folder(data: Path) -> None:
    async with running(data):
        place = read_place(data)
        async with road_engine(data):
            await asyncio.sleep(0.1)
            assert read_place(data) == place
            assert len(_engines(data)) == 1


def test_what_is_no_extract_is_said_and_leaves_what_was(data: Path, tmp_path: Path) -> None:
    before = current_graph(data)
    (tmp_path / "no.osm.pbf").write_bytes(b"no extract")
    with pytest.raises(GraphFailed, match="osrm-extract"):
        build_graph(maps.engine(), tmp_path / "no.osm.pbf", data)
    assert current_graph(data) == before
    assert len(list((maps_folder(data) / "graphs").iterdir())) == 1


def _engines(data: Path) -> list[int]:
    """Running engines of this data folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"osrm-routed") and str(data).encode() in b" ".join(words):
            found.append(int(folder.name))
    return found


@contextmanager
def answering(status: int, body: Any, seen: list[str] | None = None) -> Iterator[str]:
    """A server that always answers this."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if seen is not None:
                seen.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[OsrmRoads]:
    roads = OsrmRoads(url)
    try:
        yield roads
    finally:
        await roads.close()


@pytest.mark.parametrize("code", ["NoRoute", "NoSegment"])
async def test_no_way_is_an_answer(code: str) -> None:
    with answering(400, {"code": code, "message": "x"}) as url:
        async with asking(url) as roads:
            assert await roads.find_route([STATION, MARKET]) is None
            matrix = await roads.get_matrix([STATION], [MARKET, CHURCH])
            assert matrix.durations_s == ((None, None),)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"<html>"),
        (200, b""),
        (400, {"code": "TooBig"}),
        (200, {"code": "Ok", "durations": [], "distances": [], "sources": [], "destinations": []}),
    ],
)
async def test_a_bad_answer_is_none(status: int, body: Any) -> None:
    with answering(status, body) as url:
        async with asking(url) as roads:
            with pytest.raises(RoadsUnavailable):
                await roads.get_matrix([STATION], [MARKET])


async def test_nobody_there() -> None:
    async with asking("http://127.0.0.1:9") as roads:
        with pytest.raises(RoadsUnavailable):
            await roads.find_route([STATION, MARKET])


async def test_a_place_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    write_place(tmp_path, RoadPlace("http://127.0.0.1:9"))
    roads = RoadsHere(tmp_path)
    with pytest.raises(RoadsUnavailable):
        await roads.find_route([STATION, MARKET])
    place_file(tmp_path).write_text("{")
    assert await roads.find_route([STATION, MARKET]) is not None
    write_place(tmp_path, None)
    write_place(tmp_path, None)
    await roads.close()


async def test_estimates() -> None:
    roads = GreatCircleRoads()
    route = await roads.find_route([STATION, MARKET, CHURCH])
    assert route is not None
    straight = distance_m(STATION, MARKET) + distance_m(MARKET, CHURCH)
    assert route.distance_m == pytest.approx(straight * 1.35, abs=2)
    assert route.duration_s == pytest.approx(straight * 1.35 * 3.6 / 30, abs=2)
    matrix = await roads.get_matrix([STATION, MARKET], [MARKET])
    assert matrix.distances_m == ((route.legs[0][0],), (0,))
