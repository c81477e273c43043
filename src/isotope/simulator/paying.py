"""How one rider comes by the money for a ride: by card, from a wallet that a card fills, or with coins at the desk.

Who meets a card that does not pay does what people do: takes another one, fills the wallet from it and rides from
there; has coins at hand, sometimes; or gives up for now and tries again after a rest.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from decimal import Decimal
from random import Random
from typing import Final

from isotope.simulator.api import ApiRefused
from isotope.simulator.app import App, TopUp
from isotope.simulator.bank import Bank
from isotope.simulator.purse import Purse

WALLET: Final = "wallet"
CARD_FAILED: Final = frozenset({"card_declined", "card_no_answer"})
CARD_GONE: Final = frozenset({"card_not_found", "unknown_payment_method"})
_TOP_UP: Final = "20.00"
_LOW: Final = Decimal(5)
_AUTO_BELOW: Final = "8.00"
_HAS_COINS: Final = 0.25
_SETTLED: Final = frozenset({"SUCCEEDED", "FAILED"})
# A provider that did not answer is asked again by the system after 20 s.
_LOOKS: Final = 12
_LOOK_EVERY_S: Final = 5.0
_UNAUTHORIZED: Final = 401


class Payer:
    """A rider's means and habits.

    Args:
        saved: `payment_method_id` by the name of the card, from before a restart.
        events: counted there: `topped_up`, `declined`, `confirmed`, `gave_up`, `coins`.
    """

    def __init__(
        self, app: App, bank: Bank, purse: Purse, rng: Random, events: Counter[str], saved: dict[str, str]
    ) -> None:
        self.saved = dict(saved)
        self._app, self._bank, self._purse, self._rng = app, bank, purse, rng
        self._events = events
        self._from_wallet = purse.from_wallet
        self._is_auto = False
        self._not_saved: set[str] = set()

    async def means(self) -> str | None:
        """What is to pay the next ride, as `payment_method_id` says it; None: the rider has nothing to pay with."""
        wallet = await self._app.wallet()
        if wallet.debt > 0 and not await self._pay_debt():
            return None
        if not self._from_wallet:
            card = await self._first_card()
            if card is not None:
                return card
        if wallet.balance + wallet.bonus >= _LOW and wallet.debt == 0:
            return WALLET
        return await self._filled()

    async def card_failed(self, no: ApiRefused) -> str | None:
        """After a start that was refused because of the card: what else is to pay, if anything."""
        if no.code in CARD_GONE:
            await self._look_at_cards()
            return await self.means()
        self._events["declined"] += 1
        # The wallet pays until it is empty; then the card gets another chance.
        self._from_wallet = True
        wallet = await self._app.wallet()
        return WALLET if wallet.balance + wallet.bonus >= _LOW else await self._filled()

    async def _filled(self) -> str | None:
        """Fill the wallet from the first card that pays."""
        for name in self._purse.cards:
            card = await self._card(name)
            if card is not None and await self._paid(self._app.top_up(_TOP_UP, card)):
                self._events["topped_up"] += 1
                await self._fill_by_itself(card)
                return WALLET
        self._from_wallet = self._purse.from_wallet
        return await self._coins()

    async def _pay_debt(self) -> bool:
        """From the first card that pays. Whoever cannot pay may find that the system collected it meanwhile."""
        for name in self._purse.cards:
            card = await self._card(name)
            if card is not None and await self._paid(self._app.pay_debt(card)):
                return True
        return (await self._app.wallet()).debt == 0 or await self._coins() is not None

    async def _coins(self) -> str | None:
        if self._purse.cards and self._rng.random() >= _HAS_COINS:
            self._events["gave_up"] += 1
            return None
        await self._app.add_money(_TOP_UP)
        self._events["coins"] += 1
        return WALLET

    async def _paid(self, asked: Awaitable[TopUp]) -> bool:
        """Whether a payment came about; the bank is told yes or no where it asks."""
        try:
            payment = await asked
        except ApiRefused as no:
            if no.status == _UNAUTHORIZED:
                raise
            if no.code in CARD_GONE:
                await self._look_at_cards()
            self._events["declined"] += no.code in CARD_FAILED
            return no.code == "no_debt"
        if payment.page is not None:
            yes = self._rng.random() < self._purse.confirms
            await self._bank.confirm(payment.page, yes=yes)
            self._events["confirmed"] += yes
            payment = await self._app.look_at_top_up(payment.id)
        for _ in range(_LOOKS):
            if payment.status in _SETTLED:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
            payment = await self._app.look_at_top_up(payment.id)
        return payment.status == "SUCCEEDED"

    async def _first_card(self) -> str | None:
        for name in self._purse.cards:
            if (card := await self._card(name)) is not None:
                return card
        return None

    async def _card(self, name: str) -> str | None:
        """The saved card; if there is none, it is saved now. None: the provider did not save it."""
        if name in self._not_saved:
            return None
        if name not in self.saved:
            before = set(await self._app.cards())
            await self._bank.save_card(await self._app.card_page(), name)
            new = [card for card in await self._app.cards() if card not in before]
            if not new:
                self._events["declined"] += 1
                self._not_saved.add(name)
                return None
            self.saved[name] = new[0]
            await self._app.choose(WALLET if self._purse.from_wallet else new[0])
        return self.saved[name]

    async def _look_at_cards(self) -> None:
        """Forget what is not there any more: a disputed card pays nothing again."""
        there = set(await self._app.cards())
        self.saved = {name: card for name, card in self.saved.items() if card in there}

    async def _fill_by_itself(self, card: str) -> None:
        if self._purse.auto_topup and not self._is_auto:
            await self._app.auto_topup(_AUTO_BELOW, _TOP_UP, card)
            self._is_auto = True
