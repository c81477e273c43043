"""Look again at a finished ride when its vehicle's late reports have come: was it a ride, and was it so long?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from isotope.domain.benefits import give_back as give_benefits_back
from isotope.domain.fleet import By, LockedVehicle, VehicleStatus, change_status, find_movement, lock_vehicle
from isotope.domain.payments import CardCall, Cards, carry_out_all, list_asked, split_refund
from isotope.domain.pricing import Bill, Quota, bill, english, proportional_tax
from isotope.domain.sharing import day_spends, queries, refunds, store
from isotope.domain.sharing.fairness import FAILED_RIDE, LATE_REPORT, Finding, Looked, finding_of
from isotope.domain.sharing.model import EventKind, Ride, RideEvent, RideStatus
from isotope.domain.sharing.refund_rules import charged_parts
from isotope.domain.sharing.refunds import Refund, RefundCode
from isotope.domain.sharing.rules import ride_usage
from isotope.domain.sharing.usecases.give_back import GiveBack, give_back
from isotope.domain.subscriptions import lock_quota_left, use_quota
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId, RideId

JOB: Final = "recheck_ride"

# While a card is asked for a ride nobody can say what of it goes back to the card: 1 min, 2 min, 4 min, ... 8.5 h.
_AGAIN: Final = timedelta(minutes=1)
_MOST_LOOKS: Final = 10

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecheckRide:
    """Look number `look` (from 0) at a ride that is over."""

    operator: Operator
    ride_id: RideId
    look: int


async def defer_recheck(
    tx: Tx, rt: Runtime, operator_id: OperatorId, ride_id: RideId, at: datetime, look: int = 0
) -> None:
    """In the transaction that ended the ride."""
    await rt.jobs.defer(tx, JOB, at=at, operator_id=operator_id, ride_id=ride_id, look=look)


async def recheck_ride(rt: Runtime, cards: Cards, what: RecheckRide) -> Refund | None:
    """What was given back, by the table of `fairness`. The job; safe to run twice: the event RECHECKED is there once.

    What a failed ride cost is given back whole, and its vehicle is put aside for a check if it stands READY.
    """
    operator, now = what.operator, rt.clock.now()
    async with rt.db.write() as tx:
        ride = await store.lock_ride(tx, operator.id, what.ride_id)
        if ride is None or ride.status is not RideStatus.ENDED:
            return None
        events = await queries.list_events(tx, operator.id, ride.id)
        if any(event.kind is EventKind.RECHECKED for event in events):
            return None
        done = [one for one in await refunds.list_refunds(tx, operator.id, ride.id) if one.fine_id is None]
        if await _is_card_asked(tx, ride, done):
            await _look_later(tx, rt, what, now)
            return None
        refund, calls = await _check(tx, cards, operator, ride, events, done, now)
    await carry_out_all(rt, cards, operator, calls)
    return refund


async def _is_card_asked(tx: Tx, ride: Ride, done: list[Refund]) -> bool:
    if ride.card_pending_minor or any(one.card_pending_minor for one in done):
        return True
    return bool(ride.charged_card_minor) and bool(await list_asked(tx, ride.operator_id, ride.holder))


async def _look_later(tx: Tx, rt: Runtime, what: RecheckRide, now: datetime) -> None:
    if what.look >= _MOST_LOOKS:
        _log.error("ride.not_rechecked", ride=what.ride_id)
        return
    at = now + _AGAIN * (1 << what.look)
    await defer_recheck(tx, rt, what.operator.id, what.ride_id, at, what.look + 1)


async def _check(
    tx: Tx,
    cards: Cards,
    operator: Operator,
    ride: Ride,
    events: list[RideEvent],
    done: list[Refund],
    now: datetime,
) -> tuple[Refund | None, list[CardCall]]:
    found = await lock_vehicle(tx, operator.id, vehicle_id=ride.vehicle_id)
    looked = await _look(tx, ride, events, found)
    finding = finding_of(looked, ride.terms.agreed, operator.settings.rides)
    before = _bill(ride, looked, looked.distance_m)
    less_minor = ride_less_minor = 0
    if finding is Finding.FAILED:
        await _put_aside(tx, ride, found, now)
        await _use_less(tx, ride, Quota())
        less_minor, ride_less_minor = ride.total_minor or 0, before.ride_minor
    elif finding is Finding.SHORTER:
        after = _bill(ride, looked, looked.late_distance_m or 0)
        await _use_less(tx, ride, after.quota_used)
        less_minor, ride_less_minor = before.total_minor - after.total_minor, before.ride_minor - after.ride_minor
    day = day_spends.key_of(operator, ride)
    if day is not None and ride_less_minor > 0:
        await day_spends.add_spent(tx, day, -ride_less_minor)
    if finding is Finding.FAILED and ride.terms.discounts:
        await give_benefits_back(tx, operator.id, ride.id)
    data = {"finding": finding, "late_distance_m": looked.late_distance_m}
    await store.add_event(tx, (operator.id, ride.id), EventKind.RECHECKED, now, SYSTEM, data)
    return await _give_back(tx, cards, operator, ride, finding, done, less_minor, now)


async def _look(tx: Tx, ride: Ride, events: list[RideEvent], found: LockedVehicle) -> Looked:
    started_at, ended_at = ride.started_at or ride.requested_at, ride.ended_at or ride.requested_at
    late = await find_movement(
        tx, found.vehicle, of=ride.start, received_from=ride.requested_at, since=started_at, until=ended_at
    )
    return Looked(
        used=ride_usage(events, ended_at, ride.distance_m or 0),
        start=ride.start,
        end=ride.end or ride.start,
        start_odometer_m=ride.start_odometer_m,
        late_start_odometer_m=late.odometer_before_m,
        late_odometer_m=late.odometer_m,
        late_away_m=late.away_m,
    )


def _bill(ride: Ride, looked: Looked, distance_m: int) -> Bill:
    """The ride's bill as it was made, with another distance."""
    used = looked.used
    counted = used if distance_m >= used.distance_m else looked.with_distance(distance_m)
    return bill(ride.terms.agreed, counted, looked.at_end_for(ride.at_end, counted.distance_m))


