"""`zones.geojson`: a FeatureCollection; each feature is a Polygon (holes allowed), or a Point with `radius_m`."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, NoReturn

import msgspec
from msgspec import Meta

from isotope.domain.zones import check_zone
from isotope.domain.zones.model import ZoneDraft, ZoneSpec, ZoneType
from isotope.kernel.geo import Point
from isotope.kernel.vehicle_types import VehicleType
from isotope.provisioning.catalog_files import Ref, Title, narrow
from isotope.provisioning.decode import Place, decode, node_of
from isotope.provisioning.faults import Faults, FileFault, did_you_mean, one_of, shown
from isotope.provisioning.limits import MAX_DEPTH, MAX_ZONES

FILE: Final = "zones.geojson"
_FAR: Final = 1_000_000
_FEATURE_KEYS: Final = ["type", "id", "geometry", "properties", "bbox"]
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


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
    document = _parse(text, faults)
    if document is None:
        return ()
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection" or not isinstance(features, list):
        faults.add(
            FileFault(
                file=FILE,
                line=1,
                reason="not a GeoJSON FeatureCollection",
                accepted='{"type": "FeatureCollection", "features": [...]}',
            )
        )
        return ()
    if len(features) > MAX_ZONES:
        faults.add(FileFault(file=FILE, reason=f"{len(features)} zones", accepted=f"at most {MAX_ZONES}"))
        return ()
    lines = list(_feature_lines(text))
    entries: list[ZoneEntry] = []
    for number, feature in enumerate(features, 1):
        line = lines[number - 1] if number <= len(lines) else 1
        entries.append(_Feature(feature, number, line, faults).read())
    return tuple(entries)


def _parse(text: str, faults: Faults) -> Any:
    if _depth(text) > MAX_DEPTH:
        faults.add(FileFault(file=FILE, reason=f"nested deeper than {MAX_DEPTH}"))
        return None
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        faults.add(FileFault(file=FILE, line=error.lineno, column=error.colno, reason=f"not JSON: {error.msg}"))
    except ValueError as error:
        faults.add(FileFault(file=FILE, reason=f"not JSON: {error}"))
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object, first with the value {shown(found[key])}")
        found[key] = value
    return found


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in _TOKEN.finditer(text):
        match token.group()[0]:
            case "{" | "[":
                depth += 1
                deepest = max(deepest, depth)
            case "}" | "]":
                depth -= 1
    return deepest


def _feature_lines(text: str) -> Iterator[int]:
    """The line at which each object of the top-level `features` list begins."""
    depth = 0
    is_inside = False
    last = ""
    line, counted = 1, 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        match word[0]:
            case "{" | "[":
                depth += 1
                if depth == 2:  # noqa: PLR2004 - directly in the document
                    is_inside = word == "[" and last == '"features"'
                elif depth == 3 and is_inside:  # noqa: PLR2004 - an element of the list
                    line += text.count("\n", counted, token.start())
                    counted = token.start()
                    yield line
            case "}" | "]":
                depth -= 1
        last = word


class _Feature:
    """One feature on its way to a zone."""

    def __init__(self, feature: Any, number: int, line: int, faults: Faults) -> None:
        name = _name(feature)
        self._feature = feature
        self._line = line
        self._faults = faults
        self._place = Place(FILE, f"feature {number}" + (f" ({name})" if name else ""))

    def read(self) -> ZoneEntry:
        properties = self._feature.get("properties") if isinstance(self._feature, dict) else None
        if isinstance(properties, dict) and "ref" not in properties and isinstance(self._feature.get("id"), str):
            properties = {**properties, "ref": self._feature["id"]}
        before = len(self._faults)
        zone = self._zone(properties)
        known = properties if isinstance(properties, dict) else {}
        ref, models = known.get("ref"), known.get("models")
        return ZoneEntry(
            zone=zone if len(self._faults) == before else None,
            line=self._line,
            feature=self._place.feature,
            ref=ref if isinstance(ref, str) else None,
            models=tuple(model for model in models if isinstance(model, str)) if isinstance(models, list) else (),
        )

    def _zone(self, properties: Any) -> ZoneDraft | None:
        if not isinstance(self._feature, dict) or self._feature.get("type") != "Feature":
            self._say("type", "not a Feature", '{"type": "Feature", "geometry": {...}, "properties": {...}}')
            return None
        for key in self._feature:
            if key not in _FEATURE_KEYS:
                self._say(key, f"unknown key{did_you_mean(key, _FEATURE_KEYS)}", one_of(_FEATURE_KEYS))
        zone = decode(node_of(properties, self._line), ZoneFile, self._place, self._faults)
        if zone is None:
            return None
        draft = self._draft(zone)
        if draft is not None:
            for fault in check_zone(draft):
                self._say("", fault)
        return draft

    def _draft(self, zone: ZoneFile) -> ZoneDraft | None:
        draft = ZoneDraft(
            ref=zone.ref,
            zone_type=zone.zone_type,
            title=zone.title,
            color=zone.color,
            vehicle_types=zone.vehicle_types,
            spec=zone.spec(),
        )
        geometry = self._feature.get("geometry")
        if not isinstance(geometry, dict) or "coordinates" not in geometry:
            self._say("geometry", "no geometry", "a Polygon, or a Point with the property radius_m")
            return None
        if geometry.get("type") == "Point":
            return self._circle(draft, geometry["coordinates"], zone.radius_m)
        if zone.radius_m is not None:
            self._say("properties.radius_m", "only a Point has a radius", "a Point, or no radius_m")
            return None
        area = {"type": geometry.get("type"), "coordinates": _flat(geometry["coordinates"])}
        return msgspec.structs.replace(draft, area=area)

    def _circle(self, draft: ZoneDraft, position: Any, radius_m: float | None) -> ZoneDraft | None:
        if radius_m is None:
            self._say("properties.radius_m", "missing: a Point is the middle of a circle", "metres above 0")
            return None
        if not isinstance(position, list) or len(position) not in (2, 3) or not all(map(_is_number, position)):
            self._say("geometry.coordinates", f"{shown(position)} is no position", "[longitude, latitude]")
            return None
        return msgspec.structs.replace(draft, point=Point(float(position[1]), float(position[0])), radius_m=radius_m)

    def _say(self, field: str, reason: str, accepted: str = "") -> None:
        self._faults.add(
            FileFault(
                file=FILE,
                line=self._line,
                feature=self._place.feature,
                field=field,
                reason=reason,
                accepted=accepted,
            )
        )


def _flat(rings: Any) -> Any:
    """Rings without altitudes, which GeoJSON allows and no zone has; what is no ring stays as it is, to be refused."""
    if not isinstance(rings, list):
        return rings
    return [
        [position[:2] if isinstance(position, list) else position for position in ring]
        if isinstance(ring, list)
        else ring
        for ring in rings
    ]


def _is_number(value: Any) -> bool:
    # Bounded, because a JSON number may be larger than any float.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _FAR


def _name(feature: Any) -> str:
    """How its author would look for the feature: its ref, else its id, else its title."""
    if not isinstance(feature, dict):
        return ""
    properties = feature.get("properties")
    for key, source in (("ref", properties), ("id", feature), ("title", properties)):
        if isinstance(source, dict) and isinstance(source.get(key), (str, int)):
            return f"{key} {shown(source[key])}"
    return ""
