"""The end of a reservation that was not used, inside a transaction: the fee, the vehicle."""

from datetime import datetime

from isotope.domain.fleet import lock_vehicle, minimum_battery_pct, release_vehicle, status_after_release
from isotope.domain.payments import after_spending, plan_debt_collection
from isotope.domain.pricing import Bill
from isotope.domain.receipts import Paid, ReceiptDraft, ReceiptKind, issue_later
from isotope.domain.sharing import reservation_store
from isotope.domain.sharing.reservation_rules import bill_unused, is_forgiven
from isotope.domain.sharing.reservations import Reservation, ReservationStatus
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Charge, charge
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor


async def end_reservation(
    tx: Tx,
    rt: Runtime,
    operator: Operator,
    reservation: Reservation,
    status: ReservationStatus,
    actor: Actor,
    now: datetime,
) -> Reservation:
    """CANCELLED or EXPIRED: charge the fee, let the vehicle go.

    The fee is taken from bonus and balance; what is missing is debt, which the rider's card is tried for by the
    operator's schedule, so that no end of a reservation waits for a bank.

    The caller holds the rider's row; the vehicle's and the wallet's are locked here, in this order.
    """
    found = await lock_vehicle(tx, operator.id, vehicle_id=reservation.vehicle_id)
    unused = await reservation_store.read_unused(tx, operator.id, reservation.rider_id, now)
    forgiven = is_forgiven(reservation, unused, status, now)
    bill = bill_unused(reservation, now, forgiven=forgiven)
    charged = await charge(
        tx,
        Charge(
            operator_id=operator.id,
            rider_id=reservation.rider_id,
            currency=reservation.currency,
            total_minor=bill.total_minor,
            tax_minor=bill.tax_minor,
            reason="reservation",
            actor=actor,
            cause=reservation.holder,
            now=now,
        ),
    )
    if charged.debt_minor:
        await plan_debt_collection(tx, operator, reservation.rider_id, reservation.currency, now)
    if bill.total_minor:
        await after_spending(tx, rt, operator, reservation.rider_id, reservation.currency, reservation.holder)
    ended = await reservation_store.set_unused(tx, reservation, status, now, bill, charged, forgiven=forgiven)
    await _issue_receipt(tx, operator, ended, bill, found.vehicle.nr, now)
    state = found.state
    await release_vehicle(
        tx,
        found.vehicle,
        holder=reservation.holder,
        to_status=status_after_release(
            None if state is None else state.battery_pct,
            minimum_battery_pct(found.model.spec, operator.settings.rides.minimum_battery_pct),
            needs_check=False,
        ),
        actor=actor,
        cause=f"{reservation.holder}:{status.lower()}",
        now=now,
    )
    return ended


async def _issue_receipt(
    tx: Tx, operator: Operator, reservation: Reservation, bill: Bill, vehicle_nr: str, now: datetime
) -> None:
    """One that cost nothing has no receipt."""
    if not bill.total_minor:
        return
    await issue_later(
        tx,
        ReceiptDraft(
            operator=operator,
            rider_id=reservation.rider_id,
            kind=ReceiptKind.RESERVATION,
            cause=reservation.holder,
            currency=reservation.currency,
            lines=bill.lines,
            taxes=bill.taxes,
            paid=Paid(
                bonus_minor=reservation.charged_bonus_minor or 0,
                balance_minor=reservation.charged_balance_minor or 0,
                debt_minor=reservation.debt_minor or 0,
            ),
            issued_at=now,
            subject=vehicle_nr,
            supplied_from=reservation.reserved_at,
            supplied_until=now,
        ),
    )
