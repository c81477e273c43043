"""What an app shows before a ride is what the ride then costs, line by line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.benefits import (
    GroupDraft,
    GroupSpec,
    PackageDraft,
    PackageSpec,
    SetDiscountGroup,
    set_discount_group,
    upsert_group,
    upsert_package,
)
from isotope.domain.payments import NO_CARDS
from isotope.domain.pricing import AddonKind, AddonPrice, KmTier, Quota, Surcharge, Tariff, Tier
from isotope.domain.subscriptions import BuySubscription, PlanDraft, PlanSpec, buy_subscription, upsert_plan
from isotope.domain.tenants.model import ReservationSettings, RideSettings, Settings
from isotope.domain.zones.model import ZoneType
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, rider_actor
from isotope.kernel.time_windows import TimeWindow
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME, make_zones, zone_draft
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

# 23:30 in Helsinki, and noon.
NIGHT = datetime(2026, 6, 2, 20, 30, tzinfo=UTC)
NOON = datetime(2026, 6, 3, 9, 0, tzinfo=UTC)

TARIFF = Tariff(
    unlock_minor=100,
    minute_tiers=(Tier(upto_min=2, price_minor=0), Tier(price_minor=20)),
    pause_tiers=(Tier(price_minor=5),),
    km_tiers=(KmTier(upto_km=1, price_minor=0), KmTier(price_minor=30)),
    minimum_minor=150,
    ride_cap_minor=5_000,
    day_cap_minor=9_000,
    surcharges=(
        Surcharge(title="Night", windows=(TimeWindow(start="22:00", end="06:00"),), pct=10),
        Surcharge(title="Station", zones=("station",), amount_minor=40),
        Surcharge(title="Airport", zones=("airport",), amount_minor=400),
    ),
    tax_rate="0.255",
)
SEAT = AddonPrice(kind=AddonKind.PER_KM, price_minor=7, title="Child seat")


async def a_city_with_all(city: City) -> tuple[RiderKit, int]:
    """A rider in a discount group with a subscription, in a city that sells a package."""
    rt, operator = city.rt, city.kit.operator
    rider = await city.rider()
    async with rt.db.write() as tx:
        package_id = await upsert_package(
            tx,
            operator.id,
            PackageDraft(
                ref="ten", title="Ten minutes", spec=PackageSpec(price_minor=200, quota=Quota(unlocks=1, ride_min=3))
            ),
        )
        await upsert_group(tx, operator.id, GroupDraft(ref="students", title="Students", spec=GroupSpec(pct=50)))
        plan_id = await upsert_plan(
            tx,
            operator.id,
            PlanDraft(ref="week", title="Week", spec=PlanSpec(price_minor=500, days=7, quota=Quota(ride_min=2))),
        )
    await make_zones(
        rt,
        operator,
        zone_draft(ZoneType.PARKING_ZONE),
        zone_draft(ZoneType.BONUS_ZONE, ref="station"),
    )
    await set_discount_group(
        rt,
        SetDiscountGroup(operator=operator, rider_id=rider.id, group_ref="students", valid_until=None, actor=SYSTEM),
    )
    await buy_subscription(
        rt,
        NO_CARDS,
        BuySubscription(
            operator=operator,
            rider_id=rider.id,
            plan_id=plan_id,
            actor=rider_actor(rider.id),
            method_id="wallet",
            return_url="",
        ),
    )
    return rider, package_id


async def quoted(city: City, rider: RiderKit, **body: Any) -> dict[str, Any]:
    answer = await city.ask(rider, "sharing/get-vehicle-pricing", body or {"vehicle_id": city.fleet.vehicle_id})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def codes(lines: list[dict[str, Any]]) -> list[str]:
    return [line["code"] for line in lines]


async def test_the_quote_is_made_of_the_lines_of_the_bill(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    clock.set(NIGHT)
    async with small_city(rt, tmp_path, tariff=TARIFF, addons={"seat": SEAT}) as city:
        rider, package_id = await a_city_with_all(city)
        quote = await quoted(city, rider)
        assert codes(quote["pricing"]) == [
            "unlock",
            "ride_minutes",
            "ride_minutes",
            "pause_minutes",
            "km",
            "km",
            "surcharge_pct",
            "surcharge_fixed",
            "subscription_minutes",
            "group_discount",
            "ride_cap",
            "day_cap",
            "addon_km",
        ]
        assert quote["pricing"][5] == {
            "code": "km",
            "text": "Distance, from kilometre 2, 0.30 EUR per kilometre",
            "unit": "km",
            "price": 0.3,
            "percent": None,
            "included": None,
        }
        (package,) = quote["pricing_packages"]
        assert package["id"] == package_id
        assert package["included"] == {"unlocks": 1, "minutes": 3, "pause_minutes": 0, "km": 0}
        assert codes(package["pricing"]) == ["package", "package_unlock", "package_minutes"]

        started = await city.start(rider, pricing_package_id=package_id, addon_ids=[city.fleet.addon_ids[0]])
        assert started.status_code == 200, started.text
        clock.advance(minutes=10)
        await city.unit.report(odometer_m=3_500)
        ended = await city.end(rider)
        assert ended.status_code == 200, ended.text
        lines = ended.json()["payment_info"]["lines"]
        assert [(line["code"], line["quantity"], line["unit_price"]) for line in lines] == [
            ("package", 1, 2.0),
            ("unlock", 1, 1.0),
            ("ride_minutes", 2, 0.0),
            ("ride_minutes", 8, 0.2),
            ("km", 1, 0.0),
            ("km", 2, 0.3),
            ("surcharge_pct", 1, 0.32),
            ("surcharge_fixed", 1, 0.4),
            ("package_unlock", 1, -1.0),
            ("package_minutes", 3, -0.2),
            ("subscription_minutes", 2, -0.2),
            ("group_discount", 1, -0.96),
            ("addon_km", 3, 0.07),
        ]
        assert {line["code"] for line in lines} <= set(codes(quote["pricing"]) + codes(package["pricing"]))
        assert ended.json()["total_paid"] == f"{sum(round(100 * line['amount']) for line in lines) / 100:.2f}"


async def test_a_quote_is_for_the_rider_who_asks(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    clock.set(NOON)
    async with small_city(rt, tmp_path, tariff=TARIFF, addons={}) as city:
        rider, _package_id = await a_city_with_all(city)
        quote = await quoted(city, rider)
        data = quote["pricing_data"]
        # No night, but the station; unlocking, 2 free minutes and one more.
        assert [surcharge["title"] for surcharge in data["surcharges"]] == ["Station"]
        assert data["regular_price"] == 1.6
        assert quote["decreased_price"] == 0.7  # half of it without the minute
        assert quote["subscription_available"] is True
        assert quote["subscription_subaccount_id"] == data["subscription"]["id"]
        assert data["subscription"]["title"] == "Week"
        assert data["subscription"]["left"] == {"unlocks": 0, "minutes": 2, "pause_minutes": 0, "km": 0}
        assert data["discounts"] == [{"kind": "group", "title": "Students", "percent": 50}]
        assert (data["minimum"], data["ride_cap"], data["day_cap"]) == (1.5, 50.0, 90.0)
        assert data["km_tiers"] == [
            {"from_km": 1, "upto_km": 1, "price": 0.0},
            {"from_km": 2, "upto_km": None, "price": 0.3},
        ]
        assert "Week: 2 included riding minutes left" in quote["additional_info"]

        other = await quoted(city, await city.rider())
        assert other["decreased_price"] is None
        assert (other["subscription_available"], other["subscription_subaccount_id"]) == (False, None)
        assert (other["pricing_data"]["discounts"], other["pricing_data"]["subscription"]) == ([], None)
        assert "minimum" in codes(other["pricing"])

        # A model stands nowhere; the secret key asks for a rider.
        model = await quoted(city, rider, model_id=city.fleet.model_id)
        assert model["pricing_data"]["surcharges"] == []
        assert model["subscription_available"] is True
        named = {"model_id": city.fleet.model_id, "user_id": rider.id}
        assert (await city.ask_as_owner("sharing/get-vehicle-pricing", named)).json() == model


async def test_the_same_vehicle_again_has_no_new_free_minutes(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    clock.set(NOON)
    tariff = Tariff(minute_tiers=(Tier(upto_min=5, price_minor=0), Tier(price_minor=20)))
    settings = Settings(rides=RideSettings(unlock_wait_s=1, failed_ride_m=0))
    async with small_city(rt, tmp_path, tariff=tariff, addons={}, settings=settings) as city:
        rider = await city.rider()

        async def ride(minutes: int) -> str:
            assert (await city.start(rider)).status_code == 200
            clock.advance(minutes=minutes)
            await city.unit.report()
            ended = await city.end(rider)
            assert ended.status_code == 200, ended.text
            paid: str = ended.json()["total_paid"]
            return paid

        assert await ride(3) == "0.00"
        clock.advance(minutes=9)
        await city.unit.report()
        quote = await quoted(city, rider)
        assert quote["pricing_data"]["free_minutes_used"] == 3
        assert [line["text"] for line in quote["pricing"]][:2] == [
            "Riding, minutes 1 to 2, free",
            "Riding, from minute 3, 0.20 EUR per minute",
        ]
        assert await ride(3) == "0.20"
        # Both rides together have used them up.
        assert (await quoted(city, rider))["pricing_data"]["free_minutes_used"] == 5
        assert await ride(1) == "0.20"
        # For others, and after a while, they are new.
        assert (await quoted(city, await city.rider()))["pricing_data"]["free_minutes_used"] == 0
        clock.advance(minutes=10)
        await city.unit.report()
        assert (await quoted(city, rider))["pricing_data"]["free_minutes_used"] == 0
        assert await ride(5) == "0.00"


async def test_a_reservation_is_in_the_quote(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    clock.set(NOON)
    settings = Settings(
        rides=RideSettings(unlock_wait_s=1), reservations=ReservationSettings(fee="FIXED", fee_minor=60)
    )
    async with small_city(rt, tmp_path, settings=settings) as city:
        rider = await city.rider()
        reserved = await city.ask(
            rider,
            "sharing/reserve-vehicle",
            {"vehicle_id": city.fleet.vehicle_id, "user_latitude": HOME.lat, "user_longitude": HOME.lon},
        )
        assert reserved.status_code == 200, reserved.text
        quote = await quoted(city, rider)
        assert ("reservation_fee", 0.6) in [(line["code"], line["price"]) for line in quote["pricing"]]
        other = await quoted(city, await city.rider())
        assert "reservation_fee" not in codes(other["pricing"])


async def test_either_a_vehicle_or_a_model_is_named(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        neither = await city.ask(rider, "sharing/get-vehicle-pricing", {"vehicle_id": None})
        assert neither.status_code == 400
        assert [fault["field"] for fault in neither.json()["errors"]] == ["vehicle_id", "model_id"]
        unlike = {"vehicle_id": city.fleet.vehicle_id, "model_id": city.fleet.model_id + 1}
        assert (await city.ask(rider, "sharing/get-vehicle-pricing", unlike)).status_code == 400
        unknown = await city.ask(rider, "sharing/get-vehicle-pricing", {"vehicle_id": 10**9})
        assert unknown.json()["code"] == "vehicle_not_found"
