"""The stand-in: messages go to the log (without number and text) and to a table that the demo shows."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from isotope.adapters.sms.masking import masked
from isotope.domain.identity.ports import SmsFailed
from isotope.infra import outbound
from isotope.infra.runtime import Runtime

_log = structlog.get_logger(__name__)

KEEP: Final = timedelta(days=1)
# As with Twilio's test credentials: what is sent here is refused as undeliverable, so that clients can be tried.
UNDELIVERABLE: Final = "15005550001"


class OutboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was "sent"; `phone` is prefix and number, digits; `code` the six digits in it, None: there are none."""

    phone: str
    body: str
    code: str | None
    sent_at: datetime


class OutboxSms:
    """Implements `SmsSender`. For demo and test: whoever reads the outbox reads everybody's codes."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    async def send(self, phone_digits: str, body: str) -> None:
        """Write it down; messages older than a day go."""
        outbound.guard()
        if phone_digits == UNDELIVERABLE:
            raise SmsFailed("the stand-in's undeliverable number", undeliverable=True)
        now = self._rt.clock.now()
        async with self._rt.db.write() as tx:
            await tx.execute("delete from dev_outbox where sent_at < %(before)s", {"before": now - KEEP})
            await tx.execute(
                "insert into dev_outbox (phone, body, sent_at) values (%(phone)s, %(body)s, %(now)s)",
                {"phone": phone_digits, "body": body, "now": now},
            )
        _log.info("sms.outbox", phone=masked(phone_digits))


async def list_outbox(rt: Runtime, phone_digits: str, limit: int) -> list[OutboxMessage]:
    """The messages to a number, newest first."""
    async with rt.db.glance() as tx:
        return await tx.all(
            OutboxMessage,
            r"""
            select phone, body, substring(body from '\m[0-9]{6}\M') as code, sent_at
              from dev_outbox where phone = %(phone)s order by id desc limit %(limit)s
            """,
            {"phone": phone_digits, "limit": limit},
        )
