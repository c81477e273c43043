"""Rows of the store as the nouns of the room."""

from typing import Any, Final

import msgspec

from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingRefund,
    BookingStatus,
    BookingTerms,
    ChargeKind,
    ChargeStatus,
    DepositStatus,
    OrderKind,
    RefundKind,
    Station,
    StationSpec,
)
from isotope.kernel.geo import Point

BOOKING_COLUMNS: Final = """
    operator_id, id, rider_id, vehicle_id, model_id, zone_id, status, starts_at, ends_at, currency, terms,
    payment_method_id, requested_at, hold_until, confirmed_at, picked_up_at, returned_at, closed_at, outcome,
    order_kind, command_id, ordered_at, start_odometer_m, end_odometer_m, start_energy_pct, end_energy_pct,
    end_lat, end_lon, lock_confirmed, lock_refused_at, deposit_minor, deposit_status, deposit_captured_minor,
    inspect_until, told, next_at
"""
CHARGE_COLUMNS: Final = """
    operator_id, id, booking_id, kind, status, currency, lines, taxes, total_minor, tax_minor, charged_bonus_minor,
    charged_balance_minor, charged_card_minor, card_pending_minor, debt_minor, ends_at, ended_at_before, code, reason,
    actor, key, opened_at, settled_at
"""
REFUND_COLUMNS: Final = """
    operator_id, id, booking_id, charge_id, kind, amount_minor, taxes, bonus_minor, balance_minor, card_minor,
    debt_minor, to_bonus_minor, to_balance_minor, to_debt_minor, to_card_minor, card_pending_minor, reason, actor, key,
    at
"""
STATION_COLUMNS: Final = "operator_id, id, ref, title, lat, lon, area, radius_m, spec"


def booking_row(
    *,
    status: str,
    terms: Any,
    order_kind: str | None,
    end_lat: float | None,
    end_lon: float | None,
    deposit_status: str,
    told: list[str],
    **columns: Any,
) -> Booking:
    """A row of BOOKING_COLUMNS."""
    return Booking(
        status=BookingStatus(status),
        terms=msgspec.convert(terms, BookingTerms),
        order_kind=None if order_kind is None else OrderKind(order_kind),
        end=None if end_lat is None or end_lon is None else Point(end_lat, end_lon),
        deposit_status=DepositStatus(deposit_status),
        told=tuple(told),
        **columns,
    )


def charge_row(*, kind: str, status: str, lines: Any, taxes: Any, **columns: Any) -> BookingCharge:
    """A row of CHARGE_COLUMNS."""
    return BookingCharge(
        kind=ChargeKind(kind),
        status=ChargeStatus(status),
        lines=msgspec.convert(lines, tuple[Line, ...]),
        taxes=msgspec.convert(taxes, tuple[TaxLine, ...]),
        **columns,
    )


def refund_row(*, kind: str, taxes: Any, **columns: Any) -> BookingRefund:
    """A row of REFUND_COLUMNS."""
    return BookingRefund(kind=RefundKind(kind), taxes=msgspec.convert(taxes, tuple[TaxLine, ...]), **columns)


def station_row(*, lat: float, lon: float, spec: Any, **columns: Any) -> Station:
    """A row of STATION_COLUMNS."""
    return Station(point=Point(lat, lon), spec=msgspec.convert(spec, StationSpec), **columns)
