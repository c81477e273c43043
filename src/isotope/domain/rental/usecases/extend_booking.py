"""More time for a booking: what it would cost, and taking it."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.fleet import lock_vehicle
from isotope.domain.payments import Card, CardCall, Cards, card_declined, carry_out_all, list_payments
from isotope.domain.pricing import Words, english
from isotope.domain.rental import errors, queries, store
from isotope.domain.rental.drive_queries import get_station
from isotope.domain.rental.extending import check_addons, latest_end, may_extend, set_end
from isotope.domain.rental.local_time import may_start_or_end
from isotope.domain.rental.methods import paying_card
from isotope.domain.rental.model import Booking, BookingCharge, BookingPrice, ChargeKind, ChargeStatus
from isotope.domain.rental.ordering import find_own_booking, lock_own_booking
from isotope.domain.rental.paying import OpenCharge, open_charge
from isotope.domain.rental.prices import extension_price
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import debt_open, lock_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import BookingId, RiderId
from isotope.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendBooking:
    """A rider wants to keep a vehicle until `new_end`. `return_url`: where a bank's page sends them back to."""

    operator: Operator
    rider_id: RiderId
    booking_id: BookingId
    actor: Actor
    new_end: datetime
    return_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What more time costs. `latest_end`: until when the booking can last at most."""

    booking: Booking
    new_end: datetime
    latest_end: datetime
    price: BookingPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """`charge` is PENDING while a card is asked, and then the booking ends again when it did if the card says no."""

    booking: Booking
    charge: BookingCharge | None
    # Where the rider confirms the payment; None: nowhere.
    redirect_url: str | None = None


async def quote_extension(rt: Runtime, what: ExtendBooking, words: Words = english) -> Extension:
    """What `extend_booking` would take.

    Raises:
        Refusal: as `extend_booking`, but for money.
    """
    async with rt.db.read() as tx:
        booking = await find_own_booking(tx, what.operator.id, what.rider_id, what.booking_id)
        return await _allow(tx, what, booking, words, rt.clock.now())


async def extend_booking(rt: Runtime, cards: Cards, what: ExtendBooking) -> Extended:
    """The booking with its new end, paid or being paid.

    Raises:
        Refusal: `booking_not_found`, by the table of `extending`, `booking_busy` while another extension is being paid,
            `addon_out_of_stock`, `debt_open`, `extension_unaffordable`, `card_declined`, after which the booking is as
            before.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        await store.lock_rider(tx, what.operator.id, what.rider_id)
        booking = await lock_own_booking(tx, what.operator.id, what.rider_id, what.booking_id)
        if await _is_extending(tx, booking):
            raise errors.booking_busy(None)
        allowed = await _allow(tx, what, booking, english, now)
        await check_addons(tx, booking, what.new_end)
        await lock_vehicle(tx, what.operator.id, vehicle_id=booking.vehicle_id)
        longer = await set_end(tx, booking, what.new_end)
        await store.add_event(
            tx,
            longer,
            "extended",
            now,
            what.actor,
            ends_at=what.new_end.isoformat(),
            total_minor=allowed.price.total_minor,
        )
        if not allowed.price.total_minor:
            return Extended(booking=longer, charge=None)
        charge, calls = await _charge(tx, rt, cards, what, longer, allowed, now)
    await carry_out_all(rt, cards, what.operator, calls)
    return await _made(rt, what, charge)


async def _charge(
    tx: Tx, rt: Runtime, cards: Cards, what: ExtendBooking, longer: Booking, allowed: Extension, now: datetime
) -> tuple[BookingCharge, list[CardCall]]:
    card = await paying_card(tx, cards, longer)
    if not longer.terms.allow_debt:
        await _check_money(tx, longer, allowed.price.total_minor, card)
    return await open_charge(
        tx,
        rt,
        OpenCharge(
            operator=what.operator,
            booking=longer,
            kind=ChargeKind.EXTENSION,
            price=allowed.price,
            card=card,
            actor=what.actor,
            now=now,
            ends_at=what.new_end,
            ended_at_before=allowed.booking.ends_at,
            return_url=what.return_url,
        ),
    )


async def _check_money(tx: Tx, booking: Booking, total_minor: int, card: Card | None) -> None:
    """What is bought is never owed: without a card the wallet has it all."""
    standing = await lock_standing(tx, booking.operator_id, booking.rider_id, booking.currency)
    if standing.debt_minor:
        raise debt_open(Money(standing.debt_minor, booking.currency))
    if card is None and standing.spendable_minor < total_minor:
        has, needs = Money(standing.spendable_minor, booking.currency), Money(total_minor, booking.currency)
        raise errors.extension_unaffordable(has, needs)


async def _made(rt: Runtime, what: ExtendBooking, opened: BookingCharge) -> Extended:
    async with rt.db.glance() as tx:
        booking = await find_own_booking(tx, what.operator.id, what.rider_id, what.booking_id)
        charge = await queries.find_charge(tx, what.operator.id, opened.id)
        payments = await list_payments(tx, what.operator.id, opened.cause)
    if charge is None:
        raise LookupError("a charge that was opened is gone")
    if charge.status is ChargeStatus.FAILED:
        raise card_declined(charge.code or "card_declined")
    redirect_url = payments[-1].redirect_url if payments and charge.status is ChargeStatus.PENDING else None
    return Extended(booking=booking, charge=charge, redirect_url=redirect_url)


async def _allow(tx: Tx, what: ExtendBooking, booking: Booking, words: Words, now: datetime) -> Extension:
    latest = await latest_end(tx, booking, what.operator.settings.rentals.maximum_days)
    if no := may_extend(booking, what.new_end, latest, now):
        raise no
    station = await get_station(tx, booking)
    if why := may_start_or_end(station, what.new_end, booking.terms.time_zone, is_end=True):
        raise errors.station_closed(station.title, why)
    price = extension_price(booking.terms, booking.interval, what.new_end, words)
    return Extension(booking=booking, new_end=what.new_end, latest_end=latest, price=price)


async def _is_extending(tx: Tx, booking: Booking) -> bool:
    charges = await queries.list_charges(tx, booking.operator_id, [booking.id])
    return any(one.kind is ChargeKind.EXTENSION and one.status is ChargeStatus.PENDING for one in charges)
