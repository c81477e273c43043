"""Subscriptions over HTTP: what can be bought, buying by wallet and card, what is left, cancelling, the books."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest_asyncio

from isotope.domain.payments import Reconcile, Reconciled, reconcile
from isotope.domain.pricing.model import Quota
from isotope.domain.subscriptions import PlanDraft, PlanId, PlanSpec, upsert_plan
from isotope.domain.wallet import AddMoney, MoneyKind, add_money, check_ledger
from isotope.kernel.actor import SECRET_KEY
from tests.kit.card_api import Customer
from tests.kit.clock import START, SettableClock
from tests.kit.fleet import make_fleet

SPEC = PlanSpec(
    price_minor=2_490,
    days=30,
    limits="daily",
    quota=Quota(unlocks=2, ride_min=30),
    pct=20,
    tax_rate="0.255",
    description="Two rides a day",
)
UNIX = int(START.timestamp())
DAY = 86_400


@pytest_asyncio.fixture
async def plan_id(rita: Customer) -> PlanId:
    async with rita.api.services.rt.db.write() as tx:
        return await upsert_plan(tx, rita.kit.operator.id, PlanDraft(ref="commuter", title="Commuter", spec=SPEC))


async def add(rita: Customer, amount_minor: int) -> None:
    what = AddMoney(
        operator=rita.kit.operator,
        rider_id=rita.rider.id,
        amount_minor=amount_minor,
        kind=MoneyKind.BALANCE,
        actor=SECRET_KEY,
    )
    await add_money(rita.api.services.rt, what)


async def own(rita: Customer) -> list[Any]:
    found: list[Any] = (await rita.ok("get-subscriptions"))["subscriptions"]
    return found


async def agree(rita: Customer) -> None:
    """Ledger, calls and provider say the same."""
    services, operator = rita.api.services, rita.kit.operator
    counted = Reconciled()

    def count(so_far: Reconciled) -> None:
        nonlocal counted
        counted = so_far

    what = Reconcile(operator=operator, since=START - timedelta(days=1), until=START + timedelta(days=400))
    assert [one async for one in reconcile(services.rt, services.cards, what, count)] == []
    assert counted.provider_minor == counted.ledger_minor
    async with services.rt.db.read() as tx:
        assert await check_ledger(tx, operator.id) == []


async def test_what_can_be_bought(rita: Customer, plan_id: PlanId) -> None:
    fleet = await make_fleet(rita.api.services.rt, rita.kit.operator, 1)
    other = msgspec.structs.replace(SPEC, price_minor=990, models=("another",), limits="whole", renews=False)
    async with rita.api.services.rt.db.write() as tx:
        other_id = await upsert_plan(tx, rita.kit.operator.id, PlanDraft(ref="other", title="Other", spec=other))
    shown = await rita.ok("get-subscription-plans")
    assert [plan["plan_id"] for plan in shown["plans"]] == [other_id, plan_id]
    fitting = await rita.ok("get-subscription-plans", {"model_id": fleet.model_id})
    assert fitting["plans"] == [
        {
            "plan_id": plan_id,
            "title": "Commuter",
            "description": "Two rides a day",
            "price": 24.9,
            "currency_code": "EUR",
            "days": 30,
            "limits": "DAILY",
            "quota": {"unlocks": 2, "ride_minutes": 30, "pause_minutes": 0, "km": 0},
            "discount_percent": 20,
            "model_ids": [],
            "renews": True,
        }
    ]
    assert await rita.refused("get-subscription-plans", {"model_id": 1 << 40}) == (404, "model_not_found")


async def test_bought_from_the_wallet(rita: Customer, plan_id: PlanId) -> None:
    await add(rita, 3_000)
    bought = await rita.ok("buy-subscription", {"plan_id": plan_id, "payment_method_id": "wallet"}, once="one")
    assert bought == {
        "subscription_id": bought["subscription_id"],
        "plan_id": plan_id,
        "title": "Commuter",
        "status": "ACTIVE",
        "is_usable": True,
        "reason": None,
        "redirect_url": None,
        "price": 24.9,
        "currency_code": "EUR",
        "payment_method_id": "wallet",
        "bought_at": UNIX,
        "period_start": UNIX,
        "period_end": UNIX + 30 * DAY,
        "limits": "DAILY",
        "quota": {"unlocks": 2, "ride_minutes": 30, "pause_minutes": 0, "km": 0},
        "quota_left": {"unlocks": 2, "ride_minutes": 30, "pause_minutes": 0, "km": 0},
        "resets_at": UNIX + DAY,
        "discount_percent": 20,
        "model_ids": [],
        "renews": True,
        "renews_at": UNIX + 30 * DAY,
        "renewal_price": 24.9,
        "cancelled_at": None,
    }
    # The same key is the same answer; without it, it runs already.
    assert await rita.ok("buy-subscription", {"plan_id": plan_id, "payment_method_id": "wallet"}, once="one") == bought
    assert await rita.refused("buy-subscription", {"plan_id": plan_id}) == (409, "subscription_running")
    assert await own(rita) == [bought]
    assert (await rita.ok("get-user-data"))["user_balance"] == 5.1
    [receipt] = (await rita.ok("get-receipts", {"page_length": 20}))["receipts"]
    assert (receipt["kind"], receipt["total"]) == ("SUBSCRIPTION", 24.9)
    [newest, *_others] = (await rita.ok("get-wallet-entries", {"page_length": 20}))["entries"]
    assert (newest["reason"], newest["title"], newest["balance"]) == ("subscription", "Subscription", -24.9)
    await agree(rita)


async def test_bought_by_card(rita: Customer, plan_id: PlanId) -> None:
    card = await rita.has_card()
    await add(rita, 490)
    bought = await rita.ok("buy-subscription", {"plan_id": plan_id, "payment_method_id": card})
    assert (bought["status"], bought["payment_method_id"]) == ("ACTIVE", card)
    assert rita.sandbox.totals(rita.kit.operator.id).captured_minor == 2_000
    await agree(rita)


async def test_a_declined_card_is_402_and_nothing_is_bought(rita: Customer, plan_id: PlanId) -> None:
    card = await rita.has_card("insufficient_funds")
    await add(rita, 490)
    answer = await rita.post("buy-subscription", {"plan_id": plan_id, "payment_method_id": card}, once="one")
    assert (answer.status_code, answer.json()["code"]) == (402, "card_declined")
    assert answer.json()["details"] == {"reason": "insufficient_funds"}
    again = await rita.post("buy-subscription", {"plan_id": plan_id, "payment_method_id": card}, once="one")
    assert (again.status_code, again.json()) == (402, answer.json())
    assert len(rita.sandbox.payments(rita.kit.operator.id)) == 1
    [failed] = await own(rita)
    assert (failed["status"], failed["reason"], failed["is_usable"]) == ("FAILED", "insufficient_funds", False)
    assert (await rita.ok("get-user-data"))["user_balance"] == 4.9
    assert await rita.refused("get-receipts", {"page_length": 20}) == (200, "")
    await agree(rita)


async def test_the_bank_wants_the_rider_to_confirm(rita: Customer, plan_id: PlanId) -> None:
    card = await rita.has_card("needs_3ds")
    body = {"plan_id": plan_id, "payment_method_id": card}
    waiting = await rita.ok("buy-subscription", body)
    assert (waiting["status"], waiting["is_usable"], waiting["bought_at"]) == ("PENDING", False, None)
    assert waiting["redirect_url"] is not None
    assert await rita.ok("buy-subscription", body) == waiting
    await rita.come_back(rita.sandbox.confirm_3ds(waiting["redirect_url"]))
    [bought] = await own(rita)
    assert (bought["status"], bought["redirect_url"], bought["is_usable"]) == ("ACTIVE", None, True)
    assert len(rita.sandbox.payments(rita.kit.operator.id)) == 1
    await agree(rita)


async def test_no_money_no_plan_no_method(rita: Customer, plan_id: PlanId) -> None:
    await add(rita, 100)
    answer = await rita.post("buy-subscription", {"plan_id": plan_id, "payment_method_id": "wallet"})
    assert (answer.status_code, answer.json()["code"]) == (402, "subscription_unaffordable")
    assert answer.json()["message"].startswith("Your wallet has 1.00 EUR; this subscription costs 24.90 EUR.")
    assert await rita.refused("buy-subscription", {"plan_id": 1 << 40}) == (404, "plan_not_found")
    body = {"plan_id": plan_id, "payment_method_id": "cash"}
    assert await rita.refused("buy-subscription", body) == (409, "unknown_payment_method")
    assert await own(rita) == []


async def test_a_cancelled_one_runs_to_its_end(rita: Customer, plan_id: PlanId, clock: SettableClock) -> None:
    await add(rita, 3_000)
    bought = await rita.ok("buy-subscription", {"plan_id": plan_id, "payment_method_id": "wallet"})
    clock.advance(hours=1)
    body = {"subscription_id": bought["subscription_id"]}
    cancelled = await rita.ok("cancel-subscription", body)
    expected = {"renews": False, "renews_at": None, "renewal_price": None, "cancelled_at": UNIX + 3_600}
    assert cancelled == bought | expected
    clock.advance(hours=1)
    assert await rita.ok("cancel-subscription", body) == cancelled


async def test_of_others_nothing_is_known(rita: Customer, plan_id: PlanId) -> None:
    await add(rita, 3_000)
    bought = await rita.ok("buy-subscription", {"plan_id": plan_id, "payment_method_id": "wallet"})
    other = await rita.another()
    assert await own(other) == []
    body = {"subscription_id": bought["subscription_id"]}
    assert await other.refused("cancel-subscription", body) == (404, "subscription_not_found")
    assert (await own(rita))[0]["renews"]


async def test_many_taps_buy_once(rita: Customer, plan_id: PlanId) -> None:
    card = await rita.has_card()
    body = {"plan_id": plan_id, "payment_method_id": card}
    answers = await asyncio.gather(*(rita.post("buy-subscription", body) for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)
    assert len(await own(rita)) == 1
    assert rita.sandbox.totals(rita.kit.operator.id).captured_minor == 2_490
    await agree(rita)
