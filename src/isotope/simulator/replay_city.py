"""A replay with everything it needs: the fleet, the free scooters, the trips moved to where they stand."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from isotope.simulator.api import Api
from isotope.simulator.city import CityPlan
from isotope.simulator.crowd import middle
from isotope.simulator.errors import TripFailedError
from isotope.simulator.fleet import SimulatedFleet, load_units
from isotope.simulator.manners import PERFECT
from isotope.simulator.replay import Replay, Summary
from isotope.simulator.stable import open_stable
from isotope.simulator.trips import Trip, moved_to

_TICK_S: Final = 0.1
_CONNECTED_S: Final = 30.0
_MOST_OF_THEM: Final = 0.95


async def replay_in_city(
    plan: CityPlan, trips: Sequence[Trip], on_trip: Callable[[Summary], None] = lambda _summary: None
) -> Summary:
    """Connect the fleet of the plan's folder, move the trips to its middle and ride them all.

    Raises:
        TripFailedError: the vehicles do not connect, or too few are free.
        FleetFileError: the folder has no usable vehicles.
    """
    rng = Random(plan.seed)
    units = load_units(plan.folder)
    for unit in units:
        unit.manners = PERFECT
    fleet = SimulatedFleet(units, plan.gateway_host, plan.gateway_port, tick_s=_TICK_S, rng=rng)
    api = Api(plan.api, public_key=plan.public_key, secret_key=plan.secret_key, connections=2 * plan.riders, rng=rng)
    try:
        async with fleet:
            if not await fleet.wait_connected(_MOST_OF_THEM, _CONNECTED_S):
                raise TripFailedError(f"only {fleet.connected} of {len(fleet)} vehicles reached the gateway")
            centre, _radius_m = middle(fleet)
            stable = await open_stable(api, fleet, centre, riders=plan.riders, rng=rng)
            moved = moved_to(trips, centre)
            replay = Replay(
                api, fleet, moved, riders=plan.riders, speed_factor=plan.speed_factor, rng=rng, on_trip=on_trip
            )
            return await replay.run(stable)
    finally:
        await api.aclose()
