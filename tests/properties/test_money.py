"""Random histories of money, with everything that can go wrong on the way to a card, beside a naive model.

Real store, real use cases, a real provider on a socket. Every step is checked by `Audit`; in the end everything is
settled, and then nothing may be in transit, owed by who can pay, reserved, or different at the provider.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from isotope.card_sandbox.webhooks import sign
from isotope.domain.payments import (
    CardsUnclear,
    PayDebt,
    Reconcile,
    SetAutoTopUp,
    TopUp,
    collect_debt,
    collect_debts,
    follow_disputes,
    pay_debt,
    reconcile,
    record_dispute,
    resolve_call,
    resolve_card_calls,
    set_auto_topup,
    take_card_event,
    top_up,
)
from isotope.domain.payments.queries import get_call
from isotope.domain.pricing import Tariff, Tier
from isotope.domain.receipts import number_receipts
from isotope.domain.sharing import (
    EndRide,
    FineRide,
    RefundRide,
    RideRef,
    StartRide,
    end_ride,
    fine_ride,
    refund_ride,
    start_ride,
)
from isotope.domain.sharing.refunds import FineId
from isotope.domain.tenants.model import PaymentSettings, Role, Settings
from isotope.domain.wallet import AccountKind, AddMoney, MoneyKind, add_money, expire_bonus
from isotope.kernel.actor import SECRET_KEY, Actor, rider_actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RideId, VehicleId
from isotope.worker.tasks import JOBS
from tests.kit.cards import WEBHOOK_SECRET
from tests.kit.clock import START
from tests.kit.fleet import HOME
from tests.kit.jobs import queued_jobs
from tests.properties.money_audit import Audit
from tests.properties.money_town import Crash, Obedience, Town, Units, end_what_died, open_town

RIDERS: Final = 2
SUPPORT_LIMIT: Final = 500
JOBS_AT_ONCE: Final = 30
AT_LEAST: Final = 1
AT_MOST: Final = 40

riders = st.integers(0, RIDERS - 1)
amounts = st.one_of(st.integers(1, 50), st.integers(1, 3_000))
# Few of them, so that repetitions are common.
tokens = st.sampled_from("ab")
# Which of some things that there are.
picks = st.integers(0, 11)
# One rider has a card that works, so little is lost if many do not.
card_names = st.sampled_from(
    [
        "ok",
        "ok",
        "declined",
        "insufficient_funds",
        "declined_at_capture",
        "declined_at_capture",
        "charges_decline_after_first",
        "refund_refused",
        "refund_refused",
        "needs_3ds",
        "needs_3ds",
        "timeout",
        "timeout",
    ]
)
mostly = st.sampled_from([True, True, True, False])
units = st.sampled_from(["obeys", "obeys", "obeys", "obeys", "refuses", "silent"])
mishaps = st.sampled_from(["done", "half", "lost", "error", "error_done", "before", "after"])
asked = st.sampled_from(
    ["authorise", "charge", "charge", "capture", "capture", "release", "refund", "refund", "GET calls"]
)
jumps = st.one_of(
    st.integers(1, 90).map(lambda minutes: 60 * minutes),
    st.integers(1, 60),
    st.sampled_from([3_600, 6 * 3_600, 86_400, 5 * 86_400, 21 * 86_400]),
)

UNITS: Final = Units()


class MoneyHistory(RuleBasedStateMachine):
    """Each example has an operator, a provider and a clock of its own."""

    database_url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.is_whole = False
        self.keys: dict[str, tuple[Any, ...]] = {}

    @initialize(
        currency=st.sampled_from(["JPY", "EUR", "KWD"]),
        bonus_days=st.sampled_from([None, 1, 10]),
        tariff=st.builds(
            lambda unlock, minute, rate: Tariff(
                unlock_minor=unlock,
                minute_tiers=(Tier(upto_min=None, price_minor=minute),),
                pause_tiers=(),
                tax_rate=rate,
            ),
            st.integers(0, 400),
            st.integers(0, 30),
            st.sampled_from(["0", "0.1", "0.255"]),
        ),
        reserve=st.sampled_from([0, 200, 1_000, 1_000]),
        names=st.lists(card_names, min_size=RIDERS - 1, max_size=RIDERS - 1),
    )
    def open(self, currency: str, bonus_days: int | None, tariff: Tariff, reserve: int, names: list[str]) -> None:
        payments = PaymentSettings(
            card_required=False,
            authorise_minor=reserve,
            bonus_days=bonus_days,
            top_up_minimum_minor=1,
            support_refund_minor=SUPPORT_LIMIT,
        )
        self.town: Town = self.runner.run(
            open_town(
                self.database_url,
                riders=RIDERS,
                currency=currency,
                tariff=tariff,
                settings=Settings(payments=payments),
                # One always works.
                card_names=["ok", *names],
            )
        )
        UNITS.manner = "obeys"
        self.audit = Audit(self.town, self.runner.run(self.town.look()))
        self.is_whole = True

    # What every step does.

    def act(
        self, call: Callable[..., Any], *args: Any, to_wallet: bool = False, in_order: bool = True, **named: Any
    ) -> Any:
        """Do something with the town, and hold the books against the model: what it returned, or the refusal or crash."""
        self.is_whole = False
        outcome: Any
        try:
            outcome = self.runner.run(call(*args, **named))
        except Refusal as no:
            outcome = no
        except Crash as crash:
            outcome = crash
            self.runner.run(end_what_died())
        seen = self.runner.run(self.town.look())
        self.audit.follow(seen, self.town.clock.now(), to_wallet=to_wallet, in_order=in_order)
        self.is_whole = True
        return outcome

    @property
    def use_case(self) -> tuple[Any, Any]:
        return self.town.rt, self.town.cards

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Where nothing goes wrong, every call to the provider that the step makes is over when it is."""
        calm = self.town.cut_off.cut is None and not self.town.sandbox.has_faults
        before = set(self.audit.seen.calls)
        yield
        if calm:
            for call in self.audit.seen.open_calls:
                waits = call["payment_status"] == "ACTION_REQUIRED"
                assert call["id"] in before or waits or self.audit.card_name(call["card_id"]) == "timeout"

    def has_key(self, key: str, *what: Any) -> bool | None:
        """Whether this key did the same before; None: it did something else."""
        before = self.keys.setdefault(key, what)
        return None if before != what else before is not what

    # Time, and what goes wrong.

    @rule(seconds=jumps)
    def time_passes(self, seconds: int) -> None:
        self.town.clock.advance(seconds=seconds)

    @rule(kind=asked, what=mishaps)
    def something_will_go_wrong(self, kind: str, what: Any) -> None:
        """The next call of a kind is not answered as it should be, or whoever makes the next call dies of it."""
        if what in ("before", "after"):
            self.town.cut_off.cut = what
        else:
            self.town.sandbox.add_fault(kind, what)

    # Riders.

    @rule(rider=riders, name=card_names)
    def save_a_card(self, rider: int, name: str) -> None:
        self.act(self.town.save_card, rider, name)

    @rule(
        rider=riders,
        by_card=st.booleans(),
        seconds=st.integers(0, 5_400),
        unit=units,
        then=st.sampled_from(["jobs", "pay", "fine", "refund", "refund a part"]),
    )
    def ride(self, rider: int, by_card: bool, seconds: int, unit: Obedience, then: str) -> None:
        """From the start to the end, and what often follows."""
        self.start_a_ride(rider, by_card, "obeys")
        self.town.clock.advance(seconds=seconds)
        self.end_a_ride(-1, unit)
        if then == "jobs":
            self.run_jobs(times=1)
        elif then == "pay":
            self.pay_in_many_ways_at_once(rider, 100)
        elif then == "fine" and self.audit.model.bills:
            self.fine(-1, 300, f"fine {len(self.audit.seen.fines)}")
        elif then and self.paid_by_card():
            self.refund_to_a_card(-1, 50 if then == "refund a part" else None, to_wallet=False)

    @rule(rider=riders, by_card=st.sampled_from([True, True, False]), unit=units)
    def start_a_ride(self, rider: int, by_card: bool, unit: Obedience) -> None:
        vehicle = self.runner.run(self.town.find_free_vehicle())
        if vehicle is None:
            return
        kit = self.town.riders[rider]
        usable = self.audit.usable_cards(rider)
        command = StartRide(
            operator=self.town.operator,
            rider_id=kit.id,
            actor=rider_actor(kit.id),
            vehicle_id=vehicle,
            vehicle_nr=None,
            rider_at=HOME,
            payment_method_id=f"card_{usable[-1]}" if by_card and usable else "wallet",
        )
        UNITS.manner = unit
        owes = self.audit.model.purses[rider].money < 0
        with self.undisturbed():
            outcome = self.act(start_ride, *self.use_case, _Nothing(), self.town.services.zones, command)
        UNITS.manner = "obeys"
        # Debt blocks, and nothing but debt.
        assert (isinstance(outcome, Refusal) and outcome.code == "debt_open") is owes

    @precondition(lambda self: self.audit.seen.rides)
    @rule(pick=picks, unit=units)
    def end_a_ride(self, pick: int, unit: Obedience) -> None:
        running = [ride for ride in self.audit.seen.rides.values() if ride["status"] == "ACTIVE"]
        if running:
            UNITS.manner = unit
            with self.undisturbed():
                self.end(running[pick % len(running)])
            UNITS.manner = "obeys"

    def end(self, ride: dict[str, Any]) -> Any:
        self.runner.run(self.town.hear_of(VehicleId(ride["vehicle_id"])))
        who = ride["rider_id"]
        command = EndRide(
            operator=self.town.operator,
            ref=RideRef(operator_id=self.town.operator.id, rider_id=who, ride_id=RideId(ride["id"])),
            actor=rider_actor(who),
            rider_at=HOME,
            rider_at_time=self.town.clock.now(),
        )
        return self.act(end_ride, *self.use_case, self.town.services.zones, command)

    @rule(rider=riders, amount=st.one_of(st.just(500), amounts), token=tokens, times=st.integers(1, 2))
    def top_up(self, rider: int, amount: int, token: str, times: int) -> None:
        """Once or again, with a key that may have been used before for this or another amount."""
        kit = self.town.riders[rider]
        actor = rider_actor(kit.id)
        cause = f"top_up:{actor}:{token}"
        command = TopUp(
            operator=self.town.operator, rider_id=kit.id, amount_minor=amount, actor=actor, idempotency_key=token
        )
        before = len(self.audit.seen.payments)
        first = self.audit.top_ups.setdefault(cause, amount)
        is_known = any(one["cause"] == cause for one in self.audit.seen.payments.values())
        with self.undisturbed():
            for _time in range(times):
                outcome = self.act(top_up, *self.use_case, command)
        is_refused = isinstance(outcome, Refusal) and outcome.code == "idempotency_key_reused"
        assert is_refused is (is_known and amount != first)
        if is_known or self.audit.usable_cards(rider):
            assert len(self.audit.seen.payments) == before + int(not is_known)
        else:
            del self.audit.top_ups[cause]

    @precondition(lambda self: any(purse.money < 0 for purse in self.audit.model.purses))
    @rule(pick=picks)
    def pay_debt(self, pick: int) -> None:
        owing = [nr for nr, purse in enumerate(self.audit.model.purses) if purse.money < 0]
        kit = self.town.riders[owing[pick % len(owing)]]
        with self.undisturbed():
            self.act(
                pay_debt,
                *self.use_case,
                PayDebt(
                    operator=self.town.operator,
                    rider_id=kit.id,
                    actor=rider_actor(kit.id),
                    return_url=self.town.cards.done_url,
                ),
            )

    @rule(rider=riders, amount=amounts)
    def pay_in_many_ways_at_once(self, rider: int, amount: int) -> None:
        """The app pays the debt and tops up, each twice, while the worker collects the debt and looks after calls."""
        town, kit = self.town, self.town.riders[rider]
        actor = rider_actor(kit.id)
        key = f"at_once:{len(self.audit.seen.calls)}"
        pay = PayDebt(operator=town.operator, rider_id=kit.id, actor=actor, return_url=town.cards.done_url)
        add = TopUp(operator=town.operator, rider_id=kit.id, amount_minor=amount, actor=actor, idempotency_key=key)
        self.audit.top_ups[f"top_up:{actor}:{key}"] = amount
        town.cut_off.cut = None

        async def all_of_it() -> None:
            await at_once(
                pay_debt(*self.use_case, pay),
                pay_debt(*self.use_case, pay),
                top_up(*self.use_case, add),
                top_up(*self.use_case, add),
                collect_debt(*self.use_case, town.operator, kit.id, town.operator.currency),
                resolve_card_calls(*self.use_case, town.services.operators),
            )

        self.act(all_of_it, in_order=False)

    @rule(rider=riders, threshold=st.integers(0, 3_000), amount=st.integers(1, 2_000), is_on=mostly)
    def want_automatic_top_ups(self, rider: int, threshold: int, amount: int, is_on: bool) -> None:
        command = SetAutoTopUp(
            operator=self.town.operator,
            rider_id=self.town.riders[rider].id,
            is_on=is_on,
            threshold_minor=threshold,
            amount_minor=amount,
        )
        if not isinstance(self.act(set_auto_topup, *self.use_case, command), Refusal):
            self.audit.auto.pop(rider, None)
            if is_on:
                self.audit.auto[rider] = threshold

    @precondition(lambda self: self.waiting_for_riders())
    @rule(pick=picks, agrees=st.booleans())
    def answer_the_bank(self, pick: int, agrees: bool) -> None:
        """The rider confirms a payment, or does not; our side hears of it later."""
        waiting = self.waiting_for_riders()
        url = waiting[pick % len(waiting)]
        (self.town.sandbox.confirm_3ds if agrees else self.town.sandbox.decline_3ds)(url)

    def waiting_for_riders(self) -> list[str]:
        return [one.confirm_url for one in self.payments_there("requires_action") if one.confirm_url is not None]

    def payments_there(self, status: str) -> list[Any]:
        return [one for one in self.town.sandbox.payments(self.town.operator.id) if one.status == status]

    # Staff.

    @rule(rider=riders, amount=amounts, kind=st.sampled_from(MoneyKind), token=st.one_of(st.none(), tokens))
    def add_money(self, rider: int, amount: int, kind: MoneyKind, token: str | None) -> None:
        command = AddMoney(
            operator=self.town.operator,
            rider_id=self.town.riders[rider].id,
            amount_minor=amount,
            kind=kind,
            actor=SECRET_KEY,
            idempotency_key=token,
        )
        done = False if token is None else self.has_key(f"add:{token}", rider, amount, kind)
        if done is False:
            until = self.audit.bonus_until(self.town.clock.now()) if kind is MoneyKind.BONUS else None
            self.audit.model.give(rider, amount, bonus_until=until)
        outcome = self.act(add_money, self.town.rt, command)
        assert isinstance(outcome, Refusal) is (done is None)

    @precondition(lambda self: self.audit.model.bills)
    @rule(
        pick=picks,
        amount=st.one_of(st.none(), amounts),
        to_wallet=st.booleans(),
        role=st.sampled_from([Role.OWNER, Role.MANAGER, Role.SUPPORT, Role.OPERATOR]),
        token=st.sampled_from("abcdef"),
    )
    def refund(self, pick: int, amount: int | None, to_wallet: bool, role: Role, token: str) -> None:
        """A ride or a fine, by whoever tries, with a key that may have been used."""
        causes = list(self.audit.model.bills)
        self.refund_bill(causes[pick % len(causes)], amount, to_wallet=to_wallet, role=role, token=token)

    @precondition(lambda self: self.paid_by_card())
    @rule(pick=picks, amount=st.one_of(st.none(), st.integers(1, 200)), to_wallet=st.booleans())
    def refund_to_a_card(self, pick: int, amount: int | None, to_wallet: bool) -> None:
        """By who may, of what a card paid."""
        causes = self.paid_by_card()
        token = f"card {len(self.audit.seen.refunds)}"
        self.refund_bill(causes[pick % len(causes)], amount, to_wallet=to_wallet, role=Role.MANAGER, token=token)

    def paid_by_card(self) -> list[str]:
        bills = self.audit.model.bills.items()
        return [cause for cause, bill in bills if bill.paid["card"] > bill.back["card"]]

    def refund_bill(self, cause: str, amount: int | None, *, to_wallet: bool, role: Role, token: str) -> None:
        what, _, number = cause.partition(":")
        fine = self.audit.seen.fines[int(number)] if what == "fine" else None
        bill = self.audit.model.bills[cause]
        wanted = bill.left if amount is None else amount
        command = RefundRide(
            operator=self.town.operator,
            ride_id=RideId(int(number) if fine is None else fine["ride_id"]),
            fine_id=None if fine is None else FineId(int(number)),
            amount_minor=amount,
            reason="Sorry",
            to_wallet=to_wallet,
            role=role,
            actor=Actor("staff:1"),
            key=token,
        )
        before = len(self.audit.seen.refunds)
        is_allowed = role in (Role.OWNER, Role.MANAGER) or (
            role is Role.SUPPORT and bill.total - bill.left + wanted <= SUPPORT_LIMIT
        )
        is_quiet = not bill.pending and not self.audit.is_asked(cause)
        may = is_allowed and is_quiet and 0 < wanted <= bill.left and f"refund:{token}" not in self.keys
        with self.undisturbed():
            outcome = self.act(refund_ride, *self.use_case, command, to_wallet=to_wallet)
        assert len(self.audit.seen.refunds) == before + int(may), outcome
        if may:
            self.keys[f"refund:{token}"] = (cause,)

    @precondition(lambda self: self.audit.model.bills)
    @rule(pick=picks, amount=amounts, token=st.sampled_from("abcd"))
    def fine(self, pick: int, amount: int, token: str) -> None:
        ended = [ride["id"] for ride in self.audit.seen.rides.values() if ride["status"] == "ENDED"]
        command = FineRide(
            operator=self.town.operator,
            ride_id=RideId(ended[pick % len(ended)]),
            amount_minor=amount,
            reason="On the rails",
            role=Role.OWNER,
            actor=Actor("staff:1"),
            key=token,
        )
        done = self.has_key(f"fine:{token}", command.ride_id, amount)
        before = len(self.audit.seen.fines)
        with self.undisturbed():
            outcome = self.act(fine_ride, *self.use_case, command)
        assert isinstance(outcome, Refusal) is (done is None)
        assert len(self.audit.seen.fines) == before + int(done is False)

    # The bank.

    @precondition(lambda self: self.payments_there("captured"))
    @rule(pick=picks, part=st.one_of(st.none(), st.integers(1, 100)), ends=st.booleans(), won=st.booleans())
    def dispute(self, pick: int, part: int | None, ends: bool, won: bool) -> None:
        """A payment is disputed, or a dispute ends; our side hears of it later."""
        refs = self.disputes_there()
        if ends and refs:
            self.town.sandbox.end_dispute(refs[pick % len(refs)], won=won)
            return
        recorded = {one["provider_ref"] for one in self.audit.seen.payments.values() if one["captured_minor"]}
        moved = self.town.sandbox.movements(self.town.operator.id)
        disputed = {one.payment_ref for one in moved if one.kind == "DISPUTED"}
        payments = [
            one
            for one in self.payments_there("captured")
            if one.ref in recorded - disputed and one.captured_minor > one.refunded_minor
        ]
        if payments:
            payment = payments[pick % len(payments)]
            left = payment.captured_minor - payment.refunded_minor
            self.town.sandbox.dispute(payment.ref, None if part is None else min(part, left))

    def disputes_there(self) -> list[str]:
        rows = self.town.sandbox._rows(
            "select id from dispute where merchant = :merchant order by rowid", merchant=str(self.town.operator.id)
        )
        return [row["id"] for row in rows]

    @precondition(lambda self: self.town.sandbox.sent_webhooks)
    @rule(order=st.lists(picks, min_size=1, max_size=6))
    def notices_come(self, order: list[int]) -> None:
        """Some of the latest, in any order, again or not at all."""
        self.act(self.take_notices, order)

    async def take_notices(self, order: list[int]) -> None:
        bodies = [one.body for one in self.town.sandbox.sent_webhooks][::-1]
        now = self.town.clock.now()
        for number in order if bodies else ():
            body = bodies[number % len(bodies)]
            headers = {"sandbox-signature": sign(WEBHOOK_SECRET, now, body)}
            await take_card_event(*self.use_case, headers, body)

    # The worker.

    @rule(task=st.sampled_from(["calls", "calls", "calls_at_once", "debts", "jobs", "jobs_twice", "bonus"]))
    def the_worker_works(self, task: str) -> None:
        match task:
            case "calls":
                self.look_after_calls()
            case "calls_at_once":
                self.town.cut_off.cut = None
                self.act(self.look_after_calls_at_once)
            case "debts":
                self.collect_debts()
            case "jobs" | "jobs_twice":
                self.run_jobs(times=2 if task == "jobs_twice" else 1)
                self.act(number_receipts, self.town.rt)
            case _:
                self.audit.model.end_bonus(self.town.clock.now())
                self.act(expire_bonus, self.town.rt)

    def look_after_calls(self) -> None:
        self.act(resolve_card_calls, *self.use_case, self.town.services.operators)

    async def look_after_calls_at_once(self) -> None:
        """Several workers, and riders who ask what became of their payments."""
        cards, operator = self.town.cards, self.town.operator
        async with self.town.rt.db.read() as tx:
            calls = [await get_call(tx, operator.id, call["id"]) for call in self.audit.seen.open_calls]
        workers = [resolve_card_calls(*self.use_case, self.town.services.operators) for _ in range(2)]
        riders = [resolve_call(*self.use_case, cards.get_provider(), operator, call) for call in calls * 2]
        await at_once(*workers, *riders)

    def collect_debts(self) -> None:
        with self.undisturbed():
            self.act(collect_debts, *self.use_case, self.town.services.operators)

    def run_jobs(self, times: int) -> None:
        """What is due; each once or twice, as after the death of a worker."""
        rt, operator_id = self.town.rt, self.town.operator.id
        for _job in range(JOBS_AT_ONCE):
            due = [
                job
                for job in self.runner.run(queued_jobs(rt, operator_id))
                if job.at is None or job.at <= self.town.clock.now()
            ]
            if not due:
                return
            for _time in range(times):
                outcome = self.act(JOBS[due[0].name], self.town.services, **due[0].args)
            if not isinstance(outcome, Crash):
                self.runner.run(self.forget_job(due[0].id))

    async def forget_job(self, job_id: int) -> None:
        async with self.town.rt.db.write() as tx:
            await tx.execute("delete from procrastinate_jobs where id = %(id)s", {"id": job_id})

    # The end.

    def teardown(self) -> None:
        try:
            if self.is_whole:
                self.settle_everything()
                self.everything_is_settled()
        finally:
            if hasattr(self, "town"):
                self.runner.run(self.town.close())
            self.runner.close()

    def settle_everything(self) -> None:
        """All rides end, the provider works again, and the worker goes on until there is nothing to do."""
        self.town.cut_off.cut = None
        self.town.sandbox.forget_faults()
        self.act(follow_disputes, *self.use_case, self.town.services.operators)
        for nr in range(AT_MOST):
            for ride in list(self.audit.seen.rides.values()):
                if ride["status"] == "ACTIVE":
                    self.end(ride)
            self.look_after_calls()
            self.run_jobs(times=1)
            self.collect_debts()
            over = all(ride["status"] in ("ENDED", "FAILED") for ride in self.audit.seen.rides.values())
            if over and not self.audit.seen.open_calls and nr >= AT_LEAST:
                break
            self.town.clock.advance(hours=2)
        self.act(number_receipts, self.town.rt)

    def everything_is_settled(self) -> None:
        town, seen = self.town, self.audit.seen
        assert seen.open_calls == []
        assert all(standing.in_transit_minor == 0 for standing in seen.standings)
        assert town.sandbox.open_reservations(town.operator.id) == 0
        # Notices of disputes are repeated until they are taken.
        for ref in self.disputes_there():
            self.act(record_dispute, *self.use_case, town.operator, ref)
        assert -self.audit.seen.sums[AccountKind.PROVIDER_CLEARING] == town.sandbox.totals(town.operator.id).net_minor
        assert self.runner.run(self.reconcile()) == []
        # Who has a card that always works owes nothing in the end.
        for nr, rider in enumerate(town.riders):
            cards = [card for card in seen.cards.values() if card["rider_id"] == rider.id]
            newest = max(cards, key=lambda card: int(card["id"]))
            if newest["status"] == "ACTIVE" and self.audit.card_name(newest["id"]) == "ok":
                assert self.audit.model.purses[nr].money >= 0
        self.receipts_say_the_same()

    async def reconcile(self) -> list[Any]:
        period = Reconcile(operator=self.town.operator, since=START, until=self.town.clock.now() + timedelta(hours=1))
        # The provider's records are all asked for at once, and no fault is wanted of them.
        cards = replace(self.town.cards, provider=self.town.sandbox.provider())
        return [difference async for difference in reconcile(self.town.rt, cards, period)]

    def receipts_say_the_same(self) -> None:
        rows = self.runner.run(self.read_receipts())
        by_kind = dict.fromkeys(("RIDE", "FINE", "CREDIT_NOTE"), 0)
        for row in rows:
            by_kind[row["kind"]] += row["total_minor"]
            parts = ("paid_bonus_minor", "paid_balance_minor", "paid_card_minor", "paid_debt_minor")
            assert sum(row[part] for part in parts) == row["total_minor"]
        sums = self.audit.seen.sums
        assert by_kind["RIDE"] + by_kind["FINE"] - by_kind["CREDIT_NOTE"] == (
            sums[AccountKind.REVENUE] + sums[AccountKind.TAX]
        )
        numbers = sorted((row["year"], row["number"]) for row in rows)
        years = {year for year, _number in numbers}
        assert numbers == [
            (year, nr) for year in sorted(years) for nr in range(1, sum(one == year for one, _nr in numbers) + 1)
        ]

    async def read_receipts(self) -> list[dict[str, Any]]:
        async with self.town.rt.db.read() as tx:
            return await tx.dicts(
                "select * from receipt where operator_id = %(operator_id)s", {"operator_id": self.town.operator.id}
            )


async def at_once(*doing: Awaitable[Any]) -> None:
    """All of it, whatever is refused or stays unclear."""
    for outcome in await asyncio.gather(*doing, return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refusal | CardsUnclear):
            raise outcome


class _Nothing:
    """Nobody looks at a map here."""

    def drop(self, operator_id: Any, vehicle_id: Any) -> None:
        pass


def test_any_history_of_money(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Histories(MoneyHistory):
        pass

    Histories.database_url = fresh_database_url
    monkeypatch.setattr("isotope.domain.sharing.usecases.settle_ride.await_word", UNITS.await_outcome)
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
