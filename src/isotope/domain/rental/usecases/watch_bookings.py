"""Periodic: what time alone does to bookings, by the tables of `looks` and `watching`."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from isotope.domain.fleet import AlertKind, clear_alerts, get_vehicle, raise_alert
from isotope.domain.identity import TellRider, tell_later
from isotope.domain.payments import CardCall, Cards, carry_out_all, is_topping_up
from isotope.domain.rental import drive_queries, queries, store, transitions
from isotope.domain.rental.deposits import end_deposit
from isotope.domain.rental.drive_queries import DueBooking
from isotope.domain.rental.looks import PREPARED, Due, looks_due
from isotope.domain.rental.model import Booking, BookingStatus, ChargeStatus, DepositStatus, RefundKind
from isotope.domain.rental.moving import keep_vehicle, why_not
from isotope.domain.rental.paying import owed_minor, paid_minor, refund_booking
from isotope.domain.rental.prices import no_show_fee_minor
from isotope.domain.rental.watching import IDLE, Step, Watch, plan_watch
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import BookingId
from isotope.kernel.money import Money

BATCH: Final = 100
AT_ONCE: Final = 4
_REMINDERS: Final[Mapping[Due, str]] = {
    Due.REMIND_START: "booking_starts",
    Due.REMIND_END: "booking_ends",
    Due.LATE: "booking_late",
}

_log = structlog.get_logger(__name__)


async def watch_bookings(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """How many bookings were looked at. Safe to run twice, to die in, and after a sleep of days: each is a transaction.

    One that fails is left for the next look, and keeps none of the others waiting.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(found: DueBooking) -> None:
        async with slots:
            try:
                await watch_booking(rt, cards, await operators.get(found.operator_id), found.booking_id)
            except Exception:  # noqa: BLE001 - a bug about one booking must not keep the others waiting
                _log.exception("booking.watching_failed", operator=found.operator_id, booking=found.booking_id)

    now = rt.clock.now()
    after = (datetime.min.replace(tzinfo=UTC), BookingId(0))
    looked = 0
    while True:
        async with rt.db.glance() as tx:
            due = await drive_queries.list_due(tx, now, after, BATCH)
        await asyncio.gather(*map(one, due))
        looked += len(due)
        if len(due) < BATCH:
            return looked
        after = (due[-1].next_at, due[-1].booking_id)


