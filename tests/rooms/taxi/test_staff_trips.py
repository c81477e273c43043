"""What staff do about trips: the list, assigning, closing, giving back, settling with drivers."""

import asyncio

import pytest

from isotope.domain.taxi.model import OfferStatus, Outcome, Trip, TripPayment, TripStatus
from isotope.domain.taxi.refunds import TripRefund
from isotope.domain.taxi.usecases.adjust_driver_balance import (
    AdjustDriverBalance,
    DriverMoney,
    adjust_driver_balance,
)
from isotope.domain.taxi.usecases.list_trips_to_dispatch import list_trips_to_dispatch
from isotope.domain.taxi.usecases.staff_assign_trip import StaffAssignTrip, staff_assign_trip
from isotope.domain.taxi.usecases.staff_close_trip import StaffCloseTrip, staff_cancel_trip, staff_end_trip
from isotope.domain.taxi.usecases.staff_refund_trip import StaffRefundTrip, staff_refund_trip
from isotope.domain.tenants.model import Role
from isotope.domain.wallet import AccountKind, MoneyKind
from isotope.kernel.actor import Actor
from isotope.kernel.ids import DriverId
from tests.kit.drivers import HELSINKI, DriverKit
from tests.kit.refusals import refused
from tests.kit.trips import QUOTED, THERE, Trips

pytestmark = pytest.mark.asyncio

S = TripStatus
STAFF = Actor("staff:3")
ADJUSTED = DriverMoney.ADJUSTED


async def assign(trips: Trips, trip: Trip, driver: DriverKit, role: Role = Role.OPERATOR) -> Trip:
    return await staff_assign_trip(
        trips.rt,
        StaffAssignTrip(operator=trips.operator, role=role, trip_id=trip.id, driver_id=driver.id, actor=STAFF),
    )


def close(trips: Trips, trip: Trip, role: Role = Role.SUPPORT, *, as_quoted: bool = True) -> StaffCloseTrip:
    return StaffCloseTrip(
        operator=trips.operator, role=role, trip_id=trip.id, reason="Asked", actor=STAFF, as_quoted=as_quoted
    )


async def refund(
    trips: Trips,
    trip: Trip,
    amount_minor: int | None = None,
    *,
    role: Role = Role.OWNER,
    key: str = "a",
    to_wallet: bool = False,
) -> TripRefund:
    return await staff_refund_trip(
        trips.rt,
        trips.cards,
        StaffRefundTrip(
            operator=trips.operator,
            role=role,
            trip_id=trip.id,
            amount_minor=amount_minor,
            reason="Sorry",
            to_wallet=to_wallet,
            actor=STAFF,
            key=key,
        ),
    )


async def adjust(
    trips: Trips,
    driver_id: DriverId,
    amount_minor: int,
    kind: DriverMoney = ADJUSTED,
    *,
    role: Role = Role.MANAGER,
    key: str = "a",
) -> int:
    return await adjust_driver_balance(
        trips.rt,
        AdjustDriverBalance(
            operator=trips.operator,
            role=role,
            driver_id=driver_id,
            kind=kind,
            amount_minor=amount_minor,
            reason="Week 23",
            actor=STAFF,
            key=key,
        ),
    )


async def test_a_dispatcher_gives_a_trip_to_a_driver(trips: Trips) -> None:
    asked, driver = await trips.driver(), await trips.driver(THERE)
    trip, other = await trips.request(), await trips.request()
    await trips.offer(trip, asked)
    await trips.offer(other, driver)
    for _ in range(2):
        given = await assign(trips, trip, driver)
        assert (given.status, given.driver_id, given.vehicle_id) == (S.ACCEPTED, driver.id, driver.vehicle_id)
    # 1,501 m by the great circle, 1.35 times as far by road, at 30 km/h.
    assert given.pickup_eta_s == pytest.approx(243, abs=1)
    assert await trips.offers(trip) == ["WITHDRAWN", "ACCEPTED"]
    assert await trips.offers(other) == ["WITHDRAWN"]
    assert (await trips.state(driver)).idle_since is None
    assert [one.actor for one in await trips.events(trip) if one.to_status == S.ACCEPTED] == [STAFF]
    # Who gives it up is not offered it again, as if they had accepted it.
    await trips.give_up(trip, driver)
    assert await trips.offers(trip) == ["WITHDRAWN", "GIVEN_UP"]


