"""Staff charge a booking that is over for damage and such."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.rental import errors, queries, staff_rules, store
from isotope.domain.rental.methods import paying_card
from isotope.domain.rental.model import Booking, BookingCharge, ChargeKind, DepositStatus
from isotope.domain.rental.paying import OpenCharge, open_charge
from isotope.domain.tenants.model import Operator, Role
from isotope.domain.wallet import idempotency_key_reused
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import BookingId

# While there is a deposit it pays what the wallet does not, and the card is not asked for the same twice.
_DEPOSIT_PAYS: Final = frozenset({DepositStatus.ASKED, DepositStatus.HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffChargeBooking:
    """The rider reads `reason` on the receipt. The same `key` by the same actor is the same claim."""

    operator: Operator
    role: Role
    booking_id: BookingId
    amount_minor: int
    reason: str
    actor: Actor
    key: str


async def staff_charge_booking(rt: Runtime, cards: Cards, command: StaffChargeBooking) -> BookingCharge:
    """What was charged: from the wallet, then what the deposit pays when it ends, else from the card; the rest is debt.

    Raises:
        Refusal: `booking_not_found`, by the second table of `staff_rules`, `idempotency_key_reused`.
    """
    if no := staff_rules.may_treat(command.role):
        raise no
    now = rt.clock.now()
    async with rt.db.write() as tx:
        booking = await store.lock_booking(tx, command.operator.id, command.booking_id)
        if booking is None:
            raise errors.booking_not_found()
        claimed, calls = await _decide(tx, rt, cards, command, booking, now)
    await carry_out_all(rt, cards, command.operator, calls)
    if not calls:
        return claimed
    async with rt.db.glance() as tx:
        return await queries.find_charge(tx, command.operator.id, claimed.id) or claimed


async def _decide(
    tx: Tx, rt: Runtime, cards: Cards, command: StaffChargeBooking, booking: Booking, now: datetime
) -> tuple[BookingCharge, list[CardCall]]:
    operator = command.operator
    before = await queries.find_charge_by_key(tx, operator.id, command.actor, command.key)
    if before is not None:
        if (before.booking_id, before.total_minor) != (booking.id, command.amount_minor):
            raise idempotency_key_reused()
        return before, []
    if no := staff_rules.may_claim(operator.settings, command.role, booking, command.amount_minor):
        raise no
    card = None if booking.deposit_status in _DEPOSIT_PAYS else await paying_card(tx, cards, booking)
    claimed, calls = await open_charge(
        tx,
        rt,
        OpenCharge(
            operator=operator,
            booking=booking,
            kind=ChargeKind.CLAIM,
            price=staff_rules.claim_price(command.amount_minor),
            card=card,
            actor=command.actor,
            now=now,
            reason=command.reason,
            key=command.key,
        ),
    )
    await store.add_event(tx, booking, "claimed", now, command.actor, charge_id=claimed.id)
    return claimed, calls
