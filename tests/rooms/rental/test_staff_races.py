"""Staff and riders at the same moment: one of them has the vehicle, and money moves once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from isotope.domain.fleet import ByStaff, PlanMaintenance, plan_maintenance
from isotope.domain.rental.model import BookingStatus, Interval
from isotope.domain.rental.usecases.create_booking import CreateBooking, create_booking
from isotope.domain.rental.usecases.staff_cancel_booking import StaffCancelBooking, staff_cancel_booking
from isotope.domain.rental.usecases.staff_charge_booking import StaffChargeBooking, staff_charge_booking
from isotope.domain.rental.usecases.staff_refund_booking import StaffRefundBooking, staff_refund_booking
from isotope.domain.tenants.model import Role
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, rider_actor
from isotope.kernel.errors import Refusal
from tests.kit.clock import SettableClock
from tests.kit.drives import Town, a_town
from tests.kit.riders import make_rider

WHY = "The brake was broken"


@asynccontextmanager
async def with_money(rt: Runtime, clock: SettableClock, **more: Any) -> AsyncIterator[Town]:
    async with a_town(rt, clock, **more) as town:
        await town.give(100_000)
        yield town


async def code_of(doing: Any) -> str:
    """`done`, or what it was refused with."""
    try:
        await doing
    except Refusal as refusal:
        return refusal.code
    return "done"


async def slots(town: Town) -> list[str]:
    async with town.rt.db.read() as tx:
        rows = await tx.tuples(
            "select holder from vehicle_slot where operator_id = %s order by holder", (town.kit.operator.id,)
        )
    return [holder.partition(":")[0] for (holder,) in rows]


async def test_either_the_vehicle_is_booked_or_it_is_worked_on(rt: Runtime, clock: SettableClock) -> None:
    async with with_money(rt, clock) as town:
        operator, riders = town.kit.operator, [await make_rider(rt, town.kit.operator) for _nr in range(3)]
        for rider in riders:
            await town.give(100_000, rider)
        for day in range(1, 5):
            start = clock.now() + timedelta(days=day)
            interval = Interval(start, start + timedelta(hours=4))

            def book(rider: Any, interval: Interval = interval) -> Any:
                return create_booking(
                    rt,
                    town.cards,
                    CreateBooking(
                        operator=operator,
                        rider_id=rider.id,
                        actor=rider_actor(rider.id),
                        station_id=town.rentals.centre_id,
                        interval=interval,
                        vehicle_id=town.rentals.car(),
                        payment_method_id="wallet",
                    ),
                )

            def plan(interval: Interval = interval) -> Any:
                work = PlanMaintenance(
                    vehicle_id=town.rentals.car(),
                    vehicle_nr=None,
                    starts_at=interval.start + timedelta(hours=3),
                    ends_at=interval.end + timedelta(hours=3),
                    type_ref="check_up_required",
                    priority="LOW",
                    description="",
                )
                return plan_maintenance(rt, ByStaff(operator=operator, role=Role.OWNER, actor=SYSTEM), work)

            doings = [plan(), *map(book, riders), plan()]
            told = await asyncio.gather(*map(code_of, doings if day % 2 else doings[::-1]))
            assert told.count("done") == 1, told
            assert set(told) <= {"done", "no_vehicle_free", "maintenance_in_the_way"}, told
        assert len(await slots(town)) == 4
        await town.books_agree()


async def test_several_cancel_and_all_goes_back_once(rt: Runtime, clock: SettableClock) -> None:
    async with with_money(rt, clock) as town:
        for _round in range(3):
            booking = await town.book(in_min=600)
            await town.buy(booking)
            command = StaffCancelBooking(
                operator=town.kit.operator, role=Role.OWNER, booking_id=booking.id, reason=WHY, actor=SYSTEM
            )
            told = await asyncio.gather(*(code_of(staff_cancel_booking(rt, town.cards, command)) for _nr in range(4)))
            assert told == ["done"] * 4
            assert (await town.standing()).balance_minor == 100_000
        await town.books_agree()


async def test_cancelled_or_picked_up_never_both(rt: Runtime, clock: SettableClock) -> None:
    async with with_money(rt, clock) as town:
        booking = await town.book()
        await town.buy(booking)
        command = StaffCancelBooking(
            operator=town.kit.operator, role=Role.OWNER, booking_id=booking.id, reason=WHY, actor=SYSTEM
        )
        cancelled, picked_up = await asyncio.gather(
            code_of(staff_cancel_booking(rt, town.cards, command)), code_of(town.pick_up(booking))
        )
        over = await town.find(booking)
        if over.status is BookingStatus.CANCELLED:
            assert (cancelled, picked_up) == ("done", "booking_status")
            assert await town.vehicle() == ("READY", None)
            assert (await town.standing()).balance_minor == 100_000
        else:
            assert (over.status, picked_up) == (BookingStatus.ACTIVE, "done")
            assert cancelled in ("booking_busy", "booking_status")
            assert await town.vehicle() == ("IN_USE", booking.holder)
        await town.books_agree()


async def test_one_key_is_one_claim_and_one_refund(rt: Runtime, clock: SettableClock) -> None:
    async with with_money(rt, clock) as town:
        booking = await town.book()
        await town.buy(booking)
        await town.pick_up(booking)
        clock.advance(hours=1)
        await town.beat()
        await town.bring_back(booking)
        claim = StaffChargeBooking(
            operator=town.kit.operator,
            role=Role.OWNER,
            booking_id=booking.id,
            amount_minor=3_000,
            reason=WHY,
            actor=SYSTEM,
            key="claim",
        )
        claims = await asyncio.gather(*(staff_charge_booking(rt, town.cards, claim) for _nr in range(4)))
        assert len({one.id for one in claims}) == 1
        refund = StaffRefundBooking(
            operator=town.kit.operator,
            role=Role.OWNER,
            booking_id=booking.id,
            charge_id=claims[0].id,
            amount_minor=2_000,
            reason=WHY,
            to_wallet=False,
            actor=SYSTEM,
            key="refund",
        )
        refunds = await asyncio.gather(*(staff_refund_booking(rt, town.cards, refund) for _nr in range(4)))
        assert len({one.id for one in refunds}) == 1
        assert (await town.standing()).balance_minor == 100_000 - 4_000 - 3_000 + 2_000
        # Of what is left nobody gets more, however many ask at once.
        others = [
            StaffRefundBooking(
                operator=town.kit.operator,
                role=Role.OWNER,
                booking_id=booking.id,
                charge_id=claims[0].id,
                amount_minor=700,
                reason=WHY,
                to_wallet=False,
                actor=SYSTEM,
                key=f"more-{nr}",
            )
            for nr in range(4)
        ]
        told = await asyncio.gather(*(code_of(staff_refund_booking(rt, town.cards, one)) for one in others))
        assert sorted(told) == ["done", "refund_too_high", "refund_too_high", "refund_too_high"]
        await town.books_agree()


async def test_a_key_of_something_else_is_no_key(rt: Runtime, clock: SettableClock) -> None:
    async with with_money(rt, clock) as town:
        booking = await town.book()
        await town.buy(booking)
        await town.pick_up(booking)
        clock.advance(hours=1)
        await town.beat()
        await town.bring_back(booking)

        def claim(amount_minor: int) -> Any:
            return code_of(
                staff_charge_booking(
                    rt,
                    town.cards,
                    StaffChargeBooking(
                        operator=town.kit.operator,
                        role=Role.OWNER,
                        booking_id=booking.id,
                        amount_minor=amount_minor,
                        reason=WHY,
                        actor=SYSTEM,
                        key="k",
                    ),
                )
            )

        assert [await claim(100), await claim(100), await claim(101)] == ["done", "done", "idempotency_key_reused"]
