"""What became of the authorisation of a card decides whether a ride goes on to its vehicle.

Called by the request that asked the card, and by the job `settle_authorising` in case that request's process is gone.
Whoever comes first writes; the other finds nothing to do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.devices.model import CommandName
from isotope.domain.fleet import VehicleStatus, lock_vehicle, order_vehicle
from isotope.domain.payments import (
    CardCall,
    CardPayment,
    Cards,
    PaymentStatus,
    RefusalCode,
    card_declined,
    card_no_answer,
    carry_out_all,
    list_payments,
)
from isotope.domain.sharing import errors, store
from isotope.domain.sharing.model import Outcome, Ride, RideStatus
from isotope.domain.sharing.rules import after_authorising
from isotope.domain.sharing.usecases.fail_ride import fail_ride
from isotope.domain.sharing.usecases.return_reservation import return_reservation
from isotope.domain.sharing.usecases.settle_ride import SettleRide
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RideId

JOB: Final = "settle_authorising"

# Later than any provider's time-out: until then the request is there and goes on itself.
JOB_AFTER_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class SettleAuthorising:
    """Settle what a card made of the ride. `waiting`: who waits at the vehicle; None: nobody any more."""

    operator: Operator
    ride_id: RideId
    waiting: Actor | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The unlocking to wait for, or why there is none."""

    wait_for: SettleRide | None = None
    refusal: Refusal | None = None
    calls: tuple[CardCall, ...] = ()


async def defer_authorising(rt: Runtime, tx: Tx, operator: Operator, ride_id: RideId, now: datetime) -> None:
    """In the deciding transaction: the ride ends even if this process dies before the card has answered."""
    at = now + timedelta(seconds=JOB_AFTER_S)
    await rt.jobs.defer(tx, JOB, at=at, operator_id=operator.id, ride_id=ride_id)


async def settle_authorising(rt: Runtime, cards: Cards, what: SettleAuthorising) -> Settled:
    """Go on to the vehicle, or end the ride free of charge. Safe to run twice.

    Raises:
        Refusal: `ride_not_found`.
    """
    settled = await _decide(rt, what)
    await carry_out_all(rt, cards, what.operator, settled.calls)
    return settled


async def _decide(rt: Runtime, what: SettleAuthorising) -> Settled:
    operator, now = what.operator, rt.clock.now()
    async with rt.db.write() as tx:
        ride = await store.lock_ride(tx, operator.id, what.ride_id)
        if ride is None:
            raise errors.ride_not_found()
        if ride.status is not RideStatus.AUTHORISING:
            return Settled(refusal=card_no_answer())
        # Answers about this payment are recorded under the ride's lock, so it stays as it is read.
        payment = (await list_payments(tx, operator.id, ride.holder))[0]
        status, outcome = after_authorising(payment.status, waited_for=what.waiting is not None)
        if what.waiting is not None and status is RideStatus.UNLOCKING:
            return await _unlock(rt, tx, operator, ride, what.waiting, now)
        outcome = outcome or Outcome.CARD_NO_ANSWER
        calls = await fail_ride(tx, ride, outcome, code=payment.code, to_status=VehicleStatus.READY, at=now)
        await return_reservation(tx, rt, ride, now)
        return Settled(refusal=_why(outcome, payment), calls=tuple(calls))


async def _unlock(rt: Runtime, tx: Tx, operator: Operator, ride: Ride, actor: Actor, now: datetime) -> Settled:
    found = await lock_vehicle(tx, operator.id, vehicle_id=ride.vehicle_id)
    try:
        command_id = await order_vehicle(
            tx, operator, found, CommandName.UNLOCK, actor=actor, cause=ride.holder, now=now
        )
    except Refusal as no:
        # Nothing was written for the vehicle; the ride ends in this transaction, and the refusal must survive it.
        calls = await fail_ride(tx, ride, Outcome.NOT_REACHED, code=no.code, to_status=VehicleStatus.READY, at=now)
        await return_reservation(tx, rt, ride, now)
        return Settled(refusal=no, calls=tuple(calls))
    await store.set_status(tx, ride, RideStatus.UNLOCKING, command_id=command_id)
    return Settled(wait_for=SettleRide(operator, ride.id, command_id))


def _why(outcome: Outcome, payment: CardPayment) -> Refusal:
    if outcome is Outcome.CARD_DECLINED and payment.status is PaymentStatus.FAILED:
        return card_declined(payment.code or RefusalCode.OTHER)
    return card_no_answer()
