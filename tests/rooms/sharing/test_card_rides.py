"""Rides paid by card, through the whole system: HTTP in, a speaking unit and the card sandbox out."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.benefits import PackageDraft, PackageSpec, upsert_package
from isotope.domain.payments import resolve_card_calls
from isotope.domain.pricing import Quota
from isotope.domain.receipts import find_receipt_by_cause
from isotope.domain.tenants.model import PaymentSettings, RideSettings, Settings
from isotope.domain.wallet import AccountKind, MoneyKind, check_ledger, trial_balance
from isotope.infra.runtime import Runtime
from isotope.worker.tasks import JOBS
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.jobs import run_due_jobs
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio

SETTINGS = Settings(rides=RideSettings(unlock_wait_s=1), payments=PaymentSettings(authorise_minor=1_000))


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@pytest.fixture
def silent_sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    """Where it says nothing, its client waits."""
    with running_sandbox(clock, hang_s=60.0) as running:
        yield running


async def ride_for(city: City, clock: SettableClock, minutes: int) -> None:
    """The clock goes on, and the vehicle still reports."""
    clock.advance(minutes=minutes)
    await city.unit.report()


async def work_off(city: City, clock: SettableClock, minutes: int = 30) -> None:
    """What the worker does while time passes."""
    for _ in range(minutes):
        clock.advance(minutes=1)
        await resolve_card_calls(city.rt, city.api.services.cards, city.api.services.operators)


async def settle_again(city: City) -> None:
    """What the worker does for the last ride, should the request that ended it be gone."""
    async with city.rt.db.read() as tx:
        [args] = await tx.dicts(
            """
            select r.operator_id, r.id as ride_id, c.id as command_id from ride r
              join device_command c on c.operator_id = r.operator_id and c.cause = 'ride:' || r.id
             where r.operator_id = %(operator_id)s order by c.id desc limit 1
            """,
            {"operator_id": city.kit.operator.id},
        )
    await JOBS["settle_ride"](city.api.services, **args)


async def paid(city: City) -> dict[str, Any]:
    """The last ride's money."""
    ride = (await city.rides())[-1]
    names = ("total", "charged_bonus", "charged_balance", "charged_card", "card_pending", "debt")
    return {name: ride[f"{name}_minor"] for name in names}


async def the_books_are_the_providers(city: City) -> None:
    """The ledger says what the provider says, and nothing hangs between the two."""
    assert city.sandbox is not None
    operator_id = city.kit.operator.id
    async with city.rt.db.read() as tx:
        assert await check_ledger(tx, operator_id) == []
        sums = await trial_balance(tx, operator_id)
        open_calls = await tx.scalar(
            "select count(*) from card_call where operator_id = %s and status = 'OPEN'", [operator_id]
        )
    assert sum(sums.values()) == 0
    assert -sums.get(AccountKind.PROVIDER_CLEARING, 0) == city.sandbox.totals(operator_id).net_minor
    assert sums.get(AccountKind.RIDER_IN_TRANSIT, 0) == 0
    assert city.sandbox.open_reservations(operator_id) == 0
    assert open_calls == 0


async def receipt_of(city: City) -> Any:
    ride = (await city.rides())[-1]
    async with city.rt.db.read() as tx:
        return await find_receipt_by_cause(tx, city.kit.operator.id, f"ride:{ride['id']}")


