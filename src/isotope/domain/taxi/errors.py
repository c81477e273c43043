"""The noes of taxi."""

from collections.abc import Sequence

from isotope.domain.taxi.model import TripStatus
from isotope.kernel.errors import Kind, Refusal
from isotope.kernel.ids import TripId
from isotope.kernel.money import Money


def trip_not_found() -> Refusal:
    """There is no such trip of the caller's."""
    return Refusal(Kind.NOT_FOUND, "trip_not_found")


def trip_status(status: TripStatus, allowed: Sequence[TripStatus]) -> Refusal:
    """A trip that stands so cannot be treated so."""
    return Refusal(
        Kind.CONFLICT,
        "trip_status",
        {"status": status, "allowed": ", ".join(allowed) or "-"},
        {"status": status, "allowed": list(allowed)},
    )


def trip_running() -> Refusal:
    """The rider has a trip that is not over, or not paid."""
    return Refusal(Kind.CONFLICT, "trip_running")


def rider_blocked() -> Refusal:
    return Refusal(Kind.FORBIDDEN, "rider_blocked")


def no_route() -> Refusal:
    """No road joins the points."""
    return Refusal(Kind.CONFLICT, "no_route")


def roads_unavailable() -> Refusal:
    """The road engine says nothing."""
    return Refusal(Kind.UNAVAILABLE, "roads_unavailable", retry_after_s=2)


def quote_ended(seconds: int) -> Refusal:
    """The price was held for so long."""
    return Refusal(Kind.CONFLICT, "quote_ended", {"seconds": seconds}, {"seconds": seconds})


def quote_used(trip_id: TripId | None) -> Refusal:
    """A trip was requested with it; whose it is, is told which."""
    return Refusal(Kind.CONFLICT, "quote_used", {}, {"ride_id": trip_id})


def class_not_offered() -> Refusal:
    """The operator took the class back since the price was asked for."""
    return Refusal(Kind.CONFLICT, "class_not_offered")


def cash_not_taken() -> Refusal:
    """Neither the operator nor this class takes cash."""
    return Refusal(Kind.CONFLICT, "cash_not_taken")


def quote_is_for_cash() -> Refusal:
    """Another way of paying was named."""
    return Refusal(Kind.CONFLICT, "quote_is_for_cash")


def quote_is_not_for_cash() -> Refusal:
    """Cash was named."""
    return Refusal(Kind.CONFLICT, "quote_is_not_for_cash")


def trip_unaffordable(has: Money, needs: Money) -> Refusal:
    """The wallet is to pay, and holds less than the price."""
    return Refusal(
        Kind.CONFLICT,
        "trip_unaffordable",
        {"has": has.text(), "needs": needs.text()},
        {"has_minor": has.amount_minor, "needs_minor": needs.amount_minor, "currency_code": has.currency},
    )


def driver_not_available() -> Refusal:
    """The driver who was asked for cannot take the trip: offline, busy, elsewhere, of another class, or unknown."""
    return Refusal(Kind.CONFLICT, "driver_not_available")


def too_many_trips(most: int, trip_id: TripId) -> Refusal:
    """As many trips of the rider's are under way as may be; `trip_id`: the newest."""
    return Refusal(Kind.CONFLICT, "too_many_trips", {"most": most}, {"most": most, "ride_id": trip_id})


def too_many_scheduled_trips(most: int) -> Refusal:
    """As many trips for later are ordered as may be."""
    return Refusal(Kind.CONFLICT, "too_many_scheduled_trips", {"most": most}, {"most": most})


def scheduled_trips_off() -> Refusal:
    """The operator takes no orders for later."""
    return Refusal(Kind.CONFLICT, "scheduled_trips_off")


def schedule_too_soon(minutes: int) -> Refusal:
    """At the earliest so long from now."""
    return Refusal(Kind.CONFLICT, "schedule_too_soon", {"minutes": minutes}, {"minutes": minutes})


def schedule_too_far(days: int) -> Refusal:
    """At the latest so long from now."""
    return Refusal(Kind.CONFLICT, "schedule_too_far", {"days": days}, {"days": days})
