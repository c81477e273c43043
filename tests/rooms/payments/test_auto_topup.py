"""Money that is charged by itself: when the balance falls low, once for a cause, and never in a loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from random import Random

import pytest
import pytest_asyncio

from isotope.domain.payments import (
    PaymentStatus,
    Purpose,
    TopUpByItself,
    auto_topup,
    get_auto_topup,
    is_topping_up,
    list_cards,
)
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.debtors import Debtor, a_debtor
from tests.kit.jobs import queued_jobs

pytestmark = pytest.mark.asyncio


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@pytest_asyncio.fixture
async def debtor(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> AsyncIterator[Debtor]:
    async with a_debtor(rt, clock, sandbox) as made:
        yield made


async def by_itself(debtor: Debtor) -> list[PaymentStatus]:
    return [payment.status for payment in await debtor.payments(Purpose.AUTO_TOP_UP)]


async def test_the_balance_is_filled_up_when_it_falls_below_the_threshold(debtor: Debtor) -> None:
    await debtor.card()
    await debtor.wants_top_ups(threshold_minor=500, amount_minor=1_000)
    await debtor.top_up(1_000)
    await debtor.spend(500)
    assert await debtor.run_jobs() == []
    await debtor.spend(1)
    assert await debtor.run_jobs() == ["auto_topup"]
    assert (await debtor.standing()).balance_minor == 1_499
    assert await by_itself(debtor) == [PaymentStatus.CAPTURED]
    await debtor.the_books_agree()


async def test_a_job_that_runs_twice_charges_once(debtor: Debtor) -> None:
    await debtor.card()
    await debtor.wants_top_ups(threshold_minor=5_000, amount_minor=1_000)
    await debtor.top_up(1_000)
    await debtor.spend(500)
    await debtor.run_jobs(times=3)
    assert (await debtor.standing()).balance_minor == 1_500
    assert await by_itself(debtor) == [PaymentStatus.CAPTURED]


async def test_jobs_of_several_rides_at_once_charge_once(debtor: Debtor) -> None:
    await debtor.card()
    await debtor.wants_top_ups(threshold_minor=500, amount_minor=1_000)
    await debtor.top_up(500)
    jobs = []
    for number in range(6):
        await debtor.spend(10)
        what = TopUpByItself(
            operator=debtor.operator, rider_id=debtor.rider.id, currency="EUR", cause=f"ride:{number % 4}"
        )
        jobs.append(auto_topup(debtor.rt, debtor.cards, what))
    await asyncio.gather(*jobs)
    assert await by_itself(debtor) == [PaymentStatus.CAPTURED]
    assert (await debtor.standing()).balance_minor == 1_440
    await debtor.the_books_agree()


async def test_it_settles_debt_first(debtor: Debtor) -> None:
    await debtor.card()
    await debtor.wants_top_ups()
    await debtor.spend(300)
    await debtor.run_jobs()
    standing = await debtor.standing()
    assert (standing.debt_minor, standing.balance_minor) == (0, 700)
    await debtor.collect()
    assert await debtor.collection() is None
    assert await debtor.payments(Purpose.DEBT) == []


async def test_it_waits_for_a_charge_of_the_debt(debtor: Debtor, clock: SettableClock) -> None:
    await debtor.card()
    await debtor.wants_top_ups()
    await debtor.spend(300)
    debtor.sandbox.add_fault("charge", "half")
    await debtor.collect()
    await debtor.run_jobs(times=2)
    assert await by_itself(debtor) == []
    clock.advance(minutes=1)
    await debtor.resolve()
    await debtor.run_jobs()
    assert await by_itself(debtor) == [PaymentStatus.CAPTURED]
    assert (await debtor.standing()).balance_minor == 1_000
    await debtor.the_books_agree()


@pytest.mark.parametrize("skip", [True, False])
async def test_a_ride_may_ask_to_leave_it(debtor: Debtor, skip: bool) -> None:
    await debtor.card()
    await debtor.wants_top_ups()
    await debtor.top_up(100)
    await debtor.spend(100, skip=skip)
    assert (await debtor.run_jobs() == []) is skip


async def test_a_refused_charge_suspends_it_until_it_is_set_again(debtor: Debtor) -> None:
    await debtor.card("declined")
    await debtor.wants_top_ups()
    for _ride in range(5):
        await debtor.spend(10)
        await debtor.run_jobs(times=2)
    assert await by_itself(debtor) == [PaymentStatus.FAILED]
    found = await get_auto_topup(debtor.rt, debtor.operator, debtor.rider.id)
    assert found.suspended_code == "card_declined"
    assert found.is_on
    await debtor.wants_top_ups()
    await debtor.spend(10)
    await debtor.run_jobs()
    assert await by_itself(debtor) == [PaymentStatus.FAILED, PaymentStatus.FAILED]


async def test_a_top_up_by_hand_lifts_the_suspension(debtor: Debtor) -> None:
    await debtor.card("declined")
    await debtor.wants_top_ups()
    await debtor.spend(10)
    await debtor.run_jobs()
    await debtor.top_up(500)
    assert (await get_auto_topup(debtor.rt, debtor.operator, debtor.rider.id)).suspended_code is not None
    await debtor.card()
    await debtor.top_up(500)
    assert (await get_auto_topup(debtor.rt, debtor.operator, debtor.rider.id)).suspended_code is None
    await debtor.spend(10)
    await debtor.run_jobs()
    assert await by_itself(debtor) == [PaymentStatus.FAILED, PaymentStatus.CAPTURED]
    await debtor.the_books_agree()


async def test_a_charge_without_an_answer_is_not_repeated(debtor: Debtor, clock: SettableClock) -> None:
    await debtor.card()
    await debtor.wants_top_ups()
    await debtor.top_up(100)
    debtor.sandbox.add_fault("charge", "half")
    await debtor.spend(10)
    await debtor.run_jobs()
    async with debtor.rt.db.read() as tx:
        assert await is_topping_up(tx, debtor.operator.id, debtor.rider.id)
    for _ride in range(3):
        await debtor.spend(10)
        await debtor.run_jobs()
    assert await by_itself(debtor) == [PaymentStatus.AUTHORISING]
    clock.advance(seconds=30)
    await debtor.resolve()
    assert await by_itself(debtor) == [PaymentStatus.CAPTURED]
    # Those that waited find enough.
    clock.advance(minutes=2)
    await debtor.run_jobs()
    assert await queued_jobs(debtor.rt, debtor.operator.id) == []
    assert await by_itself(debtor) == [PaymentStatus.CAPTURED]
    async with debtor.rt.db.read() as tx:
        assert not await is_topping_up(tx, debtor.operator.id, debtor.rider.id)
    await debtor.the_books_agree()


async def test_waiting_for_an_answer_ends(debtor: Debtor, clock: SettableClock) -> None:
    await debtor.card()
    await debtor.wants_top_ups()
    await debtor.top_up(100)
    debtor.sandbox.add_fault("charge", "lost")
    await debtor.spend(10, cause="ride:1")
    await debtor.run_jobs()
    what = TopUpByItself(operator=debtor.operator, rider_id=debtor.rider.id, currency="EUR", cause="ride:2")
    await auto_topup(debtor.rt, debtor.cards, what, look=119)
    assert len(await queued_jobs(debtor.rt, debtor.operator.id)) == 1
    clock.advance(minutes=1)
    await debtor.run_jobs()
    assert await queued_jobs(debtor.rt, debtor.operator.id) == []


async def test_what_may_be_set(debtor: Debtor) -> None:
    off = await get_auto_topup(debtor.rt, debtor.operator, debtor.rider.id)
    assert (off.is_on, off.threshold_minor, off.amount_minor) == (False, 0, 0)
    with pytest.raises(Refusal, match="card_needed"):
        await debtor.wants_top_ups()
    assert not (await debtor.wants_top_ups(is_on=False)).is_on
    await debtor.card()
    for wrong in ({"amount_minor": 99}, {"amount_minor": 50_001}, {"threshold_minor": -1}, {"threshold_minor": 50_001}):
        with pytest.raises(Refusal, match="validation_failed"):
            await debtor.wants_top_ups(**wrong)
    with pytest.raises(Refusal, match="card_not_found"):
        await debtor.wants_top_ups(card_id=10**9)
    async with debtor.rt.db.read() as tx:
        [card] = await list_cards(tx, debtor.operator.id, debtor.rider.id)
    wanted = await debtor.wants_top_ups(700, 900, card_id=card.id)
    assert await get_auto_topup(debtor.rt, debtor.operator, debtor.rider.id) == wanted
    assert (wanted.threshold_minor, wanted.amount_minor, wanted.card_id) == (700, 900, card.id)


async def test_the_card_that_was_set_is_charged_though_another_pays_rides(debtor: Debtor) -> None:
    await debtor.card()
    async with debtor.rt.db.read() as tx:
        [first] = await list_cards(tx, debtor.operator.id, debtor.rider.id)
    await debtor.wants_top_ups(card_id=first.id)
    await debtor.card("declined")
    await debtor.spend(10)
    await debtor.run_jobs()
    [payment] = await debtor.payments(Purpose.AUTO_TOP_UP)
    assert payment.card_id == first.id


@pytest.mark.parametrize("seed", range(6))
async def test_no_history_of_failures_loops(debtor: Debtor, clock: SettableClock, seed: int) -> None:
    """Between two moments at which the rider sets it or pays by hand, at most one charge is refused."""
    random = Random(seed)
    await debtor.card("declined")
    await debtor.wants_top_ups()
    chances = 1
    for _step in range(40):
        match random.choice(["spend"] * 5 + ["set", "hand", "card", "lost", "half", "time", "collect"]):
            case "spend":
                await debtor.spend(random.randint(1, 400))
            case "set":
                await debtor.wants_top_ups(threshold_minor=random.randint(0, 900))
                chances += 1
            case "hand":
                await debtor.top_up(random.randint(100, 900))
                chances += 1
            case "card":
                await debtor.card(random.choice(["ok", "declined", "insufficient_funds"]))
            case "lost" | "half" as fault:
                debtor.sandbox.add_fault("charge", fault)
            case "time":
                clock.advance(minutes=random.choice([1, 70, 2_000]))
            case _:
                await debtor.collect()
        await debtor.run_jobs(times=random.randint(1, 2))
        if random.random() < 0.5:
            clock.advance(seconds=21)
            await debtor.resolve()
        statuses = await by_itself(debtor)
        assert statuses.count(PaymentStatus.FAILED) <= chances
        open_ones = [payment for payment in await debtor.payments(Purpose.DEBT) if payment.is_open]
        assert len(open_ones) <= 1
    clock.advance(days=1)
    await debtor.resolve()
    await debtor.the_books_agree()
