"""The SQL of damage reports."""

from datetime import datetime
from typing import Final

from isotope.domain.evidence.model import Damage
from isotope.infra.db import Tx
from isotope.kernel.ids import BookingId, OperatorId, RideId, RiderId, VehicleId

_DAMAGE: Final = "operator_id, id, rider_id, vehicle_id, ride_id, booking_id, category, description, status, at"


async def insert_damage(
    tx: Tx,
    *,
    operator_id: OperatorId,
    rider_id: RiderId,
    vehicle_id: VehicleId,
    ride_id: RideId | None,
    booking_id: BookingId | None,
    category: str,
    description: str,
    at: datetime,
) -> Damage:
    """A new report, which nobody has looked at yet."""
    return await tx.one(
        Damage,
        f"""
        insert into damage_report (operator_id, rider_id, vehicle_id, ride_id, booking_id, category, description, status, at)
        values (%(operator_id)s, %(rider_id)s, %(vehicle_id)s, %(ride_id)s, %(booking_id)s, %(category)s,
                %(description)s, 'IN_REVIEW', %(at)s)
        returning {_DAMAGE}
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "vehicle_id": vehicle_id,
            "ride_id": ride_id,
            "booking_id": booking_id,
            "category": category,
            "description": description,
            "at": at,
        },
    )


async def count_damages(tx: Tx, operator_id: OperatorId, rider_id: RiderId, since: datetime) -> int:
    """How many reports the rider sent since then. By index damage_report_rider."""
    return int(
        await tx.scalar(
            """
            select count(*) from damage_report
             where operator_id = %(operator_id)s and rider_id = %(rider_id)s and at > %(since)s
            """,
            {"operator_id": operator_id, "rider_id": rider_id, "since": since},
        )
    )


async def forget_words(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> None:
    """What a rider wrote; what they chose from lists stays. By damage_report_rider."""
    await tx.execute(
        """
        update damage_report set description = ''
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and description <> ''
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )
