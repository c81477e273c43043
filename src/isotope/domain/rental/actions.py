"""What a booking's rider can do with it now. Pure.

| status           | actions                                                        |
|------------------|----------------------------------------------------------------|
| AWAITING_PAYMENT | CANCEL                                                         |
| UPCOMING         | CANCEL, EXTEND; PICK_UP in its time                            |
| ACTIVE           | UNLOCK, LOCK, EXTEND, RETURN, REPORT_DAMAGE                    |
| ENDED            | REPORT_DAMAGE                                                  |
| others           | none                                                           |

PAY comes first where a bank waits for the rider. While the vehicle or a card is asked something, only it and
REPORT_DAMAGE are there.
"""

from datetime import datetime
from enum import StrEnum

from isotope.domain.rental.driving import pick_up_from, pick_up_until
from isotope.domain.rental.model import Booking, BookingStatus


class Action(StrEnum):
    """The call of the same name in the section Rental; PAY: the page at `redirect_url`."""

    PAY = "PAY"
    CANCEL = "CANCEL"
    PICK_UP = "PICK_UP"
    UNLOCK = "UNLOCK"
    LOCK = "LOCK"
    EXTEND = "EXTEND"
    RETURN = "RETURN"
    REPORT_DAMAGE = "REPORT_DAMAGE"


def allowed_actions(booking: Booking, now: datetime, *, is_to_confirm: bool) -> list[Action]:
    """By the table, in its order."""
    found = [Action.PAY] if is_to_confirm else []
    is_busy = booking.order_kind is not None
    match booking.status:
        case BookingStatus.AWAITING_PAYMENT:
            found += [Action.CANCEL]
        case BookingStatus.UPCOMING if not is_busy:
            is_time = pick_up_from(booking) <= now < pick_up_until(booking)
            found += [Action.CANCEL, *([Action.PICK_UP] if is_time else []), Action.EXTEND]
        case BookingStatus.ACTIVE:
            found += [] if is_busy else [Action.UNLOCK, Action.LOCK, Action.EXTEND, Action.RETURN]
            found += [Action.REPORT_DAMAGE]
        case BookingStatus.ENDED:
            found += [Action.REPORT_DAMAGE]
        case _:
            pass
    return found
