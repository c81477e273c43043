"""What staff may do about trips. Pure.

| role      | look | who rides, the money | assign a driver | cancel, end | refund                                    | drivers' balances |
|-----------|------|----------------------|-----------------|-------------|-------------------------------------------|-------------------|
| owner     | yes  | yes                  | yes             | yes         | up to what was charged                    | yes               |
| manager   | yes  | yes                  | yes             | yes         | up to what was charged                    | yes               |
| support   | yes  | yes                  | yes             | yes         | up to `support_refund_minor` of a trip in all | no            |
| operator  | yes  | no                   | yes             | no          | no                                        | no                |
| read_only | yes  | no                   | no              | no          | no                                        | no                |

May a trip be given back (first match refuses)? What its driver earned stays theirs: a refund is the operator's.

| fact                                             | refusal             |
|--------------------------------------------------|---------------------|
| the role never refunds                           | role_not_allowed    |
| it is not over                                   | trip_status         |
| a card is being asked for it, or cash is awaited | trip_not_settled    |
| an earlier refund is still on its way            | refund_running      |
| amount < 1 or more than is left                  | refund_too_high     |
| above the role's limit                           | role_limit_reached  |
"""

from dataclasses import dataclass

from isotope.domain.payments import refund_running, refund_too_high
from isotope.domain.taxi import errors, staff_errors
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.tenants import Right, has_right, may, role_limit_reached
from isotope.domain.tenants.model import PaymentSettings, Role
from isotope.kernel.errors import Refusal
from isotope.kernel.money import Money


def sees_riders(role: Role) -> bool:
    """Whether the role is shown who rides, and the money."""
    return has_right(role, Right.SEE_PEOPLE)


def may_dispatch(role: Role) -> Refusal | None:
    """Whether the role gives trips to drivers."""
    return may(role, Right.DISPATCH)


def may_treat(role: Role) -> Refusal | None:
    """Whether the role cancels, ends and refunds at all."""
    return may(role, Right.TREAT_RIDERS)


def may_move_balances(role: Role) -> Refusal | None:
    """Whether the role pays drivers."""
    return may(role, Right.PAY_DRIVERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """What is known when staff want to give `amount_minor` of a trip back (None: all that is left)."""

    settings: PaymentSettings
    role: Role
    trip: Trip
    is_refund_running: bool
    amount_minor: int | None

    @property
    def left_minor(self) -> int:
        return self.trip.total_minor - self.trip.refunded_minor

    @property
    def wanted_minor(self) -> int:
        return self.left_minor if self.amount_minor is None else self.amount_minor


def may_refund(facts: RefundFacts) -> Refusal | None:
    """By the second table above."""
    trip, limit = facts.trip, facts.settings.support_refund_minor
    no = may_treat(facts.role)
    if no is None and not trip.status.is_final:
        no = errors.trip_status(trip.status, [TripStatus.ENDED, TripStatus.CANCELED])
    if no is None and (trip.card_pending_minor or trip.cash_due_minor):
        no = staff_errors.trip_not_settled()
    if no is None and facts.is_refund_running:
        no = refund_running()
    if no is None and not 0 < facts.wanted_minor <= facts.left_minor:
        no = refund_too_high(Money(facts.left_minor, trip.currency))
    if no is None and facts.role is Role.SUPPORT and trip.refunded_minor + facts.wanted_minor > limit:
        no = role_limit_reached(facts.role, Money(max(0, limit - trip.refunded_minor), trip.currency))
    return no
