"""What a booking is asked for, and what is given back.

A price or an extension is bought: from bonus, balance and card, never on debt unless the operator's system says so. It is
posted when it is decided, with the card's part in transit; if the card does not pay, all of it is posted back and nothing
was bought. What comes up with a booking is owed: what neither wallet nor card pays is debt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.domain import payments
from isotope.domain.payments import (
    Card,
    CardCall,
    Cards,
    OpenPayment,
    Parts,
    Purpose,
    RefusalCode,
    UndoPurchase,
    after_spending,
    list_asked,
    open_payment,
    plan_debt_collection,
    split_refund,
    undo_purchase,
)
from isotope.domain.payments.model import After
from isotope.domain.pricing import proportional_tax
from isotope.domain.rental import queries, store
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingPrice,
    BookingRefund,
    ChargeKind,
    ChargeStatus,
    RefundKind,
)
from isotope.domain.rental.receipts import issue_credit_note, issue_receipt
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import (
    Charge,
    charge,
)
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor

# The ledger's words.
REASONS: Final = {
    ChargeKind.BOOKING: "booking",
    ChargeKind.EXTENSION: "booking_extension",
    ChargeKind.SETTLEMENT: "booking_settlement",
    ChargeKind.CLAIM: "booking_claim",
}
BOUGHT: Final = frozenset({ChargeKind.BOOKING, ChargeKind.EXTENSION})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCharge:
    """Ask a booking for a price, from the wallet and then from `card`.

    `return_url` given: the rider is there, and may be sent to their bank and back to it. `ends_at`, `ended_at_before`: of
    an EXTENSION. `reason`, for people, and `key`: of a CLAIM.
    """

    operator: Operator
    booking: Booking
    kind: ChargeKind
    price: BookingPrice
    card: Card | None
    actor: Actor
    now: datetime
    reason: str | None = None
    key: str | None = None
    ends_at: datetime | None = None
    ended_at_before: datetime | None = None
    return_url: str | None = None

    @property
    def is_bought(self) -> bool:
        """Whether it is not had if it is not paid."""
        return self.kind in BOUGHT and not self.booking.terms.allow_debt


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCharge:
    """Give `amount_minor` of a charge back. `to_wallet`: what a card paid goes there instead."""

    operator: Operator
    booking: Booking
    charge: BookingCharge
    amount_minor: int
    kind: RefundKind
    reason: str
    actor: Actor
    now: datetime
    key: str | None = None
    to_wallet: bool = False


async def open_charge(tx: Tx, rt: Runtime, what: OpenCharge) -> tuple[BookingCharge, list[CardCall]]:
    """Paid at once, or PENDING with the call to carry out after the commit.

    The caller holds the booking's row, and has seen that a price without a card can be paid.

    Raises:
        ValueError: something that is bought would be owed; a bug of the caller.
    """
    operator, booking, price, now = what.operator, what.booking, what.price, what.now
    charge_id = await store.next_charge_id(tx)
    cause = f"booking_charge:{charge_id}"
    charged = await charge(
        tx,
        Charge(
            operator_id=operator.id,
            rider_id=booking.rider_id,
            currency=booking.currency,
            total_minor=price.total_minor,
            tax_minor=price.tax_minor,
            reason=REASONS[what.kind],
            actor=what.actor,
            cause=cause,
            now=now,
            on_card=what.card is not None,
            # Bonus is a promise of use, and pays no damage.
            from_bonus=what.kind is not ChargeKind.CLAIM,
        ),
    )
    if charged.debt_minor and what.is_bought:
        raise ValueError(f"{booking.holder} would be bought on debt")
    opened = await store.insert_charge(
        tx,
        BookingCharge(
            operator_id=operator.id,
            id=charge_id,
            booking_id=booking.id,
            kind=what.kind,
            status=ChargeStatus.PENDING if charged.card_minor else ChargeStatus.PAID,
            currency=booking.currency,
            lines=price.lines,
            taxes=price.taxes,
            total_minor=price.total_minor,
            tax_minor=price.tax_minor,
            charged_bonus_minor=charged.bonus_minor,
            charged_balance_minor=charged.balance_minor,
            charged_card_minor=0,
            card_pending_minor=charged.card_minor,
            debt_minor=charged.debt_minor,
            ends_at=what.ends_at,
            ended_at_before=what.ended_at_before,
            code=None,
            reason=what.reason,
            actor=what.actor,
            key=what.key,
            opened_at=now,
            settled_at=None if charged.card_minor else now,
        ),
    )
    if charged.debt_minor:
        await plan_debt_collection(tx, operator, booking.rider_id, booking.currency, now)
    await after_spending(tx, rt, operator, booking.rider_id, booking.currency, cause)
    if what.card is None or not charged.card_minor:
        await issue_receipt(tx, operator, booking, opened, now)
        return opened, []
    _payment, call = await open_payment(
        tx,
        OpenPayment(
            card=what.card,
            purpose=Purpose.BOOKING if what.is_bought else Purpose.BOOKING_EXTRA,
            cause=cause,
            currency=booking.currency,
            amount_minor=charged.card_minor,
            reserve=False,
            actor=what.actor,
            now=now,
            on_session=what.return_url is not None,
            return_url=what.return_url or "",
        ),
    )
    return opened, [call]


async def settle_owed(
    tx: Tx, operator: Operator, booking: Booking, owed: BookingCharge, after: After, now: datetime
) -> BookingCharge:
    """The card answered about a charge whose rest is owed; the ledger knows of it already."""
    settled = await store.settle_charge(
        tx, owed, card_minor=after.collected_minor, debt_minor=after.unpaid_minor, now=now
    )
    await issue_receipt(tx, operator, booking, settled, now)
    return settled


async def settle_bought(
    tx: Tx, operator: Operator, booking: Booking, bought: BookingCharge, now: datetime
) -> BookingCharge:
    """The card paid all that it was asked for."""
    settled = await store.settle_charge(tx, bought, card_minor=bought.card_pending_minor, debt_minor=0, now=now)
    await issue_receipt(tx, operator, booking, settled, now)
    return settled


async def undo_bought(
    tx: Tx, operator: Operator, booking: Booking, bought: BookingCharge, after: After, code: str | None, now: datetime
) -> BookingCharge:
    """The card did not pay: all that was posted, the other way round. What it did pay of it becomes money of the wallet."""
    await undo_purchase(
        tx,
        UndoPurchase(
            operator=operator,
            rider_id=booking.rider_id,
            currency=bought.currency,
            cause=bought.cause,
            reason="booking_unpaid",
            total_minor=bought.total_minor,
            tax_minor=bought.tax_minor,
            bonus_minor=bought.charged_bonus_minor,
            balance_minor=bought.charged_balance_minor,
            after=after,
            now=now,
        ),
    )
    return await store.fail_charge(tx, bought, code=code or RefusalCode.OTHER, now=now)


async def refund_charge(tx: Tx, provider_name: str | None, what: RefundCharge) -> tuple[BookingRefund, list[CardCall]]:
    """What was given back, back the way it was paid, and the calls to carry out after the commit.

    The caller holds the booking's row and has decided that so much may be given back. While the card is still asked about
    an earlier refund, its part goes to the wallet; so does what cards of another provider than `provider_name` paid.

    Raises:
        ValueError: more than is left of the charge; a bug of the caller.
    """
    operator, booking, bill = what.operator, what.booking, what.charge
    done = [one for one in await queries.list_refunds(tx, operator.id, [booking.id]) if one.charge_id == bill.id]
    left = parts_left(bill, done)
    parts = split_refund(left, what.amount_minor)
    taxes = proportional_tax(bill.taxes, sum(one.amount_minor for one in done), what.amount_minor)
    refund_id = await store.next_refund_id(tx)
    is_asked = bool(await list_asked(tx, operator.id, bill.cause))
    given = await payments.give_back(
        tx,
        provider_name,
        payments.GiveBack(
            operator=operator,
            rider_id=booking.rider_id,
            currency=bill.currency,
            cause=bill.cause,
            refund_cause=f"booking_refund:{refund_id}",
            reason="booking_refund",
            parts=parts,
            tax_minor=sum(tax.tax_minor for tax in taxes),
            to_wallet=what.to_wallet or is_asked,
            actor=what.actor,
            now=what.now,
        ),
    )
    refund = await store.insert_refund(
        tx,
        BookingRefund(
            operator_id=operator.id,
            id=refund_id,
            booking_id=booking.id,
            charge_id=bill.id,
            kind=what.kind,
            amount_minor=parts.total_minor,
            taxes=taxes,
            bonus_minor=parts.bonus_minor,
            balance_minor=parts.balance_minor,
            card_minor=parts.card_minor,
            debt_minor=parts.debt_minor,
            to_bonus_minor=given.to_bonus_minor,
            to_balance_minor=given.to_balance_minor,
            to_debt_minor=given.to_debt_minor,
            to_card_minor=0,
            card_pending_minor=given.card_pending_minor,
            reason=what.reason,
            actor=what.actor,
            key=what.key,
            at=what.now,
        ),
    )
    await issue_credit_note(tx, operator, booking, refund, what.now)
    return refund, list(given.calls)


async def refund_booking(
    tx: Tx,
    cards: Cards,
    operator: Operator,
    booking: Booking,
    amount_minor: int,
    *,
    kind: RefundKind,
    reason: str,
    actor: Actor,
    now: datetime,
) -> list[CardCall]:
    """Of what was paid for the booking and its extensions, newest first; never more than is left of that."""
    refunds = await queries.list_refunds(tx, operator.id, [booking.id])
    calls: list[CardCall] = []
    for bill in reversed(await _bought(tx, booking)):
        left = parts_left(bill, [one for one in refunds if one.charge_id == bill.id]).total_minor
        part_minor = min(left, amount_minor)
        if part_minor > 0:
            _refund, more = await refund_charge(
                tx,
                cards.provider_name,
                RefundCharge(
                    operator=operator,
                    booking=booking,
                    charge=bill,
                    amount_minor=part_minor,
                    kind=kind,
                    reason=reason,
                    actor=actor,
                    now=now,
                ),
            )
            calls += more
            amount_minor -= part_minor
    return calls


async def paid_minor(tx: Tx, booking: Booking) -> int:
    """What the booking and its extensions cost, less what was given back of it."""
    return paid_of(await _bought(tx, booking), await queries.list_refunds(tx, booking.operator_id, [booking.id]))


def paid_of(charges: Sequence[BookingCharge], refunds: Sequence[BookingRefund]) -> int:
    """As `paid_minor`, of one booking's charges and refunds as they were read."""
    bought = {one.id: one.total_minor for one in charges if one.kind in BOUGHT and one.status is ChargeStatus.PAID}
    return sum(bought.values()) - sum(one.amount_minor for one in refunds if one.charge_id in bought)


