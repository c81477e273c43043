"""What driving costs and gives back: deposits, what comes up by the return, more time, nobody coming."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest
from msgspec.structs import replace

from isotope.card_sandbox import Fault
from isotope.domain.payments import WALLET
from isotope.domain.rental.model import BookingStatus, ChargeKind, ChargeStatus
from isotope.domain.rental.usecases.extend_booking import quote_extension
from isotope.infra.runtime import Runtime
from tests.kit.cards import SandboxKit, make_card, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.drives import Town, a_town
from tests.kit.refusals import refused
from tests.kit.rentals import RENTAL_TARIFF

pytestmark = pytest.mark.asyncio

DEPOSIT: Final = 20_000
TARIFF: Final = replace(
    RENTAL_TARIFF,
    included_km_per_day=50,
    km_minor=30,
    energy_tolerance_pct=10,
    energy_pct_minor=20,
    energy_service_minor=500,
    late_fee_minor=1_000,
)


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


async def drive(town: Town, hours: float, *, km: int = 0, energy_pct: int = 80) -> None:
    town.clock.advance(hours=hours)
    await town.unit.report(odometer_m=town.unit.odometer_m + km * 1_000, battery_pct=energy_pct)


async def test_what_came_up_is_charged_in_one(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        await town.give(10_000)
        booking = await town.book(hours=4, tariff=TARIFF)
        await town.pick_up(booking)
        await drive(town, 5, km=80, energy_pct=40)
        ended = await town.bring_back(booking)
        [charge] = await town.charges(booking)
        assert charge.kind is ChargeKind.SETTLEMENT
        assert {line.code: line.amount_minor for line in charge.lines} == {
            "rental_km": 30 * 30,
            "rental_late": 1_500,
            "rental_late_fee": 1_000,
            "rental_energy": 30 * 20,
            "rental_energy_service": 500,
        }
        assert charge.total_minor == charge.charged_balance_minor == 4_500
        assert (await town.standing()).balance_minor == 5_500
        assert ended.status is BookingStatus.ENDED
        await town.books_agree()


async def test_what_nobody_pays_is_debt(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(hours=4, tariff=TARIFF)
        await town.pick_up(booking)
        await drive(town, 3, km=150)
        await town.bring_back(booking)
        [charge] = await town.charges(booking)
        assert (charge.status, charge.debt_minor) == ("PAID", 3_000)
        assert (await town.standing()).debt_minor == 3_000
        await town.books_agree()


async def test_unused_time_comes_back_by_the_terms(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        await town.give(10_000)
        booking = await town.book(hours=8 + 24, tariff=replace(TARIFF, early_return_pct=50))
        await town.buy(booking)
        assert (await town.standing()).balance_minor == 2_000
        await town.pick_up(booking)
        await drive(town, 20)
        await town.bring_back(booking)
        # Two days were booked, one was used: half of the other.
        assert (await town.standing()).balance_minor == 4_000
        await town.books_agree()


@pytest.mark.parametrize(("pct", "left"), [(100, 6_000), (50, 8_000), (0, 10_000)])
async def test_nobody_came(rt: Runtime, clock: SettableClock, pct: int, left: int) -> None:
    async with a_town(rt, clock) as town:
        await town.give(10_000)
        booking = await town.book(in_min=30, hours=24, tariff=replace(TARIFF, no_show_pct=pct))
        await town.buy(booking)
        clock.advance(minutes=91)
        await town.beat()
        await town.worker()
        await town.worker()
        assert (await town.find(booking)).status is BookingStatus.NO_SHOW
        assert (await town.standing()).balance_minor == left
        await town.books_agree()


async def test_whoever_found_no_vehicle_has_all_back(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        await town.give(10_000)
        booking = await town.book(in_min=30, hours=24)
        await town.buy(booking)
        await town.unit.report(battery_pct=3)
        clock.advance(minutes=91)
        await town.worker()
        assert (await town.find(booking)).outcome == "no_vehicle"
        assert (await town.standing()).balance_minor == 10_000
        await town.books_agree()


async def test_the_wallet_keeps_a_deposit_until_it_was_looked_at(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(hours=4, deposit_minor=DEPOSIT)
        with refused("deposit_too_high"):
            await town.pick_up(booking)
        assert (await town.find(booking)) == booking
        await town.give(25_000)
        assert (await town.pick_up(booking)).deposit_status == "HELD"
        assert (await town.standing()).balance_minor == 5_000
        await drive(town, 3)
        ended = await town.bring_back(booking)
        assert ended.inspect_until == clock.now() + timedelta(hours=24)
        clock.advance(hours=23)
        await town.worker()
        assert (await town.standing()).balance_minor == 5_000
        clock.advance(hours=1)
        await town.worker()
        assert (await town.standing()).balance_minor == 25_000
        let_go = await town.find(booking)
        assert (let_go.deposit_status, let_go.next_at) == ("RELEASED", None)
        await town.books_agree()


async def test_a_deposit_pays_what_was_left_owed(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        await town.give(DEPOSIT)
        booking = await town.book(hours=4, deposit_minor=DEPOSIT, tariff=TARIFF)
        await town.pick_up(booking)
        await drive(town, 3, km=150)
        await town.bring_back(booking)
        assert (await town.standing()).debt_minor == 3_000
        clock.advance(hours=25)
        await town.worker()
        standing = await town.standing()
        assert (standing.debt_minor, standing.balance_minor) == (0, DEPOSIT - 3_000)
        kept = await town.find(booking)
        assert (kept.deposit_status, kept.deposit_captured_minor) == ("CAPTURED", 3_000)
        await town.books_agree()


async def test_a_card_keeps_a_deposit(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> None:
    async with a_town(rt, clock, sandbox=sandbox) as town:
        card = await make_card(rt, town.kit.operator, town.rider, sandbox, "ok")
        booking = await town.book(hours=4, deposit_minor=DEPOSIT, tariff=TARIFF, method=card.method_id)
        await town.pick_up(booking)
        assert sandbox.open_reservations(town.kit.operator.id) == DEPOSIT
        await drive(town, 3)
        await town.bring_back(booking)
        clock.advance(hours=25)
        await town.worker()
        assert sandbox.open_reservations(town.kit.operator.id) == 0
        assert (await town.find(booking)).deposit_status == "RELEASED"
        await town.books_agree()


async def test_a_card_that_keeps_no_deposit_lets_nobody_drive(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit
) -> None:
    async with a_town(rt, clock, sandbox=sandbox) as town:
        card = await make_card(rt, town.kit.operator, town.rider, sandbox, "declined")
        booking = await town.book(hours=4, deposit_minor=DEPOSIT, method=card.method_id)
        for _again in range(2):
            with refused("card_declined"):
                await town.pick_up(booking)
            left = await town.find(booking)
            assert (left.status, left.order_kind, left.deposit_status) == ("UPCOMING", None, "REFUSED")
            assert town.unit.commands == []
        await town.books_agree()


async def test_a_bank_that_answers_late_has_reserved_for_the_next_try(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit
) -> None:
    async with a_town(rt, clock, sandbox=sandbox) as town:
        card = await make_card(rt, town.kit.operator, town.rider, sandbox, "ok")
        booking = await town.book(hours=4, deposit_minor=DEPOSIT, method=card.method_id)
        sandbox.add_fault("authorise", "done")
        with refused("card_no_answer"):
            await town.pick_up(booking)
        with refused("card_no_answer"):
            await town.pick_up(booking)
        for _look in range(3):
            clock.advance(minutes=2)
            await town.beat()
            await town.worker()
        assert (await town.find(booking)).deposit_status == "HELD"
        assert (await town.pick_up(booking)).status is BookingStatus.ACTIVE
        assert sandbox.open_reservations(town.kit.operator.id) == DEPOSIT


@pytest.mark.parametrize("fault", ["done", "lost"])
async def test_a_deposit_of_nobody_who_came_is_let_go(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit, fault: Fault
) -> None:
    async with a_town(rt, clock, sandbox=sandbox) as town:
        card = await make_card(rt, town.kit.operator, town.rider, sandbox, "ok")
        booking = await town.book(hours=4, deposit_minor=DEPOSIT, method=card.method_id)
        sandbox.add_fault("authorise", fault)
        with refused("card_no_answer"):
            await town.pick_up(booking)
        # Days later the worker hears of both at once.
        clock.advance(days=2)
        for _look in range(3):
            await town.worker()
            clock.advance(minutes=2)
        assert not (await town.find(booking)).is_open
        assert sandbox.open_reservations(town.kit.operator.id) == 0
        await town.books_agree()


async def test_more_time_is_paid_as_the_difference(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        await town.give(10_000)
        booking = await town.book(hours=2)
        await town.buy(booking)
        quoted = await quote_extension(rt, town.extension(booking, 1))
        assert quoted.price.total_minor == 1_000
        assert quoted.latest_end == booking.starts_at + timedelta(days=30)
        extended = await town.extend(booking, 1)
        assert extended.booking.ends_at == booking.ends_at + timedelta(hours=1)
        assert (await town.spoken_for(booking))[1] == booking.ends_at + timedelta(hours=1, minutes=30)
        # From the fourth hour on a day is cheaper.
        await town.extend(extended.booking, 4)
        assert (await town.standing()).balance_minor == 6_000
        assert [one.total_minor for one in await town.charges(booking)] == [2_000, 1_000, 1_000]
        await town.books_agree()


async def test_more_time_ends_where_the_next_booking_begins(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        await town.give(10_000)
        booking = await town.book(hours=2)
        following = await town.book(in_min=300, hours=2)
        with refused("extension_too_long") as told:
            await town.extend(booking, 3)
        latest = following.starts_at - timedelta(minutes=30)
        assert told.it.details == {"latest_end": int(latest.timestamp())}
        assert (await town.extend(booking, 2.5)).booking.ends_at == latest


async def test_more_time_is_not_had_on_debt(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(hours=2)
        with refused("extension_unaffordable"):
            await town.extend(booking, 1)
        assert await town.find(booking) == booking
        assert await town.charges(booking) == []


async def test_more_time_that_a_card_does_not_pay_is_taken_back(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit
) -> None:
    async with a_town(rt, clock, sandbox=sandbox) as town:
        await town.give(300)
        card = await make_card(rt, town.kit.operator, town.rider, sandbox, "declined")
        booking = await town.book(hours=2, method=card.method_id)
        with refused("card_declined"):
            await town.extend(booking, 1)
        left = await town.find(booking)
        assert left.ends_at == booking.ends_at
        assert (await town.spoken_for(booking))[1] == booking.ends_at + timedelta(minutes=30)
        assert (await town.standing()).balance_minor == 300
        [charge] = await town.charges(booking)
        assert charge.status is ChargeStatus.FAILED
        await town.books_agree()


@pytest.mark.parametrize("agrees", [True, False])
@pytest.mark.parametrize("returned", ["not yet", "in time", "used"])
async def test_more_time_counts_while_the_bank_asks(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit, agrees: bool, returned: str
) -> None:
    async with a_town(rt, clock, sandbox=sandbox) as town:
        card = await make_card(rt, town.kit.operator, town.rider, sandbox, "needs_3ds")
        booking = await town.book(hours=2, method=card.method_id)
        await town.pick_up(booking)
        extended = await town.extend(booking, 2, return_url="https://app.example/back")
        assert extended.redirect_url is not None
        assert extended.booking.ends_at == booking.ends_at + timedelta(hours=2)
        with refused("booking_busy"):
            await town.extend(extended.booking, 1)
        if returned != "not yet":
            await drive(town, 1 if returned == "in time" else 3)
            await town.bring_back(booking)
        (sandbox.confirm_3ds if agrees else sandbox.decline_3ds)(extended.redirect_url)
        for _look in range(3):
            clock.advance(minutes=2)
            await town.worker()
        left = await town.find(booking)
        kinds = {one.kind: one for one in await town.charges(booking)}
        assert kinds[ChargeKind.EXTENSION].status == ("PAID" if agrees else "FAILED")
        if returned == "not yet":
            assert left.ends_at == (extended.booking if agrees else booking).ends_at
        # Time that was used is owed, whoever pays it.
        owed = returned == "used" and not agrees
        assert (await town.standing()).debt_minor == (2_000 if owed else 0)
        assert (ChargeKind.CLAIM in kinds) is owed
        await town.books_agree()


async def test_two_extensions_at_once_are_one_after_the_other(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        await town.give(10_000)
        booking = await town.book(hours=2)
        done = await asyncio.gather(*(town.extend(booking, 1) for _ in range(4)), return_exceptions=True)
        assert sum(not isinstance(one, BaseException) for one in done) == 1
        assert (await town.standing()).balance_minor == 9_000
        assert booking.payment_method_id == WALLET


@pytest.mark.parametrize("agrees", [True, False])
async def test_a_deposit_that_the_bank_asks_its_holder_about(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit, agrees: bool
) -> None:
    async with a_town(rt, clock, sandbox=sandbox) as town:
        card = await make_card(rt, town.kit.operator, town.rider, sandbox, "needs_3ds")
        booking = await town.book(hours=4, deposit_minor=DEPOSIT, method=card.method_id)
        with refused("deposit_to_confirm") as asked:
            await town.pick_up(booking, return_url="https://app.example/back")
        page = str(asked.it.details["redirect_url"])
        with refused("deposit_to_confirm") as again:
            await town.pick_up(booking, return_url="https://app.example/back")
        assert again.it.details["redirect_url"] == page
        (sandbox.confirm_3ds if agrees else sandbox.decline_3ds)(page)
        clock.advance(seconds=3)
        if agrees:
            assert (await town.pick_up(booking, return_url="https://app.example/back")).deposit_status == "HELD"
        else:
            # It is asked for anew, on another page.
            with refused("deposit_to_confirm") as anew:
                await town.pick_up(booking, return_url="https://app.example/back")
            assert anew.it.details["redirect_url"] != page
        await town.books_agree()
