"""Random histories of trips: riders, drivers, staff, the clock and cards, in any order, with everything that can go wrong.

Real store, real use cases, a real provider on a socket, a clock that jumps. After every step nobody has skipped a state of
the machine, no trip was accepted by two, no driver is in two, and the books agree; in the end everything is settled, and
then nothing may be in transit, reserved, or different at the provider.
"""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Final

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from isotope.domain.payments import Reconcile, collect_debts, reconcile
from isotope.domain.taxi.machine import CHANGES, role_of
from isotope.domain.taxi.model import OfferStatus, Trip, TripEvent, TripPayment, TripStatus
from isotope.domain.taxi.offers import offer_trip
from isotope.domain.taxi.store import lock_trip
from isotope.domain.taxi.usecases.decline_offer import DeclineOffer, decline_offer
from isotope.domain.taxi.usecases.reach_stop import ReachStop, reach_stop
from isotope.domain.taxi.usecases.set_off import SetOff, set_off
from isotope.domain.taxi.usecases.staff_assign_trip import StaffAssignTrip, staff_assign_trip
from isotope.domain.taxi.usecases.staff_close_trip import StaffCloseTrip, staff_cancel_trip, staff_end_trip
from isotope.domain.taxi.usecases.staff_refund_trip import StaffRefundTrip, staff_refund_trip
from isotope.domain.taxi.usecases.watch_trips import watch_trips
from isotope.domain.tenants.model import Role, Settings, TaxiSettings
from isotope.domain.wallet import MoneyKind
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from tests.kit.cards import running_sandbox
from tests.kit.clock import START, SettableClock
from tests.kit.drivers import HELSINKI, DriverKit
from tests.kit.trips import BETWEEN, TARIFF, THERE, Trips, some_trips
from tests.properties.money_town import Crash, CutOff, end_what_died

S = TripStatus
DRIVERS: Final = 3
ROUNDS: Final = 30
STAFF: Final = Actor("staff:3")

card_names = st.sampled_from(
    ["ok", "ok", "ok", "declined", "declined_at_capture", "charges_decline_after_first", "refund_refused", "timeout"]
)
picks = st.integers(0, 11)
amounts = st.one_of(st.integers(1, 50), st.integers(1, 3_000))
mishaps = st.sampled_from(["done", "half", "lost", "error", "error_done", "before", "after"])
asked = st.sampled_from(["authorise", "charge", "capture", "capture", "release", "refund", "GET calls"])


