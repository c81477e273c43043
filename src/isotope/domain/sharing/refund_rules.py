"""Refunds and fines: who may, how much, and which way the money goes. Pure.

Who may give back or fine:

| role      | refund                                  | fine                          |
|-----------|-----------------------------------------|-------------------------------|
| owner     | any amount up to what was charged       | up to `fine_maximum_minor`    |
| manager   | any amount up to what was charged       | up to `fine_maximum_minor`    |
| support   | up to `support_refund_minor` of a ride in all | up to `support_refund_minor` each |
| operator  | never                                   | never                         |
| read_only | never                                   | never                         |

May something be refunded (first match refuses)?

| fact                                         | refusal              |
|----------------------------------------------|----------------------|
| the role never refunds                       | role_not_allowed     |
| the ride is not over                         | ride_not_ended       |
| a card is still being asked for its price    | ride_not_settled     |
| an earlier refund is still on its way        | refund_running       |
| amount < 1 or more than is left              | refund_too_high      |
| above the role's limit                       | role_limit_reached   |

Which parts of what was charged come back: `payments.refund_parts`.

Source: domain rules, Wallet and Rental ("refund goes back by the way it was paid, bonus to bonus").
"""

from dataclasses import dataclass

from isotope.domain.payments import Parts, refund_running, refund_too_high
from isotope.domain.sharing import errors
from isotope.domain.sharing.model import Ride, RideStatus
from isotope.domain.tenants import Right, may, role_limit_reached
from isotope.domain.tenants.model import PaymentSettings, Role
from isotope.kernel.errors import Refusal
from isotope.kernel.money import Money


def charged_parts(ride: Ride) -> Parts:
    """What paid a ride that is over."""
    return Parts(
        bonus_minor=ride.charged_bonus_minor or 0,
        balance_minor=ride.charged_balance_minor or 0,
        card_minor=ride.charged_card_minor,
        debt_minor=ride.debt_minor or 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """What is known when somebody wants to give `amount_minor` back (None: all that is left)."""

    settings: PaymentSettings
    currency: str
    role: Role
    ride: Ride
    charged_minor: int
    pending_minor: int
    refunded_minor: int
    is_refund_running: bool
    amount_minor: int | None

    @property
    def left_minor(self) -> int:
        return self.charged_minor - self.refunded_minor

    @property
    def wanted_minor(self) -> int:
        return self.left_minor if self.amount_minor is None else self.amount_minor


def may_refund(facts: RefundFacts) -> Refusal | None:
    """By the second table above."""
    limit = facts.settings.support_refund_minor
    no = may_touch_money(facts.role)
    if no is None and facts.ride.status is not RideStatus.ENDED:
        no = errors.ride_not_ended()
    if no is None and facts.pending_minor:
        no = errors.ride_not_settled()
    if no is None and facts.is_refund_running:
        no = refund_running()
    if no is None and not 0 < facts.wanted_minor <= facts.left_minor:
        no = refund_too_high(Money(facts.left_minor, facts.currency))
    if no is None and facts.role is Role.SUPPORT and facts.refunded_minor + facts.wanted_minor > limit:
        no = role_limit_reached(facts.role, Money(max(0, limit - facts.refunded_minor), facts.currency))
    return no


def may_fine(settings: PaymentSettings, currency: str, role: Role, ride: Ride, amount_minor: int) -> Refusal | None:
    """By the first table above; only a ride that is over is fined."""
    if no := may_touch_money(role):
        return no
    if ride.status is not RideStatus.ENDED:
        return errors.ride_not_ended()
    if not 0 < amount_minor <= settings.fine_maximum_minor:
        return errors.fine_out_of_range(Money(settings.fine_maximum_minor, currency))
    if role is Role.SUPPORT and amount_minor > settings.support_refund_minor:
        return role_limit_reached(role, Money(settings.support_refund_minor, currency))
    return None


def may_touch_money(role: Role) -> Refusal | None:
    """Whether the role moves riders' money at all."""
    return may(role, Right.TREAT_RIDERS)
