"""What staff write down about a vehicle, for each other."""

from datetime import datetime
from typing import Final

import msgspec

from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, VehicleId

MOST_NOTES: Final = 500


class VehicleNote(msgspec.Struct, frozen=True, kw_only=True):
    """A note; never changed. `email` is that of who wrote it."""

    id: int
    vehicle_id: VehicleId
    text: str
    actor: Actor
    email: str | None
    at: datetime


async def insert_note(
    tx: Tx, operator_id: OperatorId, vehicle_id: VehicleId, text: str, actor: Actor, now: datetime
) -> VehicleNote:
    return await tx.one(
        VehicleNote,
        """
        with n as (
            insert into vehicle_note (operator_id, vehicle_id, text, actor, at)
            values (%(operator_id)s, %(vehicle_id)s, %(text)s, %(actor)s, %(now)s)
            returning id, vehicle_id, text, actor, at)
        select n.*, s.email from n left join staff s on s.operator_id = %(operator_id)s and n.actor = 'staff:' || s.id
        """,
        {"operator_id": operator_id, "vehicle_id": vehicle_id, "text": text, "actor": actor, "now": now},
    )


async def list_notes(tx: Tx, operator_id: OperatorId, vehicle_id: VehicleId) -> list[VehicleNote]:
    """Newest first, at most `MOST_NOTES`. By vehicle_note_vehicle."""
    return await tx.all(
        VehicleNote,
        """
        select n.id, n.vehicle_id, n.text, n.actor, s.email, n.at
          from vehicle_note n
          left join staff s on s.operator_id = n.operator_id and n.actor = 'staff:' || s.id
         where n.operator_id = %(operator_id)s and n.vehicle_id = %(vehicle_id)s
         order by n.id desc limit %(limit)s
        """,
        {"operator_id": operator_id, "vehicle_id": vehicle_id, "limit": MOST_NOTES},
    )
