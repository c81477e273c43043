"""Periodic: what time alone does to trips and offers."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import structlog

from isotope.domain.drivers import lock_state, set_busy
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.taxi import offer_store, store
from isotope.domain.taxi.later_rules import plan_later
from isotope.domain.taxi.model import Outcome, Trip, TripStatus
from isotope.domain.taxi.queries import find_driven_trip
from isotope.domain.taxi.telling import tell_rider_of
from isotope.domain.taxi.usecases.cancel_trip import close_undriven
from isotope.domain.taxi.usecases.settle_authorising import SettleAuthorising, settle_authorising
from isotope.domain.taxi.usecases.take_cash import settle_untold_cash
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import DriverId, OperatorId, TripId

_BATCH: Final = 200
_AT_ONCE: Final = 4
_WATCHED: Final = (TripStatus.AUTHORISING, TripStatus.REQUESTED, TripStatus.SCHEDULED)

# When, and the row's id.
_Place: TypeAlias = tuple[datetime, int]
_Row: TypeAlias = tuple[int, int, datetime, int]
_FIRST: Final[_Place] = (datetime(1970, 1, 1, tzinfo=UTC), 0)

_log = structlog.get_logger(__name__)


async def watch_trips(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """How many trips were looked at. Safe to run twice, to die in, and after a sleep: each is a transaction of its own.

    One that fails is left for the next look, and keeps none of the others waiting.
    """
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(operator_id: int, trip_id: int) -> None:
        async with slots:
            try:
                await watch_trip(rt, cards, await operators.get(OperatorId(operator_id)), TripId(trip_id))
            except Exception:  # noqa: BLE001 - a bug about one trip must not keep the others waiting
                _log.exception("trip.watching_failed", operator=operator_id, trip=trip_id)

    now, seen = rt.clock.now(), 0
    for find in (_find_ending, _find_due):
        after: _Place | None = _FIRST
        while after is not None:
            async with rt.db.glance() as tx:
                rows = await find(tx, now, after)
            found = sorted({(operator_id, trip_id) for operator_id, trip_id, *_place in rows})
            await asyncio.gather(*(one(operator_id, trip_id) for operator_id, trip_id in found))
            seen += len(found)
            after = rows[-1][2:] if len(rows) == _BATCH else None
    return seen + await settle_untold_cash(rt, cards, operators)


async def _find_ending(tx: Tx, now: datetime, after: _Place) -> Sequence[_Row]:
    """Trips with offers whose time is over."""
    return await tx.tuples(
        """
        select operator_id, trip_id, expires_at, id from trip_offer
         where status = 'OPEN' and expires_at <= %(now)s and (expires_at, id) > (%(at)s, %(id)s)
         order by expires_at, id limit %(limit)s
        """,
        {"now": now, "at": after[0], "id": after[1], "limit": _BATCH},
    )


async def _find_due(tx: Tx, now: datetime, after: _Place) -> Sequence[_Row]:
    return await tx.tuples(
        """
        select operator_id, id, next_at, id from trip
         where status = any(%(watched)s) and next_at <= %(now)s and (next_at, id) > (%(at)s, %(id)s)
         order by next_at, id limit %(limit)s
        """,
        {"watched": list(_WATCHED), "now": now, "at": after[0], "id": after[1], "limit": _BATCH},
    )


async def watch_trip(rt: Runtime, cards: Cards, operator: Operator, trip_id: TripId) -> None:
    """What is due of one trip is done."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        trip = await store.lock_trip(tx, operator.id, trip_id)
        if trip is None:
            return
        trip = await _end_offers(tx, trip, now)
        if trip.next_at is None or trip.next_at > now:
            return
        calls: list[CardCall] = []
        match trip.status:
            case TripStatus.REQUESTED:
                calls = await _end_search(tx, rt, cards, operator, trip, now)
            case TripStatus.SCHEDULED:
                await _watch_later(tx, rt, operator, trip, now)
        is_authorising = trip.status is TripStatus.AUTHORISING
    if is_authorising:
        await settle_authorising(rt, SettleAuthorising(operator, trip_id))
    await carry_out_all(rt, cards, operator, calls)


