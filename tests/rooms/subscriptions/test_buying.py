"""Nothing is active before it is paid, nothing is paid twice, and nothing is bought on debt."""

import asyncio
from datetime import timedelta
from typing import NoReturn

import msgspec
import pytest

from isotope.domain.payments import PaymentStatus
from isotope.domain.pricing.model import Quota
from isotope.domain.receipts import Paid, ReceiptKind
from isotope.domain.subscriptions import SubscriptionStatus, SubscriptionView
from isotope.domain.subscriptions.usecases import buy_subscription as buying
from isotope.domain.tenants.model import PaymentSettings, Settings
from isotope.domain.wallet import AccountKind, Charge, MoneyKind, charge
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Kind, Refusal
from tests.kit.cards import SandboxKit
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.subscribers import MONTH, Subscriber, a_subscriber

pytestmark = pytest.mark.asyncio

S = SubscriptionStatus


class Killed(BaseException):
    """The process died here."""


async def test_a_wallet_with_money_enough_pays_at_once(subscriber: Subscriber) -> None:
    await subscriber.add(1_500)
    view = await subscriber.buy()
    now = subscriber.clock.now()
    assert view.subscription.status is S.ACTIVE
    assert (view.subscription.bought_at, view.period.starts_at, view.period.ends_at) == (
        now,
        now,
        now + timedelta(days=30),
    )
    assert view.left == MONTH.quota
    assert view.window is not None
    assert view.window.end == now + timedelta(hours=24)
    assert (view.renews_at, view.renewal_minor) == (view.period.ends_at, 1_255)
    assert (await subscriber.standing()).balance_minor == 245
    assert (await subscriber.sums())[AccountKind.TAX] == 255
    await subscriber.the_books_agree()


async def test_what_is_bought_has_a_receipt(subscriber: Subscriber) -> None:
    await subscriber.add(1_255)
    view = await subscriber.buy()
    receipt = await subscriber.receipt(view)
    assert receipt is not None
    assert (receipt.kind, receipt.subject, receipt.rider_id) == (ReceiptKind.SUBSCRIPTION, "Month", subscriber.rider.id)
    assert (receipt.total_minor, receipt.tax_minor, receipt.paid) == (1_255, 255, Paid(balance_minor=1_255))
    assert (receipt.supplied_from, receipt.supplied_until) == (view.period.starts_at, view.period.ends_at)


async def test_tax_is_added_where_prices_do_not_contain_it(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit
) -> None:
    spec = msgspec.structs.replace(MONTH, price_minor=1_000, tax_rate="0.0825", tax_inclusive=False)
    subscriber = await a_subscriber(rt, clock, sandbox, spec=spec)
    await subscriber.add(1_083)
    view = await subscriber.buy()
    assert (view.period.total_minor, view.period.tax_minor) == (1_083, 83)
    await subscriber.the_books_agree()


async def test_a_wallet_with_too_little_buys_nothing(subscriber: Subscriber) -> None:
    await subscriber.add(1_254)
    await subscriber.add(5_000, MoneyKind.BONUS)
    with refused("subscription_unaffordable") as told:
        await subscriber.buy()
    assert told.it.kind is Kind.PAYMENT
    assert told.it.details == {"has_minor": 1_254, "needs_minor": 1_255, "currency": "EUR"}
    assert await subscriber.all() == []
    assert (await subscriber.standing()).balance_minor == 1_254


async def test_bonus_pays_first_where_the_operator_lets_it(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit
) -> None:
    settings = Settings(payments=PaymentSettings(bonus_buys_subscriptions=True))
    subscriber = await a_subscriber(rt, clock, sandbox, settings=settings)
    await subscriber.add(255)
    await subscriber.add(1_000, MoneyKind.BONUS)
    view = await subscriber.buy()
    assert (view.period.charged_bonus_minor, view.period.charged_balance_minor) == (1_000, 255)
    await subscriber.the_books_agree()


async def test_who_owes_money_buys_nothing(subscriber: Subscriber) -> None:
    card = await subscriber.card()
    async with subscriber.rt.db.write() as tx:
        await charge(
            tx,
            Charge(
                operator_id=subscriber.operator.id,
                rider_id=subscriber.rider.id,
                currency="EUR",
                total_minor=1,
                tax_minor=0,
                reason="ride",
                actor=SYSTEM,
                cause="ride:1",
                now=subscriber.clock.now(),
            ),
        )
    for method_id in ("wallet", card.method_id, None):
        with refused("debt_open"):
            await subscriber.buy(method_id)
    assert await subscriber.all() == []


