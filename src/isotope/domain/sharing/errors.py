"""Every no of the sharing room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from isotope.kernel.errors import Fault, Kind, Refusal, invalid
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, RideId
from isotope.kernel.money import Money
from isotope.kernel.vehicle_types import VehicleType

LOCK_RETRY_S: Final = 3
SETTLED_IN_S: Final = 5


def rider_blocked() -> Refusal:
    return Refusal(Kind.FORBIDDEN, "rider_blocked")


def balance_too_low(has: Money, needs: Money) -> Refusal:
    return Refusal(
        Kind.CONFLICT,
        "balance_too_low",
        {"has": has.text(), "needs": needs.text()},
        {"has_minor": has.amount_minor, "needs_minor": needs.amount_minor, "currency": has.currency},
    )


def too_many_rides(limit: int, vehicle_type: VehicleType | None = None) -> Refusal:
    """So many at once, reserved ones included: of the type, or of all without one."""
    return Refusal(
        Kind.CONFLICT,
        "too_many_rides",
        {"limit": limit, "type": "vehicles" if vehicle_type is None else vehicle_type},
        {"max_allowed_vehicles_per_user": limit, "vehicle_type": vehicle_type},
    )


def group_same_type(vehicle_type: VehicleType) -> Refusal:
    """Vehicles that one rider has at once are of one type, of which one is open already."""
    return Refusal(Kind.CONFLICT, "group_same_type", {"type": vehicle_type}, {"vehicle_type": vehicle_type})


def group_one_payer(method_id: str) -> Refusal:
    """Rides of one rider at once are paid with one method."""
    return Refusal(Kind.CONFLICT, "group_one_payer", {"method": method_id}, {"payment_method_id": method_id})


def addon_out_of_stock(addon_ids: Sequence[AddonId]) -> Refusal:
    """All of them are out with rides."""
    return Refusal(
        Kind.CONFLICT,
        "addon_out_of_stock",
        {"addons": ", ".join(map(str, addon_ids))},
        {"addon_ids": list(addon_ids)},
    )


def reservations_off() -> Refusal:
    """The operator keeps no vehicles."""
    return Refusal(Kind.CONFLICT, "reservations_off")


def reservation_cooldown(until: datetime, left_min: int) -> Refusal:
    """The last one was not used."""
    return Refusal(
        Kind.CONFLICT,
        "reservation_cooldown",
        {"minutes": left_min},
        {"cooldown_until": int(until.timestamp()), "left_minutes": left_min},
    )


def already_reserved(reservation_id: int) -> Refusal:
    """The rider has this vehicle reserved."""
    return Refusal(Kind.CONFLICT, "already_reserved", details={"reservation_id": reservation_id})


def no_more_extensions(limit: int) -> Refusal:
    return Refusal(Kind.CONFLICT, "no_more_extensions", {"limit": limit}, {"extensions": limit})


def reservation_not_found() -> Refusal:
    """The rider has no such reservation that still lasts."""
    return Refusal(Kind.NOT_FOUND, "reservation_not_found")


def reservation_ambiguous(reservation_ids: Sequence[int]) -> Refusal:
    """The rider has several and did not say which."""
    return Refusal(Kind.CONFLICT, "reservation_ambiguous", details={"reservation_ids": list(reservation_ids)})


def reservation_running() -> Refusal:
    """Why an account cannot be deleted now."""
    return Refusal(Kind.CONFLICT, "reservation_running")


def vehicle_battery_low(battery_pct: int, minimum_pct: int) -> Refusal:
    return Refusal(
        Kind.CONFLICT,
        "vehicle_battery_low",
        {"battery_pct": battery_pct, "minimum_pct": minimum_pct},
        {"battery_pct": battery_pct, "minimum_pct": minimum_pct},
    )


def vehicle_rental_only() -> Refusal:
    """Nobody takes it on the spot: it is rented for given dates."""
    return Refusal(Kind.CONFLICT, "vehicle_rental_only")


def vehicle_silent() -> Refusal:
    return Refusal(Kind.CONFLICT, "vehicle_silent")


def too_far(distance_m: int, limit_m: int) -> Refusal:
    return Refusal(
        Kind.CONFLICT,
        "too_far_from_vehicle",
        {"distance_m": distance_m, "limit_m": limit_m},
        {"distance_m": distance_m, "limit_m": limit_m},
    )


def unknown_addons(unknown: Sequence[AddonId], allowed: Sequence[AddonId]) -> Refusal:
    return Refusal(
        Kind.CONFLICT,
        "unknown_addons",
        {"unknown": ", ".join(map(str, unknown)), "allowed": ", ".join(map(str, allowed)) or "none"},
        {"unknown_addon_ids": list(unknown), "allowed_addon_ids": list(allowed)},
    )


def vehicle_did_not_unlock(code: str | None) -> Refusal:
    """The unit said no, or nothing: nobody is charged."""
    return Refusal(Kind.UNAVAILABLE, "vehicle_did_not_unlock", details={"reason": code}, retry_after_s=LOCK_RETRY_S)


def vehicle_did_not_lock(code: str | None) -> Refusal:
    """The ride goes on; asking again ends it even without the vehicle's word."""
    return Refusal(Kind.UNAVAILABLE, "vehicle_did_not_lock", details={"reason": code}, retry_after_s=LOCK_RETRY_S)


