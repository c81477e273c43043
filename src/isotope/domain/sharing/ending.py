"""Where a ride ends, and on what terms. Pure.

Which position counts (first match; a position is *known* while it is younger than the setting says, of the vehicle also
only with a fix):

| phone's known (`phone_position_fresh_s`) | vehicle's known (`silent_after_s`) | apart | the ride ends                    |
|------------------------------------------|------------------------------------|-------|----------------------------------|
| yes                                      | yes                                | no    | where the phone is               |
| yes                                      | yes                                | yes   | refused, far_apart               |
| yes                                      | no                                 |       | where the phone is               |
| no                                       | yes                                |       | where the vehicle is             |
| no                                       | no                                 |       | refused, position_unknown        |

*Apart* are two positions farther from each other than `apart_m` and `gps_tolerance_m` together, and than an unlocked
vehicle can have been ridden since its fix: a unit that tells late is no reason to keep a rider in a ride. *Contact is
lost* with a vehicle that was not heard of for `silent_after_s`: then a photo is asked for and staff look at the end.

What the place makes of it (`zones.judge_end` says what the place is):

| the place is    | fine in force                | accepted               | the ride                                   |
|-----------------|------------------------------|------------------------|--------------------------------------------|
| allowed         |                              | anything               | ends; a paid zone adds its fee, a bonus zone pays |
| no_go_zone      | never                        | anything               | refused                                    |
| no_parking_zone | the zone's `fine_minor`      | at least that          | ends, with the fine                        |
| no_parking_zone | the zone's `fine_minor`      | less, or nothing       | refused, with the fine in its details      |
| no_parking_zone | none                         | anything               | refused                                    |
| outside_parking | `outside_fine_minor`         | as for no_parking_zone |                                            |

A fine in force is what is asked for, however much more was accepted.

What of the photos makes staff look (`EndPlan.review`), where zone, model or operator want one, or contact is lost:

| given now or at a try before  | reason         |
|-------------------------------|----------------|
| one without faults            |                |
| only such with faults         | photo_bad      |
| none                          | photo_missing  |

Source: domain rules, "Position used: phone when fresh, else vehicle", "Outside: refuse, or warn with the exact fine and
let the rider accept (paid parking adds its fee)"; issue "a far-apart pair is refused with the reason".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from isotope.domain.fleet.model import ModelSpec, VehicleState
from isotope.domain.pricing import ZoneCharge
from isotope.domain.sharing import errors
from isotope.domain.sharing.model import EndBonus, EndPlan
from isotope.domain.tenants.model import RideSettings
from isotope.domain.zones.model import EndAllowed, EndReason, EndRefused, Zone
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.money import Money

FAR_APART: Final = "far_apart"
POSITION_UNKNOWN: Final = "position_unknown"
# How fast a vehicle of a model is that does not say.
_RIDDEN_KMH: Final = 25.0
_KMH: Final = 3.6

Photo = Literal["good", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndFacts:
    """What is known when somebody wants to end a ride. `state` None: nothing was ever known of the vehicle."""

    settings: RideSettings
    currency: str
    now: datetime
    phone: Point
    phone_at: datetime
    state: VehicleState | None
    max_speed_kmh: float | None = None
    accepted_fine_minor: int | None = None

    @property
    def is_contact_lost(self) -> bool:
        silent = timedelta(seconds=self.settings.silent_after_s)
        return self.state is None or self.now - self.state.seen_at > silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The ride may end. `fine_minor`: for which the rider accepted it."""

    point: Point
    charges: tuple[ZoneCharge, ...] = ()
    bonus: Zone | None = None
    photo_required: bool = False
    fine_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It may not. `reason` stands on the event, `refusal` is what the rider is told."""

    reason: str
    refusal: Refusal


def end_verdict(facts: EndFacts, judge: Callable[[Point], EndAllowed | EndRefused]) -> Allowed | Refused:
    """By the first two tables above; `judge` says what a place is for this vehicle now."""
    point = position_at_end(facts)
    if isinstance(point, Refused):
        return point
    place = judge(point)
    if isinstance(place, EndAllowed):
        return Allowed(
            point=point, charges=_fees(place.parking), bonus=place.bonus, photo_required=place.photo_required
        )
    fine_minor = fine_in_force(place, facts.settings)
    if fine_minor is None or (facts.accepted_fine_minor or 0) < fine_minor:
        return Refused(reason=place.reason, refusal=_not_here(place, fine_minor, facts.currency))
    return Allowed(
        point=point,
        charges=(ZoneCharge(code="parking_fine", title=_title(place) or "", amount_minor=fine_minor, tax_rate="0"),),
        photo_required=place.zone is not None and place.zone.spec.photo_required,
        fine_minor=fine_minor,
    )


def position_at_end(facts: EndFacts) -> Point | Refused:
    """By the first table above."""
    settings, state = facts.settings, facts.state
    is_phone_known = abs((facts.now - facts.phone_at).total_seconds()) <= settings.phone_position_fresh_s
    is_vehicle_known = state is not None and facts.now - state.fix_at <= timedelta(seconds=settings.silent_after_s)
    if is_phone_known and state is not None and is_vehicle_known:
        away_m = distance_m(facts.phone, state.point)
        limit_m = settings.apart_m + settings.gps_tolerance_m + _ridden_since_m(facts, state)
        if away_m > limit_m:
            refusal = errors.end_far_apart(round(away_m), settings.apart_m, state.point)
            return Refused(reason=FAR_APART, refusal=refusal)
    if is_phone_known:
        return facts.phone
    if state is not None and is_vehicle_known:
        return state.point
    return Refused(reason=POSITION_UNKNOWN, refusal=errors.end_position_unknown(settings.phone_position_fresh_s))


def _ridden_since_m(facts: EndFacts, state: VehicleState) -> float:
    if state.locked:
        return 0.0
    age_s = max(0.0, (facts.now - state.fix_at).total_seconds())
    return age_s * (facts.max_speed_kmh or _RIDDEN_KMH) / _KMH


def fine_in_force(place: EndRefused, settings: RideSettings) -> int | None:
    """For how much the ride may end there all the same; None: for nothing."""
    match place.reason:
        case EndReason.OUTSIDE_PARKING:
            return settings.outside_fine_minor
        case EndReason.NO_PARKING_ZONE:
            return None if place.zone is None else place.zone.spec.fine_minor
        case EndReason.NO_GO_ZONE:
            return None


def _fees(parking: Zone | None) -> tuple[ZoneCharge, ...]:
    if parking is None or not parking.spec.fee_minor:
        return ()
    return (ZoneCharge(code="paid_parking", title=parking.title, amount_minor=parking.spec.fee_minor),)


def _not_here(place: EndRefused, fine_minor: int | None, currency: str) -> Refusal:
    fine = None if fine_minor is None else Money(fine_minor, currency)
    if place.nearest is None:
        return errors.end_not_here_anywhere(place.reason, _title(place), fine)
    return errors.end_not_here(place.reason, _title(place), place.nearest.point, place.nearest.distance_m, fine)


def _title(place: EndRefused) -> str | None:
    return None if place.zone is None else place.zone.title


def photo_of(faults: Sequence[Sequence[str]], before: Photo | None) -> Photo | None:
    """The best of what was given at an earlier try (`before`) and now; `faults` are those of each picture."""
    if before == "good" or any(not of_one for of_one in faults):
        return "good"
    return "bad" if faults or before == "bad" else None


def is_photo_required(allowed: Allowed, spec: ModelSpec, settings: RideSettings) -> bool:
    """The zone's, else the model's word, else the operator's."""
    own = settings.photo_required if spec.photo_required is None else spec.photo_required
    return allowed.photo_required or own


def plan_end(allowed: Allowed, *, photo: Photo | None, photo_required: bool, contact_lost: bool) -> EndPlan:
    """What is to be done when the ride is over; by the third table above."""
    review: list[str] = ["contact_lost"] if contact_lost else []
    if (photo_required or contact_lost) and photo != "good":
        review.append("photo_missing" if photo is None else "photo_bad")
    bonus = allowed.bonus
    return EndPlan(
        zone_charges=allowed.charges,
        bonus=None
        if bonus is None
        else EndBonus(title=bonus.title, amount_minor=bonus.spec.bonus_minor, pct=bonus.spec.bonus_pct),
        photo=photo,
        review=tuple(review),
    )


def plan_by_itself(place: EndAllowed | EndRefused) -> EndPlan:
    """Of an end that nobody asked for: a paid zone has its fee, but nobody earned a bonus or was asked for a photo."""
    return EndPlan(zone_charges=_fees(place.parking)) if isinstance(place, EndAllowed) else EndPlan()
