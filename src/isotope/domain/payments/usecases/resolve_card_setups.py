"""Periodic: riders who did not come back from the provider's page."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from isotope.domain.payments import setups
from isotope.domain.payments.cards import Cards
from isotope.domain.payments.model import CardSetup, SetupStatus
from isotope.domain.payments.ports import CardsUnclear
from isotope.domain.payments.usecases.finish_card_setup import finish_card_setup
from isotope.domain.tenants import Operators
from isotope.infra.runtime import Runtime

_log = structlog.get_logger(__name__)

BATCH: Final = 50
AT_ONCE: Final = 8
# A provider that cannot say for so long what became of a page will not.
GIVE_UP: Final = timedelta(days=1)
KEEP: Final = timedelta(days=30)
_KEEP_BATCH: Final = 5_000


async def resolve_card_setups(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """One bounded batch; how many set-ups were looked at. What is still open when it expires is over."""
    async with rt.db.write() as tx:
        due = await setups.claim_due_setups(tx, rt.clock.now(), BATCH)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(setup: CardSetup) -> None:
        async with slots:
            over_at = setup.expires_at
            try:
                setup = await finish_card_setup(rt, cards, await operators.get(setup.operator_id), setup)
            except CardsUnclear as error:
                _log.warning("cards.setup_unclear", setup=setup.id, reason=error.reason)
                over_at += GIVE_UP
            if setup.status is SetupStatus.PENDING and rt.clock.now() >= over_at:
                await _expire(rt, setup)

    await asyncio.gather(*(one(setup) for setup in due))
    return len(due)


async def _expire(rt: Runtime, setup: CardSetup) -> None:
    async with rt.db.write() as tx:
        stored = await setups.lock_setup(tx, setup.operator_id, setup.id)
        if stored.status is SetupStatus.PENDING:
            await setups.end_setup(tx, stored, SetupStatus.EXPIRED)


async def forget_card_setups(rt: Runtime) -> int:
    """Drop a bounded batch of what ended a month ago; how many."""
    async with rt.db.write() as tx:
        return await setups.delete_setups(tx, rt.clock.now() - KEEP, _KEEP_BATCH)
