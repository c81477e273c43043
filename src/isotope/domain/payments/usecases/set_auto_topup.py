"""The rider decides whether money is charged by itself, when, how much and from which card."""

from dataclasses import dataclass

from isotope.domain.payments import auto_topups, debts, errors, queries
from isotope.domain.payments.cards import Cards
from isotope.domain.payments.model import AutoTopUp, CardId, CardStatus
from isotope.domain.payments.topup_rules import may_set_amount, may_set_threshold
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAutoTopUp:
    """`card_id` None: the card that pays rides, whichever that is then."""

    operator: Operator
    rider_id: RiderId
    is_on: bool
    threshold_minor: int
    amount_minor: int
    card_id: CardId | None = None


async def set_auto_topup(rt: Runtime, cards: Cards, command: SetAutoTopUp) -> AutoTopUp:
    """As it is from now on. Set again, what a refused charge suspended works again; nothing is charged by setting it.

    Raises:
        Refusal: `cards_unavailable`, `validation_failed` (amount, threshold), `card_not_found`, `card_needed` (on, and
            the rider has no card).
    """
    operator, rider_id = command.operator, command.rider_id
    provider = cards.get_provider().name
    settings = operator.settings.payments
    if no := may_set_amount(settings, command.amount_minor, operator.currency) or may_set_threshold(
        settings, command.threshold_minor, operator.currency
    ):
        raise no
    async with rt.db.write() as tx:
        await debts.lock_rider(tx, operator.id, rider_id)
        if command.card_id is not None:
            card = await queries.find_card(tx, operator.id, rider_id, command.card_id)
            if card is None or card.status is not CardStatus.ACTIVE or card.provider != provider:
                raise errors.card_not_found()
        elif command.is_on and await debts.find_card_to_charge(tx, operator.id, rider_id, provider) is None:
            raise errors.card_needed()
        return await auto_topups.save(
            tx,
            operator.id,
            rider_id,
            operator.currency,
            is_on=command.is_on,
            threshold_minor=command.threshold_minor,
            amount_minor=command.amount_minor,
            card_id=command.card_id,
            now=rt.clock.now(),
        )


async def get_auto_topup(rt: Runtime, operator: Operator, rider_id: RiderId) -> AutoTopUp:
    """What the rider set; off, with nothing, if they never did."""
    async with rt.db.glance() as tx:
        found = await auto_topups.find(tx, operator.id, rider_id, operator.currency)
    return found or AutoTopUp(
        operator_id=operator.id,
        rider_id=rider_id,
        currency=operator.currency,
        is_on=False,
        threshold_minor=0,
        amount_minor=0,
    )