async def _use_less(tx: Tx, ride: Ride, used: Quota) -> None:
    """Of its subscription."""
    subscription, agreed_at = ride.terms.subscription, ride.requested_at
    if subscription is not None:
        await lock_quota_left(tx, ride.operator_id, subscription.id, agreed_at, ride.id)
        await use_quota(tx, ride.operator_id, subscription.id, ride.id, used, agreed_at)


async def _put_aside(tx: Tx, ride: Ride, found: LockedVehicle, now: datetime) -> None:
    """Nobody knows why it did not go. Who has it by now finds out."""
    if found.vehicle.status is not VehicleStatus.READY:
        return
    await change_status(
        tx,
        found.vehicle,
        to_status=VehicleStatus.NEED_INVESTIGATION,
        by=By.WATCH,
        actor=SYSTEM,
        cause=f"{ride.holder}:{FAILED_RIDE}",
        now=now,
    )


async def _give_back(
    tx: Tx,
    cards: Cards,
    operator: Operator,
    ride: Ride,
    finding: Finding,
    done: list[Refund],
    less_minor: int,
    now: datetime,
) -> tuple[Refund | None, list[CardCall]]:
    left = charged_parts(ride)
    for one in done:
        left = left.minus(one.parts)
    amount_minor = min(less_minor, left.total_minor)
    if amount_minor <= 0:
        return None, []
    code: RefundCode = FAILED_RIDE if finding is Finding.FAILED else LATE_REPORT
    what = GiveBack(
        operator=operator,
        ride=ride,
        fine_id=None,
        cause=ride.holder,
        parts=split_refund(left, amount_minor),
        taxes=proportional_tax(ride.tax_lines, sum(one.amount_minor for one in done), amount_minor),
        code=code,
        reason=english(f"line_{code}"),
        to_wallet=False,
        actor=SYSTEM,
        key=f"recheck:{ride.id}",
    )
    return await give_back(tx, cards, what, now)