def vehicle_did_not_obey(code: str | None) -> Refusal:
    return Refusal(Kind.UNAVAILABLE, "vehicle_did_not_obey", details={"reason": code}, retry_after_s=LOCK_RETRY_S)


def ride_not_found() -> Refusal:
    return Refusal(Kind.NOT_FOUND, "ride_not_found")


def ride_ambiguous(ride_ids: Sequence[RideId]) -> Refusal:
    """The rider has several and did not say which."""
    return Refusal(Kind.CONFLICT, "ride_ambiguous", details={"active_ride_ids": list(ride_ids)})


def ride_busy(status: str) -> Refusal:
    """Another call on the same ride waits for the vehicle right now."""
    return Refusal(Kind.CONFLICT, "ride_busy", {"status": status}, {"ride_status": status}, retry_after_s=LOCK_RETRY_S)


def ride_not_paused() -> Refusal:
    return Refusal(Kind.CONFLICT, "ride_not_paused")


def ride_already_paused() -> Refusal:
    return Refusal(Kind.CONFLICT, "ride_already_paused")


def end_not_here(
    reason: str, zone_title: str | None, nearest: Point, distance_m: float, fine: Money | None = None
) -> Refusal:
    """`reason` is no_parking_zone, no_go_zone or outside_parking; `details` lead to the nearest legal place.

    With a `fine` the ride ends here for it, if it is accepted in the next call: `end_refused_<reason>_fine`.
    """
    return Refusal(
        Kind.CONFLICT,
        f"end_refused_{reason}" if fine is None else f"end_refused_{reason}_fine",
        {"zone": zone_title or "", "distance_m": round(distance_m), **_fine_param(fine)},
        {
            "reason": reason,
            "zone_title": zone_title,
            "nearest_parking": {"coordinates": _place(nearest), "distance_m": round(distance_m, 1)},
            "fine": _fine(fine),
        },
    )


def end_not_here_anywhere(reason: str, zone_title: str | None, fine: Money | None = None) -> Refusal:
    """As `end_not_here`, where no legal place is known."""
    return Refusal(
        Kind.CONFLICT,
        f"end_refused_{reason}_no_place" if fine is None else f"end_refused_{reason}_fine_no_place",
        {"zone": zone_title or "", **_fine_param(fine)},
        {"reason": reason, "zone_title": zone_title, "nearest_parking": None, "fine": _fine(fine)},
    )


def _place(point: Point) -> dict[str, float]:
    return {"latitude": round(point.lat, 7), "longitude": round(point.lon, 7)}


def _fine(fine: Money | None) -> dict[str, str] | None:
    return None if fine is None else {"amount": str(fine.to_decimal()), "currency": fine.currency}


def _fine_param(fine: Money | None) -> dict[str, str | int]:
    return {} if fine is None else {"fine": fine.text()}


def end_far_apart(distance_m: int, limit_m: int, vehicle: Point) -> Refusal:
    """The phone is not where the vehicle is; `details` say where that is."""
    return Refusal(
        Kind.CONFLICT,
        "end_refused_far_apart",
        {"distance_m": distance_m, "limit_m": limit_m},
        {
            "reason": "far_apart",
            "distance_m": distance_m,
            "limit_m": limit_m,
            "vehicle": {"coordinates": _place(vehicle)},
        },
    )


def end_position_unknown(fresh_s: int) -> Refusal:
    """The phone's position is too old, and the vehicle has told none lately."""
    return Refusal(
        Kind.CONFLICT,
        "end_refused_position_unknown",
        {"seconds": fresh_s},
        {"reason": "position_unknown", "phone_position_fresh_s": fresh_s},
    )


def ride_running() -> Refusal:
    """Why an account cannot be deleted now."""
    return Refusal(Kind.CONFLICT, "ride_running")


def command_not_for_riders(command: str) -> Refusal:
    return Refusal(Kind.FORBIDDEN, "command_not_for_riders", {"command": command})


def vehicle_not_ridden() -> Refusal:
    """A rider may command only what they ride."""
    return Refusal(Kind.FORBIDDEN, "vehicle_not_ridden")


def ride_over() -> Refusal:
    """There is nothing left to end."""
    return Refusal(Kind.CONFLICT, "ride_over")


def ride_not_ended() -> Refusal:
    """Only a ride that is over is refunded or fined."""
    return Refusal(Kind.CONFLICT, "ride_not_ended")


def ride_not_settled() -> Refusal:
    """A card is still being asked; in a moment it is known what it paid."""
    return Refusal(Kind.CONFLICT, "ride_not_settled", retry_after_s=SETTLED_IN_S)


def fine_out_of_range(most: Money) -> Refusal:
    """Nothing, or more than this operator fines."""
    return invalid(Fault("amount", f"must be more than 0 and at most {most.text()}"))


def fine_not_found() -> Refusal:
    """The ride has no such fine."""
    return Refusal(Kind.NOT_FOUND, "fine_not_found")
