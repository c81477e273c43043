"""Requests and answers of the section Driver: what an app for drivers needs.

Words are those of the section Taxi, seen from the other seat: what riders call a ride is a trip here, and its `trip_id`
is their `ride_id`. Amounts are in the currency's unit, exact JSON numbers; instants are Unix seconds; distances end in
`_m`, times in `_s`.
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Id, Latitude, Longitude
from isotope.api.money_types import Bookmark, NextBookmark, PageLength, SameBookmark
from isotope.api.sharing_types import Coordinates, CurrencyCode, UnixSeconds
from isotope.api.upload import Upload
from isotope.api.user_types import Amount

PresenceName = Literal["ONLINE", "OFFLINE", "NO_CONNECTION"]
Kind = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z_]{1,40}$", description="What document it is, in the operator's words.", examples=["licence"]
    ),
]
At = Annotated[
    int,
    Meta(
        ge=0,
        le=253_402_300_799_999,
        description="When the phone was there: Unix seconds (milliseconds are understood). What is ahead of our clock is "
        "taken for now.",
        examples=[1767225600],
    ),
]
Heading = Annotated[
    Annotated[int, Meta(ge=0, le=359)] | None,
    Meta(description="Where the phone moves to: degrees from north, clockwise."),
]


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """No fields."""


# -- In and out -----------------------------------------------------------------------------------------------------


class DriverLoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A known driver whose phone is verified."""

    phone_token: Annotated[
        str,
        Meta(min_length=1, max_length=256, description="From `verify-phone-code`, asked for with the flow `DRIVER`."),
    ]


class DriverLoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """The driver is logged in."""

    token: Annotated[str, Meta(description="The driver's token, for `Authorization` in this section.")]
    driver_id: int


class DriverVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """A car that the driver may drive."""

    taxi_vehicle_id: int
    plate: Annotated[str, Meta(examples=["ABC-123"])]
    title: Annotated[str, Meta(examples=["Toyota Corolla"])]
    color: str
    seats: int
    classes: Annotated[list["DriverClass"], Meta(description="Of what classes it can drive trips.")]


class DriverClass(msgspec.Struct, frozen=True, kw_only=True):
    """A class of service."""

    class_id: int
    title: Annotated[str, Meta(examples=["Standard"])]


