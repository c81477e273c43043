"""A rider who books, with a card provider on a socket; vehicles obey without units, so that only money is in the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from isotope.domain.fleet import VehicleStatus, hold_vehicle, lock_vehicle
from isotope.domain.payments import (
    Card,
    CardCall,
    CardPayment,
    Cards,
    PaymentStatus,
    Purpose,
    carry_out_all,
    collect_debts,
    list_payments,
    resolve_card_calls,
)
from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.receipts import Receipt, find_receipt_by_cause
from isotope.domain.rental import record_booking_answer, record_deposit_answer
from isotope.domain.rental.deposits import ask_deposit
from isotope.domain.rental.ending import Ending, end_booking
from isotope.domain.rental.methods import paying_card
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingPrice,
    BookingRefund,
    BookingStatus,
    ChargeKind,
    ChargeStatus,
    DepositStatus,
    Interval,
    RefundKind,
)
from isotope.domain.rental.paying import OpenCharge, RefundCharge, open_charge, refund_charge
from isotope.domain.rental.queries import find_booking, list_charges, list_refunds
from isotope.domain.rental.store import change_booking, lock_booking
from isotope.domain.rental.usecases.cancel_booking import CancelBooking, Cancelled, cancel_booking
from isotope.domain.rental.usecases.create_booking import CreateBooking, create_booking
from isotope.domain.rental.usecases.extend_booking import ExtendBooking, Extended, extend_booking
from isotope.domain.rental.usecases.staff_cancel_booking import StaffCancelBooking, staff_cancel_booking
from isotope.domain.rental.usecases.watch_bookings import watch_bookings
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator, Role, Settings
from isotope.domain.wallet import (
    AccountKind,
    AddMoney,
    MoneyKind,
    Standing,
    add_money,
    check_ledger,
    get_standing,
    trial_balance,
)
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, SYSTEM, rider_actor
from tests.kit.cards import SandboxKit, make_card
from tests.kit.clock import SettableClock
from tests.kit.rentals import RENTAL_TARIFF, RENTALS, Rentals, make_rentals
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import make_operator

DEPOSIT = msgspec.structs.replace(RENTAL_TARIFF, deposit_minor=5_000)


@dataclass(frozen=True, slots=True)
class Renter:
    """A rider of `operator`, who books cars at the station in the centre."""

    rt: Runtime
    clock: SettableClock
    sandbox: SandboxKit
    operator: Operator
    rentals: Rentals
    rider: RiderKit
    cards: Cards
    operators: Operators

    async def card(self, name: str = "ok") -> Card:
        return await make_card(self.rt, self.operator, self.rider, self.sandbox, name, pays=("RENTAL",))

    async def add(self, amount_minor: int, kind: MoneyKind = MoneyKind.BALANCE) -> None:
        await add_money(
            self.rt,
            AddMoney(
                operator=self.operator, rider_id=self.rider.id, amount_minor=amount_minor, kind=kind, actor=SECRET_KEY
            ),
        )

    async def book(self, *, in_h: float = 48, hours: float = 30, method_id: str | None = None, **more: Any) -> Booking:
        """By the rates: 30 hours are 80.00."""
        start = self.clock.now() + timedelta(hours=in_h)
        return await create_booking(
            self.rt,
            self.cards,
            CreateBooking(
                operator=self.operator,
                rider_id=self.rider.id,
                actor=rider_actor(self.rider.id),
                station_id=self.rentals.centre_id,
                interval=Interval(start, start + timedelta(hours=hours)),
                model_id=self.rentals.car_id,
                payment_method_id=method_id,
                return_url=self.cards.done_url,
                **more,
            ),
        )

    async def cancel(self, booking: Booking) -> Cancelled:
        return await cancel_booking(
            self.rt,
            self.cards,
            CancelBooking(
                operator=self.operator,
                booking_id=booking.id,
                rider_id=self.rider.id,
                actor=rider_actor(self.rider.id),
            ),
        )

    async def cancel_by_staff(self, booking: Booking) -> Booking:
        return await staff_cancel_booking(
            self.rt,
            self.cards,
            StaffCancelBooking(
                operator=self.operator, role=Role.MANAGER, booking_id=booking.id, reason="Broken", actor=SECRET_KEY
            ),
        )

    async def extend(self, booking: Booking, hours: float) -> Extended:
        return await extend_booking(
            self.rt,
            self.cards,
            ExtendBooking(
                operator=self.operator,
                rider_id=self.rider.id,
                booking_id=booking.id,
                actor=rider_actor(self.rider.id),
                new_end=booking.ends_at + timedelta(hours=hours),
                return_url=self.cards.done_url,
            ),
        )

    async def hold_deposit(self, booking: Booking) -> Booking:
        """As at a pick-up, before the vehicle is asked."""
        async with self.rt.db.write() as tx:
            locked = await self._lock(tx, booking)
            calls: list[CardCall] = []
            if locked.deposit_status in (DepositStatus.DUE, DepositStatus.REFUSED):
                card = await paying_card(tx, self.cards, locked)
                _asked, calls = await ask_deposit(tx, self.operator, locked, card, SYSTEM, self.clock.now())
        await carry_out_all(self.rt, self.cards, self.operator, calls)
        return await self.find(booking)

    async def pick_up(self, booking: Booking) -> Booking:
        """ACTIVE if the deposit is held by then, else as it is."""
        await self.hold_deposit(booking)
        async with self.rt.db.write() as tx:
            locked = await self._lock(tx, booking)
            if locked.deposit_status not in (DepositStatus.NONE, DepositStatus.HELD):
                return locked
            vehicle = (await lock_vehicle(tx, self.operator.id, vehicle_id=locked.vehicle_id)).vehicle
            await hold_vehicle(
                tx, vehicle, holder=locked.holder, status=VehicleStatus.IN_USE, actor=SYSTEM, now=self.clock.now()
            )
            return await change_booking(tx, locked, status=BookingStatus.ACTIVE, picked_up_at=self.clock.now())

    async def end(self, booking: Booking) -> Booking:
        """Brought back now, as the vehicle says."""
        now = self.clock.now()
        async with self.rt.db.write() as tx:
            locked = await self._lock(tx, booking)
            ending = Ending(returned_at=now, outcome="returned", actor=SYSTEM, lock_confirmed=True)
            calls = await end_booking(tx, self.rt, self.cards, self.operator, locked, ending, now)
        await carry_out_all(self.rt, self.cards, self.operator, calls)
        return await self.find(booking)

    async def ask(
        self, booking: Booking, kind: ChargeKind, total_minor: int, card: Card | None = None, **more: Any
    ) -> BookingCharge:
        """A charge of this much, 25.5 % of which is tax."""
        async with self.rt.db.write() as tx:
            locked = await self._lock(tx, booking)
            charge, calls = await open_charge(
                tx,
                self.rt,
                OpenCharge(
                    operator=self.operator,
                    booking=locked,
                    kind=kind,
                    price=a_price(total_minor),
                    card=card,
                    actor=SYSTEM,
                    now=self.clock.now(),
                    **more,
                ),
            )
        await carry_out_all(self.rt, self.cards, self.operator, calls)
        return next(one for one in await self.charges(booking) if one.id == charge.id)

    async def refund(self, charge: BookingCharge, amount_minor: int, *, to_wallet: bool = False) -> BookingRefund:
        async with self.rt.db.write() as tx:
            locked = await lock_booking(tx, self.operator.id, charge.booking_id)
            assert locked is not None
            refund, calls = await refund_charge(
                tx,
                self.cards.provider_name,
                RefundCharge(
                    operator=self.operator,
                    booking=locked,
                    charge=charge,
                    amount_minor=amount_minor,
                    kind=RefundKind.STAFF,
                    reason="Sorry",
                    actor=SYSTEM,
                    now=self.clock.now(),
                    to_wallet=to_wallet,
                ),
            )
        await carry_out_all(self.rt, self.cards, self.operator, calls)
        return next(one for one in await self.refunds(locked) if one.id == refund.id)

    async def resolve(self, seconds: float = 21) -> int:
        """What the worker does about calls that nobody answered."""
        self.clock.advance(seconds=seconds)
        return await resolve_card_calls(self.rt, self.cards, self.operators)

    async def watch(self, **leap: float) -> None:
        """What the worker does about bookings, so much later."""
        self.clock.advance(**leap)
        await watch_bookings(self.rt, self.cards, self.operators)

    async def collect(self) -> int:
        return await collect_debts(self.rt, self.cards, self.operators)

    async def find(self, booking: Booking) -> Booking:
        async with self.rt.db.read() as tx:
            found = await find_booking(tx, self.operator.id, booking.id)
        assert found is not None
        return found

    async def charges(self, booking: Booking) -> list[BookingCharge]:
        async with self.rt.db.read() as tx:
            return await list_charges(tx, self.operator.id, [booking.id])

    async def charge_of(self, booking: Booking, kind: ChargeKind = ChargeKind.BOOKING) -> BookingCharge:
        [found] = [one for one in await self.charges(booking) if one.kind is kind]
        return found

    async def refunds(self, booking: Booking) -> list[BookingRefund]:
        async with self.rt.db.read() as tx:
            return await list_refunds(tx, self.operator.id, [booking.id])

    async def payments(self, cause: str) -> list[CardPayment]:
        async with self.rt.db.read() as tx:
            return await list_payments(tx, self.operator.id, cause)

    async def receipt(self, cause: str) -> Receipt | None:
        async with self.rt.db.read() as tx:
            return await find_receipt_by_cause(tx, self.operator.id, cause)

    async def standing(self) -> Standing:
        async with self.rt.db.read() as tx:
            return await get_standing(tx, self.operator.id, self.rider.id, "EUR")

    async def has(self) -> tuple[int, int, int, int]:
        """Balance, bonus, debt, in transit."""
        standing = await self.standing()
        return standing.balance_minor, standing.bonus_minor, standing.debt_minor, standing.in_transit_minor

    async def sums(self) -> dict[AccountKind, int]:
        """The trial balance without what is zero."""
        async with self.rt.db.read() as tx:
            return {kind: total for kind, total in (await trial_balance(tx, self.operator.id)).items() if total}

    async def events(self, booking: Booking) -> list[str]:
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                "select kind from booking_event where operator_id = %(operator_id)s and booking_id = %(id)s order by nr",
                {"operator_id": self.operator.id, "id": booking.id},
            )
        return [kind for (kind,) in rows]

    async def slots(self, booking: Booking) -> list[tuple[str, datetime, datetime]]:
        return [slot for slot in await self.rentals.slots(booking.vehicle_id) if slot[0] == booking.holder]

    async def all(self) -> list[Booking]:
        async with self.rt.db.read() as tx:
            ids = await tx.tuples(
                "select id from booking where operator_id = %(operator_id)s order by id",
                {"operator_id": self.operator.id},
            )
            found = [await find_booking(tx, self.operator.id, booking_id) for (booking_id,) in ids]
        return [one for one in found if one is not None]

    async def the_books_agree(self, *, settled: bool = True) -> None:
        """Ledger, charges, refunds, receipts and provider say the same; `settled`: and nothing is under way."""
        async with self.rt.db.read() as tx:
            assert await check_ledger(tx, self.operator.id) == []
        bookings = await self.all()
        charges = [one for booking in bookings for one in await self.charges(booking)]
        refunds = [one for booking in bookings for one in await self.refunds(booking)]
        sums = await self.sums()
        earned = sum(one.total_minor for one in charges if one.status is not ChargeStatus.FAILED)
        back = sum(one.amount_minor for one in refunds)
        tax = sum(one.tax_minor for one in charges if one.status is not ChargeStatus.FAILED)
        tax_back = sum(part.tax_minor for one in refunds for part in one.taxes)
        assert sums.get(AccountKind.REVENUE, 0) + sums.get(AccountKind.TAX, 0) == earned - back
        assert sums.get(AccountKind.TAX, 0) == tax - tax_back
        for charge in charges:
            given = sum(one.amount_minor for one in refunds if one.charge_id == charge.id)
            assert given <= charge.total_minor
            receipt = await self.receipt(charge.cause)
            is_written = charge.status is ChargeStatus.PAID and charge.total_minor > 0
            assert (receipt is not None) == is_written, charge
        for refund in refunds:
            assert (await self.receipt(refund.cause) is None) == (refund.card_pending_minor > 0), refund
        held = 0
        for booking in bookings:
            reserved = [one.status is PaymentStatus.AUTHORISED for one in await self.payments(booking.deposit_cause)]
            if booking.deposit_status is DepositStatus.HELD and not any(reserved):
                held += booking.deposit_minor
        assert sums.get(AccountKind.RIDER_DEPOSIT, 0) == held
        pending = sum(one.card_pending_minor for one in charges) - sum(one.card_pending_minor for one in refunds)
        assert sums.get(AccountKind.RIDER_IN_TRANSIT, 0) == -pending
        for booking in bookings:
            assert bool(await self.slots(booking)) or not booking.is_open, booking
        if settled:
            assert -sums.get(AccountKind.PROVIDER_CLEARING, 0) == self.sandbox.totals(self.operator.id).net_minor
            assert (await self.standing()).in_transit_minor == 0

    async def _lock(self, tx: Tx, booking: Booking) -> Booking:
        found = await lock_booking(tx, self.operator.id, booking.id)
        assert found is not None
        return found


def a_price(total_minor: int) -> BookingPrice:
    """One line, 25.5 % tax in it."""
    tax_minor = total_minor - round(total_minor / 1.255)
    tax = TaxLine(rate="0.255", net_minor=total_minor - tax_minor, tax_minor=tax_minor, gross_minor=total_minor)
    line = Line(
        code="rental_late_fee",
        text="Late return",
        quantity=1,
        unit_price_minor=total_minor,
        amount_minor=total_minor,
        tax_rate="0.255",
    )
    return BookingPrice(
        lines=(line,), taxes=(tax,), net_minor=tax.net_minor, tax_minor=tax_minor, total_minor=total_minor
    )


@asynccontextmanager
async def a_renter(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit, *, settings: Settings = RENTALS, **rentals: Any
) -> AsyncIterator[Renter]:
    """`rentals` as of `make_rentals`."""
    kit = await make_operator(rt, settings=settings)
    async with rt.db.write() as tx:
        # The worker looks at all operators; what other tests left is none of ours.
        await tx.execute("update card_call set next_at = 'infinity' where status = 'OPEN'")
        await tx.execute("update booking set next_at = null where next_at is not null")
        await tx.execute("update debt_collection set next_at = null where next_at is not null")
    yield Renter(
        rt=rt,
        clock=clock,
        sandbox=sandbox,
        operator=kit.operator,
        rentals=await make_rentals(rt, kit, **rentals),
        rider=await make_rider(rt, kit.operator),
        cards=Cards(
            provider=sandbox.provider(),
            recorders={
                Purpose.BOOKING: record_booking_answer,
                Purpose.BOOKING_EXTRA: record_booking_answer,
                Purpose.DEPOSIT: record_deposit_answer,
            },
            public_url="https://api.example.test",
        ),
        operators=Operators(rt),
    )
