"""Staff give back a part or all of something that a booking was charged."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.rental import errors, queries, staff_rules, store
from isotope.domain.rental.model import Booking, BookingCharge, BookingRefund, ChargeId, ChargeKind, RefundKind
from isotope.domain.rental.paying import RefundCharge, refund_charge
from isotope.domain.rental.staff_rules import RefundFacts
from isotope.domain.tenants.model import Operator, Role
from isotope.domain.wallet import idempotency_key_reused
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import BookingId


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRefundBooking:
    """Give `amount_minor` (None: all that is left) of a charge back; `charge_id` None: of the price of the booking.

    The rider reads `reason` on the credit note. `to_wallet`: what a card paid goes to the wallet instead. The same
    `key` by the same actor is the same refund.
    """

    operator: Operator
    role: Role
    booking_id: BookingId
    charge_id: ChargeId | None
    amount_minor: int | None
    reason: str
    to_wallet: bool
    actor: Actor
    key: str


async def staff_refund_booking(rt: Runtime, cards: Cards, command: StaffRefundBooking) -> BookingRefund:
    """What was given back, and where it went; `card_pending_minor` is still on its way to the card.

    Raises:
        Refusal: `booking_not_found`, `charge_not_found`, by the third table of `staff_rules`,
            `idempotency_key_reused`.
    """
    if no := staff_rules.may_treat(command.role):
        raise no
    now = rt.clock.now()
    async with rt.db.write() as tx:
        booking = await store.lock_booking(tx, command.operator.id, command.booking_id)
        if booking is None:
            raise errors.booking_not_found()
        refund, calls = await _decide(tx, cards, command, booking, now)
    await carry_out_all(rt, cards, command.operator, calls)
    if not calls:
        return refund
    async with rt.db.glance() as tx:
        return await queries.find_refund(tx, command.operator.id, refund.id) or refund


async def _decide(
    tx: Tx, cards: Cards, command: StaffRefundBooking, booking: Booking, now: datetime
) -> tuple[BookingRefund, list[CardCall]]:
    operator = command.operator
    refunds = await queries.list_refunds(tx, operator.id, [booking.id])
    charge = await _charge(tx, command)
    before = next((one for one in refunds if (one.actor, one.key) == (command.actor, command.key)), None)
    if before is not None:
        if before.charge_id != charge.id or command.amount_minor not in (None, before.amount_minor):
            raise idempotency_key_reused()
        return before, []
    facts = RefundFacts(
        settings=operator.settings,
        role=command.role,
        charge=charge,
        refunds=refunds,
        amount_minor=command.amount_minor,
    )
    if no := staff_rules.may_refund(facts):
        raise no
    refund, calls = await refund_charge(
        tx,
        cards.provider_name,
        RefundCharge(
            operator=operator,
            booking=booking,
            charge=charge,
            amount_minor=facts.wanted_minor,
            kind=RefundKind.STAFF,
            reason=command.reason,
            actor=command.actor,
            now=now,
            key=command.key,
            to_wallet=command.to_wallet,
        ),
    )
    await store.add_event(tx, booking, "refunded", now, command.actor, refund_id=refund.id)
    return refund, calls


async def _charge(tx: Tx, command: StaffRefundBooking) -> BookingCharge:
    charges = await queries.list_charges(tx, command.operator.id, [command.booking_id])
    if command.charge_id is None:
        found = [one for one in charges if one.kind is ChargeKind.BOOKING]
    else:
        found = [one for one in charges if one.id == command.charge_id]
    if not found:
        raise errors.charge_not_found()
    return found[-1]
