"""A rider at an operator that sells subscriptions, with a card provider on a socket."""

from dataclasses import dataclass

import msgspec

from isotope.domain.payments import Card, CardPayment, Cards, Purpose, list_payments, resolve_card_calls
from isotope.domain.pricing.model import Quota
from isotope.domain.receipts import Receipt, find_receipt_by_cause
from isotope.domain.subscriptions import (
    BuySubscription,
    CancelSubscription,
    PlanDraft,
    PlanId,
    PlanSpec,
    SubscriptionView,
    buy_subscription,
    cancel_subscription,
    read_subscriptions,
    record_subscription_answer,
    renew_subscriptions,
    tell_new_terms,
    upsert_plan,
)
from isotope.domain.subscriptions.usecases.read_subscriptions import look_at_subscriptions
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator, Settings
from isotope.domain.wallet import (
    AccountKind,
    AddMoney,
    MoneyKind,
    Standing,
    add_money,
    check_ledger,
    get_standing,
    trial_balance,
)
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, rider_actor
from tests.kit.cards import SandboxKit, make_card
from tests.kit.clock import SettableClock
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import make_operator

MONTH = PlanSpec(
    price_minor=1_255,
    days=30,
    limits="daily",
    quota=Quota(unlocks=3, ride_min=30),
    pct=10,
    tax_rate="0.255",
)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A rider who can buy `plan_id`."""

    rt: Runtime
    clock: SettableClock
    sandbox: SandboxKit
    operator: Operator
    rider: RiderKit
    plan_id: PlanId
    cards: Cards
    operators: Operators

    async def card(self, name: str = "ok") -> Card:
        return await make_card(self.rt, self.operator, self.rider, self.sandbox, name)

    async def add(self, amount_minor: int, kind: MoneyKind = MoneyKind.BALANCE) -> None:
        await add_money(
            self.rt,
            AddMoney(
                operator=self.operator, rider_id=self.rider.id, amount_minor=amount_minor, kind=kind, actor=SECRET_KEY
            ),
        )

    async def set_plan(self, spec: PlanSpec, title: str = "Month") -> PlanId:
        """As provisioning does."""
        async with self.rt.db.write() as tx:
            return await upsert_plan(tx, self.operator.id, PlanDraft(ref="month", title=title, spec=spec))

    async def buy(self, method_id: str | None = "wallet", plan_id: int | None = None) -> SubscriptionView:
        return await buy_subscription(
            self.rt,
            self.cards,
            BuySubscription(
                operator=self.operator,
                rider_id=self.rider.id,
                plan_id=self.plan_id if plan_id is None else plan_id,
                actor=rider_actor(self.rider.id),
                method_id=method_id,
                return_url=self.cards.done_url,
            ),
        )

    async def cancel(self, view: SubscriptionView) -> SubscriptionView:
        await cancel_subscription(
            self.rt,
            CancelSubscription(operator=self.operator, rider_id=self.rider.id, subscription_id=view.subscription.id),
        )
        return await self.only()

    async def renew(self) -> int:
        """What the worker does every few seconds."""
        return await renew_subscriptions(self.rt, self.cards, self.operators)

    async def tell(self) -> int:
        """What the worker does every few minutes."""
        return await tell_new_terms(self.rt, self.operators)

    async def resolve(self) -> int:
        """What the worker does about calls that nobody answered."""
        self.clock.advance(seconds=21)
        return await resolve_card_calls(self.rt, self.cards, self.operators)

    async def ask(self) -> list[SubscriptionView]:
        """As the rider's app asks, which may ask the provider."""
        return await read_subscriptions(self.rt, self.cards, self.operator, self.rider.id)

    async def all(self) -> list[SubscriptionView]:
        return await look_at_subscriptions(self.rt, self.operator, self.rider.id)

    async def only(self) -> SubscriptionView:
        [view] = await self.all()
        return view

    async def payments(self, view: SubscriptionView) -> list[CardPayment]:
        async with self.rt.db.read() as tx:
            return await list_payments(tx, self.operator.id, view.period.cause)

    async def receipt(self, view: SubscriptionView) -> Receipt | None:
        async with self.rt.db.read() as tx:
            return await find_receipt_by_cause(tx, self.operator.id, view.period.cause)

    async def standing(self) -> Standing:
        async with self.rt.db.read() as tx:
            return await get_standing(tx, self.operator.id, self.rider.id, "EUR")

    async def sums(self) -> dict[AccountKind, int]:
        """The trial balance without what is zero."""
        async with self.rt.db.read() as tx:
            return {kind: total for kind, total in (await trial_balance(tx, self.operator.id)).items() if total}

    async def told(self) -> list[str]:
        """The codes of the messages that the rider is to get, oldest first."""
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                "select args ->> 'code' from procrastinate_jobs where task_name = 'tell_rider'"
                " and (args ->> 'rider_id')::bigint = %(rider_id)s order by id",
                {"rider_id": self.rider.id},
            )
        return [code for (code,) in rows]

    async def the_books_agree(self) -> None:
        """Ledger and provider say the same, periods and postings too, and nothing is under way."""
        async with self.rt.db.read() as tx:
            assert await check_ledger(tx, self.operator.id) == []
            paid = await tx.scalar(
                "select coalesce(sum(total_minor), 0) from subscription_period"
                " where operator_id = %(operator_id)s and status = 'PAID'",
                {"operator_id": self.operator.id},
            )
        sums = await self.sums()
        assert sums.get(AccountKind.REVENUE, 0) + sums.get(AccountKind.TAX, 0) == paid
        assert -sums.get(AccountKind.PROVIDER_CLEARING, 0) == self.sandbox.totals(self.operator.id).net_minor
        assert (await self.standing()).in_transit_minor == 0
        assert (await self.standing()).debt_minor == 0


async def a_subscriber(
    rt: Runtime,
    clock: SettableClock,
    sandbox: SandboxKit,
    *,
    spec: PlanSpec = MONTH,
    settings: Settings | None = None,
) -> Subscriber:
    kit = await make_operator(rt, settings=settings)
    rider = await make_rider(rt, kit.operator)
    async with rt.db.write() as tx:
        # The worker looks at all operators; what other tests left is none of ours.
        await tx.execute("update card_call set next_at = 'infinity' where status = 'OPEN'")
        await tx.execute("update subscription set next_at = null where next_at is not null")
        await tx.execute("update subscription set told_version = 1000000")
        plan_id = await upsert_plan(tx, kit.operator.id, PlanDraft(ref="month", title="Month", spec=spec))
    return Subscriber(
        rt=rt,
        clock=clock,
        sandbox=sandbox,
        operator=kit.operator,
        rider=rider,
        plan_id=plan_id,
        cards=Cards(
            provider=sandbox.provider(),
            recorders={Purpose.SUBSCRIPTION: record_subscription_answer},
            public_url="https://api.example.test",
        ),
        operators=Operators(rt),
    )


def with_price(price_minor: int, spec: PlanSpec = MONTH) -> PlanSpec:
    """The same plan at another price."""
    return msgspec.structs.replace(spec, price_minor=price_minor)
