"""`zones.geojson`: a FeatureCollection; each feature is a Polygon (holes allowed), or a Point with `radius_m`."""

from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta

from isotope.domain.zones import check_zone
from isotope.domain.zones.model import ZoneDraft, ZoneSpec, ZoneType
from isotope.kernel.vehicle_types import VehicleType
from isotope.provisioning.catalog_files import Ref, Title, narrow
from isotope.provisioning.faults import Faults
from isotope.provisioning.feature_collection import Feature, read_features
from isotope.provisioning.limits import MAX_ZONES

FILE: Final = "zones.geojson"


class ZoneFile(ZoneSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `properties` of a feature."""

    ref: Annotated[Ref, Meta(description="the zone's name in this file; the feature's `id` will do as well")]
    zone_type: ZoneType
    title: Title
    color: Annotated[
        str,
        Meta(
            pattern="^[0-9A-F]{6}$",
            description="bare upper-case hex, as apps paint it",
            extra={"accepted": "six of 0-9 A-F such as 21C378, without #"},
        ),
    ]
    radius_m: Annotated[
        float | None, Meta(description="makes a circle of a Point; metres, above 0 and at most 100000")
    ] = None
    vehicle_types: Annotated[tuple[VehicleType, ...], Meta(max_length=50, description="none: all")] = ()

    def spec(self) -> ZoneSpec:
        """What the zone does, as the store keeps it."""
        return narrow(self, ZoneSpec)


@dataclass(frozen=True, slots=True)
class ZoneEntry:
    """A feature: the zone if it is right, its place, and what other files and features are compared with."""

    zone: ZoneDraft | None
    line: int
    feature: str
    ref: str | None
    models: tuple[str, ...]


def read_zones(text: str, faults: Faults) -> tuple[ZoneEntry, ...]:
    """Every feature of the file; faults for what is wrong."""
    return tuple(_entry(feature) for feature in read_features(text, FILE, MAX_ZONES, faults))


def _entry(feature: Feature) -> ZoneEntry:
    before = len(feature.faults)
    zone = _zone(feature)
    known = feature.properties()
    known = known if isinstance(known, dict) else {}
    ref, models = known.get("ref"), known.get("models")
    return ZoneEntry(
        zone=zone if len(feature.faults) == before else None,
        line=feature.line,
        feature=feature.place.feature,
        ref=ref if isinstance(ref, str) else None,
        models=tuple(model for model in models if isinstance(model, str)) if isinstance(models, list) else (),
    )


def _zone(feature: Feature) -> ZoneDraft | None:
    zone = feature.read(ZoneFile)
    ground = None if zone is None else feature.ground(zone.radius_m)
    if zone is None or ground is None:
        return None
    area, point, radius_m = ground
    draft = ZoneDraft(
        ref=zone.ref,
        zone_type=zone.zone_type,
        title=zone.title,
        color=zone.color,
        area=area,
        point=point,
        radius_m=radius_m,
        vehicle_types=zone.vehicle_types,
        spec=zone.spec(),
    )
    for fault in check_zone(draft):
        feature.say("", fault)
    return draft
