"""What the worker does of a booking for which something is due. Pure.

By what `looks.looks_due` says (the first row that fits; `told` gets the words of everything that is due then):

| due                        | an order waits | also so                          | the booking                                  |
|----------------------------|----------------|----------------------------------|----------------------------------------------|
| GIVE_UP                    |                |                                  | is given up: UNPAID                          |
| NO_SHOW                    | yes            |                                  | is left: the vehicle has the word            |
| NO_SHOW                    | no             | its vehicle was there            | NO_SHOW, with the charge of its terms        |
| NO_SHOW                    | no             | it was not, or did not unlock    | CANCELLED, all is given back                 |
| PREPARE                    | yes            |                                  | is left                                      |
| PREPARE                    | no             |                                  | gets its vehicle kept, or another one        |
| END_DEPOSIT                |                | a charge of it is being asked for| is left                                      |
| END_DEPOSIT                |                | none is                          | gets its deposit ended                       |
| LATE, REMIND_*             |                |                                  | its rider is told, by the table below        |

A worker that slept tells no one what has passed (`told` gets the word all the same):

| due          | told to the rider                            |
|--------------|----------------------------------------------|
| REMIND_START | while the start is ahead                     |
| REMIND_END   | while the end is ahead                       |
| LATE         | always, and staff are called                 |

Source: domain rules, Rental booking.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from isotope.domain.rental.looks import Due, Look
from isotope.domain.rental.model import Booking


class Step(StrEnum):
    """What becomes of the booking now."""

    NOTHING = "NOTHING"
    GIVE_UP = "GIVE_UP"
    NO_SHOW = "NO_SHOW"
    NO_VEHICLE = "NO_VEHICLE"
    PREPARE = "PREPARE"
    END_DEPOSIT = "END_DEPOSIT"


class Watch(NamedTuple):
    """The step, what the rider is told, and the words that `told` gets by that."""

    step: Step
    tell: Due | None
    words: tuple[str, ...]


IDLE: Final = Watch(Step.NOTHING, None, ())


def plan_watch(
    booking: Booking, due: Sequence[Look], now: datetime, *, had_vehicle: bool = True, is_charging: bool = False
) -> Watch:
    """By the tables above.

    `had_vehicle`: the booking's vehicle was kept for it, and no try to unlock it failed. `is_charging`: a card is being
    asked for something that the deposit may have to pay.
    """
    kinds = {look.what for look in due}
    waits = booking.order_kind is not None
    if Due.GIVE_UP in kinds:
        return Watch(Step.GIVE_UP, None, ())
    if Due.NO_SHOW in kinds:
        if waits:
            return IDLE
        return Watch(Step.NO_SHOW if had_vehicle else Step.NO_VEHICLE, None, ())
    if Due.END_DEPOSIT in kinds:
        return IDLE if is_charging else Watch(Step.END_DEPOSIT, None, ())
    words = tuple(look.word for look in due if look.word and look.what is not Due.PREPARE)
    step = Step.PREPARE if Due.PREPARE in kinds and not waits else Step.NOTHING
    return Watch(step, _told(booking, kinds, now), words)


def _told(booking: Booking, kinds: set[Due], now: datetime) -> Due | None:
    if Due.LATE in kinds:
        return Due.LATE
    if Due.REMIND_END in kinds and now < booking.ends_at:
        return Due.REMIND_END
    if Due.REMIND_START in kinds and now < booking.starts_at:
        return Due.REMIND_START
    return None
