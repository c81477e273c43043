"""Zones in memory, without a store."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from isotope.domain.zones import Zone, ZoneDraft, ZoneIndex
from isotope.kernel.ids import OperatorId, ZoneId

HELSINKI = ZoneInfo("Europe/Helsinki")


def stored(draft: ZoneDraft, zone_id: int = 1) -> Zone:
    """The zone as the store would give it back."""
    return Zone(
        operator_id=OperatorId(1),
        id=ZoneId(zone_id),
        ref=draft.ref,
        zone_type=draft.zone_type,
        title=draft.title,
        color=draft.color,
        area=draft.area,
        point=draft.point,
        radius_m=draft.radius_m,
        vehicle_types=draft.vehicle_types,
        spec=draft.spec,
    )


def index_of(*drafts: ZoneDraft, time_zone: ZoneInfo = HELSINKI) -> ZoneIndex:
    """Zones numbered from 1 in the order given."""
    zones: Sequence[Zone] = [stored(draft, number) for number, draft in enumerate(drafts, 1)]
    return ZoneIndex(OperatorId(1), zones, time_zone=time_zone)