async def test_a_card_is_reserved_at_the_start_and_pays_at_the_end(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=30)
        await city.give(rider, 20, MoneyKind.BONUS)
        card = await city.card(rider)
        started = await city.start(rider, payment_method_id=card.method_id)
        assert started.status_code == 200, started.text
        [payment] = sandbox.payments(city.kit.operator.id)
        assert (payment.status, payment.amount_minor, payment.description) == ("authorised", 1_000, "ride")

        await ride_for(city, clock, 5)
        current = (await city.ask(rider, "sharing/get-current-ride", vehicles(city))).json()
        assert current["payment_method_flow"] == "CARD"
        assert (current["action_insufficient_funds"], current["insufficient_funds_amount"]) == (None, None)

        ended = await city.end(rider)
        assert ended.status_code == 200, ended.text
        info = ended.json()["payment_info"]
        assert info["payment_method_id"] == card.method_id
        assert (info["total"], info["charged_bonus"], info["charged_balance"]) == (2.0, 0.2, 0.3)
        assert (info["charged_card"], info["pending"], info["debt"]) == (1.5, 0, 0)
        assert sandbox.totals(city.kit.operator.id).net_minor == 150
        await the_books_are_the_providers(city)
        receipt = await receipt_of(city)
        assert (receipt.total_minor, receipt.paid.card_minor, receipt.paid.bonus_minor) == (200, 150, 20)
        assert receipt.lines
        assert receipt.subject == city.fleet.nrs[0]


async def test_never_less_is_reserved_than_the_ride_costs_as_it_begins(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        card = await city.card(rider)
        day = PackageSpec(price_minor=2_000, quota=Quota(ride_min=600))
        async with rt.db.write() as tx:
            package_id = await upsert_package(tx, city.kit.operator.id, PackageDraft(ref="day", title="Day", spec=day))
        started = await city.start(rider, payment_method_id=card.method_id, pricing_package_id=package_id)
        assert started.status_code == 200, started.text
        [payment] = sandbox.payments(city.kit.operator.id)
        # The package and unlocking; the first minute is included.
        assert (payment.status, payment.amount_minor) == ("authorised", 2_100)
        await ride_for(city, clock, 30)
        info = (await city.end(rider)).json()["payment_info"]
        assert (info["total"], info["charged_card"], info["debt"]) == (21.0, 21.0, 0)
        assert len(sandbox.payments(city.kit.operator.id)) == 1
        await the_books_are_the_providers(city)


def vehicles(city: City) -> dict[str, Any]:
    return {"active_vehicle_id": [city.fleet.vehicle_id]}


async def test_what_the_reservation_does_not_cover_is_a_second_charge(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider)
        assert (await city.start(rider)).status_code == 200
        await ride_for(city, clock, 60)
        info = (await city.end(rider)).json()["payment_info"]
        assert (info["total"], info["charged_card"]) == (13.0, 13.0)
        assert [seen.captured_minor for seen in sandbox.payments(city.kit.operator.id)] == [1_000, 300]
        await the_books_are_the_providers(city)


async def test_the_part_that_is_declined_is_debt(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider, "charges_decline_after_first")
        assert (await city.start(rider)).status_code == 200
        await ride_for(city, clock, 60)
        info = (await city.end(rider)).json()["payment_info"]
        assert (info["charged_card"], info["pending"], info["debt"]) == (10.0, 0, 3.0)
        assert (await city.start(rider)).json()["code"] == "debt_open"
        await the_books_are_the_providers(city)
        assert (await receipt_of(city)).paid.debt_minor == 300


async def test_a_capture_that_is_declined_is_debt(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=50)
        await city.card(rider, "declined_at_capture")
        await city.start(rider)
        await ride_for(city, clock, 1)
        assert (await city.end(rider)).status_code == 200
        assert await paid(city) == money(total=120, charged_balance=50, debt=70)
        assert (await city.standing(rider)).debt_minor == 70
        await the_books_are_the_providers(city)


def money(**parts: int) -> dict[str, int]:
    zero = dict.fromkeys(("charged_bonus", "charged_balance", "charged_card", "card_pending", "debt"), 0)
    return zero | parts


async def test_what_the_wallet_covers_is_let_go_on_the_card(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=5_000)
        await city.card(rider)
        await city.start(rider)
        await ride_for(city, clock, 1)
        await city.end(rider)
        assert await paid(city) == money(total=120, charged_balance=120)
        assert [seen.status for seen in sandbox.payments(city.kit.operator.id)] == ["released"]
        await the_books_are_the_providers(city)


@pytest.mark.parametrize(("name", "reason"), [("declined", "card_declined"), ("needs_3ds", "authentication_required")])
async def test_a_declined_card_starts_nothing(
    rt: Runtime, tmp_path: Path, sandbox: SandboxKit, name: str, reason: str
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider, name)
        no = await city.start(rider)
        assert (no.status_code, no.json()["code"]) == (402, "card_declined")
        assert no.json()["details"]["reason"] == reason
        [ride] = await city.rides()
        assert (ride["status"], ride["outcome"]) == ("FAILED", "card_declined")
        assert await city.vehicle_status() == ("READY", None)
        assert city.unit.commands == []
        await the_books_are_the_providers(city)
        # Nothing stands in the way of the next try.
        good = await city.card(rider)
        assert (await city.start(rider, payment_method_id=good.method_id)).status_code == 200


@pytest.mark.parametrize("name", ["timeout", "timeout_lost"])
async def test_no_answer_starts_nothing_and_what_was_reserved_is_let_go_later(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit, name: str
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider, name)
        no = await city.start(rider)
        assert (no.status_code, no.json()["code"]) == (503, "card_no_answer")
        [ride] = await city.rides()
        assert (ride["status"], ride["outcome"]) == ("FAILED", "card_no_answer")
        assert await city.vehicle_status() == ("READY", None)
        assert city.unit.commands == []
        await work_off(city, clock)
        statuses = {"timeout": ["released"], "timeout_lost": []}[name]
        assert [seen.status for seen in sandbox.payments(city.kit.operator.id)] == statuses
        await the_books_are_the_providers(city)


@pytest.mark.parametrize("manner", [Manner.FAIL, Manner.NEVER])
async def test_a_vehicle_that_does_not_unlock_costs_nothing_and_reserves_nothing(
    rt: Runtime, tmp_path: Path, sandbox: SandboxKit, manner: Manner
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox, manner=manner) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider)
        assert (await city.start(rider)).json()["code"] == "vehicle_did_not_unlock"
        assert [seen.status for seen in sandbox.payments(city.kit.operator.id)] == ["released"]
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)
        await the_books_are_the_providers(city)


