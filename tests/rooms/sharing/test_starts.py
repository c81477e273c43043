"""What a start agrees on and takes along: group rides, limited add-ons, surcharges, packages, discounts, free minutes."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from isotope.domain.benefits import GroupDraft, GroupSpec, PackageDraft, PackageSpec, upsert_group, upsert_package
from isotope.domain.pricing import AddonKind, AddonPrice, Quota, Surcharge, Tariff, Tier
from isotope.domain.tenants.model import PaymentSettings, ReservationSettings, RideSettings, Settings
from isotope.domain.wallet import check_ledger
from isotope.domain.zones import ZoneType
from isotope.infra.runtime import Runtime
from isotope.kernel.time_windows import TimeWindow
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME, TARIFF, make_fleet, make_zones, zone_draft
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

HELMETS = AddonPrice(kind=AddonKind.FIXED, price_minor=150, title="Helmet", stock=3)
FREE_AT_FIRST = Tariff(
    unlock_minor=100, minute_tiers=(Tier(upto_min=5, price_minor=0), Tier(price_minor=20)), tax_rate="0.255"
)


def settings(*, payments: PaymentSettings | None = None, **rides: Any) -> Settings:
    return Settings(rides=RideSettings(unlock_wait_s=1, **rides), payments=payments or PaymentSettings())


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


async def report_all(city: City) -> None:
    await asyncio.gather(*(unit.report() for unit in city.units))


async def helmets_out(city: City) -> int:
    async with city.rt.db.read() as tx:
        return int(await tx.scalar("select count(*) from ride_addon where operator_id = %s", [city.kit.operator.id]))


async def last_terms(city: City) -> dict[str, Any]:
    terms: dict[str, Any] = (await city.rides())[-1]["terms"]
    return terms


async def end_ride(city: City, rider: RiderKit, started: httpx2.Response) -> dict[str, Any]:
    answer = await city.end(rider, active_ride_id=started.json()["active_ride_id"])
    assert answer.status_code == 200, answer.text
    ended: dict[str, Any] = answer.json()
    return ended


# -- Group rides ----------------------------------------------------------------------------------------------------


async def test_three_ride_together_and_each_is_paused_ended_and_billed_alone(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    by_type = {VehicleType.SCOOTER: 3}
    async with small_city(rt, tmp_path, vehicles=4, settings=settings(max_by_type=by_type)) as city:
        rider = await city.rider()
        started = []
        for vehicle in range(3):
            answer = await city.start(rider, vehicle)
            assert answer.status_code == 200, answer.text
            assert answer.json()["max_allowed_vehicles_per_user"] == 3
            started.append(answer)
        refused = await city.start(rider, 3)
        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_rides")
        assert refused.json()["details"] == {"max_allowed_vehicles_per_user": 3, "vehicle_type": "SCOOTER"}
        clock.advance(minutes=2)
        await report_all(city)
        paused = await city.ask(rider, "sharing/pause", {"vehicle_id": city.fleet.vehicle_ids[1]})
        assert paused.status_code == 200, paused.text
        assert [city.is_unlocked(vehicle) for vehicle in range(3)] == [True, False, True]
        clock.advance(minutes=3)
        await report_all(city)
        bills = [(await end_ride(city, rider, started[0]))["total_paid"]]
        assert [ride["status"] for ride in await city.rides()] == ["ENDED", "PAUSED", "ACTIVE"]
        # There is a place again.
        assert (await city.start(rider, 3)).status_code == 200
        clock.advance(minutes=1)
        await report_all(city)
        bills += [(await end_ride(city, rider, one))["total_paid"] for one in started[1:]]
        # 1.00 + 5 x 0.20; 1.00 + 2 x 0.20 + 4 x 0.05; 1.00 + 6 x 0.20
        assert bills == ["2.00", "1.60", "2.20"]
        assert (await city.standing(rider)).balance_minor == 10_000 - 580
        async with rt.db.read() as tx:
            assert await check_ledger(tx, city.kit.operator.id) == []


async def test_a_group_is_of_one_type_unless_the_operator_lets_it(rt: Runtime, tmp_path: Path) -> None:
    for same_type, status in ((True, 409), (False, 200)):
        async with small_city(rt, tmp_path, settings=settings(group_same_type=same_type)) as city:
            other = await make_fleet(rt, city.kit.operator, vehicle_type=VehicleType.E_BIKE)
            rider = await city.rider()
            await city.start(rider)
            body = {"vehicle_id": other.vehicle_id, "user_latitude": HOME.lat, "user_longitude": HOME.lon}
            answer = await city.ask(rider, "sharing/reserve-vehicle", body)
            assert answer.status_code == status, answer.text
            if same_type:
                assert answer.json()["code"] == "group_same_type"
                assert answer.json()["details"] == {"vehicle_type": "SCOOTER"}


async def test_of_starts_at_once_no_more_than_allowed_succeed(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=5, settings=settings(max_vehicles_per_rider=2)) as city:
        rider = await city.rider()
        answers = await asyncio.gather(*(city.start(rider, vehicle) for vehicle in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409, 409]
        assert sorted(ride["place"] for ride in await city.rides()) == [1, 2]


async def test_one_pays_the_whole_group(rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit) -> None:
    by_card = settings(payments=PaymentSettings(authorise_minor=500))
    async with small_city(rt, tmp_path, vehicles=3, settings=by_card, sandbox=sandbox) as city:
        rider = await city.rider()
        card = await city.card(rider)
        first = await city.start(rider, payment_method_id="wallet")
        assert first.status_code == 200, first.text
        refused = await city.start(rider, 1, payment_method_id=card.method_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "group_one_payer")
        assert refused.json()["details"] == {"payment_method_id": "wallet"}
        # The rider chose the card; what pays the first pays the second all the same.
        assert (await city.start(rider, 1)).status_code == 200
        assert (await last_terms(city))["payment_method_id"] == "wallet"
        await report_all(city)
        for one in await city.rides():
            assert (await city.end(rider, active_ride_id=one["id"])).status_code == 200
        # Nobody rides any more: the next ride is paid as the rider likes.
        assert (await city.start(rider, 2)).status_code == 200
        assert (await last_terms(city))["payment_method_id"] == card.method_id


# -- Reservations and cards -----------------------------------------------------------------------------------------


async def test_a_card_that_is_declined_gives_the_vehicle_back_to_the_reservation(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    by_card = settings(payments=PaymentSettings(authorise_minor=500))
    async with small_city(rt, tmp_path, vehicles=2, settings=by_card, sandbox=sandbox) as city:
        rider, other = await city.rider(), await city.rider()
        bad, good = await city.card(rider, "insufficient_funds"), await city.card(rider)
        at = {"vehicle_id": city.fleet.vehicle_id, "user_latitude": HOME.lat, "user_longitude": HOME.lon}
        kept = await city.ask(rider, "sharing/reserve-vehicle", {**at, "payment_method_id": bad.method_id})
        assert kept.status_code == 200, kept.text
        refused = await city.start(rider)
        assert (refused.status_code, refused.json()["code"]) == (402, "card_declined")
        assert await city.vehicle_status() == ("RESERVED", f"reservation:{kept.json()['reservation_id']}")
        shown = (await city.ask(rider, "sharing/get-reservations")).json()
        assert [one["reservation_id"] for one in shown["reservations"]] == [kept.json()["reservation_id"]]
        assert (await city.start(other)).json()["code"] == "vehicle_not_available"
        started = await city.start(rider, payment_method_id=good.method_id)
        assert started.status_code == 200, started.text
        assert (await last_terms(city))["reservation"]["id"] == kept.json()["reservation_id"]
        async with rt.db.read() as tx:
            ends = await tx.tuples(
                "select scheduled_at from procrastinate_jobs where task_name = 'expire_reservation'"
                " and (args ->> 'operator_id')::bigint = %s",
                [city.kit.operator.id],
            )
        assert len(ends) == 2
        assert len(set(ends)) == 1


async def test_after_its_time_a_reservation_does_not_come_back(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    short = Settings(
        rides=RideSettings(unlock_wait_s=1),
        payments=PaymentSettings(authorise_minor=500),
        reservations=ReservationSettings(minutes=1),
    )
    async with small_city(rt, tmp_path, vehicles=2, settings=short, sandbox=sandbox) as city:
        rider = await city.rider()
        bad = await city.card(rider, "insufficient_funds")
        at = {"vehicle_id": city.fleet.vehicle_id, "user_latitude": HOME.lat, "user_longitude": HOME.lon}
        await city.ask(rider, "sharing/reserve-vehicle", at)
        clock.advance(minutes=1)
        await report_all(city)
        refused = await city.start(rider, payment_method_id=bad.method_id)
        assert refused.json()["code"] == "card_declined"
        assert await city.vehicle_status() == ("READY", None)


# -- Add-ons --------------------------------------------------------------------------------------------------------


async def test_of_twenty_who_want_three_helmets_three_get_one(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=20, addons={"helmet": HELMETS}) as city:
        riders = [await city.rider() for _number in range(20)]
        [helmet] = city.fleet.addon_ids
        answers = await asyncio.gather(
            *(city.start(rider, vehicle, addon_ids=[helmet]) for vehicle, rider in enumerate(riders))
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 17
        refused = next(answer.json() for answer in answers if answer.status_code == 409)
        assert (refused["code"], refused["details"]) == ("addon_out_of_stock", {"addon_ids": [helmet]})
        assert await helmets_out(city) == 3
        # Without one everybody rides.
        without = next(nr for nr, answer in enumerate(answers) if answer.status_code == 409)
        assert (await city.start(riders[without], without)).status_code == 200


async def test_a_helmet_that_comes_back_is_lent_again(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    one = AddonPrice(kind=AddonKind.FIXED, price_minor=150, title="Helmet", stock=1)
    async with small_city(rt, tmp_path, vehicles=2, addons={"helmet": one}) as city:
        first, second = await city.rider(), await city.rider()
        [helmet] = city.fleet.addon_ids
        started = await city.start(first, 0, addon_ids=[helmet, helmet])
        assert started.status_code == 200, started.text
        assert (await city.start(second, 1, addon_ids=[helmet])).json()["code"] == "addon_out_of_stock"
        await report_all(city)
        assert (await city.end(first)).status_code == 200
        again = await city.start(second, 1, addon_ids=[helmet])
        assert again.status_code == 200, again.text
        assert [addon["id"] for addon in again.json()["addons"]] == [helmet]
        # What was lent before is forgotten.
        assert await helmets_out(city) == 1


# -- Terms ----------------------------------------------------------------------------------------------------------


async def test_surcharges_are_those_of_time_and_place_of_the_start(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    # The clock of tests begins at 15:00 in Helsinki.
    tariff = Tariff(
        minute_tiers=(Tier(price_minor=20),),
        surcharges=(
            Surcharge(title="Afternoon", pct=10, windows=(TimeWindow(start="14:00", end="16:00"),)),
            Surcharge(title="Night", amount_minor=100, windows=(TimeWindow(start="22:00", end="05:00"),)),
            Surcharge(title="Airport", amount_minor=300, zones=("airport",)),
            Surcharge(title="Centre", amount_minor=50, zones=("airport", "centre")),
        ),
    )
    async with small_city(rt, tmp_path, tariff=tariff) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.PARKING_ZONE, ref="centre"))
        rider = await city.rider()
        assert clock.now().astimezone(ZoneInfo(city.kit.operator.time_zone)).hour == 15
        await city.start(rider)
        assert [one["title"] for one in (await last_terms(city))["surcharges"]] == ["Afternoon", "Centre"]
        clock.advance(minutes=5)
        await report_all(city)
        ended = (await city.end(rider)).json()
        lines = [(line["code"], line["amount"]) for line in ended["payment_info"]["lines"]]
        assert lines == [("ride_minutes", 1.0), ("surcharge_pct", 0.1), ("surcharge_fixed", 0.5)]


async def test_the_same_vehicle_again_has_no_new_free_minutes(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, vehicles=2, tariff=FREE_AT_FIRST) as city:
        rider, other = await city.rider(), await city.rider()

        async def ride(who: RiderKit, minutes: int, vehicle: int = 0) -> int:
            """What a ride costs, unlocking left out."""
            started = await city.start(who, vehicle)
            assert started.status_code == 200, started.text
            clock.advance(minutes=minutes)
            # It went somewhere: a ride that did not move may be free.
            await city.units[vehicle].report(odometer_m=1_000 * len(await city.rides()) + 5_000)
            total: float = (await end_ride(city, who, started))["payment_info"]["total"]
            return round(total * 100) - 100

        assert await ride(rider, 4) == 0
        clock.advance(minutes=9)
        await report_all(city)
        # One free minute is left of five.
        assert await ride(rider, 4) == 60
        # And now none: the chain goes on.
        assert await ride(rider, 4) == 80
        # Another rider, and another vehicle, have theirs.
        assert await ride(rider, 4, 1) == 0
        assert await ride(other, 4) == 0
        # After the time all come again.
        clock.advance(minutes=10)
        await report_all(city)
        assert await ride(rider, 4) == 0


async def test_a_package_and_a_group_discount_are_agreed_at_the_start(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, tariff=TARIFF) as city:
        operator, rider = city.kit.operator, await city.rider()
        spec = PackageSpec(price_minor=300, quota=Quota(unlocks=1, ride_min=30))
        async with rt.db.write() as tx:
            package_id = await upsert_package(
                tx, operator.id, PackageDraft(ref="half", title="Half an hour", spec=spec)
            )
            await upsert_group(tx, operator.id, GroupDraft(ref="students", title="Students", spec=GroupSpec(pct=50)))
        unknown = await city.start(rider, pricing_package_id=package_id + 1_000)
        assert (unknown.status_code, unknown.json()["code"]) == (409, "package_not_available")
        put = {"user_id": rider.id, "discount_group": "students"}
        assert (await city.ask_as_owner("user/set-discount-group", put)).status_code == 200
        started = await city.start(rider, pricing_package_id=package_id)
        assert started.status_code == 200, started.text
        terms = await last_terms(city)
        assert (terms["package"]["id"], terms["discounts"][0]["pct"]) == (package_id, 50)
        clock.advance(minutes=40)
        await report_all(city)
        # 3.00 for the package, and half of ten minutes more.
        assert (await end_ride(city, rider, started))["total_paid"] == "4.00"
