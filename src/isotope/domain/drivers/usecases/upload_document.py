"""A driver shows a document."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from isotope.domain.drivers import queries, rules, store
from isotope.domain.drivers.errors import document_ran_out
from isotope.domain.drivers.model import DocumentStatus, DriverDocument
from isotope.domain.evidence import KeptImage, PictureOf, Shows, files_unavailable, insert_picture
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId


class UploadDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_on`: the last day on which it counts, as the driver reads it; None: for ever. `pages`: kept pictures."""

    operator: Operator
    driver_id: DriverId
    kind: str
    expires_on: date | None
    pages: Sequence[KeptImage]


async def upload_document(rt: Runtime, command: UploadDocument) -> DriverDocument:
    """The document, PENDING; it counts once staff have approved it. What waited of the kind is REPLACED by it.

    Raises:
        Refusal: `validation_failed` (it has run out), `too_many_driver_documents`, `files_unavailable`.
    """
    operator, now = command.operator, rt.clock.now()
    today = now.astimezone(ZoneInfo(operator.time_zone)).date()
    if command.expires_on is not None and command.expires_on < today:
        raise document_ran_out(today)
    if not all(page.is_kept for page in command.pages):
        raise files_unavailable()
    async with rt.db.write() as tx:
        await store.lock_driver(tx, operator.id, command.driver_id)
        known = await queries.list_documents_of(tx, operator.id, command.driver_id)
        replaces = any(one.kind == command.kind and one.status is DocumentStatus.PENDING for one in known)
        pending = await queries.count_pending(tx, operator.id, command.driver_id)
        if no := rules.may_upload(pending, replaces=replaces):
            raise no
        document = await store.insert_document(
            tx, operator.id, command.driver_id, command.kind, command.expires_on, now
        )
        for page in command.pages:
            await insert_picture(tx, operator.id, Shows(PictureOf.DOCUMENT, document.id), page, now)
    return document
