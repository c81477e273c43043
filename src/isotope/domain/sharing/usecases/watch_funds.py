"""Look at a running ride's money: top up, warn, slow, stop where that is safe, and let go again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from isotope.domain.devices import find_last_command, may_send, slow_limit
from isotope.domain.devices.model import CommandName, CommandStatus, Motion, Scalar
from isotope.domain.fleet import LockedVehicle, lock_vehicle, order_vehicle
from isotope.domain.identity import TellRider, tell_later
from isotope.domain.payments import CardCall, Cards, TopUpByItself, carry_out, decide_top_up
from isotope.domain.sharing import queries, store, watches
from isotope.domain.sharing.ending import plan_by_itself
from isotope.domain.sharing.funds import (
    FundsFacts,
    Phase,
    Step,
    funds_watch,
    last_told,
    stops_failed,
    was_warned,
)
from isotope.domain.sharing.model import (
    NO_PLAN,
    STARTING,
    WAITING,
    EndPlan,
    EventKind,
    Outcome,
    Ride,
    RideEvent,
    RideStatus,
)
from isotope.domain.sharing.money import RunningMoney, change_s, limit_of, read_running_money, read_top_up, wants_top_up
from isotope.domain.sharing.speeds import speed_wanted
from isotope.domain.sharing.usecases.settle_ride import SettleRide, await_and_settle
from isotope.domain.sharing.zone_effects import get_effect
from isotope.domain.tenants.model import Operator
from isotope.domain.zones import EndAllowed, ZoneIndex, Zones, judge_end
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RideId
from isotope.kernel.money import Money

# A unit that was told to go slow and has been away ever since is given up then.
GIVE_UP: Final = timedelta(days=1)
_NOT_DONE: Final = frozenset({CommandStatus.FAILED, CommandStatus.EXPIRED, CommandStatus.REFUSED})

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchFunds:
    """Look number `nr` at a ride; any other than the one that is to come does nothing."""

    operator: Operator
    ride_id: RideId
    nr: int


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look found, all under the locks of rider, ride and vehicle."""

    operator: Operator
    ride: Ride
    events: list[RideEvent]
    found: LockedVehicle
    money: RunningMoney
    facts: FundsFacts
    plan: EndPlan
    now: datetime


@dataclass(frozen=True, slots=True)
class _ToDo:
    """What is left to do after the commit."""

    call: CardCall | None = None
    settle: SettleRide | None = None


async def watch_funds(rt: Runtime, cards: Cards, zones: Zones, what: WatchFunds) -> Step:
    """What was decided, by the table of `funds`. The job; safe to run twice: the second time it is an old look.

    What is decided is stored and the next look is inserted in one transaction; the card is charged and the lock waited
    for after it. If the process dies there, the worker resolves the charge and the job `settle_ride` the lock.
    """
    operator = what.operator
    index = await zones.index(operator.id)
    async with rt.db.glance() as tx:
        seen = await queries.find_ride(tx, operator.id, what.ride_id)
    if seen is None:
        return Step.NOTHING
    async with rt.db.write() as tx:
        await store.lock_rider(tx, operator.id, seen.rider_id)
        ride = await store.lock_ride(tx, operator.id, seen.id)
        if ride is None or not await watches.is_next(tx, operator.id, seen.id, what.nr):
            return Step.NOTHING
        now = rt.clock.now()
        look = await _read(tx, cards, index, operator, ride, now)
        decision = funds_watch(look.facts)
        todo = await _act(tx, rt, cards, look, decision.step, what.nr)
        if decision.look_s is None or (ride.ended_at is not None and now - ride.ended_at > GIVE_UP):
            if decision.step is not Step.NOTHING:
                _log.error("funds.not_released", ride=ride.id, vehicle=ride.vehicle_id)
            await watches.end(tx, operator.id, ride.id)
        else:
            await watches.look_at(tx, rt, operator.id, ride.id, now + timedelta(seconds=decision.look_s))
    _log.info("funds.looked", ride=ride.id, step=decision.step)
    if todo.call is not None:
        await carry_out(rt, cards, operator, todo.call)
    if todo.settle is not None:
        await await_and_settle(rt, cards, todo.settle)
    return decision.step


async def _read(tx: Tx, cards: Cards, index: ZoneIndex, operator: Operator, ride: Ride, now: datetime) -> _Look:
    events = await queries.list_events(tx, operator.id, ride.id)
    found = await lock_vehicle(tx, operator.id, vehicle_id=ride.vehicle_id)
    money = await read_running_money(tx, operator, ride.rider_id, ride.currency, now)
    top_up = await read_top_up(tx, cards, ride, money)
    last = await find_last_command(tx, operator.id, _cause(ride))
    state = found.state
    place = (
        None
        if state is None
        else judge_end(index, state.point, found.model.vehicle_type, now, model_ref=found.model.ref)
    )
    motion = Motion(
        speed_kmh=None if state is None else state.speed_kmh, seen_at=None if state is None else state.seen_at
    )
    facts = FundsFacts(
        phase=_phase(ride),
        left_minor=money.left_minor,
        limit_minor=limit_of(operator, ride),
        warn_minor=operator.settings.payments.auto_stop_warn_minor,
        wants_top_up=wants_top_up(top_up),
        top_up_now=top_up.why_not is None,
        on_its_way=top_up.why_not == "on_its_way",
        warned=was_warned(events, money.has_minor),
        told=last_told(events),
        obeyed=last is None or last.status not in _NOT_DONE,
        can_slow=_slow(operator, found) is not None,
        stands=may_send(CommandName.LOCK, {}, motion, now, operator.settings.rides.moving_kmh) is None,
        may_end=isinstance(place, EndAllowed),
        stops_failed=stops_failed(events),
        change_s=change_s(operator, ride, money, top_up),
    )
    plan = NO_PLAN if place is None else plan_by_itself(place)
    return _Look(operator, ride, events, found, money, facts, plan, now)


