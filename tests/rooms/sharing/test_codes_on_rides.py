"""Codes and rides, as apps and staff use them: over HTTP, with units and a card provider."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from isotope.domain.benefits import PackageDraft, PackageSpec, upsert_package
from isotope.domain.payments import resolve_card_calls
from isotope.domain.pricing import Quota
from isotope.domain.tenants.model import CodeSettings, ReferralSettings, RideSettings, Settings
from isotope.domain.wallet import check_ledger
from isotope.infra.runtime import Runtime
from isotope.kernel.time_windows import TimeWindow
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.codes import BONUS, DISCOUNT, put_code
from tests.kit.devices import Manner
from tests.kit.fleet import HOME
from tests.kit.http import credentials
from tests.kit.jobs import queued_jobs, run_due_jobs
from tests.kit.riders import RiderKit
from tests.kit.samples import make_staff_token

SETTINGS = Settings(
    rides=RideSettings(unlock_wait_s=1, failed_ride_m=0),
    referrals=ReferralSettings(referee_minor=50, referrer_minor=300),
    codes=CodeSettings(tries_per_rider=2),
)


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


async def ridden(city: City, clock: SettableClock, rider: RiderKit, minutes: int = 10, **more: Any) -> dict[str, Any]:
    """A ride from start to end; its `payment_info`."""
    started = await city.start(rider, **more)
    assert started.status_code == 200, started.text
    clock.advance(minutes=minutes)
    await city.unit.report()
    ended = await city.end(rider)
    assert ended.status_code == 200, ended.text
    info: dict[str, Any] = ended.json()["payment_info"]
    return info


async def rides_left(city: City, rider: RiderKit) -> list[int]:
    shown = (await city.ask(rider, "user/get-benefits")).json()
    return [discount["rides_left"] for discount in shown["discounts"]]


def codes(info: dict[str, Any]) -> list[str]:
    return [line["code"] for line in info["lines"]]


async def test_a_discount_of_a_code_is_on_so_many_bills(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider()
        await put_code(rt, city.kit.operator, "WELCOME", DISCOUNT)
        redeemed = (await city.ask(rider, "user/redeem-code", {"code": "welcome"})).json()
        assert (redeemed["kind"], redeemed["discount"]["rides_left"]) == ("RIDE_DISCOUNT", 2)
        assert redeemed["message"] == "20 % off your next rides: 2."
        # 1.00 and ten minutes for 0.20 make 3.00.
        first, second, third = [await ridden(city, clock, rider) for _ in range(3)]
        assert [info["total"] for info in (first, second, third)] == [2.4, 2.4, 3.0]
        assert "promo_discount" in codes(first)
        assert "promo_discount" not in codes(third)
        assert await rides_left(city, rider) == []


async def test_a_ride_that_never_begins_uses_no_discount_up(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, manner=Manner.FAIL) as city:
        rider = await city.rider()
        await put_code(rt, city.kit.operator, "WELCOME", DISCOUNT)
        await city.ask(rider, "user/redeem-code", {"code": "WELCOME"})
        failed = await city.start(rider)
        assert (failed.status_code, failed.json()["code"]) == (503, "vehicle_did_not_unlock")
        assert await rides_left(city, rider) == [2]


async def test_a_discount_that_takes_nothing_off_is_not_used_up(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider()
        await put_code(rt, city.kit.operator, "WELCOME", DISCOUNT)
        await city.ask(rider, "user/redeem-code", {"code": "WELCOME"})
        spec = PackageSpec(price_minor=300, quota=Quota(unlocks=1, ride_min=30))
        async with rt.db.write() as tx:
            package_id = await upsert_package(
                tx, city.kit.operator.id, PackageDraft(ref="half", title="Half an hour", spec=spec)
            )
        covered = await ridden(city, clock, rider, pricing_package_id=package_id)
        assert covered["total"] == 3.0
        assert "promo_discount" not in codes(covered)
        assert await rides_left(city, rider) == [2]
        clock.advance(minutes=20)
        await city.unit.report()
        # Half an hour is in the package; what is above it the code is good for.
        above = await ridden(city, clock, rider, minutes=35, pricing_package_id=package_id)
        assert above["total"] == 3.8
        assert await rides_left(city, rider) == [1]


async def test_a_ride_that_failed_uses_no_discount_up(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SETTINGS, rides=RideSettings(unlock_wait_s=1))
    async with small_city(rt, tmp_path, settings=settings) as city:
        rider = await city.rider()
        await put_code(rt, city.kit.operator, "WELCOME", DISCOUNT)
        await city.ask(rider, "user/redeem-code", {"code": "WELCOME"})
        await ridden(city, clock, rider, minutes=1)
        assert await rides_left(city, rider) == [1]
        clock.advance(minutes=5)
        assert await run_due_jobs(city.api.services, city.kit.operator.id, "recheck_ride", times=2) == ["recheck_ride"]
        assert await rides_left(city, rider) == [2]


async def test_who_brought_a_rider_is_rewarded_when_their_card_has_paid(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox) as city:
        services, operator = city.api.services, city.kit.operator
        ada, ben = await city.rider(balance_minor=0), await city.rider(balance_minor=0)
        code = (await city.ask(ada, "user/get-referral-code")).json()["referral_code"]
        redeemed = (await city.ask(ben, "user/redeem-code", {"code": code})).json()
        assert (redeemed["kind"], redeemed["bonus"]) == ("REFERRAL", 0.5)
        await city.card(ben, "timeout_at_capture")
        info = await ridden(city, clock, ben)
        assert info["pending"] == 2.5
        assert await queued_jobs(rt, operator.id, "reward_referrer") == []
        for _ in range(2):
            clock.advance(minutes=1)
            await resolve_card_calls(rt, services.cards, services.operators)
        assert await run_due_jobs(services, operator.id, "reward_referrer", times=2) == ["reward_referrer"]
        assert (await city.standing(ada)).bonus_minor == 300
        shown = (await city.ask(ada, "user/get-referral-code")).json()
        assert (shown["redeemed"], shown["rewarded"], shown["redeemable"]) == (1, 1, 19)
        [entry] = (await city.ask(ada, "user/get-wallet-entries")).json()["entries"]
        assert (entry["reason"], entry["title"]) == ("referral_reward", "Thank you for bringing a rider")
        async with rt.db.read() as tx:
            assert await check_ledger(tx, operator.id) == []


async def test_a_ride_that_is_owed_rewards_nobody(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        ada, ben = await city.rider(), await city.rider(balance_minor=0)
        code = (await city.ask(ada, "user/get-referral-code")).json()["referral_code"]
        await city.ask(ben, "user/redeem-code", {"code": code})
        assert (await ridden(city, clock, ben))["debt"] == 2.5
        assert await queued_jobs(rt, city.kit.operator.id, "reward_referrer") == []
        await city.give(ben, 10_000)
        await ridden(city, clock, ben)
        assert len(await queued_jobs(rt, city.kit.operator.id, "reward_referrer")) == 1


async def test_a_card_is_needed_to_enter_a_code_where_the_operator_says_so(
    rt: Runtime, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS, sandbox=sandbox, card_required=True) as city:
        await put_code(rt, city.kit.operator, "WELCOME")
        rider, other = await city.rider(), await city.rider()
        no = await city.ask(rider, "user/redeem-code", {"code": "WELCOME"})
        assert (no.status_code, no.json()["code"]) == (409, "card_needed")
        assert (
            await city.ask(rider, "user/redeem-code", {"code": "WELCOME", "skip_save_card_check": True})
        ).status_code == 403
        skipped = {"code": "WELCOME", "user_id": other.id, "skip_save_card_check": True}
        assert (await city.ask_as_owner("user/redeem-code", skipped)).status_code == 200
        await city.card(rider)
        assert (await city.ask(rider, "user/redeem-code", {"code": "WELCOME"})).json()["bonus"] == 5.0


async def test_wrong_codes_end_in_429_but_not_for_the_operators_systems(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider()
        for _ in range(2):
            wrong = await city.ask(rider, "user/redeem-code", {"code": "NOSUCH"})
            assert (wrong.status_code, wrong.json()["code"]) == (409, "code_not_valid")
        limited = await city.ask(rider, "user/redeem-code", {"code": "NOSUCH"})
        assert (limited.status_code, limited.json()["code"]) == (429, "too_many_code_tries")
        assert limited.headers["retry-after"] == "3600"
        others = [await city.rider() for _ in range(3)]
        for other in others:
            asked = await city.ask_as_owner("user/redeem-code", {"code": "NOSUCH", "user_id": other.id})
            assert asked.json()["code"] == "code_not_valid"


async def test_the_same_key_redeems_once_and_is_answered_again(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider(balance_minor=0)
        await put_code(rt, city.kit.operator, "WELCOME", BONUS)
        headers = credentials(city.kit.public_key, rider.token) | {"Idempotency-Key": "k-1"}
        path = "/openapi/v1.0/user/redeem-code"
        first, again = [await city.api.client.post(path, json={"code": "WELCOME"}, headers=headers) for _ in range(2)]
        assert (first.status_code, first.content) == (again.status_code, again.content) == (200, first.content)
        assert (await city.standing(rider)).bonus_minor == 500


async def test_the_map_names_models_with_packages_while_one_can_be_taken(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        operator = city.kit.operator
        rider = await city.rider()
        spec = PackageSpec(price_minor=300, quota=Quota(ride_min=30), windows=(TimeWindow(start="18:00", end="23:00"),))
        draft = PackageDraft(ref="evening", title="Evening", spec=spec)
        async with rt.hub.expect("packages_changed", str(operator.id)) as wait:
            async with rt.db.write() as tx:
                await upsert_package(tx, operator.id, draft)
            assert await wait(5)

        async def models() -> list[int]:
            body = {"user_latitude": HOME.lat, "user_longitude": HOME.lon, "radius_in_km": 2}
            shown = await city.ask(rider, "sharing/get-vehicles", body)
            listed: list[int] = shown.json()["vehicle_models_with_pricing_packages"]
            return listed

        # 15:00 in Helsinki, then 19:00.
        clock.set(datetime(2026, 6, 3, 12, tzinfo=UTC))
        assert await models() == []
        clock.set(datetime(2026, 6, 3, 16, tzinfo=UTC))
        assert await models() == [city.fleet.model_id]


async def test_staff_make_look_at_and_stop_codes(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        token = await make_staff_token(rt, city.kit)
        rider = await city.rider()

        async def staff(verb: str, **body: Any) -> tuple[int, dict[str, Any]]:
            answer = await city.api.post(f"/api/v2/admin/promo-codes/{verb}", body, token=token)
            return answer.status_code, answer.json()

        for nr in range(3):
            made = await staff("create", promo_code=f"CODE{nr}", title="Code", kind="BONUS", amount=2.5, most=10)
            assert made[0] == 200, made
        assert (await city.ask(rider, "user/redeem-code", {"code": "CODE1"})).json()["bonus"] == 2.5
        assert (await staff("create", promo_code="CODE1", title="Again", kind="BONUS", amount=1))[1]["code"] == (
            "promo_code_taken"
        )
        status, wrong = await staff("create", promo_code="CODE9", title="Wrong", kind="RIDE_DISCOUNT", amount=1)
        assert (status, wrong["code"]) == (400, "validation_failed")
        assert "RIDE_DISCOUNT has per cent and rides" in str(wrong["errors"])
        stopped = (await staff("stop", promo_code="code1"))[1]
        assert (stopped["redeemed"], stopped["remaining"]) == (1, 9)
        assert stopped["stopped_by"].startswith("staff:")
        first = (await staff("list", page_length=2))[1]
        assert [code["promo_code"] for code in first["promo_codes"]] == ["CODE2", "CODE1"]
        rest = (await staff("list", page_length=2, bookmark=first["bookmark_next"]))[1]
        assert [code["promo_code"] for code in rest["promo_codes"]] == ["CODE0"]
        assert rest["bookmark_next"] is None
        assert (await staff("list", bookmark="nonsense"))[0] == 400