class DriverPresence(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the driver works now."""

    presence: Annotated[
        PresenceName,
        Meta(
            description="`NO_CONNECTION`: online, but nothing was heard of the phone for too long; no trips are offered."
        ),
    ]
    taxi_vehicle_id: Annotated[int | None, Meta(description="What the driver works in; null: offline.")]
    class_ids: Annotated[list[int], Meta(description="Trips of these classes are offered.")]
    online_since: UnixSeconds | None
    is_busy: Annotated[bool, Meta(description="In a trip.")]
    next_position_s: Annotated[int, Meta(description="Seconds until the next position is best sent.", examples=[5])]


class DriverProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The driver, and whether they can work."""

    driver_id: int
    name: str
    email: str
    phone_prefix: str
    phone: str
    language: str
    status: Annotated[
        Literal["ACTIVE", "BLOCKED"], Meta(description="`BLOCKED`: the operator lets them not go online.")
    ]
    rating: Annotated[float | None, Meta(description="The average; null until enough riders have rated.")]
    rating_count: int
    cash_allowed: Annotated[bool, Meta(description="Trips paid in cash are offered.")]
    commission_percent: Annotated[float, Meta(description="What the operator keeps of a fare.", examples=[20])]
    currency_code: CurrencyCode
    time_zone: Annotated[str, Meta(examples=["Europe/Helsinki"])]
    missing_documents: Annotated[
        list[str], Meta(description="Kinds without which the driver cannot go online; empty: all is there.")
    ]
    vehicles: list[DriverVehicle]
    presence: DriverPresence
    trip_id: Annotated[int | None, Meta(description="The trip that the driver is in; null: none.")]


# -- Presence -------------------------------------------------------------------------------------------------------


class GoOnlineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """In what, and where."""

    taxi_vehicle_id: Annotated[Id, Meta(description="One of the driver's vehicles.")]
    latitude: Latitude
    longitude: Longitude
    class_ids: Annotated[
        Annotated[list[Id], Meta(min_length=1, max_length=50)] | None,
        Meta(description="Take trips of these classes only; without it of all that the vehicle drives."),
    ] = None


class SentPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Where the phone was."""

    latitude: Latitude
    longitude: Longitude
    at: At
    heading: Heading = None


class PositionsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One position, or all that could not be sent before."""

    positions: Annotated[
        list[SentPosition], Meta(min_length=1, max_length=100, description="In any order; late ones move nobody back.")
    ]


# -- Offers and trips -----------------------------------------------------------------------------------------------

TripStatusName = Literal["SCHEDULED", "ACCEPTED", "ARRIVED", "STARTED", "ENDED", "CANCELED"]
ActionName = Literal["SET_OFF", "ARRIVE", "START", "NO_SHOW", "REACH_STOP", "END", "TAKE_CASH", "CANCEL"]
PaymentName = Literal["CASH", "CARD", "WALLET"]
Metres = Annotated[int, Meta(description="Metres.", examples=[3200])]
Seconds = Annotated[int, Meta(description="Seconds.", examples=[240])]
OfferId = Annotated[Id, Meta(description="Of `get-work`.", examples=[31])]
TripIdField = Annotated[Id, Meta(description="Of `get-work`; riders know it as `ride_id`.", examples=[12])]
Version = Annotated[str, Meta(description="Names this very answer.", examples=["6b1f0c8e2a974d35"])]
Why = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1F\x7F-\x9F]*$",
        description="In the driver's words, or one of a list of the app's. Riders are not told.",
        examples=["too far"],
    ),
]


class TripPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A point of the way: the first is the pick-up, the last the destination."""

    nr: Annotated[int, Meta(description="From 0, the pick-up.")]
    title: Annotated[str, Meta(examples=["Mannerheimintie 1"])]
    subtitle: str
    coordinates: Coordinates
    reached_at: UnixSeconds | None


class DriverOfferShown(msgspec.Struct, frozen=True, kw_only=True):
    """A trip that the driver may take. Who the rider is, is told to who takes it."""

    offer_id: int
    trip_id: int
    expires_at: Annotated[UnixSeconds, Meta(description="Until then it can be accepted.")]
    pick_up_eta_s: Annotated[Seconds, Meta(description="To the pick-up, as it was thought when offered.")]
    pick_up_distance_m: Annotated[Metres, Meta(description="To the pick-up.")]
    scheduled_at: Annotated[UnixSeconds | None, Meta(description="For a trip for later: when; accepting promises it.")]
    class_id: int
    class_title: str
    points: list[TripPoint]
    distance_m: Annotated[Metres, Meta(description="From the pick-up to the destination, by road.")]
    duration_s: Annotated[Seconds, Meta(description="From the pick-up to the destination.")]
    payment_type: PaymentName
    price: Annotated[Amount, Meta(description="What the rider was told.")]
    earning: Annotated[Amount, Meta(description="What of it is the driver's.")]
    currency_code: CurrencyCode


class TripRider(msgspec.Struct, frozen=True, kw_only=True):
    """Who is driven; told from the acceptance until the end."""

    name: Annotated[str, Meta(description="The first name.", examples=["Rita"])]
    phone: Annotated[str, Meta(description="Masked: enough to know who calls.", examples=["+358 •••••••67"])]


class DriverTripShown(msgspec.Struct, frozen=True, kw_only=True):
    """A trip of the driver's as it is now."""

    trip_id: int
    status: TripStatusName
    outcome: Annotated[str | None, Meta(description="Why it was over; null while it goes on.", examples=["driven"])]
    actions: Annotated[list[ActionName], Meta(description="What can be done now.")]
    class_id: int
    class_title: str
    rider: TripRider | None
    comment: Annotated[str, Meta(description="What the rider said; empty where nothing, and when it is over.")]
    pin_required: Annotated[bool, Meta(description="The rider tells four digits, which `start-trip` takes.")]
    points: list[TripPoint]
    next_stop: Annotated[
        int | None, Meta(description="The `nr` of the next stop on the way; null: only the destination.")
    ]
    scheduled_at: UnixSeconds | None
    accepted_at: UnixSeconds | None
    arrived_at: UnixSeconds | None
    started_at: UnixSeconds | None
    closed_at: Annotated[UnixSeconds | None, Meta(description="When it was over, driven or not.")]
    no_show_from: Annotated[
        UnixSeconds | None, Meta(description="From then on `cancel-trip` with the reason `no_show` is taken.")
    ]
    distance_m: Annotated[Metres, Meta(description="Of the planned way; of a trip that is over, what was driven.")]
    duration_s: Annotated[Seconds, Meta(description="Of the planned way; of a trip that is over, what it took.")]
    payment_type: PaymentName
    price: Annotated[Amount, Meta(description="What was agreed; of a trip that is over, its bill.")]
    earning: Annotated[Amount, Meta(description="What of it is the driver's.")]
    cash_due: Annotated[
        Amount, Meta(description="What the rider is to give in cash: say what was given with `take-cash`.")
    ]
    cash: Annotated[Amount, Meta(description="What the rider gave in cash.")]
    currency_code: CurrencyCode
    rating: Annotated[int | None, Meta(description="What the rider gave, 1 to 5.")]


class WorkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to wait."""

    wait_s: Annotated[
        int,
        Meta(ge=0, le=25, description="So many seconds at most, until there is something new.", examples=[20]),
    ] = 0
    version: Annotated[
        Annotated[str, Meta(max_length=40)] | None,
        Meta(description="Of the answer that the app has; without it nothing is waited for."),
    ] = None


class DriverWorkShown(msgspec.Struct, frozen=True, kw_only=True):
    """All that changes while a driver works."""

    version: Version
    presence: DriverPresence
    offers: Annotated[list[DriverOfferShown], Meta(description="The first that ends first.")]
    trip: Annotated[
        DriverTripShown | None,
        Meta(description="What the driver is in, or must still tell the cash of; null: nothing."),
    ]


class ByOfferRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which offer."""

    offer_id: OfferId


class DeclineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which offer, and why not."""

    offer_id: OfferId
    reason: Why | None = None


class ByTripRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip."""

    trip_id: TripIdField


class StartTripRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip, and the rider's digits."""

    trip_id: TripIdField
    pin: Annotated[
        Annotated[str, Meta(pattern="^[0-9]{4}$")] | None,
        Meta(description="Four digits, where `pin_required`.", examples=["0417"]),
    ] = None


class ReachStopRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which stop of which trip."""

    trip_id: TripIdField
    stop: Annotated[int, Meta(ge=1, le=6, description="The `nr` of a stop on the way.", examples=[1])]


class DriverEndTripRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip, and why somewhere else than planned."""

    trip_id: TripIdField
    reason: Why | None = None


class TakeCashRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the rider gave."""

    trip_id: TripIdField
    amount: Annotated[
        Decimal,
        Meta(
            examples=[12.5],
            description="At most `cash_due`. What is missing is taken from the rider's wallet, or is their debt.",
        ),
    ]


class GiveUpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip, and why not."""

    trip_id: TripIdField
    reason: Annotated[Why, Meta(description="`no_show` when the rider did not come; else in the driver's words.")]


# -- Looking back ---------------------------------------------------------------------------------------------------


class DriverTripsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which page."""

    page_bookmark: Bookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None
    page_length: PageLength = 20


class DriverTrips(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the driver's trips that are over."""

    trips: Annotated[list[DriverTripShown], Meta(description="Newest first.")]
    bookmark_next: NextBookmark


class PromisedTrips(msgspec.Struct, frozen=True, kw_only=True):
    """What the driver promised to drive."""

    trips: Annotated[list[DriverTripShown], Meta(description="The next one first.")]


class EarningsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Of which time."""

    since: Annotated[
        Annotated[int, Meta(ge=0, le=253_402_300_799)] | None,
        Meta(description="Unix seconds. Null: since midnight by the operator's clock.", examples=[1767225600]),
    ] = None
    until: Annotated[
        Annotated[int, Meta(ge=0, le=253_402_300_799)] | None,
        Meta(
            description="Unix seconds, exclusive; at most 366 days after `since`. Null: until now.",
            examples=[1767312000],
        ),
    ] = None


class Earnings(msgspec.Struct, frozen=True, kw_only=True):
    """What the driver has, and what came of a time."""

    balance: Annotated[
        Amount,
        Meta(description="What the operator owes the driver now; below 0 the driver owes it, of the cash they took."),
    ]
    currency_code: CurrencyCode
    since: UnixSeconds
    until: UnixSeconds
    trips: Annotated[int, Meta(description="Trips and fees of that time that were to be paid.")]
    fares: Annotated[Amount, Meta(description="What riders were to pay for them.")]
    commission: Annotated[Amount, Meta(description="What of it is the operator's.")]
    earned: Annotated[Amount, Meta(description="What of it is the driver's.")]
    cash: Annotated[Amount, Meta(description="What riders gave in cash.")]


class BalanceEntriesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which page."""

    page_bookmark: Bookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None
    page_length: PageLength = 20


class BalanceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that changed the balance."""

    id: int
    at: UnixSeconds
    title: Annotated[str, Meta(description="What it was, for people.", examples=["Your share of a trip"])]
    reason: Annotated[str, Meta(description="What it was, for programs; stable.", examples=["trip_earning"])]
    amount: Annotated[Amount, Meta(description="Above 0: the operator owes more.")]
    trip_id: Annotated[int | None, Meta(description="The trip that it was for.")]


class BalanceEntries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what changed the balance, newest first."""

    entries: list[BalanceEntry]
    currency_code: CurrencyCode
    bookmark_next: NextBookmark


# -- Documents ------------------------------------------------------------------------------------------------------

DocumentStatusName = Literal["PENDING", "APPROVED", "REJECTED", "REPLACED"]
Day = Annotated[
    Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None,
    Meta(description="The last day on which it counts; null: it does not run out.", examples=["2030-05-31"]),
]


class UploadDocumentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A document, page by page."""

    document_kind: Kind
    expires_on: Day = None
    images: Annotated[
        Annotated[list[Upload], Meta(max_length=8)] | None,
        Meta(
            description="Its pages, or both its sides, all in fields of this name: JPEG, PNG or WebP by their content, 1 to 8 "
            "of 10 MiB each."
        ),
    ] = None


class DocumentPage(msgspec.Struct, frozen=True, kw_only=True):
    """A picture behind a link that ends."""

    url: str
    faults: Annotated[
        list[str], Meta(description="What may make it useless, in stable words.", examples=[["too_small"]])
    ]


class DriverDocumentShown(msgspec.Struct, frozen=True, kw_only=True):
    """A document of a driver's."""

    document_id: int
    document_kind: Annotated[str, Meta(examples=["licence"])]
    status: Annotated[
        DocumentStatusName,
        Meta(description="`PENDING`: staff have not looked. `REPLACED`: a newer one of the kind took its place."),
    ]
    expires_on: Annotated[str | None, Meta(examples=["2030-05-31"])]
    has_run_out: bool
    reason: Annotated[str | None, Meta(description="Why it was rejected.")]
    created_at: UnixSeconds
    reviewed_at: UnixSeconds | None
    pages: list[DocumentPage]


class DriverDocuments(msgspec.Struct, frozen=True, kw_only=True):
    """What the driver has shown."""

    needed: Annotated[list[str], Meta(description="Kinds that must be approved, and not run out, to go online.")]
    missing: Annotated[list[str], Meta(description="Those of them that are not.")]
    documents: Annotated[list[DriverDocumentShown], Meta(description="Newest first.")]
