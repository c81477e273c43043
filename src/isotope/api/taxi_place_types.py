"""Requests and answers of the section Taxi: places."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Latitude, Longitude
from isotope.api.sharing_types import Coordinates

_TITLE = Annotated[str, Meta(examples=["Mannerheimintie 12"])]
_SUBTITLE = Annotated[str, Meta(description="Where that is; may be empty.", examples=["00100 Helsinki"])]
_TOKEN = Annotated[
    str,
    Meta(
        description="For `waypoints` of `get-drivers`. It holds the place, for an hour unless the operator says else."
    ),
]


class TaxiSuggestionsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed so far, and where the rider is."""

    address: Annotated[
        str,
        Meta(
            max_length=200,
            description="An address, a street, or the name of a place, or how one begins. Accents, case and a few wrong "
            "letters do not matter.",
            examples=["Manerheimintie 12"],
        ),
    ]
    latitude: Annotated[
        Latitude | None,
        Meta(description="Where the rider is: of what is alike the nearest comes first. With `longitude`."),
    ] = None
    longitude: Longitude | None = None


class TaxiSuggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A place that may be meant."""

    title: _TITLE
    subtitle: _SUBTITLE
    type: Annotated[Literal["ADDRESS", "STREET", "POI"], Meta(description="A POI is a place with a name of its own.")]
    coordinates: Coordinates
    token: _TOKEN


class TaxiSuggestions(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    items: Annotated[
        list[TaxiSuggestion], Meta(description="The likeliest first, at most 10; empty: nothing is like it.")
    ]


class TaxiPlaceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A point on the map."""

    longitude: Longitude
    latitude: Latitude


class TaxiPlace(msgspec.Struct, frozen=True, kw_only=True):
    """The point, called by what is there."""

    title: _TITLE
    subtitle: _SUBTITLE
    token: _TOKEN
