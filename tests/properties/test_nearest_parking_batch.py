"""The nearest legal place for thousands of riders in random cities, against an oracle that walks along every border.

Random cities have overlapping stars and circles, holes, holes in holes' places, zones for certain vehicle types and
models, zones with windows, priorities and fees. The riders are anywhere, on borders too.

The oracle shares no code with what it tests: it knows distances by the spherical law of cosines, insides by the winding
of rings, windows by hand, and looks for the nearest place among points that lie `ASIDE_M` to both sides of every border,
`STEP_M` apart. What it finds is no nearer than `TOLERANCE_M` before the answer, and not farther than `SLACK_M` behind.
A place is legal for it when eight points `AROUND_M` around it are too: nobody is sent to a strip that is narrower.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise, product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from isotope.domain.zones import EndReason, EndRefused, ZoneDraft, ZoneIndex, ZoneSpec, ZoneType, check_zone, judge_end
from isotope.kernel.geo import Point
from isotope.kernel.time_windows import TimeWindow, Weekday
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import zone_draft
from tests.kit.zones import index_of

R = 6_371_008.8
M_PER_DEG = 111_195.08
HELSINKI = ZoneInfo("Europe/Helsinki")
TIMES = (
    datetime(2026, 6, 1, 9, tzinfo=UTC),
    datetime(2026, 6, 1, 20, 30, tzinfo=UTC),
    datetime(2026, 6, 6, 0, tzinfo=UTC),
)
"""Monday noon, Monday half past eleven at night, Saturday three o'clock at night in Helsinki."""

PARKING = {ZoneType.PARKING_ZONE, ZoneType.PAID_PARKING_ZONE, ZoneType.PARK_PLACE_ZONE}
FORBIDDEN = {ZoneType.NO_PARKING_ZONE, ZoneType.NO_GO_ZONE}
TYPES = (*PARKING, *PARKING, *FORBIDDEN, *FORBIDDEN, ZoneType.BONUS_ZONE, ZoneType.SPEED_LIMIT_ZONE)
VEHICLES: tuple[tuple[VehicleType, str | None], ...] = (
    (VehicleType.SCOOTER, "city"),
    (VehicleType.SCOOTER, None),
    (VehicleType.BIKE, "cargo"),
)

STEP_M, ASIDE_M, AROUND_M = 0.75, 0.16, 0.15
TOLERANCE_M, SLACK_M = 0.03, 0.5

Places = NDArray[np.float64]
"""Rows of `[lon, lat]`."""


# The oracle.


@dataclass(frozen=True)
class Known:
    """A zone as the oracle reads it: rings of `[lon, lat]`, or a circle."""

    draft: ZoneDraft
    rings: tuple[Places, ...]
    forbidden: bool
    parking: bool

    def has(self, places: Places) -> NDArray[np.bool_]:
        if self.draft.point is not None:
            assert self.draft.radius_m is not None
            return away_m(self.draft.point, places) <= self.draft.radius_m
        inside = winds_around(self.rings[0], places)
        for hole in self.rings[1:]:
            inside &= ~winds_around(hole, places)
        return inside

    def border(self) -> list[Places]:
        """Rings of places at most `STEP_M` apart."""
        if self.draft.point is not None:
            assert self.draft.radius_m is not None
            turns = np.linspace(0, 2 * np.pi, int(2 * np.pi * self.draft.radius_m / STEP_M) + 9)[:-1]
            return [moved(self.draft.point, self.draft.radius_m * np.sin(turns), self.draft.radius_m * np.cos(turns))]
        return [walked(ring) for ring in self.rings]


def away_m(point: Point, places: Places) -> NDArray[np.float64]:
    """By vectors from the middle of the earth; the haversine is not asked."""
    lat, lon = np.radians(places[:, 1]), np.radians(places[:, 0])
    lat_0, lon_0 = np.radians(point.lat), np.radians(point.lon)
    ends = np.column_stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))
    start = np.array((np.cos(lat_0) * np.cos(lon_0), np.cos(lat_0) * np.sin(lon_0), np.sin(lat_0)))
    chords: Places = np.linalg.norm(ends - start, axis=1)
    return R * 2 * np.arcsin(chords / 2)


def moved(point: Point, east_m: Any, north_m: Any) -> Places:
    """Places around a point; flat, good for a few hundred metres."""
    lat = point.lat + np.degrees(north_m / R)
    lon = point.lon + np.degrees(east_m / R) / np.cos(np.radians((point.lat + lat) / 2))
    return np.column_stack((np.atleast_1d(lon), np.atleast_1d(lat)))


