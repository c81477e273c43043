"""What a bill of a running ride would be made of if it ended now, beside terms and events."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from isotope.domain.fleet import list_vehicles
from isotope.domain.pricing import NOTHING_AT_END, AtEnd
from isotope.domain.sharing import day_spends
from isotope.domain.sharing.fairness import has_km_price
from isotope.domain.sharing.model import Ride
from isotope.domain.subscriptions import list_quotas_left
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.kernel.ids import RideId, VehicleId


async def at_end_now(tx: Tx, operator: Operator, rides: Sequence[Ride]) -> dict[RideId, AtEnd]:
    """For each of one rider's rides: what is left of its subscription, and what was spent that day.

    Nothing is locked: the final bill looks again. Nothing is asked where no ride needs it.
    """
    found = {ride.id: NOTHING_AT_END for ride in rides}
    subscribed = [
        (ride.id, ride.terms.subscription.id, ride.requested_at)
        for ride in rides
        if ride.terms.subscription is not None
    ]
    quotas = await list_quotas_left(tx, operator.id, subscribed) if subscribed else {}
    keys = {ride.id: day_spends.key_of(operator, ride) for ride in rides}
    days = sorted({key.day for key in keys.values() if key is not None})
    spent = await day_spends.list_spent(tx, operator.id, rides[0].rider_id, days) if days else {}
    for ride in rides:
        key = keys[ride.id]
        at_end = NOTHING_AT_END
        if ride.id in quotas:
            at_end = replace(at_end, quota_left=quotas[ride.id])
        if key is not None:
            at_end = replace(at_end, spent_today_minor=spent.get((key.tariff_id, key.day), 0))
        found[ride.id] = at_end
    return found


async def distances_now(tx: Tx, operator: Operator, rides: Sequence[Ride]) -> dict[RideId, int]:
    """Metres ridden so far, for those rides whose price depends on it."""
    by_km = [ride for ride in rides if has_km_price(ride.terms.agreed)]
    if not by_km:
        return {}
    offers = await list_vehicles(tx, operator.id, [ride.vehicle_id for ride in by_km])
    odometers = {
        offer.vehicle.id: offer.state.odometer_m
        for offer in offers
        if offer.vehicle is not None and offer.state is not None
    }
    return {ride.id: distance_of(ride, odometers) for ride in by_km}


def distance_of(ride: Ride, odometers: Mapping[VehicleId, int]) -> int:
    """By the vehicle's odometer; none is known of a vehicle that has told nothing."""
    return max(0, odometers.get(ride.vehicle_id, ride.start_odometer_m) - ride.start_odometer_m)
