"""Booking: what is bound, refused, kept; who is first when many want the last one; add-ons of which there are few."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from isotope.domain.fleet import VehicleStatus
from isotope.domain.fleet.slots import Slot, take_slot
from isotope.domain.payments import NO_CARDS
from isotope.domain.pricing import english
from isotope.domain.rental import (
    Booking,
    CancelBooking,
    Cancelled,
    CreateBooking,
    FindOffers,
    Offers,
    StationId,
    cancel_booking,
    create_booking,
    list_offers,
)
from isotope.domain.rental.model import BookingStatus, Interval, RentalAddonId, RentalPackageId, StationSpec
from isotope.domain.wallet import AddMoney, MoneyKind, add_money, check_ledger, get_standing
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, rider_actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import ModelId, RiderId, VehicleId
from isotope.kernel.time_windows import TimeWindow
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.rentals import RENTALS, Rentals, make_rentals
from tests.kit.riders import make_rider
from tests.kit.tenants import make_operator

pytestmark = pytest.mark.asyncio

HOUR = timedelta(hours=1)
BUFFER = timedelta(minutes=30)


class Desk:
    """Where riders book cars of the centre."""

    def __init__(self, rt: Runtime, clock: SettableClock, rentals: Rentals) -> None:
        self.rt, self.clock, self.rentals = rt, clock, rentals
        self.operator = rentals.kit.operator

    async def rider(self, amount_minor: int = 100_000) -> RiderId:
        """Somebody with so much in the wallet."""
        rider = await make_rider(self.rt, self.operator)
        if amount_minor:
            what = AddMoney(
                operator=self.operator,
                rider_id=rider.id,
                amount_minor=amount_minor,
                kind=MoneyKind.BALANCE,
                actor=SECRET_KEY,
            )
            await add_money(self.rt, what)
        return rider.id

    def at(self, in_hours: float, hours: float = 8) -> Interval:
        start = self.clock.now() + in_hours * HOUR
        return Interval(start, start + hours * HOUR)

    async def book(
        self,
        rider_id: RiderId,
        interval: Interval,
        *,
        model_id: ModelId | None = None,
        vehicle_id: VehicleId | None = None,
        station_id: StationId | None = None,
        addons: tuple[RentalAddonId, ...] = (),
        package_id: RentalPackageId | None = None,
        **more: Any,
    ) -> Booking:
        return await create_booking(
            self.rt,
            NO_CARDS,
            CreateBooking(
                operator=self.operator,
                rider_id=rider_id,
                actor=rider_actor(rider_id),
                station_id=station_id or self.rentals.centre_id,
                interval=interval,
                model_id=model_id if model_id or vehicle_id else self.rentals.car_id,
                vehicle_id=vehicle_id,
                addon_ids=addons,
                package_id=package_id,
                **more,
            ),
        )

    async def cancel(self, booking: Booking) -> Cancelled:
        return await cancel_booking(
            self.rt,
            NO_CARDS,
            CancelBooking(
                operator=self.operator,
                booking_id=booking.id,
                rider_id=booking.rider_id,
                actor=rider_actor(booking.rider_id),
            ),
        )

    async def offers(self, interval: Interval, *, is_exact: bool = True) -> Offers:
        return await list_offers(
            self.rt,
            FindOffers(
                operator=self.operator,
                station_id=self.rentals.centre_id,
                interval=interval,
                is_exact=is_exact,
                words=english,
            ),
        )

    async def count(self, interval: Interval) -> int:
        """How many cars are offered."""
        found = (await self.offers(interval)).offers
        return found[0].count if found else 0

    async def set_status(self, index: int, status: VehicleStatus, held_by: str | None = None) -> None:
        async with self.rt.db.write() as tx:
            await tx.execute(
                """
                update vehicle set status = %(status)s, held_by = %(held_by)s
                 where operator_id = %(operator_id)s and id = %(id)s
                """,
                {
                    "status": status.value,
                    "held_by": held_by,
                    "operator_id": self.operator.id,
                    "id": self.rentals.car(index),
                },
            )

    async def spendable(self, rider_id: RiderId) -> int:
        async with self.rt.db.read() as tx:
            return (await get_standing(tx, self.operator.id, rider_id, self.operator.currency)).spendable_minor

    async def books_agree(self) -> None:
        async with self.rt.db.read() as tx:
            assert await check_ledger(tx, self.operator.id) == []


async def a_desk(rt: Runtime, clock: SettableClock, *, cars: int = 1, **rentals: Any) -> Desk:
    settings = replace(RENTALS, rentals=replace(RENTALS.rentals, **rentals))
    kit = await make_operator(rt, settings=settings)
    return Desk(rt, clock, await make_rentals(rt, kit, cars=cars))


def unix(at: datetime) -> int:
    return int(at.timestamp())


async def test_booked_by_model_a_vehicle_is_bound_and_paid(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider(10_000)
    booking = await desk.book(rider_id, desk.at(24, hours=30))
    assert (booking.status, booking.vehicle_id) == (BookingStatus.UPCOMING, desk.rentals.car())
    assert (booking.hold_until, booking.confirmed_at) == (None, clock.now())
    # 30 hours at 10.00 an hour and 40.00 a day.
    assert await desk.spendable(rider_id) == 2_000
    assert await desk.rentals.slots(desk.rentals.car()) == [
        (booking.holder, booking.starts_at, booking.ends_at + BUFFER)
    ]
    await desk.books_agree()


async def test_the_buffer_is_kept_on_both_sides(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider()
    await desk.book(rider_id, desk.at(24))
    for touching in (
        desk.at(32),
        desk.at(32.49),
        desk.at(16),
        desk.at(15.51),
        desk.at(0, hours=72),
        desk.at(26, hours=2),
    ):
        with refused("no_vehicle_free"):
            await desk.book(rider_id, touching)
    await desk.book(rider_id, desk.at(32.5))
    await desk.book(rider_id, desk.at(15.5))


async def test_the_next_free_time_is_told_and_is_free(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider()
    await desk.book(rider_id, desk.at(24))
    await desk.book(rider_id, desk.at(36))
    # Between the two are 3.5 hours.
    for hours, next_in in ((3, 32.5), (3.25, 44.5), (8, 44.5)):
        wanted = desk.at(25, hours)
        with refused("no_vehicle_free") as told:
            await desk.book(rider_id, wanted)
        start = clock.now() + next_in * HOUR
        local = (start + 3 * HOUR).strftime("%Y-%m-%dT%H:%M:%S+03:00")
        assert told.it.details == {"next_pick_up": unix(start), "next_pick_up_date": local}
    assert (await desk.book(rider_id, desk.at(44.5))).status is BookingStatus.UPCOMING


async def test_the_next_free_time_is_one_at_which_the_station_is_open(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    await desk.rentals.set_station(StationSpec(opening=(TimeWindow(start="08:00", end="18:00"),)))
    rider_id = await desk.rider()
    # 15:00 in Helsinki now. From 9:00 to 17:00 tomorrow it is booked, so eight hours are free the day after, from 8:00.
    await desk.book(rider_id, desk.at(18))
    with refused("no_vehicle_free") as told:
        await desk.book(rider_id, desk.at(17))
    assert told.it.details is not None
    assert told.it.details["next_pick_up_date"] == "2026-06-03T08:00:00+03:00"
    await desk.book(rider_id, Interval(datetime(2026, 6, 3, 5, tzinfo=UTC), datetime(2026, 6, 3, 13, tzinfo=UTC)))


async def test_there_may_be_no_next_free_time(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock, advance_days=2)
    rider_id = await desk.rider()
    await desk.book(rider_id, desk.at(24, hours=36))
    with refused("no_vehicle_free") as told:
        await desk.book(rider_id, desk.at(25))
    assert told.it.details == {"next_pick_up": None, "next_pick_up_date": None}
    await desk.set_status(0, VehicleStatus.STOLEN)
    with refused("no_vehicle_free") as told:
        await desk.book(rider_id, desk.at(1))
    assert told.it.details == {"next_pick_up": None, "next_pick_up_date": None}


async def test_a_certain_vehicle(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock, cars=2)
    rider_id = await desk.rider()
    second = desk.rentals.car(1)
    booking = await desk.book(rider_id, desk.at(24), vehicle_id=second)
    assert booking.vehicle_id == second
    with refused("no_vehicle_free") as told:
        await desk.book(rider_id, desk.at(24), vehicle_id=second)
    assert told.it.details is not None
    assert told.it.details["next_pick_up"] == unix(booking.ends_at + BUFFER)
    with refused("rental_model_not_found"):
        await desk.book(rider_id, desk.at(48), vehicle_id=second, model_id=desk.rentals.van_id)
    # It stands at the airport.
    with refused("no_vehicle_free"):
        await desk.book(rider_id, desk.at(48), vehicle_id=desk.rentals.van())
    with refused("vehicle_not_found"):
        await desk.book(rider_id, desk.at(48), vehicle_id=VehicleId(10**12))


async def test_unknown_stations_and_models(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider()
    with refused("rental_zone_not_found"):
        await desk.book(rider_id, desk.at(24), station_id=StationId(10**12))
    with refused("rental_model_not_found"):
        await desk.book(rider_id, desk.at(24), model_id=ModelId(10**12))
    other = await a_desk(rt, clock)
    with refused("rental_zone_not_found"):
        await desk.book(rider_id, desk.at(24), station_id=other.rentals.centre_id)
    with refused("rental_model_not_found"):
        await desk.book(rider_id, desk.at(24), model_id=other.rentals.car_id)
    with refused("user_not_found"):
        await desk.book(await other.rider(), desk.at(24))


@pytest.mark.parametrize(
    ("status", "held_by", "soon", "later"),
    [
        (VehicleStatus.READY, None, 1, 1),
        (VehicleStatus.IN_USE, "ride:1", 0, 1),
        (VehicleStatus.RESERVED, "reservation:1", 0, 1),
        (VehicleStatus.RESERVED, "booking:1", 1, 1),
        (VehicleStatus.CHARGING, None, 0, 1),
        (VehicleStatus.DISCHARGED, None, 0, 1),
        (VehicleStatus.REBALANCING, None, 0, 1),
        (VehicleStatus.TRANSPORTATION, None, 0, 1),
        (VehicleStatus.NEED_INVESTIGATION, None, 0, 0),
        (VehicleStatus.NEED_SERVICE, None, 0, 0),
        (VehicleStatus.NOT_READY, None, 0, 0),
        (VehicleStatus.STORAGE, None, 0, 0),
        (VehicleStatus.STOLEN, None, 0, 0),
        (VehicleStatus.DEPRECATED, None, 0, 0),
    ],
)
async def test_what_a_vehicle_is_now(
    rt: Runtime, clock: SettableClock, status: VehicleStatus, held_by: str | None, soon: int, later: int
) -> None:
    desk = await a_desk(rt, clock)
    await desk.set_status(0, status, held_by)
    assert await desk.count(desk.at(1)) == soon
    assert await desk.count(desk.at(6)) == soon
    assert await desk.count(desk.at(6.01)) == later
    if later and not soon:
        rider_id = await desk.rider()
        with refused("no_vehicle_free") as told:
            await desk.book(rider_id, desk.at(1))
        # The first whole minute after six hours.
        assert told.it.details is not None
        assert told.it.details["next_pick_up"] == unix(clock.now() + 6 * HOUR) + 60
        next_start = clock.now() + 6 * HOUR + timedelta(minutes=1)
        await desk.book(rider_id, Interval(next_start, next_start + 8 * HOUR))


async def test_a_vehicle_that_is_late_is_not_offered_for_soon(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider()
    booking = await desk.book(rider_id, desk.at(0.1, hours=2))
    await desk.set_status(0, VehicleStatus.IN_USE, booking.holder)
    async with rt.db.write() as tx:
        await tx.execute(
            """
            update booking set status = 'ACTIVE', picked_up_at = %(now)s where operator_id = %(operator_id)s and id = %(id)s
            """,
            {"now": clock.now(), "operator_id": desk.operator.id, "id": booking.id},
        )
    assert await desk.count(desk.at(5)) == 1
    clock.advance(hours=3)
    assert await desk.count(desk.at(2)) == 0
    assert await desk.count(desk.at(7)) == 1


async def test_maintenance_keeps_a_vehicle(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider()
    async with rt.db.write() as tx:
        slot = Slot(
            vehicle_id=desk.rentals.car(),
            holder="task:1",
            starts_at=clock.now() + 24 * HOUR,
            ends_at=clock.now() + 48 * HOUR,
        )
        assert await take_slot(tx, desk.operator.id, slot)
    assert await desk.count(desk.at(30)) == 0
    with refused("no_vehicle_free"):
        await desk.book(rider_id, desk.at(16))
    await desk.book(rider_id, desk.at(15.5))
    await desk.book(rider_id, desk.at(48))


async def test_the_closest_time_before_is_taken_first(rt: Runtime, clock: SettableClock) -> None:
    """So that vehicles keep long times for who wants them."""
    desk = await a_desk(rt, clock, cars=2)
    rider_id = await desk.rider()
    second = desk.rentals.car(1)
    await desk.book(rider_id, desk.at(1), vehicle_id=second)
    assert (await desk.book(rider_id, desk.at(10))).vehicle_id == second


async def test_nothing_is_kept_of_what_is_refused(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    poor, free = await desk.rider(7_999), desk.at(24, hours=30)
    with refused("booking_unaffordable") as told:
        await desk.book(poor, free)
    assert told.it.details == {"has_minor": 7_999, "needs_minor": 8_000, "currency": "EUR"}
    assert await desk.rentals.slots(desk.rentals.car()) == []
    assert await desk.spendable(poor) == 7_999
    owing = await desk.book(poor, free, allow_debt=True)
    assert owing.status is BookingStatus.UPCOMING
    with refused("debt_open"):
        await desk.book(poor, desk.at(80))
    with refused("booking_unaffordable"):
        await desk.book(poor, desk.at(80), skip_wallet_check=True)
    again = await desk.book(poor, desk.at(80), skip_wallet_check=True, allow_debt=True)
    assert again.status is BookingStatus.UPCOMING
    await desk.books_agree()


async def test_who_books_much(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock, open_per_rider=2, per_rider_in_30_days=3)
    rider_id = await desk.rider()
    made = [await desk.book(rider_id, desk.at(24 * day)) for day in (1, 2)]
    with refused("too_many_bookings"):
        await desk.book(rider_id, desk.at(72))
    await desk.cancel(made[0])
    await desk.book(rider_id, desk.at(72))
    await desk.cancel(made[1])
    with refused("too_many_bookings_lately"):
        await desk.book(rider_id, desk.at(96))
    clock.advance(days=30)
    await desk.book(rider_id, desk.at(96))


async def test_a_package_only_in_its_times(rt: Runtime, clock: SettableClock) -> None:
    """Now is Monday; the weekend begins on Friday at 12:00."""
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider()
    friday = datetime(2026, 6, 5, 9, tzinfo=UTC)
    weekend = Interval(friday, friday + timedelta(hours=60))
    too_early = Interval(friday - timedelta(minutes=1), weekend.end)
    too_late = Interval(friday, friday + timedelta(hours=60, minutes=1))
    [offer] = (await desk.offers(weekend)).offers
    assert [(one.package.title, one.price.total_minor) for one in offer.packages] == [("Weekend", 7_000)]
    for without in (too_early, too_late):
        [offer] = (await desk.offers(without)).offers
        assert offer.packages == []
        with refused("package_not_available") as told:
            await desk.book(rider_id, without, package_id=desk.rentals.weekend_id)
        assert told.it.details == {"available_package_ids": []}
    with refused("package_not_available") as told:
        await desk.book(rider_id, weekend, package_id=RentalPackageId(10**12))
    assert told.it.details == {"available_package_ids": [desk.rentals.weekend_id]}
    booking = await desk.book(rider_id, weekend, package_id=desk.rentals.weekend_id)
    assert booking.terms.package is not None
    assert await desk.spendable(rider_id) == 93_000


async def test_add_ons_of_which_there_is_one(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock, cars=4)
    rider_id = await desk.rider()
    seat, cover = desk.rentals.child_seat_id, desk.rentals.cover_id
    first = await desk.book(rider_id, desk.at(24), addons=(seat, cover, seat))
    assert [addon.id for addon in first.terms.addons] == sorted([seat, cover])
    # 8 hours at the day's 40.00, the seat's 5.00 a day, 20.00 for the cover.
    assert await desk.spendable(rider_id) == 100_000 - 4_000 - 500 - 2_000
    [offer] = (await desk.offers(desk.at(25, 1))).offers
    assert {one.addon.id: one.left for one in offer.addons} == {seat: 0, cover: None}
    with refused("rental_addon_out_of_stock") as told:
        await desk.book(rider_id, desk.at(30), addons=(seat, cover))
    assert told.it.details == {"addon_ids": [seat]}
    await desk.book(rider_id, desk.at(24), addons=(cover,))
    after = await desk.book(rider_id, desk.at(32), addons=(seat,))
    with refused("unknown_addons") as told:
        await desk.book(rider_id, desk.at(48), addons=(seat, RentalAddonId(10**12)))
    assert told.it.details == {"unknown_addon_ids": [10**12], "allowed_addon_ids": sorted([seat, cover])}
    await desk.cancel(after)
    await desk.book(rider_id, desk.at(33), addons=(seat,))


async def test_many_at_once_for_one_child_seat(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock, cars=12)
    seat = desk.rentals.child_seat_id
    riders = [await desk.rider() for _ in range(12)]
    told = await asyncio.gather(
        *(desk.book(rider_id, desk.at(24), addons=(seat,)) for rider_id in riders), return_exceptions=True
    )
    refusals = [one for one in told if isinstance(one, Refusal)]
    assert [one.code for one in refusals] == ["rental_addon_out_of_stock"] * 11
    assert sum(isinstance(one, Booking) for one in told) == 1


async def test_a_hundred_want_the_last_car_at_once(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    riders = [await desk.rider(4_000) for _ in range(100)]
    wanted = desk.at(24)
    told = await asyncio.gather(*(desk.book(rider_id, wanted) for rider_id in riders), return_exceptions=True)
    [booking] = [one for one in told if isinstance(one, Booking)]
    refusals = [one for one in told if isinstance(one, Refusal)]
    assert [one.code for one in refusals] == ["no_vehicle_free"] * 99
    next_start = unix(wanted.end + BUFFER)
    assert {one.details["next_pick_up"] for one in refusals if one.details} == {next_start}
    assert len(await desk.rentals.slots(desk.rentals.car())) == 1
    assert [await desk.spendable(rider_id) for rider_id in riders if rider_id != booking.rider_id] == [4_000] * 99
    await desk.books_agree()


async def test_as_many_as_there_are_cars_get_one(rt: Runtime, clock: SettableClock) -> None:
    """Wanted at different times that all overlap."""
    desk = await a_desk(rt, clock, cars=6)
    rider_ids = [await desk.rider() for _ in range(40)]
    for car in range(6):
        await desk.book(rider_ids[car], desk.at(1 + car / 4, hours=1), vehicle_id=desk.rentals.car(car))
    told = await asyncio.gather(
        *(desk.book(rider_id, desk.at(10 + index % 7, 12)) for index, rider_id in enumerate(rider_ids)),
        return_exceptions=True,
    )
    booked = [one for one in told if isinstance(one, Booking)]
    assert {one.vehicle_id for one in booked} == {desk.rentals.car(car) for car in range(6)}
    assert len(booked) == 6
    assert {one.code for one in told if isinstance(one, Refusal)} == {"no_vehicle_free"}


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_accepted_never_overlaps(rt: Runtime, clock: SettableClock, seed: int) -> None:
    """Times drawn at random, a few at once, some cancelled: buffers kept, nothing free refused, nothing booked offered."""
    desk, draw = await a_desk(rt, clock, cars=2, open_per_rider=100, per_rider_in_30_days=1_000), Random(seed)
    riders = [await desk.rider(1_000_000) for _ in range(3)]
    accepted: list[Booking] = []

    def fits(interval: Interval, vehicle_id: VehicleId) -> bool:
        return all(
            one.ends_at + BUFFER <= interval.start or interval.end + BUFFER <= one.starts_at
            for one in accepted
            if one.vehicle_id == vehicle_id
        )

    for _ in range(12):
        wanted = [desk.at(draw.randrange(0, 96) / 2, draw.randrange(2, 24) / 2) for _ in riders]
        told = await asyncio.gather(
            *(desk.book(rider_id, interval) for rider_id, interval in zip(riders, wanted, strict=True)),
            return_exceptions=True,
        )
        for interval, one in zip(wanted, told, strict=True):
            if isinstance(one, Booking):
                assert fits(interval, one.vehicle_id)
                accepted.append(one)
            else:
                assert isinstance(one, Refusal)
                assert one.code == "no_vehicle_free"
        for interval, one in zip(wanted, told, strict=True):
            if not isinstance(one, Booking):
                assert not any(fits(interval, desk.rentals.car(car)) for car in range(2))
        if draw.random() < 0.4:
            gone = accepted.pop(draw.randrange(len(accepted)))
            await desk.cancel(gone)
        asked = desk.at(draw.randrange(0, 96) / 2, draw.randrange(2, 24) / 2)
        assert await desk.count(asked) == sum(fits(asked, desk.rentals.car(car)) for car in range(2))
    await desk.books_agree()


async def test_cancelled_by_the_terms_once(rt: Runtime, clock: SettableClock) -> None:
    """Until 24 hours before it costs nothing, later half of it."""
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider(10_000)
    booking = await desk.book(rider_id, desk.at(24, hours=30))
    free = await desk.cancel(booking)
    assert (free.fee_minor, free.refunded_minor, free.booking.status) == (0, 8_000, BookingStatus.CANCELLED)
    assert await desk.spendable(rider_id) == 10_000
    assert await desk.rentals.slots(desk.rentals.car()) == []

    booking = await desk.book(rider_id, desk.at(24, hours=30))
    clock.advance(minutes=1)
    told = await asyncio.gather(*(desk.cancel(booking) for _ in range(5)))
    assert {(one.paid_minor, one.fee_minor, one.refunded_minor) for one in told} == {(8_000, 4_000, 4_000)}
    assert await desk.spendable(rider_id) == 6_000
    await desk.books_agree()


async def test_only_ones_own_booking_is_cancelled(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    rider_id, other = await desk.rider(), await desk.rider()
    booking = await desk.book(rider_id, desk.at(24))
    with refused("booking_not_found"):
        await desk.cancel(replace(booking, rider_id=other))


async def test_near_times_are_offered_when_they_are_wanted(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider()
    await desk.book(rider_id, desk.at(24))
    wanted = desk.at(26, hours=4)
    assert (await desk.offers(wanted)).offers == []
    [offer] = (await desk.offers(wanted, is_exact=False)).offers
    assert offer.count == 0
    # Seven hours later and seven earlier: nothing nearer has half an hour between two bookings.
    assert {one.interval for one in offer.near} == {desk.at(33, hours=4), desk.at(19, hours=4)}
    for near in offer.near:
        await desk.book(rider_id, near.interval)
    # What is free as it was wanted has nothing near to it.
    [offer] = (await desk.offers(desk.at(48), is_exact=False)).offers
    assert (offer.count, list(offer.near)) == (1, [])


async def test_nothing_near_that_is_too_soon_for_an_unfit_vehicle(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock)
    rider_id = await desk.rider()
    await desk.book(rider_id, desk.at(8, hours=4))
    await desk.set_status(0, VehicleStatus.CHARGING)
    [offer] = (await desk.offers(desk.at(7, hours=2), is_exact=False)).offers
    for near in offer.near:
        await desk.book(rider_id, near.interval)
    assert [one.interval for one in offer.near] == [desk.at(13, hours=2)]


async def test_settings_refuse_before_anything_is_looked_for(rt: Runtime, clock: SettableClock) -> None:
    desk = await a_desk(rt, clock, minimum_age=21)
    with refused("rider_too_young"):
        await desk.book(await desk.rider(), desk.at(24))