class TripHistory(RuleBasedStateMachine):
    """Each example has an operator, a rider, three drivers, a provider and a clock of its own."""

    database_url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.is_whole = False
        self.refunds = 0
        self.trips: list[Trip] = []

    @initialize(
        tax_rate=st.sampled_from(["0", "0.1", "0.255"]),
        inclusive=st.booleans(),
        commission=st.sampled_from([0.0, 12.5, 20.0, 100.0]),
        reoffers=st.integers(0, 2),
        name=card_names,
        has_minor=st.sampled_from([1, 1, 600, 20_000]),
    )
    def open(self, tax_rate: str, inclusive: bool, commission: float, reoffers: int, name: str, has_minor: int) -> None:
        tariff = msgspec.structs.replace(TARIFF, tax_rate=tax_rate, tax_inclusive=inclusive)
        taxi = TaxiSettings(reoffers=reoffers, commission_pct=commission)
        self.town = self.runner.run(self.enter(tariff, msgspec.structs.replace(Settings(), taxi=taxi)))
        self.drivers: list[DriverKit] = [self.runner.run(self.town.driver()) for _ in range(DRIVERS)]
        self.card = self.runner.run(self.town.card(name))
        self.runner.run(self.town.add(has_minor))
        self.is_whole = True

    async def enter(self, tariff: Any, chosen: Settings) -> Trips:
        clock = SettableClock()
        db = Database(self.database_url, max_size=8)
        await db.open()
        self.stack, self.cards = AsyncExitStack(), ExitStack()
        self.stack.push_async_callback(db.close)
        rt = Runtime(db=db, clock=clock, hub=Hub(self.database_url), jobs=Jobs())
        sandbox = self.cards.enter_context(running_sandbox(clock))
        town = await self.stack.enter_async_context(some_trips(rt, clock, sandbox, settings=chosen, tariff=tariff))
        self.cut_off = CutOff(sandbox.provider())
        return replace(town, cards=replace(town.cards, provider=self.cut_off))

    def act(self, call: Any) -> Any:
        """What it came to, or the refusal or crash; then everything that must hold holds."""
        self.is_whole = False
        outcome: Any
        try:
            outcome = self.runner.run(call)
        except Refusal as no:
            outcome = no
        except Crash as crash:
            outcome = crash
            self.runner.run(end_what_died())
        self.runner.run(self.holds())
        self.is_whole = True
        return outcome

    async def holds(self) -> None:
        town = self.town
        before = {trip.id: trip for trip in self.trips}
        self.trips = await town.all()
        await town.the_books_agree(settled=False)
        driven = [trip.driver_id for trip in self.trips if trip.status.has_driver]
        assert len(driven) == len(set(driven)), "a driver is in two trips"
        for driver in self.drivers:
            state = await town.state(driver)
            assert (state.idle_since is None) == (driver.id in driven), "busy is who has a trip"
        for trip in self.trips:
            statuses = await town.offers(trip)
            assert statuses.count(OfferStatus.ACCEPTED) <= 1, "two accepted one trip"
            if trip.status.is_final:
                assert OfferStatus.OPEN not in statuses, "a trip that is over is offered"
            was = before.get(trip.id)
            if was is not None and was.status.is_final:
                assert (trip.status, trip.outcome, trip.closed_at) == (was.status, was.outcome, was.closed_at)
            assert was is None or trip.terms == was.terms, "what was agreed has changed"
            assert trip.reoffers <= town.operator.settings.taxi.reoffers
            self.is_a_way(trip, await town.events(trip))

    def is_a_way(self, trip: Trip, events: list[TripEvent]) -> None:
        """Each change stands in the table, and each begins where the one before ended."""
        stood = None
        for nr, event in enumerate(events, 1):
            assert event.nr == nr
            if event.to_status is None:
                continue
            assert event.from_status == stood
            if stood is not None:
                change = (TripStatus(stood), TripStatus(event.to_status))
                assert role_of(event.actor) in CHANGES[change], change
            stood = event.to_status
        assert stood == trip.status

    def one_of(self, pick: int, *statuses: TripStatus) -> Trip | None:
        found = [trip for trip in self.trips if trip.status in statuses]
        return found[pick % len(found)] if found else None

    def its_driver(self, trip: Trip) -> DriverKit:
        return next(driver for driver in self.drivers if driver.id == trip.driver_id)

    # Time, money, and what goes wrong.

    @rule(seconds=st.sampled_from([5, 31, 121, 301, 700, 3_600, 7_300]))
    def time_passes(self, seconds: int) -> None:
        self.town.clock.advance(seconds=seconds)
        self.act(watch_trips(self.town.rt, self.town.cards, self.town.operators))

    @rule(kind=asked, what=mishaps)
    def something_will_go_wrong(self, kind: str, what: Any) -> None:
        if what in ("before", "after"):
            self.cut_off.cut = what
        else:
            self.town.sandbox.add_fault(kind, what)

    @rule(debts=st.booleans())
    def the_worker_looks(self, debts: bool) -> None:
        town = self.town
        self.act(collect_debts(town.rt, town.cards, town.operators) if debts else town.resolve())

    @rule(amount=amounts, kind=st.sampled_from(list(MoneyKind)))
    def the_rider_gets(self, amount: int, kind: MoneyKind) -> None:
        self.act(self.town.add(amount, kind))

    # Riders.

    @rule(
        payment=st.sampled_from(list(TripPayment)),
        in_h=st.sampled_from([None, None, None, 0.6, 3.0]),
        stops=st.integers(0, 2),
    )
    def requests(self, payment: TripPayment, in_h: float | None, stops: int) -> None:
        if sum(not trip.status.is_final for trip in self.trips) < 4:
            card = self.card if payment is TripPayment.CARD else None
            self.act(self.town.request(payment, card=card, in_h=in_h, stops=[BETWEEN] * stops))

    @rule(pick=picks)
    def cancels(self, pick: int) -> None:
        if trip := self.one_of(pick, *S):
            self.act(self.town.cancel(trip))

    # Drivers.

    async def offer(self, trip: Trip, driver: DriverKit) -> Any:
        async with self.town.rt.db.write() as tx:
            locked = await lock_trip(tx, trip.operator_id, trip.id)
            if locked is None or locked.driver_id is not None or locked.status not in (S.REQUESTED, S.SCHEDULED):
                return None
            return await offer_trip(
                tx,
                locked,
                driver.id,
                eta_s=120,
                distance_m=800,
                now=self.town.clock.now(),
                settings=self.town.operator.settings.taxi,
            )

    @rule(pick=picks, answer=st.sampled_from(["accept", "accept", "race", "decline", "nothing"]))
    def is_offered(self, pick: int, answer: str) -> None:
        trip = self.one_of(pick, S.REQUESTED, S.SCHEDULED)
        if trip is None:
            return
        asked_drivers = self.drivers if answer == "race" else [self.drivers[pick % DRIVERS]]
        offers = [self.act(self.offer(trip, driver)) for driver in asked_drivers]
        made = [one for one in offers if one is not None]
        if answer in ("accept", "race") and made:
            self.act(self.all_at_once(*(self.town.take(one) for one in made)))
        elif answer == "decline" and made:
            command = DeclineOffer(operator=self.town.operator, driver_id=made[0].driver_id, offer_id=made[0].id)
            self.act(decline_offer(self.town.rt, command))

    async def all_at_once(self, *calls: Any) -> None:
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for answer in answers:
            assert isinstance(answer, Trip | Refusal), answer

    @rule(
        pick=picks,
        payment=st.sampled_from(list(TripPayment)),
        way=st.sampled_from([(THERE,), (BETWEEN,), (THERE, HELSINKI, THERE)]),
    )
    def a_whole_trip(self, pick: int, payment: TripPayment, way: Any) -> None:
        """By a driver who is free; what is not answered, or goes wrong, is left as it is."""
        busy = {trip.driver_id for trip in self.trips if trip.status.has_driver}
        free = [one for one in self.drivers if one.id not in busy]
        if not free or sum(not trip.status.is_final for trip in self.trips) >= 4:
            return
        town, driver = self.town, free[pick % len(free)]
        trip = self.act(town.request(payment, card=self.card if payment is TripPayment.CARD else None))
        if not isinstance(trip, Trip) or trip.status is not S.REQUESTED:
            return
        self.act(town.at(driver, HELSINKI, step_s=20))
        self.act(town.accept(trip, driver))
        for step in (town.arrive, town.start):
            self.act(step(trip, driver))
        self.act(town.at(driver, *way, step_s=150))
        self.act(town.end(trip, driver))

    @rule(pick=picks)
    def sets_off(self, pick: int) -> None:
        found = [trip for trip in self.trips if trip.status is S.SCHEDULED and trip.driver_id is not None]
        if found:
            trip = found[pick % len(found)]
            command = SetOff(operator=self.town.operator, driver_id=self.its_driver(trip).id, trip_id=trip.id)
            self.act(set_off(self.town.rt, command))

    @rule(pick=picks)
    def arrives(self, pick: int) -> None:
        if trip := self.one_of(pick, S.ACCEPTED, S.ACCEPTED, S.ARRIVED):
            driver = self.its_driver(trip)
            self.act(self.town.at(driver, HELSINKI, step_s=20))
            self.act(self.town.arrive(trip, driver))

    @rule(pick=picks, stop=st.booleans())
    def starts(self, pick: int, stop: bool) -> None:
        if trip := self.one_of(pick, S.ARRIVED):
            driver = self.its_driver(trip)
            self.act(self.town.start(trip, driver))
            if stop:
                command = ReachStop(operator=self.town.operator, driver_id=driver.id, trip_id=trip.id, nr=1)
                self.act(reach_stop(self.town.rt, command))

    @rule(pick=picks, way=st.sampled_from([(), (THERE,), (BETWEEN,), (THERE, HELSINKI, THERE, HELSINKI)]))
    def ends(self, pick: int, way: Any) -> None:
        if trip := self.one_of(pick, S.STARTED):
            driver = self.its_driver(trip)
            if way:
                self.act(self.town.at(driver, *way, step_s=150))
            self.act(self.all_at_once(self.ended(trip, driver), self.ended(trip, driver)))

    async def ended(self, trip: Trip, driver: DriverKit) -> Trip:
        try:
            return await self.town.end(trip, driver)
        except Crash:
            return trip

    @rule(pick=picks, part=st.sampled_from([0.0, 0.5, 1.0]))
    def is_given_cash(self, pick: int, part: float) -> None:
        due = [trip for trip in self.trips if trip.cash_due_minor]
        if due:
            trip = due[pick % len(due)]
            self.act(self.town.cash(trip, self.its_driver(trip), round(trip.cash_due_minor * part)))

    @rule(pick=picks, reason=st.sampled_from(["flat tyre", "no_show"]))
    def gives_up(self, pick: int, reason: str) -> None:
        found = [trip for trip in self.trips if trip.driver_id is not None]
        if found:
            trip = found[pick % len(found)]
            self.act(self.town.give_up(trip, self.its_driver(trip), reason))

    # Staff.

    @rule(pick=picks, how=st.sampled_from(["assign", "cancel", "end"]))
    def staff_act(self, pick: int, how: str) -> None:
        trip = self.one_of(pick, *S)
        if trip is None:
            return
        town = self.town
        if how == "assign":
            self.act(
                staff_assign_trip(
                    town.rt,
                    StaffAssignTrip(
                        operator=town.operator,
                        role=Role.OPERATOR,
                        trip_id=trip.id,
                        driver_id=self.drivers[pick % DRIVERS].id,
                        actor=STAFF,
                    ),
                )
            )
            return
        what = StaffCloseTrip(operator=town.operator, role=Role.OWNER, trip_id=trip.id, reason="Asked", actor=STAFF)
        close = staff_cancel_trip if how == "cancel" else staff_end_trip
        self.act(close(town.rt, town.cards, what))

    @rule(pick=picks, amount=st.one_of(st.none(), amounts), to_wallet=st.booleans())
    def is_refunded(self, pick: int, amount: int | None, to_wallet: bool) -> None:
        trip = self.one_of(pick, S.ENDED, S.CANCELED)
        if trip is None:
            return
        self.refunds += 1
        self.act(
            staff_refund_trip(
                self.town.rt,
                self.town.cards,
                StaffRefundTrip(
                    operator=self.town.operator,
                    role=Role.OWNER,
                    trip_id=trip.id,
                    amount_minor=amount,
                    reason="Sorry",
                    to_wallet=to_wallet,
                    actor=STAFF,
                    key=f"refund {self.refunds}",
                ),
            )
        )

    @precondition(lambda self: self.is_whole)
    @rule()
    def nothing(self) -> None:
        """So that there is always a rule."""

    # The end.

    def teardown(self) -> None:
        try:
            if self.is_whole:
                self.runner.run(self.settle())
        finally:
            if hasattr(self, "stack"):
                self.cards.close()
                self.runner.run(self.stack.aclose())
            self.runner.close()

    async def settle(self) -> None:
        town = self.town
        self.cut_off.cut = None
        for _ in range(ROUNDS):
            town.clock.advance(minutes=15)
            for trip in await town.all():
                if trip.status is S.STARTED:
                    await self.quietly(town.end(trip, self.its_driver(trip)))
                elif not trip.status.is_final:
                    await self.quietly(town.cancel(trip, actor=STAFF))
            await self.quietly(watch_trips(town.rt, town.cards, town.operators))
            await self.quietly(town.resolve())
            if not await self.is_anything_open():
                break
        assert not await self.is_anything_open()
        await self.holds()
        await town.the_books_agree()
        assert town.sandbox.open_reservations(town.operator.id) == 0
        period = Reconcile(operator=town.operator, since=START, until=town.clock.now() + timedelta(hours=1))
        assert [difference async for difference in reconcile(town.rt, town.cards, period)] == []

    async def quietly(self, call: Any) -> None:
        try:
            await call
        except (Refusal, Crash):
            await end_what_died()

    async def is_anything_open(self) -> bool:
        trips = await self.town.all()
        if any(not trip.status.is_final or trip.cash_due_minor or trip.card_pending_minor for trip in trips):
            return True
        async with self.town.rt.db.read() as tx:
            return bool(
                await tx.scalar(
                    "select count(*) from card_call where operator_id = %(operator_id)s and status = 'OPEN'",
                    {"operator_id": self.town.operator.id},
                )
            )


def test_any_history_of_trips(fresh_database_url: str) -> None:
    class Histories(TripHistory):
        pass

    Histories.database_url = fresh_database_url
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
