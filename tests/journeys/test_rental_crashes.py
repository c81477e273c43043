"""API, worker and gateway are killed with SIGKILL at every step of pick-up and return, and of what time does to bookings.

After a restart every booking has one outcome: picked up once and returned once, its deposit kept and let go once, its
vehicle free or put aside, and the ledger in balance.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final

import pytest

from isotope.domain.devices import await_outcome, expire_due_commands
from isotope.domain.payments import WALLET, list_usable_cards
from isotope.domain.rental.model import Booking, RentalTariff
from isotope.domain.wallet import AddMoney, MoneyKind, add_money, check_ledger, get_standing
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY
from isotope.kernel.errors import Refusal
from tests.journeys.kit.crashing import Crasher, Died, Plan, running_crasher
from tests.journeys.test_ride_crashes import as_the_same, free_port, logged_in
from tests.kit.cards import SandboxKit, make_card, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.devices import FakeUnit, Manner
from tests.kit.drives import Town, a_town
from tests.kit.rentals import RENTAL_TARIFF

pytestmark = pytest.mark.asyncio

GIVEN: Final = 100_000
DEPOSIT: Final = 20_000
# 50 km beyond what is included.
KM_TARIFF: Final = RentalTariff(
    rates=RENTAL_TARIFF.rates, tax_rate="0.255", included_km_per_day=50, km_minor=30, deposit_minor=DEPOSIT
)
OWED: Final = 1_500
WRITE = ("writing", "written")

Before = Callable[[Town], Awaitable[tuple[Booking, Mapping[str, Any]]]]


async def a_booking(town: Town) -> tuple[Booking, Mapping[str, Any]]:
    """That begins now."""
    booking = await town.book(tariff=KM_TARIFF, deposit_minor=DEPOSIT, method=await method_of(town))
    return booking, {"booking_id": booking.id}


async def method_of(town: Town) -> str:
    """The rider's card, if there is one."""
    async with town.rt.db.read() as tx:
        cards = await list_usable_cards(tx, town.cards, town.kit.operator.id, town.rider.id)
    return cards[0].method_id if cards else WALLET


async def a_drive(town: Town) -> tuple[Booking, Mapping[str, Any]]:
    """Back at its station, after 100 km in three hours."""
    booking, args = await a_booking(town)
    await town.pick_up(booking)
    town.clock.advance(hours=3)
    await town.unit.report(odometer_m=town.unit.odometer_m + 100_000)
    return booking, args


async def nobody(town: Town) -> tuple[Booking, Mapping[str, Any]]:
    """Who booked did not come."""
    booking, args = await a_booking(town)
    await town.worker()
    town.clock.advance(minutes=61)
    await town.beat()
    return booking, args


def whose_process_is_gone(before: Before, ask: Callable[[Town, Booking], Awaitable[Any]]) -> Before:
    """The unit has answered, and nobody recorded what it makes of the booking: the worker will."""

    async def made(town: Town) -> tuple[Booking, Mapping[str, Any]]:
        booking, args = await before(town)
        town.unit.manner = Manner.NEVER
        known = len(town.unit.commands)
        asking = asyncio.ensure_future(ask(town, booking))
        command = await town.unit.command(after=known)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        town.unit.manner = Manner.OBEY
        await town.unit.finish(command)
        await commands_are_over(town)
        return booking, {**args, "command_id": int(command.command_id)}

    return made


@dataclass(frozen=True, slots=True)
class Walk:
    """A use case and the steps it comes to, from its first transaction to its last, and what was before."""

    use: str
    steps: tuple[str, ...]
    before: Before


WALKS = {
    # Order it and wait, then record it.
    "pick_up": Walk("pick_up", (*WRITE, *WRITE), a_booking),
    "return": Walk("return_vehicle", (*WRITE, *WRITE), a_drive),
    # The worker dies too.
    "settle_pick_up": Walk(
        "settle_order", WRITE, whose_process_is_gone(a_booking, lambda town, booking: town.pick_up(booking))
    ),
    "settle_return": Walk(
        "settle_order", WRITE, whose_process_is_gone(a_drive, lambda town, booking: town.bring_back(booking))
    ),
    "no_show": Walk("watch_booking", WRITE, nobody),
}
EVERY_STEP = [
    pytest.param(walk, nr, id=f"{name}-{nr}-{step}")
    for name, walk in WALKS.items()
    for nr, step in enumerate(walk.steps)
]
ASK = ("sent", "answered", *WRITE)
# With a card, which keeps the deposit and pays what came up.
CARD_WALKS = {
    # Ask for the deposit, order and wait, record it.
    "pick_up": Walk("pick_up", (*WRITE, *ASK, *WRITE, *WRITE), a_booking),
    # Order and wait, record it, ask for what is owed.
    "return": Walk("return_vehicle", (*WRITE, *WRITE, *ASK), a_drive),
}
EVERY_CARD_STEP = [
    pytest.param(walk, nr, id=f"{name}-{nr}-{step}")
    for name, walk in CARD_WALKS.items()
    for nr, step in enumerate(walk.steps)
]


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock, hang_s=60.0) as running:
        yield running


