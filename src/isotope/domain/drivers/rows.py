"""Rows of the store as the nouns of the room."""

from typing import Any, Final

from isotope.domain.drivers.model import (
    DocumentStatus,
    Driver,
    DriverDocument,
    DriverState,
    DriverStatus,
    TaxiVehicle,
)
from isotope.kernel.ids import TaxiClassId

DRIVER_COLUMNS: Final = """
    operator_id, id, name, email, phone_prefix, phone, language, status, cash_allowed, commission_pct, rating_sum,
    rating_count, created_at
"""
VEHICLE_COLUMNS: Final = "operator_id, id, plate, title, color, seats, class_ids, retired_at"
STATE_COLUMNS: Final = """
    operator_id, driver_id, is_online, vehicle_id, class_ids, lat, lon, heading_deg, position_at, seen_at, online_since,
    idle_since
"""
DOCUMENT_COLUMNS: Final = "operator_id, id, driver_id, kind, status, created_at, expires_on, reason, reviewed_at"


def driver_row(*, status: str, **columns: Any) -> Driver:
    """A row of DRIVER_COLUMNS."""
    return Driver(status=DriverStatus(status), **columns)


def vehicle_row(*, class_ids: list[TaxiClassId], **columns: Any) -> TaxiVehicle:
    """A row of VEHICLE_COLUMNS."""
    return TaxiVehicle(class_ids=tuple(class_ids), **columns)


def state_row(*, class_ids: list[TaxiClassId], **columns: Any) -> DriverState:
    """A row of STATE_COLUMNS."""
    return DriverState(class_ids=tuple(class_ids), **columns)


def document_row(*, status: str, **columns: Any) -> DriverDocument:
    """A row of DOCUMENT_COLUMNS."""
    return DriverDocument(status=DocumentStatus(status), **columns)
