"""The truth tables of rides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from isotope.domain.fleet.model import ModelSpec, VehicleStatus
from isotope.domain.payments import PaymentStatus
from isotope.domain.sharing.model import WAITING, EventKind, Outcome, RideEvent, RideStatus
from isotope.domain.sharing.places import OpenPlace
from isotope.domain.sharing.rules import (
    FundsAction,
    StartFacts,
    after_authorising,
    after_command,
    amount_to_reserve,
    funds_action,
    group_method,
    is_paused,
    lock_refused,
    may_pause,
    may_start,
    may_unpause,
    method_that_pays,
    most_of_type,
    ride_usage,
)
from isotope.domain.tenants.model import PaymentSettings, RideSettings
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, VehicleId
from isotope.kernel.money import Money
from isotope.kernel.vehicle_types import VehicleType

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HERE = Point(60.17, 24.94)
FAR = Point(60.18, 24.94)
ENDED_UNPAID = (PaymentStatus.FAILED, PaymentStatus.RELEASED)
UNCLEAR = (PaymentStatus.AUTHORISING, PaymentStatus.ACTION_REQUIRED)


def opened(number: int, vehicle_type: VehicleType = VehicleType.SCOOTER, **more: Any) -> list[OpenPlace]:
    """Rides that are paid from the wallet, unless told otherwise."""
    facts: dict[str, Any] = {"kind": "ride", "payment_method_id": "wallet"} | more
    return [
        OpenPlace(id=nr, place=nr, vehicle_id=VehicleId(nr), vehicle_type=vehicle_type, **facts)
        for nr in range(1, number + 1)
    ]


GOOD = StartFacts(
    settings=RideSettings(minimum_balance_minor=500),
    now=NOW,
    blocked=False,
    spendable=Money(500, "EUR"),
    balance=Money(500, "EUR"),
    debt=Money(0, "EUR"),
    opened=[],
    vehicle_type=VehicleType.SCOOTER,
    shared=True,
    vehicle_status=VehicleStatus.READY,
    reservation_id=None,
    minimum_battery_pct=10,
    vehicle_at=HERE,
    vehicle_battery_pct=10,
    vehicle_seen_at=NOW - timedelta(seconds=1_200),
    rider_at=HERE,
    addon_ids=[AddonId(1)],
    allowed_addon_ids=[AddonId(1), AddonId(2)],
    addons_out_of_stock=[],
    payment_method_id=None,
    chosen_method_id=None,
    card_method_ids=[],
    card_required=False,
    skip_wallet_check=False,
    skip_save_card_check=False,
)


def test_a_start_at_every_limit_is_allowed() -> None:
    assert may_start(GOOD) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"blocked": True}, "rider_blocked"),
        ({"debt": Money(1, "EUR")}, "debt_open"),
        ({"spendable": Money(499, "EUR")}, "balance_too_low"),
        ({"opened": opened(5)}, "too_many_rides"),
        ({"opened": [*opened(4), *opened(1, kind="reservation")]}, "too_many_rides"),
        ({"settings": RideSettings(max_by_type={VehicleType.SCOOTER: 2}), "opened": opened(2)}, "too_many_rides"),
        ({"opened": opened(1, VehicleType.BIKE)}, "group_same_type"),
        ({"opened": opened(1, VehicleType.BIKE, kind="reservation")}, "group_same_type"),
        ({"addons_out_of_stock": [AddonId(1)]}, "addon_out_of_stock"),
        (
            {"opened": opened(1), "payment_method_id": "card_1", "card_method_ids": ["card_1"]},
            "group_one_payer",
        ),
        *(({"vehicle_status": s}, "vehicle_not_available") for s in VehicleStatus if s is not VehicleStatus.READY),
        ({"shared": False}, "vehicle_rental_only"),
        ({"shared": False, "vehicle_status": VehicleStatus.IN_USE}, "vehicle_rental_only"),
        ({"vehicle_at": None}, "vehicle_silent"),
        ({"vehicle_seen_at": None}, "vehicle_silent"),
        ({"vehicle_seen_at": NOW - timedelta(seconds=1_201)}, "vehicle_silent"),
        ({"vehicle_battery_pct": 9}, "vehicle_battery_low"),
        ({"rider_at": FAR}, "too_far_from_vehicle"),
        ({"addon_ids": [AddonId(3)]}, "unknown_addons"),
        ({"payment_method_id": "card_1"}, "unknown_payment_method"),
        ({"payment_method_id": "card_1", "card_method_ids": ["card_2"]}, "unknown_payment_method"),
        ({"card_required": True}, "card_needed"),
        ({"card_required": True, "skip_wallet_check": True}, "card_needed"),
    ],
)
def test_each_fact_alone_refuses_the_start(change: dict[str, Any], code: str) -> None:
    no = may_start(replace(GOOD, **change))
    assert no is not None
    assert no.code == code


@pytest.mark.parametrize(
    "change",
    [
        {"opened": opened(4)},
        {"settings": RideSettings(max_by_type={VehicleType.BIKE: 1}), "opened": opened(4)},
        {"settings": RideSettings(max_by_type={VehicleType.SCOOTER: 2}), "opened": opened(1)},
        {"settings": RideSettings(group_same_type=False), "opened": opened(1, VehicleType.BIKE)},
        {"vehicle_status": VehicleStatus.RESERVED, "reservation_id": 7},
        # A reservation pays nothing yet.
        {
            "opened": opened(1, kind="reservation"),
            "payment_method_id": "card_1",
            "card_method_ids": ["card_1"],
        },
        {"opened": opened(1), "payment_method_id": "wallet", "card_method_ids": ["card_1"]},
        # The card that pays the others is gone.
        {"opened": opened(1, payment_method_id="card_9"), "card_method_ids": ["card_1"], "payment_method_id": "card_1"},
    ],
)
def test_these_facts_refuse_no_start(change: dict[str, Any]) -> None:
    assert may_start(replace(GOOD, **change)) is None


def test_too_many_says_of_what_and_how_many_there_may_be() -> None:
    of_all = may_start(replace(GOOD, opened=opened(5)))
    settings = RideSettings(max_by_type={VehicleType.SCOOTER: 2})
    of_type = may_start(replace(GOOD, settings=settings, opened=opened(2)))
    assert of_all is not None
    assert of_all.details == {"max_allowed_vehicles_per_user": 5, "vehicle_type": None}
    assert of_type is not None
    assert of_type.details == {"max_allowed_vehicles_per_user": 2, "vehicle_type": "SCOOTER"}


@pytest.mark.parametrize(
    ("of_all", "by_type", "most"),
    [(5, {}, 5), (5, {VehicleType.SCOOTER: 3}, 3), (2, {VehicleType.SCOOTER: 3}, 2), (5, {VehicleType.BIKE: 1}, 5)],
)
def test_a_type_has_its_limit_within_that_of_all(of_all: int, by_type: dict[VehicleType, int], most: int) -> None:
    settings = RideSettings(max_vehicles_per_rider=of_all, max_by_type=by_type)
    assert most_of_type(settings, VehicleType.SCOOTER) == most


def test_the_first_open_ride_says_what_pays_the_group() -> None:
    rides = opened(3)
    second = replace(rides[1], id=0, payment_method_id="card_1")
    assert group_method([rides[0], second, *opened(1, kind="reservation", payment_method_id="card_2")]) == "card_1"
    assert group_method(opened(2, kind="reservation")) is None
    assert group_method([]) is None


def test_the_secret_key_waives_the_wallet_and_nothing_else() -> None:
    poor = replace(GOOD, spendable=Money(0, "EUR"), debt=Money(300, "EUR"), skip_wallet_check=True)
    assert may_start(poor) is None
    blocked = may_start(replace(poor, blocked=True))
    assert blocked is not None
    assert blocked.code == "rider_blocked"


CARDS = ["card_7", "card_3"]


@pytest.mark.parametrize(
    ("asked", "chosen", "pays"),
    [
        (None, None, "wallet"),
        ("", None, "wallet"),
        ("wallet", "card_3", "wallet"),
        ("card_3", None, "card_3"),
        ("card_3", "card_7", "card_3"),
        ("card_4", "card_7", None),
        ("cash", None, None),
        ("card_", "wallet", None),
        (None, "card_7", "card_7"),
        ("", "card_7", "card_7"),
        (None, "wallet", "wallet"),
        # A card that was removed after it was chosen.
        (None, "card_4", "wallet"),
        (None, "cash", "wallet"),
    ],
)
def test_what_pays_a_ride(asked: str | None, chosen: str | None, pays: str | None) -> None:
    assert method_that_pays(asked, chosen, CARDS) == pays
    no = may_start(replace(GOOD, payment_method_id=asked, chosen_method_id=chosen, card_method_ids=CARDS))
    if pays is None:
        assert no is not None
        assert no.details == {"allowed": ["wallet", "card_7", "card_3"]}
    else:
        assert no is None


def test_a_saved_card_is_enough_where_one_is_required_and_the_secret_key_waives_it() -> None:
    needs = replace(GOOD, card_required=True)
    assert may_start(replace(needs, card_method_ids=["card_1"])) is None
    assert may_start(replace(needs, skip_save_card_check=True)) is None


@pytest.mark.parametrize(
    ("bonus_only", "minimum", "balance", "code"),
    [
        (True, 500, 0, None),
        (False, 500, 499, "balance_too_low"),
        (False, 500, 500, None),
        (False, 0, 0, "balance_too_low"),
        (False, 0, 1, None),
    ],
)
def test_whether_bonus_alone_is_enough(bonus_only: bool, minimum: int, balance: int, code: str | None) -> None:
    settings = RideSettings(bonus_only=bonus_only, minimum_balance_minor=minimum)
    facts = replace(GOOD, settings=settings, balance=Money(balance, "EUR"), spendable=Money(balance + 500, "EUR"))
    assert code_of(may_start(facts)) == code


def test_no_balance_is_needed_when_a_card_pays() -> None:
    poor = replace(GOOD, spendable=Money(0, "EUR"), card_method_ids=["card_1"])
    assert may_start(replace(poor, payment_method_id="card_1")) is None
    assert may_start(replace(poor, chosen_method_id="card_1")) is None
    assert code_of(may_start(poor)) == "balance_too_low"
    # Debt is no question of how the next ride is paid.
    assert code_of(may_start(replace(poor, payment_method_id="card_1", debt=Money(1, "EUR")))) == "debt_open"


@pytest.mark.parametrize(("model", "operator", "amount"), [(None, 1_000, 1_000), (0, 1_000, 0), (2_500, 1_000, 2_500)])
def test_how_much_is_reserved_is_the_models_word_first(model: int | None, operator: int, amount: int) -> None:
    spec, settings = ModelSpec(authorise_minor=model), PaymentSettings(authorise_minor=operator)
    assert amount_to_reserve(spec, settings) == amount


@pytest.mark.parametrize(
    ("payment", "waited_for", "expected"),
    [
        (PaymentStatus.AUTHORISED, True, (RideStatus.UNLOCKING, None)),
        (PaymentStatus.AUTHORISED, False, (RideStatus.FAILED, Outcome.CARD_NO_ANSWER)),
        *((s, w, (RideStatus.FAILED, Outcome.CARD_DECLINED)) for s in ENDED_UNPAID for w in (True, False)),
        *((s, w, (RideStatus.FAILED, Outcome.CARD_NO_ANSWER)) for s in UNCLEAR for w in (True, False)),
    ],
)
def test_what_a_reservation_makes_of_a_ride(payment: PaymentStatus, waited_for: bool, expected: Any) -> None:
    assert after_authorising(payment, waited_for=waited_for) == expected


@pytest.mark.parametrize(
    ("rides", "spendable", "expected"),
    [
        ([], 0, FundsAction(None, 0, None)),
        ([("card_1", 500)], 0, FundsAction(None, 0, "CARD")),
        ([("wallet", 500)], 500, FundsAction(None, 0, "WALLET")),
        ([("wallet", 501)], 500, FundsAction("ADD_MONEY", 1, "WALLET")),
        ([("wallet", 300), ("wallet", 300)], 500, FundsAction("ADD_MONEY", 100, "WALLET")),
        ([("wallet", 300), ("card_1", 300)], 500, FundsAction(None, 0, "WALLET")),
    ],
)
def test_what_an_app_is_told_about_money(rides: list[tuple[str, int]], spendable: int, expected: FundsAction) -> None:
    assert funds_action(rides, spendable) == expected


@pytest.mark.parametrize(("spendable", "action"), [(499, "WAIT_TOP_UP"), (500, None)])
def test_an_app_waits_for_money_that_is_on_its_way(spendable: int, action: str | None) -> None:
    assert funds_action([("wallet", 500)], spendable, is_topping_up=True).action == action


@pytest.mark.parametrize(
    ("status", "done", "was_paused", "expected"),
    [
        (RideStatus.UNLOCKING, True, False, (RideStatus.ACTIVE, EventKind.STARTED)),
        (RideStatus.UNLOCKING, False, False, (RideStatus.FAILED, EventKind.FAILED)),
        (RideStatus.PAUSING, True, False, (RideStatus.PAUSED, EventKind.PAUSED)),
        (RideStatus.PAUSING, False, False, (RideStatus.ACTIVE, None)),
        (RideStatus.UNPAUSING, True, True, (RideStatus.ACTIVE, EventKind.RESUMED)),
        (RideStatus.UNPAUSING, False, True, (RideStatus.PAUSED, None)),
        (RideStatus.ENDING, True, False, (RideStatus.ENDED, EventKind.ENDED)),
        (RideStatus.ENDING, False, False, (RideStatus.ACTIVE, EventKind.END_REFUSED)),
        (RideStatus.ENDING, False, True, (RideStatus.PAUSED, EventKind.END_REFUSED)),
    ],
)
def test_what_a_command_makes_of_a_waiting_ride(
    status: RideStatus, done: bool, was_paused: bool, expected: Any
) -> None:
    assert after_command(status, done=done, was_paused=was_paused) == expected


@pytest.mark.parametrize(
    ("status", "pausing", "going_on"),
    [
        (RideStatus.ACTIVE, None, "ride_not_paused"),
        (RideStatus.PAUSED, "ride_already_paused", None),
        *((waiting, "ride_busy", "ride_busy") for waiting in sorted(WAITING)),
    ],
)
def test_what_runs_may_pause_and_what_is_paused_may_go_on(
    status: RideStatus, pausing: str | None, going_on: str | None
) -> None:
    assert code_of(may_pause(status)) == pausing
    assert code_of(may_unpause(status)) == going_on


def code_of(no: Refusal | None) -> str | None:
    return None if no is None else no.code


def test_the_table_of_commands_is_whole() -> None:
    for status in WAITING:
        for done in (True, False):
            next_status, _event = after_command(status, done=done, was_paused=False)
            assert next_status not in WAITING


def event(nr: int, kind: EventKind, second: int, **data: object) -> RideEvent:
    return RideEvent(nr=nr, kind=kind, at=NOW + timedelta(seconds=second), actor=SYSTEM, data=data)


def refused(nr: int, second: int, odometer_m: int, reason: str = "lock_not_confirmed") -> RideEvent:
    return event(nr, EventKind.END_REFUSED, second, reason=reason, odometer_m=odometer_m)


@pytest.mark.parametrize(
    ("events", "odometer_m", "expected_s"),
    [
        ([], 0, None),
        ([event(1, EventKind.STARTED, 0)], 0, None),
        ([refused(1, 60, 1_000)], 1_000, 60),
        ([refused(1, 60, 1_000)], 1_050, 60),
        # Ridden on in between: the meter did not stop, and the lock gets a new chance.
        ([refused(1, 60, 1_000)], 1_051, None),
        ([refused(1, 60, 1_000), refused(2, 300, 2_000)], 2_010, 300),
        ([refused(1, 60, 1_000), refused(2, 90, 1_010)], 1_020, 60),
        ([refused(1, 60, 1_000, "no_parking_zone")], 1_000, None),
    ],
)
def test_the_meter_stops_at_the_first_lock_that_was_not_confirmed(
    events: list[RideEvent], odometer_m: int, expected_s: int | None
) -> None:
    found = lock_refused(events, odometer_m)
    assert (None if found is None else (found.at - NOW).total_seconds()) == expected_s


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], False),
        ([EventKind.STARTED], False),
        ([EventKind.STARTED, EventKind.PAUSED], True),
        ([EventKind.STARTED, EventKind.PAUSED, EventKind.END_REFUSED], True),
        ([EventKind.STARTED, EventKind.PAUSED, EventKind.RESUMED], False),
    ],
)
def test_paused_is_what_the_events_say(kinds: list[EventKind], expected: Any) -> None:
    assert is_paused([event(nr, kind, nr) for nr, kind in enumerate(kinds, 1)]) is expected


def test_usage_counts_riding_and_pausing_apart_and_ignores_what_is_no_meter_event() -> None:
    events = [
        event(1, EventKind.REQUESTED, 0),
        event(2, EventKind.STARTED, 10),
        event(3, EventKind.PAUSED, 70),
        event(4, EventKind.END_REFUSED, 80, reason="outside_parking"),
        event(5, EventKind.RESUMED, 100),
    ]
    used = ride_usage(events, NOW + timedelta(seconds=130))
    assert (used.ride_s, used.pause_s) == (90, 30)
