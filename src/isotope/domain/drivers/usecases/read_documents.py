"""Drivers' documents, with their pictures behind links that end."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec

from isotope.domain.drivers import queries, staff_rules
from isotope.domain.drivers.model import DriverDocument, DriverDocumentId
from isotope.domain.evidence import LinkedPicture, PictureOf, show_pictures
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId, OperatorId


class ShownDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`driver_name`: for staff."""

    document: DriverDocument
    pictures: tuple[LinkedPicture, ...]
    driver_name: str = ""


async def read_documents(rt: Runtime, operator_id: OperatorId, driver_id: DriverId) -> list[ShownDocument]:
    """The driver's own, newest first, at most a hundred."""
    async with rt.db.read() as tx:
        found = await queries.list_documents_of(tx, operator_id, driver_id)
        return await _shown(tx, operator_id, found, rt.clock.now())


class StaffListDocuments(msgspec.Struct, frozen=True, kw_only=True):
    """Of a driver all, newest first; of all drivers what waits, the longest first, after a document."""

    operator: Operator
    role: Role
    driver_id: DriverId | None
    after: DriverDocumentId | None
    limit: int


async def staff_list_documents(rt: Runtime, command: StaffListDocuments) -> list[ShownDocument] | None:
    """A page; None: `after` is no document of the operator's.

    Raises:
        Refusal: `role_not_allowed`, `driver_not_found`.
    """
    if no := staff_rules.may_see_documents(command.role):
        raise no
    operator_id = command.operator.id
    async with rt.db.read() as tx:
        if command.after is not None and await queries.find_document(tx, operator_id, command.after) is None:
            return None
        if command.driver_id is not None:
            await queries.get_driver(tx, operator_id, command.driver_id)
            found = await queries.list_documents_of(tx, operator_id, command.driver_id)
        else:
            found = await queries.list_pending_documents(tx, operator_id, command.after, command.limit)
        return await _shown(tx, operator_id, found, rt.clock.now())


async def staff_read_document(rt: Runtime, operator: Operator, document_id: DriverDocumentId) -> ShownDocument:
    """One that is there; who asks has been judged."""
    async with rt.db.read() as tx:
        found = await queries.find_document(tx, operator.id, document_id)
        [shown] = await _shown(tx, operator.id, [] if found is None else [found], rt.clock.now())
    return shown


async def _shown(
    tx: Tx, operator_id: OperatorId, documents: Sequence[DriverDocument], now: datetime
) -> list[ShownDocument]:
    linked = await show_pictures(tx, PictureOf.DOCUMENT, operator_id, [one.id for one in documents], now)
    pages: dict[int, list[LinkedPicture]] = defaultdict(list)
    for one in linked:
        pages[one.picture.subject_id].append(one)
    names = await queries.get_drivers(tx, operator_id, list({one.driver_id for one in documents}))
    return [
        ShownDocument(document=one, pictures=tuple(pages.get(one.id, ())), driver_name=names[one.driver_id].name)
        for one in documents
    ]
