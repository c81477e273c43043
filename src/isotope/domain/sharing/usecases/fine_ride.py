"""Staff fine the rider of a ride that is over."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments import (
    Card,
    CardCall,
    Cards,
    Collect,
    Purpose,
    after_spending,
    carry_out_all,
    collect,
    find_chosen_card,
    plan_debt_collection,
)
from isotope.domain.sharing import errors, refunds, store
from isotope.domain.sharing.cards import find_paying_card
from isotope.domain.sharing.fine_receipts import issue_fine_receipt
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.refund_rules import may_fine
from isotope.domain.sharing.refunds import Fine
from isotope.domain.tenants.model import Operator, Role
from isotope.domain.wallet import Charge, Flow, charge, idempotency_key_reused
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RideId


@dataclass(frozen=True, slots=True, kw_only=True)
class FineRide:
    """A fine of `amount_minor` on a ride. The rider reads `reason` on the receipt.

    The same `key` by the same actor is the same fine.
    """

    operator: Operator
    ride_id: RideId
    amount_minor: int
    reason: str
    role: Role
    actor: Actor
    key: str


async def fine_ride(rt: Runtime, cards: Cards, command: FineRide) -> Fine:
    """The fine, taken from balance, card (the ride's, or the one that the rider chose) and else debt; never from bonus.

    Raises:
        Refusal: `ride_not_found`, by the table of `refund_rules.may_fine`, and `idempotency_key_reused` when the key
            was used for something else.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        ride = await store.lock_ride(tx, command.operator.id, command.ride_id)
        if ride is None:
            raise errors.ride_not_found()
        fine, calls = await _decide(tx, rt, cards, command, ride, now)
    await carry_out_all(rt, cards, command.operator, calls)
    if not calls:
        return fine
    async with rt.db.read() as tx:
        return await refunds.find_fine(tx, command.operator.id, fine.id) or fine


async def _decide(
    tx: Tx, rt: Runtime, cards: Cards, command: FineRide, ride: Ride, now: datetime
) -> tuple[Fine, list[CardCall]]:
    operator = command.operator
    before = await refunds.find_fine_by_key(tx, operator.id, command.actor, command.key)
    if before is not None:
        if (before.ride_id, before.amount_minor) != (command.ride_id, command.amount_minor):
            raise idempotency_key_reused()
        return before, []
    if no := may_fine(operator.settings.payments, ride.currency, command.role, ride, command.amount_minor):
        raise no
    card = await _card(tx, cards, ride)
    fine_id = await refunds.next_fine_id(tx)
    cause = f"fine:{fine_id}"
    charged = await charge(
        tx,
        Charge(
            operator_id=operator.id,
            rider_id=ride.rider_id,
            currency=ride.currency,
            total_minor=command.amount_minor,
            tax_minor=0,
            reason="fine",
            actor=command.actor,
            cause=cause,
            now=now,
            on_card=card is not None,
            from_bonus=False,
        ),
    )
    calls = await collect(
        tx,
        Collect(
            operator_id=operator.id,
            purpose=Purpose.RIDE,
            cause=cause,
            card=card,
            currency=ride.currency,
            due_minor=charged.card_minor,
            actor=command.actor,
            now=now,
        ),
    )
    if charged.debt_minor:
        await plan_debt_collection(tx, operator, ride.rider_id, ride.currency, now)
    await after_spending(tx, rt, operator, ride.rider_id, ride.currency, cause, skip=False)
    fine = await refunds.insert_fine(
        tx,
        Fine(
            operator_id=operator.id,
            id=fine_id,
            ride_id=ride.id,
            amount_minor=command.amount_minor,
            charged_balance_minor=charged.balance_minor,
            charged_card_minor=0,
            card_pending_minor=charged.card_minor,
            debt_minor=charged.debt_minor,
            reason=command.reason,
            actor=command.actor,
            key=command.key,
            at=now,
        ),
    )
    await issue_fine_receipt(tx, operator, ride, fine, now)
    return fine, calls


async def _card(tx: Tx, cards: Cards, ride: Ride) -> Card | None:
    found = await find_paying_card(tx, cards, ride)
    if found is None:
        found = await find_chosen_card(tx, ride.operator_id, ride.rider_id, Flow.SHARING)
    if found is None or cards.provider is None or found.provider != cards.provider.name:
        return None
    return found