async def test_a_vehicle_that_is_away_costs_nothing_and_stays_ready(
    rt: Runtime, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox, connected=False) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider)
        assert (await city.start(rider)).json()["code"] == "device_offline"
        [ride] = await city.rides()
        assert (ride["status"], ride["outcome"]) == ("FAILED", "not_reached")
        assert await city.vehicle_status() == ("READY", None)
        assert [seen.status for seen in sandbox.payments(city.kit.operator.id)] == ["released"]
        await the_books_are_the_providers(city)


async def test_a_start_whose_process_died_at_the_card_is_ended_by_the_job(
    rt: Runtime, clock: SettableClock, tmp_path: Path, silent_sandbox: SandboxKit
) -> None:
    sandbox = silent_sandbox
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider, "timeout")
        request = asyncio.create_task(city.start(rider))
        await until_asked(sandbox, city)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        [ride] = await city.rides()
        assert ride["status"] == "AUTHORISING"
        # The vehicle and the rider's place are taken until it is decided.
        assert (await city.vehicle_status())[0] == "IN_USE"
        assert (await city.ask(rider, "sharing/get-active-rides")).json()["active_ride_ids"] == []
        clock.advance(seconds=31)
        await run_due_jobs(city.api.services, city.kit.operator.id, "settle_authorising")
        [ride] = await city.rides()
        assert (ride["status"], ride["outcome"]) == ("FAILED", "card_no_answer")
        assert await city.vehicle_status() == ("READY", None)
        await work_off(city, clock)
        assert [seen.status for seen in sandbox.payments(city.kit.operator.id)] == ["released"]
        await the_books_are_the_providers(city)


async def until_asked(sandbox: SandboxKit, city: City) -> None:
    def is_asked() -> bool:
        return [seen.status for seen in sandbox.payments(city.kit.operator.id)] == ["authorised"]

    await until(is_asked, "the card was asked")