def winds_around(ring: Places, places: Places) -> NDArray[np.bool_]:
    """Whether the ring winds around each place: the signed crossings of a ray to the east are not zero."""
    x, y = places[:, 0][:, None], places[:, 1][:, None]
    (x_a, y_a), (x_b, y_b) = ring[:-1].T, ring[1:].T
    left = (x_b - x_a) * (y - y_a) - (x - x_a) * (y_b - y_a)
    up, down = (y_a <= y) & (y_b > y) & (left > 0), (y_a > y) & (y_b <= y) & (left < 0)
    winds: NDArray[np.bool_] = up.sum(axis=1) != down.sum(axis=1)
    return winds


def walked(ring: Places) -> Places:
    """Places along the ring, its corners among them."""
    parts = []
    for a, b in pairwise(ring):
        metres = float(away_m(Point(a[1], a[0]), b[None, :])[0])
        parts.append(a + (b - a) * np.linspace(0, 1, int(metres / STEP_M) + 2)[:-1, None])
    return np.concatenate(parts)


def aside(border: Places) -> Places:
    """`ASIDE_M` to every side of each place of a border."""
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    lat = border[:, 1][:, None] + np.degrees(ASIDE_M * np.cos(angles) / R)
    lon = border[:, 0][:, None] + np.degrees(ASIDE_M * np.sin(angles) / R) / np.cos(np.radians(lat))
    return np.column_stack((lon.ravel(), lat.ravel()))


def is_open(windows: Sequence[TimeWindow], at: datetime) -> bool:
    """The windows that random cities have, by hand."""
    local = at.astimezone(HELSINKI)
    hour, day = local.hour + local.minute / 60, local.weekday()
    for window in windows:
        night = window == NIGHT
        if window == DAY and 8 <= hour < 18:
            return True
        if night and (hour >= 22 or hour < 6):
            return True
        # Begins on Friday at 22, so that Saturday before 6 belongs to it.
        if window == FRIDAY_NIGHT and ((day == 4 and hour >= 22) or (day == 5 and hour < 6)):
            return True
    return not windows


@dataclass(frozen=True)
class Oracle:
    """What one kind of vehicle may do in a city at one time."""

    zones: tuple[Known, ...]

    @property
    def needs_parking(self) -> bool:
        return any(zone.parking for zone in self.zones)

    def legal(self, places: Places) -> NDArray[np.bool_]:
        allowed = np.full(len(places), not self.needs_parking)
        for zone in self.zones:
            if zone.parking:
                allowed |= zone.has(places)
        for zone in self.zones:
            if zone.forbidden:
                allowed &= ~zone.has(places)
        return allowed

    def safe(self, places: Places) -> NDArray[np.bool_]:
        """Legal, and around it too."""
        ok = self.legal(places)
        for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False):
            if not ok.any():
                break
            lat = places[ok, 1] + np.degrees(AROUND_M * np.cos(angle) / R)
            lon = places[ok, 0] + np.degrees(AROUND_M * np.sin(angle) / R) / np.cos(np.radians(lat))
            ok[ok] = self.legal(np.column_stack((lon, lat)))
        return ok

    def candidates(self) -> Places:
        """Every place that may be the nearest to somebody: beside the borders."""
        borders = [ring for zone in self.zones if zone.parking or zone.forbidden for ring in zone.border()]
        if not borders:
            return np.empty((0, 2))
        beside = aside(np.concatenate(borders))
        return beside[self.safe(beside)]


def oracle_of(drafts: Sequence[ZoneDraft], vehicle_type: VehicleType, model: str | None, at: datetime) -> Oracle:
    found = []
    for draft in drafts:
        if draft.vehicle_types and vehicle_type not in draft.vehicle_types:
            continue
        if draft.spec.models and model not in draft.spec.models:
            continue
        if not is_open(draft.spec.windows, at):
            continue
        rings = () if draft.area is None else tuple(np.array(ring, dtype=float) for ring in draft.area["coordinates"])
        found.append(Known(draft, rings, draft.zone_type in FORBIDDEN, draft.zone_type in PARKING))
    return Oracle(tuple(found))


# Random cities.


DAY = TimeWindow(start="08:00", end="18:00")
NIGHT = TimeWindow(start="22:00", end="06:00")
FRIDAY_NIGHT = TimeWindow(weekdays=(Weekday.FRI,), start="22:00", end="06:00")


def star(rng: Random, centre: Point, size_m: float, corners: int, least: float) -> list[list[float]]:
    turn = rng.uniform(0, 6.28)
    turns = turn + np.arange(corners) * 2 * np.pi / corners
    radii = np.array([size_m * rng.uniform(least, 1.0) for _ in range(corners)])
    ring = [[float(lon), float(lat)] for lon, lat in moved(centre, radii * np.cos(turns), radii * np.sin(turns))]
    return [*ring, ring[0]]


