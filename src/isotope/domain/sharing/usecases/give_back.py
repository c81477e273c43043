"""Give back a part of what a ride or a fine cost, inside a transaction: the ledger, the card, the credit note."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments import CardCall, Cards, OpenRefund, list_refundable, open_refund
from isotope.domain.pricing.model import TaxLine
from isotope.domain.sharing import refunds
from isotope.domain.sharing.fine_receipts import issue_credit_note
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.refund_rules import Parts
from isotope.domain.sharing.refunds import FineId, Refund, RefundCode
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import AccountKind, Entry, Posting, bonus_expiry, credit_entries, lock_standing, post
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """Which `parts` of what paid `cause` (`ride:12`, `fine:4`) go back, with the tax in them.

    `code` says on the credit note what it is, `reason` why, for people. `to_wallet`: what a card paid goes to the
    wallet instead. The same `key` by the same actor cannot be given back twice.
    """

    operator: Operator
    ride: Ride
    fine_id: FineId | None
    cause: str
    parts: Parts
    taxes: tuple[TaxLine, ...]
    code: RefundCode
    reason: str
    to_wallet: bool
    actor: Actor
    key: str


async def give_back(tx: Tx, cards: Cards, what: GiveBack, now: datetime) -> tuple[Refund, list[CardCall]]:
    """What was given back, and the calls that are to be carried out after the commit.

    The caller holds the ride's row and has decided that so much may be given back.
    """
    operator, rider, parts = what.operator, what.ride.rider_id, what.parts
    refund_id = await refunds.next_refund_id(tx)
    refund_cause = f"refund:{refund_id}"
    calls = []
    to_card = 0
    if parts.card_minor and not what.to_wallet:
        for payment_id, amount_minor in await list_refundable(tx, cards, operator.id, what.cause, parts.card_minor):
            refund_of = OpenRefund(
                operator_id=operator.id,
                payment_id=payment_id,
                amount_minor=amount_minor,
                cause=refund_cause,
                actor=what.actor,
                now=now,
            )
            calls.append(await open_refund(tx, refund_of))
            to_card += amount_minor
    standing = await lock_standing(tx, operator.id, rider, what.ride.currency)
    # What no card gets is money that comes in: it settles debt first.
    credited = credit_entries(rider, standing, parts.total_minor - parts.bonus_minor - to_card)
    tax_minor = sum(tax.tax_minor for tax in what.taxes)
    sides = (
        Entry(kind=AccountKind.REVENUE, amount_minor=tax_minor - parts.total_minor),
        Entry(kind=AccountKind.TAX, amount_minor=-tax_minor),
        Entry(kind=AccountKind.RIDER_BONUS, amount_minor=parts.bonus_minor, rider_id=rider),
        Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=to_card, rider_id=rider),
        *credited,
    )
    await post(
        tx,
        Posting(
            operator_id=operator.id,
            currency=what.ride.currency,
            reason="refund",
            actor=what.actor,
            cause=refund_cause,
            now=now,
            entries=tuple(side for side in sides if side.amount_minor),
            bonus_expires_at=bonus_expiry(operator.settings.payments, now),
        ),
    )
    refund = await refunds.insert_refund(
        tx,
        Refund(
            operator_id=operator.id,
            id=refund_id,
            ride_id=what.ride.id,
            fine_id=what.fine_id,
            amount_minor=parts.total_minor,
            taxes=what.taxes,
            bonus_minor=parts.bonus_minor,
            balance_minor=parts.balance_minor,
            card_minor=parts.card_minor,
            debt_minor=parts.debt_minor,
            to_bonus_minor=parts.bonus_minor,
            to_balance_minor=_sum(credited, AccountKind.RIDER_BALANCE),
            to_debt_minor=_sum(credited, AccountKind.RIDER_DEBT),
            to_card_minor=0,
            card_pending_minor=to_card,
            code=what.code,
            reason=what.reason,
            actor=what.actor,
            key=what.key,
            at=now,
        ),
    )
    await issue_credit_note(tx, operator, what.ride, refund, now)
    return refund, calls


def _sum(entries: tuple[Entry, ...], kind: AccountKind) -> int:
    return sum(entry.amount_minor for entry in entries if entry.kind is kind)
