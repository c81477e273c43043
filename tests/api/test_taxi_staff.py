"""What staff do about trips, over HTTP: dispatch, cancel, end, refund, pay drivers."""

from typing import Any

import pytest
import pytest_asyncio

from isotope.domain.taxi.model import TripStatus
from isotope.domain.tenants.model import PaymentSettings, Role, Settings, TaxiSettings
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI, DriverKit
from tests.kit.http import Api
from tests.kit.passengers import THERE, Passenger, make_passenger
from tests.kit.staff import Desk, make_desk


@pytest_asyncio.fixture
async def rita(api: Api, clock: SettableClock) -> Passenger:
    settings = Settings(taxi=TaxiSettings(open_per_rider=5), payments=PaymentSettings(support_refund_minor=300))
    return await make_passenger(api, clock, settings=settings)


@pytest_asyncio.fixture
async def desk(rita: Passenger) -> Desk:
    return await make_desk(rita.api.services.rt, rita.api, rita.kit)


async def start(rita: Passenger, driver: DriverKit) -> int:
    """A trip that is driven."""
    ride_id = await rita.order()
    await driver.go_online(HELSINKI)
    await rita.accept(ride_id, driver)
    await rita.drive(ride_id, driver, TripStatus.STARTED)
    rita.clock.advance(seconds=240)
    await driver.go_online(THERE)
    return ride_id


async def balance(rita: Passenger) -> float:
    answer = await rita.api.post(
        "/openapi/v1.0/user/get-user-data", {}, key=rita.kit.public_key, token=rita.rider.token
    )
    return float(answer.json()["user_balance"])


async def test_a_dispatcher_gives_a_trip_to_a_driver(rita: Passenger, desk: Desk) -> None:
    ride_id = await rita.order(comment="By the kiosk")
    [waiting] = (await desk.ok("taxi/trips/to-dispatch"))["data"]
    assert (waiting["trip"]["trip_id"], waiting["comment"], waiting["offers"]) == (ride_id, "By the kiosk", {})
    assert [stop["title"] for stop in waiting["route"]] == ["Place 0", "Place 1"]
    driver = await rita.driver()
    body = {"trip_id": ride_id, "driver_id": driver.id}
    given = await desk.ok("taxi/trips/assign", body, key="once")
    assert (given["trip_status"], given["driver_id"]) == ("ACCEPTED", driver.id)
    assert await desk.ok("taxi/trips/assign", body, key="once") == given
    assert (await rita.ride(ride_id))["status"] == "RIDE_ACCEPTED"
    assert (await desk.ok("taxi/trips/to-dispatch"))["data"] == []
    second = await rita.order()
    busy = await desk.refused("taxi/trips/assign", {"trip_id": second, "driver_id": driver.id})
    assert busy == (409, "driver_busy")
    assert await desk.refused("taxi/trips/assign", {"trip_id": second, "driver_id": 999}) == (404, "driver_not_found")
    assert await desk.refused("taxi/trips/assign", {"trip_id": 999_999, "driver_id": driver.id}) == (
        404,
        "trip_not_found",
    )


async def test_who_sees_no_people_dispatches_without_them(rita: Passenger) -> None:
    await rita.order(comment="By the kiosk")
    street = await make_desk(rita.api.services.rt, rita.api, rita.kit, Role.OPERATOR)
    [waiting] = (await street.ok("taxi/trips/to-dispatch"))["data"]
    assert (waiting["comment"], waiting["trip"]["user_id"], waiting["trip"]["quoted"]) == (None, None, None)


async def test_a_trip_is_cancelled_for_nothing_and_only_once(rita: Passenger, desk: Desk) -> None:
    ride_id = await rita.order()
    body = {"trip_id": ride_id, "reason": "The rider called"}
    gone = await desk.ok("taxi/trips/cancel", body)
    assert (gone["trip_status"], gone["outcome"], gone["total"]) == ("CANCELED", "staff_canceled", 0)
    assert await desk.ok("taxi/trips/cancel", body) == gone
    assert await balance(rita) == 50
    driven = await start(rita, await rita.driver())
    assert await desk.refused("taxi/trips/cancel", {**body, "trip_id": driven}) == (409, "trip_status")


@pytest.mark.parametrize(("fare", "total"), [("QUOTED", 7.25), ("DRIVEN", 7.25)])
async def test_a_trip_whose_driver_does_not_end_it(rita: Passenger, desk: Desk, fare: str, total: float) -> None:
    driver = await rita.driver()
    ride_id = await start(rita, driver)
    body = {"trip_id": ride_id, "reason": "The phone is dead", "fare": fare}
    over = await desk.ok("taxi/trips/end", body)
    assert (over["trip_status"], over["outcome"], over["total"]) == ("ENDED", "driven", total)
    assert await desk.ok("taxi/trips/end", body) == over
    assert await balance(rita) == 50 - total
    waiting = await rita.order()
    assert await desk.refused("taxi/trips/end", {**body, "trip_id": waiting}) == (409, "trip_status")


async def test_a_refund_goes_back_the_way_it_came(rita: Passenger, desk: Desk) -> None:
    driver = await rita.driver()
    ride_id = await start(rita, driver)
    assert await desk.refused("taxi/trips/refund", {"trip_id": ride_id, "amount": 1, "reason": "A longer way"}) == (
        409,
        "trip_status",
    )
    await rita.drive_to_end(ride_id, driver)
    support = await make_desk(rita.api.services.rt, rita.api, rita.kit, Role.SUPPORT)
    body: dict[str, Any] = {"trip_id": ride_id, "amount": 2.5, "reason": "A longer way"}
    given = await support.ok("taxi/trips/refund", body, key="a")
    assert (given["amount"], given["went_to"]["balance"], given["by"][:6]) == (2.5, 2.5, "staff:")
    assert await support.ok("taxi/trips/refund", body, key="a") == given
    assert await balance(rita) == 50 - 7.25 + 2.5
    # What is left of the role's limit is 0.50.
    assert await support.refused("taxi/trips/refund", {**body, "amount": 0.51}) == (403, "role_limit_reached")
    assert await desk.refused("taxi/trips/refund", {**body, "amount": 4.76}) == (409, "refund_too_high")
    rest = await desk.ok("taxi/trips/refund", {**body, "amount": None})
    assert (rest["amount"], await balance(rita)) == (4.75, 50)
    # What the driver earned stays theirs.
    paid = {"driver_id": driver.id, "movement": "PAID", "amount": 5, "reason": "Week 23"}
    assert (await desk.ok("taxi/drivers/adjust-balance", paid, key="p"))["balance"] == 0.8


async def test_a_driver_is_paid_once_for_a_key(rita: Passenger, desk: Desk) -> None:
    driver = await rita.driver()
    body: dict[str, Any] = {"driver_id": driver.id, "movement": "ADJUSTED", "amount": 12.5, "reason": "Bonus"}
    for _time in range(2):
        assert (await desk.ok("taxi/drivers/adjust-balance", body, key="one"))["balance"] == 12.5
    taken = await desk.ok("taxi/drivers/adjust-balance", {**body, "movement": "PAID", "amount": 20}, key="two")
    assert taken["balance"] == -7.5
    answer = await desk.ask("taxi/drivers/adjust-balance", {**body, "amount": 1}, key="one")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