async def paid_until(tx: Tx, booking: Booking) -> datetime:
    """Its end; the one before that, while a card is asked for more time: what is not paid is not given back."""
    charges = await queries.list_charges(tx, booking.operator_id, [booking.id])
    waiting = [one for one in charges if one.kind is ChargeKind.EXTENSION and one.status is ChargeStatus.PENDING]
    return waiting[0].ended_at_before or booking.ends_at if waiting else booking.ends_at


async def owed_minor(tx: Tx, booking: Booking) -> int:
    """What of all its charges became debt and was not forgiven; some of that may have been paid since."""
    charges = await queries.list_charges(tx, booking.operator_id, [booking.id])
    refunds = await queries.list_refunds(tx, booking.operator_id, [booking.id])
    return sum(one.debt_minor for one in charges) - sum(one.debt_minor for one in refunds)


def parts_left(bill: BookingCharge, refunds: Sequence[BookingRefund]) -> Parts:
    """What of the parts that paid a charge was not given back."""
    left = Parts(
        bonus_minor=bill.charged_bonus_minor,
        balance_minor=bill.charged_balance_minor,
        card_minor=bill.charged_card_minor,
        debt_minor=bill.debt_minor,
    )
    for one in refunds:
        left = left.minus(
            Parts(
                bonus_minor=one.bonus_minor,
                balance_minor=one.balance_minor,
                card_minor=one.card_minor,
                debt_minor=one.debt_minor,
            )
        )
    return left


async def _bought(tx: Tx, booking: Booking) -> list[BookingCharge]:
    charges = await queries.list_charges(tx, booking.operator_id, [booking.id])
    return [one for one in charges if one.kind in BOUGHT and one.status is ChargeStatus.PAID]
