"""What a rider is not asked for although it was metered, and what a finished ride is looked at again for. Pure.

Up to when a ride is counted (first match; *in force* is a refusal that was recorded at most so long before, and after
which the vehicle was ridden no farther, by its odometer):

| what was refused before                                           | counted until                   | code               |
|-------------------------------------------------------------------|---------------------------------|--------------------|
| an end by a zone, in force by `repark_grace_s` and `repark_distance_m` | the first such refusal      | repark_grace       |
| a lock that was not confirmed, in force by 50 m                   | the first such refusal          | lock_not_confirmed |
| both, the zone's in force when the lock was refused               | the zone's                      | repark_grace       |
| none in force                                                     | the end                         |                    |

So whoever is refused, parks a little farther and ends there in time pays nothing for the way. A chain of refusals counts
from the first that is still in force: the grace is had once, and is never longer than `repark_grace_s`. Refusals because
of positions (`far_apart`, `position_unknown`) stop no meter: the ride did not need to go on because of them.

What a finished ride is looked at again for, when late reports have come:

| took at most `failed_ride_s` | went less than `failed_ride_m`, by odometer and as the crow flies | kilometres cost | looked at   |
|------------------------------|-------------------------------------------------------------------|-----------------|-------------|
| yes                          | yes                                                               | any             | yes, FAILED |
| any                          | any                                                               | yes             | yes, DISTANCE |
| else                         |                                                                   | no              | no          |

With `failed_ride_m` 0 no ride has failed. A ride that is free already is not looked at.

What late reports make of it:

| looked at for | late reports say                     | given back              |
|---------------|--------------------------------------|-------------------------|
| FAILED        | it went nowhere, or nothing          | everything              |
| FAILED, DISTANCE | a shorter distance than was billed | what is less by it      |
| any           | anything else                        | nothing; never is more asked |

Source: domain rules, "The meter stops at the first refused end ride", "Failed ride: wait for late telemetry, re-check",
"any live over-collection credited automatically".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec.structs import replace

from isotope.domain.pricing import NOTHING_AT_END, AddonKind, Agreed, AtEnd, Correction, Usage
from isotope.domain.sharing.model import EventKind, RideEvent
from isotope.domain.sharing.rules import LOCK_NOT_CONFIRMED, lock_refused, ride_usage
from isotope.domain.tenants.model import RideSettings
from isotope.domain.zones.model import EndReason
from isotope.kernel.geo import Point, distance_m

REPARK_GRACE: Final = "repark_grace"
FAILED_RIDE: Final = "failed_ride"
LATE_REPORT: Final = "late_report"
_BY_ZONE: Final = frozenset(reason.value for reason in EndReason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """A ride's meter: up to `until`, with the odometer at the start and then."""

    events: Sequence[RideEvent]
    until: datetime
    start_odometer_m: int
    odometer_m: int

    @property
    def usage(self) -> Usage:
        return ride_usage(self.events, self.until, max(0, self.odometer_m - self.start_odometer_m))


def correction_of(metered: Metered, settings: RideSettings) -> Correction | None:
    """By the first table above; None: all that was metered is asked for."""
    code, counted = None, metered
    if stuck := lock_refused(metered.events, metered.odometer_m):
        code, counted = LOCK_NOT_CONFIRMED, _upto(metered, stuck)
    for event in counted.events:
        if is_in_force(event, counted.until, counted.odometer_m, settings):
            code, counted = REPARK_GRACE, _upto(metered, event)
            break
    full, less = metered.usage, counted.usage
    if code is None or less == full:
        return None
    # The clocks of two processes may differ: what is counted is never more than what was metered.
    return Correction(
        code=code,
        counted=Usage(
            ride_s=min(less.ride_s, full.ride_s),
            pause_s=min(less.pause_s, full.pause_s),
            distance_m=min(less.distance_m, full.distance_m),
        ),
    )


def _upto(metered: Metered, event: RideEvent) -> Metered:
    return Metered(
        events=metered.events,
        until=min(event.at, metered.until),
        start_odometer_m=metered.start_odometer_m,
        odometer_m=int(event.data.get("odometer_m", metered.start_odometer_m)),
    )


