"""Random histories of bookings, with everything that can go wrong on the way to a card.

Real store, real use cases, a real provider on a socket, a clock that jumps. After every step ledger, charges, refunds,
receipts and deposits say the same; in the end everything is settled, and then nothing may be in transit, reserved, kept,
or different at the provider.
"""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from msgspec.structs import replace as changed

from isotope.domain.payments import PaymentStatus, Reconcile, reconcile
from isotope.domain.rental.methods import paying_card
from isotope.domain.rental.model import Booking, BookingStatus, CancelTier, ChargeKind, ChargeStatus, DepositStatus
from isotope.domain.rental.paying import parts_left
from isotope.domain.wallet import MoneyKind
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from tests.kit.cards import running_sandbox
from tests.kit.clock import START, SettableClock
from tests.kit.rentals import RENTAL_TARIFF
from tests.kit.renters import Renter, a_renter
from tests.properties.money_town import Crash, CutOff, end_what_died

ROUNDS: Final = 40

card_names = st.sampled_from(
    [
        "ok",
        "ok",
        "ok",
        "declined",
        "charges_decline_after_first",
        "declined_at_capture",
        "refund_refused",
        "needs_3ds",
        "needs_3ds",
        "timeout",
    ]
)
amounts = st.one_of(st.integers(1, 50), st.integers(1, 9_000), st.just(20_000))
picks = st.integers(0, 11)
mostly = st.sampled_from([True, True, True, False])
mishaps = st.sampled_from(["done", "half", "lost", "error", "error_done", "before", "after"])
asked = st.sampled_from(["authorise", "charge", "charge", "capture", "release", "refund", "refund", "GET calls"])
jumps = st.sampled_from([30, 600, 3_600, 6 * 3_600, 26 * 3_600])


