"""Staff end a ride that its rider does not end."""

import contextlib
from dataclasses import dataclass

from isotope.domain.devices.model import CommandName
from isotope.domain.fleet import lock_vehicle, order_vehicle
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.sharing import errors, queries, store
from isotope.domain.sharing.model import Outcome, Ride, RideStatus
from isotope.domain.sharing.usecases.close_ride import close_ride
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RideId, SubaccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceEndRide:
    """Which ride of the operator, or of the subaccount that is all of it for who asks, and why."""

    operator: Operator
    subaccount_id: SubaccountId | None
    ride_id: RideId
    actor: Actor
    reason: str | None = None


async def force_end_ride(rt: Runtime, cards: Cards, command: ForceEndRide) -> Ride:
    """The ride, ended now wherever it is, billed from what was recorded as its rider's own end would be.

    Zones add nothing. The vehicle is told to lock if it can be told, which nobody waits for: unless it is known to be
    locked it is put aside for a check. Ended twice it is ended once.

    | the ride is | then |
    |---|---|
    | unknown, or another subaccount's | ride_not_found |
    | ended by staff | it, as it is |
    | over otherwise | ride_over |
    | waiting for a card or its vehicle | ride_busy |
    | ACTIVE, PAUSED | ENDED, `forced` |

    Raises:
        Refusal: `ride_not_found`, `ride_over`, `ride_busy`.
    """
    async with rt.db.write() as tx:
        calls = await _decide(tx, rt, cards, command)
    await carry_out_all(rt, cards, command.operator, calls)
    async with rt.db.read() as tx:
        found = await queries.find_ride(tx, command.operator.id, command.ride_id)
    if found is None:
        raise errors.ride_not_found()
    return found


async def _decide(tx: Tx, rt: Runtime, cards: Cards, command: ForceEndRide) -> list[CardCall]:
    operator, now = command.operator, rt.clock.now()
    ride = await store.lock_ride(tx, operator.id, command.ride_id)
    if ride is None or not await _is_of(tx, ride, command.subaccount_id):
        raise errors.ride_not_found()
    if ride.status is RideStatus.ENDED and ride.outcome is Outcome.FORCED:
        return []
    if not ride.is_open:
        raise errors.ride_over()
    if ride.status not in (RideStatus.ACTIVE, RideStatus.PAUSED):
        raise errors.ride_busy(ride.status)
    vehicle = await lock_vehicle(tx, operator.id, vehicle_id=ride.vehicle_id)
    if vehicle.state is None or vehicle.state.locked is not True:
        # It is silent, or moves: a lock that is not told now is told by nobody later.
        with contextlib.suppress(Refusal):
            await order_vehicle(
                tx, operator, vehicle, CommandName.LOCK, actor=command.actor, cause=f"{ride.holder}:forced", now=now
            )
    events = await queries.list_events(tx, operator.id, ride.id)
    return await close_ride(
        tx,
        rt,
        cards,
        operator,
        ride,
        events,
        ended_at=now,
        outcome=Outcome.FORCED,
        now=now,
        found=vehicle,
        by=command.actor,
        reason=command.reason,
    )


async def _is_of(tx: Tx, ride: Ride, subaccount_id: SubaccountId | None) -> bool:
    if subaccount_id is None:
        return True
    found = await tx.scalar(
        "select subaccount_id from ride where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": ride.operator_id, "id": ride.id},
    )
    return bool(found == subaccount_id)
