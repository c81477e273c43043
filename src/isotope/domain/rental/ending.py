"""A booking is brought back, inside a transaction: what it comes to, the money, the calendar, the vehicle."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.fleet import (
    AlertKind,
    LockedVehicle,
    Slot,
    clear_alerts,
    find_next_slot,
    free_slot,
    lock_vehicle,
    minimum_battery_pct,
    move_slot,
    raise_alert,
    release_vehicle,
    status_after_release,
)
from isotope.domain.payments import CardCall, Cards
from isotope.domain.pricing import english
from isotope.domain.rental import drive_queries, store
from isotope.domain.rental.driving import driven_m, missing_energy_pct
from isotope.domain.rental.methods import paying_card
from isotope.domain.rental.model import Booking, BookingStatus, ChargeKind, DepositStatus, Interval, RefundKind
from isotope.domain.rental.ordering import odometer_of, settled
from isotope.domain.rental.paying import OpenCharge, open_charge, paid_until, refund_booking
from isotope.domain.rental.prices import SettlementFacts, early_return_minor, settlement_price
from isotope.domain.rental.transitions import stocked_addons
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, Actor

RETURNED: Final = "returned"
UNCONFIRMED_LOCK: Final = "unconfirmed_lock"
# What staff need not see to any more once a vehicle did as it was told.
OBEYED: Final = (AlertKind.LOCK_FAILS, AlertKind.BOOKING_UNREADY, AlertKind.BOOKING_LATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """When it was brought back, by whose word, and whether the vehicle said that it is locked."""

    returned_at: datetime
    outcome: str
    actor: Actor
    lock_confirmed: bool


async def end_booking(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, booking: Booking, ending: Ending, now: datetime
) -> list[CardCall]:
    """The calls to carry out after the commit. The caller holds the booking's row, which has where it was returned.

    The vehicle is free from the return and its buffer on. What came up is charged, what was not used is given back.
    """
    found = await lock_vehicle(tx, booking.operator_id, vehicle_id=booking.vehicle_id)
    state = found.state
    returned_at = max(ending.returned_at, booking.picked_up_at or ending.returned_at)
    ended = await settled(
        tx,
        booking,
        status=BookingStatus.ENDED,
        returned_at=returned_at,
        closed_at=now,
        outcome=ending.outcome,
        lock_confirmed=ending.lock_confirmed,
        end_odometer_m=odometer_of(state),
        end_energy_pct=None if state is None else state.battery_pct,
        inspect_until=now + timedelta(hours=booking.terms.inspect_hours)
        if booking.deposit_status is DepositStatus.HELD
        else None,
    )
    await store.add_event(tx, ended, "returned", returned_at, ending.actor, outcome=ending.outcome)
    calls = await _settle(tx, rt, cards, operator, ended, returned_at, now)
    await _cut_slot(tx, ended, returned_at)
    addons = stocked_addons(ended) if returned_at > booking.starts_at else ()
    await store.keep_addons(tx, ended, addons, Interval(booking.starts_at, returned_at))
    await _let_go(tx, operator, ended, found, ending, now)
    return calls


async def _settle(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, ended: Booking, returned_at: datetime, now: datetime
) -> list[CardCall]:
    """What came up by the end, owed; and what an early return gives back."""
    terms = ended.terms
    calls: list[CardCall] = []
    facts = SettlementFacts(
        booked=ended.interval,
        picked_up_at=ended.picked_up_at or ended.starts_at,
        returned_at=returned_at,
        distance_m=driven_m(ended),
        energy_missing_pct=missing_energy_pct(ended),
    )
    price = settlement_price(terms, facts, english)
    if price is not None and price.total_minor:
        _charge, calls = await open_charge(
            tx,
            rt,
            OpenCharge(
                operator=operator,
                booking=ended,
                kind=ChargeKind.SETTLEMENT,
                price=price,
                card=await paying_card(tx, cards, ended),
                actor=SYSTEM,
                now=now,
            ),
        )
    bought = Interval(ended.starts_at, await paid_until(tx, ended))
    back_minor = early_return_minor(terms, bought, returned_at)
    if back_minor:
        calls = calls + await refund_booking(
            tx,
            cards,
            operator,
            ended,
            back_minor,
            kind=RefundKind.EARLY_RETURN,
            reason="early_return",
            actor=SYSTEM,
            now=now,
        )
    return calls


async def _cut_slot(tx: Tx, ended: Booking, returned_at: datetime) -> None:
    """Free from the return and its buffer on; a late one keeps its buffer as far as the next slot lets it."""
    until = returned_at + timedelta(minutes=ended.terms.buffer_min)
    following = await find_next_slot(tx, ended.operator_id, ended.vehicle_id, after=ended.starts_at, but=ended.holder)
    if following is not None:
        until = min(until, following.starts_at)
    if until <= ended.starts_at:
        await free_slot(tx, ended.operator_id, ended.holder)
        return
    slot = Slot(vehicle_id=ended.vehicle_id, holder=ended.holder, starts_at=ended.starts_at, ends_at=until)
    if not await move_slot(tx, ended.operator_id, slot):
        raise LookupError(f"{ended.holder}: no room for what was its own")


async def _let_go(
    tx: Tx, operator: Operator, ended: Booking, found: LockedVehicle, ending: Ending, now: datetime
) -> None:
    least_pct = max(
        minimum_battery_pct(found.model.spec, operator.settings.rides.minimum_battery_pct),
        await drive_queries.find_minimum_energy_pct(tx, operator.id, ended.model_id),
    )
    to_status = status_after_release(
        None if found.state is None else found.state.battery_pct, least_pct, needs_check=not ending.lock_confirmed
    )
    await release_vehicle(
        tx,
        found.vehicle,
        holder=ended.holder,
        to_status=to_status,
        actor=ending.actor,
        cause=f"{ended.holder}:{ending.outcome}",
        now=now,
    )
    await clear_alerts(
        tx, operator.id, ended.vehicle_id, OBEYED if ending.lock_confirmed else (AlertKind.BOOKING_LATE,), now
    )
    if not ending.lock_confirmed:
        await raise_alert(
            tx,
            operator.id,
            ended.vehicle_id,
            AlertKind.LOCK_FAILS,
            actor=SYSTEM,
            now=now,
            data={"booking_id": ended.id},
        )
