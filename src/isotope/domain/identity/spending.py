"""Step 3 of the code flow, the part that registration and login share: spending the verified token."""

from datetime import datetime, timedelta

from isotope.domain.identity import queries, store
from isotope.domain.identity.errors import phone_token_invalid
from isotope.domain.identity.model import Flow, Phone, Session
from isotope.domain.identity.rules import may_use
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.tokens import hash_token, new_token
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId


async def spend_token(tx: Tx, operator: Operator, phone_token: str, flow: Flow, now: datetime) -> Phone | Refusal:
    """The number that the token stands for, which stays locked; afterwards the token is used.

    It is spent also when the last step is then refused, so commit before raising. A token that was asked for
    with the other flow is not spent.
    """
    token_hash = hash_token(phone_token)
    seen = await queries.find_verification_by_verified_token(tx, operator.id, token_hash)
    if seen is None:
        return phone_token_invalid()
    # Everybody who spends a token holds its number, so what is read now stays so.
    await store.lock_phone(tx, operator.id, seen.phone)
    run = await queries.find_verification_by_verified_token(tx, operator.id, token_hash)
    refused = may_use(run, flow, now)
    if refused is not None or run is None:
        return refused or phone_token_invalid()
    await store.save_used(tx, operator.id, run)
    return run.phone


async def open_session(tx: Tx, operator: Operator, rider_id: RiderId, now: datetime) -> Session:
    """A new token for the rider, for the operator's `rider_token_days`."""
    token = new_token()
    expires_at = now + timedelta(days=operator.settings.rider_token_days)
    await store.insert_token(tx, operator.id, rider_id, hash_token(token), now, expires_at)
    return Session(token=token, rider_id=rider_id)
