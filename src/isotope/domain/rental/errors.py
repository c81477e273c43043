"""The noes of rentals."""

from collections.abc import Sequence
from datetime import date, datetime
from math import ceil
from typing import Final

from isotope.domain.rental.local_time import local_text
from isotope.domain.rental.model import BookingStatus, OrderKind, RentalPackage
from isotope.kernel.errors import Fault, Kind, Refusal, invalid
from isotope.kernel.geo import Point
from isotope.kernel.money import Money

RETRY_S: Final = 3


def station_has_bookings(refs: list[str], bookings: int) -> Refusal:
    """A station is not retired under bookings that begin or end there."""
    return Refusal(Kind.CONFLICT, "station_has_bookings", {"refs": ", ".join(refs), "bookings": bookings})


def model_has_bookings(refs: list[str], bookings: int) -> Refusal:
    """A model is not retired under bookings of its vehicles."""
    return Refusal(Kind.CONFLICT, "model_has_bookings", {"refs": ", ".join(refs), "bookings": bookings})


def booking_not_found() -> Refusal:
    """The rider has no such booking."""
    return Refusal(Kind.NOT_FOUND, "booking_not_found")


def rider_blocked() -> Refusal:
    return Refusal(Kind.FORBIDDEN, "rider_blocked")


def booking_running() -> Refusal:
    """The rider has a booking that is not over."""
    return Refusal(Kind.CONFLICT, "booking_running")


def deposit_held() -> Refusal:
    """A deposit of the rider's is held until the vehicle was looked at."""
    return Refusal(Kind.CONFLICT, "deposit_held")


def booking_busy(order: OrderKind | None) -> Refusal:
    """The vehicle, or a card, has not answered what was asked before."""
    return Refusal(Kind.CONFLICT, "booking_busy", details={"waits_for": order}, retry_after_s=RETRY_S)


def booking_status(status: BookingStatus, allowed: Sequence[BookingStatus]) -> Refusal:
    """A booking that stands so cannot be treated so."""
    words = ", ".join(allowed)
    return Refusal(
        Kind.CONFLICT,
        "booking_status",
        {"status": status, "allowed": words},
        {"status": status, "allowed": list(allowed)},
    )


def too_early_to_pick_up(since: datetime, now: datetime) -> Refusal:
    left_min = ceil((since - now).total_seconds() / 60)
    return Refusal(
        Kind.CONFLICT,
        "too_early_to_pick_up",
        {"minutes": left_min},
        {"pick_up_from": int(since.timestamp()), "left_minutes": left_min},
    )


def too_late_to_pick_up(until: datetime) -> Refusal:
    """The vehicle is on its way to others."""
    return Refusal(Kind.CONFLICT, "too_late_to_pick_up", details={"pick_up_until": int(until.timestamp())})


def photos_needed(wanted: int, given: int) -> Refusal:
    """Of the vehicle as it stands; those of earlier tries count."""
    return Refusal(
        Kind.CONFLICT, "photos_needed", {"wanted": wanted, "given": given}, {"wanted": wanted, "given": given}
    )


def return_position_unknown(fresh_s: int) -> Refusal:
    """Neither the vehicle nor the phone said lately where it is."""
    return Refusal(Kind.CONFLICT, "return_position_unknown", {"seconds": fresh_s}, {"fresh_within_s": fresh_s})


def return_not_in_station(title: str, point: Point, distance_m: int) -> Refusal:
    """A vehicle is brought back to where it was picked up."""
    return Refusal(
        Kind.CONFLICT,
        "return_not_in_station",
        {"station": title, "distance_m": distance_m},
        {"station": title, "distance_m": distance_m, "latitude": point.lat, "longitude": point.lon},
    )


def rental_did_not_unlock(code: str | None) -> Refusal:
    """The unit said no, or nothing: the booking stands as before, perhaps with another vehicle."""
    return Refusal(Kind.UNAVAILABLE, "rental_did_not_unlock", details={"reason": code}, retry_after_s=RETRY_S)


def rental_did_not_lock(code: str | None) -> Refusal:
    """The booking goes on; asking again ends it even without the vehicle's word."""
    return Refusal(Kind.UNAVAILABLE, "rental_did_not_lock", details={"reason": code}, retry_after_s=RETRY_S)


def vehicle_did_not_obey(code: str | None) -> Refusal:
    return Refusal(Kind.UNAVAILABLE, "vehicle_did_not_obey", details={"reason": code}, retry_after_s=RETRY_S)


def extension_too_long(latest: datetime) -> Refusal:
    """So long the booking can last at most: until somebody else's begins, or by the operator's longest."""
    return Refusal(Kind.CONFLICT, "extension_too_long", details={"latest_end": int(latest.timestamp())})


def extension_not_later(ends_at: datetime) -> Refusal:
    """The new end is not after the old one, or it is over already."""
    return Refusal(Kind.CONFLICT, "extension_not_later", details={"ends_at": int(ends_at.timestamp())})


def station_closed(title: str, reason: str) -> Refusal:
    """Bookings begin and end while their station is open: `closed_hours`, or not on this day: `closed_day`."""
    return Refusal(Kind.CONFLICT, "station_closed", {"station": title}, {"station": title, "reason": reason})


def rental_addon_out_of_stock(addon_ids: Sequence[int], titles: Sequence[str]) -> Refusal:
    """All of them are booked by others for some of the time."""
    return Refusal(
        Kind.CONFLICT, "rental_addon_out_of_stock", {"addons": ", ".join(titles)}, {"addon_ids": list(addon_ids)}
    )


