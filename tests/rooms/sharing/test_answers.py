"""What the sharing section answers, field by field, where the rides' tests do not look."""

from pathlib import Path
from typing import Any

import pytest

from isotope.domain.pricing import Tariff, Tier
from isotope.domain.zones.model import ZoneSpec, ZoneType
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME, make_zones, zone_draft

pytestmark = pytest.mark.asyncio

TIERED = Tariff(
    minute_tiers=(
        Tier(upto_min=3, price_minor=0),
        Tier(upto_min=6, price_minor=20),
        Tier(upto_min=None, price_minor=10),
    ),
    tax_rate="0.24",
)
AROUND = {"user_latitude": HOME.lat, "user_longitude": HOME.lon, "radius_in_km": 1}


async def test_eight_minutes_on_three_tiers(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, tariff=TIERED) as city:
        rider = await city.rider()
        await city.start(rider)
        clock.advance(minutes=8)
        await city.unit.report()
        bill = (await city.end(rider)).json()
        assert bill["total_paid"] == "0.80"
        assert [(line["quantity"], line["amount"]) for line in bill["payment_info"]["lines"]] == [
            (3, 0),
            (3, 0.6),
            (2, 0.2),
        ]


async def test_the_price_list_before_the_ride(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, tariff=TIERED) as city:
        rider = await city.rider()
        by_vehicle = (
            await city.ask(rider, "sharing/get-vehicle-pricing", {"vehicle_id": city.fleet.vehicle_id})
        ).json()
        by_model = (await city.ask(rider, "sharing/get-vehicle-pricing", {"model_id": city.fleet.model_id})).json()
        assert by_vehicle == by_model
        data = by_vehicle["pricing_data"]
        assert (data["unlock"], data["tax_rate"], data["tax_inclusive"], data["currency_code"]) == (
            0,
            0.24,
            True,
            "EUR",
        )
        assert data["minute_tiers"] == [
            {"from_min": 1, "upto_min": 3, "price": 0.0},
            {"from_min": 4, "upto_min": 6, "price": 0.2},
            {"from_min": 7, "upto_min": None, "price": 0.1},
        ]
        assert "0.20 EUR per minute" in " ".join(line["text"] for line in by_vehicle["pricing"])
        neither = await city.ask(rider, "sharing/get-vehicle-pricing")
        assert {error["field"] for error in neither.json()["errors"]} == {"vehicle_id", "model_id"}
        other = {"vehicle_id": city.fleet.vehicle_id, "model_id": city.fleet.model_id + 1}
        assert (await city.ask(rider, "sharing/get-vehicle-pricing", other)).status_code == 400


async def test_the_map(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    places = (HOME, Point(60.172, 24.94), Point(60.3, 24.94))
    async with small_city(rt, tmp_path, vehicles=3, places=places, tariff=TIERED) as city:
        rider = await city.rider(balance_minor=0)
        shown = (await city.ask(rider, "sharing/get-vehicles", AROUND)).json()
        assert [vehicle["id"] for vehicle in shown["vehicles"]] == list(city.fleet.vehicle_ids[:2])
        first = shown["vehicles"][0]
        assert (first["nr"], first["battery_level"], first["range_km"]) == (city.fleet.nrs[0], 80, 32.0)
        assert first["coordinates"] == {"latitude": HOME.lat, "longitude": HOME.lon}
        assert first["pricing"] == {
            "unlock": 0.0,
            "per_minute": 0.2,
            "free_minutes": 3,
            "pause_per_minute": 0.0,
            "currency_code": "EUR",
        }
        assert shown["types"] == [{"type": "SCOOTER", "count": 2}]
        assert [addon["title"] for addon in shown["addons"]] == ["Helmet"]
        assert shown["selected_payment_method"]["payment_method_id"] == "wallet"
        assert (shown["message_title"], shown["hidden_vehicles"]) == (None, 0)
        await owe(city, rider, clock)
        told = (await city.ask(rider, "sharing/get-vehicles", AROUND)).json()
        assert told["message_title"] == "Something is still to be paid"
        assert "0.20 EUR" in told["message_description"]


async def owe(city: City, rider: Any, clock: SettableClock) -> None:
    """Ride four minutes with an empty wallet."""
    assert (await city.start(rider)).status_code == 200
    clock.advance(minutes=4)
    await city.unit.report()
    current = (await city.ask(rider, "sharing/get-current-ride", {"active_vehicle_id": [city.fleet.vehicle_id]})).json()
    assert (current["action_insufficient_funds"], current["insufficient_funds_amount"]) == ("ADD_MONEY", 0.2)
    assert (await city.end(rider)).json()["payment_info"]["debt"] == 0.2


async def test_who_rides_is_not_deleted(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        for refused in (
            await city.ask(rider, "user/delete-user"),
            await city.ask_as_owner("user/delete-user", {"user_id": rider.id}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (409, "ride_running")
        await city.unit.report()
        await city.end(rider)
        assert (await city.ask_as_owner("user/delete-user", {"user_id": rider.id})).json()["status"] == 1


async def zone_refs(city: City, rider: Any, body: dict[str, Any]) -> set[str]:
    answer = await city.ask(rider, "sharing/get-zones", body)
    assert answer.status_code == 200, answer.text
    return {zone["zone_title"] for zone in answer.json()}


async def test_zones_are_narrowed_by_what_is_asked(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        await make_zones(
            rt,
            city.kit.operator,
            zone_draft(ZoneType.PARKING_ZONE, title="all"),
            zone_draft(ZoneType.NO_PARKING_ZONE, title="cars", vehicle_types=(VehicleType.CAR,)),
            zone_draft(
                ZoneType.PAID_PARKING_ZONE,
                title="scooters",
                vehicle_types=(VehicleType.SCOOTER,),
                spec=ZoneSpec(fee_minor=150),
            ),
            zone_draft(ZoneType.PARKING_ZONE, title="circle", point=HOME, radius_m=50.0),
        )
        rider = await city.rider()
        ride_id = (await city.start(rider)).json()["active_ride_id"]
        everything = {"all", "cars", "scooters", "circle"}
        for_scooters = {"all", "scooters", "circle"}
        assert await zone_refs(city, rider, {}) == everything
        assert await zone_refs(city, rider, {"vehicle_types": ["CAR"]}) == {"all", "cars", "circle"}
        assert await zone_refs(city, rider, {"zone_types": ["NO_PARKING_ZONE", "PAID_PARKING_ZONE"]}) == {
            "cars",
            "scooters",
        }
        assert await zone_refs(city, rider, {"vehicle_id": city.fleet.vehicle_id}) == for_scooters
        assert await zone_refs(city, rider, {"ride_id": ride_id}) == for_scooters
        # What concerns both the ride's scooter and cars is what concerns every type.
        assert await zone_refs(city, rider, {"ride_id": ride_id, "vehicle_types": ["CAR"]}) == {"all", "circle"}
        zones = {zone["zone_title"]: zone for zone in (await city.ask(rider, "sharing/get-zones")).json()}
        assert zones["scooters"]["zone_fee"] == 1.5
        assert (zones["circle"]["zone_area"], zones["circle"]["zone_radius"]) == (None, 50.0)
        assert zones["circle"]["zone_point"] == {"latitude": HOME.lat, "longitude": HOME.lon}
        assert zones["all"]["zone_area"]["type"] == "Polygon"
