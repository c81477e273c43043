"""Step 2 of the code flow: tell the code that came."""

from datetime import datetime, timedelta

import msgspec

from isotope.domain.identity import queries, store
from isotope.domain.identity.codes import is_code, is_same_code
from isotope.domain.identity.errors import wrong_code
from isotope.domain.identity.model import Step, Verification
from isotope.domain.identity.rules import may_check
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token, new_token
from isotope.kernel.errors import Fault, Refusal, invalid


class VerifyPhoneCode(msgspec.Struct, frozen=True, kw_only=True):
    """The token of step 1 and the code; no code where `skip_otp` was used.

    There is no address check in this step that could be skipped: guesses are bounded by the token,
    and tokens by the limits of step 1.
    """

    operator: Operator
    phone_token: str
    code: str | None = None


async def verify_phone_code(rt: Runtime, command: VerifyPhoneCode) -> str:
    """The token for step 3; the one of step 1 is spent.

    Checks of one token are made one after the other, with its row locked, and each is committed before its
    answer is known to anybody: a thousand guesses at once are still `max_checks` guesses.

    Raises:
        Refusal: `validation_failed`, `phone_token_invalid`, `phone_token_expired`, `wrong_code` (with
            `checks_left`), `too_many_checks`.
    """
    if command.code is not None and not is_code(command.code):
        raise invalid(Fault("code", "a code is 6 digits"))
    verified_token = new_token()
    async with rt.db.write() as tx:
        refused = await _check(tx, command, verified_token, rt.clock.now())
    # Raised after the commit: the check that failed stays counted.
    if refused is not None:
        raise refused
    return verified_token


async def _check(tx: Tx, command: VerifyPhoneCode, verified_token: str, now: datetime) -> Refusal | None:
    operator = command.operator
    otp = operator.settings.otp
    run = await store.lock_verification_by_requested_token(tx, operator.id, hash_token(command.phone_token))
    last_sent_at = None if run is None else await queries.find_last_send(tx, operator.id, run.phone)
    refused = may_check(run, command.code, otp, last_sent_at, now)
    if refused is not None or run is None:
        return refused
    if not _is_right(run, command):
        left = otp.max_checks - run.checks - 1
        await store.count_check(tx, operator.id, run, Step.REQUESTED if left > 0 else Step.VOID)
        return wrong_code(left)
    expires_at = now + timedelta(seconds=otp.life_s)
    await store.save_verified(tx, operator.id, run, hash_token(verified_token), expires_at)
    return None


def _is_right(run: Verification, command: VerifyPhoneCode) -> bool:
    if run.code_hash is None:
        return True
    return command.code is not None and is_same_code(command.phone_token, command.code, run.code_hash)
