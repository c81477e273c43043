"""What riders are told of their trips by text message."""

from isotope.domain.drivers import get_driver, get_vehicles
from isotope.domain.identity import TellRider, tell_later
from isotope.domain.taxi.model import Trip
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime


async def tell_rider_of(tx: Tx, rt: Runtime, operator: Operator, trip: Trip, code: str, **params: str | int) -> None:
    """After the commit; who drives, and in what, is filled in where somebody does."""
    filled: dict[str, str | int] = dict(params)
    if trip.driver_id is not None and trip.vehicle_id is not None:
        driver = await get_driver(tx, operator.id, trip.driver_id)
        vehicle = (await get_vehicles(tx, operator.id, [trip.vehicle_id]))[trip.vehicle_id]
        filled |= {
            "driver": driver.first_name,
            "vehicle": " ".join(word for word in (vehicle.color, vehicle.title) if word),
            "plate": vehicle.plate,
        }
    await tell_later(tx, rt, TellRider(operator=operator, rider_id=trip.rider_id, code=code, params=filled))
