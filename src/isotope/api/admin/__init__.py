"""Sections Sharing, Rental and Taxi dashboard: what staff do. Importing it declares their operations."""

from isotope.api.admin import (
    alerts,
    drivers,
    maintenance,
    promo_codes,
    rentals,
    ride_money,
    statistics,
    taxi_lists,
    trips,
)

__all__ = [
    "alerts",
    "drivers",
    "maintenance",
    "promo_codes",
    "rentals",
    "ride_money",
    "statistics",
    "taxi_lists",
    "trips",
]
