"""Step 3 of the code flow with REGISTER: become a rider."""

from datetime import datetime

import msgspec

from isotope.domain.identity import store
from isotope.domain.identity.errors import already_registered
from isotope.domain.identity.model import Flow, Phone, Session
from isotope.domain.identity.rules import may_register, person_faults
from isotope.domain.identity.spending import open_session, spend_token
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal, invalid


class RegisterRider(msgspec.Struct, frozen=True, kw_only=True):
    """Who the number belongs to, with the verified token that stands for the number."""

    operator: Operator
    phone_token: str
    name: str
    email: str
    device_os: str | None = None
    agree_marketing: bool = False


async def register_rider(rt: Runtime, command: RegisterRider) -> Session:
    """Make the rider and log them in.

    Raises:
        Refusal: `validation_failed` with every fault (the token stays good), `phone_token_invalid`,
            `phone_token_expired`, `phone_token_other_flow`, `already_registered`.
    """
    if faults := person_faults(email=command.email, name=command.name):
        raise invalid(*faults)
    now = rt.clock.now()
    async with rt.db.write() as tx:
        phone = await spend_token(tx, command.operator, command.phone_token, Flow.REGISTER, now)
        outcome = phone if isinstance(phone, Refusal) else await _register(tx, command, phone, now)
    # Raised after the commit: the token stays spent.
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def _register(tx: Tx, command: RegisterRider, phone: Phone, now: datetime) -> Session | Refusal:
    operator = command.operator
    known = await store.lock_rider_by_phone(tx, operator.id, phone)
    if refused := may_register(known):
        return refused
    if known is not None:
        await store.save_registration(
            tx,
            known,
            name=command.name.strip(),
            email=command.email.strip(),
            device_os=command.device_os,
            agree_marketing=command.agree_marketing,
        )
        await store.save_phone_verified(tx, known, now)
        return await open_session(tx, operator, known.id, now)
    rider_id = await store.insert_rider(
        tx,
        operator_id=operator.id,
        name=command.name.strip(),
        email=command.email.strip(),
        phone=phone,
        language=operator.languages[0],
        device_os=command.device_os,
        agree_marketing=command.agree_marketing,
        phone_verified_at=now,
        now=now,
    )
    # The number is locked and was free, so there is always one; the type does not know.
    return already_registered() if rider_id is None else await open_session(tx, operator, rider_id, now)