def deposit_to_confirm(redirect_url: str) -> Refusal:
    """The bank asks the rider; after that the pick-up works."""
    return Refusal(Kind.PAYMENT, "deposit_to_confirm", details={"redirect_url": redirect_url})


def deposit_too_high(has: Money, needs: Money) -> Refusal:
    """The wallet is to keep the deposit and has less."""
    return Refusal(
        Kind.CONFLICT,
        "deposit_too_high",
        {"balance": has.text(), "deposit": needs.text()},
        {"balance": float(has.to_decimal()), "deposit": float(needs.to_decimal())},
    )


def extension_unaffordable(has: Money, needs: Money) -> Refusal:
    """The wallet does not cover it, and there is no card."""
    return Refusal(
        Kind.PAYMENT,
        "extension_unaffordable",
        {"has": has.text(), "needs": needs.text()},
        {"has_minor": has.amount_minor, "needs_minor": needs.amount_minor, "currency": has.currency},
    )


def rental_zone_not_found() -> Refusal:
    return Refusal(Kind.NOT_FOUND, "rental_zone_not_found")


def rental_model_not_found() -> Refusal:
    """Unknown, or not for rent."""
    return Refusal(Kind.NOT_FOUND, "rental_model_not_found")


def booking_too_short(minimum_min: int) -> Refusal:
    return Refusal(Kind.CONFLICT, "booking_too_short", {"minutes": minimum_min}, {"minimum_minutes": minimum_min})


def booking_too_long(maximum_days: int) -> Refusal:
    return Refusal(Kind.CONFLICT, "booking_too_long", {"days": maximum_days}, {"maximum_days": maximum_days})


def booking_too_soon(lead_min: int, earliest: datetime) -> Refusal:
    """It is already over, or too near for the vehicle to be made ready."""
    return Refusal(
        Kind.CONFLICT, "booking_too_soon", {"minutes": lead_min}, {"earliest_pick_up": int(earliest.timestamp())}
    )


def booking_too_far_ahead(advance_days: int, latest: datetime) -> Refusal:
    return Refusal(
        Kind.CONFLICT, "booking_too_far_ahead", {"days": advance_days}, {"latest_pick_up": int(latest.timestamp())}
    )


def rider_too_young(minimum_age: int, *, is_known: bool) -> Refusal:
    """At the start; or nobody knows how old they are (`is_known`)."""
    return Refusal(
        Kind.FORBIDDEN, "rider_too_young", {"age": minimum_age}, {"minimum_age": minimum_age, "is_known": is_known}
    )


def licence_needed(category: str, expires_on: date | None = None) -> Refusal:
    """None was seen, none of the category, or it runs out before the end (`expires_on`)."""
    return Refusal(
        Kind.FORBIDDEN,
        "licence_needed",
        {"category": category or "any"},
        {"category": category, "expires_on": None if expires_on is None else expires_on.isoformat()},
    )


def too_many_bookings(most: int) -> Refusal:
    """Ahead and under way."""
    return Refusal(Kind.CONFLICT, "too_many_bookings", {"most": most}, {"most": most})


def too_many_bookings_lately(most: int) -> Refusal:
    return Refusal(Kind.CONFLICT, "too_many_bookings_lately", {"most": most}, {"most": most, "days": 30})


def package_not_available(available: Sequence[RentalPackage]) -> Refusal:
    """Unknown, not for this model, or the booking does not lie in its times; `details` has what could be taken."""
    return Refusal(
        Kind.CONFLICT,
        "package_not_available",
        {"available": ", ".join(f"{one.id} ({one.title})" for one in available) or "none"},
        {"available_package_ids": [one.id for one in available]},
    )


def unknown_addons(unknown: Sequence[int], allowed: Sequence[int]) -> Refusal:
    return Refusal(
        Kind.CONFLICT,
        "unknown_addons",
        {"unknown": ", ".join(map(str, unknown)), "allowed": ", ".join(map(str, allowed)) or "none"},
        {"unknown_addon_ids": list(unknown), "allowed_addon_ids": list(allowed)},
    )


def no_vehicle_free(next_start: datetime | None, time_zone: str) -> Refusal:
    """Every vehicle of the model is spoken for; from `next_start` on one is free for as long (None: not in sight)."""
    text = "none" if next_start is None else local_text(next_start, time_zone)
    return Refusal(
        Kind.CONFLICT,
        "no_vehicle_free",
        {"next": text},
        {
            "next_pick_up": None if next_start is None else int(next_start.timestamp()),
            "next_pick_up_date": None if next_start is None else text,
        },
    )


def booking_unaffordable(has: Money, needs: Money) -> Refusal:
    """No card pays it, and the wallet has less."""
    return Refusal(
        Kind.CONFLICT,
        "booking_unaffordable",
        {"has": has.text(), "needs": needs.text()},
        {"has_minor": has.amount_minor, "needs_minor": needs.amount_minor, "currency": has.currency},
    )


def claim_out_of_range(most: Money) -> Refusal:
    """Nothing, or more than this operator claims."""
    return invalid(Fault("amount", f"must be more than 0 and at most {most.text()}"))


def charge_not_found() -> Refusal:
    """The booking was not charged so."""
    return Refusal(Kind.NOT_FOUND, "charge_not_found")


def charge_not_settled() -> Refusal:
    """A card is still being asked for it."""
    return Refusal(Kind.CONFLICT, "charge_not_settled", retry_after_s=RETRY_S)
