"""Write down what a card provider answered about a subscription: the payment, the ledger, and the subscription."""

from typing import Final

from isotope.domain.payments import Answer, CardCall, get_payment, record_answer
from isotope.domain.subscriptions import paying, queries, store
from isotope.domain.subscriptions.model import PeriodId, PeriodStatus
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime

_PREFIX: Final = "subscription:"


async def record_subscription_answer(rt: Runtime, operator: Operator, call: CardCall, answer: Answer) -> None:
    """The `payments.Recorder` of subscriptions. Once for every call, in one transaction; safe to run twice.

    Paid, the period begins; refused, everything is given back, and a renewal is tried again or ends.
    """
    async with rt.db.write() as tx:
        # What a payment is for never changes: it is read before the subscription is locked, and that before the payment.
        cause = (await get_payment(tx, operator.id, call.payment_id)).cause
        period_id = PeriodId(int(cause.removeprefix(_PREFIX)))
        period = await queries.find_period(tx, operator.id, period_id)
        if period is None:
            raise LookupError(f"{cause} has no period")
        subscription = await store.lock_subscription(tx, operator.id, period.subscription_id)
        recorded = await record_answer(tx, operator, call, answer, rt.clock.now())
        # What stood there before the subscription was locked may have changed.
        period = await queries.find_period(tx, operator.id, period_id)
        after = recorded.after
        if subscription is None or period is None or after is None or period.status is not PeriodStatus.PENDING:
            return
        if after.collected_minor or after.unpaid_minor:
            await paying.settle_period(tx, rt, operator, subscription, period, after, recorded.payment.code)
