"""Tokens of places: what an app sends back to say where a trip begins, stops and ends."""

from datetime import datetime, timedelta
from typing import Final

from isotope.domain.maps.model import Place
from isotope.domain.tenants.model import Operator
from isotope.infra.signed import open_signed, sign

PURPOSE: Final = "place"


def sign_place(key: bytes, operator: Operator, place: Place, now: datetime) -> str:
    """A token that holds the place, for `taxi.place_s`. `key`: `Operators.get_token_key`."""
    expires_at = now + timedelta(seconds=operator.settings.taxi.place_s)
    return sign(key, PURPOSE, operator.id, place, expires_at)


def open_place(key: bytes, operator: Operator, token: str, now: datetime) -> Place:
    """The place.

    Raises:
        BadToken: no token of a place of the operator's.
        TokenEnded
    """
    return open_signed(key, PURPOSE, operator.id, token.strip(), Place, now)[0]
