"""Documents of drivers on the dashboard: look, approve, reject."""

from typing import Final

from isotope.api.admin.drivers_types import (
    ReviewDocumentRequest,
    StaffDocument,
    StaffDocuments,
    StaffDocumentsRequest,
)
from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark, read_bookmark, write_bookmark
from isotope.api.driver.documents import day_of, document_of
from isotope.api.operation import Auth, Call, operation
from isotope.domain import drivers
from isotope.domain.tenants import Right
from isotope.kernel.errors import Kind
from isotope.kernel.ids import DriverId

_TAG: Final = "Taxi dashboard"
_BASE: Final = "/api/v2/admin/taxi/documents"
_LIST: Final = "driver_documents"
_EXAMPLE: Final = {
    "driver_id": 7,
    "driver_name": "Dora Driver",
    "document": {
        "document_id": 3,
        "document_kind": "licence",
        "status": "PENDING",
        "expires_on": "2030-05-31",
        "has_run_out": False,
        "reason": None,
        "created_at": 1_780_000_000,
        "reviewed_at": None,
        "pages": [
            {"url": "https://city.example/files/7-document-5?expires=1780004400&signature=...", "faults": []},
        ],
    },
}


@operation(
    id="get_driver_documents",
    tag=_TAG,
    title="Documents of drivers",
    method="POST",
    path=f"{_BASE}/get",
    auth=Auth.STAFF,
    right=Right.SEE_PEOPLE,
    request=StaffDocumentsRequest,
    response=StaffDocuments,
    refusals=((Kind.FORBIDDEN, "role_not_allowed"), (Kind.NOT_FOUND, "driver_not_found")),
    request_example={"page_length": 20},
    response_example={"data": [_EXAMPLE], "has_next_page": False, "bookmark_next": None},
)
async def get_driver_documents(call: Call[StaffDocumentsRequest]) -> StaffDocuments:
    """What drivers have shown and nobody has looked at, the longest first; or all of one driver's, in one page.

    For owner, manager and support.
    """
    body, services = call.body, call.services
    after = None
    if sent := chosen_bookmark(body.page_bookmark, body.bookmark_next, body.bookmark):
        after = drivers.DriverDocumentId(read_bookmark(sent[1], _LIST, sent[0]))
    found = await drivers.staff_list_documents(
        services.rt,
        drivers.StaffListDocuments(
            operator=call.operator,
            role=call.staff().role,
            driver_id=None if body.driver_id is None else DriverId(body.driver_id),
            after=after,
            limit=body.page_length + 1,
        ),
    )
    if found is None:
        raise bookmark_unknown(sent[0] if sent else "")
    page = found if body.driver_id is not None else found[: body.page_length]
    more = len(found) > len(page)
    return StaffDocuments(
        data=[_shown(call, one) for one in page],
        has_next_page=more,
        bookmark_next=write_bookmark(_LIST, page[-1].document.id) if more else None,
    )


@operation(
    id="review_driver_document",
    tag=_TAG,
    title="Decide on a document",
    method="POST",
    path=f"{_BASE}/review",
    auth=Auth.STAFF,
    right=Right.SEE_PEOPLE,
    request=ReviewDocumentRequest,
    response=StaffDocument,
    refusals=(
        (Kind.FORBIDDEN, "role_not_allowed"),
        (Kind.NOT_FOUND, "driver_document_not_found"),
        (Kind.CONFLICT, "driver_document_reviewed"),
    ),
    request_example={"document_id": 3, "approve": True, "expires_on": "2030-05-31"},
    response_example={**_EXAMPLE, "document": {**_EXAMPLE["document"], "status": "APPROVED"}},  # type: ignore[dict-item]
    idempotent=True,
)
async def review_driver_document(call: Call[ReviewDocumentRequest]) -> StaffDocument:
    """Approves a document, in the place of the one of its kind that counted so far, or rejects it with a reason.

    An approved one is taken back in the same way. A driver who lacks what the operator's settings ask for is offline
    within a minute, or after their trip.
    """
    body, services = call.body, call.services
    reviewed = await drivers.review_document(
        services.rt,
        drivers.ReviewDocument(
            operator=call.operator,
            role=call.staff().role,
            actor=call.actor,
            document_id=drivers.DriverDocumentId(body.document_id),
            approve=body.approve,
            expires_on=day_of(body.expires_on),
            reason=body.reason,
        ),
    )
    return _shown(call, await drivers.staff_read_document(services.rt, call.operator, reviewed.id))


def _shown(
    call: Call[StaffDocumentsRequest] | Call[ReviewDocumentRequest], one: drivers.ShownDocument
) -> StaffDocument:
    return StaffDocument(
        driver_id=one.document.driver_id,
        driver_name=one.driver_name,
        document=document_of(call.services, call.operator, one),
    )
