"""May a ride end here? Pure.

First match decides (only zones for the vehicle's type and model whose window is open count):

| the place is                                                  | answer                        |
|---------------------------------------------------------------|-------------------------------|
| in a NO_GO zone                                               | refused, no_go_zone           |
| in a NO_PARKING zone                                          | refused, no_parking_zone      |
| outside every parking zone, and such a vehicle has any now    | refused, outside_parking      |
| anything else                                                 | allowed                       |

Parking zones are PARKING_ZONE, PAID_PARKING_ZONE and PARK_PLACE_ZONE. A border belongs to its zone, so on a common
border the forbidden zone wins. Source: domain rules, "Sharing ride": evaluate forbidden zones first, then require a
parking zone when the fleet has any.
"""

from datetime import datetime

from isotope.domain.zones.index import ZoneIndex
from isotope.domain.zones.model import EndReason, EndRefused, ZoneType
from isotope.domain.zones.nearest import find_nearest_parking, is_legal
from isotope.kernel.geo import Point
from isotope.kernel.vehicle_types import VehicleType


def may_end_at(
    index: ZoneIndex, point: Point, vehicle_type: VehicleType, at: datetime, *, model_ref: str | None = None
) -> EndRefused | None:
    """None: the ride may end at the point; else why not, and the nearest place where it may.

    `at` is an aware instant; windows are read by the operator's clock. Zones for certain models count only for a
    vehicle whose model has such a `model_ref`.
    """
    zones = index.zones_at(point, vehicle_type, at, model_ref=model_ref)
    if is_legal(zones, needs_parking=index.has_parking(vehicle_type, at, model_ref=model_ref)):
        return None
    nearest = find_nearest_parking(index, point, vehicle_type, at, model_ref=model_ref)
    for zone_type, reason in (
        (ZoneType.NO_GO_ZONE, EndReason.NO_GO_ZONE),
        (ZoneType.NO_PARKING_ZONE, EndReason.NO_PARKING_ZONE),
    ):
        zone = next((zone for zone in zones if zone.zone_type is zone_type), None)
        if zone is not None:
            return EndRefused(reason=reason, zone=zone, nearest=nearest)
    return EndRefused(reason=EndReason.OUTSIDE_PARKING, zone=None, nearest=nearest)
