"""A period is followed by the next or by the end: one charge each, told, and never on debt."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.identity import DeleteRider, delete_rider
from isotope.domain.pricing.model import Quota
from isotope.domain.subscriptions import (
    PlanDraft,
    PlanSpec,
    SubscriptionStatus,
    end_subscriptions,
    renew_subscription,
    retire_plans,
    upsert_plan,
)
from isotope.domain.subscriptions.renewal_rules import SEAMLESS, new_terms_begin_at, next_try_at, period_starts_at
from isotope.domain.tenants.model import Settings, SubscriptionSettings
from isotope.domain.wallet import AccountKind, MoneyKind
from isotope.domain.zones import Zones
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY
from tests.kit.cards import SandboxKit
from tests.kit.clock import START, SettableClock
from tests.kit.jobs import JobServices, run_due_jobs
from tests.kit.refusals import refused
from tests.kit.subscribers import MONTH, Subscriber, a_subscriber, with_price

S = SubscriptionStatus
PERIOD = timedelta(days=30)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("now", "renews", "expected"),
    [
        (at(0), True, at(1)),
        (at(0.5), True, at(1)),
        (at(1), True, at(24)),
        (at(5), True, at(24)),
        (at(24), True, at(72)),
        (at(72), True, None),
        (at(1_000), True, None),
        (at(0), False, None),
    ],
)
def test_when_an_unpaid_renewal_is_tried_again(now: datetime, renews: bool, expected: datetime | None) -> None:
    assert next_try_at((60, 1_440, 4_320), START, now, renews=renews) == expected


@given(st.lists(st.integers(1, 10_000), max_size=6).map(sorted), st.integers(0, 20_000))
def test_tries_rise_and_end(offsets: Sequence[int], minute: int) -> None:
    now, tries = START + timedelta(minutes=minute), 0
    while (following := next_try_at(offsets, START, now, renews=True)) is not None:
        assert following > now
        now, tries = following, tries + 1
    assert tries <= len(offsets)


@pytest.mark.parametrize(
    ("previous_end", "now", "expected"),
    [
        (None, START, START),
        (START, START, START),
        (START, START + timedelta(seconds=12), START),
        (START, START + SEAMLESS, START),
        (START, START + SEAMLESS + timedelta(seconds=1), START + SEAMLESS + timedelta(seconds=1)),
        (START, at(24), at(24)),
    ],
)
def test_when_the_next_period_begins(previous_end: datetime | None, now: datetime, expected: datetime) -> None:
    assert period_starts_at(previous_end, now) == expected


@given(
    ends_in=st.timedeltas(timedelta(0), timedelta(days=400)),
    days=st.integers(1, 400),
    notice=st.timedeltas(timedelta(0), timedelta(days=365)),
)
def test_new_terms_begin_at_the_first_end_that_is_far_enough(ends_in: timedelta, days: int, notice: timedelta) -> None:
    end, length = START + ends_in, timedelta(days=days)
    found = new_terms_begin_at(end, length, START, notice)
    assert found >= START + notice
    assert found >= end
    assert (found - end) % length == timedelta(0)
    assert found == end or found - length < START + notice


@pytest.mark.asyncio
async def test_a_period_that_is_over_is_followed_by_the_next(subscriber: Subscriber, clock: SettableClock) -> None:
    card = await subscriber.card()
    bought = await subscriber.buy(card.method_id)
    clock.advance(days=30, seconds=-1)
    assert await subscriber.renew() == 0
    clock.advance(seconds=4)
    assert await subscriber.renew() == 1
    view = await subscriber.only()
    assert (view.subscription.status, view.period.nr) == (S.ACTIVE, 2)
    # Without a gap, so that the daily limits come back at the same time of the day.
    assert view.period.starts_at == bought.period.ends_at
    assert view.period.ends_at == START + 2 * PERIOD
    assert view.left == MONTH.quota
    assert await subscriber.receipt(view) is not None
    assert await subscriber.renew() == 0
    assert await subscriber.told() == []
    await subscriber.the_books_agree()


@pytest.mark.asyncio
async def test_two_workers_charge_once(subscriber: Subscriber, clock: SettableClock) -> None:

    card = await subscriber.card()
    view = await subscriber.buy(card.method_id)
    clock.advance(days=30)
    await asyncio.gather(
        *(
            renew_subscription(
                subscriber.rt, subscriber.cards, subscriber.operator, subscriber.rider.id, view.subscription.id
            )
            for _ in range(5)
        ),
        *(subscriber.renew() for _ in range(2)),
    )
    assert (await subscriber.only()).period.nr == 2
    assert len(subscriber.sandbox.payments(subscriber.operator.id)) == 2
    assert subscriber.sandbox.totals(subscriber.operator.id).captured_minor == 2 * 1_255
    await subscriber.the_books_agree()


@pytest.mark.asyncio
async def test_a_wallet_renews_too(subscriber: Subscriber, clock: SettableClock) -> None:
    await subscriber.add(2 * 1_255)
    await subscriber.buy()
    clock.advance(days=30)
    await subscriber.renew()
    view = await subscriber.only()
    assert (view.subscription.status, view.period.charged_balance_minor) == (S.ACTIVE, 1_255)
    await subscriber.the_books_agree()


@pytest.mark.asyncio
async def test_a_renewal_that_is_not_paid_is_tried_again_and_then_ends(
    subscriber: Subscriber, clock: SettableClock
) -> None:
    card = await subscriber.card("charges_decline_after_first")
    await subscriber.buy(card.method_id)
    clock.advance(days=30)
    for tried, next_h in ((1, 1), (2, 24), (3, 72)):
        await subscriber.renew()
        view = await subscriber.only()
        assert (view.subscription.status, view.subscription.failed_code) == (S.PAST_DUE, "card_declined")
        assert view.subscription.tries == tried
        assert view.subscription.next_at == START + PERIOD + timedelta(hours=next_h)
        assert view.left == Quota()
        assert await subscriber.told() == ["subscription_unpaid"]
        assert await subscriber.renew() == 0
        clock.set(START + PERIOD + timedelta(hours=next_h))
    await subscriber.renew()
    view = await subscriber.only()
    assert (view.subscription.status, view.subscription.ended_at) == (S.ENDED, clock.now())
    assert await subscriber.told() == ["subscription_unpaid", "subscription_unpaid_ended"]
    assert subscriber.sandbox.totals(subscriber.operator.id).captured_minor == 1_255
    assert len(subscriber.sandbox.payments(subscriber.operator.id)) == 5
    clock.advance(days=300)
    assert await subscriber.renew() == 0
    await subscriber.the_books_agree()


@pytest.mark.asyncio
async def test_one_that_is_past_due_and_paid_late_begins_when_it_is_paid(
    subscriber: Subscriber, clock: SettableClock
) -> None:
    await subscriber.add(1_255)
    await subscriber.buy()
    clock.advance(days=30)
    await subscriber.renew()
    view = await subscriber.only()
    assert (view.subscription.status, view.subscription.failed_code) == (S.PAST_DUE, "subscription_unaffordable")
    await subscriber.add(1_255)
    clock.advance(hours=1)
    await subscriber.renew()
    view = await subscriber.only()
    assert (view.subscription.status, view.period.starts_at) == (S.ACTIVE, START + PERIOD + timedelta(hours=1))
    assert (view.subscription.tries, view.subscription.failed_code) == (0, None)
    await subscriber.the_books_agree()


@pytest.mark.asyncio
async def test_one_that_is_past_due_can_be_paid_by_hand_with_another_card(
    subscriber: Subscriber, clock: SettableClock
) -> None:
    bad = await subscriber.card("charges_decline_after_first")
    bought = await subscriber.buy(bad.method_id)
    clock.advance(days=30)
    await subscriber.renew()
    # A try by hand that fails costs none of the others.
    with refused("card_declined"):
        await subscriber.buy(bad.method_id)
    assert (await subscriber.only()).subscription.next_at == START + PERIOD + timedelta(hours=1)
    good = await subscriber.card()
    view = await subscriber.buy(good.method_id)
    assert view.subscription.id == bought.subscription.id
    assert (view.subscription.status, view.subscription.card_id) == (S.ACTIVE, good.id)
    clock.advance(days=30)
    await subscriber.renew()
    assert (await subscriber.only()).period.nr == 3
    await subscriber.the_books_agree()


@pytest.mark.asyncio
async def test_a_renewal_without_an_answer_waits_for_it_and_is_not_charged_again(
    subscriber: Subscriber, clock: SettableClock
) -> None:
    card = await subscriber.card()
    await subscriber.buy(card.method_id)
    clock.advance(days=30)
    subscriber.sandbox.add_fault("charge", "done")
    await subscriber.renew()
    clock.advance(minutes=5)
    assert await subscriber.renew() == 0
    view = await subscriber.only()
    assert (view.subscription.status, view.window, view.period.nr) == (S.ACTIVE, None, 1)
    await subscriber.resolve()
    assert (await subscriber.only()).period.nr == 2
    assert len(subscriber.sandbox.payments(subscriber.operator.id)) == 2
    await subscriber.the_books_agree()


@pytest.mark.asyncio
async def test_a_card_that_is_gone_is_not_replaced_by_another(subscriber: Subscriber, clock: SettableClock) -> None:
    card = await subscriber.card()
    await subscriber.buy(card.method_id)
    async with subscriber.rt.db.write() as tx:
        await tx.execute("update card set status = 'REMOVED' where id = %(id)s", {"id": card.id})
    await subscriber.card("ok_mastercard")
    clock.advance(days=30)
    await subscriber.renew()
    view = await subscriber.only()
    assert (view.subscription.status, view.subscription.failed_code) == (S.PAST_DUE, "card_not_found")
    assert len(subscriber.sandbox.payments(subscriber.operator.id)) == 1


@pytest.mark.asyncio
async def test_a_cancelled_one_runs_to_its_end_and_twice_is_one_cancel(
    subscriber: Subscriber, clock: SettableClock
) -> None:
    await subscriber.add(9_999)
    bought = await subscriber.buy()
    clock.advance(days=1)
    view = await subscriber.cancel(bought)
    assert (view.subscription.status, view.renews_at) == (S.ACTIVE, None)
    assert view.left == MONTH.quota
    clock.advance(days=1)
    assert (await subscriber.cancel(bought)).subscription.cancelled_at == START + timedelta(days=1)
    clock.set(START + PERIOD)
    await subscriber.renew()
    view = await subscriber.only()
    assert (view.subscription.status, view.left) == (S.ENDED, Quota())
    assert await subscriber.told() == []
    # And it can be bought again.
    assert (await subscriber.buy()).subscription.id != bought.subscription.id


@pytest.mark.asyncio
async def test_one_that_is_past_due_ends_when_it_is_cancelled(subscriber: Subscriber, clock: SettableClock) -> None:
    await subscriber.add(1_255)
    bought = await subscriber.buy()
    clock.advance(days=30)
    await subscriber.renew()
    assert (await subscriber.cancel(bought)).subscription.status is S.ENDED
    clock.advance(days=1)
    assert await subscriber.renew() == 0


@pytest.mark.asyncio
async def test_a_plan_that_does_not_renew_ends_by_itself(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit
) -> None:
    subscriber = await a_subscriber(rt, clock, sandbox, spec=msgspec.structs.replace(MONTH, renews=False))
    await subscriber.add(9_999)
    view = await subscriber.buy()
    assert view.renews_at is None
    clock.advance(days=30)
    await subscriber.renew()
    assert (await subscriber.only()).subscription.status is S.ENDED
    assert await subscriber.told() == []


@pytest.mark.asyncio
async def test_a_plan_that_is_offered_no_more_ends_and_the_rider_is_told(
    subscriber: Subscriber, clock: SettableClock
) -> None:
    await subscriber.add(9_999)
    await subscriber.buy()
    async with subscriber.rt.db.write() as tx:
        assert await retire_plans(tx, subscriber.operator.id, ["month"], clock.now()) == 1
    assert (await subscriber.only()).renews_at is None
    clock.advance(days=30)
    await subscriber.renew()
    assert (await subscriber.only()).subscription.status is S.ENDED
    assert await subscriber.told() == ["subscription_plan_ended"]
    assert (await subscriber.sums())[AccountKind.RIDER_BALANCE] == 9_999 - 1_255


@pytest.mark.asyncio
async def test_a_higher_price_counts_for_who_was_told_in_time(subscriber: Subscriber, clock: SettableClock) -> None:
    await subscriber.add(99_999)
    await subscriber.buy()
    await subscriber.set_plan(with_price(2_000))
    clock.set(START + PERIOD - timedelta(days=14))
    await subscriber.tell()
    await subscriber.tell()
    assert await subscriber.told() == ["subscription_new_terms"]
    assert (await subscriber.only()).renewal_minor == 2_000
    clock.set(START + PERIOD)
    await subscriber.renew()
    assert (await subscriber.only()).period.total_minor == 2_000
    await subscriber.the_books_agree()


@pytest.mark.asyncio
async def test_a_higher_price_does_not_count_for_who_was_told_late(
    subscriber: Subscriber, clock: SettableClock
) -> None:
    await subscriber.add(99_999)
    await subscriber.buy()
    await subscriber.set_plan(with_price(2_000))
    clock.set(START + PERIOD - timedelta(days=14) + timedelta(seconds=1))
    await subscriber.tell()
    assert (await subscriber.only()).renewal_minor == 1_255
    clock.set(START + PERIOD)
    await subscriber.renew()
    assert (await subscriber.only()).period.total_minor == 1_255
    clock.set(START + 2 * PERIOD)
    await subscriber.renew()
    assert (await subscriber.only()).period.total_minor == 2_000


@pytest.mark.asyncio
async def test_nobody_told_means_nothing_changes(subscriber: Subscriber, clock: SettableClock) -> None:
    await subscriber.add(99_999)
    await subscriber.buy()
    await subscriber.set_plan(with_price(2_000))
    clock.set(START + PERIOD)
    await subscriber.renew()
    assert (await subscriber.only()).period.total_minor == 1_255


@pytest.mark.asyncio
async def test_a_plan_that_is_what_it_was_again_tells_nobody(subscriber: Subscriber) -> None:
    await subscriber.add(99_999)
    await subscriber.buy()
    await subscriber.set_plan(with_price(2_000))
    await subscriber.set_plan(MONTH)
    assert await subscriber.tell() == 1
    assert await subscriber.told() == []
    assert await subscriber.tell() == 0


@pytest.mark.asyncio
async def test_a_rider_who_wants_to_be_deleted_is_charged_no_more(subscriber: Subscriber, clock: SettableClock) -> None:
    await subscriber.add(9_999)
    await subscriber.buy()
    clock.advance(days=29)
    await delete_rider(
        subscriber.rt,
        (),
        DeleteRider(operator=subscriber.operator, rider_id=subscriber.rider.id, hard=False, actor=SECRET_KEY),
    )
    clock.advance(days=1)
    await subscriber.renew()
    assert (await subscriber.only()).subscription.status is S.ENDED
    assert (await subscriber.standing()).balance_minor == 9_999 - 1_255


@pytest.mark.asyncio
async def test_what_an_erased_rider_had_ends_with_them(subscriber: Subscriber, clock: SettableClock) -> None:
    await subscriber.add(9_999)
    await subscriber.buy()
    await delete_rider(
        subscriber.rt,
        (),
        DeleteRider(operator=subscriber.operator, rider_id=subscriber.rider.id, hard=True, actor=SECRET_KEY),
    )
    services = JobServices(subscriber.rt, subscriber.operators, Zones(subscriber.rt))
    await run_due_jobs(services, subscriber.operator.id, "rider_erased", times=2)
    for _twice in range(2):
        view = await subscriber.only()
        assert (view.subscription.status, view.subscription.next_at) == (S.ENDED, None)
        await end_subscriptions(subscriber.rt, subscriber.operator.id, subscriber.rider.id)
    clock.advance(days=30)
    assert await subscriber.renew() == 0
    with refused("user_not_found"):
        await subscriber.buy()


@pytest.mark.asyncio
async def test_a_day_plan_renews_day_by_day(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> None:
    spec = PlanSpec(price_minor=300, days=1, limits="whole", quota=Quota(ride_min=60))
    settings = Settings(subscriptions=SubscriptionSettings(retry_after_min=()))
    subscriber = await a_subscriber(rt, clock, sandbox, spec=spec, settings=settings)
    await subscriber.add(700)
    await subscriber.add(700, MoneyKind.BONUS)
    await subscriber.buy()
    for _day in range(3):
        clock.advance(days=1)
        await subscriber.renew()
    view = await subscriber.only()
    # Without tries it ends at the first that is not paid; bonus does not pay unless the operator says so.
    assert (view.subscription.status, view.period.nr) == (S.ENDED, 2)
    assert (await subscriber.standing()).balance_minor == 100
    await subscriber.the_books_agree()


@pytest.mark.asyncio
async def test_what_runs_is_listed_before_what_is_over(subscriber: Subscriber, clock: SettableClock) -> None:
    await subscriber.add(99_999)
    running = await subscriber.buy()
    pass_ = PlanSpec(price_minor=300, days=1, quota=Quota(ride_min=60), renews=False)
    async with subscriber.rt.db.write() as tx:
        pass_id = await upsert_plan(tx, subscriber.operator.id, PlanDraft(ref="pass", title="Pass", spec=pass_))
    later = await subscriber.buy(plan_id=pass_id)
    clock.advance(days=1)
    await subscriber.renew()
    assert [view.subscription.id for view in await subscriber.all()] == [running.subscription.id, later.subscription.id]
