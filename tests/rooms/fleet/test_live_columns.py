import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest

from isotope.domain.fleet.live_clusters import MAX_CLUSTERS
from isotope.domain.fleet.live_columns import NO_MINIMUM, NUMBER_OF_TYPE, FleetColumns, VehicleRows
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import VehicleId
from isotope.kernel.vehicle_types import VehicleType

NOW_S = 1_000_000.0


class Row(NamedTuple):
    vehicle_id: int
    lat: float | None
    lon: float | None
    vehicle_type: VehicleType = VehicleType.BIKE
    is_ready: bool = True
    battery_pct: int = 50
    minimum_pct: int | None = None
    seen_s: float = NOW_S


def row(vehicle_id: int, at: Point | None, **told: object) -> Row:
    lat, lon = (None, None) if at is None else (at.lat, at.lon)
    return Row(vehicle_id, lat, lon, **told)  # type: ignore[arg-type]


def put(columns: FleetColumns, rows: Sequence[Row]) -> None:
    columns.put(
        VehicleRows(
            ids=[r.vehicle_id for r in rows],
            nrs=[str(r.vehicle_id) for r in rows],
            model_ids=np.array([1 for r in rows], dtype=np.int64),
            types=np.array([NUMBER_OF_TYPE[r.vehicle_type] for r in rows], dtype=np.int16),
            is_ready=np.array([r.is_ready for r in rows], dtype=np.bool_),
            lat=np.array([np.nan if r.lat is None else r.lat for r in rows]),
            lon=np.array([np.nan if r.lon is None else r.lon for r in rows]),
            battery_pct=np.array([r.battery_pct for r in rows], dtype=np.int16),
            minimum_pct=np.array(
                [NO_MINIMUM if r.minimum_pct is None else r.minimum_pct for r in rows], dtype=np.int16
            ),
            seen_s=np.array([r.seen_s for r in rows]),
        )
    )


def found(columns: FleetColumns, point: Point, radius_m: float, limit: int = 1_000_000) -> list[int]:
    around = columns.within(point, radius_m, seen_after_s=NOW_S - 60, minimum_pct=20, limit=limit)
    return [vehicle.vehicle_id for vehicle in around.vehicles]


@pytest.mark.parametrize(
    ("centre", "spread_deg"),
    [
        (Point(60.17, 24.94), 0.2),
        (Point(0.0, 0.0), 0.2),
        (Point(-33.9, 179.95), 0.2),  # across the antimeridian
        (Point(65.0, -179.99), 0.2),
        (Point(89.9, 10.0), 0.2),  # around the pole
        (Point(52.0, 13.0), 60.0),
    ],
)
def test_the_same_as_looking_at_every_vehicle(centre: Point, spread_deg: float) -> None:
    dice = random.Random(7)
    columns = FleetColumns()
    rows = []
    for vehicle_id in range(3_000):
        lat = max(-90.0, min(90.0, centre.lat + dice.uniform(-spread_deg, spread_deg)))
        lon = (centre.lon + dice.uniform(-spread_deg, spread_deg) * 2 + 540) % 360 - 180
        rows.append(
            row(
                vehicle_id,
                None if dice.random() < 0.05 else Point(lat, lon),
                vehicle_type=VehicleType.CAR if vehicle_id % 3 else VehicleType.BIKE,
                is_ready=dice.random() < 0.8,
                battery_pct=dice.randrange(101),
                minimum_pct=dice.choice([None, None, 0, 60]),
                seen_s=NOW_S - dice.choice([0, 60, 61]),
            )
        )
    for start in range(0, len(rows), 700):
        put(columns, rows[start : start + 700])
    some = 0
    for _ in range(50):
        point = Point(
            max(-90.0, min(90.0, centre.lat + dice.uniform(-spread_deg, spread_deg) / 2)),
            (centre.lon + dice.uniform(-spread_deg, spread_deg) / 2 + 540) % 360 - 180,
        )
        radius_m = dice.uniform(0.05, 1.0) * spread_deg * 111_000
        expected = sorted(
            (distance_m(point, Point(r.lat, r.lon)), r.vehicle_id)
            for r in rows
            if r.lat is not None
            and r.lon is not None
            and r.is_ready
            and r.battery_pct >= (20 if r.minimum_pct is None else r.minimum_pct)
            and r.seen_s >= NOW_S - 60
            and distance_m(point, Point(r.lat, r.lon)) <= radius_m
        )
        away_m = {vehicle_id: away for away, vehicle_id in expected}
        ids = found(columns, point, radius_m)
        assert sorted(ids) == sorted(away_m)
        # Of those that are equally far (the pole has many) any may come first.
        assert [away_m[vehicle_id] for vehicle_id in ids] == pytest.approx(sorted(away_m.values()), abs=1e-3)
        some_of_them = columns.within(point, radius_m, seen_after_s=NOW_S - 60, minimum_pct=20, limit=7)
        assert some_of_them.total == len(expected)
        assert sum(cluster.count for cluster in some_of_them.clusters) == max(0, len(expected) - 7)
        assert len(some_of_them.clusters) <= MAX_CLUSTERS
        nearest = [away_m[vehicle_id] for vehicle_id in found(columns, point, radius_m, limit=7)]
        assert nearest == pytest.approx([away for away, _vehicle_id in expected[:7]], abs=1e-3)
        some += len(expected)
    assert some > 500


