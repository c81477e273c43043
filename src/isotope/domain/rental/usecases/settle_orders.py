"""Periodic: orders of bookings whose request is gone: the process died, or nobody waited for the vehicle."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from isotope.domain.payments import Cards
from isotope.domain.rental import drive_queries, store
from isotope.domain.rental.drive_queries import OrderedBooking
from isotope.domain.rental.ordering import settled
from isotope.domain.rental.usecases.settle_order import SettleOrder, settle_order
from isotope.domain.tenants import Operators
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import BookingId

# A little after the order's end, so that the request's work is found done.
GRACE: Final = timedelta(seconds=2)
# A provider has answered by then, or its answer is looked up by others.
CARD_GRACE: Final = timedelta(seconds=30)
BATCH: Final = 100
AT_ONCE: Final = 8

_log = structlog.get_logger(__name__)


async def settle_orders(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """Make of each booking what its vehicle said, or did not say, in time; how many. Safe to run anywhere, twice.

    One whose request died while a card was asked for its deposit can be picked up again. One that fails is left for the
    next look, and keeps none of the others waiting.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(found: OrderedBooking) -> None:
        async with slots:
            try:
                if found.command_id is None:
                    await _forget(rt, found)
                    return
                operator = await operators.get(found.operator_id)
                await settle_order(rt, cards, SettleOrder(operator, found.booking_id, found.command_id))
            except Exception:  # noqa: BLE001 - a bug about one booking must not keep the others waiting
                _log.exception("booking.settling_failed", operator=found.operator_id, booking=found.booking_id)

    now = rt.clock.now()
    after = (datetime.min.replace(tzinfo=UTC), BookingId(0))
    done = 0
    while True:
        async with rt.db.glance() as tx:
            due = await drive_queries.list_ordered(tx, now - GRACE, now - CARD_GRACE, after, BATCH)
        await asyncio.gather(*map(one, due))
        done += len(due)
        if len(due) < BATCH:
            return done
        after = (due[-1].ordered_at, due[-1].booking_id)


async def _forget(rt: Runtime, found: OrderedBooking) -> None:
    """Nothing was ordered of the vehicle, and nobody waits for the card any more."""
    async with rt.db.write() as tx:
        booking = await store.lock_booking(tx, found.operator_id, found.booking_id)
        if booking is None or booking.command_id is not None or booking.ordered_at != found.ordered_at:
            return
        await settled(tx, booking)
        await store.add_event(tx, booking, "pick_up_given_up", rt.clock.now(), SYSTEM)
