"""Which scooters the replay may take."""

from random import Random

from isotope.kernel.geo import Point
from isotope.simulator.api import Api
from isotope.simulator.app import App
from isotope.simulator.errors import TripFailedError
from isotope.simulator.fleet import SimulatedFleet
from isotope.simulator.replay import Stable

_WHOLE_CITY_KM = 50


async def open_stable(api: Api, fleet: SimulatedFleet, centre: Point, *, riders: int, rng: Random) -> Stable:
    """The scooters for rent that are in contact, a few more than there are riders.

    Raises:
        TripFailedError: there are fewer than riders.
    """
    scout = App(api, rng)
    await scout.sign_up()
    seen = await scout.vehicles(centre, _WHOLE_CITY_KM)
    free = [v.nr for v in seen if v.type == "SCOOTER" and v.nr in fleet and fleet.is_connected(v.nr)]
    if len(free) < riders:
        raise TripFailedError(f"{riders} riders need as many free scooters; get-vehicles shows {len(free)} in contact")
    return Stable(fleet, free)
