"""What provisioning writes of rentals, and to which station a vehicle belongs."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from isotope.domain.fleet import UnknownRefError
from isotope.domain.fleet.slots import Slot, take_slot
from isotope.domain.rental.catalog import (
    retire_rental_addons,
    retire_rental_models,
    retire_rental_packages,
    retire_rental_tariffs,
    retire_stations,
    upsert_rental_addon,
    upsert_rental_model,
    upsert_rental_package,
    upsert_rental_tariff,
    upsert_station,
)
from isotope.domain.rental.locate import BATCH, locate_all, locate_vehicles
from isotope.domain.rental.model import (
    Booking,
    BookingStatus,
    BookingTerms,
    RentalAddonDraft,
    RentalModelDraft,
    RentalPackageDraft,
    RentalTariffDraft,
    StationDraft,
    StationId,
    StationSpec,
)
from isotope.domain.rental.store import insert_booking, next_booking_id
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from isotope.kernel.ids import VehicleId
from tests.kit.fleet import HOME, SPEC, square, tell_state
from tests.kit.rentals import AIRPORT, CHILD_SEAT, RENTAL_TARIFF, WEEKEND, Rentals, make_rentals
from tests.kit.riders import make_rider
from tests.kit.tenants import make_operator

FAR = Point(60.25, 24.80)
TOLERANCE_M = 50.0

TABLES = ("rental_zone", "rental_tariff", "rental_package", "rental_addon")


async def rentals_of(rt: Runtime, **more: Any) -> Rentals:
    return await make_rentals(rt, await make_operator(rt), **more)


async def rows(rt: Runtime, rentals: Rentals, table: str) -> dict[str, tuple[int, bool, str]]:
    """By ref: id, whether it is offered, and the version of the row (which changes with every write)."""
    async with rt.db.read() as tx:
        found = await tx.dicts(
            f"select ref, id, retired_at, xmin::text as version from {table} where operator_id = %(operator_id)s",
            {"operator_id": rentals.kit.operator.id},
        )
    return {row["ref"]: (row["id"], row["retired_at"] is None, row["version"]) for row in found}


UPSERTS: dict[str, tuple[Callable[..., Awaitable[Any]], Any, Callable[..., Awaitable[int]]]] = {
    "rental_zone": (upsert_station, StationDraft(ref="x", title="X", point=HOME, radius_m=9.0), retire_stations),
    "rental_tariff": (
        upsert_rental_tariff,
        RentalTariffDraft(ref="x", title="X", spec=RENTAL_TARIFF),
        retire_rental_tariffs,
    ),
    "rental_package": (
        upsert_rental_package,
        RentalPackageDraft(ref="x", title="X", spec=WEEKEND),
        retire_rental_packages,
    ),
    "rental_addon": (upsert_rental_addon, RentalAddonDraft(ref="x", title="X", spec=CHILD_SEAT), retire_rental_addons),
}


@pytest.mark.parametrize("table", TABLES)
async def test_what_goes_and_comes_back_keeps_its_id(rt: Runtime, table: str) -> None:
    rentals = await rentals_of(rt)
    upsert, draft, retire = UPSERTS[table]
    operator_id, now = rentals.kit.operator.id, rt.clock.now()

    async with rt.db.write() as tx:
        made = await upsert(tx, operator_id, draft)
    first = (await rows(rt, rentals, table))["x"]
    async with rt.db.write() as tx:
        assert await upsert(tx, operator_id, draft) == made
    assert (await rows(rt, rentals, table))["x"] == first, "what is so already is not written"
    async with rt.db.write() as tx:
        assert await retire(tx, operator_id, ["x", "unknown"], now) == 1
        assert await retire(tx, operator_id, ["x"], now) == 0
    assert (await rows(rt, rentals, table))["x"][:2] == (made, False)
    async with rt.db.write() as tx:
        assert await upsert(tx, operator_id, msgspec.structs.replace(draft, title="Y")) == made
    assert (await rows(rt, rentals, table))["x"][:2] == (made, True)


async def test_a_model_is_rented_for_a_tariff_that_is_offered(rt: Runtime) -> None:
    rentals = await rentals_of(rt)
    operator_id = rentals.kit.operator.id

    async with rt.db.write() as tx:
        with pytest.raises(UnknownRefError, match="no rental_tariff gone"):
            await upsert_rental_model(
                tx, operator_id, RentalModelDraft(model_ref=rentals.cars.model_ref, tariff_ref="gone")
            )
        with pytest.raises(UnknownRefError, match="no vehicle_model gone"):
            await upsert_rental_model(tx, operator_id, RentalModelDraft(model_ref="gone", tariff_ref="standard"))
        assert await retire_rental_models(tx, operator_id, [rentals.cars.model_ref], rt.clock.now()) == 1
        assert await retire_rental_models(tx, operator_id, [rentals.cars.model_ref], rt.clock.now()) == 0
        draft = RentalModelDraft(model_ref=rentals.cars.model_ref, tariff_ref="standard")
        assert await upsert_rental_model(tx, operator_id, draft) == rentals.car_id
        assert await retire_rental_models(tx, operator_id, [rentals.cars.model_ref], rt.clock.now()) == 1


async def book(rt: Runtime, rentals: Rentals, status: BookingStatus) -> Booking:
    """A row as it is stored, without money; it begins in a day."""
    rider, start = await make_rider(rt, rentals.kit.operator), rt.clock.now() + timedelta(days=1)
    async with rt.db.write() as tx:
        booking = Booking(
            operator_id=rentals.kit.operator.id,
            id=await next_booking_id(tx),
            rider_id=rider.id,
            vehicle_id=rentals.car(),
            model_id=rentals.car_id,
            zone_id=rentals.centre_id,
            status=BookingStatus.UPCOMING,
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            currency="EUR",
            terms=BookingTerms(tariff_id=rentals.tariff_id, tariff=RENTAL_TARIFF, time_zone="Europe/Helsinki"),
            payment_method_id="wallet",
            requested_at=rt.clock.now(),
        )
        await insert_booking(tx, booking)
        if status is BookingStatus.CANCELLED:
            await tx.execute(
                "update booking set status = 'CANCELLED', closed_at = requested_at, next_at = null"
                " where operator_id = %(operator_id)s and id = %(id)s",
                {"operator_id": booking.operator_id, "id": booking.id},
            )
    return booking


@pytest.mark.parametrize(("status", "stays"), [(BookingStatus.UPCOMING, True), (BookingStatus.CANCELLED, False)])
async def test_a_station_and_a_model_go_when_their_bookings_are_over(
    rt: Runtime, status: BookingStatus, stays: bool
) -> None:
    rentals = await rentals_of(rt)
    operator_id, now = rentals.kit.operator.id, rt.clock.now()
    await book(rt, rentals, status)

    for retire, ref, code in (
        (retire_stations, "centre", "station_has_bookings"),
        (retire_rental_models, rentals.cars.model_ref, "model_has_bookings"),
    ):
        async with rt.db.write() as tx:
            if stays:
                with pytest.raises(Refusal, match=code):
                    await retire(tx, operator_id, [ref], now)
            else:
                assert await retire(tx, operator_id, [ref], now) == 1
    async with rt.db.write() as tx:
        assert await retire_stations(tx, operator_id, ["airport"], now) == 1
    assert await rentals.station_of(rentals.van()) is None
    assert await rentals.station_of(rentals.car()) == (rentals.centre_id if stays else None)


async def locate(rt: Runtime, rentals: Rentals) -> int:
    async with rt.db.write() as tx:
        return await locate_all(tx, rentals.kit.operator.id, rt.clock.now(), tolerance_m=TOLERANCE_M)


async def stand(rt: Runtime, rentals: Rentals, at: Point) -> None:
    """The first car's unit tells that it stands there."""
    await tell_state(rt, rentals.kit.operator.id, rentals.cars.device_ids[0], at=at)


