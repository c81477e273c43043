"""A second look at finished rides that a card paid: the money goes back to the card, once nobody is asked any more."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from isotope.domain.payments import resolve_card_calls
from isotope.domain.tenants.model import PaymentSettings, RideSettings, Settings
from isotope.domain.wallet import AccountKind, check_ledger, trial_balance
from isotope.infra.runtime import Runtime
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.jobs import queued_jobs, run_due_jobs
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

SETTINGS = Settings(rides=RideSettings(unlock_wait_s=1), payments=PaymentSettings(authorise_minor=1_000))
RECHECK = "recheck_ride"


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


async def failed_ride(city: City, clock: SettableClock) -> RiderKit:
    """A minute on the spot, 0.30 of it from the wallet."""
    rider = await city.rider(balance_minor=30)
    await city.card(rider)
    assert (await city.start(rider)).status_code == 200
    clock.advance(minutes=1)
    await city.unit.report()
    ended = await city.end(rider)
    assert ended.status_code == 200, ended.text
    return rider


async def look_again(city: City, times: int = 1) -> list[str]:
    return await run_due_jobs(city.api.services, city.kit.operator.id, RECHECK, times=times)


async def work_off(city: City, clock: SettableClock) -> None:
    """What the worker does while a minute passes."""
    clock.advance(minutes=1)
    await resolve_card_calls(city.rt, city.api.services.cards, city.api.services.operators)


async def all_is_given_back(city: City, rider: RiderKit) -> None:
    assert city.sandbox is not None
    operator_id = city.kit.operator.id
    assert (await city.standing(rider)).balance_minor == 30
    assert city.sandbox.totals(operator_id).net_minor == 0
    async with city.rt.db.read() as tx:
        assert await check_ledger(tx, operator_id) == []
        sums = await trial_balance(tx, operator_id)
    assert (sums[AccountKind.REVENUE], sums[AccountKind.TAX]) == (0, 0)
    assert sums.get(AccountKind.RIDER_IN_TRANSIT, 0) == 0


async def test_what_a_card_paid_for_a_ride_that_went_nowhere_goes_back_to_it(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await failed_ride(city, clock)
        assert sandbox.totals(city.kit.operator.id).net_minor == 90
        clock.advance(seconds=120)
        assert await look_again(city, times=2) == [RECHECK]
        await all_is_given_back(city, rider)


async def test_while_the_card_is_asked_it_is_looked_at_later(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        sandbox.add_fault("capture", "error_done")
        rider = await failed_ride(city, clock)
        assert [ride["card_pending_minor"] for ride in await city.rides()] == [90]
        clock.advance(seconds=120)
        assert await look_again(city) == [RECHECK]
        [job] = await queued_jobs(rt, city.kit.operator.id, RECHECK)
        assert job.args["look"] == 1
        assert job.at == clock.now() + timedelta(minutes=1)
        await work_off(city, clock)
        assert await look_again(city) == [RECHECK]
        assert await queued_jobs(rt, city.kit.operator.id, RECHECK) == []
        await all_is_given_back(city, rider)


async def test_a_card_that_never_answers_is_not_waited_for_without_end(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        sandbox.add_fault("capture", "error_done")
        await failed_ride(city, clock)
        looks = 0
        while await queued_jobs(rt, city.kit.operator.id, RECHECK):
            clock.advance(hours=12)
            assert await look_again(city) == [RECHECK]
            looks += 1
        # The first, and ten more.
        assert looks == 11
