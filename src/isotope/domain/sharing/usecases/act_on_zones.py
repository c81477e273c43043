"""Slow, stop and let go vehicles by the zones they are in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from isotope.domain.devices import find_outcome
from isotope.domain.devices.model import CommandName, Scalar
from isotope.domain.fleet import LockedVehicle, VehicleStatus, list_in_use, lock_vehicle, order_vehicle
from isotope.domain.identity import TellRider, tell_later
from isotope.domain.sharing import queries, store
from isotope.domain.sharing.funds import last_told
from isotope.domain.sharing.model import EventKind, Ride, RideStatus
from isotope.domain.sharing.speeds import speed_wanted
from isotope.domain.sharing.zone_effects import (
    NOT_TOLD,
    NOTHING,
    Key,
    VehicleEffect,
    get_effect,
    list_effects,
    list_left_behind,
    lock_ride_on,
    put_effect,
)
from isotope.domain.sharing.zone_rules import (
    ZoneLook,
    event_data,
    event_of,
    look_among_zones,
    look_at_parked,
    next_try,
)
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.domain.zones import ZoneIndex, Zones
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import CommandId

_AT_ONCE: Final = 100
_TEXTS: Final = {EventKind.ZONE_SLOWED: "zone_slowed", EventKind.ZONE_STOPPED: "zone_stopped"}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Case:
    """One vehicle, under the locks of its ride (if it has one) and its own."""

    operator: Operator
    found: LockedVehicle
    ride: Ride | None
    before: VehicleEffect
    look: ZoneLook
    now: datetime

    @property
    def key(self) -> Key:
        return self.operator.id, self.found.vehicle.id

    @property
    def cause(self) -> str:
        """Of commands by zones."""
        return f"vehicle:{self.found.vehicle.id}:zones" if self.ride is None else f"{self.ride.holder}:zones"


async def act_on_zones(rt: Runtime, operators: Operators, zones: Zones, vehicles: Sequence[Key]) -> int:
    """Look at vehicles that have just reported; for how many something was due.

    For all that nothing happens to it takes two statements, whatever their number. Those that are not ridden are left
    out. Safe to run anywhere, at once and twice: what is due is decided again under the locks.
    """
    if not vehicles:
        return 0
    async with rt.db.glance() as tx:
        ridden = await list_in_use(tx, vehicles)
        known = await list_effects(tx, vehicles) if ridden else {}
    due = 0
    for found in ridden:
        operator = await operators.get(found.vehicle.operator_id)
        index = await zones.index(operator.id)
        before = known.get((operator.id, found.vehicle.id), NOTHING)
        if look_among_zones(operator, index, found, before, rt.clock.now()).is_due:
            due += await _act(rt, operator, index, (operator.id, found.vehicle.id))
    return due


async def release_from_zones(rt: Runtime, operators: Operators, zones: Zones) -> int:
    """Give vehicles whose ride is over their speed back; how many were due. The worker runs it every few seconds."""
    async with rt.db.glance() as tx:
        left = await list_left_behind(tx, rt.clock.now(), _AT_ONCE)
    due = 0
    for key in left:
        operator = await operators.get(key[0])
        due += await _act(rt, operator, await zones.index(operator.id), key)
    return due


async def _act(rt: Runtime, operator: Operator, index: ZoneIndex, key: Key) -> bool:
    """Whether anything was due. One vehicle's trouble is none of the others'."""
    try:
        async with rt.db.write() as tx:
            ride = await lock_ride_on(tx, *key)
            found = await lock_vehicle(tx, operator.id, vehicle_id=key[1])
            # A ride that was not there yet when rides were locked, or that waits for a word of the vehicle.
            waits = (
                found.vehicle.status is VehicleStatus.IN_USE if ride is None else ride.status is not RideStatus.ACTIVE
            )
            if waits:
                return False
            before = await get_effect(tx, *key)
            now = rt.clock.now()
            look = (
                look_at_parked(before, now) if ride is None else look_among_zones(operator, index, found, before, now)
            )
            if not look.is_due:
                return False
            await _carry_out(tx, rt, _Case(operator, found, ride, before, look, now))
    except Refusal as no:
        _log.warning("zones.not_acted", vehicle=key[1], why=no.code)
        return False
    return True


async def _carry_out(tx: Tx, rt: Runtime, case: _Case) -> None:
    before, wanted = case.before, case.look.wanted
    changed = wanted != before.effect
    speed, engine = before.speed_command_id, before.engine_command_id
    if not changed and before.due_at is not None and before.due_at <= case.now:
        speed, engine = await _again(tx, case, speed), await _again(tx, case, engine)
    if wanted.limit_kmh != before.effect.limit_kmh:
        speed = NOT_TOLD
    if wanted.throttle_off is not before.effect.throttle_off:
        engine = NOT_TOLD
    gives = NOT_TOLD in (speed, engine)
    if speed == NOT_TOLD:
        speed = await _order_speed(tx, case)
    if engine == NOT_TOLD:
        engine = await _order(tx, case, CommandName.ENGINE, {"on": not wanted.throttle_off})
    tries = (1 if changed else before.tries + 1) if gives else before.tries
    waits = speed is not None or engine is not None
    life_s = case.operator.settings.rides.unlock_wait_s
    after = VehicleEffect(
        inside=case.look.inside,
        effect=wanted,
        speed_command_id=speed,
        engine_command_id=engine,
        tries=tries if waits else 0,
        due_at=(next_try(tries, life_s, case.now) if gives else before.due_at) if waits else None,
    )
    await put_effect(tx, case.key, after, case.now)
    if changed:
        await _tell(tx, rt, case)


async def _again(tx: Tx, case: _Case, command_id: CommandId | None) -> CommandId | None:
    """None: nothing is to be ordered; else `NOT_TOLD`: to be ordered again, its time is over."""
    if command_id is None or command_id == NOT_TOLD:
        return command_id
    outcome = await find_outcome(tx, case.operator.id, command_id)
    return None if outcome is not None and outcome.is_done else NOT_TOLD


async def _order_speed(tx: Tx, case: _Case) -> CommandId | None:
    """The lowest of what zones and money want; None: the unit takes no limit."""
    money_kmh = None
    if case.ride is not None and last_told(await queries.list_events(tx, case.operator.id, case.ride.id)) == "SLOW":
        money_kmh = case.operator.settings.payments.auto_stop_kmh
    limit = speed_wanted(case.found.model.spec, case.look.wanted.limit_kmh, money_kmh)
    return None if limit is None else await _order(tx, case, CommandName.SPEED_LIMIT, limit)


async def _order(tx: Tx, case: _Case, name: CommandName, params: dict[str, Scalar]) -> CommandId | None:
    if case.found.vehicle.device_id is None:
        return None  # The unit was taken out: nobody is slow any more.
    try:
        return await order_vehicle(
            tx, case.operator, case.found, name, actor=SYSTEM, cause=case.cause, now=case.now, params=params
        )
    except Refusal as no:
        _log.info("zones.not_told", vehicle=case.found.vehicle.id, name=name.value, code=no.code)
        return NOT_TOLD


async def _tell(tx: Tx, rt: Runtime, case: _Case) -> None:
    kind = event_of(case.before.effect, case.look.wanted)
    if kind is None or case.ride is None:
        return
    effect = case.before.effect if kind is EventKind.ZONE_RELEASED else case.look.wanted
    await store.add_event(tx, (case.operator.id, case.ride.id), kind, case.now, SYSTEM, event_data(effect))
    _log.info("zones.acted", ride=case.ride.id, vehicle=case.found.vehicle.id, kind=kind.value, zone=effect.zone_id)
    # Once a crossing: not for another limit inside of it.
    is_news = kind is EventKind.ZONE_STOPPED or case.before.effect.zone_id is None
    if is_news and kind in _TEXTS and case.operator.settings.zone_effects.tell_riders:
        params = {"zone": effect.title, "vehicle": case.found.vehicle.nr}
        what = TellRider(operator=case.operator, rider_id=case.ride.rider_id, code=_TEXTS[kind], params=params)
        await tell_later(tx, rt, what)
