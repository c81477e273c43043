"""Booking over HTTP: stations, models, a booking, its cancel; many at once; what the operator's systems may."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from isotope.domain.identity import Licence, get_licence
from isotope.domain.rental.model import RentalModelSpec
from isotope.domain.wallet import AddMoney, MoneyKind, add_money
from isotope.kernel.actor import SECRET_KEY
from tests.kit.clock import START
from tests.kit.http import OPENAPI, Api
from tests.kit.rentals import RENTALS, Rentals, make_rentals
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import make_operator

pytestmark = pytest.mark.asyncio

# 24 hours from now, by the clock of Helsinki.
DATES = {"pick_up_date": "2026-06-02T15:00:00", "return_date": "2026-06-03 21:00"}
PICK_UP = int((START + timedelta(days=1)).timestamp())


class Booth:
    def __init__(self, api: Api, rentals: Rentals, rider: RiderKit) -> None:
        self.api, self.rentals, self.rider, self.kit = api, rentals, rider, rentals.kit

    def body(self, **more: Any) -> dict[str, Any]:
        zones = {"pick_up_zone_id": self.rentals.centre_id, "return_zone_id": self.rentals.centre_id}
        return zones | DATES | more

    async def ask(self, call: str, body: Any = None, *, token: str | None = None, **headers: str) -> tuple[int, Any]:
        answer = await self.api.post(
            f"{OPENAPI}/{call}", body, key=self.kit.public_key, token=token or self.rider.token, **headers
        )
        return answer.status_code, answer.json()

    async def book(self, **more: Any) -> tuple[int, Any]:
        headers = {name: more.pop(name) for name in ("Idempotency-Key",) if name in more}
        token = more.pop("token", None)
        return await self.ask(
            "rental/create-booking",
            self.body(vehicle_model_id=self.rentals.car_id, payment_method_id="wallet", **more),
            token=token,
            **headers,
        )

    async def give(self, rider: RiderKit, amount_minor: int) -> None:
        what = AddMoney(
            operator=self.kit.operator,
            rider_id=rider.id,
            amount_minor=amount_minor,
            kind=MoneyKind.BALANCE,
            actor=SECRET_KEY,
        )
        await add_money(self.api.services.rt, what)


@pytest_asyncio.fixture
async def booth(api: Api) -> Booth:
    """One car is for rent, and its rider has 100.00."""
    rt = api.services.rt
    kit = await make_operator(rt, settings=RENTALS)
    made = Booth(api, await make_rentals(rt, kit, cars=1), await make_rider(rt, kit.operator))
    await made.give(made.rider, 10_000)
    return made


async def test_from_the_station_to_the_cancel(booth: Booth) -> None:
    public = await booth.api.client.post(
        f"{OPENAPI}/rental/get-available-zones", headers={"App-Public-Key": booth.kit.public_key}
    )
    assert public.status_code == 200
    zones = public.json()["available_zones"]
    assert {zone["id"] for zone in zones} == {booth.rentals.centre_id, booth.rentals.airport_id}

    status, found = await booth.ask("rental/get-vehicle-models", booth.body(show_exact_match=True))
    assert status == 200
    [model] = found["vehicle_models"]
    # 30 hours at 10.00 an hour and 40.00 a day.
    assert (model["id"], model["available"], model["total"]) == (booth.rentals.car_id, 1, 80.0)

    status, booked = await booth.book()
    assert status == 200, booked
    rental = booked["rental"]
    assert (rental["booking_status"], rental["total"], rental["cancel_fee"]) == ("UPCOMING", 80.0, 0.0)
    assert "CANCEL" in rental["allowed_actions"]
    assert rental["pick_up_date"] == "2026-06-02T15:00:00+03:00"

    status, shown = await booth.ask("user/get-user-bookings", {"booking_status": "UPCOMING"})
    assert status == 200
    [own] = shown["bookings"]
    assert own == booked

    for _ in range(2):
        status, cancelled = await booth.ask("rental/cancel-booking", {"booking_id": rental["booking_id"]})
        assert (status, cancelled["fee"], cancelled["refunded"]) == (200, 0.0, 80.0)
    status, data = await booth.ask("user/get-user-data", {})
    assert data["user_balance"] == 100.0


async def test_the_same_key_books_once(booth: Booth) -> None:
    first = await booth.book(**{"Idempotency-Key": "tap-1"})
    again = await booth.book(**{"Idempotency-Key": "tap-1"})
    assert first[0] == 200
    assert again == first
    # Another tap is another booking, and there is no other car.
    status, refused = await booth.book(**{"Idempotency-Key": "tap-2"}, allow_user_to_go_in_debt=None)
    assert (status, refused["code"]) == (409, "no_vehicle_free")


async def test_many_book_the_last_one_at_once(booth: Booth) -> None:
    riders = [await make_rider(booth.api.services.rt, booth.kit.operator) for _ in range(30)]
    for rider in riders:
        await booth.give(rider, 8_000)
    answers = await asyncio.gather(*(booth.book(token=rider.token) for rider in riders))
    assert sorted(status for status, _answer in answers) == [200] + [409] * 29
    refused = [answer for status, answer in answers if status == 409]
    # 30 hours and half an hour between.
    assert {(one["code"], one["details"]["next_pick_up"]) for one in refused} == {
        ("no_vehicle_free", PICK_UP + 30 * 3_600 + 1_800)
    }


async def test_only_the_operators_systems_lift_rules(booth: Booth) -> None:
    for flag in ("skip_wallet_check", "allow_user_to_go_in_debt", "allow_to_create_booking_without_saved_card"):
        status, refused = await booth.book(**{flag: True})
        assert (status, refused["code"]) == (403, "secret_key_only")
    poor = await make_rider(booth.api.services.rt, booth.kit.operator)
    status, refused = await booth.book(token=poor.token)
    assert (status, refused["code"]) == (409, "booking_unaffordable")
    lifted = {"user_id": poor.id, "allow_user_to_go_in_debt": True}
    status, booked = await booth.book(token=booth.kit.secret_key, **lifted)
    assert (status, booked["rental"]["booking_status"]) == (200, "UPCOMING")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pick_up_date": "yesterday"}, "pick_up_date"),
        ({"return_date": "2026-02-30"}, "return_date"),
        ({"return_date": "2026-06-02T15:00:00"}, "return_date"),
        ({"return_zone_id": 10**9}, "return_zone_id"),
        ({"vehicle_model_id": None}, "vehicle_model_id"),
    ],
)
async def test_what_makes_no_sense_is_a_fault_of_its_field(booth: Booth, changes: dict[str, Any], field: str) -> None:
    body = booth.body(vehicle_model_id=booth.rentals.car_id) | changes
    status, refused = await booth.ask("rental/create-booking", body)
    assert status == 400
    assert refused["errors"][0]["field"] == field


async def test_what_is_known_of_a_licence(api: Api) -> None:
    rt = api.services.rt
    rules = replace(RENTALS.rentals, minimum_age=21, licence_required=True)
    kit = await make_operator(rt, settings=replace(RENTALS, rentals=rules))
    booth = Booth(api, await make_rentals(rt, kit, cars=1), await make_rider(rt, kit.operator))
    await booth.rentals.set_car(RentalModelSpec(licence_category="B"))
    await booth.give(booth.rider, 10_000)

    async def know(**known: Any) -> tuple[int, Any]:
        return await booth.ask("user/set-licence", {"user_id": booth.rider.id, **known}, token=kit.secret_key)

    async def code() -> str:
        status, answer = await booth.book()
        return "booked" if status == 200 else str(answer["code"])

    status, refused = await booth.ask("user/set-licence", {"date_of_birth": "1990-05-17"})
    assert (status, refused["code"]) == (403, "secret_key_required")
    assert await code() == "rider_too_young"
    assert (await know(date_of_birth="2005-06-03"))[0] == 200
    assert await code() == "rider_too_young"
    await know(date_of_birth="2005-06-02")
    assert await code() == "licence_needed"
    await know(date_of_birth="2005-06-02", licence_categories=["AM"])
    assert await code() == "licence_needed"
    await know(date_of_birth="2005-06-02", licence_categories=["B"], licence_valid_until="2026-06-02")
    assert await code() == "licence_needed"
    known = {"date_of_birth": "2005-06-02", "licence_categories": ["AM", "B"], "licence_valid_until": "2026-06-03"}
    assert await know(**known | {"licence_categories": ["B", "AM", "B"]}) == (200, known)
    # What is not said again is forgotten.
    await know()
    assert await code() == "rider_too_young"
    await know(**known)
    assert await code() == "booked"

    for wrong in ({"date_of_birth": "2026-02-30"}, {"date_of_birth": "2026-06-02"}, {"licence_categories": ["b"]}):
        status, refused = await know(**wrong)
        assert (status, refused["errors"][0]["field"].split(".")[0]) == (400, next(iter(wrong)))
    status, refused = await booth.ask("user/set-licence", {"user_id": 10**9}, token=kit.secret_key)
    assert (status, refused["code"]) == (404, "user_not_found")


async def test_a_licence_is_erased_with_its_rider(booth: Booth) -> None:
    body = {"user_id": booth.rider.id, "date_of_birth": "1990-05-17", "licence_categories": ["B"]}
    assert (await booth.ask("user/set-licence", body, token=booth.kit.secret_key))[0] == 200
    body = {"user_id": booth.rider.id}
    assert (await booth.ask("user/delete-user", body, token=booth.kit.secret_key))[0] == 200
    async with booth.api.services.rt.db.read() as tx:
        assert await get_licence(tx, booth.kit.operator.id, booth.rider.id) == Licence()
