"""What staff may do about bookings. Pure.

| role      | look | personal data, money, pictures | cancel | claim                             | refund                               |
|-----------|------|--------------------------------|--------|-----------------------------------|--------------------------------------|
| owner     | yes  | yes                            | yes    | up to `claim_maximum_minor`       | up to what was charged               |
| manager   | yes  | yes                            | yes    | up to `claim_maximum_minor`       | up to what was charged               |
| support   | yes  | yes                            | yes    | up to `support_refund_minor` each | up to `support_refund_minor` of a booking in all |
| operator  | yes  | no                             | no     | no                                | no                                   |
| read_only | yes  | no                             | no     | no                                | no                                   |

May something be claimed (first match refuses)?

| fact                                      | refusal             |
|-------------------------------------------|---------------------|
| the role never claims                     | role_not_allowed    |
| it was not picked up and brought back     | booking_status      |
| amount < 1 or above `claim_maximum_minor` | a fault of `amount` |
| above the role's limit                    | role_limit_reached  |

May a charge be given back (first match refuses)?

| fact                                      | refusal             |
|-------------------------------------------|---------------------|
| the role never refunds                    | role_not_allowed    |
| a card is still being asked for it        | charge_not_settled  |
| an earlier refund is still on its way     | refund_running      |
| amount < 1 or more than is left of it     | refund_too_high     |
| above the role's limit                    | role_limit_reached  |

May a booking be cancelled by staff (first match refuses)? All that was paid goes back.

| fact                                      | refusal             |
|-------------------------------------------|---------------------|
| the role never does                       | role_not_allowed    |
| neither AWAITING_PAYMENT nor UPCOMING     | booking_status      |
| its vehicle, or a card, is being asked    | booking_busy        |

Source: domain rules, Rental booking ("operator cancel = full refund"; "new damage => report, ..., optional charge").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isotope.domain.payments import refund_running, refund_too_high
from isotope.domain.pricing import english
from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.rental import errors
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingPrice,
    BookingRefund,
    BookingStatus,
    ChargeStatus,
    DepositStatus,
)
from isotope.domain.tenants import Right, has_right, may, role_limit_reached
from isotope.domain.tenants.model import Role, Settings
from isotope.kernel.errors import Refusal
from isotope.kernel.money import Money

CANCELLABLE: Final = (BookingStatus.AWAITING_PAYMENT, BookingStatus.UPCOMING)


def sees_riders(role: Role) -> bool:
    """Whether the role is shown who has booked, what they paid and pictured."""
    return has_right(role, Right.SEE_PEOPLE)


def may_treat(role: Role) -> Refusal | None:
    """Whether the role cancels, claims and refunds at all."""
    return may(role, Right.TREAT_RIDERS)


def may_cancel(role: Role, booking: Booking) -> Refusal | None:
    """By the last table above."""
    if no := may_treat(role):
        return no
    if booking.status not in CANCELLABLE:
        return errors.booking_status(booking.status, CANCELLABLE)
    if booking.order_kind is not None or booking.deposit_status is DepositStatus.ASKED:
        return errors.booking_busy(booking.order_kind)
    return None


def may_claim(settings: Settings, role: Role, booking: Booking, amount_minor: int) -> Refusal | None:
    """By the second table above."""
    if no := may_treat(role):
        return no
    if booking.status is not BookingStatus.ENDED:
        return errors.booking_status(booking.status, [BookingStatus.ENDED])
    most = settings.rentals.claim_maximum_minor
    if not 0 < amount_minor <= most:
        return errors.claim_out_of_range(Money(most, booking.currency))
    limit = settings.payments.support_refund_minor
    if role is Role.SUPPORT and amount_minor > limit:
        return role_limit_reached(role, Money(limit, booking.currency))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """What is known when staff want to give `amount_minor` of a charge back (None: all that is left).

    `refunds`: all of the booking.
    """

    settings: Settings
    role: Role
    charge: BookingCharge
    refunds: Sequence[BookingRefund]
    amount_minor: int | None

    @property
    def left_minor(self) -> int:
        """What of the charge was not given back yet."""
        if self.charge.status is ChargeStatus.FAILED:
            return 0
        return self.charge.total_minor - sum(one.amount_minor for one in self._done)

    @property
    def wanted_minor(self) -> int:
        return self.left_minor if self.amount_minor is None else self.amount_minor

    @property
    def is_refund_running(self) -> bool:
        return any(one.card_pending_minor for one in self._done)

    @property
    def _done(self) -> list[BookingRefund]:
        return [one for one in self.refunds if one.charge_id == self.charge.id]


def may_refund(facts: RefundFacts) -> Refusal | None:
    """By the third table above."""
    currency = facts.charge.currency
    no = may_treat(facts.role)
    if no is None and facts.charge.status is ChargeStatus.PENDING:
        no = errors.charge_not_settled()
    if no is None and facts.is_refund_running:
        no = refund_running()
    if no is None and not 0 < facts.wanted_minor <= facts.left_minor:
        no = refund_too_high(Money(facts.left_minor, currency))
    if no is None and facts.role is Role.SUPPORT:
        # What the booking's own terms gave back is nobody's favour.
        used = sum(one.amount_minor for one in facts.refunds if one.key is not None)
        left = facts.settings.payments.support_refund_minor - used
        if facts.wanted_minor > left:
            no = role_limit_reached(facts.role, Money(max(0, left), currency))
    return no


def claim_price(amount_minor: int) -> BookingPrice:
    """Amends for damage and such are no supply of anything: they bear no tax."""
    line = Line(
        code="rental_claim",
        text=english("line_rental_claim"),
        quantity=1,
        unit_price_minor=amount_minor,
        amount_minor=amount_minor,
        tax_rate="0",
    )
    tax = TaxLine(rate="0", net_minor=amount_minor, tax_minor=0, gross_minor=amount_minor)
    return BookingPrice(lines=(line,), taxes=(tax,), net_minor=amount_minor, tax_minor=0, total_minor=amount_minor)