async def watch_booking(rt: Runtime, cards: Cards, operator: Operator, booking_id: BookingId) -> Watch:
    """What is due of one booking is done; what that was."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        booking = await store.lock_booking(tx, operator.id, booking_id)
        if booking is None or not (due := looks_due(booking, now)):
            return IDLE
        kinds = {look.what for look in due}
        watch = plan_watch(
            booking,
            due,
            now,
            had_vehicle=Due.NO_SHOW not in kinds or await _had_vehicle(tx, operator, booking, now),
            is_charging=Due.END_DEPOSIT in kinds and await _is_charging(tx, booking),
        )
        calls = await _do(tx, rt, cards, operator, booking, watch, now)
    await carry_out_all(rt, cards, operator, calls)
    return watch


async def _had_vehicle(tx: Tx, operator: Operator, booking: Booking, now: datetime) -> bool:
    """Whether its rider could have driven off."""
    if await drive_queries.failed_to_unlock(tx, booking):
        return False
    found = await get_vehicle(tx, operator.id, vehicle_id=booking.vehicle_id)
    if found.vehicle.held_by == booking.holder:
        return True
    return await why_not(tx, operator, booking, found, now) is None


async def _is_charging(tx: Tx, booking: Booking) -> bool:
    """Whether a card may be about to pay what the deposit would, be it as a debt."""
    charges = await queries.list_charges(tx, booking.operator_id, [booking.id])
    if any(charge.status is ChargeStatus.PENDING for charge in charges):
        return True
    return await is_topping_up(tx, booking.operator_id, booking.rider_id)


async def _do(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, booking: Booking, watch: Watch, now: datetime
) -> list[CardCall]:
    if watch.words:
        booking = await store.change_booking(tx, booking, told=(*booking.told, *watch.words))
    if watch.tell is not None:
        await _tell(tx, rt, operator, booking, _REMINDERS[watch.tell])
        await store.add_event(tx, booking, "told", now, SYSTEM, what=watch.tell)
    if watch.tell is Due.LATE:
        await _call_staff(tx, booking, AlertKind.BOOKING_LATE, now)
    match watch.step:
        case Step.GIVE_UP:
            await transitions.give_up(tx, booking, "hold_expired", SYSTEM, now)
        case Step.PREPARE:
            await _prepare(tx, rt, operator, booking, now)
        case Step.NO_SHOW | Step.NO_VEHICLE:
            return await _close(tx, rt, cards, operator, booking, watch.step, now)
        case Step.END_DEPOSIT:
            _booking, calls = await end_deposit(
                tx, operator, booking, claim_minor=await owed_minor(tx, booking), actor=SYSTEM, now=now
            )
            return calls
        case Step.NOTHING:
            pass
    return []


async def _prepare(tx: Tx, rt: Runtime, operator: Operator, booking: Booking, now: datetime) -> None:
    """The vehicle leaves the map and no ride starts on it; staff are called if neither it nor another one is fit."""
    kept, found, unfit = await keep_vehicle(tx, rt, operator, booking, actor=SYSTEM, now=now)
    if unfit is not None:
        await _call_staff(tx, booking, AlertKind.BOOKING_UNREADY, now, reason=unfit)
        return
    await clear_alerts(tx, operator.id, booking.vehicle_id, (AlertKind.BOOKING_UNREADY,), now)
    prepared = await store.change_booking(tx, kept, told=(*kept.told, PREPARED))
    await store.add_event(tx, prepared, PREPARED, now, SYSTEM, vehicle=found.vehicle.nr)


async def _close(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, booking: Booking, step: Step, now: datetime
) -> list[CardCall]:
    """Nobody came, or nobody could: what the terms do not keep goes back, and so does the deposit."""
    came = step is Step.NO_VEHICLE
    paid = await paid_minor(tx, booking)
    kept_minor = 0 if came else min(paid, no_show_fee_minor(booking.terms, paid))
    outcome = "no_vehicle" if came else "no_show"
    closed = await transitions.close(
        tx, operator, booking, BookingStatus.CANCELLED if came else BookingStatus.NO_SHOW, outcome, SYSTEM, now
    )
    calls: list[CardCall] = []
    if paid > kept_minor:
        calls = await refund_booking(
            tx,
            cards,
            operator,
            closed,
            paid - kept_minor,
            kind=RefundKind.CANCELLED,
            reason=outcome,
            actor=SYSTEM,
            now=now,
        )
    if closed.deposit_status is DepositStatus.HELD:
        _ended, more = await end_deposit(tx, operator, closed, claim_minor=0, actor=SYSTEM, now=now)
        calls = [*calls, *more]
    back = Money(paid - kept_minor, booking.currency).text()
    code = "booking_no_vehicle" if came else "booking_no_show"
    await _tell(tx, rt, operator, closed, code, kept=Money(kept_minor, booking.currency).text(), back=back)
    return calls


async def _tell(tx: Tx, rt: Runtime, operator: Operator, booking: Booking, code: str, **params: str) -> None:
    station = await drive_queries.get_station(tx, booking)
    found = await get_vehicle(tx, operator.id, vehicle_id=booking.vehicle_id)
    zone = ZoneInfo(booking.terms.time_zone)
    filled: dict[str, str | int] = {
        "station": station.title,
        "vehicle": found.vehicle.nr,
        "start": f"{booking.starts_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "end": f"{booking.ends_at.astimezone(zone):%Y-%m-%d %H:%M}",
        **params,
    }
    await tell_later(tx, rt, TellRider(operator=operator, rider_id=booking.rider_id, code=code, params=filled))


async def _call_staff(tx: Tx, booking: Booking, kind: AlertKind, now: datetime, **data: str) -> None:
    await raise_alert(
        tx,
        booking.operator_id,
        booking.vehicle_id,
        kind,
        actor=SYSTEM,
        now=now,
        data={"booking_id": booking.id, **data},
    )
