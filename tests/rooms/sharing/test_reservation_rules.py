"""The truth tables of reservations."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.fleet.model import VehicleStatus
from isotope.domain.pricing import Agreed, Tariff, Tier, Usage, bill
from isotope.domain.sharing.reservation_rules import (
    ReserveFacts,
    bill_unused,
    cooldown_until,
    fee_minor,
    fee_of_ride,
    is_forgiven,
    may_extend,
    may_reserve,
    reserved_min,
)
from isotope.domain.sharing.reservations import (
    FeeKind,
    Reservation,
    ReservationId,
    ReservationStatus,
    ReservationTerms,
    Unused,
)
from isotope.domain.tenants.model import ReservationSettings
from isotope.kernel.ids import ModelId, OperatorId, RiderId, VehicleId
from isotope.kernel.money import Money
from tests.rooms.sharing.test_rules import FAR, GOOD, opened

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

GOOD_TO_RESERVE = ReserveFacts(
    settings=ReservationSettings(distance_m=500), unused=Unused(), start=replace(GOOD, addon_ids=[])
)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def reservation(**parts: Any) -> Reservation:
    terms = {
        "minutes": 15,
        "extensions": 1,
        "fee": "FIXED",
        "fee_minor": 50,
        "credit_on_unlock": True,
        "tax_rate": "0.255",
        "tax_inclusive": True,
    }
    facts: dict[str, Any] = {
        "operator_id": OperatorId(1),
        "id": ReservationId(5),
        "rider_id": RiderId(2),
        "vehicle_id": VehicleId(3),
        "model_id": ModelId(4),
        "status": ReservationStatus.ACTIVE,
        "place": 1,
        "currency": "EUR",
        "reserved_at": ago(minutes=5),
        "expires_at": NOW + timedelta(minutes=10),
        "extended": 0,
        "ended_at": None,
        "ride_id": None,
        "forgiven": False,
        "total_minor": None,
        "tax_minor": None,
        "charged_bonus_minor": None,
        "charged_balance_minor": None,
        "debt_minor": None,
    }
    own = {name: parts.pop(name) for name in list(parts) if name in terms}
    return Reservation(terms=msgspec.convert(terms | own, ReservationTerms), **(facts | parts))


def test_at_every_limit_it_is_allowed() -> None:
    assert may_reserve(GOOD_TO_RESERVE) is None
    used_up = Unused(counted_at=ago(minutes=720), forgiven_at=ago(minutes=1))
    assert may_reserve(replace(GOOD_TO_RESERVE, unused=used_up)) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"settings": ReservationSettings(minutes=0)}, "reservations_off"),
        ({"blocked": True}, "rider_blocked"),
        ({"debt": Money(1, "EUR")}, "debt_open"),
        ({"spendable": Money(499, "EUR")}, "balance_too_low"),
        ({"card_required": True}, "card_needed"),
        ({"opened": opened(5)}, "too_many_rides"),
        ({"opened": opened(5, kind="reservation")}, "too_many_rides"),
        ({"unused": Unused(counted_at=ago(minutes=719))}, "reservation_cooldown"),
        ({"reservation_id": 7, "vehicle_status": VehicleStatus.RESERVED}, "already_reserved"),
        *(({"vehicle_status": s}, "vehicle_not_available") for s in VehicleStatus if s is not VehicleStatus.READY),
        ({"shared": False}, "vehicle_rental_only"),
        ({"vehicle_at": None}, "vehicle_silent"),
        ({"vehicle_battery_pct": 9}, "vehicle_battery_low"),
        ({"rider_at": FAR}, "too_far_from_vehicle"),
        ({"payment_method_id": "card_1"}, "unknown_payment_method"),
        ({"opened": opened(1), "payment_method_id": "card_1", "card_method_ids": ["card_1"]}, "group_one_payer"),
        # What comes first is told first.
        ({"unused": Unused(counted_at=NOW), "vehicle_status": VehicleStatus.IN_USE}, "reservation_cooldown"),
        ({"unused": Unused(counted_at=NOW), "debt": Money(1, "EUR")}, "debt_open"),
    ],
)
def test_each_fact_alone_refuses_it(change: dict[str, Any], code: str) -> None:
    own = {name: change[name] for name in ("settings", "unused") if name in change}
    start = replace(GOOD_TO_RESERVE.start, **{name: fact for name, fact in change.items() if name not in own})
    no = may_reserve(replace(GOOD_TO_RESERVE, **own, start=start))
    assert no is not None
    assert no.code == code


def test_the_distance_is_that_of_reservations() -> None:
    far = replace(GOOD_TO_RESERVE.start, rider_at=FAR)
    assert may_reserve(replace(GOOD_TO_RESERVE, start=far, settings=ReservationSettings(distance_m=2_000))) is None


@pytest.mark.parametrize(
    ("unused", "minutes", "until"),
    [
        (Unused(), 720, None),
        (Unused(forgiven_at=NOW), 720, None),
        (Unused(counted_at=NOW), 0, None),
        (Unused(counted_at=ago(minutes=720)), 720, None),
        (Unused(counted_at=ago(minutes=719)), 720, NOW + timedelta(minutes=1)),
        (Unused(counted_at=ago(minutes=700)), 720, NOW + timedelta(minutes=20)),
    ],
)
def test_how_long_the_next_has_to_wait(unused: Unused, minutes: int, until: datetime | None) -> None:
    assert cooldown_until(ReservationSettings(cooldown_min=minutes), unused, NOW) == until


def test_the_refusal_says_until_when() -> None:
    unused = Unused(counted_at=NOW - timedelta(minutes=719, seconds=30))
    no = may_reserve(replace(GOOD_TO_RESERVE, unused=unused))
    assert no is not None
    assert no.details == {"cooldown_until": int(NOW.timestamp()) + 30, "left_minutes": 1}


@pytest.mark.parametrize(
    ("status", "after_s", "forgiven_before", "forgiven"),
    [
        (ReservationStatus.CANCELLED, 0, None, True),
        (ReservationStatus.CANCELLED, 60, None, True),
        (ReservationStatus.CANCELLED, 61, None, False),
        (ReservationStatus.EXPIRED, 10, None, False),
        (ReservationStatus.CANCELLED, 10, timedelta(hours=23, minutes=59), False),
        (ReservationStatus.CANCELLED, 10, timedelta(hours=24), True),
    ],
)
def test_what_is_forgiven(
    status: ReservationStatus, after_s: int, forgiven_before: timedelta | None, forgiven: bool
) -> None:
    made = reservation(reserved_at=ago(seconds=after_s))
    unused = Unused(forgiven_at=None if forgiven_before is None else NOW - forgiven_before, counted_at=NOW)
    assert is_forgiven(made, unused, status, NOW) is forgiven


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (reservation(), None),
        (reservation(extended=1), "no_more_extensions"),
        (reservation(extensions=0), "no_more_extensions"),
        (reservation(expires_at=NOW), "reservation_not_found"),
        (reservation(status=ReservationStatus.CANCELLED), "reservation_not_found"),
    ],
)
def test_what_may_be_extended(made: Reservation, code: str | None) -> None:
    no = may_extend(made, NOW)
    assert (None if no is None else no.code) == code


@pytest.mark.parametrize(
    ("fee", "after_s", "expected_min", "expected_minor"),
    [
        ("NONE", 300, 5, 0),
        ("FIXED", 0, 0, 50),
        ("FIXED", 300, 5, 50),
        ("PER_MINUTE", 0, 0, 0),
        ("PER_MINUTE", 1, 1, 50),
        ("PER_MINUTE", 60, 1, 50),
        ("PER_MINUTE", 60.9, 1, 50),
        ("PER_MINUTE", 61, 2, 100),
        # At most to its end.
        ("PER_MINUTE", 900, 15, 750),
        ("PER_MINUTE", 3_600, 15, 750),
        # A clock that went back.
        ("PER_MINUTE", -60, 0, 0),
    ],
)
def test_what_a_reservation_costs(fee: str, after_s: float, expected_min: int, expected_minor: int) -> None:
    made = reservation(fee=fee, reserved_at=NOW, expires_at=NOW + timedelta(minutes=15))
    until = NOW + timedelta(seconds=after_s)
    assert (reserved_min(made, until), fee_minor(made, until)) == (expected_min, expected_minor)


def test_an_unused_one_is_billed_with_the_tax_of_the_tariff() -> None:
    inclusive = bill_unused(reservation(), NOW)
    assert (inclusive.total_minor, inclusive.tax_minor, inclusive.net_minor) == (50, 10, 40)
    assert [(line.code, line.amount_minor, line.text) for line in inclusive.lines] == [
        ("reservation_fee", 50, "Reservation, 5 min")
    ]
    exclusive = bill_unused(reservation(tax_inclusive=False, tax_rate="0.1"), NOW)
    assert (exclusive.total_minor, exclusive.tax_minor) == (55, 5)
    assert [(line.code, line.amount_minor) for line in exclusive.lines] == [("reservation_fee", 50), ("tax", 5)]
    forgiven = bill_unused(reservation(), NOW, forgiven=True)
    assert (forgiven.total_minor, forgiven.lines) == (0, ())


fees = st.builds(
    reservation,
    fee=st.sampled_from(get_args(FeeKind)),
    fee_minor=st.integers(0, 1_000_000),
    credit_on_unlock=st.booleans(),
    tax_rate=st.sampled_from(["0", "0.1", "0.255"]),
    tax_inclusive=st.booleans(),
    reserved_at=st.just(NOW),
    expires_at=st.integers(1, 3_000).map(lambda minutes: NOW + timedelta(minutes=minutes)),
)
spans = st.floats(0, 200_000).map(lambda seconds: timedelta(seconds=seconds))


@given(made=fees, first=spans, more=spans)
def test_a_fee_never_falls_and_its_bill_adds_up(made: Reservation, first: timedelta, more: timedelta) -> None:
    early, late = bill_unused(made, NOW + first), bill_unused(made, NOW + first + more)
    assert 0 <= early.total_minor <= late.total_minor
    for one in (early, late):
        assert sum(line.amount_minor for line in one.lines) == one.total_minor == one.net_minor + one.tax_minor


@given(made=fees, after=spans)
def test_a_ride_costs_by_its_reservation_what_an_unused_one_does_or_nothing(
    made: Reservation, after: timedelta
) -> None:
    tariff = Tariff(
        minute_tiers=(Tier(price_minor=0),), tax_rate=made.terms.tax_rate, tax_inclusive=made.terms.tax_inclusive
    )
    at = NOW + after
    ride = bill(Agreed(tariff=tariff, reservation=fee_of_ride(made, at)), Usage(ride_s=60, pause_s=0))
    assert ride.total_minor == (0 if made.terms.credit_on_unlock else bill_unused(made, at).total_minor)
