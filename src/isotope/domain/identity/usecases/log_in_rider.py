"""Step 3 of the code flow with LOGIN: be let in."""

from datetime import datetime

import msgspec

from isotope.domain.identity import store
from isotope.domain.identity.errors import user_not_found
from isotope.domain.identity.model import Flow, Phone, RiderStatus, Session
from isotope.domain.identity.rules import may_log_in
from isotope.domain.identity.spending import open_session, spend_token
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import rider_actor
from isotope.kernel.errors import Refusal


class LogInRider(msgspec.Struct, frozen=True, kw_only=True):
    """The verified token, which stands for the number."""

    operator: Operator
    phone_token: str


async def log_in_rider(rt: Runtime, command: LogInRider) -> Session:
    """Give the rider a token.

    It takes back an asked-for deletion, for as long as the erasure has not run: a deletion that debt puts off
    leaves the way in open to pay it. It verifies the number of somebody who registered by form.

    Raises:
        Refusal: `phone_token_invalid`, `phone_token_expired`, `phone_token_other_flow`, `user_not_found`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        phone = await spend_token(tx, command.operator, command.phone_token, Flow.LOGIN, now)
        outcome = phone if isinstance(phone, Refusal) else await _log_in(tx, command.operator, phone, now)
    # Raised after the commit: the token stays spent.
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def _log_in(tx: Tx, operator: Operator, phone: Phone, now: datetime) -> Session | Refusal:
    rider = await store.lock_rider_by_phone(tx, operator.id, phone)
    refused = may_log_in(rider)
    if refused is not None or rider is None:
        return refused or user_not_found()
    if rider.status is RiderStatus.DELETION_REQUESTED:
        await store.undo_deletion(tx, rider, rider_actor(rider.id), now)
    await store.save_phone_verified(tx, rider, now)
    return await open_session(tx, operator, rider.id, now)
