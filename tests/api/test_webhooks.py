"""Webhooks of the card provider: who may send them, and that neither their number nor their order matters."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isotope.card_sandbox.webhooks import sign
from isotope.domain.payments import (
    CardCall,
    CardPayment,
    Collect,
    OpenPayment,
    OpenRefund,
    PaymentStatus,
    Purpose,
    carry_out,
    collect,
    forget_card_events,
    forget_card_setups,
    open_payment,
    open_refund,
    queries,
    resolve_card_calls,
)
from isotope.domain.payments.usecases.carry_out import send
from isotope.domain.wallet import AccountKind, Entry, Posting, check_ledger, post, trial_balance
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from tests.kit.card_api import Customer, event, make_customer, run_card_api, send_webhook
from tests.kit.cards import WEBHOOK_SECRET, running_sandbox
from tests.kit.clock import SettableClock


@dataclass(frozen=True, slots=True)
class Till:
    """Payments of a customer whose last answers nobody heard."""

    customer: Customer

    @property
    def rt(self) -> Runtime:
        return self.customer.api.services.rt

    async def reserved(self, cause: str) -> CardPayment:
        """10.00, reserved and recorded."""
        customer = self.customer
        async with self.rt.db.write() as tx:
            card = (await queries.list_cards(tx, customer.kit.operator.id, customer.rider.id))[0]
            payment, call = await open_payment(
                tx,
                OpenPayment(
                    card=card,
                    purpose=Purpose.TOP_UP,
                    cause=cause,
                    currency="EUR",
                    amount_minor=1_000,
                    reserve=True,
                    actor=SYSTEM,
                    now=self.rt.clock.now(),
                ),
            )
        await carry_out(self.rt, customer.api.services.cards, customer.kit.operator, call)
        return await self.read(payment)

    async def capture(self, cause: str) -> CardCall:
        async with self.rt.db.write() as tx:
            [call] = await collect(
                tx,
                Collect(
                    operator_id=self.customer.kit.operator.id,
                    purpose=Purpose.TOP_UP,
                    cause=cause,
                    card=None,
                    currency="EUR",
                    due_minor=700,
                    actor=SYSTEM,
                    now=self.rt.clock.now(),
                ),
            )
        return call

    async def refund(self, payment: CardPayment) -> CardCall:
        operator_id, rider_id = self.customer.kit.operator.id, self.customer.rider.id
        async with self.rt.db.write() as tx:
            await post(
                tx,
                Posting(
                    operator_id=operator_id,
                    currency="EUR",
                    reason="refund",
                    actor=SYSTEM,
                    cause="refund:1",
                    now=self.rt.clock.now(),
                    entries=(
                        Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=-200, rider_id=rider_id),
                        Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=200, rider_id=rider_id),
                    ),
                ),
            )
            return await open_refund(
                tx,
                OpenRefund(
                    operator_id=operator_id,
                    payment_id=payment.id,
                    amount_minor=200,
                    cause="refund:1",
                    actor=SYSTEM,
                    now=self.rt.clock.now(),
                ),
            )

    async def do(self, call: CardCall, *, heard: bool) -> None:
        """The provider does it; unless the answer is `heard`, nobody writes it down."""
        services, operator = self.customer.api.services, self.customer.kit.operator
        if heard:
            await carry_out(self.rt, services.cards, operator, call)
            return
        async with self.rt.db.read() as tx:
            payment, card = await queries.get_call_with_card(tx, call)
        await send(services.cards.get_provider(), operator, call, payment, card)

    async def read(self, payment: CardPayment) -> CardPayment:
        async with self.rt.db.read() as tx:
            return await queries.get_payment(tx, payment.operator_id, payment.id)

    async def work(self) -> int:
        services = self.customer.api.services
        return await resolve_card_calls(self.rt, services.cards, services.operators)

    async def count_events(self) -> int:
        async with self.rt.db.read() as tx:
            found: int = await tx.scalar("select count(*) from card_event")
        return found


async def open_till(customer: Customer) -> Till:
    """The worker looks at the calls of all operators; other tests of this process may have left some."""
    till = Till(customer)
    async with till.rt.db.write() as tx:
        await tx.execute("update card_call set next_at = 'infinity' where status = 'OPEN'")
    return till


@pytest_asyncio.fixture
async def till(rita: Customer) -> Till:
    return await open_till(rita)


async def test_a_webhook_lets_the_worker_look_now(till: Till) -> None:
    await till.customer.has_card()
    payment = await till.reserved("top_up:1")
    call = await till.capture("top_up:1")
    await till.do(call, heard=False)
    assert await till.work() == 0, "the worker would look in 20 s"
    assert payment.provider_ref is not None
    answer = await send_webhook(
        till.customer.api, event("payment.captured", payment.provider_ref, payment.provider_ref)
    )
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert (await till.read(payment)).status is PaymentStatus.AUTHORISED, "an event is only a hint"
    assert await till.work() == 1
    assert (await till.read(payment)).captured_minor == 700


async def test_a_webhook_that_comes_again_does_nothing(till: Till, clock: SettableClock) -> None:
    await till.customer.has_card()
    payment = await till.reserved("top_up:1")
    await till.do(await till.capture("top_up:1"), heard=False)
    assert payment.provider_ref is not None
    body = event("payment.authorised", payment.provider_ref, payment.provider_ref)
    before = await till.count_events()
    await send_webhook(till.customer.api, body)
    async with till.rt.db.write() as tx:
        await tx.execute(
            "update card_call set next_at = %(later)s where operator_id = %(operator_id)s",
            {"later": clock.now() + timedelta(hours=1), "operator_id": payment.operator_id},
        )
    for _again in range(3):
        assert (await send_webhook(till.customer.api, body)).status_code == 200
    assert await till.count_events() == before + 1
    assert await till.work() == 0


async def test_only_the_provider_is_believed(till: Till) -> None:
    api, before = till.customer.api, await till.count_events()
    body = event("payment.captured", "pay_1", "pay_1")
    refused = [await send_webhook(api, body, secret="somebody else's")]
    refused.append(await api.client.post("/webhooks/cards/sandbox", content=body))
    refused.append(await api.client.post("/webhooks/cards/sandbox", content=b""))
    refused.append(await send_webhook(api, b'{"id": 5}'))
    refused.append(await send_webhook(api, b"\xff\x00"))
    refused.append(await send_webhook(api, event("payment.captured", "p" * 300)))
    assert {(answer.status_code, answer.text) for answer in refused} == {(400, refused[0].text)}
    assert refused[0].json() == {
        "message": "Validation failed",
        "code": "webhook_refused",
        "errors": [{"error_info": "This is not taken."}],
    }
    for path in ("/webhooks/cards/stripe", "/webhooks/cards", "/webhooks/cards/sandbox/more"):
        assert (await send_webhook(api, body, path=path)).status_code == 404
    assert (await send_webhook(api, b"[" + b" " * 262_144)).status_code == 413
    assert (await api.client.get("/webhooks/cards/sandbox")).status_code == 405
    assert await till.count_events() == before


async def test_an_old_webhook_is_refused(till: Till, clock: SettableClock) -> None:
    api = till.customer.api
    body = event("payment.captured", "pay_1", "pay_1")
    now = clock.now()
    clock.set(now - timedelta(minutes=6))
    signed_then = await send_webhook(api, body)
    assert signed_then.status_code == 200
    signature = sign(WEBHOOK_SECRET, clock.now(), body)
    clock.set(now)
    answer = await api.client.post("/webhooks/cards/sandbox", content=body, headers={"Sandbox-Signature": signature})
    assert answer.status_code == 400


async def test_what_is_not_ours_is_kept_and_ignored(till: Till) -> None:
    before = await till.count_events()
    for body in (event("payment.captured", "pay_x", "pay_x"), event("setup.done", "set_x"), event("new.thing", "x")):
        assert (await send_webhook(till.customer.api, body)).status_code == 200
    assert await till.count_events() == before + 3


async def test_a_dispute_is_looked_at_by_the_worker_once(till: Till) -> None:
    await till.customer.has_card()
    payment = await till.reserved("top_up:1")
    assert payment.provider_ref is not None
    ref = f"dis_{payment.id}"
    body = event("dispute.opened", ref, payment.provider_ref)
    for _again in range(2):
        await send_webhook(till.customer.api, body)
    async with till.rt.db.read() as tx:
        jobs = await tx.tuples(
            "select args from procrastinate_jobs where task_name = 'handle_card_dispute' and args ->> 'dispute_ref' = %(ref)s",
            {"ref": ref},
        )
    assert jobs == [({"operator_id": till.customer.kit.operator.id, "dispute_ref": ref},)]


async def test_old_events_and_set_ups_are_forgotten(till: Till, clock: SettableClock) -> None:
    await till.customer.save_card()
    await send_webhook(till.customer.api, event("new.thing", "old", id="evt_that_gets_old"))

    async def kept() -> list[int]:
        await forget_card_events(till.rt)
        await forget_card_setups(till.rt)
        params = {"operator_id": till.customer.kit.operator.id}
        async with till.rt.db.read() as tx:
            return [
                await tx.scalar("select count(*) from card_event where event_id = 'evt_that_gets_old'"),
                await tx.scalar("select count(*) from card_setup where operator_id = %(operator_id)s", params),
            ]

    clock.advance(days=29)
    assert await kept() == [1, 1]
    clock.advance(days=2)
    assert await kept() == [0, 0]
    assert len(await till.customer.methods()) == 2


STEPS = ("authorised", "captured", "captured of the other", "refunded", "a stranger's", "work", "later")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=14))
def test_any_order_and_number_of_webhooks_ends_the_same(module_database_url: str, steps: list[str]) -> None:
    """One payment's capture and another one's refund were not heard. Whatever is told when, each happens once."""

    async def run() -> None:
        clock = SettableClock()
        db = Database(module_database_url, min_size=1, max_size=4)
        await db.open()
        try:
            rt = Runtime(db=db, clock=clock, hub=Hub(module_database_url), jobs=Jobs())
            with running_sandbox(clock) as sandbox, TemporaryDirectory() as folder:
                async with run_card_api(rt, Path(folder), sandbox) as api:
                    till = await open_till(await make_customer(api, sandbox))
                    await check(till, clock)
        finally:
            await db.close()

    async def check(till: Till, clock: SettableClock) -> None:
        await till.customer.has_card()
        one, other = await till.reserved("top_up:1"), await till.reserved("top_up:2")
        await till.do(await till.capture("top_up:2"), heard=True)
        await till.do(await till.capture("top_up:1"), heard=False)
        await till.do(await till.refund(other), heard=False)
        assert one.provider_ref is not None
        assert other.provider_ref is not None
        bodies = {
            "authorised": event("payment.authorised", one.provider_ref, one.provider_ref),
            "captured": event("payment.captured", one.provider_ref, one.provider_ref),
            "captured of the other": event("payment.captured", other.provider_ref, other.provider_ref),
            "refunded": event("refund.done", f"ref_{other.id}", other.provider_ref),
            "a stranger's": event("payment.captured", "pay_unknown", "pay_unknown"),
        }
        for step in [*steps, *bodies, "work"]:
            if step == "work":
                await till.work()
            elif step == "later":
                clock.advance(seconds=7)
            else:
                assert (await send_webhook(till.customer.api, bodies[step])).status_code == 200
            # At no time is there more in the ledger than at the provider.
            operator_id = till.customer.kit.operator.id
            async with till.rt.db.read() as tx:
                assert await check_ledger(tx, operator_id) == []
                clearing = (await trial_balance(tx, operator_id))[AccountKind.PROVIDER_CLEARING]
            assert -clearing in (700, 500, 1_400, 1_200)
        assert (await till.read(one)).captured_minor == 700
        assert (await till.read(other)).refunded_minor == 200
        assert till.customer.sandbox.totals(operator_id).net_minor == -clearing == 1_200

    asyncio.run(run())
