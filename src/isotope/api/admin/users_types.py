"""Requests and answers about riders on the dashboard. Names of fields that existing integrations parse are theirs."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.admin.list_types import (
    DateRangeField,
    ListLength,
    NextBookmark,
    NullableExport,
    PageBookmark,
    PreviousBookmark,
    SameBookmark,
    SearchText,
    Sliders,
)
from isotope.api.sharing_types import CurrencyCode, UnixSeconds
from isotope.api.user_types import Amount

UsersStatusFilter = Literal[
    "ALL", "WITH_DEBT", "BLOCKED", "WITH_SAVED_CARD", "WITHOUT_SAVED_CARD", "DELETION_REQUESTED"
]


class AdminUsersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which riders."""

    filter: Annotated[
        Annotated[list[UsersStatusFilter], Meta(max_length=10)] | None,
        Meta(description="Riders of whom one of these is so. Null, empty, and what has `ALL` in it: all."),
    ] = None
    sliders: Annotated[
        Sliders,
        Meta(
            description="`wallet` (balance and bonus, in the currency's unit; ends -1,000 and 1,000), `rides` (ends 0 and "
            "1,000), `feedback` (average that the rider gave; ends 0 and 5), `last_ride` (hours since; ends 0 and 720). "
            "A bound at such an end bounds nothing."
        ),
    ] = None
    date_range: Annotated[DateRangeField, Meta(description="When they registered; at most 365 days.")] = None
    search: Annotated[SearchText, Meta(description="Number, name, e-mail address or phone.")] = None
    export: NullableExport = None
    bookmark_next: PageBookmark = None
    page_bookmark: SameBookmark = None
    bookmark: SameBookmark = None
    page_length: ListLength = 50


class AdminUser(msgspec.Struct, frozen=True, kw_only=True):
    """A rider. Masked for roles that do not see people."""

    id: int
    name: str
    email: str
    phone: Annotated[str, Meta(description="Prefix and number.", examples=["358401234567"])]
    document: Annotated[str | None, Meta(description="`driving_licence` where one was checked.")]
    document_addition: Annotated[str | None, Meta(description="Its categories.", examples=["AM, B"])]
    document_number: Annotated[str | None, Meta(description="Always null: numbers of documents are not kept.")]
    saved_card: Annotated[Literal["Yes", "No"], Meta(description="Whether a card can be charged.")]
    wallet: Annotated[Amount, Meta(description="Balance and bonus together.")]
    balance: Amount
    bonus: Amount
    debt: Amount
    rides: int
    last_ride_at: UnixSeconds | None
    avg_feedback: Annotated[float | None, Meta(description="Of the ratings that the rider gave; null: none.")]
    status: Annotated[str, Meta(examples=["ACTIVE"])]
    blocked: bool
    registered_at: UnixSeconds
    currency_symbol: str
    currency_code: CurrencyCode


class AdminUsers(msgspec.Struct, frozen=True, kw_only=True):
    """A page of riders, who registered last first."""

    bookmark_next: NextBookmark
    bookmark_previous: PreviousBookmark
    has_next_page: bool
    has_previous_page: bool
    data: list[AdminUser]


class AdminUsersExport(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the export; its rows are flat already."""

    bookmark_next: NextBookmark
    bookmark_previous: PreviousBookmark
    has_next_page: bool
    has_previous_page: bool
    data: list[AdminUser]
