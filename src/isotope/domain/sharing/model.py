"""Rides: what was agreed, what happened, where it stands."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

from isotope.domain.pricing.model import (
    AddonPrice,
    Agreed,
    AgreedPackage,
    AgreedSubscription,
    AppliedSurcharge,
    AtEnd,
    Discount,
    Line,
    ReservationFee,
    Tariff,
    TaxLine,
    ZoneCharge,
)
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, CommandId, ModelId, OperatorId, RideId, RiderId, TariffId, VehicleId


class RideStatus(StrEnum):
    """Where a ride stands. AUTHORISING waits for a card; the others in ING for the vehicle's word on one command."""

    AUTHORISING = "AUTHORISING"
    UNLOCKING = "UNLOCKING"
    ACTIVE = "ACTIVE"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    UNPAUSING = "UNPAUSING"
    ENDING = "ENDING"
    ENDED = "ENDED"
    FAILED = "FAILED"


WAITING: Final = frozenset({RideStatus.UNLOCKING, RideStatus.PAUSING, RideStatus.UNPAUSING, RideStatus.ENDING})
STARTING: Final = frozenset({RideStatus.AUTHORISING, RideStatus.UNLOCKING})
CLOSED: Final = frozenset({RideStatus.ENDED, RideStatus.FAILED})


class EventKind(StrEnum):
    """What happens to a ride; the price is computed from these alone.

    Those from FUNDS_LOW on cost nothing and change no price: a rider runs out of money (FUNDS_LOW, SLOWED, RELEASED), a
    zone acts on the vehicle (ZONE_SLOWED, ZONE_STOPPED, ZONE_RELEASED), staff are called (ALERTED), what was refused is
    accepted with its fine (FINE_ACCEPTED), a finished ride is looked at again (RECHECKED).
    """

    REQUESTED = "REQUESTED"
    STARTED = "STARTED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    END_REFUSED = "END_REFUSED"
    ENDED = "ENDED"
    FAILED = "FAILED"
    FUNDS_LOW = "FUNDS_LOW"
    SLOWED = "SLOWED"
    RELEASED = "RELEASED"
    ZONE_SLOWED = "ZONE_SLOWED"
    ZONE_STOPPED = "ZONE_STOPPED"
    ZONE_RELEASED = "ZONE_RELEASED"
    ALERTED = "ALERTED"
    FINE_ACCEPTED = "FINE_ACCEPTED"
    RECHECKED = "RECHECKED"


class Outcome(StrEnum):
    """Why a ride is over."""

    BY_RIDER = "by_rider"
    # The rider's money was used up, and the vehicle stood where rides may end.
    BALANCE_LIMIT = "balance_limit"
    # The vehicle did not confirm its lock twice; the ride was ended on the rider's word.
    UNCONFIRMED_LOCK = "unconfirmed_lock"
    # The vehicle never confirmed that it unlocked: free of charge.
    NOT_UNLOCKED = "not_unlocked"
    # Nothing could be reserved on the card, or nobody said in time that it was: free of charge.
    CARD_DECLINED = "card_declined"
    CARD_NO_ANSWER = "card_no_answer"
    # The card was good, but the vehicle could not be told to unlock: free of charge.
    NOT_REACHED = "not_reached"
    # Ended by the operator's rules, because nobody rode any more or nobody should.
    IDLE = "idle"
    BATTERY_LOW = "battery_low"
    PAUSED_TOO_LONG = "paused_too_long"
    RIDE_TOO_LONG = "ride_too_long"
    # Staff ended it.
    FORCED = "forced"
    # It never went anywhere, its vehicle locked all the time: free of charge.
    GHOST = "ghost"


# What ended without anybody's asking: if the lock does not close then, it is no refusal of what a rider asked for.
BY_ITSELF: Final = frozenset(
    {
        Outcome.BALANCE_LIMIT,
        Outcome.IDLE,
        Outcome.BATTERY_LOW,
        Outcome.PAUSED_TOO_LONG,
        Outcome.RIDE_TOO_LONG,
    }
)


