"""A small rental town: an operator with cars whose units speak, a rider with money, and bookings made at once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from isotope.domain.fleet.slots import Slot, take_slot
from isotope.domain.payments import NO_CARDS, Cards, Purpose, carry_out_all, resolve_card_calls
from isotope.domain.pricing import english
from isotope.domain.rental import record_booking_answer, record_deposit_answer, store
from isotope.domain.rental.methods import paying_card
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingStatus,
    BookingTerms,
    ChargeKind,
    DepositStatus,
    RentalTariff,
)
from isotope.domain.rental.paying import OpenCharge, open_charge
from isotope.domain.rental.prices import booking_price
from isotope.domain.rental.queries import find_booking, list_charges
from isotope.domain.rental.usecases.extend_booking import ExtendBooking, Extended, extend_booking
from isotope.domain.rental.usecases.pick_up import PickUp, pick_up
from isotope.domain.rental.usecases.return_vehicle import ReturnVehicle, return_vehicle
from isotope.domain.rental.usecases.settle_orders import settle_orders
from isotope.domain.rental.usecases.watch_bookings import watch_bookings
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Settings
from isotope.domain.wallet import AddMoney, MoneyKind, add_money, check_ledger, get_standing
from isotope.domain.wallet.model import Standing
from isotope.gateway.server import Gateway
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, rider_actor
from tests.kit.cards import SandboxKit
from tests.kit.clock import SettableClock
from tests.kit.devices import FakeUnit, Manner, running_gateway
from tests.kit.rentals import RENTAL_TARIFF, RENTALS, Rentals, make_rentals
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator


@dataclass(frozen=True, slots=True)
class Town:
    """Cars are parked at the station in the centre; their units are connected."""

    rt: Runtime
    clock: SettableClock
    kit: OperatorKit
    rentals: Rentals
    gateway: Gateway
    units: list[FakeUnit]
    rider: RiderKit
    cards: Cards = NO_CARDS

    @property
    def unit(self) -> FakeUnit:
        """Of the first car, which bookings are of."""
        return self.units[0]

    async def book(
        self,
        *,
        in_min: float = 0,
        hours: float = 8,
        car: int = 0,
        rider: RiderKit | None = None,
        tariff: RentalTariff | None = None,
        deposit_minor: int = 0,
        told: Sequence[str] = (),
        method: str = "wallet",
        **terms: Any,
    ) -> Booking:
        """An UPCOMING booking of a car that begins in so many minutes, free of charge; `terms` stand instead."""
        now, settings = self.clock.now(), self.kit.operator.settings.rentals
        starts_at = now + timedelta(minutes=in_min)
        fields: dict[str, Any] = {
            "tariff_id": self.rentals.tariff_id,
            "tariff": tariff or RENTAL_TARIFF,
            "time_zone": "Europe/Helsinki",
            "deposit_minor": deposit_minor,
            "buffer_min": settings.buffer_min,
            "early_pick_up_min": settings.early_pick_up_min,
            "no_show_min": settings.no_show_min,
            "late_grace_min": settings.late_grace_min,
            "inspect_hours": settings.inspect_hours,
            "prepare_min": settings.prepare_min,
            "remind_start_min": settings.remind_start_min,
            "remind_end_min": settings.remind_end_min,
        } | terms
        agreed = BookingTerms(**fields)
        async with self.rt.db.write() as tx:
            booking = Booking(
                operator_id=self.kit.operator.id,
                id=await store.next_booking_id(tx),
                rider_id=(rider or self.rider).id,
                vehicle_id=self.rentals.car(car),
                model_id=self.rentals.car_id,
                zone_id=self.rentals.centre_id,
                status=BookingStatus.UPCOMING,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(hours=hours),
                currency=self.kit.operator.currency,
                terms=agreed,
                payment_method_id=method,
                requested_at=now,
                confirmed_at=now,
                deposit_minor=deposit_minor,
                deposit_status=DepositStatus.DUE if deposit_minor else DepositStatus.NONE,
            )
            slot = Slot(
                vehicle_id=booking.vehicle_id,
                holder=booking.holder,
                starts_at=starts_at,
                ends_at=booking.ends_at + timedelta(minutes=agreed.buffer_min),
            )
            assert await take_slot(tx, booking.operator_id, slot)
            made = await store.insert_booking(tx, booking)
            return await store.change_booking(tx, made, told=tuple(told)) if told else made

    async def buy(self, booking: Booking) -> BookingCharge:
        """Its price by its terms, charged as when it was booked, from its payment method."""
        async with self.rt.db.write() as tx:
            charge, calls = await open_charge(
                tx,
                self.rt,
                OpenCharge(
                    operator=self.kit.operator,
                    booking=booking,
                    kind=ChargeKind.BOOKING,
                    price=booking_price(booking.terms, booking.interval, english),
                    card=await paying_card(tx, self.cards, booking),
                    actor=rider_actor(booking.rider_id),
                    now=self.clock.now(),
                ),
            )
        await carry_out_all(self.rt, self.cards, self.kit.operator, calls)
        return charge

    async def give(self, amount_minor: int, rider: RiderKit | None = None) -> None:
        """Balance of the rider."""
        what = AddMoney(
            operator=self.kit.operator,
            rider_id=(rider or self.rider).id,
            amount_minor=amount_minor,
            kind=MoneyKind.BALANCE,
            actor=SECRET_KEY,
            idempotency_key=None,
        )
        await add_money(self.rt, what)

    async def standing(self) -> Standing:
        async with self.rt.db.read() as tx:
            return await get_standing(tx, self.kit.operator.id, self.rider.id, self.kit.operator.currency)

    async def charges(self, booking: Booking) -> list[BookingCharge]:
        async with self.rt.db.read() as tx:
            return await list_charges(tx, self.kit.operator.id, [booking.id])

    async def extend(self, booking: Booking, hours: float, **more: Any) -> Extended:
        """By so many hours from its end."""
        return await extend_booking(self.rt, self.cards, self.extension(booking, hours, **more))

    def extension(self, booking: Booking, hours: float, **more: Any) -> ExtendBooking:
        return ExtendBooking(
            operator=self.kit.operator,
            rider_id=booking.rider_id,
            booking_id=booking.id,
            actor=rider_actor(booking.rider_id),
            new_end=booking.ends_at + timedelta(hours=hours),
            **more,
        )

    async def books_agree(self) -> None:
        async with self.rt.db.read() as tx:
            assert await check_ledger(tx, self.kit.operator.id) == []

    async def find(self, booking: Booking) -> Booking:
        async with self.rt.db.read() as tx:
            found = await find_booking(tx, self.kit.operator.id, booking.id)
        assert found is not None
        return found

    async def pick_up(self, booking: Booking, **more: Any) -> Booking:
        return await pick_up(
            self.rt,
            self.cards,
            PickUp(
                operator=self.kit.operator,
                rider_id=booking.rider_id,
                booking_id=booking.id,
                actor=rider_actor(booking.rider_id),
                **more,
            ),
        )

    async def bring_back(self, booking: Booking, **more: Any) -> Booking:
        return await return_vehicle(
            self.rt,
            self.cards,
            ReturnVehicle(
                operator=self.kit.operator,
                rider_id=booking.rider_id,
                booking_id=booking.id,
                actor=rider_actor(booking.rider_id),
                **more,
            ),
        )

    async def worker(self) -> None:
        """What the worker does every few seconds."""
        operators = Operators(self.rt)
        await settle_orders(self.rt, self.cards, operators)
        await watch_bookings(self.rt, self.cards, operators)
        await resolve_card_calls(self.rt, self.cards, operators)

    async def vehicle(self, car: int = 0) -> tuple[str, str | None]:
        """Status and holder."""
        async with self.rt.db.read() as tx:
            [(status, held_by)] = await tx.tuples(
                "select status, held_by from vehicle where operator_id = %(operator_id)s and id = %(id)s",
                {"operator_id": self.kit.operator.id, "id": self.rentals.car(car)},
            )
        return status, held_by

    async def events(self, booking: Booking) -> list[str]:
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                "select kind from booking_event where operator_id = %(operator_id)s and booking_id = %(id)s order by nr",
                {"operator_id": self.kit.operator.id, "id": booking.id},
            )
        return [kind for (kind,) in rows]

    async def spoken_for(self, booking: Booking) -> tuple[datetime, datetime]:
        """As `slot`, which must be there."""
        slot = await self.slot(booking)
        assert slot is not None
        return slot

    async def alerts(self, car: int = 0) -> list[tuple[str, bool]]:
        """Kind, and whether it still is so."""
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                """
                select kind, cleared_at is null from vehicle_alert
                 where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s order by id
                """,
                {"operator_id": self.kit.operator.id, "vehicle_id": self.rentals.car(car)},
            )
        return [(kind, is_open) for kind, is_open in rows]

    async def messages(self) -> list[str]:
        """Codes of what the rider was told, in their order."""
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                """
                select args ->> 'code' from procrastinate_jobs
                 where task_name = 'tell_rider' and (args ->> 'rider_id')::bigint = %(rider_id)s order by id
                """,
                {"rider_id": self.rider.id},
            )
        return [code for (code,) in rows]

    async def slot(self, booking: Booking) -> tuple[datetime, datetime] | None:
        """From when to when a vehicle is spoken for by the booking."""
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                """
                select lower(during), upper(during) from vehicle_slot
                 where operator_id = %(operator_id)s and holder = %(holder)s
                """,
                {"operator_id": self.kit.operator.id, "holder": booking.holder},
            )
        return (rows[0][0], rows[0][1]) if rows else None

    async def beat(self) -> None:
        """Every unit says how it is, so that none is silent after a leap of the clock."""
        for unit in self.units:
            await unit.report()


def booking_cards(sandbox: SandboxKit) -> Cards:
    """Cards as the processes are made with them, for what bookings ask."""
    return Cards(
        provider=sandbox.provider(),
        recorders={
            Purpose.BOOKING: record_booking_answer,
            Purpose.BOOKING_EXTRA: record_booking_answer,
            Purpose.DEPOSIT: record_deposit_answer,
        },
    )


@asynccontextmanager
async def a_town(
    rt: Runtime,
    clock: SettableClock,
    *,
    cars: int = 1,
    settings: Settings = RENTALS,
    manner: Manner = Manner.OBEY,
    sandbox: SandboxKit | None = None,
    **more: Any,
) -> AsyncIterator[Town]:
    """With a `sandbox` it takes cards."""
    kit = await make_operator(rt, settings=settings)
    rentals = await make_rentals(rt, kit, cars=cars, **more)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running_gateway(rt))
        units = [await stack.enter_async_context(rentals.unit(gateway, index, manner=manner)) for index in range(cars)]
        cards = NO_CARDS if sandbox is None else booking_cards(sandbox)
        town = Town(rt, clock, kit, rentals, gateway, units, await make_rider(rt, kit.operator), cards)
        await town.beat()
        yield town
