"""What a look at a ridden vehicle among zones comes to. Pure.

First match; `wanted` is what `zones.effects` says now:

| what is                                                           | look                                        |
|-------------------------------------------------------------------|---------------------------------------------|
| nothing changed, no order is unconfirmed or its time has not come | not due                                     |
| the effect is another than before                                 | due: order what differs                     |
| the zones it is in, or since when it is outside, changed          | due: remember it                            |
| orders are unconfirmed and their time has come                    | due: ask what became of them, order again   |

When nobody rides, nothing is wanted, and the vehicle is in no zone. Where the operator's zones do not act, it is in none.

Orders that were not confirmed are given again after 5, 10, 20, 40 s, then every minute. What is ordered in the end:

| the effect       | speed limit                                    | throttle |
|------------------|------------------------------------------------|----------|
| limit differs    | `speed_wanted` of the zone's and money's limit | -        |
| throttle differs | -                                              | off / on |
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from isotope.domain.devices import may_send, slow_limit
from isotope.domain.devices.model import CommandName, Motion
from isotope.domain.fleet import LockedVehicle
from isotope.domain.sharing.model import EventKind
from isotope.domain.sharing.zone_effects import VehicleEffect
from isotope.domain.tenants.model import Operator
from isotope.domain.zones import NO_EFFECT, EffectKind, Means, ZoneEffect, ZoneIndex, effect_of, zones_entered
from isotope.kernel.ids import ZoneId
from isotope.kernel.vehicle_types import VehicleType

PUSHED: Final = frozenset(
    {
        VehicleType.SCOOTER,
        VehicleType.SEATED_SCOOTER,
        VehicleType.BIKE,
        VehicleType.E_BIKE,
        VehicleType.CARGO_BIKE,
        VehicleType.E_CARGO_BIKE,
        VehicleType.TRICYCLE,
        VehicleType.MOPED,
    }
)
"""What a person can push out of a no-go zone. The throttle of anything heavier is never cut: it would stay in there."""

_FIRST_S: Final = 5
_MOST_S: Final = 60


@dataclass(frozen=True, slots=True)
class ZoneLook:
    """What zones are to do to a vehicle now. `is_due`: something is to be ordered, asked or remembered."""

    inside: dict[ZoneId, datetime | None]
    wanted: ZoneEffect
    is_due: bool


def motion_of(found: LockedVehicle) -> Motion:
    state = found.state
    return Motion(
        speed_kmh=None if state is None else state.speed_kmh, seen_at=None if state is None else state.seen_at
    )


def means_of(operator: Operator, found: LockedVehicle, now: datetime) -> Means:
    """What can be done to the vehicle now."""
    capabilities, rides = found.model.spec.capabilities, operator.settings.rides
    can_be_pushed = found.model.vehicle_type in PUSHED
    throttle = can_be_pushed and any(one.command is CommandName.ENGINE for one in capabilities)
    off = may_send(CommandName.ENGINE, {"on": False}, motion_of(found), now, rides.moving_kmh)
    return Means(
        limit=slow_limit(capabilities, operator.settings.zone_effects.walking_kmh) is not None,
        throttle=throttle,
        may_cut=throttle and off is None,
    )


def look_among_zones(
    operator: Operator, index: ZoneIndex, found: LockedVehicle, before: VehicleEffect, now: datetime
) -> ZoneLook:
    """By the table above, for a vehicle that is ridden."""
    band, state = operator.settings.zone_effects, found.state
    if state is None:
        return ZoneLook(before.inside, before.effect, is_due=False)
    means = means_of(operator, found, now)
    near = (
        index.zones_near(
            state.point,
            found.model.vehicle_type,
            now,
            max(band.enter_m, band.leave_m),
            means.zone_types,
            model_ref=found.model.ref,
        )
        if band.act
        else []
    )
    # By the time of the position: a vehicle that tells none has not been outside for any longer.
    inside = zones_entered(near, before.inside, state.fix_at, band)
    zones = [zone for zone, _deep_m in near if zone.id in inside]
    wanted = effect_of(zones, means, state.speed_kmh, before.effect, band)
    return _look(inside, wanted, before, now)


def look_at_parked(before: VehicleEffect, now: datetime) -> ZoneLook:
    """By the table above, for a vehicle that nobody rides: it is let go."""
    return _look({}, NO_EFFECT, before, now)


def _look(inside: dict[ZoneId, datetime | None], wanted: ZoneEffect, before: VehicleEffect, now: datetime) -> ZoneLook:
    changed = wanted != before.effect or inside != before.inside
    return ZoneLook(inside, wanted, changed or (before.due_at is not None and before.due_at <= now))


def next_try(tries: int, life_s: int, now: datetime) -> datetime:
    """When orders that were given for the `tries`-th time are looked at: not before they have expired."""
    return now + timedelta(seconds=life_s + min(_FIRST_S << min(tries - 1, 10), _MOST_S))


def event_of(before: ZoneEffect, after: ZoneEffect) -> EventKind | None:
    """What the ride's events tell of a change.

    | before      | after                             | event         |
    |-------------|-----------------------------------|---------------|
    | any         | the same but for the zone's name  | none          |
    | any         | NONE                              | ZONE_RELEASED |
    | throttle on | throttle off                      | ZONE_STOPPED  |
    | any         | anything else                     | ZONE_SLOWED   |
    """
    if (before.kind, before.limit_kmh, before.throttle_off) == (after.kind, after.limit_kmh, after.throttle_off):
        return None
    if after.kind is EffectKind.NONE:
        return EventKind.ZONE_RELEASED
    return EventKind.ZONE_STOPPED if after.throttle_off and not before.throttle_off else EventKind.ZONE_SLOWED


def event_data(effect: ZoneEffect) -> dict[str, object]:
    """What the event says about it."""
    data: dict[str, object] = msgspec.to_builtins(effect)
    return data
