"""The receipt of a ride."""

from datetime import datetime

from isotope.domain.fleet import get_vehicle
from isotope.domain.receipts import Paid, ReceiptDraft, ReceiptKind, issue_later
from isotope.domain.sharing.model import Ride
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx


async def issue_receipt(tx: Tx, operator: Operator, ride: Ride, now: datetime, vehicle_nr: str | None = None) -> None:
    """Once the ride's money is settled. A ride that cost nothing has no receipt. `vehicle_nr`: if the caller has it."""
    if not ride.is_settled or not ride.total_minor:
        return
    if vehicle_nr is None:
        vehicle_nr = (await get_vehicle(tx, ride.operator_id, vehicle_id=ride.vehicle_id)).vehicle.nr
    await issue_later(
        tx,
        ReceiptDraft(
            operator=operator,
            rider_id=ride.rider_id,
            kind=ReceiptKind.RIDE,
            cause=ride.holder,
            currency=ride.currency,
            lines=ride.lines or (),
            taxes=ride.tax_lines,
            paid=Paid(
                bonus_minor=ride.charged_bonus_minor or 0,
                balance_minor=ride.charged_balance_minor or 0,
                card_minor=ride.charged_card_minor,
                debt_minor=ride.debt_minor or 0,
            ),
            issued_at=now,
            subject=vehicle_nr,
            supplied_from=ride.started_at,
            supplied_until=ride.ended_at,
        ),
    )
