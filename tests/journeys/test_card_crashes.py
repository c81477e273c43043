"""A process is killed with SIGKILL at every step between "intent stored" and "entries written".

The provider's sandbox is the witness: after a restart each ride is charged exactly once or not at all, the ledger is
what the provider says, and nothing stands in anybody's way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final

import pytest

from isotope.domain.devices import await_outcome, expire_due_commands
from isotope.domain.payments import PaymentStatus, TopUp, resolve_card_calls, top_up
from isotope.domain.sharing import refund_ride
from isotope.domain.tenants.model import PaymentSettings, RideSettings, Settings
from isotope.domain.wallet import AccountKind, check_ledger, trial_balance
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import rider_actor
from isotope.kernel.ids import RideId
from tests.journeys.kit.crashing import Crasher, Died, Plan, full_refund, running_crasher
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME
from tests.kit.jobs import run_due_jobs
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

SETTINGS = Settings(rides=RideSettings(unlock_wait_s=5), payments=PaymentSettings(authorise_minor=1_000))

WRITE = ("writing", "written")
CALL = ("sent", "answered", *WRITE)


@dataclass(frozen=True, slots=True)
class Walk:
    """A use case and the steps it comes to, from its first transaction to its last.

    `before` brings the city to where it begins and says more of what is asked for; `after` ends what the restart left,
    as people would.
    """

    use: str
    steps: tuple[str, ...]
    before: Callable[[City, RiderKit, SettableClock], Awaitable[Mapping[str, Any]]]
    after: Callable[[City, RiderKit, SettableClock], Awaitable[None]]


# Of five minutes.
PRICE: Final = 2.0
TOP_UP: Final[dict[str, Any]] = {"amount_minor": 700, "key": "the rider's key"}


async def nothing(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """A rider with a card."""
    return {}


async def a_short_ride(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """It costs less than is reserved."""
    return await ride_for(city, rider, clock, minutes=5)


async def a_long_ride(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """It costs more than is reserved."""
    return await ride_for(city, rider, clock, minutes=60)


async def ride_for(city: City, rider: RiderKit, clock: SettableClock, minutes: int) -> Mapping[str, Any]:
    started = await city.start(rider)
    assert started.status_code == 200, started.text
    clock.advance(minutes=minutes)
    await city.unit.report()
    return {}


async def a_ride_that_the_wallet_pays(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """Nothing is left for the card, on which something is reserved."""
    await city.give(rider, 5_000)
    return await ride_for(city, rider, clock, minutes=5)


async def a_unit_that_is_away(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """The card is good, and the vehicle cannot be told to unlock."""
    await city.unit.hang_up()
    for _ in range(500):
        if await _column(city, "select session_id from device where operator_id = %s", city.kit.operator.id) == [None]:
            return {}
        await asyncio.sleep(0.01)
    raise AssertionError("the gateway has not noticed")


async def ride_when_it_is_back(city: City, rider: RiderKit, clock: SettableClock) -> None:
    await city.unit.connect()
    await end_what_runs(city, rider, clock)


async def a_capture_that_failed(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """The provider had a fault when the ride ended, so the worker has something to find out."""
    await a_short_ride(city, rider, clock)
    assert city.sandbox is not None
    city.sandbox.add_fault("capture", "error")
    assert (await city.end(rider)).json()["payment_info"]["pending"] == PRICE
    clock.advance(minutes=1)
    # The worker looks at the calls of all operators; other tests of this process may have left some.
    async with city.rt.db.write() as tx:
        await tx.execute(
            "update card_call set next_at = 'infinity' where operator_id <> %s and status = 'OPEN'",
            [city.kit.operator.id],
        )
    return {}


async def an_empty_wallet(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """The rider's app asks with a key."""
    return TOP_UP


