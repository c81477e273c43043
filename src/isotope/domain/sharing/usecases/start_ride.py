"""Start a ride: decide, do, record (docs/ARCHITECTURE.md, the life of a request)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from isotope.domain.devices.model import CommandName
from isotope.domain.fleet import (
    AddonOffer,
    LockedVehicle,
    VehicleStatus,
    hold_vehicle,
    lock_vehicle,
    minimum_battery_pct,
    offers_of,
)
from isotope.domain.identity import RiderStatus, get_rider
from isotope.domain.sharing import errors, store
from isotope.domain.sharing.model import AgreedAddon, EventKind, Ride, RideStatus, Terms
from isotope.domain.sharing.orders import order_vehicle
from isotope.domain.sharing.ports import TakenVehicles
from isotope.domain.sharing.rules import WALLET, StartFacts, may_start
from isotope.domain.sharing.usecases.settle_ride import SettleRide, await_and_settle, defer_settlement
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import get_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, CommandId, RideId, RiderId, VehicleId
from isotope.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRide:
    """A rider wants to ride a vehicle, named by its id or its printed number."""

    operator: Operator
    rider_id: RiderId
    actor: Actor
    vehicle_id: VehicleId | None
    vehicle_nr: str | None
    rider_at: Point
    addon_ids: Sequence[AddonId] = ()
    payment_method_id: str | None = None
    skip_wallet_check: bool = False
    skip_auto_topup: bool = False
    skip_auto_stop: bool = False


async def start_ride(rt: Runtime, taken: TakenVehicles, command: StartRide) -> Ride:
    """The ride, running.

    Raises:
        Refusal: by the table of `rules.may_start`; `vehicle_not_found`, `vehicle_has_no_device`,
            `device_offline`; `vehicle_did_not_unlock` when the unit refused or said nothing, in
            which case nobody is charged and the vehicle is put aside for a check.
    """
    ride_id, command_id = await _decide(rt, taken, command)
    ride, code = await await_and_settle(rt, SettleRide(command.operator, ride_id, command_id))
    if ride.status is RideStatus.ACTIVE:
        return ride
    raise errors.vehicle_did_not_unlock(code)


async def _decide(rt: Runtime, taken: TakenVehicles, command: StartRide) -> tuple[RideId, CommandId]:
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        await store.lock_rider(tx, operator.id, command.rider_id)
        found = await lock_vehicle(tx, operator.id, vehicle_id=command.vehicle_id, nr=command.vehicle_nr)
        offers = await offers_of(tx, operator.id, found.model)
        open_rides, place = await store.free_place(
            tx, operator.id, command.rider_id, operator.settings.rides.max_vehicles_per_rider
        )
        facts = await _facts(tx, command, found, offers.addons, open_rides, now)
        if no := may_start(facts):
            raise no
        if place is None:
            raise errors.too_many_rides(operator.settings.rides.max_vehicles_per_rider)
        if found.state is None:
            raise errors.vehicle_has_no_device()
        ride_id = await store.insert_ride(
            tx,
            store.NewRide(
                operator_id=operator.id,
                rider_id=command.rider_id,
                vehicle_id=found.vehicle.id,
                model_id=found.model.id,
                place=place,
                currency=operator.currency,
                terms=Terms(
                    tariff=offers.tariff,
                    addons=tuple(
                        AgreedAddon(id=addon.id, title=addon.title, price=addon.price)
                        for addon in offers.addons
                        if addon.id in command.addon_ids
                    ),
                    payment_method_id=command.payment_method_id or WALLET,
                    skip_auto_topup=command.skip_auto_topup,
                    skip_auto_stop=command.skip_auto_stop,
                ),
                start=found.state.point,
                start_odometer_m=found.state.odometer_m,
                requested_at=now,
            ),
        )
        holder = f"ride:{ride_id}"
        await store.add_event(tx, (operator.id, ride_id), EventKind.REQUESTED, now, command.actor)
        await hold_vehicle(tx, found.vehicle, holder=holder, status=VehicleStatus.IN_USE, actor=command.actor, now=now)
        command_id = await order_vehicle(
            tx, operator, found, CommandName.UNLOCK, actor=command.actor, cause=holder, now=now
        )
        await store.set_command(tx, operator.id, ride_id, command_id)
        await defer_settlement(rt, tx, SettleRide(operator, ride_id, command_id), now)
        tx.after_commit(lambda: taken.drop(operator.id, found.vehicle.id))
    return ride_id, command_id


async def _facts(
    tx: Tx,
    command: StartRide,
    found: LockedVehicle,
    offered: Sequence[AddonOffer],
    open_rides: int,
    now: datetime,
) -> StartFacts:
    operator, state = command.operator, found.state
    rider = await get_rider(tx, operator.id, command.rider_id)
    standing = await get_standing(tx, operator.id, command.rider_id, operator.currency)
    return StartFacts(
        settings=operator.settings.rides,
        now=now,
        blocked=rider.status is RiderStatus.BLOCKED,
        spendable=Money(standing.spendable_minor, operator.currency),
        debt=Money(standing.debt_minor, operator.currency),
        open_rides=open_rides,
        vehicle_status=found.vehicle.status,
        minimum_battery_pct=minimum_battery_pct(found.model.spec, operator.settings.rides.minimum_battery_pct),
        vehicle_at=None if state is None else state.point,
        vehicle_battery_pct=0 if state is None else state.battery_pct,
        vehicle_seen_at=None if state is None else state.seen_at,
        rider_at=command.rider_at,
        addon_ids=command.addon_ids,
        allowed_addon_ids=[addon.id for addon in offered],
        payment_method_id=command.payment_method_id,
        skip_wallet_check=command.skip_wallet_check,
    )
