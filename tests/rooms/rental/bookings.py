"""Bookings as a pure rule sees them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from isotope.domain.rental.model import (
    Booking,
    BookingStatus,
    BookingTerms,
    Rates,
    RentalTariff,
    RentalTariffId,
    StationId,
)
from isotope.kernel.ids import BookingId, ModelId, OperatorId, RiderId, VehicleId

START = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
END = START + timedelta(hours=8)
TERMS = BookingTerms(
    tariff_id=RentalTariffId(1),
    tariff=RentalTariff(rates=Rates(hour_minor=1_000, day_minor=4_000)),
    time_zone="Europe/Helsinki",
    buffer_min=30,
    early_pick_up_min=15,
    no_show_min=60,
    late_grace_min=15,
    inspect_hours=24,
    prepare_min=60,
    remind_start_min=(1_440, 60),
    remind_end_min=(60,),
)


def a_booking(*told: str, **changes: Any) -> Booking:
    """UPCOMING, from START to END, paid two days before; `changes` stand instead."""
    fields: dict[str, Any] = {
        "operator_id": OperatorId(1),
        "id": BookingId(7),
        "rider_id": RiderId(2),
        "vehicle_id": VehicleId(3),
        "model_id": ModelId(4),
        "zone_id": StationId(5),
        "status": BookingStatus.UPCOMING,
        "starts_at": START,
        "ends_at": END,
        "currency": "EUR",
        "terms": TERMS,
        "payment_method_id": "wallet",
        "requested_at": START - timedelta(days=2),
        "confirmed_at": START - timedelta(days=2),
        "told": told,
    }
    return Booking(**(fields | changes))
