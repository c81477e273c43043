"""Section Sharing dashboard: what staff do. Importing it declares its operations."""

from isotope.api.admin import promo_codes, ride_money

__all__ = ["promo_codes", "ride_money"]