async def _end_offers(tx: Tx, trip: Trip, now: datetime) -> Trip:
    """Drivers who let the time pass are not offered it again."""
    rows = await tx.tuples(
        """
        update trip_offer set status = 'EXPIRED', answered_at = %(now)s
         where operator_id = %(operator_id)s and trip_id = %(trip_id)s and status = 'OPEN' and expires_at <= %(now)s
        returning driver_id
        """,
        {"operator_id": trip.operator_id, "trip_id": trip.id, "now": now},
    )
    for (driver_id,) in rows:
        trip = await offer_store.end_search_of_wanted(tx, trip, DriverId(driver_id), now)
        await store.tell_driver(tx, trip.operator_id, driver_id)
    return trip


async def _end_search(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, trip: Trip, now: datetime
) -> list[CardCall]:
    """Nobody was found: the rider is told, and what a card reserved is let go. An offer that can still be accepted is waited for."""
    last = await tx.scalar(
        """
        select max(expires_at) from trip_offer
         where operator_id = %(operator_id)s and trip_id = %(trip_id)s and status = 'OPEN'
        """,
        {"operator_id": trip.operator_id, "trip_id": trip.id},
    )
    if last is not None:
        await store.change_trip(tx, trip, next_at=last)
        return []
    canceled, calls = await close_undriven(
        tx, rt, cards, operator, trip, SYSTEM, outcome=Outcome.NO_DRIVER, reason="no_driver", now=now
    )
    await tell_rider_of(tx, rt, operator, canceled, "trip_no_driver")
    return calls


async def _watch_later(tx: Tx, rt: Runtime, operator: Operator, trip: Trip, now: datetime) -> None:
    plan = plan_later(trip, operator.settings.taxi, now)
    if plan.notices:
        await _remind(tx, rt, operator, trip)
        trip = await store.change_trip(tx, trip, told=(*trip.told, *plan.notices))
    if plan.set_off and await _set_off(tx, rt, operator, trip, now):
        return
    if plan.give_up_promise and trip.driver_id is not None:
        await offer_store.give_up_offer(tx, trip, now, "did_not_set_off")
        await store.add_event(tx, trip, "unpromised", now, SYSTEM, reason="did_not_set_off")
    if plan.search:
        await offer_store.forget_let_pass(tx, trip)
        until = now + timedelta(seconds=operator.settings.taxi.search_s)
        if trip.scheduled_at is not None:
            until = max(until, trip.scheduled_at)
        await store.move_trip(
            tx,
            trip,
            TripStatus.REQUESTED,
            SYSTEM,
            now,
            driver_id=None,
            vehicle_id=None,
            search_until=until,
            next_at=until,
        )
        return
    await store.change_trip(tx, trip, next_at=plan.next_at)


async def _set_off(tx: Tx, rt: Runtime, operator: Operator, trip: Trip, now: datetime) -> bool:
    """Whether the driver who promised is on the way: online, and without another trip."""
    if trip.driver_id is None:
        return False
    state = await lock_state(tx, operator.id, trip.driver_id)
    if not state.is_online or state.vehicle_id is None:
        return False
    if await find_driven_trip(tx, operator.id, trip.driver_id) is not None:
        return False
    accepted = await store.move_trip(
        tx,
        trip,
        TripStatus.ACCEPTED,
        SYSTEM,
        now,
        reason="promised",
        vehicle_id=state.vehicle_id,
        accepted_at=now,
        next_at=None,
    )
    await set_busy(tx, operator.id, trip.driver_id)
    await offer_store.withdraw_others(tx, operator.id, trip.driver_id, now)
    await tell_rider_of(tx, rt, operator, accepted, "trip_accepted")
    return True


async def _remind(tx: Tx, rt: Runtime, operator: Operator, trip: Trip) -> None:
    if trip.scheduled_at is None:
        return
    time = f"{trip.scheduled_at.astimezone(ZoneInfo(operator.time_zone)):%H:%M}"
    code = "trip_reminder" if trip.driver_id is None else "trip_reminder_promised"
    await tell_rider_of(tx, rt, operator, trip, code, time=time)
    if trip.driver_id is not None:
        await store.tell_driver(tx, operator.id, trip.driver_id)
