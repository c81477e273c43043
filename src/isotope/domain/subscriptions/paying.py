"""A period is bought: from bonus (where the operator lets it), balance, and the card, never on debt.

The price is posted when it is decided, and what the card is asked for stands in transit. If the card pays, the period
begins; if it does not, all of it is posted back and nothing was bought.
"""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.identity import TellRider, tell_later
from isotope.domain.payments import (
    Card,
    CardCall,
    OpenPayment,
    Purpose,
    RefusalCode,
    UndoPurchase,
    after_spending,
    open_payment,
    undo_purchase,
)
from isotope.domain.payments.model import After
from isotope.domain.subscriptions import renewal_rules, store
from isotope.domain.subscriptions.model import (
    Period,
    PeriodStatus,
    PlanSpec,
    Subscription,
    SubscriptionStatus,
    period_cause,
)
from isotope.domain.subscriptions.receipts import issue_receipt, tax_of
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import (
    Charge,
    Standing,
    charge,
)
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPeriod:
    """The next period of a subscription, under these terms, paid from the wallet and then from `card`.

    `return_url` given: the rider is there, and may be sent to their bank and back to it.
    """

    operator: Operator
    subscription: Subscription
    title: str
    spec: PlanSpec
    card: Card | None
    actor: Actor
    now: datetime
    return_url: str | None = None


def spendable_minor(operator: Operator, standing: Standing) -> int:
    """What of the wallet pays a subscription."""
    bonus = standing.bonus_minor if operator.settings.payments.bonus_buys_subscriptions else 0
    return standing.balance_minor + bonus


async def open_period(tx: Tx, rt: Runtime, what: OpenPeriod) -> tuple[Subscription, Period, CardCall | None]:
    """Paid at once by the wallet, or PENDING with the call to carry out after the commit.

    The caller holds rider and subscription, and has seen that there is no debt and, without a card, money enough.
    """
    operator, subscription, now = what.operator, what.subscription, what.now
    tax = tax_of(what.spec)
    period_id = await store.next_period_id(tx)
    charged = await charge(
        tx,
        Charge(
            operator_id=operator.id,
            rider_id=subscription.rider_id,
            currency=operator.currency,
            total_minor=tax.gross_minor,
            tax_minor=tax.tax_minor,
            reason="subscription",
            actor=what.actor,
            cause=period_cause(period_id),
            now=now,
            on_card=what.card is not None,
            from_bonus=operator.settings.payments.bonus_buys_subscriptions,
        ),
    )
    if charged.debt_minor:
        raise ValueError(f"subscription {subscription.id} would be bought on debt")
    is_paid = charged.card_minor == 0
    starts_at = renewal_rules.period_starts_at(subscription.period_end, now) if is_paid else None
    subscription = await store.await_payment(tx, subscription, card_id=None if what.card is None else what.card.id)
    period = await store.insert_period(
        tx,
        Period(
            operator_id=operator.id,
            id=period_id,
            subscription_id=subscription.id,
            nr=subscription.period_nr + 1,
            title=what.title,
            spec=what.spec,
            status=PeriodStatus.PAID if is_paid else PeriodStatus.PENDING,
            currency=operator.currency,
            total_minor=tax.gross_minor,
            tax_minor=tax.tax_minor,
            charged_bonus_minor=charged.bonus_minor,
            charged_balance_minor=charged.balance_minor,
            charged_card_minor=0,
            card_pending_minor=charged.card_minor,
            code=None,
            actor=what.actor,
            opened_at=now,
            settled_at=now if is_paid else None,
            starts_at=starts_at,
            ends_at=None if starts_at is None else starts_at + what.spec.length,
        ),
    )
    await after_spending(tx, rt, operator, subscription.rider_id, operator.currency, period.cause)
    if is_paid or what.card is None:
        subscription = await store.set_paid(tx, subscription, period)
        await issue_receipt(tx, operator, subscription.rider_id, period, now)
        return subscription, period, None
    _payment, call = await open_payment(
        tx,
        OpenPayment(
            card=what.card,
            purpose=Purpose.SUBSCRIPTION,
            cause=period.cause,
            currency=period.currency,
            amount_minor=period.card_pending_minor,
            reserve=False,
            actor=what.actor,
            now=now,
            on_session=what.return_url is not None,
            return_url=what.return_url or "",
        ),
    )
    return subscription, period, call


async def settle_period(
    tx: Tx, rt: Runtime, operator: Operator, subscription: Subscription, period: Period, after: After, code: str | None
) -> None:
    """The card answered about a period that is PENDING. The caller holds the subscription and the payment."""
    now = rt.clock.now()
    if after.unpaid_minor:
        await undo_purchase(
            tx,
            UndoPurchase(
                operator=operator,
                rider_id=subscription.rider_id,
                currency=period.currency,
                cause=period.cause,
                reason="subscription_unpaid",
                total_minor=period.total_minor,
                tax_minor=period.tax_minor,
                bonus_minor=period.charged_bonus_minor,
                balance_minor=period.charged_balance_minor,
                after=after,
                now=now,
            ),
        )
        failed = code or RefusalCode.OTHER
        await store.set_period_failed(tx, period, code=failed, now=now)
        await note_unpaid(tx, rt, operator, subscription, period.title, failed, now)
        return
    starts_at = renewal_rules.period_starts_at(subscription.period_end, now)
    paid = await store.set_period_paid(tx, period, starts_at=starts_at, now=now)
    await store.set_paid(tx, subscription, paid)
    await issue_receipt(tx, operator, subscription.rider_id, paid, now)


async def note_unpaid(
    tx: Tx, rt: Runtime, operator: Operator, subscription: Subscription, title: str, code: str, now: datetime
) -> Subscription:
    """The next period was not paid. The rider is told when a renewal fails first, and when it was given up."""
    if subscription.period_end is None:
        return await store.set_unpaid(
            tx, subscription, status=SubscriptionStatus.FAILED, code=code, next_at=None, now=now
        )
    retry_after_min = operator.settings.subscriptions.retry_after_min
    next_at = renewal_rules.next_try_at(retry_after_min, subscription.period_end, now, renews=subscription.renews)
    status = SubscriptionStatus.ENDED if next_at is None else SubscriptionStatus.PAST_DUE
    if subscription.renews and (next_at is None or subscription.status is SubscriptionStatus.ACTIVE):
        text = "subscription_unpaid_ended" if next_at is None else "subscription_unpaid"
        await tell(tx, rt, operator, subscription, text, title)
    return await store.set_unpaid(tx, subscription, status=status, code=code, next_at=next_at, now=now)


async def tell(
    tx: Tx, rt: Runtime, operator: Operator, subscription: Subscription, code: str, title: str, **params: str | int
) -> None:
    """By text message, after the commit."""
    await tell_later(
        tx,
        rt,
        TellRider(operator=operator, rider_id=subscription.rider_id, code=code, params={"title": title, **params}),
    )
