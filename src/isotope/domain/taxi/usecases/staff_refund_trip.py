"""Staff give back a part or all of what a trip, or the fee of one that was not driven, cost."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain import payments
from isotope.domain.payments import CardCall, Cards, carry_out_all, list_asked, split_refund
from isotope.domain.pricing import proportional_tax
from isotope.domain.taxi import errors, refunds, staff_rules, store
from isotope.domain.taxi.model import Trip
from isotope.domain.taxi.refunds import TripRefund
from isotope.domain.taxi.staff_rules import RefundFacts
from isotope.domain.tenants.model import Operator, Role
from isotope.domain.wallet import idempotency_key_reused
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRefundTrip:
    """Give `amount_minor` (None: all that is left) back.

    The rider reads `reason` on the credit note. `to_wallet`: what a card paid goes to the wallet instead. The same
    `key` by the same actor is the same refund.
    """

    operator: Operator
    role: Role
    trip_id: TripId
    amount_minor: int | None
    reason: str
    to_wallet: bool
    actor: Actor
    key: str


async def staff_refund_trip(rt: Runtime, cards: Cards, command: StaffRefundTrip) -> TripRefund:
    """What was given back, and where it went; `card_pending_minor` is still on its way to the card.

    What was paid in cash goes to the wallet.

    Raises:
        Refusal: `trip_not_found`, by the second table of `staff_rules`, `idempotency_key_reused`.
    """
    if no := staff_rules.may_treat(command.role):
        raise no
    async with rt.db.write() as tx:
        trip = await store.lock_trip(tx, command.operator.id, command.trip_id)
        if trip is None:
            raise errors.trip_not_found()
        refund, calls = await _decide(tx, cards, command, trip, rt.clock.now())
    await carry_out_all(rt, cards, command.operator, calls)
    if not calls:
        return refund
    async with rt.db.read() as tx:
        return await refunds.find_refund(tx, command.operator.id, refund.id) or refund


async def _decide(
    tx: Tx, cards: Cards, command: StaffRefundTrip, trip: Trip, now: datetime
) -> tuple[TripRefund, list[CardCall]]:
    operator = command.operator
    before = await refunds.find_refund_by_key(tx, operator.id, command.actor, command.key)
    if before is not None:
        if before.trip_id != trip.id or command.amount_minor not in (None, before.amount_minor):
            raise idempotency_key_reused()
        return before, []
    done = await refunds.list_refunds(tx, operator.id, trip.id)
    is_asked = bool(await list_asked(tx, operator.id, trip.cause))
    facts = RefundFacts(
        settings=operator.settings.payments,
        role=command.role,
        trip=trip,
        is_refund_running=is_asked or any(one.card_pending_minor for one in done),
        amount_minor=command.amount_minor,
    )
    if no := staff_rules.may_refund(facts):
        raise no
    parts = split_refund(refunds.parts_left(trip, done), facts.wanted_minor)
    taxes = proportional_tax(trip.taxes, trip.refunded_minor, facts.wanted_minor)
    refund_id = await refunds.next_refund_id(tx)
    given = await payments.give_back(
        tx,
        cards.provider_name,
        payments.GiveBack(
            operator=operator,
            rider_id=trip.rider_id,
            currency=trip.currency,
            cause=trip.cause,
            refund_cause=f"trip_refund:{refund_id}",
            reason="trip_refund",
            parts=parts,
            tax_minor=sum(tax.tax_minor for tax in taxes),
            to_wallet=command.to_wallet,
            actor=command.actor,
            now=now,
        ),
    )
    refund = await refunds.insert_refund(
        tx,
        TripRefund(
            operator_id=operator.id,
            id=refund_id,
            trip_id=trip.id,
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
            reason=command.reason,
            actor=command.actor,
            key=command.key,
            at=now,
        ),
    )
    back = await store.change_trip(tx, trip, refunded_minor=trip.refunded_minor + refund.amount_minor)
    await store.add_event(tx, back, "refunded", now, command.actor, refund_id=refund.id)
    await refunds.issue_credit_note(tx, operator, back, refund, now)
    return refund, list(given.calls)
