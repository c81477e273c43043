"""A rider buys a plan, or pays the renewal of one that is past due."""

from dataclasses import dataclass

from isotope.domain.payments import (
    WALLET,
    Card,
    CardCall,
    Cards,
    PaymentStatus,
    card_declined,
    card_id_of,
    card_not_found,
    carry_out,
    find_choice,
    find_usable_card,
    list_cards,
    list_payments,
    unknown_payment_method,
)
from isotope.domain.subscriptions import errors, paying, plans, queries, store
from isotope.domain.subscriptions.model import (
    Period,
    Plan,
    SubscriptionId,
    SubscriptionStatus,
)
from isotope.domain.subscriptions.receipts import tax_of
from isotope.domain.subscriptions.usecases.read_subscriptions import SubscriptionView, look_at_subscriptions
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Flow, debt_open, lock_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId
from isotope.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BuySubscription:
    """`method_id` None: what pays the rider's rides, or the wallet.

    The rider is there: they may be sent to their bank, which sends them back to `return_url`.
    """

    operator: Operator
    rider_id: RiderId
    plan_id: int
    actor: Actor
    method_id: str | None = None
    return_url: str = ""


async def buy_subscription(rt: Runtime, cards: Cards, command: BuySubscription) -> SubscriptionView:
    """ACTIVE, or PENDING while the card's provider has not answered or the rider is to confirm the payment.

    One that waits for the card already is answered again instead of making a second. One that is past due is paid, and
    from now on with this method.

    Raises:
        Refusal: `plan_not_found`, `subscription_running`, `debt_open`, `card_not_found`, `unknown_payment_method`,
            `cards_unavailable`, `subscription_unaffordable`, `card_declined`, `user_not_found`.
    """
    async with rt.db.write() as tx:
        subscription_id, period, call = await _decide(tx, rt, cards, command)
    if call is not None:
        await carry_out(rt, cards, command.operator, call)
        async with rt.db.read() as tx:
            [payment] = await list_payments(tx, command.operator.id, period.cause)
        if payment.status is PaymentStatus.FAILED:
            raise card_declined(payment.code or "")
    [view] = await look_at_subscriptions(rt, command.operator, command.rider_id, subscription_id)
    return view


async def _decide(
    tx: Tx, rt: Runtime, cards: Cards, command: BuySubscription
) -> tuple[SubscriptionId, Period, CardCall | None]:
    operator, now = command.operator, rt.clock.now()
    await store.lock_rider(tx, operator.id, command.rider_id)
    plan = await plans.find_plan(tx, operator.id, command.plan_id)
    if plan is None or plan.retired_at is not None:
        raise errors.plan_not_found()
    subscription = await store.lock_live(tx, operator.id, command.rider_id, plan.id)
    if subscription is not None:
        pending = await queries.find_pending_period(tx, subscription)
        if pending is not None:
            return subscription.id, pending, None
        if subscription.status is SubscriptionStatus.ACTIVE:
            raise errors.subscription_running(subscription.id, subscription.period_end)
    card = await _card(tx, cards, command)
    await _must_afford(tx, command, plan, card)
    if subscription is None:
        card_id = None if card is None else card.id
        subscription = await store.insert_subscription(tx, command.rider_id, plan, card_id=card_id, now=now)
    else:
        # The rider sees what it costs now and says yes.
        subscription = await store.set_told(tx, subscription, plan, now)
    subscription, period, call = await paying.open_period(
        tx,
        rt,
        paying.OpenPeriod(
            operator=operator,
            subscription=subscription,
            title=plan.title,
            spec=plan.spec,
            card=card,
            actor=command.actor,
            now=now,
            return_url=command.return_url,
        ),
    )
    return subscription.id, period, call


async def _must_afford(tx: Tx, command: BuySubscription, plan: Plan, card: Card | None) -> None:
    operator = command.operator
    standing = await lock_standing(tx, operator.id, command.rider_id, operator.currency)
    if standing.debt_minor:
        raise debt_open(Money(standing.debt_minor, standing.currency))
    has_minor, needs_minor = paying.spendable_minor(operator, standing), tax_of(plan.spec).gross_minor
    if card is None and has_minor < needs_minor:
        raise errors.subscription_unaffordable(
            Money(has_minor, standing.currency), Money(needs_minor, standing.currency)
        )


async def _card(tx: Tx, cards: Cards, command: BuySubscription) -> Card | None:
    """The card that is to pay what the wallet does not; None: the wallet alone."""
    operator_id, rider_id = command.operator.id, command.rider_id
    method_id = command.method_id
    if method_id is None:
        chosen = await find_choice(tx, operator_id, rider_id, Flow.SHARING)
        return await find_usable_card(tx, cards, operator_id, rider_id, None if chosen is None else card_id_of(chosen))
    if method_id == WALLET:
        return None
    card_id = card_id_of(method_id)
    if card_id is None:
        usable = [card.method_id for card in await list_cards(tx, operator_id, rider_id)]
        raise unknown_payment_method([WALLET, *usable])
    cards.get_provider()
    card = await find_usable_card(tx, cards, operator_id, rider_id, card_id)
    if card is None:
        raise card_not_found()
    return card
