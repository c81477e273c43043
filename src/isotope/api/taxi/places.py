"""Taxi: from where, and where to."""

from typing import Final

from msgspec.structs import replace

from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing_types import Coordinates
from isotope.api.taxi_place_types import (
    TaxiPlace,
    TaxiPlaceRequest,
    TaxiSuggestion,
    TaxiSuggestions,
    TaxiSuggestionsRequest,
)
from isotope.domain.maps import PlacesUnavailable, sign_place
from isotope.domain.maps.model import Place, PlaceKind
from isotope.kernel.errors import Fault, Kind, Refusal, invalid
from isotope.kernel.geo import Point

_BASE: Final = "/openapi/v1.0/taxi"
_MOST: Final = 10


@operation(
    id="get_taxi_suggestions",
    tag="Taxi",
    title="Get taxi suggestions",
    method="POST",
    path=f"{_BASE}/get-suggestions",
    auth=Auth.PUBLIC,
    request=TaxiSuggestionsRequest,
    response=TaxiSuggestions,
    refusals=((Kind.UNAVAILABLE, "places_unavailable"),),
    request_example={"address": "Manerheimintie 12"},
)
async def get_taxi_suggestions(call: Call[TaxiSuggestionsRequest]) -> TaxiSuggestions:
    """Addresses, streets and places that are like what was typed, with a token each for `get-drivers`.

    Titles are in the caller's language (`Accept-Language`) where the place has a name in it. Without a point those in the
    middle of the operator's area come first.
    """
    body = call.body
    if (body.latitude is None) != (body.longitude is None):
        raise invalid(
            Fault("latitude" if body.latitude is None else "longitude", "latitude and longitude come together")
        )
    near = None if body.latitude is None or body.longitude is None else Point(body.latitude, body.longitude)
    try:
        found = await call.services.maps.finder.suggest(call.operator, body.address, near, _languages(call), _MOST)
    except PlacesUnavailable as error:
        raise _places_unavailable() from error
    key, now = await call.services.operators.get_token_key(call.operator), call.services.rt.clock.now()
    return TaxiSuggestions(
        items=[
            TaxiSuggestion(
                title=place.title,
                subtitle=place.subtitle,
                type=place.kind.value,
                coordinates=Coordinates(latitude=place.lat, longitude=place.lon),
                token=sign_place(key, call.operator, place, now),
            )
            for place in found
        ]
    )


@operation(
    id="get_taxi_place",
    tag="Taxi",
    title="Get place based on location",
    method="POST",
    path=f"{_BASE}/get-place",
    auth=Auth.PUBLIC,
    request=TaxiPlaceRequest,
    response=TaxiPlace,
    refusals=((Kind.UNAVAILABLE, "places_unavailable"),),
    request_example={"longitude": 24.9384, "latitude": 60.1699},
)
async def get_taxi_place(call: Call[TaxiPlaceRequest]) -> TaxiPlace:
    """A token for a point on the map, named after the nearest address or place within a short walk.

    The token holds the point itself, not that of the address: a rider is picked up where they put the pin. A point with
    nothing near it is called by its degrees.
    """
    at = Point(call.body.latitude, call.body.longitude)
    try:
        found = await call.services.maps.finder.find_place(call.operator, at, _languages(call))
    except PlacesUnavailable as error:
        raise _places_unavailable() from error
    if found is None:
        title = call.text("taxi_place_point", latitude=f"{at.lat:.5f}", longitude=f"{at.lon:.5f}")
        found = Place(lat=at.lat, lon=at.lon, title=title, kind=PlaceKind.POI)
    place = replace(found, lat=at.lat, lon=at.lon)
    key = await call.services.operators.get_token_key(call.operator)
    token = sign_place(key, call.operator, place, call.services.rt.clock.now())
    return TaxiPlace(title=place.title, subtitle=place.subtitle, token=token)


def _languages(call: Call[TaxiSuggestionsRequest] | Call[TaxiPlaceRequest]) -> tuple[str, ...]:
    """The reader's own. In none of the others: what is written on the spot serves better than a third language."""
    return call.languages[:1]


def _places_unavailable() -> Refusal:
    return Refusal(Kind.UNAVAILABLE, "places_unavailable", retry_after_s=2)