def random_city(rng: Random, home: Point) -> list[ZoneDraft]:
    drafts: list[ZoneDraft] = []
    while len(drafts) < 9:
        ((lon, lat),) = moved(home, rng.uniform(-150, 150), rng.uniform(-150, 150))
        centre, size_m = Point(float(lat), float(lon)), rng.uniform(10, 90)
        parts: dict[str, Any] = {"point": centre, "radius_m": size_m}
        if rng.random() < 0.65:
            rings = [star(rng, centre, size_m, rng.randint(3, 9), 0.5)]
            if rng.random() < 0.6:
                rings.append(star(rng, centre, size_m * 0.22, 5, 0.7)[::-1])
            parts = {"area": {"type": "Polygon", "coordinates": rings}}
        zone_type = rng.choice(TYPES)
        spec = ZoneSpec(
            windows=rng.choice(((), (), (), (DAY,), (NIGHT,), (FRIDAY_NIGHT,), (DAY, NIGHT))),
            models=rng.choice(((), (), (), ("city",), ("cargo",))),
            priority=rng.randint(-2, 2),
            speed_limit_kmh=10 if zone_type is ZoneType.SPEED_LIMIT_ZONE else None,
            fee_minor=rng.choice((0, 100)),
        )
        types = rng.choice(((), (), (), (VehicleType.SCOOTER,), (VehicleType.BIKE, VehicleType.CAR)))
        draft = zone_draft(zone_type, spec=spec, vehicle_types=types, **parts)
        if not check_zone(draft):
            drafts.append(draft)
    return drafts


def random_rider(rng: Random, home: Point, candidates: Places) -> Point:
    """Anywhere; every fourth within a metre of a border."""
    if len(candidates) and rng.random() < 0.25:
        lon, lat = candidates[rng.randrange(len(candidates))]
        home, reach_m = Point(float(lat), float(lon)), 1.0
    else:
        reach_m = 250.0
    ((lon, lat),) = moved(home, rng.uniform(-reach_m, reach_m), rng.uniform(-reach_m, reach_m))
    return Point(float(lat), float(lon))


@pytest.mark.parametrize("lat", [0.0, 60.17, -45.0, 71.0])
def test_thousands_of_riders(lat: float) -> None:
    """12 cities, 4 of the 9 pairs of vehicle and time, 25 riders each: 1,200 for each latitude."""
    rng = Random(f"riders at {lat}")
    home = Point(lat, 24.94)
    asked = refused = compared = 0
    for _ in range(12):
        drafts = random_city(rng, home)
        index = index_of(*drafts, time_zone=HELSINKI)
        for (vehicle_type, model), at in rng.sample(list(product(VEHICLES, TIMES)), 4):
            oracle = oracle_of(drafts, vehicle_type, model, at)
            candidates = oracle.candidates()
            for _rider in range(25):
                rider = random_rider(rng, home, candidates)
                asked += 1
                judged = judge_end(index, rider, vehicle_type, at, model_ref=model)
                may = bool(oracle.legal(np.array([[rider.lon, rider.lat]]))[0])
                assert isinstance(judged, EndRefused) is not may
                if isinstance(judged, EndRefused):
                    refused += 1
                    compared += check_refusal(index, oracle, candidates, rider, judged, (vehicle_type, model, at))
    assert asked == 1_200
    # Random cities that refuse nobody, or have no place, would prove nothing.
    assert refused > 400
    assert compared > 300


def check_refusal(
    index: ZoneIndex,
    oracle: Oracle,
    candidates: Places,
    rider: Point,
    refused: EndRefused,
    whose: tuple[VehicleType, str | None, datetime],
) -> bool:
    """Whether the oracle knows a place that is nearly as near."""
    vehicle_type, model, at = whose
    here = np.array([[rider.lon, rider.lat]])
    forbidding = {zone.draft.zone_type for zone in oracle.zones if zone.forbidden and zone.has(here)[0]}
    expected = (
        EndReason.NO_GO_ZONE
        if ZoneType.NO_GO_ZONE in forbidding
        else EndReason.NO_PARKING_ZONE
        if forbidding
        else EndReason.OUTSIDE_PARKING
    )
    assert refused.reason is expected
    best_m = float(away_m(rider, candidates).min()) if len(candidates) else None
    if refused.nearest is None:
        assert best_m is None
        return False
    place = refused.nearest.point
    for answer in (place, Point(round(place.lat, 6), round(place.lon, 6))):
        assert not isinstance(judge_end(index, answer, vehicle_type, at, model_ref=model), EndRefused)
        assert oracle.legal(np.array([[answer.lon, answer.lat]]))[0]
    found_m = float(away_m(rider, np.array([[place.lon, place.lat]]))[0])
    assert refused.nearest.distance_m == pytest.approx(found_m, abs=1e-4)
    if best_m is None:
        return False  # Only a strip in which the oracle's points do not fit.
    assert found_m <= best_m + TOLERANCE_M, (rider, place, best_m, found_m)
    return best_m <= found_m + SLACK_M
