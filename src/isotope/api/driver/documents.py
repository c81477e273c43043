"""Papers of drivers: shown by them, looked at by staff."""

from datetime import date
from zoneinfo import ZoneInfo

from isotope.api.context import Services
from isotope.api.driver.account import BASE, TAG
from isotope.api.driver_types import (
    DocumentPage,
    DriverDocuments,
    DriverDocumentShown,
    Nothing,
    UploadDocumentRequest,
)
from isotope.api.files import file_url
from isotope.api.operation import Auth, Call, operation
from isotope.api.pictures import look_at_pictures
from isotope.domain import drivers, evidence
from isotope.domain.tenants.model import Operator
from isotope.kernel.errors import Fault, Kind, invalid


@operation(
    id="get_own_documents",
    tag=TAG,
    title="Documents",
    method="POST",
    path=f"{BASE}/get-documents",
    auth=Auth.DRIVER,
    request=Nothing,
    response=DriverDocuments,
)
async def get_own_documents(call: Call[Nothing]) -> DriverDocuments:
    """What the driver has shown, what came of it, and what is missing to go online."""
    return await _documents(call)


@operation(
    id="upload_document",
    tag=TAG,
    title="Upload document",
    method="POST",
    path=f"{BASE}/upload-document",
    auth=Auth.DRIVER,
    request=UploadDocumentRequest,
    response=DriverDocuments,
    content="multipart",
    refusals=((Kind.CONFLICT, "too_many_driver_documents"), (Kind.UNAVAILABLE, "files_unavailable")),
    request_example={"document_kind": "licence", "expires_on": "2030-05-31"},
    idempotent=True,
)
async def upload_document(call: Call[UploadDocumentRequest]) -> DriverDocuments:
    """Shows a document to the operator's staff. It counts once they have approved it; one that counted until then goes on.

    Of a kind one waits: a newer one takes its place.
    """
    body, services, operator = call.body, call.services, call.operator
    expires_on = day_of(body.expires_on)
    if not body.images:
        raise invalid(Fault("images", "1 to 8 pictures of the document are expected"))
    images = await look_at_pictures(body.images)
    shows = evidence.Shows(evidence.PictureOf.DOCUMENT)
    kept = await evidence.keep_images(services.rt, services.blobs, operator.id, images, shows)
    try:
        await drivers.upload_document(
            services.rt,
            drivers.UploadDocument(
                operator=operator,
                driver_id=call.driver().id,
                kind=body.document_kind,
                expires_on=expires_on,
                pages=kept,
            ),
        )
    finally:
        await evidence.drop_unused_images(services.rt, services.blobs, operator.id, kept)
    return await _documents(call)


def day_of(text: str | None) -> date | None:
    """A day of the calendar.

    Raises:
        Refusal: `validation_failed`.
    """
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise invalid(Fault("expires_on", "a day of the calendar is expected, such as 2030-05-31")) from None


def document_of(services: Services, operator: Operator, shown: drivers.ShownDocument) -> DriverDocumentShown:
    """With links to its pages."""
    document = shown.document
    today = services.rt.clock.now().astimezone(ZoneInfo(operator.time_zone)).date()
    return DriverDocumentShown(
        document_id=document.id,
        document_kind=document.kind,
        status=document.status.value,
        expires_on=None if document.expires_on is None else document.expires_on.isoformat(),
        has_run_out=document.expires_on is not None and document.expires_on < today,
        reason=document.reason,
        created_at=int(document.created_at.timestamp()),
        reviewed_at=None if document.reviewed_at is None else int(document.reviewed_at.timestamp()),
        pages=[
            DocumentPage(url=file_url(services, one.link), faults=list(one.picture.faults)) for one in shown.pictures
        ],
    )


async def _documents(call: Call[Nothing] | Call[UploadDocumentRequest]) -> DriverDocuments:
    services, operator = call.services, call.operator
    found = await drivers.read_documents(services.rt, operator.id, call.driver().id)
    profile = await drivers.read_driver(services.rt, operator, call.driver().id)
    return DriverDocuments(
        needed=list(operator.settings.taxi.documents),
        missing=list(profile.missing),
        documents=[document_of(services, operator, one) for one in found],
    )
