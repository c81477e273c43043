"""Files that are a GeoJSON FeatureCollection: each feature is a Polygon (holes allowed), or a Point with `radius_m`."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn, TypeVar

from isotope.kernel.geo import Point
from isotope.provisioning.decode import Place, decode, node_of
from isotope.provisioning.faults import Faults, FileFault, did_you_mean, one_of, shown
from isotope.provisioning.limits import MAX_DEPTH

T = TypeVar("T")

_FAR: Final = 1_000_000
_FEATURE_KEYS: Final = ["type", "id", "geometry", "properties", "bbox"]
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)

Ground = tuple[dict[str, Any], None, None] | tuple[None, Point, float]
"""A polygon (GeoJSON), or the middle of a circle and its radius in metres."""


class Feature:
    """One feature of a file on its way to a value. What is wrong with it is collected with its place."""

    def __init__(self, file: str, feature: Any, number: int, line: int, faults: Faults) -> None:
        name = _name(feature)
        self.line = line
        self.place = Place(file, f"feature {number}" + (f" ({name})" if name else ""))
        self.faults = faults
        self._feature = feature

    @property
    def fault(self) -> FileFault:
        """Its place, as a fault without a reason."""
        return FileFault(file=self.place.file, line=self.line, feature=self.place.feature, reason="")

    def properties(self) -> Any:
        """As they stand; the feature's `id` does for a `ref`."""
        properties = self._feature.get("properties") if isinstance(self._feature, dict) else None
        if isinstance(properties, dict) and "ref" not in properties and isinstance(self._feature.get("id"), str):
            return {**properties, "ref": self._feature["id"]}
        return properties

    def read(self, kind: type[T]) -> T | None:
        """The properties as a `kind`, or None when something in them was wrong."""
        if not isinstance(self._feature, dict) or self._feature.get("type") != "Feature":
            self.say("type", "not a Feature", '{"type": "Feature", "geometry": {...}, "properties": {...}}')
            return None
        for key in self._feature:
            if key not in _FEATURE_KEYS:
                self.say(key, f"unknown key{did_you_mean(key, _FEATURE_KEYS)}", one_of(_FEATURE_KEYS))
        return decode(node_of(self.properties(), self.line), kind, self.place, self.faults)

    def ground(self, radius_m: float | None) -> Ground | None:
        """Its geometry; None when it has none, or not a whole one. `check_zone` says whether it is legal."""
        geometry = self._feature.get("geometry")
        if not isinstance(geometry, dict) or "coordinates" not in geometry:
            self.say("geometry", "no geometry", "a Polygon, or a Point with the property radius_m")
            return None
        if geometry.get("type") == "Point":
            return self._circle(geometry["coordinates"], radius_m)
        if radius_m is not None:
            self.say("properties.radius_m", "only a Point has a radius", "a Point, or no radius_m")
            return None
        return {"type": geometry.get("type"), "coordinates": _flat(geometry["coordinates"])}, None, None

    def _circle(self, position: Any, radius_m: float | None) -> Ground | None:
        if radius_m is None:
            self.say("properties.radius_m", "missing: a Point is the middle of a circle", "metres above 0")
            return None
        if not isinstance(position, list) or len(position) not in (2, 3) or not all(map(_is_number, position)):
            self.say("geometry.coordinates", f"{shown(position)} is no position", "[longitude, latitude]")
            return None
        return None, Point(float(position[1]), float(position[0])), radius_m

    def say(self, field: str, reason: str, accepted: str = "") -> None:
        self.faults.add(
            FileFault(
                file=self.place.file,
                line=self.line,
                feature=self.place.feature,
                field=field,
                reason=reason,
                accepted=accepted,
            )
        )


def read_features(text: str, file: str, most: int, faults: Faults) -> list[Feature]:
    """Every feature of the file, with its line; faults for a file that is no collection, or too large a one."""
    document = _parse(text, file, faults)
    if document is None:
        return []
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection" or not isinstance(features, list):
        faults.add(
            FileFault(
                file=file,
                line=1,
                reason="not a GeoJSON FeatureCollection",
                accepted='{"type": "FeatureCollection", "features": [...]}',
            )
        )
        return []
    if len(features) > most:
        faults.add(FileFault(file=file, reason=f"{len(features)} zones", accepted=f"at most {most}"))
        return []
    lines = list(_feature_lines(text))
    return [
        Feature(file, feature, number, lines[number - 1] if number <= len(lines) else 1, faults)
        for number, feature in enumerate(features, 1)
    ]


def _parse(text: str, file: str, faults: Faults) -> Any:
    if _depth(text) > MAX_DEPTH:
        faults.add(FileFault(file=file, reason=f"nested deeper than {MAX_DEPTH}"))
        return None
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        faults.add(FileFault(file=file, line=error.lineno, column=error.colno, reason=f"not JSON: {error.msg}"))
    except ValueError as error:
        faults.add(FileFault(file=file, reason=f"not JSON: {error}"))
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
