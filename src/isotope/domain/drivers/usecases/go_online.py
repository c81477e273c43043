"""A driver begins to work."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from psycopg.errors import UniqueViolation

from isotope.domain.drivers import queries, rules, store
from isotope.domain.drivers.errors import taxi_vehicle_not_found, taxi_vehicle_taken
from isotope.domain.drivers.model import DriverState
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, TaxiClassId, TaxiVehicleId


class GoOnline(msgspec.Struct, frozen=True, kw_only=True):
    """In what vehicle, and where. `class_ids` None: every class that the vehicle drives."""

    operator: Operator
    driver_id: DriverId
    vehicle_id: TaxiVehicleId
    point: Point
    class_ids: tuple[TaxiClassId, ...] | None = None


async def go_online(rt: Runtime, command: GoOnline) -> DriverState:
    """The driver is offered trips from now on. Said again, it changes the vehicle or its classes.

    Raises:
        Refusal: `driver_not_found`, those of `rules.may_go_online`, `taxi_vehicle_taken`.
    """
    now = rt.clock.now()
    try:
        async with rt.db.write() as tx:
            return await _go_online(tx, command, now)
    except UniqueViolation:
        raise taxi_vehicle_taken() from None


async def _go_online(tx: Tx, command: GoOnline, now: datetime) -> DriverState:
    operator = command.operator
    driver = await queries.get_driver(tx, operator.id, command.driver_id)
    state = await store.lock_state(tx, operator.id, driver.id)
    theirs = await queries.list_vehicles_of(tx, operator.id, driver.id)
    vehicle = next((one for one in theirs if one.id == command.vehicle_id), None)
    today = now.astimezone(ZoneInfo(operator.time_zone)).date()
    facts = rules.WhetherOnline(
        driver=driver,
        state=state,
        vehicle=vehicle,
        class_ids=command.class_ids,
        needed=operator.settings.taxi.documents,
        held=await queries.list_held_kinds(tx, operator.id, driver.id, today),
    )
    if no := rules.may_go_online(facts):
        raise no
    if vehicle is None:
        raise taxi_vehicle_not_found()
    classes = rules.chosen_classes(command.class_ids, vehicle)
    return await store.save_online(tx, state, vehicle.id, classes, command.point, now)
