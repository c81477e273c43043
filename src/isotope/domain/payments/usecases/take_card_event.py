"""Take a webhook: what it is about is looked at now instead of later."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from isotope.domain.payments import events, setups, store
from isotope.domain.payments.cards import Cards
from isotope.domain.payments.model import CardEvent, EventKind
from isotope.domain.payments.usecases.record_dispute import JOB as DISPUTE_JOB
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId

# Far longer than a provider repeats a webhook.
KEEP: Final = timedelta(days=30)
_BATCH: Final = 5_000


async def take_card_event(rt: Runtime, cards: Cards, headers: Mapping[str, str], body: bytes) -> bool:
    """Store an event of the provider and let the worker look at what it concerns; False: it came before.

    An event is a hint and nothing is believed but what the provider answers when it is asked, so their order and number
    do not matter, nor whether they come at all. One about something that is not known here is kept: whatever we asked
    for is looked after anyway, and disputes, which nobody asked for, are looked at again (`follow_disputes`).

    Raises:
        Refusal: `cards_unavailable`.
        EventRefused: it is not the provider's.
    """
    provider, now = cards.get_provider(), rt.clock.now()
    event = provider.read_event(headers, body, now)
    async with rt.db.write() as tx:
        if not await events.insert_event(tx, provider.name, event, now):
            return False
        if event.kind is EventKind.SETUP:
            found = await setups.hurry_setup(tx, provider.name, event.ref, now)
            if found is not None:
                await events.set_operator(tx, provider.name, event.id, found, now)
            return True
        ref = event.ref if event.kind is EventKind.PAYMENT else event.payment_ref
        for payment in await events.find_payments(tx, provider.name, ref) if ref else ():
            await store.hurry_calls(tx, payment.operator_id, [payment.id], now)
            await events.set_operator(tx, provider.name, event.id, payment.operator_id, now)
            if event.kind is EventKind.DISPUTE:
                await _look_at_dispute(rt, tx, payment.operator_id, event)
    return True


async def _look_at_dispute(rt: Runtime, tx: Tx, operator_id: OperatorId, event: CardEvent) -> None:
    await rt.jobs.defer(
        tx,
        DISPUTE_JOB,
        lock=f"dispute:{operator_id}:{event.ref}",
        operator_id=operator_id,
        dispute_ref=event.ref,
    )


async def forget_card_events(rt: Runtime) -> int:
    """Periodic: drop a bounded batch of what came a month ago; how many."""
    async with rt.db.write() as tx:
        return await events.delete_events(tx, rt.clock.now() - KEEP, _BATCH)
