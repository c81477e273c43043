"""Staff decide on a driver's document."""

from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from isotope.domain.drivers import queries, rules, staff_rules, store
from isotope.domain.drivers.errors import document_not_found, reason_needed
from isotope.domain.drivers.model import DocumentStatus, DriverDocument, DriverDocumentId
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor


class ReviewDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_on`: as staff read it; None: as the driver said. `reason`: needed to reject; the driver reads it."""

    operator: Operator
    role: Role
    actor: Actor
    document_id: DriverDocumentId
    approve: bool
    expires_on: date | None = None
    reason: str | None = None


async def review_document(rt: Runtime, command: ReviewDocument) -> DriverDocument:
    """APPROVED, in the place of one of the kind that counted so far; or REJECTED. An approved one is taken back by REJECTED.

    Raises:
        Refusal: `role_not_allowed`, `driver_document_not_found`, `driver_document_reviewed`, `validation_failed`: it has
            run out, or no reason is given.
    """
    operator, now = command.operator, rt.clock.now()
    if no := staff_rules.may_see_documents(command.role):
        raise no
    if not command.approve and not (command.reason or "").strip():
        raise reason_needed()
    today = now.astimezone(ZoneInfo(operator.time_zone)).date()
    async with rt.db.write() as tx:
        seen = await queries.find_document(tx, operator.id, command.document_id)
        if seen is None:
            raise document_not_found()
        await store.lock_driver(tx, operator.id, seen.driver_id)
        document = await queries.find_document(tx, operator.id, command.document_id) or seen
        expires_on = command.expires_on or document.expires_on
        if no := rules.may_review(document, approve=command.approve, expires_on=expires_on, today=today):
            raise no
        if command.approve:
            approved = DocumentStatus.APPROVED
            await store.settle_documents(tx, operator.id, document.driver_id, document.kind, approved, now)
        status = DocumentStatus.APPROVED if command.approve else DocumentStatus.REJECTED
        return await store.save_review(tx, document, status, expires_on, command.reason, command.actor, now)