def is_in_force(event: RideEvent, at: datetime, odometer_m: int, settings: RideSettings) -> bool:
    """Whether the event is a refusal by a zone whose grace still runs."""
    if event.kind is not EventKind.END_REFUSED or event.data.get("reason") not in _BY_ZONE:
        return False
    # Refusals of before the grace was invented do not say where they were.
    if "odometer_m" not in event.data:
        return False
    is_late = at - event.at > timedelta(seconds=settings.repark_grace_s) or event.at > at
    return not is_late and odometer_m - int(event.data["odometer_m"]) <= settings.repark_distance_m


def is_known_refusal(
    events: Sequence[RideEvent], reason: str, at: datetime, odometer_m: int, settings: RideSettings
) -> bool:
    """Whether recording this refusal would add nothing: it was the last thing that happened, or its grace runs."""
    if any(event.data.get("reason") == reason and is_in_force(event, at, odometer_m, settings) for event in events):
        return True
    return reason not in _BY_ZONE and bool(events) and _refused_for(events[-1]) == reason


def _refused_for(event: RideEvent) -> str | None:
    return event.data.get("reason") if event.kind is EventKind.END_REFUSED else None


class Recheck(StrEnum):
    """What a finished ride is looked at again for."""

    FAILED = "FAILED"
    DISTANCE = "DISTANCE"


def recheck_for(used: Usage, *, went_m: float, agreed: Agreed, settings: RideSettings) -> Recheck | None:
    """By the second table above; `went_m` is the farther of odometer and line from start to end."""
    if used.ride_s + used.pause_s <= settings.failed_ride_s and not has_moved(went_m, settings):
        return Recheck.FAILED
    return Recheck.DISTANCE if used.distance_m and has_km_price(agreed) else None


def has_km_price(agreed: Agreed) -> bool:
    """Whether a kilometre more can cost more."""
    return bool(agreed.tariff.km_tiers) or any(addon.kind is AddonKind.PER_KM for addon in agreed.addons)


def has_moved(went_m: float, settings: RideSettings) -> bool:
    """Whether the vehicle went as far as a ride that is not a failed one."""
    return went_m >= settings.failed_ride_m


class Finding(StrEnum):
    """What late reports say of a finished ride."""

    FAILED = "FAILED"
    SHORTER = "SHORTER"
    RIGHT = "RIGHT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A finished ride as it was billed (`used`), and what its vehicle's reports say by now; None: they do not say.

    `late_start_odometer_m` was told before the ride began but came after it was asked for.
    """

    used: Usage
    start: Point
    end: Point
    start_odometer_m: int
    late_start_odometer_m: int | None
    late_odometer_m: int | None
    late_away_m: float | None

    @property
    def distance_m(self) -> int:
        return self.used.distance_m

    @property
    def late_distance_m(self) -> int | None:
        if self.late_odometer_m is None:
            return None
        return max(0, self.late_odometer_m - max(self.start_odometer_m, self.late_start_odometer_m or 0))

    @property
    def went_m(self) -> float:
        """The farthest that anything says it went; a late odometer stands instead of the one that was billed."""
        by_odometer = self.distance_m if self.late_distance_m is None else self.late_distance_m
        return max(float(by_odometer), distance_m(self.start, self.end), self.late_away_m or 0.0)

    def with_distance(self, distance_m: int) -> Usage:
        return Usage(ride_s=self.used.ride_s, pause_s=self.used.pause_s, distance_m=distance_m)

    def at_end_for(self, at_end: AtEnd | None, distance_m: int) -> AtEnd:
        """What the bill was made of, for another distance: of no correction more is counted than was ridden."""
        if at_end is None:
            return NOTHING_AT_END
        correction = at_end.correction
        if correction is None or correction.counted is None or correction.counted.distance_m <= distance_m:
            return at_end
        counted = replace(correction.counted, distance_m=distance_m)
        return replace(at_end, correction=replace(correction, counted=counted))


def finding_of(looked: Looked, agreed: Agreed, settings: RideSettings) -> Finding:
    """By the third table above."""
    late = looked.late_distance_m
    used = looked.used if late is None else looked.with_distance(late)
    if recheck_for(used, went_m=looked.went_m, agreed=agreed, settings=settings) is Recheck.FAILED:
        return Finding.FAILED
    return Finding.SHORTER if late is not None and late < looked.distance_m else Finding.RIGHT
