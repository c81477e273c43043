"""Log a member of staff in to the dashboard."""

from datetime import timedelta

import msgspec

from isotope.domain.tenants import queries, store
from isotope.domain.tenants.errors import wrong_credentials
from isotope.domain.tenants.model import StaffSession
from isotope.domain.tenants.passwords import DUMMY_HASH, is_password
from isotope.domain.tenants.rules import count_attempt, normal_email
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token, new_token
from isotope.kernel.errors import Refusal


class LogInStaff(msgspec.Struct, frozen=True, kw_only=True):
    """The address alone says which operator is meant."""

    email: str
    password: str


async def log_in_staff(rt: Runtime, command: LogInStaff) -> StaffSession:
    """Check the password and give a token for the operator's `staff_token_hours`.

    An address that no staff has is counted, locked and made to wait for a hash exactly as a real
    one: neither the answers nor their time tell who works here. Every attempt is counted before its
    password is looked at, so guesses made all at once are no more than guesses made in a row.

    Raises:
        Refusal: `wrong_credentials`, `login_locked` (with `retry_after_s`), `logins_busy`.
    """
    email = normal_email(command.email)
    email_hash = hash_token(email)
    now = rt.clock.now()
    async with rt.db.write() as tx:
        await store.lock_attempts(tx, email_hash)
        counted = count_attempt(await queries.find_attempts(tx, email_hash), now)
        if isinstance(counted, Refusal):
            raise counted
        await store.save_attempts(tx, email_hash, counted)
        staff = await queries.find_staff_with_password(tx, email)
    right = await is_password(staff.password_hash if staff else DUMMY_HASH, command.password)
    if staff is None or not right:
        raise wrong_credentials()
    token = new_token()
    async with rt.db.write() as tx:
        await store.forget_attempts(tx, email_hash)
        found = await queries.find_staff_by_email(tx, email)
        operator = await queries.find_operator(tx, staff.operator_id)
        if found is None or operator is None:
            raise wrong_credentials()
        life = timedelta(hours=operator.settings.staff_token_hours)
        await store.insert_staff_token(
            tx,
            operator_id=found.operator_id,
            staff_id=found.id,
            token_hash=hash_token(token),
            now=now,
            expires_at=now + life,
        )
    return StaffSession(
        access_token=token,
        expires_in_s=int(life.total_seconds()),
        operator_id=found.operator_id,
        staff=found,
    )
