"""Periodic: bonus that has ended goes back to the operator."""

from typing import Final

import structlog

from isotope.domain.wallet import lots
from isotope.domain.wallet.model import AccountKind, Entry, Posting
from isotope.domain.wallet.usecases.post import post
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId, RiderId

REASON: Final = "bonus_expired"

_BATCH: Final = 500
_MAX_BATCHES: Final = 20

_log = structlog.get_logger(__name__)


async def expire_bonus(rt: Runtime) -> int:
    """How many lots ended. Safe to run twice; bounded: what is left over is done at the next run.

    Bonus can be spent until this has run. Each wallet is a transaction of its own; one that somebody is changing just
    now waits for the next run.
    """
    ended = 0
    for _batch in range(_MAX_BATCHES):
        async with rt.db.glance() as tx:
            due = await lots.list_due_wallets(tx, rt.clock.now(), _BATCH)
        done = sum([await _expire(rt, wallet) for wallet in due])
        ended += done
        if not done:
            break
    if ended:
        _log.info("bonus.expired", lots=ended)
    return ended


async def _expire(rt: Runtime, wallet: lots.DueWallet) -> int:
    now = rt.clock.now()
    async with rt.db.write() as tx:
        if not await lots.lock_if_free(tx, wallet):
            return 0
        due = await lots.list_due_lots(tx, wallet, now, _BATCH)
        for lot in due:
            # Takes from this very lot: `post` spends what ends first, and those before it have been emptied.
            await post(
                tx,
                Posting(
                    operator_id=OperatorId(wallet.operator_id),
                    currency=wallet.currency,
                    reason=REASON,
                    actor=SYSTEM,
                    cause=f"bonus_lot:{lot.id}",
                    now=now,
                    entries=(
                        Entry(
                            kind=AccountKind.RIDER_BONUS,
                            amount_minor=-lot.remaining_minor,
                            rider_id=RiderId(wallet.rider_id),
                        ),
                        Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=lot.remaining_minor),
                    ),
                ),
            )
    return len(due)
