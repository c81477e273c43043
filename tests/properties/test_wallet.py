"""Random histories of one operator's wallets on the real ledger, beside a naive model that only adds up."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar, LiteralString

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from isotope.domain.tenants.model import PaymentSettings, Settings
from isotope.domain.wallet import (
    MAX_AMOUNT_MINOR,
    AccountKind,
    Charge,
    Charged,
    Difference,
    Entry,
    MoneyKind,
    SettleDebt,
    Standing,
    bonus_expiry,
    charge,
    check_ledger,
    credit_entries,
    expire_bonus,
    get_standing,
    lock_standing,
    post,
    settle_debt,
    trial_balance,
)
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId
from tests.kit.books import Books, open_books
from tests.kit.clock import START, SettableClock

RIDERS = 3
NEVER = datetime.max.replace(tzinfo=UTC)
riders = st.integers(0, RIDERS - 1)
amounts = st.one_of(st.integers(1, 1_000), st.integers(1, MAX_AMOUNT_MINOR))
kinds = st.sampled_from(MoneyKind)
# Few of them, so that repetitions are common.
tokens = st.sampled_from("abcdef")


_LOTS: LiteralString = """
    select remaining_minor from bonus_lot
     where operator_id = %(operator_id)s and rider_id = %(rider_id)s and remaining_minor > 0 order by remaining_minor
