"""Picking up, stopping, bringing back: who may when and where. Pure.

May a booking be picked up (first match refuses)?

| fact                                                        | refusal              |
|-------------------------------------------------------------|----------------------|
| the rider is blocked                                        | rider_blocked        |
| it is not UPCOMING                                          | booking_status       |
| something is ordered of its vehicle and not settled         | booking_busy         |
| `early_pick_up_min` before the start is still to come       | too_early_to_pick_up |
| `no_show_min` after the start, or the end, have passed      | too_late_to_pick_up  |
| fewer pictures than the operator wants before               | photos_needed        |

May it be brought back (first match refuses)?

| fact                                                        | refusal                 |
|-------------------------------------------------------------|-------------------------|
| it is not ACTIVE                                            | booking_status          |
| something is ordered of its vehicle and not settled         | booking_busy            |
| neither vehicle nor phone says where it is (table below)    | return_position_unknown |
| not in its station, by more than `zone_tolerance_m`         | return_not_in_station   |
| fewer pictures than the operator wants after                | photos_needed           |

Which position counts (known: younger than `silent_after_s`, the phone's than `phone_position_fresh_s`):

| vehicle's known | phone's known | the booking is returned |
|-----------------|---------------|-------------------------|
| yes             |               | where the vehicle is    |
| no              | yes           | where the phone is      |
| no              | no            | nowhere                 |

A lock that was not confirmed refuses a return once; the next try, wherever the vehicle was not driven on in between
(`DRIVEN_M`), ends the booking on the rider's word, at the time of the first (docs/adr/0007, for rides).

What a vehicle must be to be handed out: READY or kept for this booking, heard of within `silent_after_s`, with the
model's least energy, and with a unit; and one that is shared as well must not have been left by a rider farther than
`ELSEWHERE_M` from the station.

Source: domain rules, Rental booking; issue "pick up from the allowed minutes before, photos before; return in the zone,
photos after, odometer and fuel or charge from the device, locked".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.fleet.model import LockedVehicle, VehicleState, VehicleStatus
from isotope.domain.rental import errors
from isotope.domain.rental.model import Booking, BookingStatus
from isotope.domain.rental.places import is_at
from isotope.domain.tenants.model import RentalSettings, RideSettings
from isotope.domain.zones import Shape
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point

DRIVEN_M: Final = 100
ENERGY_LOW: Final = "energy_low"
ELSEWHERE: Final = "elsewhere"
# More than any position is wrong by: a vehicle at the kerb in front of its station is not elsewhere.
ELSEWHERE_M: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonePosition:
    """Where a rider's phone was, and when."""

    point: Point
    at: datetime


def pick_up_from(booking: Booking) -> datetime:
    """The first instant at which it can be picked up."""
    return booking.starts_at - timedelta(minutes=booking.terms.early_pick_up_min)


def pick_up_until(booking: Booking) -> datetime:
    """The first instant at which it cannot any more."""
    return min(booking.ends_at, booking.starts_at + timedelta(minutes=booking.terms.no_show_min))


def may_pick_up(
    booking: Booking, settings: RentalSettings, now: datetime, *, blocked: bool, photos: int
) -> Refusal | None:
    """By the first table above. `photos`: taken by now."""
    if blocked:
        return errors.rider_blocked()
    if no := may_order(booking, BookingStatus.UPCOMING):
        return no
    if now < pick_up_from(booking):
        return errors.too_early_to_pick_up(pick_up_from(booking), now)
    if now >= pick_up_until(booking):
        return errors.too_late_to_pick_up(pick_up_until(booking))
    if photos < settings.photos_before:
        return errors.photos_needed(settings.photos_before, photos)
    return None


def may_order(booking: Booking, status: BookingStatus) -> Refusal | None:
    """Whether it has the status that an order is for, and none waits."""
    if booking.status is not status:
        return errors.booking_status(booking.status, (status,))
    if booking.order_kind is not None:
        return errors.booking_busy(booking.order_kind)
    return None


def position_at_return(
    state: VehicleState | None, phone: PhonePosition | None, rides: RideSettings, now: datetime
) -> Point | None:
    """By the third table above."""
    if state is not None and now - state.fix_at <= timedelta(seconds=rides.silent_after_s):
        return state.point
    if phone is not None and abs(now - phone.at) <= timedelta(seconds=rides.phone_position_fresh_s):
        return phone.point
    return None


def refused_return_at(booking: Booking, odometer_m: int | None) -> datetime | None:
    """When the lock first was not confirmed, if the vehicle was not driven on since; None: it was, or it never was so."""
    if booking.lock_refused_at is None:
        return None
    before_m = booking.end_odometer_m
    if before_m is not None and odometer_m is not None and odometer_m - before_m > DRIVEN_M:
        return None
    return booking.lock_refused_at


def why_not_handed_out(
    found: LockedVehicle,
    holder: str,
    *,
    place: Shape,
    minimum_energy_pct: int,
    silent_after_s: int,
    now: datetime,
) -> str | None:
    """By the last rule above, in one stable word; None: it can be handed out to the holder."""
    vehicle, state = found.vehicle, found.state
    kept = vehicle.status is VehicleStatus.RESERVED and vehicle.held_by == holder
    if vehicle.status is not VehicleStatus.READY and not kept:
        return "not_ready"
    if vehicle.device_id is None:
        return "no_device"
    if state is None or now - state.seen_at > timedelta(seconds=silent_after_s):
        return "silent"
    if found.model.spec.sharing and not is_at(place, state.point, ELSEWHERE_M):
        return ELSEWHERE
    return ENERGY_LOW if state.battery_pct < minimum_energy_pct else None


def driven_m(booking: Booking) -> int | None:
    """By the odometer; None: it did not say so at both ends."""
    start_m, end_m = booking.start_odometer_m, booking.end_odometer_m
    return None if start_m is None or end_m is None else max(0, end_m - start_m)


def missing_energy_pct(booking: Booking) -> int | None:
    """Points that it came back with fewer than it left with; None: it did not say so at both ends."""
    start, end = booking.start_energy_pct, booking.end_energy_pct
    return None if start is None or end is None else max(0, start - end)
