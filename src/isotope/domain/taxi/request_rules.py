"""Whether a rider gets a trip. Pure.

| fact, in this order | refusal |
|---|---|
| the rider is blocked | rider_blocked |
| the rider owes something | debt_open |
| the class is not offered any more | class_not_offered |
| for cash, and the operator or the class takes none | cash_not_taken |
| for now, and as many trips as allowed are under way | too_many_trips |
| for later, and the time is out of bounds | see `schedule.may_schedule` |
| for later, and as many as allowed are ordered | too_many_scheduled_trips |
| the wallet pays, and holds less than the price | trip_unaffordable |
| a driver was asked for who is not fit (for later: who does not drive for the operator) | driver_not_available |
"""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.taxi import errors
from isotope.domain.taxi.model import TripPayment
from isotope.domain.taxi.schedule import may_schedule
from isotope.domain.tenants.model import TaxiSettings
from isotope.domain.wallet import debt_open
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import TripId
from isotope.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What a request is decided on. `newest_open`: of the trips under way; `driver_is_fit` None: none was asked for."""

    settings: TaxiSettings
    now: datetime
    is_blocked: bool
    debt: Money
    spendable: Money
    price: Money
    payment: TripPayment
    is_offered: bool
    class_takes_cash: bool
    open_trips: int
    newest_open: TripId | None
    scheduled_trips: int
    scheduled_at: datetime | None
    driver_is_fit: bool | None = None


def may_request(facts: RequestFacts) -> Refusal | None:
    """By the table above."""
    if facts.is_blocked:
        return errors.rider_blocked()
    if facts.debt.amount_minor > 0:
        return debt_open(facts.debt)
    if not facts.is_offered:
        return errors.class_not_offered()
    if facts.payment is TripPayment.CASH and not (facts.settings.cash and facts.class_takes_cash):
        return errors.cash_not_taken()
    return _may_have_one_more(facts) or _may_be_met(facts)


def _may_have_one_more(facts: RequestFacts) -> Refusal | None:
    settings = facts.settings
    if facts.scheduled_at is None:
        if facts.newest_open is not None and facts.open_trips >= settings.open_per_rider:
            return errors.too_many_trips(settings.open_per_rider, facts.newest_open)
        return None
    if no := may_schedule(facts.scheduled_at, settings, facts.now):
        return no
    if facts.scheduled_trips >= settings.scheduled_per_rider:
        return errors.too_many_scheduled_trips(settings.scheduled_per_rider)
    return None


def _may_be_met(facts: RequestFacts) -> Refusal | None:
    if facts.payment is TripPayment.WALLET and facts.spendable.amount_minor < facts.price.amount_minor:
        return errors.trip_unaffordable(facts.spendable, facts.price)
    if facts.driver_is_fit is False:
        return errors.driver_not_available()
    return None