@pytest.mark.parametrize(
    ("at", "status", "booked_h", "shared", "belongs"),
    [
        (AIRPORT, "READY", None, True, "airport"),
        (AIRPORT, "READY", None, False, "airport"),
        (AIRPORT, "CHARGING", None, True, "airport"),
        (AIRPORT, "IN_USE", None, True, "centre"),
        (AIRPORT, "TRANSPORTATION", None, True, "centre"),
        (AIRPORT, "DEPRECATED", None, True, "centre"),
        (FAR, "READY", None, True, None),
        (FAR, "CHARGING", None, True, None),
        (FAR, "IN_USE", None, True, "centre"),
        (FAR, "TRANSPORTATION", None, True, "centre"),
        (FAR, "READY", None, False, "centre"),
        # Hours from now at which a booking of one hour begins.
        (AIRPORT, "READY", 5, True, "centre"),
        (AIRPORT, "READY", -0.5, True, "centre"),
        (AIRPORT, "READY", -2, True, "airport"),
        (FAR, "READY", 5, True, "centre"),
        (FAR, "READY", -2, True, None),
    ],
)
async def test_a_vehicle_belongs_to_the_station_that_it_stands_in(
    rt: Runtime, at: Point, status: str, booked_h: float | None, shared: bool, belongs: str | None
) -> None:
    rentals = await rentals_of(rt, spec=msgspec.structs.replace(SPEC, sharing=shared))
    car, now = rentals.car(), rt.clock.now()
    assert await rentals.station_of(car) == rentals.centre_id
    assert await rentals.station_of(rentals.van()) == rentals.airport_id

    await stand(rt, rentals, at)
    async with rt.db.write() as tx:
        await tx.execute(
            "update vehicle set status = %(status)s, held_by = case when %(status)s = 'IN_USE' then 'ride:1' end"
            " where operator_id = %(operator_id)s and id = %(id)s",
            {"status": status, "operator_id": rentals.kit.operator.id, "id": car},
        )
        if booked_h is not None:
            start = now + timedelta(hours=booked_h)
            slot = Slot(vehicle_id=car, holder="booking:1", starts_at=start, ends_at=start + timedelta(hours=1))
            assert await take_slot(tx, rentals.kit.operator.id, slot)

    assert await locate(rt, rentals) == int(belongs != "centre")
    stations = {"centre": rentals.centre_id, "airport": rentals.airport_id, None: None}
    assert await rentals.station_of(car) == stations[belongs]
    assert await locate(rt, rentals) == 0


