"""Notes on vehicles."""

from typing import Final

from isotope.api.admin.vehicle_notes_types import (
    CreateVehicleNoteRequest,
    VehicleNoteCreated,
    VehicleNotes,
    VehicleNoteShown,
    VehicleNotesRequest,
)
from isotope.api.operation import Auth, Call, operation
from isotope.domain import fleet
from isotope.domain.tenants import Right
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.ids import VehicleId

_TAG: Final = "Sharing dashboard"
_PATH: Final = "/api/v2/admin/vehicle/notes"
_NOTE: Final = {
    "id": 5,
    "vehicle_id": 42,
    "notes": "The left brake squeaks",
    "date": 1_780_000_000,
    "created_by": "sam@city.example",
}


@operation(
    id="admin_vehicle_notes",
    tag=_TAG,
    title="Get vehicle notes",
    method="GET",
    path=_PATH,
    auth=Auth.STAFF,
    right=Right.LOOK,
    subaccounts=True,
    request=VehicleNotesRequest,
    response=VehicleNotes,
    refusals=((Kind.NOT_FOUND, "vehicle_not_found"),),
    request_example={"vehicle_id": 42},
    response_example={"data": [_NOTE]},
)
async def admin_vehicle_notes(call: Call[VehicleNotesRequest]) -> VehicleNotes:
    """What staff wrote down about a vehicle, newest first."""
    operator_id, vehicle_id = call.operator.id, VehicleId(call.body.vehicle_id)
    async with call.services.rt.db.read() as tx:
        await fleet.get_vehicle(tx, operator_id, vehicle_id=vehicle_id)
        await fleet.must_be_of(tx, operator_id, vehicle_id, call.staff().subaccount_id)
        found = await fleet.list_notes(tx, operator_id, vehicle_id)
    return VehicleNotes(data=[_shown(note) for note in found])


@operation(
    id="admin_create_vehicle_note",
    tag=_TAG,
    title="Create vehicle note",
    method="POST",
    path=_PATH,
    auth=Auth.STAFF,
    right=Right.WORK_ON_VEHICLES,
    subaccounts=True,
    request=CreateVehicleNoteRequest,
    response=VehicleNoteCreated,
    refusals=((Kind.NOT_FOUND, "vehicle_not_found"),),
    request_example={"vehicle_id": 42, "notes": "The left brake squeaks"},
    response_example={"data": _NOTE},
    idempotent=True,
)
async def admin_create_vehicle_note(call: Call[CreateVehicleNoteRequest]) -> VehicleNoteCreated:
    """Writes something down about a vehicle, for colleagues. A note is never changed."""
    text = call.body.notes.strip()
    if not text:
        raise invalid(Fault("notes", "a text is expected"))
    note = await fleet.write_note(
        call.services.rt,
        fleet.WriteNote(
            operator=call.operator,
            subaccount_id=call.staff().subaccount_id,
            vehicle_id=VehicleId(call.body.vehicle_id),
            text=text,
            actor=call.actor,
        ),
    )
    return VehicleNoteCreated(data=_shown(note))


def _shown(note: fleet.VehicleNote) -> VehicleNoteShown:
    return VehicleNoteShown(
        id=note.id,
        vehicle_id=note.vehicle_id,
        notes=note.text,
        date=int(note.at.timestamp()),
        created_by=note.email or note.actor,
    )
