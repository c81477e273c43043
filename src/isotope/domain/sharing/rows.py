"""Rows of the store as the nouns of the room."""

from typing import Any

import msgspec

from isotope.domain.pricing.model import AtEnd, Line, TaxLine
from isotope.domain.sharing.model import (
    NO_PLAN,
    EndPlan,
    EventKind,
    Outcome,
    ReviewStatus,
    Ride,
    RideEvent,
    RideStatus,
    Terms,
)
from isotope.kernel.geo import Point

RIDE_COLUMNS = """
    operator_id, id, rider_id, vehicle_id, model_id, status, currency, terms, requested_at, started_at, ended_at,
    start_lat, start_lon, start_odometer_m, command_id, ending_at, end_lat, end_lon, outcome, distance_m, lines, total_minor, tax_minor, taxes,
    charged_bonus_minor, charged_balance_minor, charged_card_minor, card_pending_minor, debt_minor,
    at_end, review_status, review_reasons, end_plan, earned_bonus_minor
"""


def ride_row(
    *,
    status: str,
    terms: Any,
    start_lat: float,
    start_lon: float,
    end_lat: float | None,
    end_lon: float | None,
    outcome: str | None,
    lines: Any,
    taxes: Any,
    at_end: Any,
    review_status: str | None,
    review_reasons: list[str],
    end_plan: Any,
    **columns: Any,
) -> Ride:
    """A row of RIDE_COLUMNS."""
    return Ride(
        status=RideStatus(status),
        terms=msgspec.convert(terms, Terms),
        start=Point(start_lat, start_lon),
        end=None if end_lat is None or end_lon is None else Point(end_lat, end_lon),
        outcome=None if outcome is None else Outcome(outcome),
        lines=None if lines is None else msgspec.convert(lines, tuple[Line, ...]),
        taxes=None if taxes is None else msgspec.convert(taxes, tuple[TaxLine, ...]),
        at_end=None if at_end is None else msgspec.convert(at_end, AtEnd),
        review_status=None if review_status is None else ReviewStatus(review_status),
        review_reasons=tuple(review_reasons),
        end_plan=NO_PLAN if end_plan is None else msgspec.convert(end_plan, EndPlan),
        **columns,
    )


def event_row(*, kind: str, **columns: Any) -> RideEvent:
    """A row of ride_event."""
    return RideEvent(kind=EventKind(kind), **columns)