def test_a_changed_vehicle_is_a_new_object_and_an_unchanged_one_is_not() -> None:
    here = Point(60.0, 24.0)
    columns = FleetColumns()
    put(columns, [row(1, here)])
    first = columns.get(VehicleId(1))
    assert first is not None
    first.encoded = b"kept"
    put(columns, [row(1, here, seen_s=NOW_S + 5)])
    assert columns.get(VehicleId(1)) is first
    put(columns, [row(1, here, battery_pct=49)])
    second = columns.get(VehicleId(1))
    assert second is not None
    assert (second.battery_pct, second.encoded) == (49, b"")


def test_hidden_until_put_again() -> None:
    here = Point(60.0, 24.0)
    columns = FleetColumns()
    put(columns, [row(1, here), row(2, here)])
    columns.hide(VehicleId(1))
    columns.hide(VehicleId(99))
    assert found(columns, here, 10) == [2]
    assert columns.get(VehicleId(1)) is not None
    put(columns, [row(1, here)])
    assert found(columns, here, 10) == [1, 2]


def test_a_vehicle_that_was_never_anywhere_is_not_shown() -> None:
    columns = FleetColumns()
    put(columns, [row(1, None)])
    put(columns, [])
    assert columns.get(VehicleId(1)) is None
    assert found(columns, Point(0.0, 0.0), 20_100_000) == []


def test_clusters_say_what_an_answer_has_no_room_for() -> None:
    columns = FleetColumns()
    here = Point(60.0, 24.0)
    far_east, far_north = Point(60.0, 24.05), Point(60.03, 24.0)
    put(
        columns,
        [row(number, here) for number in range(10)]
        + [row(number, far_east, vehicle_type=VehicleType.CAR) for number in range(10, 14)]
        + [row(number, far_east) for number in range(14, 15)]
        + [row(number, far_north) for number in range(15, 18)]
        + [row(18, far_north, is_ready=False)],
    )
    around = columns.within(here, 5_000, seen_after_s=NOW_S - 60, minimum_pct=20, limit=10)
    assert [vehicle.vehicle_id for vehicle in around.vehicles] == list(range(10))
    assert around.total == 18
    assert [(round(c.lat, 6), round(c.lon, 6), c.counts) for c in around.clusters] == [
        (60.0, 24.05, [(VehicleType.BIKE, 1), (VehicleType.CAR, 4)]),
        (60.03, 24.0, [(VehicleType.BIKE, 3)]),
    ]
    everything = columns.within(here, 5_000, seen_after_s=NOW_S - 60, minimum_pct=20, limit=18)
    assert (everything.total, everything.clusters) == (18, ())


def test_clusters_meet_across_the_antimeridian() -> None:
    columns = FleetColumns()
    put(columns, [row(1, Point(0.0, 179.999)), row(2, Point(0.0, -179.9999)), row(3, Point(0.0, 179.9998))])
    around = columns.within(Point(0.0, 179.999), 1_000, seen_after_s=NOW_S - 60, minimum_pct=20, limit=1)
    assert sum(cluster.count for cluster in around.clusters) == 2
    assert all(abs(cluster.lon) > 179.9 for cluster in around.clusters)
