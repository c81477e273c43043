"""Staff write something down about a vehicle."""

from dataclasses import dataclass

from isotope.domain.fleet.notes import VehicleNote, insert_note
from isotope.domain.fleet.queries import must_be_of
from isotope.domain.fleet.store import get_vehicle
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import SubaccountId, VehicleId


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteNote:
    """About a vehicle of the operator, or of the subaccount that is all of it for who writes."""

    operator: Operator
    subaccount_id: SubaccountId | None
    vehicle_id: VehicleId
    text: str
    actor: Actor


async def write_note(rt: Runtime, command: WriteNote) -> VehicleNote:
    """The note.

    Raises:
        Refusal: `vehicle_not_found`.
    """
    operator_id = command.operator.id
    async with rt.db.write() as tx:
        await get_vehicle(tx, operator_id, vehicle_id=command.vehicle_id)
        await must_be_of(tx, operator_id, command.vehicle_id, command.subaccount_id)
        return await insert_note(tx, operator_id, command.vehicle_id, command.text, command.actor, rt.clock.now())
