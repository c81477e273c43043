"""What a driver was given in cash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from isotope.domain.payments import Cards
from isotope.domain.taxi import driving_errors, store
from isotope.domain.taxi.billing import take_cash_part
from isotope.domain.taxi.model import Trip
from isotope.domain.taxi.receipts import issue_receipt
from isotope.domain.taxi.usecases.locking import lock_driven_trip
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, Actor, driver_actor
from isotope.kernel.ids import DriverId, OperatorId, TripId
from isotope.kernel.money import Money

_BATCH: Final = 100

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeCash:
    """Less than the fare: the rest is taken from the rider's wallet, or is debt."""

    operator: Operator
    driver_id: DriverId
    trip_id: TripId
    amount_minor: int


async def take_cash(rt: Runtime, cards: Cards, command: TakeCash) -> Trip:
    """The trip with what paid it. The same amount told again changes nothing.

    Raises:
        Refusal: `trip_not_found`, `cash_not_due`, `validation_failed`: more than is due.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        trip = await lock_driven_trip(tx, operator.id, command.driver_id, command.trip_id)
        if not trip.cash_due_minor:
            if trip.cash_minor and trip.cash_minor == command.amount_minor:
                return trip
            raise driving_errors.cash_not_due()
        if not 0 <= command.amount_minor <= trip.cash_due_minor:
            raise driving_errors.too_much_cash(Money(trip.cash_due_minor, trip.currency))
        actor = driver_actor(command.driver_id)
        return await _settle(tx, rt, cards, operator, trip, command.amount_minor, actor, now)


async def settle_untold_cash(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """Drivers who said nothing were given all of it; how many trips. Safe to run at once with everything."""
    now = rt.clock.now()
    async with rt.db.glance() as tx:
        due: Sequence[tuple[int, int]] = await tx.tuples(
            """
            select operator_id, id from trip
             where next_at <= %(now)s and status = 'ENDED' and cash_due_minor > 0 order by next_at limit %(limit)s
            """,
            {"now": now, "limit": _BATCH},
        )
    for operator_id, trip_id in due:
        try:
            await _settle_untold(rt, cards, await operators.get(OperatorId(operator_id)), TripId(trip_id), now)
        except Exception:  # noqa: BLE001 - a bug about one trip must not keep the others waiting
            _log.exception("trip.cash_not_settled", operator=operator_id, trip=trip_id)
    return len(due)


async def _settle_untold(rt: Runtime, cards: Cards, operator: Operator, trip_id: TripId, now: datetime) -> None:
    async with rt.db.write() as tx:
        trip = await store.lock_trip(tx, operator.id, trip_id)
        if trip is not None and trip.cash_due_minor and trip.next_at is not None and trip.next_at <= now:
            await _settle(tx, rt, cards, operator, trip, trip.cash_due_minor, SYSTEM, now)


async def _settle(
    tx: Tx,
    rt: Runtime,
    cards: Cards,
    operator: Operator,
    trip: Trip,
    cash_minor: int,
    actor: Actor,
    now: datetime,
) -> Trip:
    changes = await take_cash_part(tx, rt, cards, operator, trip, cash_minor, actor, now)
    paid = await store.change_trip(tx, trip, next_at=None, **changes)
    await store.add_event(tx, paid, "cash", now, actor, cash_minor=cash_minor)
    await issue_receipt(tx, operator, paid, now)
    await store.tell(tx, paid)
    return paid
