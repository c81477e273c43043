"""Calls to the provider and what becomes of them, with a real provider on a socket as the witness."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio

from isotope.adapters.cards import SandboxCards
from isotope.domain.payments import (
    Answer,
    CallKind,
    Card,
    CardCall,
    CardPayment,
    Cards,
    Collect,
    OpenPayment,
    OpenRefund,
    PaymentStatus,
    Purpose,
    carry_out,
    collect,
    list_cards,
    list_payments,
    merchant_of,
    open_payment,
    open_refund,
    record_answer,
    resolve_card_calls,
)
from isotope.domain.payments.rules import GIVE_UP_S
from isotope.domain.tenants import Operators
from isotope.domain.wallet import (
    AccountKind,
    AddMoney,
    Charge,
    Entry,
    MoneyKind,
    Posting,
    add_money,
    charge,
    check_ledger,
    get_standing,
    post,
    trial_balance,
)
from isotope.domain.wallet.model import Standing
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, rider_actor
from tests.kit.cards import SandboxKit, make_card, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator

CAUSE = "ride:1"
LATE_S = 21


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Shop:
    """An operator, a rider with a card, and a provider whose patience is short."""

    rt: Runtime
    clock: SettableClock
    sandbox: SandboxKit
    kit: OperatorKit
    rider: RiderKit
    card: Card
    cards: Cards
    operators: Operators

    async def owes(self, amount_minor: int) -> None:
        """A ride's bill of which everything is left to the card."""
        async with self.rt.db.write() as tx:
            await charge(
                tx,
                Charge(
                    operator_id=self.kit.operator.id,
                    rider_id=self.rider.id,
                    currency="EUR",
                    total_minor=amount_minor,
                    tax_minor=0,
                    reason="ride",
                    actor=rider_actor(self.rider.id),
                    cause=CAUSE,
                    now=self.clock.now(),
                    on_card=True,
                ),
            )

    async def open(self, amount_minor: int, *, reserve: bool = True, purpose: Purpose = Purpose.RIDE) -> CardCall:
        async with self.rt.db.write() as tx:
            _payment, call = await open_payment(
                tx,
                OpenPayment(
                    card=self.card,
                    purpose=purpose,
                    cause=CAUSE,
                    currency="EUR",
                    amount_minor=amount_minor,
                    reserve=reserve,
                    actor=rider_actor(self.rider.id),
                    now=self.clock.now(),
                ),
            )
        return call

    async def collect(self, due_minor: int) -> list[CardCall]:
        async with self.rt.db.write() as tx:
            return await collect(
                tx,
                Collect(
                    operator_id=self.kit.operator.id,
                    purpose=Purpose.RIDE,
                    cause=CAUSE,
                    card=self.card,
                    currency="EUR",
                    due_minor=due_minor,
                    actor=rider_actor(self.rider.id),
                    now=self.clock.now(),
                ),
            )

    async def refund(self, payment: CardPayment, amount_minor: int, cause: str = "refund:1") -> CardCall:
        """As a refund decides it: revenue goes down, the amount is on its way back."""
        async with self.rt.db.write() as tx:
            await post(
                tx,
                Posting(
                    operator_id=self.kit.operator.id,
                    currency="EUR",
                    reason="refund",
                    actor=SECRET_KEY,
                    cause=cause,
                    now=self.clock.now(),
                    entries=(
                        Entry(kind=AccountKind.REVENUE, amount_minor=-amount_minor),
                        Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=amount_minor, rider_id=self.rider.id),
                    ),
                ),
            )
            return await open_refund(
                tx,
                OpenRefund(
                    operator_id=self.kit.operator.id,
                    payment_id=payment.id,
                    amount_minor=amount_minor,
                    cause=cause,
                    actor=SECRET_KEY,
                    now=self.clock.now(),
                ),
            )

    async def do(self, *calls: CardCall) -> list[Answer | None]:
        return [await carry_out(self.rt, self.cards, self.kit.operator, call) for call in calls]

    async def look(self) -> int:
        """What the worker does every few seconds."""
        return await resolve_card_calls(self.rt, self.cards, self.operators)

    async def payments(self) -> list[CardPayment]:
        async with self.rt.db.read() as tx:
            return await list_payments(tx, self.kit.operator.id, CAUSE)

    async def payment(self) -> CardPayment:
        [only] = await self.payments()
        return only

    async def standing(self) -> Standing:
        async with self.rt.db.read() as tx:
            return await get_standing(tx, self.kit.operator.id, self.rider.id, "EUR")

    async def agree(self) -> None:
        """Ledger and provider say the same, and nothing is under way."""
        async with self.rt.db.read() as tx:
            assert await check_ledger(tx, self.kit.operator.id) == []
            sums = await trial_balance(tx, self.kit.operator.id)
        assert -sums[AccountKind.PROVIDER_CLEARING] == self.sandbox.totals(self.kit.operator.id).net_minor
        assert (await self.standing()).in_transit_minor == 0
        assert self.sandbox.open_reservations(self.kit.operator.id) == 0


@pytest_asyncio.fixture
async def shop(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> Shop:
    return await _shop(rt, clock, sandbox, "ok")


async def _shop(rt: Runtime, clock: SettableClock, sandbox: SandboxKit, card: str) -> Shop:
    kit = await make_operator(rt)
    rider = await make_rider(rt, kit.operator)
    async with rt.db.write() as tx:
        # The worker looks at the calls of all operators; those that other tests left open are none of ours.
        await tx.execute("update card_call set next_at = 'infinity' where status = 'OPEN'")
    return Shop(
        rt=rt,
        clock=clock,
        sandbox=sandbox,
        kit=kit,
        rider=rider,
        card=await make_card(rt, kit.operator, rider, sandbox, card),
        cards=Cards(provider=sandbox.provider(timeout_s=0.3)),
        operators=Operators(rt),
    )


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
    shop = await _shop(rt, clock, sandbox, "declined_at_capture")
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
    shop = await _shop(rt, clock, sandbox, "declined")
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
    shop = await _shop(rt, clock, sandbox, "insufficient_funds")
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
    shop = await _shop(rt, clock, sandbox, "refund_refused")
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
