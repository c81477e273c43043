"""Periodic: rides that nobody rides any more are paused or ended, where that is safe and legal; else staff are called."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec.structs import replace

from isotope.domain.devices import may_send
from isotope.domain.devices.model import CommandName, Motion
from isotope.domain.fleet import AlertKind, LockedVehicle, get_vehicle, lock_vehicle, order_vehicle, raise_alert
from isotope.domain.identity import TellRider, tell_later
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.pricing import Correction
from isotope.domain.sharing import queries, standstills, store
from isotope.domain.sharing.auto import (
    CONTACT_LOST,
    LOCK_FAILS,
    NOTHING,
    AutoDecision,
    AutoFacts,
    AutoStep,
    Standstill,
    alerted_for,
    auto_step,
    failed_locks,
    has_moved,
    idle_since,
)
from isotope.domain.sharing.ending import plan_by_itself
from isotope.domain.sharing.model import NO_PLAN, EndPlan, EventKind, Outcome, Ride, RideEvent, RideStatus
from isotope.domain.sharing.rules import ride_usage
from isotope.domain.sharing.usecases.close_ride import close_ride
from isotope.domain.tenants import list_operators
from isotope.domain.tenants.model import Operator
from isotope.domain.zones import EndAllowed, EndRefused, ZoneIndex, Zones, judge_end
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import OperatorId, RideId

_OPERATORS: Final = 1_000
_MAX_PAGES: Final = 200
_ALERTS: Final = {
    CONTACT_LOST: AlertKind.CONTACT_LOST,
    LOCK_FAILS: AlertKind.LOCK_FAILS,
    Outcome.IDLE: AlertKind.RIDE_IDLE,
    Outcome.BATTERY_LOW: AlertKind.BATTERY_LOW,
    Outcome.PAUSED_TOO_LONG: AlertKind.PAUSED_TOO_LONG,
    Outcome.RIDE_TOO_LONG: AlertKind.RIDE_TOO_LONG,
}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Look:
    """A running ride with what a decision about it needs."""

    ride: Ride
    events: list[RideEvent]
    found: LockedVehicle
    plan: EndPlan
    decision: AutoDecision


async def watch_open_rides(rt: Runtime, cards: Cards, zones: Zones) -> int:
    """How many rides were paused, ended or told of. Safe to run twice, and to die in: each ride is a transaction.

    A lock that was ordered is awaited by nobody here: the settlement of the ride's command makes of it what it makes.
    """
    acted = 0
    after = OperatorId(0)
    while True:
        async with rt.db.read() as tx:
            operators = await list_operators(tx, after=after, limit=_OPERATORS)
        for operator in operators:
            acted += await watch_rides_of(rt, cards, zones, operator)
        if len(operators) < _OPERATORS:
            return acted
        after = operators[-1].id


async def watch_rides_of(rt: Runtime, cards: Cards, zones: Zones, operator: Operator) -> int:
    """As `watch_open_rides`, of one operator."""
    index = await zones.index(operator.id)
    acted, after = 0, RideId(0)
    for _page in range(_MAX_PAGES):
        page, due = await _look_around(rt, operator, after)
        for ride_id in due:
            acted += await _look_closely(rt, cards, index, operator, ride_id)
        if len(page) < standstills.PAGE:
            break
        after = page[-1]
    async with rt.db.write() as tx:
        await standstills.forget_standstills(tx, operator.id)
        await standstills.clear_past_alerts(tx, operator.id, rt.clock.now())
    return acted


async def _look_around(rt: Runtime, operator: Operator, after: RideId) -> tuple[list[RideId], list[RideId]]:
    """A page of running rides, and those among them that are due for a closer look; who moved is written down."""
    now, auto = rt.clock.now(), operator.settings.auto
    async with rt.db.write() as tx:
        page = await standstills.list_running(
            tx,
            operator.id,
            after,
            calm_since=now - _least(auto.ghost_min, auto.end_idle_min, auto.pause_idle_min),
            started_before=now - _least(auto.ride_max_min),
            heard_after=now - _least(auto.contact_lost_min),
            battery_pct=auto.battery_pct or 0,
        )
        moved = [
            (running.ride_id, Standstill(running.at, running.odometer_m, now))
            for running in page
            if running.before is None or has_moved(running.before, running.at, running.odometer_m)
        ]
        if moved:
            await standstills.write_standstills(tx, operator.id, moved)
    return [running.ride_id for running in page], [running.ride_id for running in page if running.may_be_due]


def _least(*minutes: int | None) -> timedelta:
    """The shortest of what is not switched off; a rule that is off is never due."""
    return timedelta(minutes=min((given for given in minutes if given is not None), default=10_000_000))


async def _look_closely(rt: Runtime, cards: Cards, index: ZoneIndex, operator: Operator, ride_id: RideId) -> int:
    """First without a lock, since nearly always there is nothing to do; then again with it, and then it counts."""
    now = rt.clock.now()
    async with rt.db.read() as tx:
        ride = await queries.find_ride(tx, operator.id, ride_id)
        if ride is None or (await _read(tx, index, operator, ride, now, locked=False)).decision == NOTHING:
            return 0
    calls: list[CardCall] = []
    async with rt.db.write() as tx:
        ride = await store.lock_ride(tx, operator.id, ride_id)
        if ride is None:
            return 0
        look = await _read(tx, index, operator, ride, now, locked=True)
        if look.decision == NOTHING:
            return 0
        try:
            calls = await _act(tx, rt, cards, operator, look, now)
        except Refusal as no:
            # The unit cannot be told just now: it is looked at again.
            _log.info("auto.not_told", ride=ride_id, code=no.code)
            return 0
    _log.info("auto.acted", ride=ride_id, step=look.decision.step, reason=look.decision.reason)
    await carry_out_all(rt, cards, operator, calls)
    return 1


async def _read(tx: Tx, index: ZoneIndex, operator: Operator, ride: Ride, now: datetime, *, locked: bool) -> _Look:
    events = await queries.list_events(tx, operator.id, ride.id)
    read = lock_vehicle if locked else get_vehicle
    found = await read(tx, operator.id, vehicle_id=ride.vehicle_id)
    still = await standstills.find_standstill(tx, operator.id, ride.id)
    state, model = found.state, found.model
    place = None if state is None else judge_end(index, state.point, model.vehicle_type, now, model_ref=model.ref)
    facts = _facts(operator, place, ride, events, found, still, now)
    plan = NO_PLAN if place is None else plan_by_itself(place)
    return _Look(ride, events, found, plan, auto_step(operator.settings.auto, facts))


def _facts(
    operator: Operator,
    place: EndAllowed | EndRefused | None,
    ride: Ride,
    events: list[RideEvent],
    found: LockedVehicle,
    still: Standstill | None,
    now: datetime,
) -> AutoFacts:
    state = found.state
    phase = {RideStatus.ACTIVE: "RIDING", RideStatus.PAUSED: "PAUSED"}.get(ride.status, "OTHER")
    idle_s = 0.0 if still is None else max(0.0, (now - idle_since(still, events)).total_seconds())
    start = Standstill(ride.start, ride.start_odometer_m, ride.requested_at)
    motion = Motion(
        speed_kmh=None if state is None else state.speed_kmh, seen_at=None if state is None else state.seen_at
    )
    return AutoFacts(
        phase=phase,  # type: ignore[arg-type]  # one of the three
        ride_s=0.0 if ride.started_at is None else (now - ride.started_at).total_seconds(),
        pause_s=ride_usage(events, now).pause_s,
        idle_s=idle_s,
        moved=state is None or has_moved(start, state.point, state.odometer_m),
        locked=None if state is None else state.locked,
        silent_s=None if state is None else (now - state.seen_at).total_seconds(),
        battery_pct=None if state is None else state.battery_pct,
        stands=may_send(CommandName.LOCK, {}, motion, now, operator.settings.rides.moving_kmh) is None,
        may_end=isinstance(place, EndAllowed),
        failed_locks=failed_locks(events, now),
        alerted=alerted_for(events),
    )


async def _act(tx: Tx, rt: Runtime, cards: Cards, operator: Operator, look: _Look, now: datetime) -> list[CardCall]:
    """Raises Refusal when the unit cannot be told; then nothing is written."""
    ride, reason = look.ride, look.decision.reason
    match look.decision.step:
        case AutoStep.ALERT:
            await _call_staff(tx, operator, look, now)
            await _tell(tx, rt, operator, look, f"auto_alert_{reason}")
        case AutoStep.PAUSE:
            await _order_lock(tx, operator, look, now, outcome=None)
        case AutoStep.END if ride.status is not RideStatus.PAUSED or not _is_locked(look.found):
            await _order_lock(tx, operator, look, now, outcome=Outcome(reason))
            await _tell(tx, rt, operator, look, f"auto_end_{reason}")
        case AutoStep.END | AutoStep.END_FREE:
            is_free = look.decision.step is AutoStep.END_FREE
            await _tell(tx, rt, operator, look, f"auto_end_{reason}")
            return await close_ride(
                tx,
                rt,
                cards,
                operator,
                # Not where it was once asked to end before.
                replace(ride, end=None),
                look.events,
                ended_at=now,
                outcome=Outcome(reason),
                now=now,
                plan=look.plan,
                correction=Correction(code=Outcome.GHOST) if is_free else None,
                found=look.found,
            )
        case _:
            pass
    return []


def _is_locked(found: LockedVehicle) -> bool:
    return found.state is not None and found.state.locked is True


async def _order_lock(tx: Tx, operator: Operator, look: _Look, now: datetime, *, outcome: Outcome | None) -> None:
    """To end with this outcome, or to pause."""
    ride, state = look.ride, look.found.state
    command_id = await order_vehicle(
        tx, operator, look.found, CommandName.LOCK, actor=SYSTEM, cause=ride.holder, now=now
    )
    if outcome is None or state is None:
        await store.set_status(tx, ride, RideStatus.PAUSING, command_id=command_id)
    else:
        await store.set_ending(tx, ride, command_id, now, state.point, outcome, look.plan)


async def _call_staff(tx: Tx, operator: Operator, look: _Look, now: datetime) -> None:
    ride, reason = look.ride, look.decision.reason
    await raise_alert(
        tx,
        operator.id,
        ride.vehicle_id,
        _ALERTS[reason],
        actor=SYSTEM,
        now=now,
        ride_id=ride.id,
        data={"reason": reason},
    )
    await store.add_event(tx, (operator.id, ride.id), EventKind.ALERTED, now, SYSTEM, {"reason": reason})


async def _tell(tx: Tx, rt: Runtime, operator: Operator, look: _Look, code: str) -> None:
    params = {"vehicle": look.found.vehicle.nr}
    await tell_later(tx, rt, TellRider(operator=operator, rider_id=look.ride.rider_id, code=code, params=params))
