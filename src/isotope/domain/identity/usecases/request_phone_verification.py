"""Step 1 of the code flow: send a code to a number."""

from datetime import datetime, timedelta

import msgspec
import structlog

from isotope.domain.identity import queries, store
from isotope.domain.identity.codes import hash_code, new_code
from isotope.domain.identity.errors import sms_unavailable, sms_undeliverable
from isotope.domain.identity.messages import code_message
from isotope.domain.identity.model import Flow, Phone, PhoneToken
from isotope.domain.identity.phones import read_phone
from isotope.domain.identity.ports import SmsFailed, SmsSender
from isotope.domain.identity.rules import counted_address, may_send_code
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token, new_token

_log = structlog.get_logger(__name__)


class RequestPhoneVerification(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody says that this number is theirs.

    Args:
        phone_prefix: of the country, as typed.
        phone: the national number, as typed.
        address: the caller's IP address; None when unknown.
        skip_otp: the operator's own server, with the secret key, vouches for the number: no code is made or sent.
        skip_address_check: the operator's own server asks for many people: its address is not counted.
    """

    operator: Operator
    phone_prefix: str
    phone: str
    flow: Flow
    address: str | None = None
    skip_otp: bool = False
    skip_address_check: bool = False


async def request_phone_verification(rt: Runtime, sms: SmsSender, command: RequestPhoneVerification) -> PhoneToken:
    """Send a code, or say when the next one can be had.

    Never looks at the riders: known and unknown numbers, LOGIN and REGISTER, do the same work and get
    the same answer.

    Asking again within the resend wait is refused (429 with `left_seconds`), not answered with
    `left_seconds` alone: the code that was sent works only with the token that was given out with
    it, and the store has only that token's hash. A 200 would have to carry a token for which no
    code was sent, and whoever lost the first answer would type the right digits in vain. Clients
    of this API retry a 429 after its Retry-After, which is what is wanted of them.

    A message that the provider did not take counts like one it took, because nobody knows; the
    token in question is voided.

    Raises:
        Refusal: `validation_failed`, `code_sent_recently`, `too_many_codes_number`, `_address`,
            `_prefix`, `sms_undeliverable`, `sms_unavailable`.
    """
    operator = command.operator
    otp = operator.settings.otp
    phone = read_phone(command.phone_prefix, command.phone, otp.allowed_prefixes)
    token = new_token()
    now = rt.clock.now()
    if command.skip_otp:
        await _open_run(rt, command, phone, token, code=None, now=now)
        return PhoneToken(phone_token=token, left_seconds=0, phone=phone.number)
    code = new_code()
    await _open_run(rt, command, phone, token, code=code, now=now)
    try:
        await sms.send(phone.digits, code_message(operator, code))
    except SmsFailed as failure:
        _log.warning("sms.failed", operator=operator.slug, reason=failure.reason)
        async with rt.db.write() as tx:
            await store.void_codes(tx, operator.id, phone)
        raise (sms_undeliverable() if failure.undeliverable else sms_unavailable(otp.resend_wait_s)) from failure
    return PhoneToken(phone_token=token, left_seconds=otp.resend_wait_s, phone=phone.number)


async def _open_run(
    rt: Runtime, command: RequestPhoneVerification, phone: Phone, token: str, *, code: str | None, now: datetime
) -> None:
    operator_id = command.operator.id
    otp = command.operator.settings.otp
    address = None if command.skip_address_check else counted_address(command.address)
    async with rt.db.write() as tx:
        if code is not None:
            await store.lock_limits(tx, operator_id, phone, address)
            facts = await queries.get_send_facts(tx, operator_id, phone, address, otp)
            if refused := may_send_code(facts, otp, now):
                raise refused
            await store.void_codes(tx, operator_id, phone)
            await store.insert_send(tx, operator_id, phone, address, now)
        await store.insert_verification(
            tx,
            operator_id=operator_id,
            flow=command.flow,
            phone=phone,
            address=address,
            requested_token_hash=hash_token(token),
            code_hash=None if code is None else hash_code(token, code),
            now=now,
            expires_at=now + timedelta(seconds=otp.life_s),
        )
