"""A ride whose money runs out: warned, slowed, stopped where that is safe, and let go when money comes.

Over the real gateway and a speaking unit; the tariff is 1.00 and 0.20 a minute. With 4.00 in the wallet, a limit of
1.00 and a warning 1.00 above it, the warning comes at second 241 and the limit at second 541.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from isotope.adapters.sms import list_outbox
from isotope.domain.devices import await_outcome
from isotope.domain.devices.model import Capability, CommandName, ValueSpec
from isotope.domain.payments import Purpose, SetAutoTopUp, set_auto_topup
from isotope.domain.sharing import FundsStep, WatchFunds, watch_funds
from isotope.domain.tenants.model import PaymentSettings, RideSettings, Settings
from isotope.domain.wallet import check_ledger
from isotope.domain.zones import ZoneType
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RideId
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.city import City, small_city
from tests.kit.clock import START, SettableClock
from tests.kit.devices import Manner
from tests.kit.fleet import SPEC, make_zones, zone_draft
from tests.kit.jobs import queued_jobs, run_due_jobs
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

SETTINGS = Settings(
    rides=RideSettings(unlock_wait_s=1), payments=PaymentSettings(auto_stop_minor=100, auto_stop_warn_minor=100)
)
NO_LIMIT = Settings(rides=RideSettings(unlock_wait_s=1))
LIMITED = Capability(command=CommandName.SPEED_LIMIT, value=ValueSpec(type="integer", min=5, max=30), staff_only=True)
SLOWABLE = msgspec.structs.replace(SPEC, capabilities=(*SPEC.capabilities, LIMITED))
WARN_S, LIMIT_S = 241, 541


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


def a_city(rt: Runtime, folder: Path, **more: Any) -> AbstractAsyncContextManager[City]:
    return small_city(rt, folder, **({"settings": SETTINGS, "spec": SLOWABLE} | more))


def at(clock: SettableClock, seconds: float) -> None:
    clock.set(START + timedelta(seconds=seconds))


async def look(city: City, times: int = 1) -> list[str]:
    """What the worker does now about rides' money."""
    names = ("watch_funds", "tell_rider", "auto_topup")
    ran = await run_due_jobs(city.api.services, city.kit.operator.id, *names, times=times)
    await heard(city)
    return ran


async def heard(city: City) -> None:
    """Until the store knows what became of every command that a unit answers."""
    if city.unit.manner is Manner.NEVER:
        return
    async with city.rt.db.read() as tx:
        rows = await tx.tuples(
            "select id from device_command where operator_id = %(operator_id)s and finished_at is null",
            {"operator_id": city.kit.operator.id},
        )
    for (command_id,) in rows:
        await await_outcome(city.rt, city.kit.operator.id, command_id, 10.0)


async def next_look_s(city: City) -> list[float]:
    """Seconds from the start of the test to the looks that are to come."""
    jobs = await queued_jobs(city.rt, city.kit.operator.id, "watch_funds")
    async with city.rt.db.read() as tx:
        rows = await tx.tuples(
            "select ride_id, nr from ride_watch where operator_id = %(operator_id)s",
            {"operator_id": city.kit.operator.id},
        )
    # Jobs that were overtaken do nothing when their time comes.
    return [
        (job.at - START).total_seconds()
        for job in jobs
        if job.at is not None and (job.args["ride_id"], job.args["nr"]) in rows
    ]


async def events(city: City) -> list[str]:
    async with city.rt.db.read() as tx:
        rows = await tx.tuples(
            "select kind from ride_event where operator_id = %(operator_id)s order by ride_id, nr",
            {"operator_id": city.kit.operator.id},
        )
    return [row[0] for row in rows]


def told(city: City, vehicle: int = 0) -> list[Any]:
    """The unit's commands so far: locks by name, speed limits by their value."""
    return [
        command.params["kmh"] if command.name is CommandName.SPEED_LIMIT else command.name.value
        for command in city.units[vehicle].commands
    ]


async def until_told(city: City, count: int) -> None:
    await city.unit.until(lambda: len(city.unit.commands) >= count)


async def ride_until_slow(city: City, clock: SettableClock, rider: RiderKit) -> None:
    """Warned, out of money, told to go slow, still rolling at 18 km/h."""
    assert (await city.start(rider)).status_code == 200
    at(clock, WARN_S)
    await look(city)
    at(clock, LIMIT_S)
    await city.unit.report(speed_kmh=18)
    await look(city)
    await until_told(city, 2)
    assert told(city) == ["unlock", 7]