async def test_a_vehicle_under_maintenance_is_located_as_others_are(rt: Runtime) -> None:
    rentals = await rentals_of(rt)
    await stand(rt, rentals, AIRPORT)
    async with rt.db.write() as tx:
        now = rt.clock.now()
        slot = Slot(vehicle_id=rentals.car(), holder="task:1", starts_at=now, ends_at=now + timedelta(days=1))
        assert await take_slot(tx, rentals.kit.operator.id, slot)
    assert await locate(rt, rentals) == 1


async def test_a_booked_vehicle_that_belongs_nowhere_is_found(rt: Runtime) -> None:
    """Its station was taken off the map and came back: without a station nobody could bring it back."""
    rentals = await rentals_of(rt)
    async with rt.db.write() as tx:
        now = rt.clock.now()
        slot = Slot(vehicle_id=rentals.car(), holder="booking:1", starts_at=now, ends_at=now + timedelta(days=1))
        assert await take_slot(tx, rentals.kit.operator.id, slot)
        await tx.execute(
            "delete from rental_vehicle where operator_id = %(operator_id)s", {"operator_id": rentals.kit.operator.id}
        )
    assert await locate(rt, rentals) == 3
    assert await rentals.station_of(rentals.car()) == rentals.centre_id


async def test_retired_stations_and_models_have_no_vehicles(rt: Runtime) -> None:
    rentals = await rentals_of(rt)
    operator_id, now = rentals.kit.operator.id, rt.clock.now()
    async with rt.db.write() as tx:
        await retire_stations(tx, operator_id, ["centre"], now)
        assert await locate_all(tx, operator_id, now, tolerance_m=TOLERANCE_M) == 0
        await upsert_station(
            tx, operator_id, StationDraft(ref="centre", title="C", point=HOME, radius_m=150.0, spec=StationSpec())
        )
        await retire_rental_models(tx, operator_id, [rentals.cars.model_ref], now)
        assert await locate_all(tx, operator_id, now, tolerance_m=TOLERANCE_M) == 0
    assert await rentals.station_of(rentals.car()) is None


async def test_a_large_fleet_is_located_in_batches(rt: Runtime) -> None:
    rentals = await rentals_of(rt, cars=BATCH + 1, vans=0)
    async with rt.db.write() as tx:
        await tx.execute(
            "delete from rental_vehicle where operator_id = %(operator_id)s", {"operator_id": rentals.kit.operator.id}
        )
        first = await locate_vehicles(tx, rentals.kit.operator.id, rt.clock.now(), tolerance_m=TOLERANCE_M)
        assert (first.moved, first.last) == (BATCH, rentals.car(BATCH - 1))
        rest = await locate_vehicles(
            tx, rentals.kit.operator.id, rt.clock.now(), tolerance_m=TOLERANCE_M, after=first.last
        )
        assert (rest.moved, rest.last) == (1, None)


async def test_of_stations_that_overlap_the_deeper_one_has_it(rt: Runtime) -> None:
    rentals = await rentals_of(rt)
    async with rt.db.write() as tx:
        wide = await upsert_station(
            tx,
            rentals.kit.operator.id,
            StationDraft(ref="wide", title="Wide", point=HOME, area=square(HOME, 1_000.0)),
        )
    assert await locate(rt, rentals) == 2
    assert {await rentals.station_of(VehicleId(car)) for car in rentals.cars.vehicle_ids} == {StationId(wide)}
