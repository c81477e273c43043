"""Rows of the store as the nouns of the room."""

from typing import Any, Final

import msgspec

from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.taxi.model import (
    OfferStatus,
    Stop,
    TaxiClass,
    TaxiClassSpec,
    Trip,
    TripOffer,
    TripPayment,
    TripStatus,
    TripTerms,
)

CLASS_COLUMNS: Final = "operator_id, id, ref, title, spec, retired_at"
TRIP_COLUMNS: Final = """
    operator_id, id, rider_id, class_id, status, quote_id, driver_id, vehicle_id, wanted_driver_id, payment,
    payment_method_id, currency, terms, comment, pin, requested_at, scheduled_at, search_until, reoffers, accepted_at,
    arrived_at, started_at, ended_at, closed_at, outcome, closed_by, pickup_eta_s, driven_m, track_lat, track_lon, track_at,
    lines, taxes, total_minor, tax_minor, charged_bonus_minor, charged_balance_minor, charged_card_minor,
    card_pending_minor, debt_minor, cash_minor, cash_due_minor, refunded_minor, earned_minor, rating, rating_comment,
    rated_at, told, next_at
"""
OFFER_COLUMNS: Final = """
    operator_id, id, trip_id, driver_id, status, slot, offered_at, expires_at, eta_s, distance_m, answered_at, reason
"""
POINT_COLUMNS: Final = "lat, lon, title, subtitle, reached_at"


def class_row(*, spec: Any, **columns: Any) -> TaxiClass:
    """A row of CLASS_COLUMNS."""
    return TaxiClass(spec=msgspec.convert(spec, TaxiClassSpec), **columns)


def trip_row(*, status: str, payment: str, terms: Any, lines: Any, taxes: Any, told: list[str], **columns: Any) -> Trip:
    """A row of TRIP_COLUMNS."""
    return Trip(
        status=TripStatus(status),
        payment=TripPayment(payment),
        terms=msgspec.convert(terms, TripTerms),
        lines=msgspec.convert(lines, tuple[Line, ...]),
        taxes=msgspec.convert(taxes, tuple[TaxLine, ...]),
        told=tuple(told),
        **columns,
    )


def offer_row(*, status: str, **columns: Any) -> TripOffer:
    """A row of OFFER_COLUMNS."""
    return TripOffer(status=OfferStatus(status), **columns)


def stop_row(**columns: Any) -> Stop:
    """A row of POINT_COLUMNS."""
    return Stop(**columns)
