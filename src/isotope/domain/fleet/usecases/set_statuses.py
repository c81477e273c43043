"""Staff set the status of vehicles by hand, one or many: what may be is done, what may not is told with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from isotope.domain.fleet.model import Vehicle, VehicleStatus
from isotope.domain.fleet.queries import must_be_of
from isotope.domain.fleet.rules import By
from isotope.domain.fleet.store import change_status, lock_vehicle
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Kind, Refusal
from isotope.kernel.ids import SubaccountId, VehicleId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatuses:
    """Vehicles of the operator, or of the subaccount that is all of it for who asks."""

    operator: Operator
    subaccount_id: SubaccountId | None
    vehicle_ids: Sequence[VehicleId]
    to_status: VehicleStatus
    actor: Actor


@dataclass(frozen=True, slots=True)
class SetStatus:
    """What became of one: the vehicle as it is now (None: unknown), or why not."""

    vehicle_id: VehicleId
    vehicle: Vehicle | None
    refusal: Refusal | None


async def set_statuses(rt: Runtime, command: SetStatuses) -> list[SetStatus]:
    """In the order in which they were named, each once.

    Each is a transaction of its own, so that hundreds of them hold up no ride. By the table of `fleet.rules`; the refusals
    are `vehicle_not_found`, `vehicle_held`, `status_not_by_hand`.
    """
    return [await _set(rt, command, vehicle_id) for vehicle_id in dict.fromkeys(command.vehicle_ids)]


async def _set(rt: Runtime, command: SetStatuses, vehicle_id: VehicleId) -> SetStatus:
    vehicle: Vehicle | None = None
    try:
        async with rt.db.write() as tx:
            found = await lock_vehicle(tx, command.operator.id, vehicle_id=vehicle_id)
            await must_be_of(tx, command.operator.id, vehicle_id, command.subaccount_id)
            vehicle = found.vehicle
            changed = await change_status(
                tx,
                vehicle,
                to_status=command.to_status,
                by=By.PERSON,
                actor=command.actor,
                cause="set_by_hand",
                now=rt.clock.now(),
            )
    except Refusal as refusal:
        if refusal.kind is Kind.UNAVAILABLE:
            # Nothing about this vehicle: whoever asks again finds done what was done.
            raise
        return SetStatus(vehicle_id, vehicle, refusal)
    return SetStatus(vehicle_id, changed, None)
