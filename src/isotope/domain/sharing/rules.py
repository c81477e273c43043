"""The decisions of a ride: pure functions from facts to outcomes.

May a ride start (first match refuses; `overrides` are the secret key's)?

| fact                                                | refusal                 | waived by         |
|-----------------------------------------------------|-------------------------|-------------------|
| rider blocked                                       | rider_blocked           |                   |
| debt > 0                                            | debt_open               | skip_wallet_check |
| a saved card is required, and there is none         | card_needed             | skip_save_card_check |
| the wallet pays, and balance + bonus < minimum      | balance_too_low         | skip_wallet_check |
| the wallet pays, no `bonus_only`, balance < minimum or none | balance_too_low | skip_wallet_check |
| rides and reservations open >= limit                | too_many_rides          |                   |
| those of the vehicle's type >= limit of the type    | too_many_rides          |                   |
| `group_same_type`, and one of another type is open  | group_same_type         |                   |
| the model is only rented for given dates            | vehicle_rental_only     |                   |
| vehicle not READY, nor reserved by this rider       | vehicle_not_available   |                   |
| no state, or not heard of for `silent_after_s`      | vehicle_silent          |                   |
| battery < minimum                                   | vehicle_battery_low     |                   |
| rider farther away than `start_distance_m`          | too_far_from_vehicle    |                   |
| an add-on the model does not have                   | unknown_addons          |                   |
| an add-on of which all are out with rides           | addon_out_of_stock      |                   |
| a payment method that the rider does not have       | unknown_payment_method  |                   |
| another one than pays the rider's open rides        | group_one_payer         |                   |
| a booking of the vehicle, or work on it, begins within `prepare_min` (`fleet.hold_vehicle`) | vehicle_booked | |

The reservation that the start makes a ride of does not count as open.

What pays a ride (chosen: what pays the first of the rider's open rides; else what the reservation was made with; else
what the rider chose for SHARING):

| asked for            | chosen                 | pays                    |
|----------------------|------------------------|-------------------------|
| the wallet           | anything               | the wallet              |
| a card of the rider  | anything               | that card               |
| anything else        | anything               | unknown_payment_method  |
| nothing              | a card of the rider    | that card               |
| nothing              | anything else, nothing | the wallet              |

What became of the card's authorisation when the ride is to go on from AUTHORISING:

| payment                     | somebody waits | ride                                             |
|-----------------------------|----------------|--------------------------------------------------|
| AUTHORISED                  | yes            | UNLOCKING                                        |
| AUTHORISED                  | no             | FAILED card_no_answer, the authorisation let go  |
| FAILED, RELEASED            | any            | FAILED card_declined                             |
| AUTHORISING, ACTION_REQUIRED | any           | FAILED card_no_answer; let go if it succeeds late |

What a finished (or expired) command makes of a waiting ride:

| status    | command DONE             | anything else                          |
|-----------|--------------------------|----------------------------------------|
| UNLOCKING | ACTIVE, event STARTED    | FAILED, free, vehicle NEED_INVESTIGATION, what is reserved is let go |
| PAUSING   | PAUSED, event PAUSED     | ACTIVE                                 |
| UNPAUSING | ACTIVE, event RESUMED    | PAUSED                                 |
| ENDING    | ENDED, event ENDED       | ACTIVE (or PAUSED, where it came from), event END_REFUSED |

What an app is told about money while rides run (what rides cost that a card pays is never missing):

| rides                | wallet covers those that it pays | action    | amount  | flow   |
|----------------------|----------------------------------|-----------|---------|--------|
| none                 |                                  |           |         |        |
| all paid by card     |                                  |           |         | CARD   |
| some paid by wallet  | yes                              |           |         | WALLET |
| some paid by wallet  | no, and a top-up is on its way   | WAIT_TOP_UP | missing | WALLET |
| some paid by wallet  | no                               | ADD_MONEY | missing | WALLET |

Source: domain rules, "Sharing ride"; the refusal order puts what the rider can mend first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from isotope.domain.fleet import VehicleStatus, vehicle_not_available
from isotope.domain.fleet.model import ModelSpec
from isotope.domain.payments import WALLET, PaymentStatus, card_needed, unknown_payment_method
from isotope.domain.pricing import Usage, UsageEvent, usage
from isotope.domain.sharing import errors
from isotope.domain.sharing.model import EventKind, Outcome, RideEvent, RideStatus
from isotope.domain.sharing.places import OpenPlace
from isotope.domain.tenants.model import PaymentSettings, RideSettings
from isotope.domain.wallet import debt_open
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import AddonId
from isotope.kernel.money import Money
from isotope.kernel.vehicle_types import VehicleType

# A vehicle that was pushed a little while its lock was being fought with has not been ridden on.
STOOD_STILL_M: Final = 50
LOCK_NOT_CONFIRMED: Final = "lock_not_confirmed"


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What a start, or a reservation, is decided on.

    Attributes:
        opened: the rider's rides and reservations that are open, without the reservation that gives way to this start.
        shared: whether riders take vehicles of the model on the spot at all.
        reservation_id: the rider's reservation of this very vehicle.
        chosen_method_id: what pays if nothing was asked for.
    """

    settings: RideSettings
    now: datetime
    blocked: bool
    spendable: Money
    balance: Money
    debt: Money
    opened: Sequence[OpenPlace]
    vehicle_type: VehicleType
    shared: bool
    vehicle_status: VehicleStatus
    reservation_id: int | None
    minimum_battery_pct: int
    vehicle_at: Point | None
    vehicle_battery_pct: int
    vehicle_seen_at: datetime | None
    rider_at: Point
    addon_ids: Sequence[AddonId]
    allowed_addon_ids: Sequence[AddonId]
    addons_out_of_stock: Sequence[AddonId]
    payment_method_id: str | None
    chosen_method_id: str | None
    card_method_ids: Sequence[str]
    card_required: bool
    skip_wallet_check: bool
    skip_save_card_check: bool


