"""Debt is taken from a card: at once, then by the operator's schedule, never twice, and not for ever."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from isotope.domain.payments import (
    NO_CARDS,
    CardId,
    PayDebt,
    PaymentStatus,
    Purpose,
    collect_debt,
    hurry_debt_collection,
    pay_debt,
)
from isotope.domain.tenants.model import PaymentSettings, Settings
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import rider_actor
from isotope.kernel.errors import Refusal
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.debtors import Debtor, a_debtor

pytestmark = pytest.mark.asyncio

SETTINGS = Settings(payments=PaymentSettings(debt_after_min=(0, 60, 1_440)))


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@pytest_asyncio.fixture
async def debtor(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> AsyncIterator[Debtor]:
    async with a_debtor(rt, clock, sandbox, settings=SETTINGS) as made:
        yield made


async def pay(debtor: Debtor) -> PaymentStatus:
    command = PayDebt(
        operator=debtor.operator,
        rider_id=debtor.rider.id,
        actor=rider_actor(debtor.rider.id),
        return_url="https://app.example.test/back",
    )
    return (await pay_debt(debtor.rt, debtor.cards, command)).status


async def test_a_debt_is_paid_at_once_by_a_good_card(debtor: Debtor) -> None:
    await debtor.card()
    await debtor.spend(700)
    assert await debtor.collection() == (0, 0)
    await debtor.collect()
    assert await debtor.collection() is None
    assert (await debtor.standing()).debt_minor == 0
    [payment] = await debtor.payments()
    assert (payment.purpose, payment.status, payment.captured_minor) == (Purpose.DEBT, PaymentStatus.CAPTURED, 700)
    await debtor.the_books_agree()


async def test_a_card_that_says_no_is_tried_by_the_schedule_and_then_no_more(
    debtor: Debtor, clock: SettableClock
) -> None:
    await debtor.card("declined")
    await debtor.spend(700)
    for tried, wait_min in ((1, 60), (2, 1_380), (3, None)):
        await debtor.collect()
        await debtor.collect()
        assert await debtor.collection() == (tried, wait_min)
        assert len(debtor.sandbox.payments(debtor.operator.id)) == tried
        if wait_min is not None:
            clock.advance(minutes=wait_min - 1)
            await debtor.collect()
            assert len(debtor.sandbox.payments(debtor.operator.id)) == tried
            clock.advance(minutes=1)
    clock.advance(days=100)
    await debtor.collect()
    assert len(await debtor.payments()) == 3
    assert (await debtor.standing()).debt_minor == 700
    # A new debt, or a new card, starts anew and asks for everything.
    await debtor.card()
    await debtor.spend(50)
    assert await debtor.collection() == (0, 0)
    await debtor.collect()
    assert (await debtor.standing()).debt_minor == 0
    assert (await debtor.payments())[-1].captured_minor == 750
    await debtor.the_books_agree()


async def test_what_was_missed_is_not_made_up_for(debtor: Debtor, clock: SettableClock) -> None:
    await debtor.card("declined")
    await debtor.spend(700)
    clock.advance(minutes=70)
    await debtor.collect()
    assert await debtor.collection() == (1, 1_370)
    assert len(await debtor.payments()) == 1


async def test_without_a_card_it_waits_for_one(debtor: Debtor, clock: SettableClock) -> None:
    await debtor.spend(700)
    await debtor.collect()
    assert await debtor.collection() == (0, None)
    clock.advance(days=30)
    await debtor.collect()
    assert await debtor.payments() == []
    await debtor.card()
    async with debtor.rt.db.write() as tx:
        await hurry_debt_collection(tx, debtor.operator, debtor.rider.id, clock.now())
    assert await debtor.collection() == (0, 0)
    await debtor.collect()
    assert await debtor.collection() is None
    assert (await debtor.standing()).debt_minor == 0


async def test_a_saved_card_without_a_debt_hurries_nothing(debtor: Debtor, clock: SettableClock) -> None:
    await debtor.card()
    async with debtor.rt.db.write() as tx:
        await hurry_debt_collection(tx, debtor.operator, debtor.rider.id, clock.now())
    assert await debtor.collection() is None


async def test_a_debt_is_asked_for_once_however_many_ask(debtor: Debtor) -> None:
    await debtor.card()
    await debtor.spend(700)

    async def collect() -> None:
        await collect_debt(debtor.rt, debtor.cards, debtor.operator, debtor.rider.id, "EUR")

    both = [pay(debtor) if number % 3 == 0 else collect() for number in range(12)]
    answers = await asyncio.gather(*both, return_exceptions=True)
    refused = [answer.code for answer in answers if isinstance(answer, Refusal)]
    assert set(refused) <= {"payment_running", "no_debt"}
    assert not [answer for answer in answers if isinstance(answer, Exception) and not isinstance(answer, Refusal)]
    assert [payment.captured_minor for payment in await debtor.payments()] == [700]
    assert (await debtor.standing()).balance_minor == 0
    await debtor.the_books_agree()


async def test_a_charge_that_nobody_heard_the_answer_of_stays_the_only_one(
    debtor: Debtor, clock: SettableClock
) -> None:
    await debtor.card()
    await debtor.spend(700)
    debtor.sandbox.add_fault("charge", "half")
    await debtor.collect()
    assert [payment.status for payment in await debtor.payments()] == [PaymentStatus.AUTHORISING]
    clock.advance(minutes=60)
    await debtor.collect()
    with pytest.raises(Refusal, match="payment_running"):
        await pay(debtor)
    assert len(await debtor.payments()) == 1
    await debtor.resolve()
    assert (await debtor.standing()).debt_minor == 0
    assert await debtor.collection() is None
    await debtor.the_books_agree()


async def test_a_process_that_died_after_deciding_leaves_the_call_to_the_worker(
    debtor: Debtor, clock: SettableClock
) -> None:
    await debtor.card()
    await debtor.spend(700)
    debtor.sandbox.add_fault("charge", "lost")
    await debtor.collect()
    clock.advance(seconds=30)
    await debtor.resolve()
    assert (await debtor.standing()).debt_minor == 0
    assert debtor.sandbox.totals(debtor.operator.id).captured_minor == 700
    await debtor.the_books_agree()


async def test_what_a_top_up_paid_meanwhile_becomes_balance(debtor: Debtor, clock: SettableClock) -> None:
    await debtor.card()
    await debtor.spend(700)
    debtor.sandbox.add_fault("charge", "half")
    await debtor.collect()
    await debtor.top_up(1_000)
    assert (await debtor.standing()).balance_minor == 300
    clock.advance(minutes=5)
    await debtor.resolve()
    standing = await debtor.standing()
    assert (standing.debt_minor, standing.balance_minor) == (0, 1_000)
    await debtor.collect()
    assert await debtor.collection() is None
    await debtor.the_books_agree()


async def test_a_debt_that_was_paid_otherwise_is_not_asked_for(debtor: Debtor) -> None:
    await debtor.card()
    await debtor.spend(700)
    await debtor.top_up(700)
    assert await debtor.collection() is None
    await debtor.collect()
    assert [payment.purpose for payment in await debtor.payments()] == [Purpose.TOP_UP]


async def test_a_rider_pays_what_they_owe(debtor: Debtor) -> None:
    with pytest.raises(Refusal, match="no_debt"):
        await pay(debtor)
    await debtor.spend(700)
    with pytest.raises(Refusal, match="card_needed"):
        await pay(debtor)
    await debtor.card("declined")
    with pytest.raises(Refusal, match="card_declined"):
        await pay(debtor)
    await debtor.card()
    assert await pay(debtor) is PaymentStatus.CAPTURED
    assert (await debtor.standing()).debt_minor == 0
    assert await debtor.collection() is None
    await debtor.the_books_agree()


async def test_a_rider_who_must_confirm_is_sent_to_the_same_payment_again(debtor: Debtor, clock: SettableClock) -> None:
    await debtor.card("needs_3ds")
    await debtor.spend(700)
    assert await pay(debtor) is PaymentStatus.ACTION_REQUIRED
    assert await pay(debtor) is PaymentStatus.ACTION_REQUIRED
    [payment] = await debtor.payments()
    assert payment.redirect_url is not None
    # The schedule waits for the rider, too.
    await debtor.collect()
    assert len(await debtor.payments()) == 1
    await asyncio.to_thread(debtor.sandbox.confirm_3ds, payment.redirect_url)
    clock.advance(minutes=1)
    await debtor.resolve()
    assert (await debtor.standing()).debt_minor == 0
    await debtor.the_books_agree()


async def test_somebody_elses_card_is_not_found(debtor: Debtor) -> None:
    await debtor.card()
    await debtor.spend(700)
    command = PayDebt(
        operator=debtor.operator, rider_id=debtor.rider.id, actor=rider_actor(debtor.rider.id), card_id=CardId(10**9)
    )
    with pytest.raises(Refusal, match="card_not_found"):
        await pay_debt(debtor.rt, debtor.cards, command)
    with pytest.raises(Refusal, match="cards_unavailable"):
        await pay_debt(debtor.rt, NO_CARDS, command)