async def ask_again(city: City, rider: RiderKit, clock: SettableClock) -> None:
    """The app got no answer and asks again with its key."""
    services = city.api.services
    again = await top_up(
        services.rt,
        services.cards,
        TopUp(
            operator=city.kit.operator,
            rider_id=rider.id,
            amount_minor=TOP_UP["amount_minor"],
            actor=rider_actor(rider.id),
            idempotency_key=TOP_UP["key"],
        ),
    )
    assert again.payment.status is PaymentStatus.CAPTURED
    assert again.standing.balance_minor == TOP_UP["amount_minor"]
    assert city.sandbox is not None
    assert [seen.captured_minor for seen in city.sandbox.payments(city.kit.operator.id)] == [TOP_UP["amount_minor"]]


async def a_paid_ride(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """The card paid all of it, in two charges."""
    await a_long_ride(city, rider, clock)
    assert (await city.end(rider)).status_code == 200
    return {"ride_id": (await city.rides())[-1]["id"]}


async def refund_again(city: City, rider: RiderKit, clock: SettableClock) -> None:
    """Staff saw no answer and ask again with the same key."""
    services = city.api.services
    [ride] = await city.rides()
    again = await refund_ride(services.rt, services.cards, full_refund(city.kit.operator, RideId(ride["id"])))
    assert (again.to_card_minor, again.card_pending_minor) == (ride["total_minor"], 0)
    assert city.sandbox is not None
    seen = city.sandbox.payments(city.kit.operator.id)
    assert [payment.refunded_minor for payment in seen] == [payment.captured_minor for payment in seen]
    assert (await city.standing(rider)).spendable_minor == 0


async def end_what_runs(city: City, rider: RiderKit, clock: SettableClock) -> None:
    """If a ride runs, the rider ends it; then they ride again, so nothing is blocked."""
    await city.unit.report()
    if (await city.rides()) and (await city.rides())[-1]["status"] == "ACTIVE":
        ended = await city.end(rider)
        assert ended.status_code == 200, ended.text
    await ride_for(city, rider, clock, minutes=1)
    assert (await city.end(rider)).status_code == 200


WALKS = {
    # Decide and ask the card, order the unlocking, record it.
    "authorise": Walk("start_ride", (*WRITE, *CALL, *WRITE, *WRITE), nothing, end_what_runs),
    # Order the lock, record it and decide to capture, ask the card.
    "capture": Walk("end_ride", (*WRITE, *WRITE, *CALL), a_short_ride, end_what_runs),
    "capture_and_charge": Walk("end_ride", (*WRITE, *WRITE, *CALL, *CALL), a_long_ride, end_what_runs),
    # The wallet pays all: what is reserved is let go.
    "release": Walk("end_ride", (*WRITE, *WRITE, *CALL), a_ride_that_the_wallet_pays, end_what_runs),
    # The ride fails after the card was asked.
    "authorise_and_release": Walk(
        "start_ride", (*WRITE, *CALL, *WRITE, *CALL), a_unit_that_is_away, ride_when_it_is_back
    ),
    # The worker itself dies while it finds out what became of a call.
    "resolve": Walk("resolve_card_calls", (*WRITE, *CALL), a_capture_that_failed, end_what_runs),
    "top_up": Walk("top_up", (*WRITE, *CALL), an_empty_wallet, ask_again),
    # Two payments are given back.
    "refund": Walk("refund_ride", (*WRITE, *CALL, *CALL), a_paid_ride, refund_again),
}
EVERY_STEP = [
    pytest.param(walk, nr, id=f"{name}-{nr}-{step}")
    for name, walk in WALKS.items()
    for nr, step in enumerate(walk.steps)
]


@pytest.fixture(scope="module")
def crasher() -> Iterator[Crasher]:
    with running_crasher() as running:
        yield running


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock, hang_s=60.0) as running:
        yield running


async def run(
    city: City, crasher: Crasher, use: str, rider: RiderKit, args: Mapping[str, Any], die_at: int | None
) -> Died:
    assert city.sandbox is not None
    return await crasher.run(
        Plan(
            use=use,
            die_at=die_at,
            database_url=city.rt.db.url,
            sandbox_url=city.sandbox.url,
            folder=city.api.services.config.data,
            now=city.rt.clock.now(),
            operator_id=city.kit.operator.id,
            rider_id=rider.id,
            args={"vehicle_id": city.fleet.vehicle_id, "lat": HOME.lat, "lon": HOME.lon, **args},
        )
    )