def method_that_pays(asked: str | None, chosen: str | None, card_method_ids: Sequence[str]) -> str | None:
    """By the second table above; None: what was asked for is nothing that the rider has."""
    if asked:
        return asked if asked == WALLET or asked in card_method_ids else None
    return chosen if chosen is not None and chosen in card_method_ids else WALLET


def may_start(facts: StartFacts) -> Refusal | None:
    """The first reason against the start (table above), or None."""
    return (
        rider_may_ride(facts)
        or vehicle_may_be_taken(facts)
        or vehicle_is_near(facts, facts.settings.start_distance_m)
        or _addons_may_be_taken(facts)
        or request_may_be_met(facts)
    )


def most_of_type(settings: RideSettings, vehicle_type: VehicleType) -> int:
    """How many vehicles of the type one rider may have at once, reserved ones included."""
    return min(settings.max_vehicles_per_rider, settings.max_by_type.get(vehicle_type, settings.max_vehicles_per_rider))


def group_method(opened: Sequence[OpenPlace]) -> str | None:
    """What pays the first of the open rides, and so all of them; None: none is open."""
    rides = [place for place in opened if place.kind == "ride"]
    return min(rides, key=lambda ride: ride.id).payment_method_id if rides else None


def rider_may_ride(facts: StartFacts) -> Refusal | None:
    """What of the rider refuses: standing, money, how many they have already."""
    if facts.blocked:
        return errors.rider_blocked()
    if not facts.skip_wallet_check and facts.debt.amount_minor > 0:
        return debt_open(facts.debt)
    if facts.card_required and not facts.card_method_ids and not facts.skip_save_card_check:
        return card_needed()
    pays = method_that_pays(facts.payment_method_id, facts.chosen_method_id, facts.card_method_ids)
    if pays == WALLET and not facts.skip_wallet_check:
        bonus_only = facts.settings.bonus_only
        has = facts.spendable if bonus_only else facts.balance
        minimum = Money(max(facts.settings.minimum_balance_minor, 0 if bonus_only else 1), has.currency)
        if has.amount_minor < minimum.amount_minor:
            return errors.balance_too_low(has, minimum)
    return _group_may_grow(facts)


