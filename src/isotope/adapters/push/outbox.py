"""The stand-in: notifications go to the log (without token and text) and to a table that the demo shows."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from isotope.domain.identity.ports import PushFailed
from isotope.infra import outbound
from isotope.infra.runtime import Runtime

_log = structlog.get_logger(__name__)

KEEP: Final = timedelta(days=1)
# Apps whose token begins so are gone, so that what follows can be tried.
GONE: Final = "gone-"


class OutboxNotification(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that was "sent"."""

    token: str
    title: str
    body: str
    sent_at: datetime


class OutboxPush:
    """Implements `PushSender`. For demo and test."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    async def send(self, token: str, title: str, body: str) -> None:
        """Write it down; notifications older than a day go."""
        outbound.guard()
        if token.startswith(GONE):
            raise PushFailed("the stand-in's app that is gone", is_gone=True)
        now = self._rt.clock.now()
        async with self._rt.db.write() as tx:
            await tx.execute("delete from dev_push_outbox where sent_at < %(before)s", {"before": now - KEEP})
            await tx.execute(
                "insert into dev_push_outbox (token, title, body, sent_at)"
                " values (%(token)s, %(title)s, %(body)s, %(now)s)",
                {"token": token, "title": title, "body": body, "now": now},
            )
        _log.info("push.outbox")


async def list_push_outbox(rt: Runtime, token: str, limit: int) -> list[OutboxNotification]:
    """What an app was sent, newest first."""
    async with rt.db.glance() as tx:
        return await tx.all(
            OutboxNotification,
            "select token, title, body, sent_at from dev_push_outbox where token = %(token)s"
            " order by id desc limit %(limit)s",
            {"token": token, "limit": limit},
        )
