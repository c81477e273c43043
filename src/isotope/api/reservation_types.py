"""Requests and answers about reservations, in the words of `sharing_types`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Id, Latitude, Longitude, UserId
from isotope.api.sharing_types import ByVehicleId, ByVehicleNumber, Coordinates, CurrencyCode, UnixSeconds
from isotope.api.user_types import Amount
from isotope.kernel.vehicle_types import VehicleType

ByReservationId = Annotated[Id | None, Meta(description="The reservation by its id.")]


class ReserveVehicleRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which vehicle: by id or by number."""

    vehicle_id: ByVehicleId = None
    vehicle_number: ByVehicleNumber = None
    user_longitude: Longitude
    user_latitude: Latitude
    payment_method_id: Annotated[
        Annotated[str, Meta(max_length=128)] | None,
        Meta(description="What the ride is to be paid with unless `start-ride` says otherwise.", examples=["wallet"]),
    ] = None
    user_id: UserId = None
    skip_wallet_check: Annotated[
        bool | None, Meta(description="Reserve even with too little in the wallet.", extra={"secret_only": True})
    ] = False
    skip_save_card_check: Annotated[
        bool | None, Meta(description="Reserve even without a saved card.", extra={"secret_only": True})
    ] = False


class ByReservationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which reservation: by its id or by its vehicle. With one reservation none need be named."""

    reservation_id: ByReservationId = None
    vehicle_id: ByVehicleId = None
    user_id: UserId = None


class ReservationsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Whose."""

    user_id: UserId = None


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle that is kept for the rider. What it costs is told with the tax in it."""

    reservation_id: int
    vehicle_id: int
    vehicle_number: Annotated[str, Meta(examples=["1001"])]
    vehicle_type: VehicleType
    model_id: int
    model_title: str
    coordinates: Annotated[Coordinates | None, Meta(description="Where the vehicle stands; null if unknown.")]
    reserved_at: UnixSeconds
    reserved_until: UnixSeconds
    left_seconds: Annotated[int, Meta(description="Then it ends by itself.")]
    extensions_left: Annotated[int, Meta(description="How often `extend-reservation` still works.")]
    extension_minutes: Annotated[int, Meta(description="How much longer each of them keeps the vehicle.")]
    fee_kind: Annotated[Literal["NONE", "FIXED", "PER_MINUTE"], Meta(description="Nothing, once, each started minute.")]
    fee: Annotated[Amount, Meta(description="Once or a minute, as the vehicle's prices are.")]
    fee_so_far: Annotated[Amount, Meta(description="What has run up by now.")]
    is_fee_credited: Annotated[bool, Meta(description="A ride that is started with it takes the fee off again.")]
    cancel_cost: Annotated[Amount, Meta(description="What `cancel-reservation` would cost now.")]
    currency_code: CurrencyCode
    payment_method_id: Annotated[str | None, Meta(description="What was said to pay the ride.")] = None


class CancelledReservation(msgspec.Struct, frozen=True, kw_only=True):
    """`total = charged_bonus + charged_balance + debt`."""

    status: Annotated[int, Meta(description="1: done.", examples=[1])]
    message: str
    reservation_id: int
    total: Annotated[Amount, Meta(description="What it cost.")]
    charged_bonus: Amount
    charged_balance: Amount
    debt: Annotated[Amount, Meta(description="What the wallet did not have; a saved card is tried for it.")]
    currency_code: CurrencyCode
    cooldown_until: Annotated[
        int | None, Meta(description="When a vehicle can be reserved again, Unix seconds; null: now.")
    ]


class Reservations(msgspec.Struct, frozen=True, kw_only=True):
    """What the rider has reserved, oldest first."""

    reservations: list[Reservation]
    reservation_minutes: Annotated[int, Meta(description="How long a vehicle is kept; 0: none can be reserved.")]
    reserve_distance_m: Annotated[int, Meta(description="How near to a vehicle it can be reserved.")]
    cooldown_until: Annotated[
        int | None, Meta(description="When a vehicle can be reserved again, Unix seconds; null: now.")
    ]
