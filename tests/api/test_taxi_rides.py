"""A trip from the request to the rating, as the rider's app sees it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from isotope.domain.payments import resolve_card_calls
from isotope.domain.taxi import watch_trips
from isotope.domain.taxi.model import TripStatus
from isotope.domain.tenants.model import Settings, TaxiSettings
from isotope.domain.wallet import AccountKind, Entry, Posting, post
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.geo import Point
from tests.kit.cards import SandboxKit, make_card
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI
from tests.kit.http import Api, credentials, run_api
from tests.kit.passengers import TAXI, THERE, Passenger, make_passenger
from tests.kit.riders import make_rider
from tests.kit.server import serve as served
from tests.kit.waiting import until

BETWEEN = Point(60.1764, 24.9384)


@pytest_asyncio.fixture
async def rita(api: Api, clock: SettableClock) -> Passenger:
    return await make_passenger(api, clock)


# -- Requests ---------------------------------------------------------------------------------------------------------


async def test_a_trip_is_requested(rita: Passenger) -> None:
    ride_id = await rita.order(comment="  By the kiosk ", payment_method_id="wallet")
    trip = await rita.trip(ride_id)
    assert (trip.status, trip.payment, trip.payment_method_id) == (TripStatus.REQUESTED, "WALLET", "wallet")
    assert (trip.comment, trip.rider_id, trip.class_id) == ("By the kiosk", rita.rider.id, rita.comfort)
    assert trip.search_until == rita.clock.now() + timedelta(seconds=300)
    assert (trip.terms.quoted.total_minor, trip.terms.distance_m, trip.terms.duration_s) == (725, 2027, 243)
    assert trip.terms.route
    assert trip.pin is None


async def test_a_token_works_once_and_names_its_trip(rita: Passenger) -> None:
    token = await rita.quote()
    ride_id = (await rita.ok("request-ride", {"token": token}))["ride_id"]
    again = await rita.post("request-ride", {"token": token})
    assert (again.status_code, again.json()["code"]) == (409, "quote_used")
    assert again.json()["details"] == {"ride_id": ride_id}


async def test_a_token_works_once_for_two_at_the_same_moment(api: Api, clock: SettableClock) -> None:
    rita = await make_passenger(api, clock, settings=Settings(taxi=TaxiSettings(open_per_rider=5)))
    token = await rita.quote()
    answers = await asyncio.gather(*(rita.post("request-ride", {"token": token}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"quote_used"}


async def test_a_token_is_the_riders_own(rita: Passenger) -> None:
    token = await rita.quote()
    other = await make_rider(rita.api.services.rt, rita.operator)
    answer = await rita.api.post(f"{TAXI}/request-ride", {"token": token}, key=rita.kit.public_key, token=other.token)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "token")
    assert await rita.faults("request-ride", {"token": token[:-4] + "AAAA"}) == ["token"]
    assert await rita.faults("request-ride", {"token": await rita.place()}) == ["token"], "a place is no quote"


async def test_a_price_is_held_for_two_minutes(rita: Passenger) -> None:
    token = await rita.quote()
    rita.clock.advance(seconds=120)
    assert await rita.refused("request-ride", {"token": token}) == (409, "quote_ended")


async def test_the_price_is_what_was_quoted_whatever_changed(rita: Passenger) -> None:
    token = await rita.quote()
    async with rita.api.services.rt.db.write() as tx:
        await tx.execute(
            """update taxi_class set spec = jsonb_set(spec, '{tariff,base_minor}', '9900')
                where operator_id = %(id)s""",
            {"id": rita.operator.id},
        )
    ride_id = (await rita.ok("request-ride", {"token": token}))["ride_id"]
    assert (await rita.ride(ride_id))["price"] == 7.25


async def test_a_class_that_is_taken_back_is_not_requested(rita: Passenger) -> None:
    token = await rita.quote()
    async with rita.api.services.rt.db.write() as tx:
        await tx.execute("update taxi_class set retired_at = now() where id = %(id)s", {"id": rita.comfort})
    assert await rita.refused("request-ride", {"token": token}) == (409, "class_not_offered")


@pytest.mark.parametrize(
    ("cash", "method", "code"),
    [
        (True, "wallet", "quote_is_for_cash"),
        (False, "cash", "quote_is_not_for_cash"),
        (False, "card_999", "unknown_payment_method"),
    ],
)
async def test_what_cannot_pay(rita: Passenger, cash: bool, method: str, code: str) -> None:
    token = await rita.quote(cash=cash)
    assert await rita.refused("request-ride", {"token": token, "payment_method_id": method}) == (409, code)


@pytest.mark.parametrize("method", [None, "", "cash"])
async def test_cash_pays_what_was_quoted_for_cash(rita: Passenger, method: str | None) -> None:
    trip = await rita.trip(await rita.order(cash=True, payment_method_id=method))
    assert (trip.payment, trip.payment_method_id) == ("CASH", "cash")


async def test_an_operator_that_takes_no_cash(api: Api, clock: SettableClock) -> None:
    rita = await make_passenger(api, clock, settings=Settings(taxi=TaxiSettings(cash=False)))
    body = {"waypoints": await rita.way(), "is_cash_payment": True}
    assert await rita.refused("get-drivers", body) == (409, "cash_not_taken")


async def test_a_wallet_must_hold_the_price(rita: Passenger) -> None:
    token = await rita.quote()
    async with rita.api.services.rt.db.write() as tx:
        await tx.execute("update rider set status = 'BLOCKED' where id = %(id)s", {"id": rita.rider.id})
    assert await rita.refused("request-ride", {"token": token}) == (403, "rider_blocked")
    poor = await make_rider(rita.api.services.rt, rita.operator)
    prices = await rita.api.post(
        f"{TAXI}/get-drivers",
        {
            "waypoints": await rita.way(),
            "is_cash_payment": False,
            "allow_scheduled_rides": True,
            "show_offline_classes": True,
        },
        key=rita.kit.public_key,
        token=poor.token,
    )
    body = {"token": prices.json()["classes"][0]["token"]}
    answer = await rita.api.post(f"{TAXI}/request-ride", body, key=rita.kit.public_key, token=poor.token)
    assert answer.json()["code"] == "trip_unaffordable"
    assert answer.json()["details"] == {"has_minor": 0, "needs_minor": 725, "currency_code": "EUR"}


async def test_one_trip_at_a_time(rita: Passenger) -> None:
    ride_id = await rita.order()
    answer = await rita.post("request-ride", {"token": await rita.quote()})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_trips")
    assert answer.json()["details"] == {"most": 1, "ride_id": ride_id}
    await rita.ok("cancel-ride", {"ride_id": ride_id})
    await rita.order()


async def test_a_comment_has_a_length(rita: Passenger) -> None:
    token = await rita.quote()
    assert await rita.faults("request-ride", {"token": token, "comment": "x" * 201}) == ["comment"]


async def test_a_driver_who_was_asked_for(rita: Passenger) -> None:
    aino = await rita.driver(name="Aino Ahola")
    prices = await rita.prices(show_driver_list=True)
    token = prices["drivers"][0]["token"]
    assert await rita.faults("request-ride", {"token": token, "driver_id": aino.id + 1}) == ["driver_id"]
    ride_id = (await rita.ok("request-ride", {"token": token, "driver_id": aino.id}))["ride_id"]
    assert (await rita.trip(ride_id)).wanted_driver_id == aino.id
    await rita.ok("cancel-ride", {"ride_id": ride_id})
    by_class = await rita.quote()
    assert await rita.refused("request-ride", {"token": by_class, "driver_id": aino.id + 1}) == (
        409,
        "driver_not_available",
    )
    ride_id = (await rita.ok("request-ride", {"token": by_class, "driver_id": aino.id}))["ride_id"]
    assert (await rita.trip(ride_id)).wanted_driver_id == aino.id


async def test_a_card_reserves_the_price_first(card_api: Api, clock: SettableClock, sandbox: SandboxKit) -> None:
    rita = await make_passenger(card_api, clock)
    rt = card_api.services.rt
    card = await make_card(rt, rita.operator, rita.rider, sandbox, "ok", pays=("TAXI",))
    assert (await rita.prices(allow_scheduled_rides=True))[
        "selected_payment_method_info"
    ] == f"{card.brand} •••• {card.last4}"
    trip = await rita.trip(await rita.order())
    assert (trip.status, trip.payment, trip.payment_method_id) == (TripStatus.REQUESTED, "CARD", card.method_id)
    assert trip.terms.reserve_minor == 725
    async with rt.db.read() as tx:
        rows = await tx.tuples(
            "select purpose, status, amount_minor from card_payment where cause = %(cause)s", {"cause": trip.cause}
        )
    assert rows == [("TRIP", "AUTHORISED", 725)]


async def test_a_card_that_says_no_orders_nothing(card_api: Api, clock: SettableClock, sandbox: SandboxKit) -> None:
    rita = await make_passenger(card_api, clock)
    await make_card(card_api.services.rt, rita.operator, rita.rider, sandbox, "declined", pays=("TAXI",))
    token = await rita.quote()
    assert await rita.refused("request-ride", {"token": token}) == (402, "card_declined")
    assert (await rita.ok("get-ride"))["ride"] is None
    async with card_api.services.rt.db.read() as tx:
        found = await tx.tuples("select status, outcome from trip where operator_id = %(id)s", {"id": rita.operator.id})
    assert found == [("CANCELED", "card_refused")]
    await rita.order(payment_method_id="wallet")


@pytest.mark.parametrize(
    ("where", "status"), [("carry_out", TripStatus.CANCELED), ("settle_authorising", TripStatus.REQUESTED)]
)
async def test_a_request_whose_process_died_is_finished(
    card_api: Api,
    clock: SettableClock,
    sandbox: SandboxKit,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    status: TripStatus,
) -> None:
    """Before the card was asked: nothing is ordered, nothing is reserved. After it: drivers are looked for."""
    rita = await make_passenger(card_api, clock)
    rt, services = card_api.services.rt, card_api.services
    await make_card(rt, rita.operator, rita.rider, sandbox, "ok", pays=("TAXI",))
    token = await rita.quote()

    async def die(*_arguments: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(f"isotope.domain.taxi.usecases.request_trip.{where}", die)
        assert (await rita.post("request-ride", {"token": token})).status_code == 500
    ride = (await rita.ok("get-ride"))["ride"]
    assert (ride["status"], ride["message"]) == ("RIDE_REQUESTED", "Your card is being asked.")
    again = await rita.post("request-ride", {"token": token})
    assert (again.json()["code"], again.json()["details"]) == ("quote_used", {"ride_id": ride["ride_id"]})
    clock.advance(minutes=2)
    await resolve_card_calls(rt, services.cards, services.operators)
    await watch_trips(rt, services.cards, services.operators)
    trip = await rita.trip(ride["ride_id"])
    assert trip.status is status
    if status is TripStatus.REQUESTED:
        assert trip.search_until == clock.now() + timedelta(seconds=300), "it is looked for from now on"
    async with rt.db.read() as tx:
        [(payment,)] = await tx.tuples("select status from card_payment where cause = %(cause)s", {"cause": trip.cause})
    assert (payment == "AUTHORISED") is (status is TripStatus.REQUESTED)


async def test_who_owes_something_orders_nothing(rita: Passenger) -> None:
    token = await rita.quote()
    async with rita.api.services.rt.db.write() as tx:
        await post(
            tx,
            Posting(
                operator_id=rita.operator.id,
                currency="EUR",
                reason="ride",
                cause="ride:1",
                actor=SYSTEM,
                now=rita.clock.now(),
                entries=(
                    Entry(kind=AccountKind.RIDER_DEBT, rider_id=rita.rider.id, amount_minor=-100),
                    Entry(kind=AccountKind.REVENUE, amount_minor=100),
                ),
            ),
        )
    assert await rita.refused("request-ride", {"token": token}) == (409, "debt_open")


# -- Looking ----------------------------------------------------------------------------------------------------------


async def test_nothing_is_under_way(rita: Passenger) -> None:
    assert await rita.ok("get-ride") == {"ride": None, "next_request_seconds": None, "scheduled_ride_info": None}
    assert await rita.refused("get-ride", {"ride_id": 999_999_999}) == (404, "trip_not_found")


async def test_a_trip_in_every_state(rita: Passenger) -> None:
    driver = await rita.driver(BETWEEN, name="Aino Ahola")
    ride_id = await rita.order()
    answer = await rita.ok("get-ride")
    ride = answer["ride"]
    assert (ride["ride_id"], ride["status"], answer["next_request_seconds"]) == (ride_id, "RIDE_REQUESTED", 3)
    assert ride["message"] == "A driver is being looked for."
    assert ride["search_until"] == ride["requested_at"] + 300
    assert (ride["driver"], ride["vehicle"], ride["pick_up_eta_seconds"]) == (None, None, None)
    assert (ride["allowed_actions"], ride["cancel_fee"]) == (["CANCEL"], 0)
    assert (ride["price"], ride["price_now"], ride["currency_code"]) == (7.25, 7.25, "EUR")
    assert (ride["payment_type"], ride["payment_method_id"], ride["surge"]) == ("WALLET", "wallet", 1.0)
    assert ride["route_waypoints"] is None
    shown = await rita.ride(ride_id, route_waypoints_required=True)
    assert shown["route_waypoints"][0] == {"latitude": HELSINKI.lat, "longitude": HELSINKI.lon}
    assert shown["route_waypoints"][-1] == {"latitude": THERE.lat, "longitude": THERE.lon}

    await rita.accept(ride_id, driver)
    answer = await rita.ok("get-ride", {"ride_id": ride_id})
    ride = answer["ride"]
    assert (ride["status"], answer["next_request_seconds"]) == ("RIDE_ACCEPTED", 5)
    assert ride["driver"] == {
        "name": "Aino",
        "phone": "+358 •••••••" + driver.driver.phone[-2:],
        "rating": None,
        "is_connected": True,
        "coordinates": {"latitude": BETWEEN.lat, "longitude": BETWEEN.lon},
        "heading": None,
        "position_at": int(rita.clock.now().timestamp()),
    }
    assert ride["vehicle"]["title"] == "Toyota Corolla"
    assert ride["vehicle"]["plate"].startswith("T-")
    assert ride["pick_up_eta_seconds"] == 117, "from where the driver is"
    assert "Ahola" not in str(answer)
    assert driver.driver.phone not in str(answer)
    rita.clock.advance(seconds=70)
    ride = await rita.ride(ride_id)
    assert ride["driver"]["is_connected"] is False
    assert ride["driver"]["coordinates"], "a position counts longer than a heartbeat"
    rita.clock.advance(seconds=120)
    ride = await rita.ride(ride_id)
    assert ride["driver"]["coordinates"] is None
    assert ride["pick_up_eta_seconds"] == 0, "what was said at the acceptance, less what has passed"

    await driver.go_online(HELSINKI)
    await rita.drive(ride_id, driver, TripStatus.ARRIVED)
    answer = await rita.ok("get-ride")
    ride = answer["ride"]
    assert (ride["status"], answer["next_request_seconds"]) == ("DRIVER_ARRIVED", 5)
    assert (ride["allowed_actions"], ride["cancel_fee"]) == (["CANCEL"], 5.0)
    assert ride["free_waiting_until"] == ride["arrived_at"] + 120
    rita.clock.advance(seconds=150)
    ride = await rita.ride(ride_id)
    assert ride["price_now"] == 7.75, "half a minute more than is free is a started one"
    assert [line["code"] for line in ride["lines"]][-1] == "taxi_wait"


async def test_a_trip_that_is_driven(rita: Passenger) -> None:
    driver = await rita.driver()
    token = await rita.quote(BETWEEN)
    ride_id = (await rita.ok("request-ride", {"token": token}))["ride_id"]
    await rita.accept(ride_id, driver)
    await rita.drive(ride_id, driver, TripStatus.STARTED)
    rita.clock.advance(seconds=30)
    await driver.go_online(Point(60.1730, 24.9384))
    answer = await rita.ok("get-ride")
    ride = answer["ride"]
    assert (ride["status"], answer["next_request_seconds"]) == ("RIDE_STARTED", 10)
    assert ride["allowed_actions"] == []
    assert ride["cancel_fee"] == 0
    assert 0 < ride["next_stop_eta_seconds"] < ride["destination_eta_seconds"]
    assert ride["pick_up_eta_seconds"] is None
    assert await rita.refused("cancel-ride", {"ride_id": ride_id}) == (409, "trip_status")
    assert await rita.refused("rate-ride", {"ride_id": ride_id, "rating": 5}) == (409, "trip_status")


async def test_a_trip_that_has_ended_is_paid_and_rated_once(rita: Passenger) -> None:
    driver = await rita.driver()
    ride_id = await rita.order()
    await rita.accept(ride_id, driver)
    await rita.drive(ride_id, driver, TripStatus.STARTED)
    rita.clock.advance(seconds=240)
    await driver.go_online(THERE)
    await rita.drive_to_end(ride_id, driver)
    assert (await rita.ok("get-ride"))["ride"] is None, "nothing is under way"
    answer = await rita.ok("get-ride", {"ride_id": ride_id})
    ride = answer["ride"]
    assert (ride["status"], ride["outcome"], answer["next_request_seconds"]) == ("RIDE_ENDED", "driven", None)
    assert (ride["driver"], ride["allowed_actions"]) == (None, ["RATE"])
    assert ride["vehicle"] is not None, "something may have been left in it"
    assert ride["travel_time_seconds"] == 240
    assert (ride["price_now"], ride["paid"]["balance"]) == (7.25, 7.25)
    assert ride["lines"]
    other = await make_rider(rita.api.services.rt, rita.operator)
    foreign = await rita.api.post(
        f"{TAXI}/rate-ride", {"ride_id": ride_id, "rating": 1}, key=rita.kit.public_key, token=other.token
    )
    assert foreign.status_code == 404
    rated = await rita.ok("rate-ride", {"ride_id": ride_id, "rating": 4, "comment": "Calm"})
    assert rated == {"status": 1, "message": "Thank you for telling us."}
    assert await rita.refused("rate-ride", {"ride_id": ride_id, "rating": 5}) == (409, "trip_already_rated")
    ride = await rita.ride(ride_id)
    assert (ride["rating"], ride["rating_comment"], ride["allowed_actions"]) == (4, "Calm", [])
    assert await rita.faults("rate-ride", {"ride_id": ride_id, "rating": 6}) == ["rating"]


async def test_a_pin_is_told_until_the_start(api: Api, clock: SettableClock) -> None:
    rita = await make_passenger(api, clock, settings=Settings(taxi=TaxiSettings(pin_required=True)))
    driver = await rita.driver()
    ride_id = await rita.order()
    pin = (await rita.ride(ride_id))["pin"]
    assert len(pin) == 4
    assert pin.isdigit()
    await rita.accept(ride_id, driver)
    await rita.drive(ride_id, driver, TripStatus.STARTED)
    assert (await rita.ride(ride_id))["pin"] is None


async def test_a_trip_is_its_riders_alone(rita: Passenger) -> None:
    ride_id = await rita.order()
    other = await make_rider(rita.api.services.rt, rita.operator)
    for call in ("get-ride", "cancel-ride", "cancel-scheduled-ride"):
        answer = await rita.api.post(f"{TAXI}/{call}", {"ride_id": ride_id}, key=rita.kit.public_key, token=other.token)
        assert (answer.status_code, answer.json()["code"]) == (404, "trip_not_found"), call


# -- Cancels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [False, True])
async def test_a_cancel_costs_what_was_told(rita: Passenger, secret: bool) -> None:
    driver = await rita.driver()
    ride_id = await rita.order()
    await rita.accept(ride_id, driver)
    assert (await rita.ride(ride_id))["cancel_fee"] == 0, "just accepted"
    rita.clock.advance(seconds=121)
    assert (await rita.ride(ride_id))["cancel_fee"] == 5.0
    assert await rita.ok("cancel-ride", {"ride_id": ride_id}, secret=secret) == {"status": 1}
    assert await rita.ok("cancel-ride", {"ride_id": ride_id}, secret=secret) == {"status": 1}, "twice is once"
    ride = await rita.ride(ride_id)
    assert (ride["status"], ride["outcome"], ride["message"]) == (
        "RIDE_CANCELED",
        "rider_canceled",
        "You cancelled this trip.",
    )
    assert (ride["price_now"], ride["paid"]["balance"]) == (5.0, 5.0)
    assert (ride["driver"], ride["vehicle"]) == (None, None)


# -- Trips for later --------------------------------------------------------------------------------------------------


async def test_a_trip_for_later(rita: Passenger) -> None:
    when: dict[str, Any] = {"scheduled_date": "2026-06-02", "scheduled_time": "14:45"}
    token = await rita.quote(**when)
    other = {"token": token, "scheduled_date": "2026-06-02", "scheduled_time": "14:46"}
    assert await rita.faults("request-ride", other) == ["scheduled_date"]
    now_token = await rita.quote()
    assert await rita.faults("request-ride", {"token": now_token, **when}) == ["scheduled_date"]
    answer = await rita.ok("request-ride", {"token": token, **when})
    ride_id, ride = answer["ride_id"], answer["scheduled_ride"]
    assert (ride["ride_id"], ride["status"]) == (ride_id, "SCHEDULED_RIDE")
    assert (ride["scheduled_date"], ride["scheduled_time"], ride["time_zone"]) == (
        "2026-06-02",
        "14:45",
        rita.operator.time_zone,
    )
    assert (ride["price"], ride["is_confirmed"], ride["cancel_fee"]) == (9.25, False, 0)
    assert ride["free_cancel_until"] == ride["scheduled_at"] - 3600
    found = await rita.ok("get-scheduled-rides")
    assert found["scheduled_rides"] == [ride]
    assert found["scheduled_ride_info"] == {
        "count": 1,
        "limit": 10,
        "next_ride_id": ride_id,
        "next_at": ride["scheduled_at"],
        "message": "Your next trip: 2026-06-02 at 14:45.",
    }
    looked = await rita.ok("get-ride")
    assert looked["ride"] is None, "it is not under way"
    assert looked["scheduled_ride_info"] == found["scheduled_ride_info"]
    looked = await rita.ok("get-ride", {"ride_id": ride_id})
    assert (looked["ride"]["status"], looked["next_request_seconds"]) == ("SCHEDULED_RIDE", 300)
    assert await rita.ok("cancel-scheduled-ride", {"ride_id": ride_id}) == {"status": 1, "scheduled_ride_info": None}
    assert (await rita.ok("get-scheduled-rides"))["scheduled_rides"] == []
    assert (await rita.ride(ride_id))["paid"]["balance"] == 0


async def test_a_trip_now_is_not_one_for_later(rita: Passenger) -> None:
    ride_id = await rita.order()
    assert await rita.refused("cancel-scheduled-ride", {"ride_id": ride_id}) == (404, "trip_not_found")


@pytest.mark.parametrize(("day", "code"), [("2026-06-01", "schedule_too_soon"), ("2026-07-30", "schedule_too_far")])
async def test_for_when_a_trip_is_ordered(rita: Passenger, day: str, code: str) -> None:
    body = {
        "waypoints": await rita.way(),
        "is_cash_payment": False,
        "scheduled_date": day,
        "scheduled_time": "15:10",
    }
    assert await rita.refused("get-drivers", body) == (409, code)


async def test_so_many_trips_for_later(api: Api, clock: SettableClock) -> None:
    rita = await make_passenger(api, clock, settings=Settings(taxi=TaxiSettings(scheduled_per_rider=2)))
    for hour in (15, 16):
        await rita.order(quote={"scheduled_date": "2026-06-03", "scheduled_time": f"{hour}:00"})
    token = await rita.quote(scheduled_date="2026-06-02", scheduled_time="17:00")
    assert await rita.refused("request-ride", {"token": token}) == (409, "too_many_scheduled_trips")
    await rita.order()
    shown = (await rita.ok("get-scheduled-rides"))["scheduled_rides"]
    assert [one["scheduled_time"] for one in shown] == ["15:00", "16:00"]


async def test_an_operator_without_trips_for_later(api: Api, clock: SettableClock) -> None:
    rita = await make_passenger(api, clock, settings=Settings(taxi=TaxiSettings(scheduled=False)))
    body = {
        "waypoints": await rita.way(),
        "is_cash_payment": False,
        "scheduled_date": "2026-06-02",
        "scheduled_time": "15:00",
    }
    assert await rita.refused("get-drivers", body) == (409, "scheduled_trips_off")


# -- The stream -------------------------------------------------------------------------------------------------------


async def test_a_stream_tells_what_get_ride_tells(rita: Passenger) -> None:
    ride_id = await rita.order()
    answer = await rita.api.client.get(
        f"{TAXI}/ride-stream",
        params={"ride_id": ride_id},
        headers=credentials(rita.kit.public_key, rita.rider.token),
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    retry, event = answer.text.strip().split("\n\n")
    name, data = event.split("\n")
    assert (retry, name) == ("retry: 2000", "event: ride")
    told = await rita.post("get-ride", {"ride_id": ride_id})
    assert data == f"data: {told.text}"


async def test_a_stream_of_no_trip_is_refused(rita: Passenger) -> None:
    headers = credentials(rita.kit.public_key, rita.rider.token)
    answer = await rita.api.client.get(f"{TAXI}/ride-stream", params={"ride_id": 999_999_999}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "trip_not_found")
    secret = credentials(rita.kit.public_key, rita.kit.secret_key)
    answer = await rita.api.client.get(f"{TAXI}/ride-stream", headers=secret)
    assert answer.status_code == 400, "the secret key says whose"


@pytest_asyncio.fixture
async def long_api(rt: Runtime, tmp_path: Path) -> AsyncIterator[Api]:
    async with run_api(rt, tmp_path, stream_s=30.0) as running:
        yield running


async def test_a_stream_ends_with_its_trip(long_api: Api, clock: SettableClock) -> None:
    rita = await make_passenger(long_api, clock)
    ride_id = await rita.order()
    headers = credentials(rita.kit.public_key, rita.rider.token)
    listening = asyncio.create_task(
        long_api.client.get(f"{TAXI}/ride-stream", params={"ride_id": ride_id}, headers=headers, timeout=30.0)
    )
    await until(lambda: long_api.services.streams.held)
    await rita.ok("cancel-ride", {"ride_id": ride_id})
    async with asyncio.timeout(4):
        answer = await listening
    assert answer.text.count("event: ride") == 2
    assert '"status":"RIDE_CANCELED"' in answer.text.split("\n\n")[-2]


async def test_a_stream_over_a_socket(database_url: str, tmp_path: Path) -> None:
    """Behind the server that is used, events come as they happen."""
    with served(database_url, tmp_path, stream_s=60.0) as server:
        world = server.world
        params = {"ride_id": world.trip.id, "user_id": world.rider.id}
        headers = credentials(world.key, world.secret)
        async with (
            httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=20) as client,
            client.stream("GET", f"{TAXI}/ride-stream", params=params) as answer,
        ):
            assert answer.status_code == 200
            lines = answer.aiter_lines()
            assert [await anext(lines) for _ in range(3)] == ["retry: 2000", "", "event: ride"]
            assert '"status":"RIDE_REQUESTED"' in await anext(lines)
            await anext(lines)
            canceled = await client.post(f"{TAXI}/cancel-ride", json={"ride_id": world.trip.id})
            assert canceled.status_code == 200
            assert await anext(lines) == "event: ride"
            assert '"status":"RIDE_CANCELED"' in await anext(lines)
            assert [line async for line in lines] == [""], "nothing comes after the end"
