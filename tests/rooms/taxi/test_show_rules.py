"""What is told of a trip, status by status."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from isotope.domain.pricing import english
from isotope.domain.taxi.fares import fee_price, quote_price
from isotope.domain.taxi.model import TaxiTariff, Trip, TripPayment, TripStatus, TripTerms
from isotope.domain.taxi.show_rules import (
    Action,
    allowed_actions,
    cancel_fee_now,
    free_waiting_until,
    next_request_s,
    price_now,
    waiting_from,
)
from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.ids import OperatorId, RiderId, TaxiClassId, TripId

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TARIFF = TaxiTariff(
    base_minor=400, free_wait_s=120, wait_minute_minor=50, cancel_minor=500, tax_rate="0.1", tax_inclusive=False
)
QUOTED = quote_price(
    TARIFF, distance_m=2_000, duration_s=240, stops=0, surge=Decimal(1), is_scheduled=False, words=english
)
S = TripStatus


def trip(status: TripStatus, **changes: Any) -> Trip:
    fields: dict[str, Any] = {
        "operator_id": OperatorId(1),
        "id": TripId(7),
        "rider_id": RiderId(2),
        "class_id": TaxiClassId(3),
        "status": status,
        "quote_id": uuid4(),
        "payment": TripPayment.WALLET,
        "payment_method_id": "wallet",
        "currency": "EUR",
        "terms": TripTerms(
            class_ref="comfort",
            class_title="Comfort",
            tariff=TARIFF,
            distance_m=2_000,
            duration_s=240,
            surge="1",
            quoted=QUOTED,
            time_zone="Europe/Helsinki",
            commission_pct="20",
        ),
        "requested_at": NOW,
    }
    return Trip(**(fields | changes))


@pytest.mark.parametrize(
    ("status", "seconds"),
    [
        (S.AUTHORISING, 2),
        (S.REQUESTED, 3),
        (S.ACCEPTED, 5),
        (S.ARRIVED, 5),
        (S.STARTED, 10),
        (S.ENDED, None),
        (S.CANCELED, None),
    ],
)
def test_when_to_ask_again(status: TripStatus, seconds: int | None) -> None:
    assert next_request_s(trip(status), NOW) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(timedelta(hours=2), 30), (timedelta(hours=2, seconds=1), 300)])
def test_when_to_ask_again_of_a_trip_for_later(ahead: timedelta, seconds: int) -> None:
    assert next_request_s(trip(S.SCHEDULED, scheduled_at=NOW + ahead), NOW) == seconds


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        (S.AUTHORISING, ["CANCEL"]),
        (S.REQUESTED, ["CANCEL"]),
        (S.SCHEDULED, ["CANCEL"]),
        (S.ACCEPTED, ["CANCEL"]),
        (S.ARRIVED, ["CANCEL"]),
        (S.STARTED, []),
        (S.ENDED, ["RATE"]),
        (S.CANCELED, []),
    ],
)
def test_what_can_be_done(status: TripStatus, actions: list[Action]) -> None:
    assert allowed_actions(trip(status)) == actions
    assert allowed_actions(trip(status, rating=4)) == [one for one in actions if one != "RATE"]


@pytest.mark.parametrize("status", list(TripStatus))
def test_a_fee_is_told_with_its_tax_where_a_cancel_is_possible(status: TripStatus) -> None:
    told = cancel_fee_now(
        trip(status, accepted_at=NOW, pickup_eta_s=3_600), TaxiSettings(), NOW + timedelta(seconds=121), english
    )
    assert told == (550 if status in (S.ACCEPTED, S.ARRIVED) else 0)


def test_the_price_before_anybody_waits_is_the_quoted_one() -> None:
    for status in (S.AUTHORISING, S.REQUESTED, S.SCHEDULED, S.ACCEPTED):
        assert price_now(trip(status), TaxiSettings(), NOW, english) == QUOTED


@pytest.mark.parametrize(("waited", "net"), [(0, 400), (120, 400), (121, 450), (180, 450), (181, 500)])
def test_waiting_costs_each_started_minute(waited: int, net: int) -> None:
    at = NOW + timedelta(seconds=waited)
    arrived = price_now(trip(S.ARRIVED, arrived_at=NOW), TaxiSettings(), at, english)
    started = price_now(
        trip(S.STARTED, arrived_at=NOW, started_at=at), TaxiSettings(), at + timedelta(hours=1), english
    )
    assert arrived.net_minor == started.net_minor == net
    assert arrived.total_minor == net * 11 // 10


def test_who_comes_too_early_waits_for_nothing() -> None:
    early = NOW - timedelta(minutes=10)
    later = trip(S.ARRIVED, arrived_at=early, scheduled_at=NOW)
    assert waiting_from(later, early) == NOW
    assert free_waiting_until(later) == NOW + timedelta(seconds=120)
    late = NOW + timedelta(minutes=1)
    assert waiting_from(trip(S.ARRIVED, arrived_at=late, scheduled_at=NOW), late) == late


def test_nobody_waits() -> None:
    assert free_waiting_until(trip(S.ACCEPTED)) is None
    assert free_waiting_until(trip(S.STARTED, arrived_at=NOW)) is None


def test_a_trip_that_is_over_costs_what_was_billed() -> None:
    fee = fee_price(TARIFF, "taxi_cancel_fee", 500, english)
    over = trip(S.CANCELED, lines=fee.lines, taxes=fee.taxes, total_minor=fee.total_minor, tax_minor=fee.tax_minor)
    assert price_now(over, TaxiSettings(), NOW, english) == fee