"""


class Crash(BaseException):
    """What no code expects."""


@dataclass
class Lot:
    """Some bonus, and when it ends."""

    ends_at: datetime
    left: int


@dataclass
class Purse:
    """What a rider has, kept in the most obvious way."""

    balance: int = 0
    bonus: int = 0
    debt: int = 0
    awaited: int = 0
    lots: list[Lot] = field(default_factory=list)

    def pay(self, total: int, *, on_card: bool = False, from_bonus: bool = True) -> Charged:
        if not from_bonus:
            kept, self.bonus = self.bonus, 0
            paid = self.pay(total, on_card=on_card)
            self.bonus = kept
            return paid
        taken = {"bonus": 0, "balance": 0, "debt": 0}
        if self.bonus >= total:
            taken["bonus"] = total
        elif self.bonus + self.balance >= total:
            taken["bonus"], taken["balance"] = self.bonus, total - self.bonus
        else:
            taken["bonus"], taken["balance"] = self.bonus, self.balance
            taken["debt"] = total - self.bonus - self.balance
        self.spend_lots(taken["bonus"])
        self.bonus -= taken["bonus"]
        self.balance -= taken["balance"]
        if on_card:
            self.awaited += taken["debt"]
            return Charged(bonus_minor=taken["bonus"], balance_minor=taken["balance"], card_minor=taken["debt"])
        self.debt += taken["debt"]
        return Charged(bonus_minor=taken["bonus"], balance_minor=taken["balance"], debt_minor=taken["debt"])

    def spend_lots(self, amount: int) -> None:
        for lot in sorted(self.lots, key=lambda lot: lot.ends_at):
            part = min(lot.left, amount)
            lot.left -= part
            amount -= part

    def end_lots(self, now: datetime) -> int:
        """How much bonus ended."""
        ended = 0
        for lot in self.lots:
            if lot.ends_at <= now:
                ended, lot.left = ended + lot.left, 0
        self.bonus -= ended
        return ended

    def receive(self, amount: int, kind: MoneyKind, ends_at: datetime = NEVER) -> None:
        if kind is MoneyKind.BONUS:
            self.bonus += amount
            self.lots.append(Lot(ends_at, amount))
        elif amount >= self.debt:
            self.balance, self.debt = self.balance + amount - self.debt, 0
        else:
            self.debt -= amount


@dataclass
class Model:
    purses: list[Purse] = field(default_factory=lambda: [Purse() for _ in range(RIDERS)])
    charged: dict[str, Charged] = field(default_factory=dict)
    added: dict[str, tuple[int, int, MoneyKind]] = field(default_factory=dict)
    revenue: int = 0
    tax: int = 0
    given: int = 0
    by_card: int = 0


class WalletHistory(RuleBasedStateMachine):
    """Each example has an operator of its own in the shared test database."""

    database_url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db = Database(self.database_url, max_size=4)
        self.run(self.db.open)
        self.clock = SettableClock()
        self.rt = Runtime(db=self.db, clock=self.clock, hub=Hub(self.database_url), jobs=Jobs())
        self.model = Model()
        self.numbers = count()

    def run(self, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        return self.runner.run(call(*args, **named))

    @initialize(currency=st.sampled_from(["JPY", "EUR", "KWD"]), bonus_days=st.one_of(st.none(), st.integers(1, 5)))
    def open(self, currency: str, bonus_days: int | None) -> None:
        settings = Settings(payments=PaymentSettings(bonus_days=bonus_days))
        self.books: Books = self.run(open_books, self.rt, currency=currency, riders=RIDERS, settings=settings)

    def receive(self, rider: int, amount: int, kind: MoneyKind) -> None:
        ends_at = bonus_expiry(self.books.operator.settings.payments, self.clock.now())
        self.model.purses[rider].receive(amount, kind, ends_at or NEVER)

    @rule(hours=st.integers(1, 100))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    @rule()
    def bonus_ends(self) -> None:
        self.run(expire_bonus, self.rt)
        for purse in self.model.purses:
            self.model.given -= purse.end_lots(self.clock.now())

    @rule(rider=riders, amount=amounts, kind=kinds)
    def add_money(self, rider: int, amount: int, kind: MoneyKind) -> None:
        self.run(self.books.add, amount, kind, rider=self.books.riders[rider])
        self.receive(rider, amount, kind)
        self.model.given += amount

    @rule(rider=riders, amount=st.integers(1, 3), kind=kinds, key=tokens)
    def add_money_with_a_key(self, rider: int, amount: int, kind: MoneyKind, key: str) -> None:
        wanted = (rider, amount, kind)
        before = self.model.added.setdefault(key, wanted)
        is_first = before is wanted
        if before != wanted:
            with pytest.raises(Refusal, match="idempotency_key_reused"):
                self.run(self.books.add, amount, kind, rider=self.books.riders[rider], key=key)
            return
        added = self.run(self.books.add, amount, kind, rider=self.books.riders[rider], key=key)
        assert added.is_new is is_first
        if is_first:
            self.receive(rider, amount, kind)
            self.model.given += amount

    @rule(rider=riders, total=st.one_of(st.just(0), amounts), tax_part=st.integers(0, 100))
    def charge_a_ride(self, rider: int, total: int, tax_part: int) -> None:
        tax = total * tax_part // 100
        charged = self.run(self.books.charge, total, tax_minor=tax, rider=self.books.riders[rider])
        self.expect_charged(rider, total, tax, charged)

    @rule(rider=riders, total=amounts, from_bonus=st.booleans())
    def charge_what_a_card_is_to_pay(self, rider: int, total: int, from_bonus: bool) -> None:
        named = {"on_card": True, "from_bonus": from_bonus}
        charged = self.run(self.books.charge, total, rider=self.books.riders[rider], **named)
        assert charged == self.model.purses[rider].pay(total, **named)
        self.model.revenue += total

    @rule(rider=riders)
    def the_card_pays_all_that_is_awaited(self, rider: int) -> None:
        purse = self.model.purses[rider]
        if awaited := purse.awaited:
            self.run(
                self.books.post,
                Entry(kind=AccountKind.PROVIDER_CLEARING, amount_minor=-awaited),
                Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=awaited, rider_id=self.books.riders[rider]),
            )
            purse.awaited = 0
            self.model.by_card += awaited

    @rule(rider=riders)
    def the_card_refuses_what_is_awaited(self, rider: int) -> None:
        purse = self.model.purses[rider]
        if awaited := purse.awaited:
            rider_id = self.books.riders[rider]
            self.run(
                self.books.post,
                Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-awaited, rider_id=rider_id),
                Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=awaited, rider_id=rider_id),
            )
            purse.awaited = 0
            purse.debt += awaited

    @rule(rider=riders)
    def debt_is_settled_from_balance(self, rider: int) -> None:
        purse = self.model.purses[rider]
        while purse.balance and purse.debt:
            part = min(purse.balance, purse.debt)
            purse.balance, purse.debt = purse.balance - part, purse.debt - part
        self.run(self.settle, self.books.riders[rider])

    async def settle(self, rider: RiderId) -> None:
        async with self.rt.db.write() as tx:
            await settle_debt(
                tx,
                SettleDebt(
                    operator_id=self.books.operator.id,
                    rider_id=rider,
                    currency=self.books.operator.currency,
                    actor=SYSTEM,
                    cause=f"settle:{next(self.numbers)}",
                    now=self.clock.now(),
                ),
            )

    @rule(rider=riders, amount=amounts)
    def a_card_tops_up(self, rider: int, amount: int) -> None:
        self.run(self.top_up, self.books.riders[rider], amount)
        self.model.purses[rider].receive(amount, MoneyKind.BALANCE)
        self.model.by_card += amount

    async def top_up(self, rider: RiderId, amount: int) -> None:
        async with self.rt.db.write() as tx:
            operator = self.books.operator
            standing = await lock_standing(tx, operator.id, rider, operator.currency)
            clearing = Entry(kind=AccountKind.PROVIDER_CLEARING, amount_minor=-amount)
            await post(tx, self.books.posting(*credit_entries(rider, standing, amount), clearing))

    @rule(rider=riders, total=amounts, token=tokens)
    def charge_a_ride_once_or_again(self, rider: int, total: int, token: str) -> None:
        cause = f"ride:{rider}{token}"
        charged = self.run(self.books.charge, total, rider=self.books.riders[rider], cause=cause)
        if cause in self.model.charged:
            assert charged == self.model.charged[cause]
        else:
            self.expect_charged(rider, total, 0, charged)
            self.model.charged[cause] = charged

    @rule(rider=riders, total=amounts)
    def crash_before_the_commit(self, rider: int, total: int) -> None:
        async def crash() -> None:
            async with self.rt.db.write() as tx:
                await charge(
                    tx,
                    Charge(
                        operator_id=self.books.operator.id,
                        rider_id=self.books.riders[rider],
                        currency=self.books.operator.currency,
                        total_minor=total,
                        tax_minor=0,
                        reason="ride_charged",
                        actor=SYSTEM,
                        cause="ride:crashed",
                        now=START,
                    ),
                )
                raise Crash

        with pytest.raises(Crash):
            self.run(crash)

    def expect_charged(self, rider: int, total: int, tax: int, charged: Charged) -> None:
        assert charged == self.model.purses[rider].pay(total)
        self.model.revenue += total - tax
        self.model.tax += tax

    @invariant()
    def the_ledger_is_what_the_model_says(self) -> None:
        purses = self.model.purses
        standings, sums, differences, lots = self.run(self.read)
        assert lots == [sorted(lot.left for lot in purse.lots if lot.left) for purse in purses]
        assert standings == [
            Standing(
                currency=self.books.operator.currency,
                balance_minor=purse.balance,
                bonus_minor=purse.bonus,
                debt_minor=purse.debt,
                in_transit_minor=-purse.awaited,
            )
            for purse in purses
        ]
        assert sums == {
            "RIDER_BALANCE": sum(purse.balance for purse in purses),
            "RIDER_BONUS": sum(purse.bonus for purse in purses),
            "RIDER_DEBT": -sum(purse.debt for purse in purses),
            "RIDER_IN_TRANSIT": -sum(purse.awaited for purse in purses),
            "RIDER_DEPOSIT": 0,
            "DRIVER_BALANCE": 0,
            "REVENUE": self.model.revenue,
            "TAX": self.model.tax,
            "ADJUSTMENTS": -self.model.given,
            "PROVIDER_CLEARING": -self.model.by_card,
            "CHARGEBACKS": 0,
        }
        assert sum(sums.values()) == 0
        assert differences == []

    async def read(self) -> tuple[list[Standing], dict[AccountKind, int], list[Difference], list[list[int]]]:
        operator = self.books.operator
        async with self.rt.db.read() as tx:
            standings = [await get_standing(tx, operator.id, rider, operator.currency) for rider in self.books.riders]
            lots = [
                [left for (left,) in await tx.tuples(_LOTS, {"operator_id": operator.id, "rider_id": rider})]
                for rider in self.books.riders
            ]
            return standings, await trial_balance(tx, operator.id), await check_ledger(tx, operator.id), lots

    def teardown(self) -> None:
        self.run(self.db.close)
        self.runner.close()


def test_any_history_of_a_wallet(database_url: str) -> None:
    class Histories(WalletHistory):
        pass

    Histories.database_url = database_url
    run_state_machine_as_test(Histories, settings=settings(max_examples=20, stateful_step_count=20, deadline=None))
