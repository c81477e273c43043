"""The decisions of a reservation: pure functions from facts to outcomes.

May a vehicle be reserved (first match refuses; overrides as for a start, see `sharing.rules`)?

| fact                                                        | refusal                |
|-------------------------------------------------------------|------------------------|
| the operator has no reservations (`minutes` 0)              | reservations_off       |
| whatever of the rider refuses a start                       | as there               |
| an unused one ended less than `cooldown_min` ago            | reservation_cooldown   |
| the rider has this vehicle reserved already                 | already_reserved       |
| whatever of the vehicle refuses a start                     | as there               |
| rider farther away than `distance_m`                        | too_far_from_vehicle   |
| a payment method that refuses a start                       | as there               |
| somebody has it booked before a ride could start at its end | vehicle_booked         |

What becomes of one that is not used (`EXPIRED`, `CANCELLED`), and what of the rider's next:

| ended                                                       | costs      | next            |
|-------------------------------------------------------------|------------|-----------------|
| cancelled within `GRACE_S`, none forgiven in `FORGIVEN_H`   | nothing    | at once         |
| otherwise                                                   | its fee    | after `cooldown_min` |

A used one costs its fee with the ride, which is taken off again with `credit_on_unlock`, and lets the next follow at
once. A reservation whose ride never began, through no act of the rider's, is neither billed nor unused.

The fee: NONE nothing; FIXED `fee_minor` once, however often it is extended; PER_MINUTE `fee_minor` for each started
minute from the reserving to the end, at most to `expires_at`. Source: domain rules, "Sharing ride".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.pricing import Bill, ReservationFee, Words, english, minutes, same_rate, tax_lines
from isotope.domain.pricing.model import Line
from isotope.domain.sharing import errors
from isotope.domain.sharing.reservations import Reservation, ReservationStatus, Unused
from isotope.domain.sharing.rules import (
    StartFacts,
    request_may_be_met,
    rider_may_ride,
    vehicle_is_near,
    vehicle_may_be_taken,
)
from isotope.domain.tenants.model import Operator, ReservationSettings
from isotope.kernel.errors import Refusal

# A slip of the finger costs nothing, once in a while: without the second bound a vehicle could be kept for ever, free.
GRACE_S: Final = 60
FORGIVEN_H: Final = 24
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ReserveFacts:
    """What a reservation is decided on. `start` is what a start would be decided on, without add-ons."""

    settings: ReservationSettings
    unused: Unused
    start: StartFacts


def may_reserve(facts: ReserveFacts) -> Refusal | None:
    """The first reason against it (first table above), or None."""
    if not facts.settings.minutes:
        return errors.reservations_off()
    if no := rider_may_ride(facts.start):
        return no
    now = facts.start.now
    until = cooldown_until(facts.settings, facts.unused, now)
    if until is not None:
        return errors.reservation_cooldown(until, minutes(-(-(until - now) // _SECOND)))
    if facts.start.reservation_id is not None:
        return errors.already_reserved(facts.start.reservation_id)
    return (
        vehicle_may_be_taken(facts.start)
        or vehicle_is_near(facts.start, facts.settings.distance_m)
        or request_may_be_met(facts.start)
    )


def cooldown_until(settings: ReservationSettings, unused: Unused, now: datetime) -> datetime | None:
    """When the rider may reserve again; None: now."""
    if unused.counted_at is None:
        return None
    until = unused.counted_at + timedelta(minutes=settings.cooldown_min)
    return until if until > now else None


def free_until(operator: Operator, expires_at: datetime) -> datetime:
    """Nobody may have a reserved vehicle booked before this: else its rider could not ride it when they get there."""
    return expires_at + timedelta(minutes=operator.settings.rentals.prepare_min)


def may_extend(reservation: Reservation, now: datetime) -> Refusal | None:
    """It is extended while it lasts, as often as was agreed."""
    if not reservation.is_active or reservation.expires_at <= now:
        return errors.reservation_not_found()
    if reservation.extended >= reservation.terms.extensions:
        return errors.no_more_extensions(reservation.terms.extensions)
    return None


def is_forgiven(reservation: Reservation, unused: Unused, status: ReservationStatus, at: datetime) -> bool:
    """By the second table above."""
    if status is not ReservationStatus.CANCELLED or at - reservation.reserved_at > timedelta(seconds=GRACE_S):
        return False
    return unused.forgiven_at is None or at - unused.forgiven_at >= timedelta(hours=FORGIVEN_H)


def reserved_min(reservation: Reservation, until: datetime) -> int:
    """Started minutes of it; at most to its end."""
    return minutes(max(0, (min(until, reservation.expires_at) - reservation.reserved_at) // _SECOND))


def fee_minor(reservation: Reservation, until: datetime) -> int:
    """What has run up, in prices of the tariff."""
    match reservation.terms.fee:
        case "NONE":
            return 0
        case "FIXED":
            return reservation.terms.fee_minor
        case "PER_MINUTE":
            return reservation.terms.fee_minor * reserved_min(reservation, until)


def fee_of_ride(reservation: Reservation, now: datetime) -> ReservationFee:
    """What the ride that begins now is billed for the reservation."""
    return ReservationFee(
        id=reservation.id,
        minutes=reserved_min(reservation, now),
        amount_minor=fee_minor(reservation, now),
        credited=reservation.terms.credit_on_unlock,
    )


def bill_unused(reservation: Reservation, until: datetime, *, forgiven: bool = False, words: Words = english) -> Bill:
    """What an unused one costs: one line, and the tax of the model's tariff."""
    terms = reservation.terms
    amount_minor = 0 if forgiven else fee_minor(reservation, until)
    rate = same_rate(terms.tax_rate)
    lines: tuple[Line, ...] = ()
    if amount_minor:
        lines = (_line(words, "reservation_fee", amount_minor, rate, minutes=reserved_min(reservation, until)),)
    taxes = tax_lines([(rate, amount_minor)], inclusive=terms.tax_inclusive)
    lines += tuple(
        _line(words, "tax", tax.tax_minor, rate_pct=tax.pct)
        for tax in taxes
        if tax.tax_minor and not terms.tax_inclusive
    )
    return Bill(
        lines=lines,
        net_minor=sum(tax.net_minor for tax in taxes),
        tax_minor=sum(tax.tax_minor for tax in taxes),
        total_minor=sum(tax.gross_minor for tax in taxes),
        taxes=taxes,
    )


def _line(words: Words, code: str, amount_minor: int, tax_rate: str | None = None, **params: str | int) -> Line:
    return Line(
        code=code,
        text=words(f"line_{code}", **params),
        quantity=1,
        unit_price_minor=amount_minor,
        amount_minor=amount_minor,
        tax_rate=tax_rate,
        params=params,
    )
