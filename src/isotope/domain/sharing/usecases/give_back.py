"""Give back a part of what a ride or a fine cost, inside a transaction: the ledger, the card, the credit note."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain import payments
from isotope.domain.payments import CardCall, Cards, Parts
from isotope.domain.pricing.model import TaxLine
from isotope.domain.sharing import refunds
from isotope.domain.sharing.fine_receipts import issue_credit_note
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.refunds import FineId, Refund, RefundCode
from isotope.domain.tenants.model import Operator
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
    operator, parts = what.operator, what.parts
    refund_id = await refunds.next_refund_id(tx)
    given = await payments.give_back(
        tx,
        cards.provider_name,
        payments.GiveBack(
            operator=operator,
            rider_id=what.ride.rider_id,
            currency=what.ride.currency,
            cause=what.cause,
            refund_cause=f"refund:{refund_id}",
            reason="refund",
            parts=parts,
            tax_minor=sum(tax.tax_minor for tax in what.taxes),
            to_wallet=what.to_wallet,
            actor=what.actor,
            now=now,
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
            to_bonus_minor=given.to_bonus_minor,
            to_balance_minor=given.to_balance_minor,
            to_debt_minor=given.to_debt_minor,
            to_card_minor=0,
            card_pending_minor=given.card_pending_minor,
            code=what.code,
            reason=what.reason,
            actor=what.actor,
            key=what.key,
            at=now,
        ),
    )
    await issue_credit_note(tx, operator, what.ride, refund, now)
    return refund, list(given.calls)
