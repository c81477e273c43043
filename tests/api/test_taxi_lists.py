"""The three lists that an operator's own systems read."""

from typing import Any

import pytest
import pytest_asyncio

from isotope.domain.taxi.model import TripStatus
from isotope.domain.taxi.search import number_of, patterns_of
from isotope.domain.tenants.model import Settings, TaxiSettings
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI, DriverKit, make_driver
from tests.kit.http import Api
from tests.kit.passengers import THERE, Passenger, make_passenger
from tests.kit.riders import make_rider


@pytest_asyncio.fixture
async def rita(api: Api, clock: SettableClock) -> Passenger:
    return await make_passenger(api, clock, settings=Settings(taxi=TaxiSettings(open_per_rider=20)))


async def end(rita: Passenger, driver: DriverKit, ride_id: int) -> None:
    await driver.go_online(HELSINKI)
    await rita.accept(ride_id, driver)
    await rita.drive(ride_id, driver, TripStatus.STARTED)
    rita.clock.advance(seconds=240)
    await driver.go_online(THERE)
    await rita.drive_to_end(ride_id, driver)


async def rides(rita: Passenger, **body: Any) -> list[int]:
    found = await rita.ok("get-rides-list", body, secret=True)
    assert found["record_count"] == len(found["data"])
    return [one["ride_id"] for one in found["data"]]


async def plate_of(rita: Passenger, driver: DriverKit) -> str:
    async with rita.api.services.rt.db.read() as tx:
        return str(await tx.scalar("select plate from taxi_vehicle where id = %(id)s", {"id": driver.vehicle_id}))


@pytest.mark.parametrize("call", ["get-rides-list", "get-customers-list", "get-drivers-list"])
async def test_riders_do_not_read_them(rita: Passenger, call: str) -> None:
    assert await rita.refused(call) == (403, "secret_key_required")