async def messages(city: City, rider: RiderKit) -> list[str]:
    found = await list_outbox(city.rt, rider.rider.phone_prefix + rider.rider.phone, 10)
    return [message.body for message in reversed(found)]


async def the_ride(city: City) -> dict[str, Any]:
    return (await city.rides())[-1]


async def test_a_ride_out_of_money_is_warned_slowed_stopped_and_the_vehicle_let_go(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await city.start(rider)
        assert await next_look_s(city) == [WARN_S]
        at(clock, WARN_S - 1)
        assert await look(city) == []
        at(clock, WARN_S)
        assert await look(city) == ["watch_funds", "tell_rider"]
        [warning] = await messages(city, rider)
        assert "2.00 EUR left" in warning
        assert await next_look_s(city) == [LIMIT_S]

        at(clock, LIMIT_S)
        await city.unit.report(speed_kmh=18)
        assert await look(city) == ["watch_funds", "tell_rider"]
        await until_told(city, 2)
        assert told(city) == ["unlock", 7]
        assert len(await messages(city, rider)) == 2
        assert await next_look_s(city) == [LIMIT_S + 15]

        # As long as it rolls nothing stops it.
        for seconds in (15, 30, 45):
            at(clock, LIMIT_S + seconds)
            await city.unit.report(speed_kmh=7)
            await look(city)
        assert told(city) == ["unlock", 7]

        at(clock, LIMIT_S + 60)
        await city.unit.report(speed_kmh=0)
        await look(city)
        ride = await the_ride(city)
        assert (ride["status"], ride["outcome"]) == ("ENDED", "balance_limit")
        # Eleven minutes: what was recorded about money costs nothing.
        assert (ride["total_minor"], ride["debt_minor"]) == (320, 0)
        assert city.unit.locked
        assert await city.vehicle_status() == ("READY", None)

        at(clock, LIMIT_S + 75)
        await look(city)
        await until_told(city, 4)
        assert told(city) == ["unlock", 7, "lock", 25]
        at(clock, LIMIT_S + 135)
        assert await look(city) == ["watch_funds"]
        assert await next_look_s(city) == []
        assert await events(city) == ["REQUESTED", "STARTED", "FUNDS_LOW", "SLOWED", "ENDED", "RELEASED"]
        async with rt.db.read() as tx:
            assert await check_ledger(tx, city.kit.operator.id) == []


async def test_looks_that_run_twice_do_everything_once(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await city.start(rider)
        at(clock, WARN_S)
        # A message is sent again by who runs its job twice; nothing else is.
        assert (await look(city, times=3)).count("watch_funds") == 1
        at(clock, LIMIT_S)
        await city.unit.report(speed_kmh=0)
        await look(city, times=3)
        assert told(city) == ["unlock", 7]
        at(clock, LIMIT_S + 15)
        await look(city, times=3)
        at(clock, LIMIT_S + 30)
        await look(city, times=3)
        await until_told(city, 4)
        assert told(city) == ["unlock", 7, "lock", 25]
        assert await events(city) == ["REQUESTED", "STARTED", "FUNDS_LOW", "SLOWED", "ENDED", "RELEASED"]


async def test_a_look_that_several_take_at_once_is_taken_once(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await city.start(rider)
        at(clock, WARN_S)
        [job] = await queued_jobs(rt, city.kit.operator.id, "watch_funds")
        what = WatchFunds(operator=city.kit.operator, ride_id=RideId(job.args["ride_id"]), nr=job.args["nr"])
        services = city.api.services
        steps = await asyncio.gather(*(watch_funds(rt, services.cards, services.zones, what) for _nr in range(6)))
        assert sorted(steps) == [FundsStep.NOTHING] * 5 + [FundsStep.WARN]
        assert await next_look_s(city) == [LIMIT_S]


@pytest.mark.parametrize("speed_kmh", [5.1, 25.0])
async def test_a_vehicle_that_moves_is_never_stopped(
    rt: Runtime, clock: SettableClock, tmp_path: Path, speed_kmh: float
) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await ride_until_slow(city, clock, rider)
        for seconds in range(15, 300, 15):
            at(clock, LIMIT_S + seconds)
            await city.unit.report(speed_kmh=speed_kmh)
            await look(city)
        assert told(city) == ["unlock", 7]
        assert (await the_ride(city))["status"] == "ACTIVE"


async def test_a_vehicle_of_which_nobody_knows_is_never_stopped(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await ride_until_slow(city, clock, rider)
        await city.unit.report(speed_kmh=0)
        # The last word of it is older than two minutes.
        for seconds in (135, 150, 165):
            at(clock, LIMIT_S + seconds)
            await look(city)
        assert told(city) == ["unlock", 7]
        await city.unit.report(speed_kmh=0)
        at(clock, LIMIT_S + 180)
        await look(city)
        assert (await the_ride(city))["outcome"] == "balance_limit"


async def test_a_vehicle_that_moves_off_in_the_last_moment_is_not_locked(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await ride_until_slow(city, clock, rider)
        await city.unit.report(speed_kmh=0)
        # The gateway has heard that it moves, the store has not yet.
        city.unit.manner = Manner.NEVER
        at(clock, LIMIT_S + 15)
        await city.unit.report(speed_kmh=12, wait=False)
        await look(city)
        assert "lock" not in told(city) or (await the_ride(city))["status"] == "ACTIVE"
        assert not city.unit.locked


async def test_it_goes_on_slowly_to_where_rides_may_end(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.NO_PARKING_ZONE))
        rider = await city.rider(balance_minor=400)
        await ride_until_slow(city, clock, rider)
        await city.unit.report(speed_kmh=0)
        for seconds in (15, 30, 45):
            at(clock, LIMIT_S + seconds)
            await look(city)
        assert told(city) == ["unlock", 7]
        assert (await the_ride(city))["status"] == "ACTIVE"
        await city.unit.report(lat=60.20, speed_kmh=0)
        at(clock, LIMIT_S + 60)
        await look(city)
        assert (await the_ride(city))["outcome"] == "balance_limit"


async def test_money_that_comes_lifts_the_limit_and_the_next_warning_is_new(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await ride_until_slow(city, clock, rider)
        await city.give(rider, 200)
        at(clock, LIMIT_S + 15)
        await look(city)
        await until_told(city, 3)
        assert told(city) == ["unlock", 7, 25]
        # 6.00 less 3.00 after ten minutes: ten more to the limit, five to the warning.
        at(clock, LIMIT_S + 30)
        await look(city)
        assert await next_look_s(city) == [WARN_S + 600]
        at(clock, WARN_S + 600)
        await look(city)
        assert (await events(city)).count("FUNDS_LOW") == 2
        at(clock, LIMIT_S + 600)
        await city.unit.report(speed_kmh=18)
        await look(city)
        await until_told(city, 4)
        assert told(city) == ["unlock", 7, 25, 7]


async def test_a_rider_who_ends_by_themselves_leaves_a_vehicle_at_full_speed(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await ride_until_slow(city, clock, rider)
        await city.unit.report(speed_kmh=0)
        assert (await city.end(rider)).status_code == 200
        assert (await the_ride(city))["outcome"] == "by_rider"
        # Not even reachable at first.
        await city.unit.hang_up()
        at(clock, LIMIT_S + 15)
        await look(city)
        await city.unit.connect()
        at(clock, LIMIT_S + 75)
        await look(city)
        await until_told(city, 4)
        assert told(city) == ["unlock", 7, "lock", 25]


async def test_a_unit_that_does_not_obey_is_told_again(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await city.start(rider)
        at(clock, WARN_S)
        await look(city)
        at(clock, LIMIT_S)
        city.unit.manner = Manner.FAIL
        await city.unit.report(speed_kmh=18)
        await look(city)
        await until_told(city, 2)
        await city.unit.ping()
        city.unit.manner = Manner.OBEY
        await city.unit.report(speed_kmh=18)
        at(clock, LIMIT_S + 15)
        await look(city)
        await until_told(city, 3)
        at(clock, LIMIT_S + 30)
        await look(city)
        assert told(city) == ["unlock", 7, 7]
        assert (await events(city)).count("SLOWED") == 1


async def test_a_lock_that_does_not_close_is_tried_ever_later(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await ride_until_slow(city, clock, rider)
        await city.unit.report(speed_kmh=0)
        city.unit.manner = Manner.FAIL
        at(clock, LIMIT_S + 15)
        await look(city)
        ride = await the_ride(city)
        assert (ride["status"], ride["outcome"]) == ("ACTIVE", None)
        assert (await events(city))[-1] == "END_REFUSED"
        at(clock, LIMIT_S + 30)
        await look(city)
        assert (await events(city)).count("END_REFUSED") == 2
        city.unit.manner = Manner.OBEY
        [due] = await next_look_s(city)
        assert due == LIMIT_S + 60
        at(clock, due)
        await city.unit.report(speed_kmh=0)
        await look(city)
        assert (await the_ride(city))["outcome"] == "balance_limit"


async def test_a_system_that_tried_to_stop_does_not_speak_for_the_rider(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await ride_until_slow(city, clock, rider)
        await city.unit.report(speed_kmh=0)
        city.unit.manner = Manner.FAIL
        at(clock, LIMIT_S + 15)
        await look(city)
        # The rider's own first try is refused as any first try.
        assert (await city.end(rider)).json()["code"] == "vehicle_did_not_lock"
        assert (await the_ride(city))["status"] == "ACTIVE"


async def test_a_stop_whose_process_died_is_settled_by_the_job(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(
        rt, tmp_path, settings=msgspec.structs.replace(SETTINGS, rides=RideSettings(unlock_wait_s=14))
    ) as city:
        rider = await city.rider(balance_minor=400)
        await ride_until_slow(city, clock, rider)
        await city.unit.report(speed_kmh=0)
        city.unit.manner = Manner.NEVER
        at(clock, LIMIT_S + 15)
        [job] = await queued_jobs(rt, city.kit.operator.id, "watch_funds")
        what = WatchFunds(operator=city.kit.operator, ride_id=RideId(job.args["ride_id"]), nr=job.args["nr"])
        services = city.api.services
        looking = asyncio.create_task(watch_funds(rt, services.cards, services.zones, what))
        await until_told(city, 3)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        assert (await the_ride(city))["status"] == "ENDING"
        # The look that died does nothing any more.
        assert await watch_funds(rt, services.cards, services.zones, what) is FundsStep.NOTHING
        await city.unit.finish(city.unit.commands[-1])
        city.unit.manner = Manner.OBEY
        await city.unit.report(speed_kmh=0)
        at(clock, LIMIT_S + 60)
        await run_due_jobs(services, city.kit.operator.id)
        ride = await the_ride(city)
        assert (ride["status"], ride["outcome"], ride["total_minor"]) == ("ENDED", "balance_limit", 300)
        at(clock, LIMIT_S + 75)
        await look(city)
        await until_told(city, 4)
        assert told(city)[-1] == 25


async def test_a_paused_ride_is_ended_too(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=400)
        await city.start(rider)
        await city.unit.report(speed_kmh=0)
        assert (await city.ask(rider, "sharing/pause")).status_code == 200
        # 0.05 a minute: 1.00 to the warning, 2.00 to the limit; looked at every ten minutes.
        for seconds in range(600, 3_000, 15):
            at(clock, seconds)
            await city.unit.report(speed_kmh=0)
            await look(city)
        ride = await the_ride(city)
        assert (ride["status"], ride["outcome"]) == ("ENDED", "balance_limit")
        assert ride["total_minor"] <= 310
        assert told(city) == ["unlock", "lock", "lock"]


async def test_rides_of_one_wallet_are_watched_together(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path, vehicles=2) as city:
        rider = await city.rider(balance_minor=600)
        await city.start(rider)
        at(clock, 60)
        await city.units[1].report()
        await city.start(rider, vehicle=1)
        # Each 1.00 and 0.20 a minute: together 4.00, which leaves 2.00, when the fifth minute of both has begun.
        assert await next_look_s(city) == [301, 301]
        at(clock, 301)
        assert (await look(city)).count("tell_rider") == 2


@pytest.mark.parametrize("terms", ["skip", "card", "no limit"])
async def test_rides_that_are_not_stopped_have_no_job(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit, terms: str
) -> None:
    settings = NO_LIMIT if terms == "no limit" else SETTINGS
    async with a_city(rt, tmp_path, settings=settings, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=400)
        if terms == "card":
            await city.card(rider)
        if terms == "skip":
            started = await city.ask_as_owner(
                "sharing/start-ride",
                {
                    "user_id": rider.id,
                    "vehicle_id": city.fleet.vehicle_id,
                    "user_latitude": 60.17,
                    "user_longitude": 24.94,
                    "skip_auto_stop": True,
                },
            )
        else:
            started = await city.start(rider)
        assert started.status_code == 200, started.text
        assert await next_look_s(city) == []


async def test_a_rider_who_wants_it_is_topped_up_while_riding(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with a_city(rt, tmp_path, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=400)
        await city.card(rider)
        await wants_top_ups(city, rider)
        assert (await city.start(rider, payment_method_id="wallet")).status_code == 200
        # Below 2.50 when the fifth minute begins... 4.00 - 1.00 - 3 * 0.20 = 2.40.
        assert await next_look_s(city) == [121]
        at(clock, 121)
        await look(city, times=2)
        assert (await city.standing(rider)).balance_minor == 1_400
        assert sandbox.totals(city.kit.operator.id).captured_minor == 1_000
        assert "FUNDS_LOW" not in await events(city)
        at(clock, 136)
        await look(city)
        assert told(city) == ["unlock"]


async def test_a_refused_top_up_is_not_repeated_and_the_ride_is_stopped(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with a_city(rt, tmp_path, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=400)
        await city.card(rider, "declined")
        await wants_top_ups(city, rider)
        await city.start(rider, payment_method_id="wallet")
        for seconds in range(106, LIMIT_S + 60, 15):
            at(clock, seconds)
            await city.unit.report(speed_kmh=0)
            await look(city)
        assert [payment.status for payment in sandbox.payments(city.kit.operator.id)] == ["failed"]
        assert (await the_ride(city))["outcome"] == "balance_limit"
        assert await events(city) == ["REQUESTED", "STARTED", "FUNDS_LOW", "SLOWED", "ENDED", "RELEASED"]


async def test_a_top_up_that_is_on_its_way_is_waited_for(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with a_city(rt, tmp_path, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=400)
        await city.card(rider)
        await wants_top_ups(city, rider)
        await city.start(rider, payment_method_id="wallet")
        sandbox.add_fault("charge", "half")
        for seconds in range(106, LIMIT_S + 60, 15):
            at(clock, seconds)
            await city.unit.report(speed_kmh=0)
            await look(city)
        # Slow, but not stopped: the money may be there.
        at(clock, 1_000)
        body = {"active_vehicle_id": [city.fleet.vehicle_id]}
        shown = (await city.ask(rider, "sharing/get-current-ride", body)).json()
        assert (shown["action_insufficient_funds"], shown["insufficient_funds_amount"]) == ("WAIT_TOP_UP", 0.4)
        assert told(city) == ["unlock", 7]
        assert (await the_ride(city))["status"] == "ACTIVE"
        assert len(sandbox.payments(city.kit.operator.id)) == 1


async def wants_top_ups(city: City, rider: RiderKit) -> None:
    command = SetAutoTopUp(
        operator=city.kit.operator, rider_id=rider.id, is_on=True, threshold_minor=250, amount_minor=1_000
    )
    await set_auto_topup(city.rt, city.api.services.cards, command)


async def test_the_end_of_a_ride_tops_up(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with a_city(rt, tmp_path, settings=NO_LIMIT, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=400)
        await city.card(rider)
        await wants_top_ups(city, rider)
        await city.start(rider, payment_method_id="wallet")
        at(clock, 100)
        await city.unit.report()
        assert (await city.end(rider)).status_code == 200
        assert await run_due_jobs(city.api.services, city.kit.operator.id, "auto_topup", times=2) == []
        at(clock, 110)
        await city.start(rider, payment_method_id="wallet")
        at(clock, 130)
        await city.unit.report()
        assert (await city.end(rider)).status_code == 200
        assert await run_due_jobs(city.api.services, city.kit.operator.id, "auto_topup", times=2) == ["auto_topup"]
        assert (await city.standing(rider)).balance_minor == 400 - 140 - 120 + 1_000
        async with rt.db.read() as tx:
            rows = await tx.tuples(
                "select purpose, cause from card_payment where operator_id = %s", [city.kit.operator.id]
            )
        ride = await the_ride(city)
        assert rows == [(Purpose.AUTO_TOP_UP, f"auto_top_up:ride:{ride['id']}")]
