"""What an app shows during rides: the vehicle, the time, the price so far."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from isotope.domain.fleet import VehicleOffer, list_vehicles
from isotope.domain.payments import is_topping_up
from isotope.domain.pricing import AtEnd, Bill, Usage, Words, bill, english
from isotope.domain.sharing import queries
from isotope.domain.sharing.fairness import Metered, correction_of
from isotope.domain.sharing.model import Ride, RideEvent, RideStatus
from isotope.domain.sharing.rules import FundsAction, funds_action
from isotope.domain.sharing.running import at_end_now
from isotope.domain.sharing.zone_effects import list_effects
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Standing, get_standing
from isotope.domain.zones import NO_EFFECT, ZoneEffect
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId, VehicleId


@dataclass(frozen=True, slots=True)
class CurrentRide:
    """A running ride with what it costs if it ended now."""

    ride: Ride
    vehicle: VehicleOffer
    usage: Usage
    bill: Bill
    zone_effect: ZoneEffect = NO_EFFECT


@dataclass(frozen=True, slots=True)
class CurrentRides:
    rides: tuple[CurrentRide, ...]
    standing: Standing
    now: datetime
    is_topping_up: bool = False

    @property
    def funds(self) -> FundsAction:
        """What to tell the rider about money."""
        costs = [(current.ride.terms.payment_method_id, current.bill.total_minor) for current in self.rides]
        return funds_action(costs, self.standing.spendable_minor, is_topping_up=self.is_topping_up)


async def get_current_rides(
    rt: Runtime,
    operator: Operator,
    rider_id: RiderId,
    vehicle_ids: Collection[VehicleId],
    words: Words = english,
) -> CurrentRides:
    """The rider's running rides on these vehicles; vehicles that they do not ride are left out.

    `words` says the lines of the price in the reader's language.
    """
    now = rt.clock.now()
    async with rt.db.read() as tx:
        rides = [
            ride
            for ride in await queries.list_running_rides(tx, operator.id, rider_id)
            if ride.vehicle_id in vehicle_ids
        ]
        standing = await get_standing(tx, operator.id, rider_id, operator.currency)
        if not rides:
            return CurrentRides((), standing, now)
        events = await queries.list_events_of(tx, operator.id, [ride.id for ride in rides])
        topping_up = await is_topping_up(tx, operator.id, rider_id)
        found = await list_vehicles(tx, operator.id, [ride.vehicle_id for ride in rides])
        at_ends = await at_end_now(tx, operator, rides)
        by_zones = await list_effects(tx, [(operator.id, ride.vehicle_id) for ride in rides])
    vehicles = {offer.vehicle.id: offer for offer in found if offer.vehicle is not None}
    effects = {vehicle_id: one.effect for (_operator, vehicle_id), one in by_zones.items()}
    return CurrentRides(
        tuple(
            replace(
                _current(operator, ride, vehicles[ride.vehicle_id], events[ride.id], at_ends[ride.id], now, words),
                zone_effect=effects.get(ride.vehicle_id, NO_EFFECT),
            )
            for ride in rides
        ),
        standing,
        now,
        topping_up,
    )


def _current(
    operator: Operator,
    ride: Ride,
    vehicle: VehicleOffer,
    events: list[RideEvent],
    at_end: AtEnd,
    now: datetime,
    words: Words,
) -> CurrentRide:
    until = ride.ending_at if ride.status is RideStatus.ENDING and ride.ending_at is not None else now
    metered = Metered(
        events=events,
        until=until,
        start_odometer_m=ride.start_odometer_m,
        odometer_m=ride.start_odometer_m if vehicle.state is None else vehicle.state.odometer_m,
    )
    # If it ended now, what an end that was refused before takes off would be taken off.
    correction = correction_of(metered, operator.settings.rides)
    price = bill(ride.terms.agreed, metered.usage, msgspec.structs.replace(at_end, correction=correction), words)
    return CurrentRide(ride, vehicle, metered.usage, price)
