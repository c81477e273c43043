"""What requests of the dashboard's lists have in common. The names of their fields are those that clients send."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.bookmarks import MOST_BOOKMARK
from isotope.api.fields import Id
from isotope.dashboards.paging import MOST_SHOWN
from isotope.dashboards.search import MOST_SEARCH

_Bookmark = Annotated[str, Meta(max_length=MOST_BOOKMARK)]
PageBookmark = Annotated[
    _Bookmark | None, Meta(description="`bookmark_next` or `bookmark_previous` of another page; null: the first page.")
]
SameBookmark = Annotated[_Bookmark | None, Meta(description="The same as `page_bookmark`.")]
NextBookmark = Annotated[str | None, Meta(description="For the page of older rows; null: this was the last.")]
PreviousBookmark = Annotated[str | None, Meta(description="For the page of newer rows; null: this is the first.")]
_HOW_MANY = "How many rows at most; 0: 50. A page of the export has 2,000, whatever stands here."
PageLength = Annotated[int, Meta(ge=0, le=MOST_SHOWN, description=_HOW_MANY)]
# The same, of lists whose contract takes null, which is 50.
ListLength = Annotated[Annotated[int, Meta(ge=0, le=MOST_SHOWN)] | None, Meta(description=_HOW_MANY)]
PageNumber = Annotated[Annotated[int, Meta(ge=1, le=1_000_000)] | None, Meta(description="From 1.", examples=[1])]
SearchText = Annotated[
    Annotated[str, Meta(max_length=MOST_SEARCH)] | None,
    Meta(description="Words in any order, in any place; case and accents do not count.", examples=["ada"]),
]
_EXPORT = "Flat rows with stable names, 2,000 a page; with `Accept: text/csv` as a file."
Export = Annotated[bool, Meta(description=_EXPORT)]
# The same, of lists whose contract takes null, which is false.
NullableExport = Annotated[bool | None, Meta(description=_EXPORT)]
ModelIds = Annotated[
    Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=1_000)] | None,
    Meta(description="Of `select_options.vehicle_models`. Null, empty and `[0]`: all."),
]
_Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="YYYY-MM-DD.", examples=["2026-06-01"])]


class DateRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days by the operator's clock, both included."""

    from_: Annotated[_Day | None, Meta(description="The first day; null: from the beginning.")] = msgspec.field(
        name="from"
    )
    to: Annotated[_Day | None, Meta(description="The last day; null: until now.")]


class NumberRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From one number to another, both included."""

    from_: Annotated[float | None, Meta(description="Null: no lower bound.")] = msgspec.field(name="from")
    to: Annotated[float | None, Meta(description="Null: no upper bound.")]


class Slider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A range of one of the list's keys. A bound at the end of the key's own range bounds nothing."""

    key: Annotated[str, Meta(max_length=40, examples=["vehicle_battery"])]
    from_: Annotated[float | None, Meta(description="Null: no lower bound.")] = msgspec.field(name="from")
    to: Annotated[float | None, Meta(description="Null: no upper bound.")]


Comments = Literal["ALL", "AVAILABLE", "EMPTY"]
DateRangeField = Annotated[DateRange | None, Meta(description="Days by the operator's clock.")]
Sliders = Annotated[Annotated[list[Slider], Meta(max_length=20)] | None, Meta(description="All of them must hold.")]
VehicleId = Annotated[Id, Meta(examples=[42])]
