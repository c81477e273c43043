"""Step 3 of the code flow with DRIVER: be let in."""

from datetime import datetime, timedelta

import msgspec

from isotope.domain.drivers import queries, rules, store
from isotope.domain.drivers.errors import driver_not_found
from isotope.domain.drivers.model import DriverSession
from isotope.domain.identity import Flow, Phone, hash_token, spend_token
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import new_token
from isotope.kernel.errors import Refusal


class LogInDriver(msgspec.Struct, frozen=True, kw_only=True):
    """The verified token, which stands for the number."""

    operator: Operator
    phone_token: str


async def log_in_driver(rt: Runtime, command: LogInDriver) -> DriverSession:
    """Give the driver a token, for as long as riders get theirs. Nobody becomes a driver by a phone: operators say who is.

    Raises:
        Refusal: `phone_token_invalid`, `phone_token_expired`, `phone_token_other_flow`, `driver_not_found`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        phone = await spend_token(tx, command.operator, command.phone_token, Flow.DRIVER, now)
        outcome = phone if isinstance(phone, Refusal) else await _log_in(tx, command.operator, phone, now)
    # Raised after the commit: the token stays spent.
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def _log_in(tx: Tx, operator: Operator, phone: Phone, now: datetime) -> DriverSession | Refusal:
    driver = await queries.find_driver_by_phone(tx, operator.id, phone)
    refused = rules.may_log_in(driver)
    if refused is not None or driver is None:
        return refused or driver_not_found()
    token = new_token()
    expires_at = now + timedelta(days=operator.settings.rider_token_days)
    await store.insert_token(tx, operator.id, driver.id, hash_token(token), now, expires_at)
    return DriverSession(token=token, driver_id=driver.id)
