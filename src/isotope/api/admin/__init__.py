"""Section Sharing dashboard: what staff do. Importing it declares its operations."""

from isotope.api.admin import alerts, promo_codes, ride_money

__all__ = ["alerts", "promo_codes", "ride_money"]
