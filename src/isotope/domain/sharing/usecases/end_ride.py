"""End a ride: where it may end, the lock, the bill."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from isotope.domain.devices.model import CommandName
from isotope.domain.evidence import KeptImage, PictureOf, Shows, insert_picture
from isotope.domain.fleet import LockedVehicle, lock_vehicle, order_vehicle
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.sharing import errors, queries, store
from isotope.domain.sharing.ending import (
    Allowed,
    EndFacts,
    Refused,
    end_verdict,
    is_photo_required,
    photo_of,
    plan_end,
)
from isotope.domain.sharing.fairness import is_known_refusal
from isotope.domain.sharing.model import EndPlan, EventKind, Outcome, Ride, RideEvent, RideStatus
from isotope.domain.sharing.rules import LOCK_NOT_CONFIRMED, lock_refused
from isotope.domain.sharing.usecases.close_ride import close_ride
from isotope.domain.sharing.usecases.find_own_ride import RideRef, lock_own_ride
from isotope.domain.sharing.usecases.settle_ride import SettleRide, await_and_settle
from isotope.domain.tenants.model import Operator
from isotope.domain.zones import EndAllowed, EndRefused, ZoneIndex, Zones, judge_end
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, RideId

# The unit cannot be told now: from the rider's side the same as a lock that does not answer.
UNREACHABLE: Final = frozenset({"device_offline", "vehicle_speed_unknown", "vehicle_has_no_device"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRide:
    """A rider wants to end; `rider_at` is the phone's position, measured at `rider_at_time`.

    `accepted_fine_minor`: the rider pays up to this to end where a ride may end only for a fine.
    """

    operator: Operator
    ref: RideRef
    actor: Actor
    rider_at: Point
    rider_at_time: datetime
    images: Sequence[KeptImage] = ()
    accepted_fine_minor: int | None = None


@dataclass(frozen=True, slots=True)
class _Decided:
    """What the first transaction came to: a command to wait for, a refusal to pass on, or a ride that is over."""

    ride: Ride
    wait_for: SettleRide | None = None
    refusal: Refusal | None = None
    calls: tuple[CardCall, ...] = ()


async def end_ride(rt: Runtime, cards: Cards, zones: Zones, command: EndRide) -> Ride:
    """The ride, ended, billed and paid. What could not be paid is debt; what a card has not answered yet is pending.

    Where it may end, and for what, is decided by `ending`. The lock must be confirmed by the vehicle. When it is not,
    the ride goes on and the refusal says to ask again; the second time the ride ends on the rider's word, counted up to
    the first time, and the vehicle is put aside for a check. So no ride can be stuck on a dead unit.

    Raises:
        Refusal: `ride_not_found`, `ride_ambiguous`, `ride_busy`, `end_refused_*` with the nearest legal
            place and the fine for which it may end here, `vehicle_moving`, `vehicle_did_not_lock`.
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
        asked = _Asked(command, ride, found, events, now)
        verdict = end_verdict(asked.facts, asked.judge_by(index))
        if isinstance(verdict, Refused):
            # Recorded, not raised in here: the refusal must survive the transaction.
            await _record_refusal(tx, asked, verdict)
            return _Decided(ride, refusal=verdict.refusal)
        for image in command.images:
            await insert_picture(tx, operator.id, Shows(PictureOf.RIDE, ride.id), image, now)
        return await _lock_or_close(rt, cards, tx, asked, verdict)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of which ride, under the locks of ride and vehicle."""

    command: EndRide
    ride: Ride
    found: LockedVehicle
    events: Sequence[RideEvent]
    now: datetime

    @property
    def key(self) -> tuple[OperatorId, RideId]:
        return self.ride.operator_id, self.ride.id

    @property
    def odometer_m(self) -> int:
        return self.ride.start_odometer_m if self.found.state is None else self.found.state.odometer_m

    @property
    def facts(self) -> EndFacts:
        return EndFacts(
            settings=self.command.operator.settings.rides,
            currency=self.ride.currency,
            now=self.now,
            phone=self.command.rider_at,
            phone_at=self.command.rider_at_time,
            state=self.found.state,
            max_speed_kmh=self.found.model.spec.max_speed_kmh,
            accepted_fine_minor=self.command.accepted_fine_minor,
        )

    def judge_by(self, index: ZoneIndex) -> Callable[[Point], EndAllowed | EndRefused]:
        model = self.found.model
        tolerance_m = self.command.operator.settings.rides.gps_tolerance_m

        def judge(point: Point) -> EndAllowed | EndRefused:
            return judge_end(index, point, model.vehicle_type, self.now, model_ref=model.ref, tolerance_m=tolerance_m)

        return judge

    def plan(self, allowed: Allowed) -> EndPlan:
        rides = self.command.operator.settings.rides
        return plan_end(
            allowed,
            photo=photo_of([image.faults for image in self.command.images], self.ride.end_plan.photo),
            photo_required=is_photo_required(allowed, self.found.model.spec, rides),
            contact_lost=self.facts.is_contact_lost,
        )


async def _record_refusal(tx: Tx, asked: _Asked, refused: Refused) -> None:
    rides = asked.command.operator.settings.rides
    if is_known_refusal(asked.events, refused.reason, asked.now, asked.odometer_m, rides):
        return
    data = {"reason": refused.reason, "odometer_m": asked.odometer_m}
    await store.add_event(tx, asked.key, EventKind.END_REFUSED, asked.now, asked.command.actor, data)


async def _lock_or_close(rt: Runtime, cards: Cards, tx: Tx, asked: _Asked, allowed: Allowed) -> _Decided:
    command, ride, found, now = asked.command, asked.ride, asked.found, asked.now
    plan = asked.plan(allowed)
    if allowed.fine_minor:
        data = {"fine_minor": allowed.fine_minor}
        await store.add_event(tx, asked.key, EventKind.FINE_ACCEPTED, now, command.actor, data)
    is_stuck = lock_refused(asked.events, asked.odometer_m) is not None
    locked_by_pause = ride.status is RideStatus.PAUSED and found.state is not None and found.state.locked is True
    if locked_by_pause:
        return await _close(rt, cards, tx, asked, allowed, plan, Outcome.BY_RIDER)
    try:
        command_id = await order_vehicle(
            tx, command.operator, found, CommandName.LOCK, actor=command.actor, cause=ride.holder, now=now
        )
    except Refusal as no:
        if no.code not in UNREACHABLE:
            raise
        if not is_stuck:
            refused = {"reason": LOCK_NOT_CONFIRMED, "code": no.code, "odometer_m": asked.odometer_m}
            await store.add_event(tx, asked.key, EventKind.END_REFUSED, now, SYSTEM, refused)
            await store.set_end_plan(tx, ride, plan)
            return _Decided(ride, refusal=errors.vehicle_did_not_lock(no.code))
    if is_stuck:
        return await _close(rt, cards, tx, asked, allowed, plan, Outcome.UNCONFIRMED_LOCK)
    await store.set_ending(tx, ride, command_id, now, allowed.point, plan=plan)
    return _Decided(ride, wait_for=SettleRide(command.operator, ride.id, command_id))


async def _close(
    rt: Runtime, cards: Cards, tx: Tx, asked: _Asked, allowed: Allowed, plan: EndPlan, outcome: Outcome
) -> _Decided:
    calls = await close_ride(
        tx,
        rt,
        cards,
        asked.command.operator,
        replace(asked.ride, end=allowed.point),
        asked.events,
        ended_at=asked.now,
        outcome=outcome,
        now=asked.now,
        plan=plan,
        found=asked.found,
    )
    return _Decided(asked.ride, calls=tuple(calls))


async def _reread(tx: Tx, ride: Ride) -> Ride:
    closed = await queries.find_ride(tx, ride.operator_id, ride.id)
    if closed is None:
        raise errors.ride_not_found()
    return closed
