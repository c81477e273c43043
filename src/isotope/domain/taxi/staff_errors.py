"""The noes to staff."""

from isotope.kernel.errors import Kind, Refusal


def trip_not_settled() -> Refusal:
    """What pays the trip is not known yet."""
    return Refusal(Kind.CONFLICT, "trip_not_settled")


def trip_has_driver() -> Refusal:
    """Somebody drives it, or has promised to."""
    return Refusal(Kind.CONFLICT, "trip_has_driver")
