"""What zones do to a vehicle that is ridden through them. Pure; no commands here.

Which zones a vehicle is in (hysteresis; only SPEED_LIMIT and NO_GO zones that count for it now):

| before  | it lies                                            | then    |
|---------|----------------------------------------------------|---------|
| out     | inside, by `enter_m` or more                       | in      |
| out     | anywhere else                                      | out     |
| in      | inside, at any depth                               | in      |
| in      | outside by less than `leave_m`, for less than `leave_s` | in |
| in      | outside by less than `leave_m`, for `leave_s` by now    | out |
| in      | outside by `leave_m` or more                       | out     |
| in      | (the zone counts no more: its window closed, it is gone) | out |

So a vehicle on a border, where positions err, is told nothing: to be told twice it must go through the whole band of
`enter_m + leave_m`, or stay outside for `leave_s`.

What they do together:

| it is in             | its unit can                | speed                      | effect                                  |
|----------------------|-----------------------------|----------------------------|-----------------------------------------|
| a NO_GO zone         | switch the throttle         | at most `walking_kmh`      | NO_GO, throttle off, limit of walking pace |
| a NO_GO zone         | switch the throttle         | above, or unknown          | NO_GO, limit of walking pace            |
| a NO_GO zone, throttle off already | any           | any                        | NO_GO, throttle stays off               |
| a NO_GO zone         | only be limited             | any                        | NO_GO, limit of walking pace            |
| SPEED_LIMIT zones    | be limited                  | any                        | LIMIT, the lowest of their limits       |
| anything else        | any                         | any                        | NONE                                    |

NO_GO beats LIMIT. Of several zones that do the same, that of the highest priority is named, then the smallest id. The
throttle is never cut at speed, and nothing is ever locked. Source: issue "speed-limit and no-go zones act on the vehicle
when it crosses the border (limit, throttle off at walking speed, back again), with hysteresis"; domain rules "no-go
(throttle only, never lock a moving vehicle)".
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from isotope.domain.tenants.model import ZoneEffectSettings
from isotope.domain.zones.model import Zone, ZoneType
from isotope.kernel.ids import ZoneId

Inside = Mapping[ZoneId, datetime | None]
"""The zones that a vehicle is in; since when it lies outside of each, None: it lies inside."""


class EffectKind(StrEnum):
    """What is done to a vehicle."""

    NONE = "NONE"
    LIMIT = "LIMIT"
    NO_GO = "NO_GO"


class ZoneEffect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What zones do to a vehicle, and the zone that is named for it. `limit_kmh` None: no limit."""

    kind: EffectKind = EffectKind.NONE
    limit_kmh: int | None = None
    throttle_off: bool = False
    zone_id: ZoneId | None = None
    title: str = ""


NO_EFFECT: Final = ZoneEffect()


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done to a vehicle now.

    Args:
        limit: its unit takes a speed limit that is safe to send to a vehicle that moves.
        throttle: its unit switches the throttle.
        may_cut: the throttle may be switched off now, by the law that nothing that stops goes to a vehicle that moves.
    """

    limit: bool
    throttle: bool
    may_cut: bool

    @property
    def zone_types(self) -> Collection[ZoneType]:
        """The types of zones that can do anything to such a vehicle."""
        types = {ZoneType.SPEED_LIMIT_ZONE} if self.limit else set()
        return types | {ZoneType.NO_GO_ZONE} if self.limit or self.throttle else types


def zones_entered(
    near: Sequence[tuple[Zone, float]], before: Inside, at: datetime, band: ZoneEffectSettings
) -> dict[ZoneId, datetime | None]:
    """The first table. `near`: zones that count, with how deep in each the vehicle is (below zero: outside).

    `at` is when it was there.
    """
    inside: dict[ZoneId, datetime | None] = {}
    for zone, deep_m in near:
        if zone.id not in before:
            if deep_m >= band.enter_m:
                inside[zone.id] = None
        elif deep_m >= 0:
            inside[zone.id] = None
        elif -deep_m < band.leave_m:
            since = before[zone.id] or at
            if at - since < timedelta(seconds=band.leave_s):
                inside[zone.id] = since
    return inside


def effect_of(
    zones: Sequence[Zone], means: Means, speed_kmh: float | None, before: ZoneEffect, band: ZoneEffectSettings
) -> ZoneEffect:
    """The second table. `zones`: those the vehicle is in; `before`: what was done to it so far."""
    by_rank = sorted(zones, key=lambda zone: (-zone.spec.priority, zone.id))
    no_go = next((zone for zone in by_rank if zone.zone_type is ZoneType.NO_GO_ZONE), None)
    if no_go is not None and (means.limit or means.throttle):
        is_slow = speed_kmh is not None and speed_kmh <= band.walking_kmh
        return ZoneEffect(
            kind=EffectKind.NO_GO,
            limit_kmh=band.walking_kmh if means.limit else None,
            throttle_off=means.throttle and (before.throttle_off or (means.may_cut and is_slow)),
            zone_id=no_go.id,
            title=no_go.title,
        )
    limits = [
        (zone.spec.speed_limit_kmh, zone)
        for zone in by_rank
        if zone.zone_type is ZoneType.SPEED_LIMIT_ZONE and zone.spec.speed_limit_kmh is not None
    ]
    if not limits or not means.limit:
        return NO_EFFECT
    limit_kmh, zone = min(limits, key=lambda found: found[0])
    return ZoneEffect(kind=EffectKind.LIMIT, limit_kmh=limit_kmh, zone_id=zone.id, title=zone.title)
