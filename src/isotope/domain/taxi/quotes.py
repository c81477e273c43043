"""Quotes: a price that holds for a while, handed to the app as a signed token and back to us once.

A token binds whose it is, the way, the class with its tariff, the price, whether it is paid in cash, for when, and who
drives where one driver was asked for. The tariff stands in it, so that what is changed meanwhile changes nothing: the
price is made again from what was agreed, and must come out the same. That it works once is the unique `quote_id` of a
trip.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from isotope.domain.taxi import errors
from isotope.domain.taxi.model import Stop, TaxiTariff
from isotope.domain.tenants.model import Operator
from isotope.infra.signed import BadToken, TokenEnded, open_signed, sign
from isotope.kernel.errors import Fault, invalid
from isotope.kernel.ids import DriverId, RiderId, TaxiClassId
from isotope.kernel.polyline import thinned

PURPOSE: Final = "quote"
# What of a route is kept: about 200 bends.
_MOST_ROUTE: Final = 1_200
_MOST_TITLE: Final = 120


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says.

    Attributes:
        rider_id: None: the operator's own systems asked, for whomever they name then.
        surge: the factor, as text (`1.4`).
        total_minor: what `fares.quote_price` makes of the rest.
        scheduled_at: None: now.
        driver_id: the only driver who is offered the trip; None: whoever is found.
        route: the way as an encoded polyline, thinned.
    """

    id: UUID
    rider_id: RiderId | None
    class_id: TaxiClassId
    class_ref: str
    class_title: str
    tariff: TaxiTariff
    stops: tuple[Stop, ...]
    distance_m: int
    duration_s: int
    surge: str
    total_minor: int
    currency: str
    is_cash: bool
    scheduled_at: datetime | None = None
    driver_id: DriverId | None = None
    route: str = ""


def sign_quote(key: bytes, operator: Operator, quote: Quote, now: datetime) -> tuple[str, datetime]:
    """The token, and until when it works."""
    expires_at = now + timedelta(seconds=operator.settings.taxi.quote_s)
    return sign(key, PURPOSE, operator.id, quote, expires_at), expires_at


def open_quote(key: bytes, operator: Operator, token: str, now: datetime) -> Quote:
    """What the token says.

    Raises:
        Refusal: `validation_failed` (no token of ours), `quote_ended`.
    """
    try:
        return open_signed(key, PURPOSE, operator.id, token.strip(), Quote, now)[0]
    except TokenEnded as error:
        raise errors.quote_ended(operator.settings.taxi.quote_s) from error
    except BadToken as error:
        raise invalid(Fault("token", "a token of get-drivers is expected, as it was given")) from error


def short_stops(stops: tuple[Stop, ...]) -> tuple[Stop, ...]:
    """As they fit into a token: coordinates to a decimetre, titles that are not endless."""
    return tuple(
        Stop(
            lat=round(stop.lat, 6),
            lon=round(stop.lon, 6),
            title=stop.title[:_MOST_TITLE],
            subtitle=stop.subtitle[:_MOST_TITLE],
        )
        for stop in stops
    )


def short_route(polyline: str) -> str:
    """As it fits into a token; empty where it is no way that can be read."""
    try:
        return thinned(polyline, _MOST_ROUTE)
    except ValueError:
        return ""
