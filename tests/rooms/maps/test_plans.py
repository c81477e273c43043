"""Every question to the table of places goes by an index, in a town of 20,000 among other operators'."""

import json
from typing import Any

from isotope.domain.maps import ImportPlaces, import_places
from isotope.domain.maps.folding import take_apart
from isotope.domain.maps.model import KnownPlace, PlaceKind
from isotope.domain.maps.queries import list_around, list_like, list_place_sources
from isotope.domain.maps.store import forget_places
from isotope.infra.db import Database
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from tests.kit.plans import ExplainingTx
from tests.kit.tenants import make_operator

STREETS, NUMBERS = 2_000, 9


def a_town() -> list[KnownPlace]:
    streets = [
        KnownPlace(
            ref=f"s{nr}",
            kind=PlaceKind.STREET,
            lat=60 + nr / 10_000,
            lon=25 + nr % 100 / 1_000,
            titles={"": f"Street {nr:x}"},
            subtitles={"": "Town"},
            folded=f"|{_word(nr)} street|",
            area="town",
            weight=0.6,
        )
        for nr in range(STREETS)
    ]
    addresses = [
        KnownPlace(
            ref=f"a{street.ref}:{number}",
            kind=PlaceKind.ADDRESS,
            lat=street.lat,
            lon=street.lon + number / 10_000,
            titles={"": f"{street.titles['']} {number}"},
            subtitles={"": "Town"},
            street_ref=street.ref,
            number=str(number),
        )
        for street in streets
        for number in range(1, NUMBERS + 1)
    ]
    return streets + addresses


def _word(nr: int) -> str:
    return "".join("bcdfghklmn"[int(digit)] + "aeiou"[int(digit) % 5] for digit in f"{nr:05d}")


async def test_by_index(rt: Runtime, fresh_database_url: str) -> None:
    db = Database(fresh_database_url, max_size=2)
    await db.open()
    mine = Runtime(db=db, clock=rt.clock, hub=rt.hub, jobs=rt.jobs)
    try:
        for _ in range(2):
            operator = (await make_operator(mine)).operator
            await import_places(mine, ImportPlaces(operator=operator, source="town", attribution="x", places=a_town()))
        async with db.glance() as tx:
            await tx.execute("analyze place")
        async with db.write() as tx:
            plain = ExplainingTx(tx)
            word = _word(1234)
            [first, *_more] = await list_like(plain, operator.id, take_apart(f"{word} street 7"), Point(60, 25), 10)
            assert first.titles[""] == f"Street {1234:x} 7"
            assert await list_around(plain, operator.id, Point(60.05, 25.05), 60.0) is not None
            assert len(await list_place_sources(plain, operator.id)) == 1
            assert await forget_places(plain, operator.id, "town", 1, 100) == 0
        plans = {sql: json.dumps(plan) for sql, plan in plain.plans.items()}
        assert _indexes(plans, "with hit") >= {"place_folded", "place_number"}
        assert _indexes(plans, "point(lon, lat)") == {"place_spot"}
        assert "place_run" in _indexes(plans, "delete from place")
        assert not [sql for sql, plan in plans.items() if '"Seq Scan"' in plan and '"place"' in plan]
    finally:
        await db.close()


def _indexes(plans: dict[str, str], part: str) -> set[str]:
    [plan] = [plan for sql, plan in plans.items() if part in sql]
    return set(_named(json.loads(plan)))


def _named(node: dict[str, Any]) -> list[str]:
    own = [node["Index Name"]] if "Index Name" in node else []
    return own + [name for inner in node.get("Plans", ()) for name in _named(inner)]
