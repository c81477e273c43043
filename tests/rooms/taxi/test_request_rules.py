"""Whether a rider gets a trip: every row of the table, and that the first one counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from isotope.domain.taxi.model import TripPayment
from isotope.domain.taxi.request_rules import RequestFacts, may_request
from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.ids import TripId
from isotope.kernel.money import Money

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
# In the order of the table: what is wrong, and what it is refused with.
WRONGS: list[tuple[dict[str, Any], str]] = [
    ({"is_blocked": True}, "rider_blocked"),
    ({"debt": Money(1, "EUR")}, "debt_open"),
    ({"is_offered": False}, "class_not_offered"),
    ({"class_takes_cash": False, "payment": TripPayment.CASH}, "cash_not_taken"),
    ({"open_trips": 1, "newest_open": TripId(9)}, "too_many_trips"),
    ({"driver_is_fit": False}, "driver_not_available"),
]


def facts(**changes: Any) -> RequestFacts:
    fields: dict[str, Any] = {
        "settings": TaxiSettings(),
        "now": NOW,
        "is_blocked": False,
        "debt": Money(0, "EUR"),
        "spendable": Money(725, "EUR"),
        "price": Money(725, "EUR"),
        "payment": TripPayment.WALLET,
        "is_offered": True,
        "class_takes_cash": True,
        "open_trips": 0,
        "newest_open": None,
        "scheduled_trips": 0,
        "scheduled_at": None,
    }
    return RequestFacts(**(fields | changes))


def code(**changes: Any) -> str | None:
    no = may_request(facts(**changes))
    return None if no is None else no.code


@pytest.mark.parametrize("payment", list(TripPayment))
def test_nothing_is_wrong(payment: TripPayment) -> None:
    assert code(payment=payment) is None
    assert code(payment=payment, driver_is_fit=True) is None
    assert code(payment=payment, scheduled_at=LATER) is None


@pytest.mark.parametrize(("wrong", "expected"), WRONGS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_row(wrong: dict[str, Any], expected: str) -> None:
    assert code(**wrong) == expected


@pytest.mark.parametrize("nr", range(len(WRONGS)))
def test_the_first_reason_counts(nr: int) -> None:
    together: dict[str, Any] = {}
    for wrong, _expected in reversed(WRONGS[nr:]):
        together |= wrong
    assert code(**together) == WRONGS[nr][1]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"spendable": Money(724, "EUR")}, "trip_unaffordable"),
        ({"spendable": Money(0, "EUR"), "payment": TripPayment.CARD}, None),
        ({"spendable": Money(0, "EUR"), "payment": TripPayment.CASH}, None),
        ({"settings": TaxiSettings(cash=False), "payment": TripPayment.CASH}, "cash_not_taken"),
        ({"settings": TaxiSettings(cash=False)}, None),
        ({"settings": TaxiSettings(open_per_rider=2), "open_trips": 1, "newest_open": TripId(9)}, None),
        ({"settings": TaxiSettings(open_per_rider=2), "open_trips": 2, "newest_open": TripId(9)}, "too_many_trips"),
        ({"scheduled_at": LATER, "open_trips": 1, "newest_open": TripId(9)}, None),
        ({"scheduled_at": LATER, "scheduled_trips": 9}, None),
        ({"scheduled_at": LATER, "scheduled_trips": 10}, "too_many_scheduled_trips"),
        ({"scheduled_trips": 10}, None),
        ({"scheduled_at": NOW + timedelta(minutes=1)}, "schedule_too_soon"),
        ({"scheduled_at": LATER, "driver_is_fit": False}, "driver_not_available"),
    ],
)
def test_where_the_rows_end(changes: dict[str, Any], expected: str | None) -> None:
    assert code(**changes) == expected
