"""Decide to give back some of what paid something, inside a transaction: the ledger, and the card."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments import queries
from isotope.domain.payments.model import CardCall
from isotope.domain.payments.refund_parts import Parts
from isotope.domain.payments.usecases.open_refund import OpenRefund, open_refund
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import AccountKind, Entry, Posting, bonus_expiry, credit_entries, lock_standing, post
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """Which `parts` of what paid `cause` go back, `tax_minor` of them tax.

    `refund_cause` is what ledger and calls call it, `reason` the ledger's word. `to_wallet`: what a card paid goes to the
    wallet instead.
    """

    operator: Operator
    rider_id: RiderId
    currency: str
    cause: str
    refund_cause: str
    reason: str
    parts: Parts
    tax_minor: int
    to_wallet: bool
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """Where it went. `card_pending_minor` is what the `calls`, to be carried out after the commit, ask the card for."""

    to_bonus_minor: int
    to_balance_minor: int
    to_debt_minor: int
    card_pending_minor: int
    calls: tuple[CardCall, ...]


async def give_back(tx: Tx, provider_name: str | None, what: GiveBack) -> GivenBack:
    """What cards of another provider paid goes to the wallet. The caller holds what was paid for, and has decided that so much may be given back."""
    operator, rider, parts = what.operator, what.rider_id, what.parts
    calls = []
    to_card = 0
    if parts.card_minor and not what.to_wallet:
        refundable = await queries.list_refundable(tx, provider_name, operator.id, what.cause, parts.card_minor)
        for payment_id, amount_minor in refundable:
            refund_of = OpenRefund(
                operator_id=operator.id,
                payment_id=payment_id,
                amount_minor=amount_minor,
                cause=what.refund_cause,
                actor=what.actor,
                now=what.now,
            )
            calls.append(await open_refund(tx, refund_of))
            to_card += amount_minor
    standing = await lock_standing(tx, operator.id, rider, what.currency)
    # What no card gets is money that comes in: it settles debt first.
    credited = credit_entries(rider, standing, parts.total_minor - parts.bonus_minor - to_card)
    sides = (
        Entry(kind=AccountKind.REVENUE, amount_minor=what.tax_minor - parts.total_minor),
        Entry(kind=AccountKind.TAX, amount_minor=-what.tax_minor),
        Entry(kind=AccountKind.RIDER_BONUS, amount_minor=parts.bonus_minor, rider_id=rider),
        Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=to_card, rider_id=rider),
        *credited,
    )
    await post(
        tx,
        Posting(
            operator_id=operator.id,
            currency=what.currency,
            reason=what.reason,
            actor=what.actor,
            cause=what.refund_cause,
            now=what.now,
            entries=tuple(side for side in sides if side.amount_minor),
            bonus_expires_at=bonus_expiry(operator.settings.payments, what.now),
        ),
    )
    return GivenBack(
        to_bonus_minor=parts.bonus_minor,
        to_balance_minor=_sum(credited, AccountKind.RIDER_BALANCE),
        to_debt_minor=_sum(credited, AccountKind.RIDER_DEBT),
        card_pending_minor=to_card,
        calls=tuple(calls),
    )


def _sum(entries: tuple[Entry, ...], kind: AccountKind) -> int:
    return sum(entry.amount_minor for entry in entries if entry.kind is kind)
