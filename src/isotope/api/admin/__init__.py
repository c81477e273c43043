"""Sections Sharing, Rental and Taxi dashboard: what staff do. Importing it declares their operations."""

from isotope.api.admin import (
    activity,
    alerts,
    drivers,
    maintenance,
    notifications,
    promo_codes,
    rentals,
    ride_money,
    rides,
    statistics,
    taxi_lists,
    trips,
    users,
    vehicle_notes,
    vehicle_status,
)

__all__ = [
    "activity",
    "alerts",
    "drivers",
    "maintenance",
    "notifications",
    "promo_codes",
    "rentals",
    "ride_money",
    "rides",
    "statistics",
    "taxi_lists",
    "trips",
    "users",
    "vehicle_notes",
    "vehicle_status",
]
