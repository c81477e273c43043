"""Requests and answers about drivers on the dashboard."""

from typing import Annotated

import msgspec
from msgspec import Meta

from isotope.api.driver_types import Day, DriverDocumentShown, Why
from isotope.api.fields import Id
from isotope.api.money_types import Bookmark, NextBookmark, PageLength, SameBookmark


class StaffDocumentsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Whose; without a driver, what waits for staff."""

    driver_id: Annotated[Id | None, Meta(description="All that this driver has shown, newest first.")] = None
    page_bookmark: Bookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None
    page_length: PageLength = 20


class StaffDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document, and whose it is."""

    driver_id: int
    driver_name: str
    document: DriverDocumentShown


class StaffDocuments(msgspec.Struct, frozen=True, kw_only=True):
    """A page of documents."""

    data: Annotated[list[StaffDocument], Meta(description="Of all drivers: what waits, the longest first.")]
    has_next_page: bool
    bookmark_next: NextBookmark


class ReviewDocumentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What staff decide."""

    document_id: Annotated[Id, Meta(description="Of `get`.")]
    approve: Annotated[bool, Meta(description="Whether it counts; false rejects it, or takes an approval back.")]
    expires_on: Day = None
    reason: Annotated[Why | None, Meta(description="Needed to reject; the driver reads it.", examples=["Blurred"])] = (
        None
    )