def _group_may_grow(facts: StartFacts) -> Refusal | None:
    settings, types = facts.settings, [place.vehicle_type for place in facts.opened]
    if len(types) >= settings.max_vehicles_per_rider:
        return errors.too_many_rides(settings.max_vehicles_per_rider)
    most = most_of_type(settings, facts.vehicle_type)
    if types.count(facts.vehicle_type) >= most:
        return errors.too_many_rides(most, facts.vehicle_type)
    others = sorted(set(types) - {facts.vehicle_type})
    if settings.group_same_type and others:
        return errors.group_same_type(others[0])
    return None


def vehicle_may_be_taken(facts: StartFacts) -> Refusal | None:
    """What of the vehicle refuses: somebody else has it, or it is not fit to be ridden."""
    if not facts.shared:
        return errors.vehicle_rental_only()
    is_own = facts.vehicle_status is VehicleStatus.RESERVED and facts.reservation_id is not None
    if facts.vehicle_status is not VehicleStatus.READY and not is_own:
        return vehicle_not_available(facts.vehicle_status)
    if (
        facts.vehicle_at is None
        or facts.vehicle_seen_at is None
        or facts.now - facts.vehicle_seen_at > timedelta(seconds=facts.settings.silent_after_s)
    ):
        return errors.vehicle_silent()
    if facts.vehicle_battery_pct < facts.minimum_battery_pct:
        return errors.vehicle_battery_low(facts.vehicle_battery_pct, facts.minimum_battery_pct)
    return None


def vehicle_is_near(facts: StartFacts, within_m: int) -> Refusal | None:
    """The rider must be so near to the vehicle."""
    if facts.vehicle_at is None:
        return errors.vehicle_silent()
    away_m = distance_m(facts.rider_at, facts.vehicle_at)
    return errors.too_far(round(away_m), within_m) if away_m > within_m else None


def _addons_may_be_taken(facts: StartFacts) -> Refusal | None:
    unknown = [addon_id for addon_id in facts.addon_ids if addon_id not in facts.allowed_addon_ids]
    if unknown:
        return errors.unknown_addons(unknown, facts.allowed_addon_ids)
    if facts.addons_out_of_stock:
        return errors.addon_out_of_stock(facts.addons_out_of_stock)
    return None


def request_may_be_met(facts: StartFacts) -> Refusal | None:
    """What is wrong with the payment method that was asked for."""
    pays = method_that_pays(facts.payment_method_id, facts.chosen_method_id, facts.card_method_ids)
    allowed = [WALLET, *facts.card_method_ids]
    if pays is None:
        return unknown_payment_method(allowed)
    group = group_method(facts.opened)
    if group in allowed and pays != group:
        return errors.group_one_payer(group)
    return None


def amount_to_reserve(spec: ModelSpec, settings: PaymentSettings) -> int:
    """What a card that pays a ride must be good for at the start: the model's word, else the operator's."""
    return settings.authorise_minor if spec.authorise_minor is None else spec.authorise_minor


def after_authorising(status: PaymentStatus, *, waited_for: bool) -> tuple[RideStatus, Outcome | None]:
    """The next status of a ride that waited for a card, and why it is over (third table above)."""
    match status:
        case PaymentStatus.AUTHORISED if waited_for:
            return RideStatus.UNLOCKING, None
        case PaymentStatus.FAILED | PaymentStatus.RELEASED:
            return RideStatus.FAILED, Outcome.CARD_DECLINED
        case _:
            return RideStatus.FAILED, Outcome.CARD_NO_ANSWER


