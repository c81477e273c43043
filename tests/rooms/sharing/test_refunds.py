"""Refunds and fines by staff: over HTTP, with the sandbox as the witness."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.payments import Parts, split_refund
from isotope.domain.receipts import find_receipt_by_cause
from isotope.domain.sharing.model import Ride, RideStatus, Terms
from isotope.domain.sharing.refund_rules import RefundFacts, may_fine, may_refund
from isotope.domain.tenants import AddStaff, add_staff
from isotope.domain.tenants.model import PaymentSettings, RideSettings, Role, Settings
from isotope.domain.wallet import MoneyKind
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import ModelId, OperatorId, RideId, RiderId, VehicleId
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.city import City, small_city
from tests.kit.clock import START, SettableClock
from tests.kit.fleet import HOME, TARIFF
from tests.kit.riders import RiderKit
from tests.kit.tenants import STAFF_PASSWORD
from tests.rooms.sharing.test_card_rides import ride_for, the_books_are_the_providers, work_off

SETTINGS = Settings(
    rides=RideSettings(unlock_wait_s=1),
    payments=PaymentSettings(authorise_minor=1_000, support_refund_minor=100, fine_maximum_minor=5_000),
)
WHY = "The brake was broken"


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


class Desk:
    """A member of staff at work."""

    def __init__(self, city: City, token: str) -> None:
        self._city = city
        self._token = token

    async def ask(self, path: str, body: dict[str, Any], key: str | None = None) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Idempotency-Key": key} if key else {})
        return await self._city.api.client.post(f"/api/v2/admin/rides/{path}", json=body, headers=headers)

    async def refund(self, key: str | None = None, **body: Any) -> httpx2.Response:
        return await self.ask("refund", {"ride_id": await self.ride_id(), "reason": WHY, **body}, key)

    async def fine(self, amount: float, key: str | None = None) -> httpx2.Response:
        return await self.ask("fine", {"ride_id": await self.ride_id(), "reason": "In the way", "amount": amount}, key)

    async def money(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask("money", {"ride_id": await self.ride_id()})).json()
        return found

    async def ride_id(self) -> int:
        return int((await self._city.rides())[-1]["id"])


async def staff(city: City, role: Role = Role.OWNER) -> Desk:
    email = f"{role}@{city.kit.operator.slug}.test"
    await add_staff(
        city.rt,
        AddStaff(slug=city.kit.operator.slug, email=email, password=STAFF_PASSWORD, role=role, name="Sam"),
    )
    login = {"email": email, "password": STAFF_PASSWORD}
    answer = await city.api.client.post("/api/v2/admin/login/openapi", json=login)
    return Desk(city, answer.json()["access_token"])


async def ridden(city: City, clock: SettableClock, *, balance: int = 0, bonus: int = 0, card: str = "ok") -> RiderKit:
    """A ride of 2.00, paid by bonus, balance and the card."""
    rider = await city.rider(balance_minor=balance)
    if bonus:
        await city.give(rider, bonus, MoneyKind.BONUS)
    if card:
        await city.card(rider, card)
    assert (await city.start(rider)).status_code == 200
    await ride_for(city, clock, 5)
    assert (await city.end(rider)).status_code == 200
    return rider


def amounts(shown: dict[str, Any]) -> dict[str, float]:
    return {name: amount for name, amount in shown.items() if amount}


async def test_money_goes_back_the_way_it_came(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await ridden(city, clock, balance=30, bonus=20)
        desk = await staff(city)
        answer = await desk.refund()
        assert answer.status_code == 200, answer.text
        assert answer.json()["amount"] == 2.0
        assert amounts(answer.json()["went_to"]) == {"bonus": 0.2, "balance": 0.3, "card": 1.5}
        standing = await city.standing(rider)
        assert (standing.balance_minor, standing.bonus_minor, standing.debt_minor) == (30, 20, 0)
        assert sandbox.totals(city.kit.operator.id).net_minor == 0
        await the_books_are_the_providers(city)
        money = await desk.money()
        assert (money["refundable"], money["total"]) == (0.0, 2.0)
        async with rt.db.read() as tx:
            note = await find_receipt_by_cause(tx, city.kit.operator.id, f"refund:{answer.json()['refund_id']}")
        assert note is not None
        assert (note.kind, note.corrects, note.total_minor) == ("CREDIT_NOTE", f"ride:{await desk.ride_id()}", 200)
        assert (note.paid.card_minor, note.paid.balance_minor, note.paid.bonus_minor) == (150, 30, 20)


async def test_parts_of_it_until_nothing_is_left(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        await ridden(city, clock, balance=30)
        desk = await staff(city)
        first, second = await desk.refund(amount=1.6), await desk.refund(amount=0.4)
        assert amounts(first.json()["went_to"]) == {"card": 1.6}
        assert amounts(second.json()["went_to"]) == {"card": 0.1, "balance": 0.3}
        taxes = (await desk.money())["tax"]
        assert round(first.json()["tax"] + second.json()["tax"], 2) == taxes
        refused = await desk.refund(amount=0.01)
        assert (refused.status_code, refused.json()["code"]) == (409, "refund_too_high")
        assert refused.json()["details"]["refundable"] == "0.00"
        await the_books_are_the_providers(city)


async def test_the_same_key_is_the_same_refund(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        await ridden(city, clock)
        desk = await staff(city)
        first = await desk.refund("key", amount=0.5)
        assert (await desk.refund("key", amount=0.5)).json() == first.json()
        # Below the API's own memory, which forgets after a day, stands the refund's.
        clock.advance(hours=25)
        async with rt.db.write() as tx:
            await tx.execute("delete from idempotent_request where operator_id = %s", [city.kit.operator.id])
        assert (await desk.refund("key", amount=0.5)).json() == first.json()
        again = await desk.refund("key", amount=0.6)
        assert (again.status_code, again.json()["code"]) == (422, "idempotency_key_reused")
        assert sandbox.totals(city.kit.operator.id).refunded_minor == 50


async def test_debt_is_cancelled_first_and_paid_debt_becomes_balance(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await ridden(city, clock, balance=50, card="")
        assert (await city.standing(rider)).debt_minor == 150
        desk = await staff(city)
        assert amounts((await desk.refund(amount=1.0)).json()["went_to"]) == {"debt": 1.0}
        await city.give(rider, 50)
        assert (await city.standing(rider)).debt_minor == 0
        assert amounts((await desk.refund()).json()["went_to"]) == {"balance": 1.0}
        assert (await city.standing(rider)).balance_minor == 100
        await the_books_are_the_providers(city)


async def test_to_the_wallet_if_staff_want_it_so(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await ridden(city, clock)
        answer = await (await staff(city)).refund(to_wallet=True)
        assert amounts(answer.json()["went_to"]) == {"balance": 2.0}
        assert (await city.standing(rider)).balance_minor == 200
        assert sandbox.totals(city.kit.operator.id).refunded_minor == 0
        await the_books_are_the_providers(city)


async def test_what_the_card_does_not_take_back_is_the_wallets(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await ridden(city, clock, card="refund_refused")
        answer = await (await staff(city)).refund(amount=1.2)
        assert amounts(answer.json()["went_to"]) == {"balance": 1.2}
        assert (await city.standing(rider)).balance_minor == 120
        await the_books_are_the_providers(city)
        async with rt.db.read() as tx:
            note = await find_receipt_by_cause(tx, city.kit.operator.id, f"refund:{answer.json()['refund_id']}")
        assert note is not None
        assert (note.paid.balance_minor, note.paid.card_minor) == (120, 0)


async def test_a_refund_that_nobody_heard_of_is_found_and_blocks_the_next_till_then(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        await ridden(city, clock)
        desk = await staff(city)
        sandbox.add_fault("refund", "error_done")
        answer = await desk.refund(amount=1.2)
        assert amounts(answer.json()["went_to"]) == {"card_pending": 1.2}
        refused = await desk.refund(amount=0.1)
        assert (refused.status_code, refused.json()["code"]) == (409, "refund_running")
        await work_off(city, clock)
        assert amounts((await desk.money())["refunds"][0]["went_to"]) == {"card": 1.2}
        assert (await desk.refund(amount=0.1)).status_code == 200
        await the_books_are_the_providers(city)


async def test_a_fine_is_paid_by_balance_and_card_and_never_by_bonus(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await ridden(city, clock, bonus=500)
        await city.give(rider, 700)
        desk = await staff(city)
        answer = await desk.fine(25, "key")
        assert answer.status_code == 200, answer.text
        assert amounts(answer.json()["paid_by"]) == {"balance": 7.0, "card": 18.0}
        assert (await desk.fine(25, "key")).json() == answer.json()
        assert (await city.standing(rider)).bonus_minor == 300
        async with rt.db.read() as tx:
            receipt = await find_receipt_by_cause(tx, city.kit.operator.id, f"fine:{answer.json()['fine_id']}")
        assert receipt is not None
        assert (receipt.kind, receipt.total_minor, receipt.tax_minor, receipt.subject) == (
            "FINE",
            2_500,
            0,
            "In the way",
        )
        back = await desk.refund(fine_id=answer.json()["fine_id"], amount=20)
        assert amounts(back.json()["went_to"]) == {"card": 18.0, "balance": 2.0}
        money = await desk.money()
        assert (money["refundable"], money["fines"][0]["refundable"]) == (2.0, 5.0)
        await the_books_are_the_providers(city)


async def test_a_fine_that_the_card_refuses_is_debt(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await ridden(city, clock, card="charges_decline_after_first")
        answer = await (await staff(city)).fine(25)
        assert amounts(answer.json()["paid_by"]) == {"debt": 25.0}
        assert (await city.standing(rider)).debt_minor == 2_500
        await the_books_are_the_providers(city)


async def test_roles_have_limits(rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        await ridden(city, clock)
        support = await staff(city, Role.SUPPORT)
        assert (await support.refund(amount=0.7)).status_code == 200
        refused = await support.refund(amount=0.31)
        assert (refused.status_code, refused.json()["code"]) == (403, "role_limit_reached")
        assert refused.json()["details"]["left"] == "0.30"
        assert (await support.fine(1.01)).json()["code"] == "role_limit_reached"
        for role in (Role.OPERATOR, Role.READ_ONLY):
            desk = await staff(city, role)
            for refused in (await desk.refund(), await desk.fine(1), await desk.ask("money", {"ride_id": 1})):
                assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")


async def test_only_rides_that_are_over(rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        rider = await city.rider()
        assert (await city.start(rider)).status_code == 200
        desk = await staff(city)
        for refused in (await desk.refund(), await desk.fine(1)):
            assert (refused.status_code, refused.json()["code"]) == (409, "ride_not_ended")
        too_high = await desk.ask("fine", {"ride_id": await desk.ride_id(), "reason": WHY, "amount": 0})
        assert too_high.json()["code"] == "ride_not_ended"
        unknown = await desk.ask("refund", {"ride_id": 10**15, "reason": WHY})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "ride_not_found")


def ride_of_status(status: RideStatus) -> Ride:
    return Ride(
        operator_id=OperatorId(1),
        id=RideId(1),
        rider_id=RiderId(1),
        vehicle_id=VehicleId(1),
        model_id=ModelId(1),
        status=status,
        currency="EUR",
        terms=Terms(tariff=TARIFF),
        requested_at=START,
        started_at=START,
        ended_at=START,
        start=HOME,
        start_odometer_m=0,
        command_id=None,
    )


FACTS = RefundFacts(
    settings=PaymentSettings(support_refund_minor=100),
    currency="EUR",
    role=Role.MANAGER,
    ride=ride_of_status(RideStatus.ENDED),
    charged_minor=500,
    pending_minor=0,
    refunded_minor=0,
    is_refund_running=False,
    amount_minor=None,
)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"amount_minor": 500}, None),
        ({"amount_minor": 501}, "refund_too_high"),
        ({"amount_minor": 0}, "refund_too_high"),
        ({"amount_minor": -1}, "refund_too_high"),
        ({"refunded_minor": 500}, "refund_too_high"),
        ({"refunded_minor": 400, "amount_minor": 101}, "refund_too_high"),
        ({"charged_minor": 0}, "refund_too_high"),
        ({"pending_minor": 1}, "ride_not_settled"),
        ({"is_refund_running": True}, "refund_running"),
        ({"ride": ride_of_status(RideStatus.ACTIVE)}, "ride_not_ended"),
        ({"ride": ride_of_status(RideStatus.FAILED)}, "ride_not_ended"),
        ({"role": Role.OWNER}, None),
        ({"role": Role.OPERATOR}, "role_not_allowed"),
        ({"role": Role.READ_ONLY}, "role_not_allowed"),
        ({"role": Role.SUPPORT}, "role_limit_reached"),
        ({"role": Role.SUPPORT, "amount_minor": 100}, None),
        ({"role": Role.SUPPORT, "amount_minor": 101}, "role_limit_reached"),
        ({"role": Role.SUPPORT, "amount_minor": 51, "refunded_minor": 50}, "role_limit_reached"),
    ],
)
def test_who_may_refund_what(changes: dict[str, Any], code: str | None) -> None:
    facts = RefundFacts(**{name: getattr(FACTS, name) for name in FACTS.__dataclass_fields__} | changes)
    no = may_refund(facts)
    assert (None if no is None else no.code) == code


@pytest.mark.parametrize(
    ("role", "status", "amount", "code"),
    [
        (Role.OWNER, RideStatus.ENDED, 5_000, None),
        (Role.OWNER, RideStatus.ENDED, 5_001, "validation_failed"),
        (Role.OWNER, RideStatus.ENDED, 0, "validation_failed"),
        (Role.MANAGER, RideStatus.PAUSED, 100, "ride_not_ended"),
        (Role.SUPPORT, RideStatus.ENDED, 100, None),
        (Role.SUPPORT, RideStatus.ENDED, 101, "role_limit_reached"),
        (Role.OPERATOR, RideStatus.ENDED, 1, "role_not_allowed"),
        (Role.READ_ONLY, RideStatus.ENDED, 1, "role_not_allowed"),
    ],
)
def test_who_may_fine_what(role: Role, status: RideStatus, amount: int, code: str | None) -> None:
    no = may_fine(SETTINGS.payments, "EUR", role, ride_of_status(status), amount)
    assert (None if no is None else no.code) == code


parts = st.builds(
    Parts,
    bonus_minor=st.integers(0, 999),
    balance_minor=st.integers(0, 999),
    card_minor=st.integers(0, 999),
    debt_minor=st.integers(0, 999),
)


@given(charged=parts, data=st.data())
def test_partial_refunds_give_back_every_part_exactly(charged: Parts, data: st.DataObject) -> None:
    left = charged
    while left.total_minor:
        part = split_refund(left, data.draw(st.integers(1, left.total_minor)))
        assert min(part.bonus_minor, part.balance_minor, part.card_minor, part.debt_minor) >= 0
        # In this order: nothing of a later part comes before all of the ones before.
        if part.card_minor:
            assert left.debt_minor == part.debt_minor
        if part.balance_minor:
            assert left.card_minor == part.card_minor
        if part.bonus_minor:
            assert left.balance_minor == part.balance_minor
        left = left.minus(part)
    assert left == Parts()
