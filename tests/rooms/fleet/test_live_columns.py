import random

import pytest

from isotope.domain.fleet.live_columns import FleetColumns, VehicleRow
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import ModelId, VehicleId
from isotope.kernel.vehicle_types import VehicleType

NOW_S = 1_000_000.0


def row(vehicle_id: int, at: Point | None, **told: object) -> VehicleRow:
    facts: dict[str, object] = {
        "vehicle_id": VehicleId(vehicle_id),
        "nr": str(vehicle_id),
        "model_id": ModelId(1),
        "vehicle_type": VehicleType.BIKE,
        "is_ready": True,
        "lat": None if at is None else at.lat,
        "lon": None if at is None else at.lon,
        "battery_pct": 50,
        "minimum_pct": None,
        "seen_s": NOW_S,
    }
    return VehicleRow(**(facts | told))  # type: ignore[arg-type]


def found(columns: FleetColumns, point: Point, radius_m: float, limit: int = 1_000_000) -> list[int]:
    shown, _total = columns.within(point, radius_m, seen_after_s=NOW_S - 60, minimum_pct=20, limit=limit)
    return [vehicle.vehicle_id for vehicle in shown]


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
                is_ready=dice.random() < 0.8,
                battery_pct=dice.randrange(101),
                minimum_pct=dice.choice([None, None, 0, 60]),
                seen_s=NOW_S - dice.choice([0, 60, 61]),
            )
        )
    for start in range(0, len(rows), 700):
        columns.put(rows[start : start + 700])
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
        assert found(columns, point, radius_m) == [vehicle_id for _away_m, vehicle_id in expected]
        _shown, total = columns.within(point, radius_m, seen_after_s=NOW_S - 60, minimum_pct=20, limit=7)
        assert total == len(expected)
        assert found(columns, point, radius_m, limit=7) == [vehicle_id for _away_m, vehicle_id in expected[:7]]
        some += len(expected)
    assert some > 500


def test_a_changed_vehicle_is_a_new_object_and_an_unchanged_one_is_not() -> None:
    here = Point(60.0, 24.0)
    columns = FleetColumns()
    columns.put([row(1, here)])
    first = columns.get(VehicleId(1))
    assert first is not None
    first.encoded = b"kept"
    columns.put([row(1, here, seen_s=NOW_S + 5)])
    assert columns.get(VehicleId(1)) is first
    columns.put([row(1, here, battery_pct=49)])
    second = columns.get(VehicleId(1))
    assert second is not None
    assert (second.battery_pct, second.encoded) == (49, None)


def test_hidden_until_put_again() -> None:
    here = Point(60.0, 24.0)
    columns = FleetColumns()
    columns.put([row(1, here), row(2, here)])
    columns.hide(VehicleId(1))
    columns.hide(VehicleId(99))
    assert found(columns, here, 10) == [2]
    assert columns.get(VehicleId(1)) is not None
    columns.put([row(1, here)])
    assert found(columns, here, 10) == [1, 2]


def test_a_vehicle_that_was_never_anywhere_is_not_shown() -> None:
    columns = FleetColumns()
    columns.put([row(1, None)])
    columns.put([])
    assert columns.get(VehicleId(1)) is None
    assert found(columns, Point(0.0, 0.0), 20_100_000) == []