@pytest.mark.parametrize(("walk", "nr"), EVERY_STEP)
async def test_killed_at_this_step_it_ends_in_one_charge_or_none(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit, crasher: Crasher, walk: Walk, nr: int
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider)
        args = await walk.before(city, rider, clock)
        died = await run(city, crasher, walk.use, rider, args, nr)
        assert (died.steps, died.signal) == (walk.steps[: nr + 1], SIGKILL)
        await restart(city, clock)
        await walk.after(city, rider, clock)
        await each_ride_was_charged_once_or_not_at_all(city)
        await the_books_are_the_providers(city)


@pytest.mark.parametrize("name", WALKS)
async def test_these_are_all_steps_there_are(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit, crasher: Crasher, name: str
) -> None:
    walk = WALKS[name]
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider)
        args = await walk.before(city, rider, clock)
        lived = await run(city, crasher, walk.use, rider, args, None)
        assert (lived.steps, lived.signal) == (walk.steps, None)
        await walk.after(city, rider, clock)
        await each_ride_was_charged_once_or_not_at_all(city)
        await the_books_are_the_providers(city)


async def restart(city: City, clock: SettableClock) -> None:
    """What the worker does from now on, minute by minute, until nothing is open."""
    services = city.api.services
    for _ in range(60):
        await the_units_have_answered(city)
        clock.advance(minutes=1)
        await expire_due_commands(city.rt)
        await run_due_jobs(services, city.kit.operator.id, times=2)
        await resolve_card_calls(city.rt, services.cards, services.operators)
        if not await what_is_open(city):
            return
    raise AssertionError(f"still open: {await what_is_open(city)}")


async def the_units_have_answered(city: City) -> None:
    """What was ordered of a vehicle has had its time, which the tests' clock does not give."""
    for command_id in await _column(
        city, "select id from device_command where operator_id = %s and finished_at is null", city.kit.operator.id
    ):
        await await_outcome(city.rt, city.kit.operator.id, command_id, 10.0)


async def what_is_open(city: City) -> list[str]:
    """Calls that nobody knows the end of, and rides that wait."""
    return await _column(
        city,
        """
        select kind from card_call where operator_id = %s and status = 'OPEN'
        union all
        select status from ride where operator_id = %s and status not in ('ACTIVE', 'ENDED', 'FAILED')
        """,
        city.kit.operator.id,
        city.kit.operator.id,
    )


async def _column(city: City, sql: Any, *params: Any) -> list[Any]:
    async with city.rt.db.read() as tx:
        return [row[0] for row in await tx.tuples(sql, params)]


async def each_ride_was_charged_once_or_not_at_all(city: City) -> None:
    assert city.sandbox is not None
    for ride in await city.rides():
        assert ride["status"] in ("ENDED", "FAILED")
        assert ride["card_pending_minor"] == 0
        assert ride["debt_minor"] in (None, 0)
        refs = await _column(
            city,
            "select provider_ref from card_payment where operator_id = %s and cause = %s and provider_ref is not null",
            city.kit.operator.id,
            f"ride:{ride['id']}",
        )
        taken = sum(city.sandbox.payment(ref).captured_minor for ref in refs)
        assert taken == ride["charged_card_minor"]
        assert (ride["total_minor"] or 0) == taken + (ride["charged_balance_minor"] or 0)
    assert await city.vehicle_status() == ("READY", None)


async def the_books_are_the_providers(city: City) -> None:
    assert city.sandbox is not None
    operator_id = city.kit.operator.id
    async with city.rt.db.read() as tx:
        assert await check_ledger(tx, operator_id) == []
        sums = await trial_balance(tx, operator_id)
    assert sum(sums.values()) == 0
    assert -sums.get(AccountKind.PROVIDER_CLEARING, 0) == city.sandbox.totals(operator_id).net_minor
    assert sums.get(AccountKind.RIDER_IN_TRANSIT, 0) == 0
    assert city.sandbox.open_reservations(operator_id) == 0
