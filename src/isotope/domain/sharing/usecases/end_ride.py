"""End a ride: where it may end, the lock, the bill."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.domain.devices.model import CommandName
from isotope.domain.fleet import LockedVehicle, lock_vehicle
from isotope.domain.payments import CardCall, Cards
from isotope.domain.sharing import errors, queries, store
from isotope.domain.sharing.cards import carry_out_all
from isotope.domain.sharing.model import EventKind, Outcome, Ride, RideEvent, RideStatus
from isotope.domain.sharing.orders import order_vehicle
from isotope.domain.sharing.rules import just_refused, lock_refused_before, position_at_end
from isotope.domain.sharing.usecases.close_ride import close_ride
from isotope.domain.sharing.usecases.find_own_ride import RideRef, lock_own_ride
from isotope.domain.sharing.usecases.keep_images import KeptImage
from isotope.domain.sharing.usecases.settle_ride import SettleRide, await_and_settle, defer_settlement
from isotope.domain.tenants.model import Operator
from isotope.domain.zones import ZoneIndex, Zones, may_end_at
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point

# The unit cannot be told now: from the rider's side the same as a lock that does not answer.
UNREACHABLE: Final = frozenset({"device_offline", "vehicle_speed_unknown", "vehicle_has_no_device"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRide:
    """A rider wants to end; `rider_at` is the phone's position, measured at `rider_at_time`."""

    operator: Operator
    ref: RideRef
    actor: Actor
    rider_at: Point
    rider_at_time: datetime
    images: Sequence[KeptImage] = ()


@dataclass(frozen=True, slots=True)
class _Decided:
    """What the first transaction came to: a command to wait for, a refusal to pass on, or a ride that is over."""

    ride: Ride
    wait_for: SettleRide | None = None
    refusal: Refusal | None = None
    calls: tuple[CardCall, ...] = ()


async def end_ride(rt: Runtime, cards: Cards, zones: Zones, command: EndRide) -> Ride:
    """The ride, ended, billed and paid. What could not be paid is debt; what a card has not answered yet is pending.

    The lock must be confirmed by the vehicle. When it is not, the ride goes on and the refusal says
    to ask again; the second time the ride ends on the rider's word, the meter stopped at the first
    time, and the vehicle is put aside for a check. So no ride can be stuck on a dead unit.

    Raises:
        Refusal: `ride_not_found`, `ride_ambiguous`, `ride_busy`, `end_refused_*` with the nearest legal
            place, `vehicle_moving`, `vehicle_did_not_lock`.
    """
    index = await zones.index(command.operator.id)
    decided = await _decide(rt, cards, index, command)
    if decided.refusal is not None:
        raise decided.refusal
    if decided.wait_for is None:
        await carry_out_all(rt, cards, command.operator, decided.calls)
        async with rt.db.glance() as tx:
            return await _reread(tx, decided.ride)
    ride, code = await await_and_settle(rt, cards, decided.wait_for)
    if ride.status is RideStatus.ENDED:
        return ride
    raise errors.vehicle_did_not_lock(code)


async def _decide(rt: Runtime, cards: Cards, index: ZoneIndex, command: EndRide) -> _Decided:
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        ride = await lock_own_ride(tx, command.ref)
        if ride.status not in (RideStatus.ACTIVE, RideStatus.PAUSED):
            raise errors.ride_busy(ride.status)
        found = await lock_vehicle(tx, operator.id, vehicle_id=ride.vehicle_id)
        events = await queries.list_events(tx, operator.id, ride.id)
        position = position_at_end(
            phone=command.rider_at,
            phone_at=command.rider_at_time,
            vehicle=None if found.state is None else found.state.point,
            now=now,
            fresh_s=operator.settings.rides.phone_position_fresh_s,
        )
        if no := _may_end_here(index, found, position, now):
            # Recorded, not raised in here: the refusal must survive the transaction.
            reason = str(no.details["reason"])
            if not just_refused(events, reason):
                await store.add_event(
                    tx, (operator.id, ride.id), EventKind.END_REFUSED, now, command.actor, {"reason": reason}
                )
            return _Decided(ride, refusal=no)
        for image in command.images:
            await store.insert_image(tx, (operator.id, ride.id), image.key, image.content_type, image.size, now)
        return await _lock_or_close(rt, cards, tx, command, ride, found, events, position, now)


def _may_end_here(index: ZoneIndex, found: LockedVehicle, position: Point, now: datetime) -> Refusal | None:
    no = may_end_at(index, position, found.model.vehicle_type, now, model_ref=found.model.ref)
    if no is None:
        return None
    title = None if no.zone is None else no.zone.title
    if no.nearest is None:
        return errors.end_not_here_anywhere(no.reason, title)
    return errors.end_not_here(no.reason, title, no.nearest.point, no.nearest.distance_m)


async def _lock_or_close(
    rt: Runtime,
    cards: Cards,
    tx: Tx,
    command: EndRide,
    ride: Ride,
    found: LockedVehicle,
    events: Sequence[RideEvent],
    position: Point,
    now: datetime,
) -> _Decided:
    operator = command.operator
    odometer_m = ride.start_odometer_m if found.state is None else found.state.odometer_m
    refused_at = lock_refused_before(events, odometer_m)
    locked_by_pause = ride.status is RideStatus.PAUSED and found.state is not None and found.state.locked is True
    if locked_by_pause:
        calls = await _close(
            tx, rt, cards, operator, ride, events, position, ended_at=now, outcome=Outcome.BY_RIDER, now=now
        )
        return _Decided(ride, calls=tuple(calls))
    try:
        command_id = await order_vehicle(
            tx, operator, found, CommandName.LOCK, actor=command.actor, cause=ride.holder, now=now
        )
    except Refusal as no:
        if no.code not in UNREACHABLE:
            raise
        if refused_at is None:
            data = {"reason": "lock_not_confirmed", "code": no.code, "odometer_m": odometer_m}
            await store.add_event(tx, (operator.id, ride.id), EventKind.END_REFUSED, now, SYSTEM, data)
            return _Decided(ride, refusal=errors.vehicle_did_not_lock(no.code))
    if refused_at is not None:
        calls = await _close(
            tx,
            rt,
            cards,
            operator,
            ride,
            events,
            position,
            ended_at=refused_at,
            outcome=Outcome.UNCONFIRMED_LOCK,
            now=now,
        )
        return _Decided(ride, calls=tuple(calls))
    await store.set_ending(tx, ride, command_id, now, position)
    what = SettleRide(operator, ride.id, command_id)
    await defer_settlement(rt, tx, what, now)
    return _Decided(ride, wait_for=what)


async def _close(
    tx: Tx,
    rt: Runtime,
    cards: Cards,
    operator: Operator,
    ride: Ride,
    events: Sequence[RideEvent],
    position: Point,
    *,
    ended_at: datetime,
    outcome: Outcome,
    now: datetime,
) -> list[CardCall]:
    await store.set_end_position(tx, ride, position)
    placed = await queries.find_ride(tx, operator.id, ride.id)
    return await close_ride(
        tx, rt, cards, operator, placed or ride, events, ended_at=ended_at, outcome=outcome, now=now
    )


async def _reread(tx: Tx, ride: Ride) -> Ride:
    closed = await queries.find_ride(tx, ride.operator_id, ride.id)
    if closed is None:
        raise errors.ride_not_found()
    return closed