@pytest.fixture(scope="module")
def crasher() -> Iterator[Crasher]:
    with running_crasher() as running:
        yield running


async def run(
    town: Town,
    crasher: Crasher,
    use: str,
    args: Mapping[str, Any],
    die_at: int | None,
    folder: Path,
    sandbox: SandboxKit | None = None,
) -> Died:
    return await crasher.run(
        Plan(
            use=use,
            die_at=die_at,
            database_url=town.rt.db.url,
            sandbox_url="" if sandbox is None else sandbox.url,
            folder=str(folder),
            now=town.clock.now(),
            operator_id=town.kit.operator.id,
            rider_id=town.rider.id,
            args=dict(args),
        )
    )


async def give(town: Town) -> None:
    what = AddMoney(
        operator=town.kit.operator,
        rider_id=town.rider.id,
        amount_minor=GIVEN,
        kind=MoneyKind.BALANCE,
        actor=SECRET_KEY,
        idempotency_key=None,
    )
    await add_money(town.rt, what)


@pytest.mark.parametrize(("walk", "nr"), EVERY_STEP)
async def test_killed_at_this_step_it_has_one_outcome(
    rt: Runtime, clock: SettableClock, tmp_path: Path, crasher: Crasher, walk: Walk, nr: int
) -> None:
    async with a_town(rt, clock) as town:
        await give(town)
        booking, args = await walk.before(town)
        died = await run(town, crasher, walk.use, args, nr, tmp_path)
        assert (died.steps, died.signal) == (walk.steps[: nr + 1], SIGKILL)
        await people_go_on(town, booking)
        await one_outcome(town, booking)


@pytest.mark.parametrize("name", WALKS)
async def test_these_are_all_steps_there_are(
    rt: Runtime, clock: SettableClock, tmp_path: Path, crasher: Crasher, name: str
) -> None:
    walk = WALKS[name]
    async with a_town(rt, clock) as town:
        await give(town)
        booking, args = await walk.before(town)
        lived = await run(town, crasher, walk.use, args, None, tmp_path)
        assert (lived.steps, lived.signal) == (walk.steps, None)
        await people_go_on(town, booking)
        await one_outcome(town, booking)


@pytest.mark.parametrize(("walk", "nr"), EVERY_CARD_STEP)
async def test_killed_at_this_step_a_card_paid_once(
    rt: Runtime, clock: SettableClock, tmp_path: Path, crasher: Crasher, sandbox: SandboxKit, walk: Walk, nr: int
) -> None:
    async with a_town(rt, clock, sandbox=sandbox) as town:
        await make_card(rt, town.kit.operator, town.rider, sandbox, "ok")
        booking, args = await walk.before(town)
        died = await run(town, crasher, walk.use, args, nr, tmp_path, sandbox)
        assert (died.steps, died.signal) == (walk.steps[: nr + 1], SIGKILL)
        await people_go_on(town, booking)
        await the_card_paid_once(town, booking, sandbox)


@pytest.mark.parametrize("name", CARD_WALKS)
async def test_these_are_all_steps_there_are_with_a_card(
    rt: Runtime, clock: SettableClock, tmp_path: Path, crasher: Crasher, sandbox: SandboxKit, name: str
) -> None:
    walk = CARD_WALKS[name]
    async with a_town(rt, clock, sandbox=sandbox) as town:
        await make_card(rt, town.kit.operator, town.rider, sandbox, "ok")
        booking, args = await walk.before(town)
        lived = await run(town, crasher, walk.use, args, None, tmp_path, sandbox)
        assert (lived.steps, lived.signal) == (walk.steps, None)
        await people_go_on(town, booking)
        await the_card_paid_once(town, booking, sandbox)


async def the_card_paid_once(town: Town, booking: Booking, sandbox: SandboxKit) -> None:
    closed = await town.find(booking)
    events = await town.events(booking)
    assert (closed.status, closed.deposit_status) == ("ENDED", "RELEASED")
    assert (events.count("picked_up"), events.count("returned")) == (1, 1)
    assert sandbox.open_reservations(town.kit.operator.id) == 0
    assert sandbox.totals(town.kit.operator.id).net_minor == OWED
    standing = await town.standing()
    assert (standing.balance_minor, standing.debt_minor, standing.in_transit_minor) == (0, 0, 0)
    await town.books_agree()