async def test_trips_newest_first_page_by_page(rita: Passenger) -> None:
    ids = []
    for _ in range(5):
        ids.append(await rita.order())
        rita.clock.advance(minutes=1)
    ids.reverse()
    pages = [await rita.ok("get-rides-list", {"page": nr, "page_length": 2}, secret=True) for nr in (1, 2, 3, 4)]
    assert [[one["ride_id"] for one in page["data"]] for page in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert [page["has_next_page"] for page in pages] == [True, True, False, False]
    assert {page["record_count"] for page in pages} == {5}
    assert (await rita.ok("get-rides-list", secret=True))["data"] == (
        await rita.ok("get-rides-list", {"page": 1, "page_length": 20}, secret=True)
    )["data"]


async def test_all_that_is_told_of_a_trip(rita: Passenger) -> None:
    driver = await rita.driver(name="Aino Ahola")
    ride_id = await rita.order(comment="By the kiosk")
    await end(rita, driver, ride_id)
    await rita.ok("rate-ride", {"ride_id": ride_id, "rating": 4, "comment": "Calm"})
    [one] = (await rita.ok("get-rides-list", secret=True))["data"]
    rider = rita.rider.rider
    assert one["customer"] == {
        "user_id": rider.id,
        "name": rider.name,
        "email": rider.email,
        "phone_prefix": rider.phone_prefix,
        "phone": rider.phone,
    }
    assert one["driver"] == {
        "driver_id": driver.id,
        "name": "Aino Ahola",
        "phone_prefix": driver.driver.phone_prefix,
        "phone": driver.driver.phone,
    }
    assert (one["status"], one["outcome"], one["vehicle"]) == ("RIDE_ENDED", "driven", "Toyota Corolla")
    assert one["plate"] == await plate_of(rita, driver)
    assert (one["class_title"], one["comment"], one["rating"], one["rating_comment"]) == (
        "Comfort",
        "By the kiosk",
        4,
        "Calm",
    )
    assert (one["price"], one["total"], one["paid"]["balance"], one["payment_type"]) == (7.25, 7.25, 7.25, "WALLET")
    assert one["driver_earned"] == 5.8, "without the operator's fifth"
    assert one["requested_at"] <= one["accepted_at"] <= one["arrived_at"] <= one["started_at"] < one["ended_at"]
    assert [point["title"] for point in one["waypoints"]] == ["Place 0", "Place 1"]
    assert one["travel_time_seconds"] == 240


async def test_trips_by_status(rita: Passenger) -> None:
    driver = await rita.driver()
    ended = await rita.order()
    await end(rita, driver, ended)
    canceled = await rita.order()
    await rita.ok("cancel-ride", {"ride_id": canceled})
    requested = await rita.order()
    when = {"scheduled_date": "2026-06-03", "scheduled_time": "15:00"}
    scheduled = await rita.order(quote=when)
    accepted = await rita.order()
    await driver.go_online(HELSINKI)
    await rita.accept(accepted, driver)
    for status, ride_id in {
        "RIDE_ENDED": ended,
        "RIDE_CANCELED": canceled,
        "RIDE_REQUESTED": requested,
        "SCHEDULED_RIDE": scheduled,
        "RIDE_ACCEPTED": accepted,
    }.items():
        assert await rides(rita, status=status) == [ride_id], status
    await rita.drive(accepted, driver, TripStatus.ARRIVED)
    assert await rides(rita, status="DRIVER_ARRIVED") == [accepted]
    assert await rides(rita, status="RIDE_STARTED") == []
    answer = await rita.post("get-rides-list", {"status": "DONE"}, secret=True)
    assert answer.status_code == 400


async def test_trips_by_day_of_the_operators_clock(rita: Passenger) -> None:
    """Helsinki is three hours ahead in summer: 21:30 UTC is the next day."""
    rita.clock.set(rita.clock.now().replace(hour=20, minute=30))
    late = await rita.order()
    rita.clock.advance(hours=1)
    early = await rita.order()
    assert await rides(rita, date_from="2026-06-01", date_to="2026-06-01") == [late]
    assert await rides(rita, date_from="2026-06-02") == [early]
    assert await rides(rita, date_to="2026-06-02") == [early, late]
    assert await rides(rita, date_from="2026-06-03") == []
    for body in (
        {"date_from": "1.6.2026"},
        {"date_to": "2026-02-30"},
        {"date_from": "2026-06-02", "date_to": "2026-06-01"},
        {"date_from": "20260601"},
    ):
        answer = await rita.post("get-rides-list", body, secret=True)
        assert answer.status_code == 400, body


async def test_trips_by_what_is_typed(rita: Passenger) -> None:
    rt = rita.api.services.rt
    ride_id = await rita.order()
    driver = await rita.driver()
    await rita.accept(ride_id, driver)
    other = await make_rider(rt, rita.operator, name="Otto O'Other", email="otto_other@example.test")
    async with rt.db.write() as tx:
        await tx.execute(
            "update rider set name = 'Rita Rider', email = 'rita%%@example.test' where id = %(id)s",
            {"id": rita.rider.id},
        )
    rider = rita.rider.rider
    plate = await plate_of(rita, driver)
    for search in (
        str(ride_id),
        "rita",
        "RIDER rita",
        "rita%",
        f"+{rider.phone_prefix} {rider.phone[:3]} {rider.phone[3:]}",
        rider.phone,
        plate.lower(),
        plate[2:8],
    ):
        assert await rides(rita, search=search) == [ride_id], search
    for search in ("otto", other.rider.phone, "ri_a", "%", "nobody", "99999999999999999999", "rita otto"):
        assert await rides(rita, search=search) == ([] if search != "%" else [ride_id]), search
    assert await rides(rita, search="  ") == [ride_id]


async def test_riders_who_order_taxis(rita: Passenger) -> None:
    rt = rita.api.services.rt
    await make_rider(rt, rita.operator, name="Otto Other")
    driver = await rita.driver()
    await end(rita, driver, await rita.order())
    canceled = await rita.order()
    await rita.ok("cancel-ride", {"ride_id": canceled})
    found = await rita.ok("get-customers-list", secret=True)
    rider = rita.rider.rider
    assert found == {
        "has_next_page": False,
        "record_count": 1,
        "data": [
            {
                "user_id": rider.id,
                "name": rider.name,
                "email": rider.email,
                "phone_prefix": rider.phone_prefix,
                "phone": rider.phone,
                "is_blocked": False,
                "registered_at": int(rider.created_at.timestamp()),
                "rides": 2,
                "ended_rides": 1,
                "canceled_rides": 1,
                "last_ride_at": int(rita.clock.now().timestamp()),
                "total_spent": 7.25,
                "debt": 0,
                "currency_code": "EUR",
            }
        ],
    }
    for search, count in (("rita", 1), ("rider RITA", 1), (rider.phone, 1), ("otto", 0), ("rita@", 1)):
        assert (await rita.ok("get-customers-list", {"search": search}, secret=True))["record_count"] == count, search


async def test_drivers_by_name_and_presence(rita: Passenger) -> None:
    rt = rita.api.services.rt
    aino = await rita.driver(name="Aino Ahola")
    bertil = await make_driver(rt, rita.operator, name="Bertil Berg", class_id=rita.comfort)
    cecilia = await rita.driver(name="Cecilia Carl")
    rita.clock.advance(seconds=61)
    await aino.go_online(HELSINKI)
    ride_id = await rita.order()
    await rita.accept(ride_id, aino)
    found = await rita.ok("get-drivers-list", secret=True)
    assert [(one["driver_id"], one["status"]) for one in found["data"]] == [
        (aino.id, "ONLINE"),
        (bertil.id, "OFFLINE"),
        (cecilia.id, "NO_CONNECTION"),
    ]
    assert (found["record_count"], found["has_next_page"]) == (3, False)
    first, second, _third = found["data"]
    assert (first["ride_id"], first["rides"], first["balance"], first["rating"]) == (ride_id, 0, 0, None)
    assert (first["vehicle"], first["vehicle_color"], first["class_ids"]) == (
        "Toyota Corolla",
        "white",
        [rita.comfort],
    )
    assert first["coordinates"] == {"latitude": HELSINKI.lat, "longitude": HELSINKI.lon}
    assert first["last_seen_at"] == int(rita.clock.now().timestamp())
    assert (second["plate"], second["coordinates"], second["class_ids"]) == (None, None, [])
    for body, ids in (
        ({"status": "ONLINE"}, [aino.id]),
        ({"status": "OFFLINE"}, [bertil.id]),
        ({"status": "NO_CONNECTION"}, [cecilia.id]),
        ({"search": "BERG"}, [bertil.id]),
        ({"search": bertil.driver.phone}, [bertil.id]),
        ({"search": bertil.driver.email}, [bertil.id]),
        ({"search": await plate_of(rita, bertil)}, [bertil.id]),
        ({"search": "bertil", "status": "ONLINE"}, []),
        ({"page": 2, "page_length": 2}, [cecilia.id]),
    ):
        answer = await rita.ok("get-drivers-list", body, secret=True)
        assert [one["driver_id"] for one in answer["data"]] == ids, body


async def test_what_a_driver_earned(rita: Passenger) -> None:
    driver = await rita.driver()
    await end(rita, driver, await rita.order())
    [one] = (await rita.ok("get-drivers-list", secret=True))["data"]
    assert (one["rides"], one["balance"], one["ride_id"]) == (1, 5.8, None)


@pytest.mark.parametrize("body", [{"page": 0}, {"page_length": 0}, {"page_length": 101}, {"search": "x" * 201}])
async def test_what_no_list_takes(rita: Passenger, body: dict[str, Any]) -> None:
    for call in ("get-rides-list", "get-customers-list", "get-drivers-list"):
        assert (await rita.post(call, body, secret=True)).status_code == 400, call


@pytest.mark.parametrize(
    ("search", "patterns"),
    [
        ("", []),
        ("  Rita  Rider ", ["%rita%", "%rider%"]),
        ("100%_\\", ["%100\\%\\_\\\\%"]),
        ("+358 40 123-4567", ["%358401234567%"]),
        ("(040) 123", ["%040123%"]),
        ("a b c d e f g h i j", [f"%{word}%" for word in "abcdefgh"]),
    ],
)
def test_what_is_typed_as_patterns(search: str, patterns: list[str]) -> None:
    assert patterns_of(search) == patterns


@pytest.mark.parametrize(
    ("search", "number"), [("12", 12), (" 7 ", 7), ("0", None), ("x1", None), ("٣", None), ("9" * 30, None)]
)
def test_what_is_typed_as_a_number(search: str, number: int | None) -> None:
    assert number_of(search) == number