def _phase(ride: Ride) -> Phase:
    if not ride.is_open:
        return "OVER"
    if ride.status in WAITING or ride.status in STARTING:
        return "WAITING"
    return "PAUSED" if ride.status is RideStatus.PAUSED else "RIDING"


async def _act(tx: Tx, rt: Runtime, cards: Cards, look: _Look, step: Step, nr: int) -> _ToDo:
    match step:
        case Step.TOP_UP:
            return _ToDo(call=await _top_up(tx, cards, look, nr))
        case Step.WARN:
            data = {"has_minor": look.money.has_minor, "left_minor": look.money.left_minor}
            await _record(tx, look, EventKind.FUNDS_LOW, data)
            await _tell(tx, rt, look, "funds_low")
        case Step.SLOW:
            is_told = await _order_speed(tx, look, look.operator.settings.payments.auto_stop_kmh)
            if is_told and look.facts.told != "SLOW":
                await _record(tx, look, EventKind.SLOWED, {"left_minor": look.money.left_minor})
                await _tell(tx, rt, look, "funds_used_up")
        case Step.RELEASE:
            is_told = await _order_speed(tx, look, None)
            if is_told and look.facts.told == "SLOW":
                await _record(tx, look, EventKind.RELEASED, {"left_minor": look.money.left_minor})
        case Step.STOP:
            return _ToDo(settle=await _stop(tx, look))
        case _:
            pass
    return _ToDo()


async def _top_up(tx: Tx, cards: Cards, look: _Look, nr: int) -> CardCall | None:
    ride = look.ride
    what = TopUpByItself(
        operator=look.operator,
        rider_id=ride.rider_id,
        currency=ride.currency,
        cause=f"{ride.holder}:watch:{nr}",
        spending_minor=look.money.cost_minor,
    )
    decided = await decide_top_up(tx, cards, what, look.now)
    return decided if isinstance(decided, CardCall) else None


async def _order_speed(tx: Tx, look: _Look, money_kmh: int | None) -> bool:
    """Whether the unit was told; it is told again at a later look if not. What zones want is heard too."""
    zones = await get_effect(tx, look.operator.id, look.found.vehicle.id)
    limit = speed_wanted(look.found.model.spec, zones.effect.limit_kmh, money_kmh)
    if limit is None:
        return False
    try:
        await order_vehicle(
            tx,
            look.operator,
            look.found,
            CommandName.SPEED_LIMIT,
            actor=SYSTEM,
            cause=_cause(look.ride),
            now=look.now,
            params=limit,
        )
    except Refusal as no:
        _log.info("funds.not_told", ride=look.ride.id, code=no.code)
        return False
    return True


async def _stop(tx: Tx, look: _Look) -> SettleRide | None:
    """Lock, and end the ride when the lock says so; the ride goes on if the unit cannot be told."""
    operator, ride = look.operator, look.ride
    state = look.found.state
    if state is None:
        return None
    try:
        command_id = await order_vehicle(
            tx, operator, look.found, CommandName.LOCK, actor=SYSTEM, cause=ride.holder, now=look.now
        )
    except Refusal as no:
        _log.info("funds.not_stopped", ride=ride.id, code=no.code)
        return None
    await store.set_ending(tx, ride, command_id, look.now, state.point, Outcome.BALANCE_LIMIT, look.plan)
    return SettleRide(operator, ride.id, command_id)


async def _record(tx: Tx, look: _Look, kind: EventKind, data: dict[str, Any]) -> None:
    await store.add_event(tx, (look.operator.id, look.ride.id), kind, look.now, SYSTEM, data)


async def _tell(tx: Tx, rt: Runtime, look: _Look, code: str) -> None:
    left = Money(max(0, look.money.left_minor), look.ride.currency)
    params = {"left": left.text(), "vehicle": look.found.vehicle.nr}
    await tell_later(tx, rt, TellRider(operator=look.operator, rider_id=look.ride.rider_id, code=code, params=params))


def _slow(operator: Operator, found: LockedVehicle) -> dict[str, Scalar] | None:
    return slow_limit(found.model.spec.capabilities, operator.settings.payments.auto_stop_kmh)


def _cause(ride: Ride) -> str:
    """Of commands about the vehicle's speed."""
    return f"{ride.holder}:funds"