@dataclass(frozen=True, slots=True)
class FundsAction:
    """What an app is told about money while rides run. `missing_minor` is above 0 exactly when there is an `action`."""

    action: Literal["ADD_MONEY", "WAIT_TOP_UP"] | None
    missing_minor: int
    flow: Literal["WALLET", "CARD"] | None


def funds_action(rides: Sequence[tuple[str, int]], spendable_minor: int, *, is_topping_up: bool = False) -> FundsAction:
    """By the last table above; `rides` are what pays each and what it costs if it ended now."""
    if not rides:
        return FundsAction(None, 0, None)
    by_wallet = [total_minor for method_id, total_minor in rides if method_id == WALLET]
    if not by_wallet:
        return FundsAction(None, 0, "CARD")
    missing = max(0, sum(by_wallet) - spendable_minor)
    if not missing:
        return FundsAction(None, 0, "WALLET")
    return FundsAction("WAIT_TOP_UP" if is_topping_up else "ADD_MONEY", missing, "WALLET")


def may_pause(status: RideStatus) -> Refusal | None:
    """ACTIVE may; PAUSED is already; whatever waits for the vehicle is busy."""
    if status is RideStatus.ACTIVE:
        return None
    return errors.ride_already_paused() if status is RideStatus.PAUSED else errors.ride_busy(status)


def may_unpause(status: RideStatus) -> Refusal | None:
    """PAUSED may; ACTIVE is not paused; whatever waits for the vehicle is busy."""
    if status is RideStatus.PAUSED:
        return None
    return errors.ride_not_paused() if status is RideStatus.ACTIVE else errors.ride_busy(status)


def after_command(status: RideStatus, *, done: bool, was_paused: bool) -> tuple[RideStatus, EventKind | None]:
    """The next status of a waiting ride and the event to record (second table above)."""
    back = RideStatus.PAUSED if was_paused else RideStatus.ACTIVE
    table: dict[tuple[RideStatus, bool], tuple[RideStatus, EventKind | None]] = {
        (RideStatus.UNLOCKING, True): (RideStatus.ACTIVE, EventKind.STARTED),
        (RideStatus.UNLOCKING, False): (RideStatus.FAILED, EventKind.FAILED),
        (RideStatus.PAUSING, True): (RideStatus.PAUSED, EventKind.PAUSED),
        (RideStatus.PAUSING, False): (RideStatus.ACTIVE, None),
        (RideStatus.UNPAUSING, True): (RideStatus.ACTIVE, EventKind.RESUMED),
        (RideStatus.UNPAUSING, False): (RideStatus.PAUSED, None),
        (RideStatus.ENDING, True): (RideStatus.ENDED, EventKind.ENDED),
        (RideStatus.ENDING, False): (back, EventKind.END_REFUSED),
    }
    return table[status, done]


def lock_refused(events: Sequence[RideEvent], odometer_m: int) -> RideEvent | None:
    """When the vehicle first failed to lock at an end, if it has not been ridden on since.

    The rider has done their part by then: the ride is counted up to there, and the next attempt ends it even without
    the vehicle's word.
    """
    for event in events:
        if event.kind is not EventKind.END_REFUSED or event.data.get("reason") != LOCK_NOT_CONFIRMED:
            continue
        if odometer_m - int(event.data.get("odometer_m", 0)) <= STOOD_STILL_M:
            return event
    return None


def is_paused(events: Sequence[RideEvent]) -> bool:
    """Whether the last of the pauses and resumptions is a pause."""
    last = [event.kind for event in events if event.kind in (EventKind.PAUSED, EventKind.RESUMED)]
    return bool(last) and last[-1] is EventKind.PAUSED


def ride_usage(events: Sequence[RideEvent], until: datetime, distance_m: int = 0) -> Usage:
    """Seconds ridden and paused, from the recorded events, and metres ridden."""
    used = usage([UsageEvent(kind=event.kind, at=event.at) for event in events], until)
    return Usage(ride_s=used.ride_s, pause_s=used.pause_s, distance_m=distance_m)