class RentalHistory(RuleBasedStateMachine):
    """Each example has an operator, a rider, a provider and a clock of its own."""

    database_url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.is_whole = False
        self.claims = 0

    @initialize(
        deposit_minor=st.sampled_from([0, 3_000, 3_000]),
        early_pct=st.sampled_from([0, 50, 100]),
        fee_pct=st.sampled_from([0, 33, 100]),
        tax_rate=st.sampled_from(["0", "0.1", "0.255"]),
        inclusive=st.booleans(),
        name=card_names,
        has_minor=st.sampled_from([1, 1, 6_000, 20_000]),
    )
    def open(
        self,
        deposit_minor: int,
        early_pct: int,
        fee_pct: int,
        tax_rate: str,
        inclusive: bool,
        name: str,
        has_minor: int,
    ) -> None:
        tariff = changed(
            RENTAL_TARIFF,
            deposit_minor=deposit_minor,
            early_return_pct=early_pct,
            cancel=(CancelTier(before_min=600, fee_pct=0), CancelTier(before_min=0, fee_pct=fee_pct)),
            no_show_pct=fee_pct,
            late_fee_minor=700,
            tax_rate=tax_rate,
            tax_inclusive=inclusive,
        )
        self.renter: Renter = self.runner.run(self.enter(tariff))
        self.runner.run(self.renter.card(name))
        self.runner.run(self.renter.add(has_minor))
        self.is_whole = True

    async def enter(self, tariff: Any) -> Renter:
        clock = SettableClock()
        db = Database(self.database_url, max_size=8)
        await db.open()
        self.stack, self.cards = AsyncExitStack(), ExitStack()
        self.stack.push_async_callback(db.close)
        rt = Runtime(db=db, clock=clock, hub=Hub(self.database_url), jobs=Jobs())
        sandbox = self.cards.enter_context(running_sandbox(clock))
        renter = await self.stack.enter_async_context(a_renter(rt, clock, sandbox, tariff=tariff))
        self.cut_off = CutOff(sandbox.provider())
        return replace(renter, cards=replace(renter.cards, provider=self.cut_off))

    def act(self, call: Any) -> Any:
        """What it came to, or the refusal or crash; then the books agree."""
        self.is_whole = False
        outcome: Any
        try:
            outcome = self.runner.run(call)
        except Refusal as no:
            outcome = no
        except Crash as crash:
            outcome = crash
            self.runner.run(end_what_died())
        self.runner.run(self.renter.the_books_agree(settled=False))
        self.bookings: list[Booking] = self.runner.run(self.renter.all())
        self.is_whole = True
        return outcome

    bookings: list[Booking] = []  # noqa: RUF012 - replaced, never changed

    def one_of(self, pick: int, *statuses: BookingStatus) -> Booking | None:
        found = [one for one in self.bookings if one.status in statuses]
        return found[pick % len(found)] if found else None

    # Time, and what goes wrong.

    @rule(seconds=jumps)
    def time_passes(self, seconds: int) -> None:
        self.renter.clock.advance(seconds=seconds)
        self.act(self.renter.watch())

    @rule(kind=asked, what=mishaps)
    def something_will_go_wrong(self, kind: str, what: Any) -> None:
        """The next call of a kind is not answered as it should be, or whoever makes the next call dies of it."""
        if what in ("before", "after"):
            self.cut_off.cut = what
        else:
            self.renter.sandbox.add_fault(kind, what)

    @rule(debts=st.booleans())
    def the_worker_looks(self, debts: bool) -> None:
        self.act(self.renter.collect() if debts else self.renter.resolve())

    # Money, cards.

    @rule(amount=amounts, kind=st.sampled_from(["card", "bonus", "balance"]), name=card_names)
    def the_rider_gets(self, amount: int, kind: str, name: str) -> None:
        if kind == "card":
            self.act(self.renter.card(name))
        else:
            self.act(self.renter.add(amount, MoneyKind.BONUS if kind == "bonus" else MoneyKind.BALANCE))

    @rule(yes=mostly)
    def the_rider_answers_the_bank(self, yes: bool) -> None:
        for one in self.renter.sandbox.payments(self.renter.operator.id):
            if one.status == "requires_action" and one.confirm_url is not None:
                answer = self.renter.sandbox.confirm_3ds if yes else self.renter.sandbox.decline_3ds
                answer(one.confirm_url)
        self.act(self.renter.resolve())

    # Bookings.

    @rule(
        in_h=st.sampled_from([0.02, 1, 8, 30]),
        hours=st.sampled_from([1, 5, 26, 50]),
        by_wallet=st.booleans(),
        allow_debt=st.sampled_from([False, False, False, True]),
        owes=st.booleans(),
    )
    def books(self, in_h: float, hours: float, by_wallet: bool, allow_debt: bool, owes: bool) -> None:
        method_id = "wallet" if by_wallet else None
        more: dict[str, Any] = {"allow_debt": allow_debt, "skip_wallet_check": owes}
        self.act(self.renter.book(in_h=in_h, hours=hours, method_id=method_id, **more))

    @rule(
        hours=st.sampled_from([1, 5, 26]),
        by_wallet=st.booleans(),
        drives_h=st.sampled_from([0, 0.5, 6, 30]),
        claim=st.sampled_from([0, 1_000, 9_000]),
    )
    def a_whole_trip(self, hours: float, by_wallet: bool, drives_h: float, claim: int) -> None:
        """Booked, picked up and driven; brought back by another rule, or now."""
        booked = self.act(
            self.renter.book(in_h=0.02, hours=hours, method_id="wallet" if by_wallet else None, skip_wallet_check=True)
        )
        if not isinstance(booked, Booking) or booked.status is not BookingStatus.UPCOMING:
            return
        self.renter.clock.set(booked.starts_at)
        out = self.act(self.renter.pick_up(booked))
        if isinstance(out, Booking) and out.status is BookingStatus.ACTIVE and drives_h:
            self.renter.clock.advance(hours=drives_h)
            self.act(self.renter.end(out))
            if claim:
                self.claim(out, claim, None)

    @rule(pick=picks, hours=st.sampled_from([1, 7, 20]))
    @precondition(lambda self: self.bookings)
    def extends(self, pick: int, hours: float) -> None:
        booking = self.one_of(pick, BookingStatus.UPCOMING, BookingStatus.ACTIVE)
        if booking is not None:
            self.act(self.renter.extend(booking, hours))

    @rule(pick=picks, by_staff=st.booleans())
    @precondition(lambda self: self.bookings)
    def cancels(self, pick: int, by_staff: bool) -> None:
        booking = self.one_of(pick, *BookingStatus)
        if booking is not None:
            self.act(self.renter.cancel_by_staff(booking) if by_staff else self.renter.cancel(booking))

    @rule(pick=picks)
    @precondition(lambda self: self.bookings)
    def picks_up(self, pick: int) -> None:
        booking = self.one_of(pick, BookingStatus.UPCOMING)
        if booking is not None:
            if self.renter.clock.now() < booking.starts_at:
                self.renter.clock.set(booking.starts_at)
            self.act(self.renter.pick_up(booking))

    @rule(pick=picks)
    @precondition(lambda self: self.bookings)
    def brings_back(self, pick: int) -> None:
        booking = self.one_of(pick, BookingStatus.ACTIVE)
        if booking is not None:
            self.act(self.renter.end(booking))

    @rule(pick=picks, amount=st.integers(1, 6_000), by_card=st.booleans())
    @precondition(lambda self: self.bookings)
    def staff_claim(self, pick: int, amount: int, by_card: bool) -> None:
        booking = self.one_of(pick, BookingStatus.ENDED)
        if booking is not None:
            self.claim(booking, amount, self.runner.run(self.card_of(booking)) if by_card else None)

    def claim(self, booking: Booking, amount: int, card: Any) -> None:
        self.claims += 1
        more = {"reason": "A scratch", "key": str(self.claims)}
        self.act(self.renter.ask(booking, ChargeKind.CLAIM, amount, card, **more))

    @rule(pick=picks, which=picks, part=st.sampled_from([1, 50, 100]), to_wallet=st.booleans())
    @precondition(lambda self: self.bookings)
    def staff_refund(self, pick: int, which: int, part: int, to_wallet: bool) -> None:
        booking = self.one_of(pick, *BookingStatus)
        assert booking is not None
        charges = self.runner.run(self.renter.charges(booking))
        refunds = self.runner.run(self.renter.refunds(booking))
        charge = charges[which % len(charges)]
        left = parts_left(charge, [one for one in refunds if one.charge_id == charge.id]).total_minor
        amount = left * part // 100
        if charge.status is ChargeStatus.PAID and amount:
            self.act(self.renter.refund(charge, amount, to_wallet=to_wallet))

    async def card_of(self, booking: Booking) -> Any:
        async with self.renter.rt.db.read() as tx:
            return await paying_card(tx, self.renter.cards, booking)

    # The end.

    def teardown(self) -> None:
        try:
            if self.is_whole:
                self.settle_all()
                self.everything_is_settled()
        finally:
            if hasattr(self, "stack"):
                self.runner.run(self.stack.aclose())
                self.cards.close()
            self.runner.close()

    def settle_all(self) -> None:
        """Nothing goes wrong any more, and everybody does what is to be done."""
        self.cut_off.cut = None
        self.renter.sandbox.forget_faults()
        self.renter = replace(self.renter, cards=replace(self.renter.cards, provider=self.renter.sandbox.provider()))
        for _ in range(ROUNDS):
            self.renter.clock.advance(hours=3)
            self.act(self.renter.resolve())
            self.act(self.renter.watch())
            for booking in self.bookings:
                if booking.status is BookingStatus.ACTIVE:
                    self.act(self.renter.end(booking))
            if not self.is_anything_open():
                return

    def is_anything_open(self) -> bool:
        waits = {DepositStatus.ASKED, DepositStatus.HELD, DepositStatus.ENDING}
        if any(one.is_open or one.deposit_status in waits for one in self.bookings):
            return True
        return bool(self.runner.run(self.count_open_calls()))

    async def count_open_calls(self) -> int:
        async with self.renter.rt.db.read() as tx:
            return int(
                await tx.scalar(
                    "select count(*) from card_call where operator_id = %(operator_id)s and status = 'OPEN'",
                    {"operator_id": self.renter.operator.id},
                )
            )

    def everything_is_settled(self) -> None:
        assert not self.is_anything_open()
        self.runner.run(self.renter.the_books_agree())
        assert self.renter.sandbox.open_reservations(self.renter.operator.id) == 0
        assert self.runner.run(self.reconcile()) == []
        for booking in self.bookings:
            self.runner.run(self.one_is_settled(booking))

    async def one_is_settled(self, booking: Booking) -> None:
        charges = await self.renter.charges(booking)
        assert all(one.status is not ChargeStatus.PENDING for one in charges)
        # A deposit never gives more than is claimed, and what was not booked costs nothing.
        asked_for = sum(one.total_minor for one in charges if one.status is ChargeStatus.PAID)
        assert booking.deposit_captured_minor <= asked_for
        if booking.status is BookingStatus.UNPAID:
            refunds = await self.renter.refunds(booking)
            assert asked_for == sum(one.amount_minor for one in refunds)
        for payment in await self.renter.payments(booking.deposit_cause):
            assert payment.status not in (PaymentStatus.AUTHORISING, PaymentStatus.AUTHORISED)

    async def reconcile(self) -> list[Any]:
        now = self.renter.clock.now()
        period = Reconcile(operator=self.renter.operator, since=START, until=now + timedelta(hours=1))
        return [difference async for difference in reconcile(self.renter.rt, self.renter.cards, period)]


def test_any_history_of_bookings(fresh_database_url: str) -> None:
    class Histories(RentalHistory):
        pass

    Histories.database_url = fresh_database_url
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
