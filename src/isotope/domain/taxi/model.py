"""Trips: what is offered, what was agreed, where a trip stands."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

import msgspec
from msgspec import Meta

from isotope.domain.pricing.model import Line, TaxLine, TaxRate
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, OperatorId, RiderId, TaxiClassId, TaxiVehicleId, TripId

TripOfferId = NewType("TripOfferId", int)
TripRefundId = NewType("TripRefundId", int)

MIN_POINTS = 2
MAX_POINTS = 8
_MOST_MINOR = 10**9

Minor = Annotated[int, Meta(ge=0, le=_MOST_MINOR)]


class TripStatus(StrEnum):
    """Where a trip stands; `machine.may_change` says who may change it into what.

    AUTHORISING  an amount is being reserved on the rider's card; no driver hears of it yet
    REQUESTED    a driver is looked for
    SCHEDULED    for later; a driver may have promised it (`driver_id`)
    ACCEPTED     a driver is on the way
    ARRIVED      and waits at the pick-up
    STARTED      the rider is on board
    ENDED, CANCELED  final
    """

    AUTHORISING = "AUTHORISING"
    REQUESTED = "REQUESTED"
    SCHEDULED = "SCHEDULED"
    ACCEPTED = "ACCEPTED"
    ARRIVED = "ARRIVED"
    STARTED = "STARTED"
    ENDED = "ENDED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        return self in (TripStatus.ENDED, TripStatus.CANCELED)

    @property
    def has_driver(self) -> bool:
        """Whether a driver is busy with it."""
        return self in (TripStatus.ACCEPTED, TripStatus.ARRIVED, TripStatus.STARTED)


class TripPayment(StrEnum):
    """What pays a trip. CASH is given to the driver; the others as for rides."""

    CASH = "CASH"
    CARD = "CARD"
    WALLET = "WALLET"


class Outcome(StrEnum):
    """Why a trip was over."""

    DRIVEN = "driven"
    RIDER_CANCELED = "rider_canceled"
    DRIVER_CANCELED = "driver_canceled"
    STAFF_CANCELED = "staff_canceled"
    NO_DRIVER = "no_driver"
    NO_SHOW = "no_show"
    CARD_REFUSED = "card_refused"
    RIDER_LEFT = "rider_left"


class OfferStatus(StrEnum):
    """Where an offer to a driver stands.

    WITHDRAWN: the trip went to another one, or was cancelled. GIVEN_UP: accepted, and given up later.
    """

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    GIVEN_UP = "GIVEN_UP"


class TaxiTariff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a trip of a class costs, minor units."""

    base_minor: Annotated[Minor, Meta(description="for getting in")] = 0
    km_minor: Annotated[Minor, Meta(description="each kilometre of the route, metre by metre")] = 0
    minute_minor: Annotated[Minor, Meta(description="each minute of the drive, second by second")] = 0
    minimum_minor: Annotated[Minor, Meta(description="a trip costs so much at least")] = 0
    stop_minor: Annotated[Minor, Meta(description="each stop on the way")] = 0
    schedule_minor: Annotated[Minor, Meta(description="for a trip ordered for later")] = 0
    free_wait_s: Annotated[int, Meta(ge=0, le=3600, description="so long a driver waits for nothing")] = 120
    wait_minute_minor: Annotated[Minor, Meta(description="each started minute of waiting after that")] = 0
    cancel_minor: Annotated[Minor, Meta(description="fee of a rider who cancels too late")] = 0
    no_show_minor: Annotated[Minor, Meta(description="fee of a rider who does not come")] = 0
    tax_rate: TaxRate = "0"
    tax_inclusive: Annotated[bool, Meta(description="prices contain the tax; otherwise it is added")] = True


class TaxiClassSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of service: what an operator says of it in `taxi.yaml`."""

    description: Annotated[str, Meta(max_length=300)] = ""
    capacity: Annotated[int, Meta(ge=1, le=60, description="riders")] = 4
    cash: Annotated[bool, Meta(description="trips can be paid in cash, to drivers who take it")] = True
    order: Annotated[int, Meta(ge=0, le=1000, description="place in the list")] = 0
    image: Annotated[str, Meta(max_length=500, description="address of a picture")] = ""
    tariff: TaxiTariff = TaxiTariff()


class TaxiClass(msgspec.Struct, frozen=True, kw_only=True):
    """A class as it is stored."""

    operator_id: OperatorId
    id: TaxiClassId
    ref: str
    title: str
    spec: TaxiClassSpec
    retired_at: datetime | None = None


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a route: the first is the pick-up, the last the destination. `reached_at`: of a trip that is driven."""

    lat: float
    lon: float
    title: str
    subtitle: str = ""
    reached_at: datetime | None = None

    @property
    def point(self) -> Point:
        return Point(self.lat, self.lon)


class FarePrice(msgspec.Struct, frozen=True, kw_only=True):
    """A price made up of lines, as `pricing` has them. Where tax is added it is a line."""

    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    net_minor: int
    tax_minor: int
    total_minor: int


class TripTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed when the trip was requested; later settings change nothing of it.

    Attributes:
        class_title: for people.
        distance_m, duration_s: of the quoted route.
        surge: the factor, as text (`1.4`); 1 where nothing is raised.
        time_zone: in which a scheduled time was said.
        commission_pct: what the operator keeps of the fare, unless the driver has their own share.
        reserve_minor: what was reserved on a card.
    """

    class_ref: str
    class_title: str
    tariff: TaxiTariff
    distance_m: int
    duration_s: int
    surge: str
    quoted: FarePrice
    time_zone: str
    commission_pct: str
    reserve_minor: int = 0
    route: str = ""


class Trip(msgspec.Struct, frozen=True, kw_only=True):
    """A taxi journey: a row of `trip` (see 0060_taxi.sql for its columns)."""

    operator_id: OperatorId
    id: TripId
    rider_id: RiderId
    class_id: TaxiClassId
    status: TripStatus
    quote_id: UUID
    payment: TripPayment
    payment_method_id: str
    currency: str
    terms: TripTerms
    requested_at: datetime
    driver_id: DriverId | None = None
    vehicle_id: TaxiVehicleId | None = None
    wanted_driver_id: DriverId | None = None
    comment: str = ""
    pin: str | None = None
    scheduled_at: datetime | None = None
    search_until: datetime | None = None
    reoffers: int = 0
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    closed_by: str | None = None
    pickup_eta_s: int | None = None
    driven_m: float = 0.0
    track_lat: float | None = None
    track_lon: float | None = None
    track_at: datetime | None = None
    lines: tuple[Line, ...] = ()
    taxes: tuple[TaxLine, ...] = ()
    total_minor: int = 0
    tax_minor: int = 0
    charged_bonus_minor: int = 0
    charged_balance_minor: int = 0
    charged_card_minor: int = 0
    card_pending_minor: int = 0
    debt_minor: int = 0
    cash_minor: int = 0
    cash_due_minor: int = 0
    refunded_minor: int = 0
    earned_minor: int = 0
    rating: int | None = None
    rating_comment: str | None = None
    rated_at: datetime | None = None
    told: tuple[str, ...] = ()
    next_at: datetime | None = None

    @property
    def cause(self) -> str:
        """What ledger, payments and receipts call it."""
        return f"trip:{self.id}"


class TripEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a trip; a change of its status has both of them."""

    nr: int
    kind: str
    from_status: str | None
    to_status: str | None
    at: datetime
    actor: Actor
    reason: str | None = None
    data: dict[str, str | int | float | bool | None] = {}


class TripOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A trip as it was offered to a driver."""

    operator_id: OperatorId
    id: TripOfferId
    trip_id: TripId
    driver_id: DriverId
    status: OfferStatus
    slot: int
    offered_at: datetime
    expires_at: datetime
    eta_s: int
    distance_m: int
    answered_at: datetime | None = None
    reason: str | None = None