async def test_a_trip_for_later_is_promised_in_the_drivers_name(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request(in_h=3)
    given = await assign(trips, trip, driver)
    assert (given.status, given.driver_id) == (S.SCHEDULED, driver.id)
    with refused("promise_clashes"):
        await assign(trips, await trips.request(in_h=3.2), driver)
    with refused("trip_has_driver"):
        await assign(trips, trip, await trips.driver())


async def test_who_cannot_drive_is_given_nothing(trips: Trips) -> None:
    driver, other = await trips.driver(), await trips.driver()
    trip = await trips.request()
    await trips.accept(await trips.request(), driver)
    with refused("driver_busy"):
        await assign(trips, trip, driver)
    async with trips.rt.db.write() as tx:
        await tx.execute(
            "update driver_state set is_online = false where operator_id = %s and driver_id = %s",
            (trips.operator.id, other.id),
        )
    with refused("driver_offline"):
        await assign(trips, trip, other)
    async with trips.rt.db.write() as tx:
        await tx.execute(
            "update driver set status = 'BLOCKED' where operator_id = %s and id = %s", (trips.operator.id, other.id)
        )
    with refused("driver_blocked"):
        await assign(trips, trip, other)
    await trips.cancel(trip)
    with refused("trip_status"):
        await assign(trips, trip, await trips.driver())


@pytest.mark.parametrize("role", Role)
async def test_what_roles_may(trips: Trips, role: Role) -> None:
    driver = await trips.driver()
    trip = await trips.request()
    money = role in (Role.OWNER, Role.MANAGER, Role.SUPPORT)

    async def act() -> None:
        await staff_cancel_trip(trips.rt, trips.cards, close(trips, trip, role))

    if money or role is Role.OPERATOR:
        await assign(trips, trip, driver, role)
    else:
        with refused("role_not_allowed"):
            await assign(trips, trip, driver, role)
    if money:
        await act()
    else:
        with refused("role_not_allowed"):
            await act()
        with refused("role_not_allowed"):
            await staff_end_trip(trips.rt, trips.cards, close(trips, trip, role))
        with refused("role_not_allowed"):
            await refund(trips, trip, role=role)
    if role not in (Role.OWNER, Role.MANAGER):
        with refused("role_not_allowed"):
            await adjust(trips, driver.id, 100, role=role)


async def test_staff_cancel_for_nothing_what_has_not_started(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request(card=await trips.card())
    await trips.accept(trip, driver)
    await trips.arrive(trip, driver)
    trips.clock.advance(hours=1)
    for _ in range(2):
        over = await staff_cancel_trip(trips.rt, trips.cards, close(trips, trip))
        assert (over.status, over.outcome, over.total_minor) == (S.CANCELED, Outcome.STAFF_CANCELED, 0)
    assert (await trips.state(driver)).idle_since == trips.clock.now()
    await trips.the_books_agree()


@pytest.mark.parametrize(("as_quoted", "total"), [(True, QUOTED), (False, 400 + 150 + 3 * 60 * 30)])
async def test_staff_end_what_its_driver_does_not(trips: Trips, *, as_quoted: bool, total: int) -> None:
    driver = await trips.driver()
    trip = await trips.request()
    await trips.accept(trip, driver)
    await trips.arrive(trip, driver)
    with refused("trip_status"):
        await staff_end_trip(trips.rt, trips.cards, close(trips, trip))
    await trips.start(trip, driver)
    trips.clock.advance(hours=3, seconds=-100)
    await trips.at(driver, THERE, step_s=100)
    ended = await staff_end_trip(trips.rt, trips.cards, close(trips, trip, as_quoted=as_quoted))
    assert (ended.status, ended.closed_by, ended.total_minor) == (S.ENDED, STAFF, total)
    assert (await trips.state(driver)).idle_since is not None
    with refused("trip_status"):
        await staff_cancel_trip(trips.rt, trips.cards, close(trips, trip))
    await trips.the_books_agree()


async def test_a_refund_goes_back_the_way_it_came(trips: Trips) -> None:
    await trips.add(200)
    await trips.add(100, MoneyKind.BONUS)
    driver = await trips.driver()
    trip = await trips.drive(await trips.request(card=await trips.card()), driver)
    assert (trip.charged_bonus_minor, trip.charged_balance_minor, trip.charged_card_minor) == (100, 200, 450)
    first = await refund(trips, trip, 500)
    assert (first.to_card_minor, first.to_balance_minor, first.card_pending_minor) == (450, 50, 0)
    rest = await refund(trips, trip, key="b")
    assert (rest.amount_minor, rest.to_balance_minor, rest.to_bonus_minor) == (250, 150, 100)
    assert sum(tax.tax_minor for one in (first, rest) for tax in one.taxes) == trip.tax_minor
    assert await trips.has() == (200, 100, 0, 0)
    # It was the operator's favour.
    assert await trips.owed_to(driver) == 600
    with refused("refund_too_high"):
        await refund(trips, trip, 1, key="c")
    await trips.the_books_agree()


async def test_a_refund_of_cash_is_balance_and_one_of_debt_forgives(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.drive(await trips.request(TripPayment.CASH), driver)
    with refused("trip_not_settled"):
        await refund(trips, trip)
    await trips.cash(trip, driver, 500)
    assert await trips.has() == (0, 0, 250, 0)
    back = await refund(trips, trip, 350)
    assert (back.to_debt_minor, back.to_balance_minor) == (250, 100)
    assert await trips.has() == (100, 0, 0, 0)
    await trips.the_books_agree()


async def test_a_fee_can_be_given_back(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request()
    with refused("trip_status"):
        await refund(trips, trip)
    await trips.accept(trip, driver)
    trips.clock.advance(seconds=121)
    await trips.cancel(trip)
    assert (await refund(trips, trip)).to_debt_minor == 500
    await trips.the_books_agree()


async def test_the_same_key_is_the_same_refund(trips: Trips) -> None:
    await trips.add(1_000)
    trip = await trips.drive(await trips.request(), await trips.driver())
    same = await asyncio.gather(*(refund(trips, trip, 100) for _ in range(5)))
    assert len({one.id for one in same}) == 1
    with refused("idempotency_key_reused"):
        await refund(trips, trip, 101)
    assert (await trips.find(trip)).refunded_minor == 100
    await trips.the_books_agree()


async def test_support_gives_back_up_to_its_limit_in_all(trips: Trips) -> None:
    limit = trips.operator.settings.payments.support_refund_minor
    trips.tariff = type(trips.tariff)(base_minor=limit * 3)
    await trips.add(limit * 3)
    trip = await trips.drive(await trips.request(), await trips.driver())
    await refund(trips, trip, limit - 1, role=Role.SUPPORT)
    with refused("role_limit_reached"):
        await refund(trips, trip, 2, role=Role.SUPPORT, key="b")
    await refund(trips, trip, 1, role=Role.SUPPORT, key="b")
    await refund(trips, trip, role=Role.MANAGER, key="c")
    await trips.the_books_agree()


async def test_a_refund_whose_card_is_gone_goes_to_the_wallet(trips: Trips) -> None:
    trip = await trips.drive(await trips.request(card=await trips.card("refund_refused")), await trips.driver())
    back = await refund(trips, trip, 300)
    assert (back.to_card_minor, back.to_balance_minor, back.card_pending_minor) == (0, 300, 0)
    await trips.the_books_agree()


async def test_drivers_are_paid_and_corrected(trips: Trips) -> None:
    driver = await trips.driver()
    await trips.add(1_000)
    await trips.drive(await trips.request(), driver)
    assert await adjust(trips, driver.id, 50) == 650
    assert await adjust(trips, driver.id, 50) == 650
    assert await adjust(trips, driver.id, 700, DriverMoney.PAID, key="b") == -50
    # They hand cash over.
    assert await adjust(trips, driver.id, -50, DriverMoney.PAID, key="c") == 0
    for amount, kind in ((51, ADJUSTED), (50, DriverMoney.PAID)):
        with refused("idempotency_key_reused"):
            await adjust(trips, driver.id, amount, kind)
    with refused("validation_failed"):
        await adjust(trips, driver.id, 0, key="d")
    with refused("driver_not_found"):
        await adjust(trips, DriverId(999_999_999), 1, key="d")
    assert (await trips.sums())[AccountKind.ADJUSTMENTS] == -1_000 - 50 + 650
    await trips.the_books_agree()


async def test_the_list_has_what_nobody_drives(trips: Trips) -> None:
    driver = await trips.driver()
    driven, late, waiting, next_one, later, unserved, canceled = [
        await trips.request(in_h=hours) for hours in (None, None, None, 2, 5, None, None)
    ]
    await trips.accept(driven, driver)
    await trips.offer(waiting, await trips.driver(HELSINKI))
    await trips.cancel(canceled)
    async with trips.rt.db.write() as tx:
        await tx.execute(
            "update trip set requested_at = requested_at - interval '1 minute' where operator_id = %s and id = %s",
            (trips.operator.id, waiting.id),
        )
        await tx.execute(
            """
            update trip set status = 'CANCELED', outcome = 'no_driver', closed_at = %s, closed_by = 'system',
                            next_at = null
             where operator_id = %s and id = %s
            """,
            (trips.clock.now(), trips.operator.id, unserved.id),
        )

    async def listed(role: Role = Role.READ_ONLY) -> list[int]:
        return [one.trip.id for one in await list_trips_to_dispatch(trips.rt, trips.operator, role)]

    assert await listed() == [waiting.id, late.id, next_one.id, later.id, unserved.id]
    first = (await list_trips_to_dispatch(trips.rt, trips.operator, Role.SUPPORT))[0]
    assert (first.offers, first.is_open_book, len(first.stops)) == ({OfferStatus.OPEN: 1}, True, 2)
    hidden = (await list_trips_to_dispatch(trips.rt, trips.operator, Role.OPERATOR))[0]
    assert not hidden.is_open_book
    await assign(trips, next_one, await trips.driver())
    trips.clock.advance(hours=2, seconds=1)
    assert await listed() == [waiting.id, late.id, later.id]
