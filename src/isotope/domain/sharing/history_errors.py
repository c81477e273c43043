"""Every no about ratings."""

from isotope.kernel.errors import Kind, Refusal


def ride_not_rateable() -> Refusal:
    """Only a ride that ended is rated."""
    return Refusal(Kind.CONFLICT, "ride_not_rateable")


def ride_rated_already() -> Refusal:
    """A ride is rated once."""
    return Refusal(Kind.CONFLICT, "ride_rated_already")
