"""Staff give back a part or all of what a ride, or a fine on it, cost."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments import CardCall, Cards, carry_out_all, list_asked, split_refund
from isotope.domain.pricing import proportional_tax
from isotope.domain.pricing.model import TaxLine
from isotope.domain.sharing import errors, refunds, store
from isotope.domain.sharing.fine_receipts import fine_taxes
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.refund_rules import RefundFacts, charged_parts, may_refund
from isotope.domain.sharing.refunds import Fine, FineId, Refund
from isotope.domain.sharing.usecases.give_back import GiveBack, give_back
from isotope.domain.tenants.model import Operator, Role
from isotope.domain.wallet import idempotency_key_reused
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RideId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRide:
    """Give `amount_minor` (None: all that is left) of a ride's price back, or of its fine `fine_id`.

    The rider reads `reason` on the credit note. `to_wallet`: what a card paid goes to the wallet instead. The same
    `key` by the same actor is the same refund.
    """

    operator: Operator
    ride_id: RideId
    fine_id: FineId | None
    amount_minor: int | None
    reason: str
    to_wallet: bool
    role: Role
    actor: Actor
    key: str


async def refund_ride(rt: Runtime, cards: Cards, command: RefundRide) -> Refund:
    """What was given back, and where it went; `card_pending_minor` is still on its way to the card.

    Raises:
        Refusal: `ride_not_found`, `fine_not_found`, by the table of `refund_rules.may_refund`, and
            `idempotency_key_reused` when the key was used for something else.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        ride = await store.lock_ride(tx, command.operator.id, command.ride_id)
        if ride is None:
            raise errors.ride_not_found()
        refund, calls = await _decide(tx, cards, command, ride, now)
    await carry_out_all(rt, cards, command.operator, calls)
    if not calls:
        return refund
    async with rt.db.read() as tx:
        return await refunds.find_refund(tx, command.operator.id, refund.id) or refund


async def _decide(
    tx: Tx, cards: Cards, command: RefundRide, ride: Ride, now: datetime
) -> tuple[Refund, list[CardCall]]:
    operator = command.operator
    before = await refunds.find_refund_by_key(tx, operator.id, command.actor, command.key)
    if before is not None:
        if not _is_same(before, command):
            raise idempotency_key_reused()
        return before, []
    fine = await _find_fine(tx, command)
    done = [one for one in await refunds.list_refunds(tx, operator.id, ride.id) if one.fine_id == command.fine_id]
    cause = ride.holder if fine is None else fine.cause
    facts = RefundFacts(
        settings=operator.settings.payments,
        currency=ride.currency,
        role=command.role,
        ride=ride,
        charged_minor=(ride.total_minor or 0) if fine is None else fine.amount_minor,
        pending_minor=ride.card_pending_minor if fine is None else fine.card_pending_minor,
        refunded_minor=sum(one.amount_minor for one in done),
        is_refund_running=any(one.card_pending_minor for one in done) or bool(await list_asked(tx, operator.id, cause)),
        amount_minor=command.amount_minor,
    )
    if no := may_refund(facts):
        raise no
    taxes = proportional_tax(_taxes(ride, fine), facts.refunded_minor, facts.wanted_minor)
    left = charged_parts(ride) if fine is None else fine.parts
    for one in done:
        left = left.minus(one.parts)
    what = GiveBack(
        operator=operator,
        ride=ride,
        fine_id=command.fine_id,
        cause=cause,
        parts=split_refund(left, facts.wanted_minor),
        taxes=taxes,
        code="refund",
        reason=command.reason,
        to_wallet=command.to_wallet,
        actor=command.actor,
        key=command.key,
    )
    return await give_back(tx, cards, what, now)


async def _find_fine(tx: Tx, command: RefundRide) -> Fine | None:
    if command.fine_id is None:
        return None
    fine = await refunds.find_fine(tx, command.operator.id, command.fine_id)
    if fine is None or fine.ride_id != command.ride_id:
        raise errors.fine_not_found()
    return fine


def _taxes(ride: Ride, fine: Fine | None) -> tuple[TaxLine, ...]:
    return ride.tax_lines if fine is None else fine_taxes(fine)


def _is_same(before: Refund, command: RefundRide) -> bool:
    return (
        before.ride_id == command.ride_id
        and before.fine_id == command.fine_id
        and command.amount_minor in (None, before.amount_minor)
    )
