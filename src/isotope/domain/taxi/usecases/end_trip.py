"""The end of a trip: what was driven, what it costs, who pays, what the driver earns."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.drivers import DriverState, lock_state, set_idle
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.pricing import english
from isotope.domain.taxi import errors, fares, machine, store
from isotope.domain.taxi.billing import BillTrip, bill_trip
from isotope.domain.taxi.fares import Driven
from isotope.domain.taxi.model import Outcome, Stop, Trip, TripPayment, TripStatus
from isotope.domain.taxi.queries import find_trip, list_stops
from isotope.domain.taxi.receipts import issue_receipt
from isotope.domain.taxi.show_rules import waiting_from
from isotope.domain.taxi.usecases.locking import must
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.geo import distance_m
from isotope.kernel.ids import DriverId, TripId

# So long after the end a driver can say what was given in cash; then it was all of it.
CASH_LIFE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTrip:
    """`driver_id`: whose trip it must be; None: staff end anybody's, and say why. `as_quoted`: whatever was driven."""

    operator: Operator
    trip_id: TripId
    actor: Actor
    driver_id: DriverId | None = None
    reason: str | None = None
    as_quoted: bool = False


async def end_trip(rt: Runtime, cards: Cards, command: EndTrip) -> Trip:
    """The trip, ENDED, with its bill; what a card pays of it may still be pending. Said twice, it is ended once.

    Raises:
        Refusal: `trip_not_found`, `trip_status`.
    """
    async with rt.db.write() as tx:
        trip, calls = await _record(tx, rt, cards, command, rt.clock.now())
    await carry_out_all(rt, cards, command.operator, calls)
    if not calls:
        return trip
    async with rt.db.read() as tx:
        return await _get(tx, command)


async def _record(tx: Tx, rt: Runtime, cards: Cards, command: EndTrip, now: datetime) -> tuple[Trip, list[CardCall]]:
    operator = command.operator
    trip = await store.lock_trip(tx, operator.id, command.trip_id)
    if trip is None or command.driver_id not in (None, trip.driver_id):
        raise errors.trip_not_found()
    if trip.driver_id is None:
        raise errors.trip_status(trip.status, [TripStatus.STARTED])
    if trip.status is TripStatus.ENDED:
        return trip, []
    must(machine.may_change(trip.status, TripStatus.ENDED, machine.role_of(command.actor)))
    stops = await list_stops(tx, operator.id, trip.id)
    state = await lock_state(tx, operator.id, trip.driver_id)
    settings = operator.settings.taxi
    driven = what_was_driven(trip, stops, state, now, settings.end_m, settings.position_s)
    price = fares.final_price(
        trip.terms,
        replace(driven, distance_m=None) if command.as_quoted else driven,
        settings,
        english,
        is_scheduled=trip.scheduled_at is not None,
    )
    in_cash = trip.payment is TripPayment.CASH and price.total_minor > 0
    changes, calls = await bill_trip(
        tx,
        rt,
        cards,
        BillTrip(
            operator=operator, trip=trip, price=price, reason="trip", actor=command.actor, now=now, in_cash=in_cash
        ),
    )
    ended = await store.move_trip(
        tx,
        trip,
        TripStatus.ENDED,
        command.actor,
        now,
        reason=command.reason,
        ended_at=now,
        outcome=Outcome.DRIVEN,
        next_at=now + CASH_LIFE if in_cash else None,
        **changes,
    )
    await store.reach_stop(tx, ended, len(stops) - 1, now)
    await set_idle(tx, operator.id, trip.driver_id, now)
    await issue_receipt(tx, operator, ended, now)
    return ended, calls


def what_was_driven(
    trip: Trip, stops: list[Stop], state: DriverState, now: datetime, end_m: int, position_s: int
) -> Driven:
    """As far as positions tell: without one that is fresh, nobody knows how far it was or where it ended."""
    started_at = trip.started_at or now
    waited = timedelta() if trip.arrived_at is None else started_at - waiting_from(trip, trip.arrived_at)
    is_known = (
        trip.track_at is not None
        and trip.track_at > started_at
        and now - trip.track_at <= timedelta(seconds=position_s)
    )
    point = state.point if is_known else None
    return Driven(
        distance_m=trip.driven_m if is_known else None,
        duration_s=round((now - started_at).total_seconds()),
        waited_s=max(0, int(waited.total_seconds())),
        stops=sum(1 for stop in stops[1:-1] if stop.reached_at is not None),
        planned_stops=len(stops) - 2,
        at_destination=None if point is None else distance_m(point, stops[-1].point) <= end_m,
    )


async def _get(tx: Tx, command: EndTrip) -> Trip:
    found = await find_trip(tx, command.operator.id, command.trip_id)
    if found is None:
        raise LookupError("a trip that was ended is gone")
    return found