async def test_a_card_pays_what_the_balance_does_not(subscriber: Subscriber) -> None:
    card = await subscriber.card()
    await subscriber.add(255)
    view = await subscriber.buy(card.method_id)
    assert view.subscription.status is S.ACTIVE
    assert (view.period.charged_balance_minor, view.period.charged_card_minor) == (255, 1_000)
    [payment] = await subscriber.payments(view)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.CAPTURED, 1_000)
    receipt = await subscriber.receipt(view)
    assert receipt is not None
    assert receipt.paid == Paid(balance_minor=255, card_minor=1_000)
    await subscriber.the_books_agree()


async def test_the_card_that_pays_rides_is_taken_when_none_is_named(subscriber: Subscriber) -> None:
    card = await subscriber.card()
    view = await subscriber.buy(None)
    assert view.subscription.card_id == card.id
    assert view.period.charged_card_minor == 1_255


async def test_a_declined_card_buys_nothing_and_everything_is_given_back(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit
) -> None:
    settings = Settings(payments=PaymentSettings(bonus_buys_subscriptions=True))
    subscriber = await a_subscriber(rt, clock, sandbox, settings=settings)
    card = await subscriber.card("declined")
    await subscriber.add(255)
    await subscriber.add(300, MoneyKind.BONUS)
    with refused("card_declined") as told:
        await subscriber.buy(card.method_id)
    assert told.it.kind is Kind.PAYMENT
    view = await subscriber.only()
    assert (view.subscription.status, view.subscription.failed_code) == (S.FAILED, "card_declined")
    standing = await subscriber.standing()
    assert (standing.balance_minor, standing.bonus_minor) == (255, 300)
    assert await subscriber.receipt(view) is None
    await subscriber.the_books_agree()
    # Nothing is in the way of another try.
    good = await subscriber.card()
    assert (await subscriber.buy(good.method_id)).subscription.status is S.ACTIVE
    await subscriber.the_books_agree()


async def test_no_answer_leaves_it_pending_and_the_worker_finds_out(subscriber: Subscriber) -> None:
    card = await subscriber.card()
    subscriber.sandbox.add_fault("charge", "done")
    view = await subscriber.buy(card.method_id)
    assert (view.subscription.status, view.left) == (S.PENDING, Quota())
    assert (await subscriber.standing()).in_transit_minor == -1_255
    # Asked again, it is the same one, and no second payment.
    again = await subscriber.buy(card.method_id)
    assert again.subscription.id == view.subscription.id
    await subscriber.resolve()
    view = await subscriber.only()
    assert view.subscription.status is S.ACTIVE
    # What was paid for begins when it is known, not when it was asked for.
    assert view.period.starts_at == subscriber.clock.now()
    assert len(subscriber.sandbox.payments(subscriber.operator.id)) == 1
    await subscriber.the_books_agree()


async def test_a_charge_that_never_arrived_is_sent_by_the_worker(subscriber: Subscriber) -> None:
    card = await subscriber.card()
    subscriber.sandbox.add_fault("charge", "lost")
    assert (await subscriber.buy(card.method_id)).subscription.status is S.PENDING
    await subscriber.resolve()
    assert (await subscriber.only()).subscription.status is S.ACTIVE
    assert subscriber.sandbox.totals(subscriber.operator.id).captured_minor == 1_255
    await subscriber.the_books_agree()


async def test_a_rider_who_confirms_at_the_bank_is_known_of_at_once(subscriber: Subscriber) -> None:
    card = await subscriber.card("needs_3ds")
    view = await subscriber.buy(card.method_id)
    assert view.subscription.status is S.PENDING
    assert view.payment is not None
    assert view.payment.status is PaymentStatus.ACTION_REQUIRED
    assert view.payment.redirect_url is not None
    # Asked again, the same page is answered.
    assert (await subscriber.buy(card.method_id)).payment == view.payment
    subscriber.sandbox.confirm_3ds(view.payment.redirect_url)
    [view] = await subscriber.ask()
    assert (view.subscription.status, view.payment) == (S.ACTIVE, None)
    await subscriber.the_books_agree()


async def test_a_rider_who_declines_at_the_bank_has_bought_nothing(subscriber: Subscriber) -> None:
    card = await subscriber.card("needs_3ds")
    view = await subscriber.buy(card.method_id)
    assert view.payment is not None
    assert view.payment.redirect_url is not None
    subscriber.sandbox.decline_3ds(view.payment.redirect_url)
    [view] = await subscriber.ask()
    assert view.subscription.status is S.FAILED
    await subscriber.the_books_agree()