class AgreedAddon(msgspec.Struct, frozen=True, kw_only=True):
    """An add-on with the price it had when the ride began."""

    id: AddonId
    title: str
    price: AddonPrice


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed at the start; later changes of prices do not touch a running ride."""

    tariff: Tariff
    # Which tariff that is, for its cap a day; None: of a ride that began before there were any.
    tariff_id: TariffId | None = None
    addons: tuple[AgreedAddon, ...] = ()
    payment_method_id: str = "wallet"
    skip_auto_topup: bool = False
    skip_auto_stop: bool = False
    surcharges: tuple[AppliedSurcharge, ...] = ()
    package: AgreedPackage | None = None
    subscription: AgreedSubscription | None = None
    discounts: tuple[Discount, ...] = ()
    free_minutes_used: int = 0
    reservation: ReservationFee | None = None

    @property
    def agreed(self) -> Agreed:
        """What the price depends on."""
        return Agreed(
            tariff=self.tariff,
            addons=tuple(addon.price for addon in self.addons),
            surcharges=self.surcharges,
            package=self.package,
            subscription=self.subscription,
            discounts=self.discounts,
            free_minutes_used=self.free_minutes_used,
            reservation=self.reservation,
        )


class ReviewStatus(StrEnum):
    """Whether staff look at how a ride ended: a missing or bad photo, an end on the rider's word."""

    IN_REVIEW = "IN_REVIEW"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


class EndBonus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a bonus zone pays for an end in it: an amount, and per cent of the ride price."""

    title: str
    amount_minor: int = 0
    pct: int = 0


class EndPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """On what terms a ride ends, decided when its end was asked for and carried out when its vehicle is locked.

    Attributes:
        zone_charges: what the place adds to the bill.
        bonus: what the place pays, after the bill was charged.
        photo: the best picture that was given, at this try or one before; None: none.
        review: why staff look at the end; empty: they need not.
    """

    zone_charges: tuple[ZoneCharge, ...] = ()
    bonus: EndBonus | None = None
    photo: Literal["good", "bad"] | None = None
    review: tuple[str, ...] = ()


NO_PLAN: Final = EndPlan()


class RideEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, in the order of `nr`."""

    nr: int
    kind: EventKind
    at: datetime
    actor: Actor
    data: dict[str, Any] = {}


class Ride(msgspec.Struct, frozen=True, kw_only=True):
    """A ride as it is stored, without its events.

    `total_minor` is what bonus, balance and card paid, what the card is still asked for (`card_pending_minor`; it
    becomes one of the others), and debt.
    """

    operator_id: OperatorId
    id: RideId
    rider_id: RiderId
    vehicle_id: VehicleId
    model_id: ModelId
    status: RideStatus
    currency: str
    terms: Terms
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    start: Point
    start_odometer_m: int
    command_id: CommandId | None
    ending_at: datetime | None = None
    end: Point | None = None
    outcome: Outcome | None = None
    distance_m: int | None = None
    lines: tuple[Line, ...] | None = None
    total_minor: int | None = None
    tax_minor: int | None = None
    taxes: tuple[TaxLine, ...] | None = None
    charged_bonus_minor: int | None = None
    charged_balance_minor: int | None = None
    charged_card_minor: int = 0
    card_pending_minor: int = 0
    debt_minor: int | None = None
    # What the final bill was made of beside terms and events; None before the end and for rides that ended before 0017.
    at_end: AtEnd | None = None
    review_status: ReviewStatus | None = None
    review_reasons: tuple[str, ...] = ()
    # Of the last time that it was asked to end.
    end_plan: EndPlan = NO_PLAN
    earned_bonus_minor: int = 0

    @property
    def holder(self) -> str:
        """What `vehicle.held_by` says while this ride has the vehicle."""
        return f"ride:{self.id}"

    @property
    def is_settled(self) -> bool:
        """Whether it is over and no card is asked any more."""
        return self.status is RideStatus.ENDED and self.card_pending_minor == 0

    @property
    def tax_lines(self) -> tuple[TaxLine, ...]:
        """The bill's tax by rate. Rides that were billed before rates were kept have one rate."""
        if self.taxes is not None or self.total_minor is None:
            return self.taxes or ()
        tax = self.tax_minor or 0
        rate = self.terms.tariff.tax_rate
        return (TaxLine(rate=rate, net_minor=self.total_minor - tax, tax_minor=tax, gross_minor=self.total_minor),)

    @property
    def is_open(self) -> bool:
        return self.status not in CLOSED
