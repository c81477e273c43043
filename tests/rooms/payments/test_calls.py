"""Calls to the provider and what becomes of them, with a real provider on a socket as the witness."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from isotope.adapters.cards import SandboxCards
from isotope.domain.payments import (
    Answer,
    CallKind,
    Cards,
    PaymentStatus,
    Purpose,
    list_cards,
    merchant_of,
    record_answer,
    resolve_card_calls,
)
from isotope.domain.payments.rules import GIVE_UP_S
from isotope.domain.wallet import (
    AddMoney,
    Charge,
    MoneyKind,
    add_money,
    charge,
)
from isotope.domain.wallet.model import Standing
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, rider_actor
from tests.kit.cards import SandboxKit
from tests.kit.clock import SettableClock
from tests.kit.shop import LATE_S, Shop, open_shop


async def test_less_than_reserved_is_taken_and_the_rest_let_go(shop: Shop) -> None:
    await shop.do(await shop.open(1_000))
    assert (await shop.payment()).status is PaymentStatus.AUTHORISED
    await shop.owes(640)
    await shop.do(*await shop.collect(640))
    payment = await shop.payment()
    assert (payment.status, payment.captured_minor) == (PaymentStatus.CAPTURED, 640)
    assert await shop.standing() == Standing(currency="EUR")
    assert shop.sandbox.totals(shop.kit.operator.id).captured_minor == 640
    await shop.agree()


async def test_more_than_reserved_is_a_second_payment(shop: Shop) -> None:
    await shop.do(await shop.open(1_000))
    await shop.owes(1_450)
    await shop.do(*await shop.collect(1_450))
    assert [payment.captured_minor for payment in await shop.payments()] == [1_000, 450]
    await shop.agree()


async def test_nothing_due_lets_everything_go(shop: Shop) -> None:
    await shop.do(await shop.open(1_000))
    await shop.do(*await shop.collect(0))
    assert (await shop.payment()).status is PaymentStatus.RELEASED
    await shop.agree()


async def test_what_a_capture_does_not_give_is_debt(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> None:
    shop = await open_shop(rt, clock, sandbox, "declined_at_capture")
    await shop.do(await shop.open(1_000))
    await shop.owes(700)
    [answer] = await shop.do(*await shop.collect(700))
    assert answer is not None
    assert answer.outcome == "REFUSED"
    assert await shop.standing() == Standing(currency="EUR", debt_minor=700)
    async with rt.db.read() as tx:
        found = await tx.tuples(
            "select since_at, next_at from debt_collection where operator_id = %s", [shop.kit.operator.id]
        )
    # The card has just been tried; the next time is an hour later.
    assert found == [(clock.now(), clock.now() + timedelta(hours=1))]


async def test_a_declined_reservation_moves_nothing(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> None:
    shop = await open_shop(rt, clock, sandbox, "declined")
    await shop.do(await shop.open(1_000))
    payment = await shop.payment()
    assert (payment.status, payment.code) == (PaymentStatus.FAILED, "card_declined")
    assert await shop.standing() == Standing(currency="EUR")
    await shop.agree()


async def test_a_top_up_settles_debt_first(shop: Shop) -> None:
    async with shop.rt.db.write() as tx:
        await charge(
            tx,
            Charge(
                operator_id=shop.kit.operator.id,
                rider_id=shop.rider.id,
                currency="EUR",
                total_minor=300,
                tax_minor=0,
                reason="ride",
                actor=rider_actor(shop.rider.id),
                cause="ride:0",
                now=shop.clock.now(),
            ),
        )
    await shop.do(await shop.open(1_000, reserve=False, purpose=Purpose.TOP_UP))
    assert await shop.standing() == Standing(currency="EUR", balance_minor=700)
    await shop.agree()


async def test_a_refused_top_up_leaves_no_debt(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> None:
    shop = await open_shop(rt, clock, sandbox, "insufficient_funds")
    await shop.do(await shop.open(1_000, reserve=False, purpose=Purpose.TOP_UP))
    assert (await shop.payment()).code == "insufficient_funds"
    assert await shop.standing() == Standing(currency="EUR")
    await shop.agree()


@pytest.mark.parametrize("fault", ["done", "lost", "half", "error", "error_done"])
@pytest.mark.parametrize("kind", ["charge", "capture", "refund", "release"])
async def test_what_nobody_heard_of_is_found_out(shop: Shop, kind: str, fault: str) -> None:
    """Whatever the provider did and did not say: once the worker has looked, it was done exactly once."""
    if kind == "charge":
        calls = [await shop.open(800, reserve=False, purpose=Purpose.TOP_UP)]
    else:
        await shop.do(await shop.open(1_000))
        if kind == "release":
            calls = await shop.collect(0)
        else:
            await shop.owes(800)
            calls = await shop.collect(800)
        if kind == "refund":
            await shop.do(*calls)
            calls = [await shop.refund(await shop.payment(), 300)]
    shop.sandbox.add_fault(kind, fault)  # type: ignore[arg-type]
    assert await shop.do(*calls) == [None]
    assert await shop.look() == 0, "whoever stored the call has 20 s for it"
    shop.clock.advance(seconds=LATE_S)
    assert await shop.look() == 1
    shop.clock.advance(hours=2)
    assert await shop.look() == 0, "it is settled"
    expected = {"charge": (800, 0), "capture": (800, 0), "refund": (800, 300), "release": (0, 0)}[kind]
    totals = shop.sandbox.totals(shop.kit.operator.id)
    assert (totals.captured_minor, totals.refunded_minor) == expected
    await shop.agree()


async def test_a_reservation_that_was_made_unheard_is_found(shop: Shop) -> None:
    shop.sandbox.add_fault("authorise", "done")
    assert await shop.do(await shop.open(1_000)) == [None]
    shop.clock.advance(seconds=LATE_S)
    await shop.look()
    assert (await shop.payment()).status is PaymentStatus.AUTHORISED


async def test_a_reservation_that_was_lost_is_never_made(shop: Shop) -> None:
    shop.sandbox.add_fault("authorise", "lost")
    assert await shop.do(await shop.open(1_000)) == [None]
    shop.clock.advance(seconds=LATE_S)
    await shop.look()
    assert (await shop.payment()).status is PaymentStatus.AUTHORISING
    shop.clock.advance(seconds=GIVE_UP_S)
    await shop.look()
    payment = await shop.payment()
    assert (payment.status, payment.code) == (PaymentStatus.FAILED, "not_sent")
    assert shop.sandbox.payments(shop.kit.operator.id) == []


async def test_a_provider_that_stays_away_is_asked_ever_more_rarely(shop: Shop) -> None:
    call = await shop.open(500, reserve=False, purpose=Purpose.TOP_UP)
    away = Cards(provider=SandboxCards(url="http://127.0.0.1:9", key="key", webhook_secret="secret"))
    shop.clock.advance(seconds=LATE_S)
    waits = []
    for _try in range(5):
        assert await resolve_card_calls(shop.rt, away, shop.operators) == 1
        async with shop.rt.db.read() as tx:
            next_at = await tx.scalar("select next_at from card_call where id = %s", [call.id])
        waits.append((next_at - shop.clock.now()).total_seconds())
        shop.clock.set(next_at)
    assert waits == [5, 10, 20, 40, 80]
    assert await shop.look() == 1
    assert (await shop.standing()).balance_minor == 500
    await shop.agree()


async def test_many_who_carry_out_and_look_at_once_record_once(shop: Shop) -> None:
    call = await shop.open(900, reserve=False, purpose=Purpose.TOP_UP)
    shop.clock.advance(seconds=LATE_S)
    await asyncio.gather(*(shop.do(call) for _ in range(6)), *(shop.look() for _ in range(4)))
    shop.clock.advance(hours=2)
    await shop.look()
    assert (await shop.standing()).balance_minor == 900
    assert shop.sandbox.totals(shop.kit.operator.id).captured_minor == 900
    await shop.agree()


async def test_an_answer_is_written_down_once(shop: Shop) -> None:
    call = await shop.open(900, reserve=False, purpose=Purpose.TOP_UP)
    answer = Answer(outcome="DONE", amount_minor=900, ref="pay_1")
    for is_first in (True, False):
        async with shop.rt.db.write() as tx:
            recorded = await record_answer(tx, shop.kit.operator, call, answer, shop.clock.now())
        assert (recorded.after is not None) is is_first
        assert recorded.payment.captured_minor == 900
    assert (await shop.standing()).balance_minor == 900


async def test_the_surplus_of_a_debt_that_was_paid_meanwhile_is_balance(shop: Shop) -> None:
    call = await shop.open(500, reserve=False, purpose=Purpose.DEBT)
    await add_money(
        shop.rt,
        AddMoney(
            operator=shop.kit.operator,
            rider_id=shop.rider.id,
            amount_minor=100,
            kind=MoneyKind.BALANCE,
            actor=SECRET_KEY,
        ),
    )
    await shop.do(call)
    assert (await shop.standing()).balance_minor == 600
    await shop.agree()


async def test_a_refund_that_cannot_go_back_stays_in_the_wallet(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit
) -> None:
    shop = await open_shop(rt, clock, sandbox, "refund_refused")
    await shop.owes(800)
    await shop.do(*await shop.collect(800))
    [answer] = await shop.do(await shop.refund(await shop.payment(), 300))
    assert answer is not None
    assert answer.outcome == "REFUSED"
    assert (await shop.standing()).balance_minor == 300
    assert (await shop.payment()).refunded_minor == 0
    await shop.agree()


async def test_a_payment_gives_back_what_it_took_and_no_more(shop: Shop) -> None:
    await shop.owes(800)
    await shop.do(*await shop.collect(800))
    await shop.do(await shop.refund(await shop.payment(), 500, "refund:1"))
    payment = await shop.payment()
    with pytest.raises(ValueError, match="less than 301"):
        await shop.refund(payment, 301, "refund:2")
    await shop.do(await shop.refund(payment, 300, "refund:2"))
    assert (await shop.payment()).refunded_minor == 800
    await shop.agree()


async def test_a_card_that_the_provider_forgot_is_lost(shop: Shop) -> None:
    await shop.cards.get_provider().forget_card(
        merchant_of(shop.kit.operator), shop.card.customer_ref, shop.card.card_ref
    )
    [answer] = await shop.do(await shop.open(500, reserve=False, purpose=Purpose.TOP_UP))
    assert answer is not None
    assert answer.code == "card_unknown"
    async with shop.rt.db.read() as tx:
        assert await list_cards(tx, shop.kit.operator.id, shop.rider.id) == []


async def test_only_one_call_of_a_payment_is_open(shop: Shop) -> None:
    await shop.do(await shop.open(1_000))
    await shop.owes(400)
    [first] = await shop.collect(400)
    assert first.kind is CallKind.CAPTURE
    # What is being captured is no reservation any more: nothing else is asked of it.
    [second] = await shop.collect(50)
    assert (second.kind, second.payment_id != first.payment_id) == (CallKind.CHARGE, True)


async def test_answers_and_silences_are_counted(shop: Shop) -> None:
    def counted(outcome: str) -> float:
        return REGISTRY.get_sample_value("isotope_card_calls_total", {"kind": "CHARGE", "outcome": outcome}) or 0.0

    before = {outcome: counted(outcome) for outcome in ("DONE", "UNCLEAR")}
    call = await shop.open(900, reserve=False, purpose=Purpose.TOP_UP)
    shop.sandbox.add_fault("charge", "error")
    await shop.do(call)
    shop.clock.advance(seconds=LATE_S)
    await shop.look()
    after = {outcome: counted(outcome) for outcome in ("DONE", "UNCLEAR")}
    assert after == {outcome: count + 1 for outcome, count in before.items()}
    assert (REGISTRY.get_sample_value("isotope_card_calls_open") or 0) >= 1
