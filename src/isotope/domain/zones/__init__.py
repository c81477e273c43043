"""Room: zones. Where a ride may end, and which zones a map shows."""

from isotope.domain.zones.effects import NO_EFFECT, EffectKind, Means, ZoneEffect, effect_of, zones_entered
from isotope.domain.zones.errors import InvalidZonesError
from isotope.domain.zones.index import ZoneIndex
from isotope.domain.zones.model import (
    EndAllowed,
    EndReason,
    EndRefused,
    NearestParking,
    Zone,
    ZoneDraft,
    ZoneSpec,
    ZonesReplaced,
    ZoneType,
)
from isotope.domain.zones.nearest import find_nearest_parking
from isotope.domain.zones.rules import judge_end, may_end_at
from isotope.domain.zones.shape import Shape, check_zone, shape_of
from isotope.domain.zones.store import ZONES_CHANGED, load_index, replace_zones
from isotope.domain.zones.zones import Zones

__all__ = [
    "NO_EFFECT",
    "ZONES_CHANGED",
    "EffectKind",
    "EndAllowed",
    "EndReason",
    "EndRefused",
    "InvalidZonesError",
    "Means",
    "NearestParking",
    "Shape",
    "Zone",
    "ZoneDraft",
    "ZoneEffect",
    "ZoneIndex",
    "ZoneSpec",
    "ZoneType",
    "Zones",
    "ZonesReplaced",
    "check_zone",
    "effect_of",
    "find_nearest_parking",
    "judge_end",
    "load_index",
    "may_end_at",
    "replace_zones",
    "shape_of",
    "zones_entered",
]
