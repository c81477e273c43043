"""May a ride end here? Pure.

First match decides (only zones for the vehicle's type and model whose window is open count):

| the place is                                                                  | answer                   |
|-------------------------------------------------------------------------------|--------------------------|
| legal: in no forbidden zone, and in a parking zone if such a vehicle has any now | allowed               |
| not legal, and a legal place lies within `tolerance_m`                        | allowed, as if it were there |
| in a NO_GO zone                                                               | refused, no_go_zone      |
| in a NO_PARKING zone                                                          | refused, no_parking_zone |
| outside every parking zone                                                    | refused, outside_parking |

Parking zones are PARKING_ZONE, PAID_PARKING_ZONE and PARK_PLACE_ZONE; forbidden are NO_GO and NO_PARKING. A border belongs
to its zone, so on a common border the forbidden zone wins. Source: domain rules, "Sharing ride": evaluate forbidden zones
first, then require a parking zone when the fleet has any; GPS errs by 45 to 60 m in towns.

The tolerance speaks for the rider and never against them: a forbidden zone counts only for who is deeper in it than
`tolerance_m`, a parking zone also for who is within `tolerance_m` outside. Who is inside a parking zone may end there,
however near a forbidden one is. Because the legal place itself is looked for, a line between two forbidden zones that
touch, and parking that is covered by a forbidden zone, allow nothing. It errs by the 0.1 m that the place keeps from
borders (`nearest`).

What counts of the place that allowed the end (the point itself, or the legal place near it):

| of its zones                    | what counts                                                                          |
|---------------------------------|--------------------------------------------------------------------------------------|
| parking zones                   | one: highest priority; of equal ones the smallest fee, so that a paid one never beats a free one that ranks as high; then the smallest id |
| bonus zones                     | one: highest priority, then the smallest id                                          |
| zones that want a photo         | any of them                                                                          |
"""

from datetime import datetime

from isotope.domain.zones.index import ZoneIndex
from isotope.domain.zones.model import EndAllowed, EndReason, EndRefused, NearestParking, Zone, ZoneType
from isotope.domain.zones.nearest import find_nearest_parking, is_legal, parking_of
from isotope.kernel.geo import Point
from isotope.kernel.vehicle_types import VehicleType


def judge_end(
    index: ZoneIndex,
    point: Point,
    vehicle_type: VehicleType,
    at: datetime,
    *,
    model_ref: str | None = None,
    tolerance_m: float = 0,
) -> EndAllowed | EndRefused:
    """Whether the ride may end at the point, by the tables above; if not, the nearest place where it may.

    `at` is an aware instant; windows are read by the operator's clock. Zones for certain models count only for a vehicle
    whose model has such a `model_ref`. `tolerance_m`: how far the point may be wrong; the nearest place is one that is
    legal without it.
    """
    zones = index.zones_at(point, vehicle_type, at, model_ref=model_ref)
    if is_legal(zones, needs_parking=index.has_parking(vehicle_type, at, model_ref=model_ref)):
        return _allowed(zones)
    nearest = find_nearest_parking(index, point, vehicle_type, at, model_ref=model_ref)
    if nearest is not None and nearest.distance_m <= tolerance_m:
        return _allowed(index.zones_at(nearest.point, vehicle_type, at, model_ref=model_ref))
    return _refused(zones, nearest)


def may_end_at(
    index: ZoneIndex,
    point: Point,
    vehicle_type: VehicleType,
    at: datetime,
    *,
    model_ref: str | None = None,
    tolerance_m: float = 0,
) -> EndRefused | None:
    """`judge_end` for who asks only whether: None is yes."""
    judged = judge_end(index, point, vehicle_type, at, model_ref=model_ref, tolerance_m=tolerance_m)
    return judged if isinstance(judged, EndRefused) else None


def _allowed(zones: list[Zone]) -> EndAllowed:
    return EndAllowed(
        parking=parking_of(zones),
        bonus=next((zone for zone in zones if zone.zone_type is ZoneType.BONUS_ZONE), None),
        photo_required=any(zone.spec.photo_required for zone in zones),
    )


def _refused(zones: list[Zone], nearest: NearestParking | None) -> EndRefused:
    for zone_type, reason in (
        (ZoneType.NO_GO_ZONE, EndReason.NO_GO_ZONE),
        (ZoneType.NO_PARKING_ZONE, EndReason.NO_PARKING_ZONE),
    ):
        zone = next((zone for zone in zones if zone.zone_type is zone_type), None)
        if zone is not None:
            return EndRefused(reason=reason, zone=zone, nearest=nearest)
    return EndRefused(reason=EndReason.OUTSIDE_PARKING, zone=None, nearest=nearest)
