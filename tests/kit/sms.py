"""A sender of text messages that remembers them, and the code flow in one call."""

import re
from collections.abc import Awaitable, Callable

from isotope.domain.identity import (
    Flow,
    Phone,
    PhoneToken,
    RequestPhoneVerification,
    SmsFailed,
    VerifyPhoneCode,
    request_phone_verification,
    verify_phone_code,
)
from isotope.domain.tenants.model import Operator
from isotope.infra import outbound
from isotope.infra.runtime import Runtime


class RecordingSms:
    """Implements `SmsSender`. `fail_with` makes every further message fail."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.fail_with: SmsFailed | None = None
        self.before: Callable[[], Awaitable[None]] | None = None

    async def send(self, phone_digits: str, body: str) -> None:
        outbound.guard()
        if self.before is not None:
            await self.before()
        if self.fail_with is not None:
            raise self.fail_with
        self.sent.append((phone_digits, body))

    def code_for(self, phone: Phone) -> str:
        """The code in the newest message to this number."""
        body = next(body for digits, body in reversed(self.sent) if digits == phone.digits)
        found = re.search(r"\b[0-9]{6}\b", body)
        assert found is not None, body
        return found[0]

    def wrong_code_for(self, phone: Phone) -> str:
        """Six digits that are not the code."""
        return f"{(int(self.code_for(phone)) + 1) % 1_000_000:06d}"


async def ask_for_code(
    rt: Runtime, sms: RecordingSms, operator: Operator, phone: Phone, flow: Flow, address: str | None = None
) -> PhoneToken:
    """Step 1."""
    return await request_phone_verification(
        rt,
        sms,
        RequestPhoneVerification(
            operator=operator, phone_prefix=phone.prefix, phone=phone.number, flow=flow, address=address
        ),
    )


async def verified_token(rt: Runtime, sms: RecordingSms, operator: Operator, phone: Phone, flow: Flow) -> str:
    """Steps 1 and 2."""
    asked = await ask_for_code(rt, sms, operator, phone, flow)
    return await verify_phone_code(
        rt, VerifyPhoneCode(operator=operator, phone_token=asked.phone_token, code=sms.code_for(phone))
    )
