"""Section Sharing dashboard: what staff do. Importing it declares its operations."""

from isotope.api.admin import ride_money

__all__ = ["ride_money"]
