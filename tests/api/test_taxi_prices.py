"""get-drivers: which classes and drivers, what they cost, and what a token binds."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from isotope.domain.taxi.quotes import Quote
from isotope.domain.taxi.surge import cell_of
from isotope.domain.tenants.model import Settings, SurgeSettings, TaxiSettings
from isotope.infra.signed import open_signed
from isotope.kernel.geo import Point
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI
from tests.kit.http import Api
from tests.kit.passengers import THERE, Passenger, make_passenger

NEAR = Point(60.1720, 24.9384)
FARTHER = Point(60.1750, 24.9384)
FAR_AWAY = Point(60.9, 24.9384)


@pytest_asyncio.fixture
async def rita(api: Api, clock: SettableClock) -> Passenger:
    return await make_passenger(api, clock)


def of(prices: Any, class_id: int) -> Any:
    return next(one for one in prices["classes"] if one["id"] == class_id)


async def test_a_class_with_a_driver_near_has_price_eta_and_token(rita: Passenger) -> None:
    await rita.driver(FARTHER)
    await rita.driver(NEAR)
    prices = await rita.prices()
    [comfort] = prices["classes"]
    assert (comfort["id"], comfort["title"], comfort["capacity"]) == (rita.comfort, "Comfort", 4)
    assert comfort["is_available"] is True
    assert (comfort["distance_meters"], comfort["travel_time_seconds"]) == (2027, 243)
    assert (comfort["price"], comfort["tax"], comfort["currency_code"]) == (7.25, 0.66, "EUR")
    assert [line["code"] for line in comfort["lines"]] == ["taxi_base", "taxi_distance", "taxi_time"]
    assert sum(line["amount"] for line in comfort["lines"]) == pytest.approx(7.25)
    assert comfort["eta_seconds"] == 38, "of the nearest driver"
    assert comfort["surge"] == 1.0
    assert comfort["token_expires_at"] == int(rita.clock.now().timestamp()) + 120
    assert comfort["token"]
    assert prices["max_comment_length"] == 200
    assert [(one["type"], one["title"]) for one in prices["waypoints"]] == [
        ("PICK_UP", "Place 0"),
        ("DESTINATION", "Place 1"),
    ]
    assert prices["waypoints"][1]["coordinates"] == {"latitude": THERE.lat, "longitude": THERE.lon}
    assert prices["drivers"] is None
    assert prices["selected_payment_method_info"] == "Wallet"


@pytest.mark.parametrize(
    ("driver_is_near", "allow", "offline", "later", "shown", "priced"),
    [
        (True, False, False, False, True, True),
        (True, True, False, False, True, True),
        (False, False, False, False, False, None),
        (False, False, True, False, False, None),
        (False, False, False, True, False, None),
        (False, True, True, False, True, True),
        (False, True, False, True, True, True),
        (False, True, False, False, True, False),
    ],
)
async def test_which_classes_come(
    rita: Passenger, driver_is_near: bool, allow: bool, offline: bool, later: bool, shown: bool, priced: bool | None
) -> None:
    if driver_is_near:
        await rita.driver()
    when: dict[str, Any] = {"scheduled_date": "2026-12-24", "scheduled_time": "14:45"} if later else {}
    rita.clock.set(rita.clock.now().replace(year=2026, month=12, day=20))
    if driver_is_near:
        await rita.driver()
    prices = await rita.prices(allow_scheduled_rides=allow, show_offline_classes=offline, **when)
    found = [one for one in prices["classes"] if one["id"] == rita.comfort]
    assert bool(found) is shown
    if found:
        assert (found[0]["token"] is not None) is priced
        assert (found[0]["price"] is not None) is priced
        assert found[0]["is_available"] is driver_is_near


async def test_for_cash_only_what_takes_cash(rita: Passenger) -> None:
    rt = rita.api.services.rt
    driver = await rita.driver()
    await rita.driver(class_id=rita.van)
    prices = await rita.prices(cash=True)
    assert [one["id"] for one in prices["classes"]] == [rita.comfort], "vans take none"
    assert prices["selected_payment_method_info"] == "Cash"
    async with rt.db.write() as tx:
        await tx.execute("update driver set cash_allowed = false where id = %(id)s", {"id": driver.id})
    assert (await rita.prices(cash=True))["classes"] == []
    assert len((await rita.prices())["classes"]) == 2


async def test_drivers_by_name_each_with_a_token(rita: Passenger) -> None:
    aino = await rita.driver(FARTHER, name="Aino Ahola")
    bertil = await rita.driver(NEAR, name="Bertil Berg", class_id=rita.van)
    prices = await rita.prices(show_driver_list=True)
    assert [(one["driver_id"], one["name"], one["class_id"]) for one in prices["drivers"]] == [
        (bertil.id, "Bertil", rita.van),
        (aino.id, "Aino", rita.comfort),
    ]
    [first, second] = prices["drivers"]
    assert first["eta_seconds"] < second["eta_seconds"]
    assert first["distance_meters"] < second["distance_meters"]
    assert (first["price"], first["vehicle"], first["vehicle_color"], first["seats"]) == (
        7.25,
        "Toyota Corolla",
        "white",
        4,
    )
    assert first["rating"] is None
    assert "Berg" not in str(prices)


@pytest.mark.parametrize("why", ["offline", "far", "silent", "placed long ago", "busy", "blocked"])
async def test_who_does_not_count(rita: Passenger, why: str) -> None:
    driver = await rita.driver(FAR_AWAY if why == "far" else HELSINKI)
    changes = {
        "offline": "is_online = false",
        "far": "lat = lat",
        "silent": "seen_at = seen_at - interval '61 seconds'",
        "placed long ago": "position_at = position_at - interval '181 seconds'",
        "busy": "idle_since = null",
        "blocked": "lat = lat",
    }
    async with rita.api.services.rt.db.write() as tx:
        await tx.execute(f"update driver_state set {changes[why]} where driver_id = %(id)s", {"id": driver.id})
        if why == "blocked":
            await tx.execute("update driver set status = 'BLOCKED' where id = %(id)s", {"id": driver.id})
    assert (await rita.prices())["classes"] == []
    await rita.driver()
    assert len((await rita.prices())["classes"]) == 1


async def test_stops_and_a_trip_for_later_cost_more(rita: Passenger) -> None:
    await rita.driver()
    rita.clock.set(rita.clock.now())
    direct = of(await rita.prices(), rita.comfort)["price"]
    stop = of(await rita.prices(NEAR), rita.comfort)
    assert stop["price"] == pytest.approx(direct + 1)
    at = rita.clock.now() + timedelta(days=1)
    later = of(
        await rita.prices(allow_scheduled_rides=True, scheduled_date=at.date().isoformat(), scheduled_time="12:00"),
        rita.comfort,
    )
    assert later["price"] == pytest.approx(direct + 2)


async def test_where_many_ask_it_costs_more_and_says_so(api: Api, clock: SettableClock) -> None:
    settings = Settings(taxi=TaxiSettings(surge=SurgeSettings(is_on=True, maximum=1.5)))
    rita = await make_passenger(api, clock, settings=settings)
    await rita.driver()
    async with api.services.rt.db.write() as tx:
        await tx.execute(
            "insert into taxi_surge (operator_id, cell, factor, at) values (%(id)s, %(cell)s, 1.4, %(at)s)",
            {"id": rita.operator.id, "cell": cell_of(HELSINKI, 1_000), "at": clock.now()},
        )
    [comfort] = (await rita.prices())["classes"]
    assert (comfort["surge"], comfort["price"]) == (1.4, 10.15)
    assert comfort["lines"][-1]["code"] == "taxi_surge"
    assert comfort["lines"][-1]["amount"] == 2.9


async def test_what_is_wrong_with_a_way(rita: Passenger) -> None:
    good = await rita.place()
    old = await rita.place()
    rita.clock.advance(hours=2)
    good = await rita.place()
    call, pay = "get-drivers", {"is_cash_payment": False}
    assert await rita.faults(call, {**pay, "waypoints": [good, "nonsense", old]}) == ["waypoints.1", "waypoints.2"]
    assert await rita.faults(call, {**pay, "waypoints": [good]}) == ["waypoints"]
    assert await rita.faults(call, {**pay, "waypoints": [good] * 9}) == ["waypoints"]
    quote = await rita.quote()
    assert await rita.faults(call, {**pay, "waypoints": [good, quote]}) == ["waypoints.1"], "a quote is no place"


@pytest.mark.parametrize(
    ("day", "clock_text", "fields"),
    [
        ("2026-12-24", None, ["scheduled_time"]),
        (None, "14:45", ["scheduled_date"]),
        ("24.12.2026", "14:45", ["scheduled_date"]),
        ("2026-12-24", "25:00", ["scheduled_time"]),
        ("2026-02-30", "2 pm", ["scheduled_date", "scheduled_time"]),
    ],
)
async def test_what_is_wrong_with_a_time(
    rita: Passenger, day: str | None, clock_text: str | None, fields: list[str]
) -> None:
    body = {
        "waypoints": await rita.way(),
        "is_cash_payment": False,
        "scheduled_date": day,
        "scheduled_time": clock_text,
    }
    assert await rita.faults("get-drivers", body) == fields


async def test_the_secret_key_asks_for_whomever_it_names_later(rita: Passenger) -> None:
    await rita.driver()
    prices = await rita.prices(secret=True)
    assert prices["selected_payment_method_info"] is None
    [comfort] = prices["classes"]
    status, _code = await rita.refused("request-ride", {"token": comfort["token"]})
    assert status == 400, "a rider's own token is another"
    asked = {"token": comfort["token"], "user_id": rita.rider.id}
    assert (await rita.ok("request-ride", asked, secret=True))["ride_id"]


async def test_a_token_is_signed_by_the_operators_own_key(rita: Passenger) -> None:
    await rita.driver()
    [comfort] = (await rita.prices())["classes"]
    key = await rita.api.services.operators.get_token_key(rita.operator)
    quote, _ends = open_signed(key, "quote", rita.operator.id, comfort["token"], Quote, rita.clock.now())
    assert quote.rider_id == rita.rider.id
    assert (quote.class_id, quote.is_cash, quote.scheduled_at, quote.total_minor) == (rita.comfort, False, None, 725)
    assert [stop.title for stop in quote.stops] == ["Place 0", "Place 1"]
