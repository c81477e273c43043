"""Section Rental. Importing it declares its operations."""

from isotope.api.rental import booking, damage, driving

__all__ = ["booking", "damage", "driving"]