async def test_what_came_meanwhile_is_not_lost_when_a_card_is_declined(subscriber: Subscriber) -> None:
    """The balance part is given back into a wallet that has debt by now: it settles it."""
    card = await subscriber.card("needs_3ds")
    await subscriber.add(500)
    view = await subscriber.buy(card.method_id)
    async with subscriber.rt.db.write() as tx:
        await charge(
            tx,
            Charge(
                operator_id=subscriber.operator.id,
                rider_id=subscriber.rider.id,
                currency="EUR",
                total_minor=200,
                tax_minor=0,
                reason="ride",
                actor=SYSTEM,
                cause="ride:1",
                now=subscriber.clock.now(),
            ),
        )
    assert view.payment is not None
    assert view.payment.redirect_url is not None
    subscriber.sandbox.decline_3ds(view.payment.redirect_url)
    await subscriber.ask()
    standing = await subscriber.standing()
    assert (standing.balance_minor, standing.debt_minor, standing.in_transit_minor) == (300, 0, 0)


async def test_a_process_that_dies_after_deciding_is_finished_by_the_worker(
    subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await subscriber.card()

    async def die(*_args: object) -> NoReturn:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(buying, "carry_out", die)
        with pytest.raises(Killed):
            await subscriber.buy(card.method_id)
    assert (await subscriber.only()).subscription.status is S.PENDING
    assert subscriber.sandbox.payments(subscriber.operator.id) == []
    await subscriber.resolve()
    assert (await subscriber.only()).subscription.status is S.ACTIVE
    await subscriber.the_books_agree()


async def test_a_process_that_dies_after_the_charge_is_finished_by_the_worker(
    subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await subscriber.card()

    async def die(*_args: object, **_named: object) -> NoReturn:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("isotope.domain.payments.usecases.carry_out.record", die)
        with pytest.raises(Killed):
            await subscriber.buy(card.method_id)
    assert subscriber.sandbox.totals(subscriber.operator.id).captured_minor == 1_255
    assert (await subscriber.only()).subscription.status is S.PENDING
    await subscriber.resolve()
    view = await subscriber.only()
    assert view.subscription.status is S.ACTIVE
    assert subscriber.sandbox.totals(subscriber.operator.id).captured_minor == 1_255
    await subscriber.the_books_agree()


@pytest.mark.parametrize("by_card", [False, True])
async def test_bought_twice_at_once_is_bought_once(subscriber: Subscriber, by_card: bool) -> None:
    method_id = (await subscriber.card()).method_id if by_card else "wallet"
    if not by_card:
        await subscriber.add(9_999)
    results = await asyncio.gather(*(subscriber.buy(method_id) for _ in range(5)), return_exceptions=True)
    bought = [one for one in results if isinstance(one, SubscriptionView)]
    refusals = {str(one) for one in results if isinstance(one, Refusal)}
    assert len(bought) + sum(isinstance(one, Refusal) for one in results) == 5, results
    assert bought
    assert refusals <= {"CONFLICT:subscription_running"}
    assert len({one.subscription.id for one in bought}) == 1
    assert (await subscriber.only()).subscription.status is S.ACTIVE
    sums = await subscriber.sums()
    assert sums[AccountKind.REVENUE] + sums[AccountKind.TAX] == 1_255
    await subscriber.the_books_agree()


async def test_one_that_runs_is_not_bought_again(subscriber: Subscriber) -> None:
    await subscriber.add(9_999)
    view = await subscriber.buy()
    with refused("subscription_running") as told:
        await subscriber.buy()
    assert view.subscription.period_end is not None
    assert told.it.details == {
        "subscription_id": view.subscription.id,
        "period_end": int(view.subscription.period_end.timestamp()),
    }


@pytest.mark.parametrize("method_id", ["card_999999999", "cash", "card_x", ""])
async def test_only_the_riders_own_methods_pay(subscriber: Subscriber, method_id: str) -> None:
    await subscriber.add(9_999)
    with refused("card_not_found" if method_id == "card_999999999" else "unknown_payment_method"):
        await subscriber.buy(method_id)


async def test_a_plan_that_is_not_offered_is_not_sold(subscriber: Subscriber) -> None:
    await subscriber.add(9_999)
    with refused("plan_not_found"):
        await subscriber.buy(plan_id=999_999_999)
