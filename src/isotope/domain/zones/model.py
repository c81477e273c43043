"""Zones of the map: where vehicles may be left, where not, where they are slowed or rewarded."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, ZoneId
from isotope.kernel.time_windows import TimeWindow
from isotope.kernel.vehicle_types import VehicleType

GeoJson = dict[str, Any]


class ZoneType(StrEnum):
    """There is no service area: a large NO_GO polygon with a hole plays it (client facts)."""

    PARKING_ZONE = "PARKING_ZONE"
    PAID_PARKING_ZONE = "PAID_PARKING_ZONE"
    PARK_PLACE_ZONE = "PARK_PLACE_ZONE"
    NO_PARKING_ZONE = "NO_PARKING_ZONE"
    NO_GO_ZONE = "NO_GO_ZONE"
    SPEED_LIMIT_ZONE = "SPEED_LIMIT_ZONE"
    BONUS_ZONE = "BONUS_ZONE"


# Where a ride may end. A bonus zone rewards the end of a ride; it does not by itself allow it.
PARKING_TYPES: Final = frozenset({ZoneType.PARKING_ZONE, ZoneType.PAID_PARKING_ZONE, ZoneType.PARK_PLACE_ZONE})
FORBIDDEN_TYPES: Final = frozenset({ZoneType.NO_PARKING_ZONE, ZoneType.NO_GO_ZONE})


class ZoneSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a zone does beyond its type. This is also its JSON form in `zone.spec`."""

    windows: Annotated[tuple[TimeWindow, ...], Meta(max_length=50, description="none: always")] = ()
    priority: Annotated[int, Meta(ge=-1_000, le=1_000, description="of overlapping zones the higher is named")] = 0
    models: Annotated[tuple[str, ...], Meta(max_length=500, description="refs of vehicle models; none: all")] = ()
    speed_limit_kmh: Annotated[int, Meta(ge=1, le=200)] | None = None
    fee_minor: Annotated[int, Meta(ge=0, le=1_000_000_000, description="added when a ride ends here")] = 0
    bonus_minor: Annotated[int, Meta(ge=0, le=1_000_000_000, description="paid when a ride ends here")] = 0
    bonus_pct: Annotated[
        int, Meta(ge=0, le=100, description="of the ride price, paid as bonus after a ride that ends here was charged")
    ] = 0
    fine_minor: (
        Annotated[
            int,
            Meta(
                ge=1, le=1_000_000_000, description="of a NO_PARKING_ZONE: for it a ride may end here; null: it may not"
            ),
        ]
        | None
    ) = None
    photo_required: Annotated[bool, Meta(description="a ride that ends here without a photo is reviewed")] = False


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """A polygon (`area`, GeoJSON, `[lon, lat]`) or a circle (`point` and `radius_m`). No vehicle types: all."""

    operator_id: OperatorId
    id: ZoneId
    ref: str
    zone_type: ZoneType
    title: str
    color: str
    area: GeoJson | None
    point: Point | None
    radius_m: float | None
    vehicle_types: tuple[VehicleType, ...]
    spec: ZoneSpec


class ZoneDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A zone as an operator describes it; `ref` is its name in the operator's folder. Checked by `check_zone`."""

    ref: str
    zone_type: ZoneType
    title: str
    color: str
    area: GeoJson | None = None
    point: Point | None = None
    radius_m: float | None = None
    vehicle_types: tuple[VehicleType, ...] = ()
    spec: ZoneSpec = ZoneSpec()


class NearestParking(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the ride may end now. `zone_id` is None where no parking zone is needed."""

    point: Point
    distance_m: float
    zone_id: ZoneId | None


class EndReason(StrEnum):
    """Why a ride may not end at a place: three different things for its rider."""

    NO_PARKING_ZONE = "no_parking_zone"
    NO_GO_ZONE = "no_go_zone"
    OUTSIDE_PARKING = "outside_parking"


class EndRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A ride may not end here. `zone` is the forbidding one; `nearest` is None when there is no place within reach."""

    reason: EndReason
    zone: Zone | None
    nearest: NearestParking | None


class EndAllowed(msgspec.Struct, frozen=True, kw_only=True):
    """A ride may end here. `parking`: the zone whose fee and rules count; None where no parking zone is needed.

    `bonus`: the bonus zone that rewards it. `photo_required`: a zone of the place wants a photo.
    """

    parking: Zone | None
    bonus: Zone | None
    photo_required: bool


class ZonesReplaced(msgspec.Struct, frozen=True, kw_only=True):
    """What `replace_zones` did. `version` is raised when anything changed."""

    added: int
    changed: int
    retired: int
    version: int
    changed_at: datetime