async def commands_are_over(town: Town) -> None:
    """What was ordered of a vehicle has had its time, which the tests' clock does not give."""
    for command_id in await column(
        town, "select id from device_command where operator_id = %s and finished_at is null"
    ):
        await await_outcome(town.rt, town.kit.operator.id, command_id, 1.5)


async def column(town: Town, sql: Any) -> list[Any]:
    """The first column of a query whose only parameter is the operator."""
    async with town.rt.db.read() as tx:
        return [row[0] for row in await tx.tuples(sql, [town.kit.operator.id])]


async def people_go_on(town: Town, booking: Booking) -> None:
    """The worker finishes what waits; the rider picks up what is still ahead, and brings back what is out."""
    town.unit.manner = Manner.OBEY
    await worker_goes_on(town)
    if (await town.find(booking)).status == "UPCOMING":
        await in_two_tries(lambda: town.pick_up(booking))
    await worker_goes_on(town)
    if (await town.find(booking)).status == "ACTIVE":
        await town.unit.report(odometer_m=101_000)
        await in_two_tries(lambda: town.bring_back(booking))
    # Until the deposit is let go.
    town.clock.advance(hours=25)
    await worker_goes_on(town)


async def worker_goes_on(town: Town) -> None:
    # A call that never reached the provider is given up after a quarter of an hour.
    for _ in range(5):
        await commands_are_over(town)
        town.clock.advance(minutes=4)
        await town.beat()
        await expire_due_commands(town.rt)
        await town.worker()


async def in_two_tries(act: Callable[[], Awaitable[Any]]) -> None:
    """A lock that is not confirmed refuses the first."""
    try:
        await act()
    except Refusal:
        await act()


async def one_outcome(town: Town, booking: Booking) -> None:
    closed = await town.find(booking)
    events = await town.events(booking)
    nr = await column(town, "select nr from booking_event where operator_id = %s order by nr")
    assert nr == list(range(1, len(events) + 1))
    assert closed.order_kind is None
    assert closed.next_at is None
    async with town.rt.db.read() as tx:
        assert await check_ledger(tx, town.kit.operator.id) == []
        standing = await get_standing(tx, town.kit.operator.id, town.rider.id, town.kit.operator.currency)
    assert await column(town, "select held_by from vehicle where operator_id = %s and held_by is not null") == []
    charges = await column(town, "select total_minor from booking_charge where operator_id = %s")
    if closed.status == "NO_SHOW":
        assert (events.count("picked_up"), charges, standing.balance_minor) == (0, [], GIVEN)
        assert closed.deposit_status in ("DUE", "NONE", "RELEASED")
        return
    assert closed.status == "ENDED"
    assert (events.count("picked_up"), events.count("returned")) == (1, 1)
    assert closed.deposit_status == "RELEASED"
    assert charges == [OWED]
    assert standing.balance_minor == GIVEN - OWED


# The gateway.

ASKED: Mapping[str, tuple[Before, Callable[[Town, Booking], Awaitable[Any]]]] = {
    "pick_up": (a_booking, lambda town, booking: town.pick_up(booking)),
    "return": (a_drive, lambda town, booking: town.bring_back(booking)),
}
# Of its own start, a unit's login, a command taken and answered, and a report, in whichever order they come.
MOST_STEPS: Final = 13


@pytest.mark.parametrize("nr", range(MOST_STEPS))
@pytest.mark.parametrize("name", ASKED)
async def test_a_gateway_killed_at_this_step_leaves_one_outcome(
    rt: Runtime, clock: SettableClock, tmp_path: Path, crasher: Crasher, name: str, nr: int
) -> None:
    before, ask = ASKED[name]
    async with a_town(rt, clock) as town:
        await give(town)
        booking, _args = await before(town)
        await town.unit.hang_up()
        port, until = free_port(), tmp_path / "enough"
        dying = asyncio.create_task(run(town, crasher, "gateway", {"port": port, "until": str(until)}, nr, tmp_path))
        other: FakeUnit = as_the_same(town.unit, port)
        if await logged_in(other, dying):
            await asyncio.gather(ask(town, booking), return_exceptions=True)
        until.touch()
        died = await dying
        assert died.signal in (SIGKILL, None)
        # Whoever did not come to this step has lived; that there are such steps shows that the range is wide enough.
        assert nr < MOST_STEPS - 1 or died.signal is None
        await other.hang_up()
        town.unit.locked, town.unit.odometer_m = other.locked, other.odometer_m
        await town.unit.connect()
        assert town.unit.is_welcome
        await people_go_on(town, booking)
        await one_outcome(town, booking)
