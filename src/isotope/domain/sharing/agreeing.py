"""What a ride that begins now is agreed on, but for what the rider chooses: the start writes it down, a quote tells it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from isotope.domain.benefits import benefits_at_start
from isotope.domain.fleet.model import VehicleModel
from isotope.domain.pricing import Quota, free_minutes, minutes, surcharges_in_force
from isotope.domain.pricing.model import AgreedPackage, AgreedSubscription, AppliedSurcharge, Discount, Tariff
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.queries import find_last_ended_ride
from isotope.domain.subscriptions import find_subscription
from isotope.domain.tenants.model import Operator
from isotope.domain.zones import ZoneIndex
from isotope.infra.db import Tx
from isotope.kernel.geo import Point
from isotope.kernel.ids import RiderId, VehicleId


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIsRidden:
    """A model at its price, and the vehicle where it stands; both None: any vehicle of the model, anywhere."""

    model: VehicleModel
    tariff: Tariff
    vehicle_id: VehicleId | None = None
    at: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsNow:
    """As the fields of `Terms` that have these names. `quota_left` is what the subscription still has."""

    surcharges: tuple[AppliedSurcharge, ...]
    package: AgreedPackage | None
    subscription: AgreedSubscription | None
    quota_left: Quota
    discounts: tuple[Discount, ...]
    free_minutes_used: int


async def terms_now(
    tx: Tx,
    operator: Operator,
    rider_id: RiderId,
    ridden: WhatIsRidden,
    zones: ZoneIndex,
    now: datetime,
    *,
    package_id: int | None = None,
) -> TermsNow:
    """Writes nothing; whoever starts the ride holds the rider's lock.

    Raises:
        Refusal: `package_not_available`.
    """
    model = ridden.model
    surcharges = _surcharges(ridden, zones, now)
    benefits = await benefits_at_start(tx, operator, rider_id, model, package_id, now)
    found = await find_subscription(tx, operator.id, rider_id, model, now)
    subscription, quota_left = found or (None, Quota())
    return TermsNow(
        surcharges=surcharges,
        package=benefits.package,
        subscription=subscription,
        quota_left=quota_left,
        discounts=benefits.discounts,
        free_minutes_used=await _free_minutes_used(tx, operator, rider_id, ridden, now),
    )


def _surcharges(ridden: WhatIsRidden, zones: ZoneIndex, now: datetime) -> tuple[AppliedSurcharge, ...]:
    if not ridden.tariff.surcharges:
        return ()
    model = ridden.model
    inside = [] if ridden.at is None else zones.zones_at(ridden.at, model.vehicle_type, now, model_ref=model.ref)
    return surcharges_in_force(ridden.tariff, zones.local(now), {zone.ref for zone in inside})


async def _free_minutes_used(tx: Tx, operator: Operator, rider_id: RiderId, ridden: WhatIsRidden, now: datetime) -> int:
    """Free minutes that the rider had on this vehicle until just now.

    Source: domain rules, "Re-rent of the same vehicle within 10 min gives no new free minutes".
    """
    # Asked only where there are free minutes that could have been used.
    if ridden.vehicle_id is None or not free_minutes(ridden.tariff, 1):
        return 0
    last = await find_last_ended_ride(tx, operator.id, ridden.vehicle_id)
    since = now - timedelta(minutes=operator.settings.rides.rerent_min)
    if last is None or last.rider_id != rider_id or last.ended_at is None or last.ended_at <= since:
        return 0
    return free_minutes(ridden.tariff, last.terms.free_minutes_used + minutes_asked_for(last))


def minutes_asked_for(ride: Ride) -> int:
    """Riding minutes of a ride that is over, without those that a correction took off its bill."""
    metered = sum(line.quantity for line in ride.lines or () if line.code == "ride_minutes")
    correction = None if ride.at_end is None else ride.at_end.correction
    if correction is None:
        return metered
    return 0 if correction.counted is None else min(metered, minutes(correction.counted.ride_s))
