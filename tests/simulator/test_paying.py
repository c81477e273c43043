"""People who pay: each card is somebody's, and no card that says no keeps its rider from the next thing to try."""

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from isotope.card_sandbox.cards import CARDS
from isotope.simulator.api import ApiRefused
from isotope.simulator.app import TopUp, Wallet
from isotope.simulator.paying import WALLET, Payer
from isotope.simulator.purse import PURSES, Purse, purse_of

pytestmark = pytest.mark.asyncio


class FakeApp:
    """An account, and cards that pay or do not."""

    def __init__(self, *, balance: int = 0, debt: int = 0) -> None:
        self.balance, self.debt = Decimal(balance), Decimal(debt)
        self.saved: dict[str, str] = {}
        self.chosen = ""
        self.auto = ""
        self.asked: list[str] = []

    async def wallet(self) -> Wallet:
        return Wallet(balance=self.balance, bonus=Decimal(0), debt=self.debt)

    async def add_money(self, amount: str) -> None:
        self.asked.append("coins")
        self.balance += Decimal(amount) - self.debt
        self.debt = Decimal(0)

    async def cards(self) -> list[str]:
        return list(self.saved)

    async def card_page(self) -> str:
        return "page"

    async def choose(self, method: str) -> None:
        self.chosen = method

    async def top_up(self, amount: str, card: str) -> TopUp:
        return self._pay(card, Decimal(amount))

    async def pay_debt(self, card: str) -> TopUp:
        return self._pay(card, self.debt)

    async def look_at_top_up(self, top_up_id: int) -> TopUp:
        return TopUp(top_up_id, "SUCCEEDED")

    async def auto_topup(self, _threshold: str, _amount: str, card: str) -> None:
        self.auto = card

    def _pay(self, card: str, amount: Decimal) -> TopUp:
        name = self.saved.get(card, "")
        self.asked.append(name)
        if not name:
            raise ApiRefused(404, "card_not_found", "", {})
        if "declined" in name or "funds" in name:
            raise ApiRefused(402, "card_declined", "", {})
        self.balance += amount - self.debt
        self.debt = Decimal(0)
        return TopUp(1, "ACTION_REQUIRED", "bank") if name == "needs_3ds" else TopUp(1, "SUCCEEDED")


class FakeBank:
    def __init__(self, app: FakeApp) -> None:
        self.app = app
        self.said: list[bool] = []

    async def save_card(self, _page: str, card: str) -> None:
        if card != "setup_refused":
            self.app.saved[f"card_{len(self.app.saved) + 1}"] = card

    async def confirm(self, _page: str, *, yes: bool) -> None:
        self.said.append(yes)


def payer(app: FakeApp, purse: Purse, seed: int = 1) -> tuple[Payer, Counter[str], FakeBank]:
    events: Counter[str] = Counter()
    bank = FakeBank(app)
    as_app: Any = app
    as_bank: Any = bank
    return Payer(as_app, as_bank, purse, Random(seed), events, {}), events, bank


NO = ApiRefused(402, "card_declined", "", {})


async def test_a_small_crowd_holds_every_card_that_there_is() -> None:
    held = {card for purse in PURSES for card in purse.cards}
    assert held == set(CARDS)
    assert len(PURSES) <= 15, "the default crowd"
    assert purse_of(3) is purse_of(3 + len(PURSES))
    assert any(purse.auto_topup for purse in PURSES)
    assert any(not purse.cards for purse in PURSES)


async def test_a_card_that_works_is_saved_once_and_pays() -> None:
    app = FakeApp()
    rider, events, _bank = payer(app, Purse(cards=("ok",)))
    assert [await rider.means(), await rider.means()] == ["card_1", "card_1"]
    assert (app.saved, app.chosen, app.asked) == ({"card_1": "ok"}, "card_1", [])
    assert not events


async def test_after_a_no_another_card_fills_the_wallet() -> None:
    app = FakeApp()
    rider, events, _bank = payer(app, Purse(cards=("declined", "ok")))
    assert await rider.means() == "card_1"
    assert await rider.card_failed(NO) == WALLET
    assert (app.balance, app.asked) == (Decimal(20), ["declined", "ok"])
    # It pays until it is empty.
    assert await rider.means() == WALLET
    assert dict(events) == {"declined": 2, "topped_up": 1}


async def test_who_has_no_other_card_gives_up_or_brings_coins_and_tries_the_card_again() -> None:
    outcomes = set()
    for seed in range(8):
        app = FakeApp()
        rider, _events, _bank = payer(app, Purse(cards=("insufficient_funds",)), seed)
        assert await rider.means() == "card_1"
        outcomes.add(await rider.card_failed(NO))
        if not app.balance:
            assert await rider.means() == "card_1"
    assert outcomes == {None, WALLET}


async def test_debt_is_paid_before_the_next_ride() -> None:
    app = FakeApp(debt=3)
    rider, _events, _bank = payer(app, Purse(cards=("ok",)))
    assert await rider.means() == "card_1"
    assert (app.debt, app.asked) == (Decimal(0), ["ok"])


async def test_the_bank_is_told_yes_or_no_where_it_asks() -> None:
    app = FakeApp()
    rider, events, bank = payer(app, Purse(cards=("needs_3ds",), confirms=1.0))
    await rider.means()
    assert await rider.card_failed(NO) == WALLET
    assert (bank.said, events["confirmed"]) == ([True], 1)


async def test_a_card_that_cannot_be_saved_is_tried_once() -> None:
    app = FakeApp()
    rider, events, _bank = payer(app, Purse(cards=("setup_refused", "ok")))
    assert [await rider.means(), await rider.means()] == ["card_1", "card_1"]
    assert (list(app.saved.values()), events["declined"]) == (["ok"], 1)


async def test_a_card_that_is_gone_is_saved_anew() -> None:
    app = FakeApp()
    rider, _events, _bank = payer(app, Purse(cards=("ok",)))
    await rider.means()
    app.saved = {"card_9": "old"}
    assert await rider.card_failed(ApiRefused(404, "card_not_found", "", {})) == "card_2"


async def test_a_wallet_that_fills_itself_is_asked_for_once_by_the_card_that_paid() -> None:
    app = FakeApp()
    rider, _events, _bank = payer(app, Purse(cards=("ok_mastercard",), from_wallet=True, auto_topup=True))
    assert await rider.means() == WALLET
    assert (app.auto, app.chosen, app.balance) == ("card_1", WALLET, Decimal(20))


async def test_who_has_no_card_pays_with_coins() -> None:
    app = FakeApp()
    rider, _events, _bank = payer(app, Purse(from_wallet=True))
    assert await rider.means() == WALLET
    assert app.asked == ["coins"]
