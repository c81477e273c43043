"""Tell a rider something by text message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from isotope.domain.identity import queries
from isotope.domain.identity.messages import rider_message
from isotope.domain.identity.model import Phone
from isotope.domain.identity.ports import SmsFailed, SmsSender
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId

JOB: Final = "tell_rider"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TellRider:
    """The text `code` of the catalogue with its parameters; `operator` is filled in."""

    operator: Operator
    rider_id: RiderId
    code: str
    params: Mapping[str, str | int]


async def tell_rider(rt: Runtime, sms: SmsSender, what: TellRider) -> bool:
    """Whether the message went out, as far as is known. It is tried once: sent again, it might come twice.

    A number that nobody ever showed to be theirs gets none.
    """
    try:
        async with rt.db.glance() as tx:
            rider = await queries.get_rider(tx, what.operator.id, what.rider_id)
    except Refusal:
        return False
    if rider.phone_verified_at is None:
        return False
    try:
        await sms.send(
            Phone(prefix=rider.phone_prefix, number=rider.phone).digits,
            rider_message(what.operator, rider, what.code, what.params),
        )
    except SmsFailed as failure:
        _log.warning("sms.failed", operator=what.operator.slug, reason=failure.reason)
        return False
    return True


async def tell_later(tx: Tx, rt: Runtime, what: TellRider) -> None:
    """In the transaction of the reason: a job sends it, after the commit."""
    await rt.jobs.defer(
        tx, JOB, operator_id=what.operator.id, rider_id=what.rider_id, code=what.code, params=dict(what.params)
    )
