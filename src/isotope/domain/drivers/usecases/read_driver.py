"""What a driver sees of themselves."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from isotope.domain.drivers import queries
from isotope.domain.drivers.model import Driver, DriverState, Presence, TaxiVehicle
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId


class ShownDriver(msgspec.Struct, frozen=True, kw_only=True):
    """`missing`: kinds of documents without which nobody goes online, and that do not hold."""

    driver: Driver
    state: DriverState
    presence: Presence
    vehicles: tuple[TaxiVehicle, ...]
    missing: tuple[str, ...]


async def read_driver(rt: Runtime, operator: Operator, driver_id: DriverId) -> ShownDriver:
    """As it is now.

    Raises:
        Refusal: `driver_not_found`.
    """
    now = rt.clock.now()
    async with rt.db.read() as tx:
        driver = await queries.get_driver(tx, operator.id, driver_id)
        state = await queries.find_state(tx, operator.id, driver_id)
        vehicles = await queries.list_vehicles_of(tx, operator.id, driver_id)
        held = await queries.list_held_kinds(tx, operator.id, driver_id, _today(operator, now))
    state = state or DriverState(operator_id=operator.id, driver_id=driver_id)
    return ShownDriver(
        driver=driver,
        state=state,
        presence=state.presence(operator.settings.taxi, now),
        vehicles=tuple(vehicles),
        missing=tuple(kind for kind in operator.settings.taxi.documents if kind not in held),
    )


def _today(operator: Operator, now: datetime) -> date:
    return now.astimezone(ZoneInfo(operator.time_zone)).date()
