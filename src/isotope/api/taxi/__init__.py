"""Section Taxi. Importing it declares its operations."""

from isotope.api.taxi import lists, places, prices, rides

__all__ = ["lists", "places", "prices", "rides"]
