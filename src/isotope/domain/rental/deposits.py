"""A booking's deposit: reserved on its card, or kept of the balance; let go after the inspection, or claimed.

What is claimed is owed already. So the deposit pays it as any money does that comes in: the card's part is captured into
the wallet, where it settles debt; the wallet's own goes back there.
"""

from datetime import datetime
from typing import Final

from isotope.domain.payments import (
    Card,
    CardCall,
    CardPayment,
    Collect,
    OpenPayment,
    PaymentStatus,
    Purpose,
    collect,
    list_payments,
    open_payment,
)
from isotope.domain.rental import errors, store
from isotope.domain.rental.model import Booking, DepositStatus
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import (
    AccountKind,
    Entry,
    Posting,
    credit_entries,
    find_entries,
    get_standing,
    lock_standing,
    post,
)
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.money import Money

# The ledger's word for a deposit that the wallet gave.
KEPT: Final = "deposit_kept"


async def ask_deposit(
    tx: Tx,
    operator: Operator,
    booking: Booking,
    card: Card | None,
    actor: Actor,
    now: datetime,
    *,
    return_url: str | None = None,
) -> tuple[Booking, list[CardCall]]:
    """HELD at once from the wallet, or ASKED with the call to carry out after the commit. The caller holds the row.

    `return_url` given: the rider is there, and may be sent to their bank and back to it.

    Raises:
        Refusal: `deposit_too_high`: the wallet has less.
    """
    if not booking.deposit_minor:
        return await store.change_booking(tx, booking, deposit_status=DepositStatus.NONE), []
    if card is None:
        return await _keep(tx, operator, booking, actor, now), []
    _payment, call = await open_payment(
        tx,
        OpenPayment(
            card=card,
            purpose=Purpose.DEPOSIT,
            cause=booking.deposit_cause,
            currency=booking.currency,
            amount_minor=booking.deposit_minor,
            reserve=True,
            actor=actor,
            now=now,
            on_session=return_url is not None,
            return_url=return_url or "",
        ),
    )
    return await store.change_booking(tx, booking, deposit_status=DepositStatus.ASKED), [call]


async def find_confirmation(tx: Tx, booking: Booking) -> CardPayment | None:
    """The payment that waits for the rider at their bank, if the deposit does."""
    if booking.deposit_status is not DepositStatus.ASKED:
        return None
    payments = await list_payments(tx, booking.operator_id, booking.deposit_cause)
    return next((one for one in payments if one.status is PaymentStatus.ACTION_REQUIRED), None)


async def end_deposit(
    tx: Tx, operator: Operator, booking: Booking, *, claim_minor: int, actor: Actor, now: datetime
) -> tuple[Booking, list[CardCall]]:
    """Let go of it, but for at most `claim_minor` of what the rider owes. The caller holds the row of a HELD one."""
    standing = await get_standing(tx, operator.id, booking.rider_id, booking.currency)
    claim_minor = max(0, min(claim_minor, booking.deposit_minor, standing.debt_minor))
    if await find_entries(tx, operator.id, booking.deposit_cause, KEPT):
        return await _give_back(tx, operator, booking, claim_minor, actor, now), []
    payments = await list_payments(tx, operator.id, booking.deposit_cause)
    if not any(payment.status is PaymentStatus.AUTHORISED for payment in payments):
        return await store.change_booking(tx, booking, deposit_status=DepositStatus.RELEASED), []
    calls = await collect(
        tx,
        Collect(
            operator_id=operator.id,
            purpose=Purpose.DEPOSIT,
            cause=booking.deposit_cause,
            card=None,
            currency=booking.currency,
            due_minor=claim_minor,
            actor=actor,
            now=now,
        ),
    )
    return await store.change_booking(tx, booking, deposit_status=DepositStatus.ENDING), calls


async def _keep(tx: Tx, operator: Operator, booking: Booking, actor: Actor, now: datetime) -> Booking:
    rider, amount_minor = booking.rider_id, booking.deposit_minor
    standing = await lock_standing(tx, operator.id, rider, booking.currency)
    if standing.balance_minor < amount_minor:
        raise errors.deposit_too_high(
            Money(standing.balance_minor, booking.currency), Money(amount_minor, booking.currency)
        )
    await _post(
        tx,
        operator,
        booking,
        KEPT,
        (
            Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=-amount_minor, rider_id=rider),
            Entry(kind=AccountKind.RIDER_DEPOSIT, amount_minor=amount_minor, rider_id=rider),
        ),
        actor,
        now,
    )
    return await store.change_booking(tx, booking, deposit_status=DepositStatus.HELD)


async def _give_back(
    tx: Tx, operator: Operator, booking: Booking, claim_minor: int, actor: Actor, now: datetime
) -> Booking:
    rider, amount_minor = booking.rider_id, booking.deposit_minor
    standing = await lock_standing(tx, operator.id, rider, booking.currency)
    back = credit_entries(rider, standing, amount_minor)
    await _post(
        tx,
        operator,
        booking,
        "deposit_returned",
        (Entry(kind=AccountKind.RIDER_DEPOSIT, amount_minor=-amount_minor, rider_id=rider), *back),
        actor,
        now,
    )
    settled = sum(entry.amount_minor for entry in back if entry.kind is AccountKind.RIDER_DEBT)
    taken_minor = min(claim_minor, settled)
    return await store.change_booking(
        tx,
        booking,
        deposit_status=DepositStatus.CAPTURED if taken_minor else DepositStatus.RELEASED,
        deposit_captured_minor=taken_minor,
    )


async def _post(
    tx: Tx,
    operator: Operator,
    booking: Booking,
    reason: str,
    entries: tuple[Entry, ...],
    actor: Actor,
    now: datetime,
) -> None:
    await post(
        tx,
        Posting(
            operator_id=operator.id,
            currency=booking.currency,
            reason=reason,
            actor=actor,
            cause=booking.deposit_cause,
            now=now,
            entries=entries,
        ),
    )