async def test_an_end_without_the_providers_answer_is_pending_until_it_is_known(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider, "timeout_at_capture")
        await city.start(rider)
        await ride_for(city, clock, 1)
        info = (await city.end(rider)).json()["payment_info"]
        assert (info["total"], info["charged_card"], info["pending"], info["debt"]) == (1.2, 0, 1.2, 0)
        assert await receipt_of(city) is None
        await work_off(city, clock, minutes=2)
        assert await paid(city) == money(total=120, charged_card=120)
        assert (await receipt_of(city)).paid.card_minor == 120
        await the_books_are_the_providers(city)


async def test_without_a_reservation_the_card_pays_all_at_the_end(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    settings = Settings(rides=SETTINGS.rides, payments=PaymentSettings(authorise_minor=0))
    async with small_city(rt, tmp_path, settings=settings, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider)
        await city.start(rider)
        assert sandbox.payments(city.kit.operator.id) == []
        await ride_for(city, clock, 1)
        assert (await city.end(rider)).json()["payment_info"]["charged_card"] == 1.2
        await the_books_are_the_providers(city)


async def test_a_card_that_is_gone_at_the_end_is_not_charged(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        card = await city.card(rider)
        await city.start(rider)
        async with rt.db.write() as tx:
            await tx.execute(
                "update card set status = 'LOST' where operator_id = %s and id = %s", [city.kit.operator.id, card.id]
            )
        await ride_for(city, clock, 1)
        assert (await city.end(rider)).json()["payment_info"]["debt"] == 1.2
        assert [seen.status for seen in sandbox.payments(city.kit.operator.id)] == ["released"]
        await the_books_are_the_providers(city)


async def test_a_ride_needs_a_card_where_the_operator_says_so(rt: Runtime, tmp_path: Path, sandbox: SandboxKit) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox, card_required=True) as city:
        rider = await city.rider()
        assert (await city.start(rider)).json()["code"] == "card_needed"
        body = {"vehicle_id": city.fleet.vehicle_id, "user_latitude": 60.17, "user_longitude": 24.94}
        waived = {**body, "user_id": rider.id, "skip_save_card_check": True}
        assert (await city.ask_as_owner("sharing/start-ride", waived)).status_code == 200
        assert await city.end(rider)
        await city.card(rider)
        assert (await city.start(rider, payment_method_id="wallet")).status_code == 200


async def test_only_own_active_cards_pay(rt: Runtime, tmp_path: Path, sandbox: SandboxKit) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider, other = await city.rider(), await city.rider()
        mine, theirs = await city.card(rider), await city.card(other)
        for method_id in (theirs.method_id, "card_999999999", "card_", "cash", "card_٣", f" {mine.method_id}"):
            no = await city.start(rider, payment_method_id=method_id)
            assert (no.status_code, no.json()["code"]) == (409, "unknown_payment_method")
            assert no.json()["details"]["allowed"] == ["wallet", mine.method_id]
        async with rt.db.write() as tx:
            await tx.execute(
                "update card set status = 'REMOVED' where operator_id = %s and id = %s", [city.kit.operator.id, mine.id]
            )
        assert (await city.start(rider, payment_method_id=mine.method_id)).json()["code"] == "unknown_payment_method"
        # The choice is a card that is gone: the wallet pays.
        assert (await city.start(rider)).status_code == 200
        [ride] = await city.rides()
        assert ride["terms"]["payment_method_id"] == "wallet"


async def test_an_end_twice_at_once_charges_once(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider(balance_minor=0)
        await city.card(rider)
        await city.start(rider)
        await ride_for(city, clock, 1)
        answers = await asyncio.gather(*(city.end(rider) for _ in range(4)))
        assert sorted({answer.status_code for answer in answers} - {404, 409, 503}) == [200]
        await settle_again(city)
        await work_off(city, clock, minutes=2)
        assert await paid(city) == money(total=120, charged_card=120)
        assert sandbox.totals(city.kit.operator.id).captured_minor == 120
        await the_books_are_the_providers(city)
