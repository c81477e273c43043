"""Staff write to a rider: a notification in each of their apps."""

import asyncio
from typing import Final

import msgspec
import structlog

from isotope.domain.identity import queries, store
from isotope.domain.identity.errors import no_push_device, push_unavailable, user_not_found
from isotope.domain.identity.ports import PushFailed, PushSender
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId, SubaccountId

_log = structlog.get_logger(__name__)

RETRY_AFTER_S: Final = 30


class NotifyRider(msgspec.Struct, frozen=True, kw_only=True):
    """`subaccount_id`: of who writes; None: the whole operator's staff."""

    operator: Operator
    subaccount_id: SubaccountId | None
    rider_id: RiderId
    title: str
    body: str
    actor: Actor


class Notified(msgspec.Struct, frozen=True, kw_only=True):
    """How many apps the rider has, and how many of them the notification went to."""

    devices: int
    sent: int


async def notify_rider(rt: Runtime, push: PushSender, command: NotifyRider) -> Notified:
    """Send it to all apps of the rider at once. Apps that are not there any more are forgotten.

    Each is tried once: sent again, it might come twice.

    Raises:
        Refusal: `user_not_found` (also: of another subaccount), `no_push_device`, `push_unavailable`.
    """
    operator, rider_id = command.operator, command.rider_id
    async with rt.db.read() as tx:
        await queries.get_rider(tx, operator.id, rider_id)
        if command.subaccount_id is not None and not await queries.is_rider_of(
            tx, operator.id, rider_id, command.subaccount_id
        ):
            raise user_not_found()
        tokens = await queries.list_push_tokens(tx, operator.id, rider_id)
    failures = await asyncio.gather(*(_send(push, token, command) for token in tokens))
    gone = [token for token, failure in zip(tokens, failures, strict=True) if failure is not None and failure.is_gone]
    if gone:
        async with rt.db.write() as tx:
            await store.delete_push_tokens(tx, operator.id, rider_id, gone)
    devices, sent = len(tokens) - len(gone), failures.count(None)
    _log.info("push.written", operator=operator.slug, rider=rider_id, actor=command.actor, devices=devices, sent=sent)
    for failure in failures:
        if failure is not None:
            _log.warning("push.failed", operator=operator.slug, rider=rider_id, reason=failure.reason)
    if not devices:
        raise no_push_device()
    if not sent:
        raise push_unavailable(RETRY_AFTER_S)
    return Notified(devices=devices, sent=sent)


async def _send(push: PushSender, token: str, command: NotifyRider) -> PushFailed | None:
    try:
        await push.send(token, command.title, command.body)
    except PushFailed as failure:
        return failure
    return None
