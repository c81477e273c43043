"""A vehicle that is kept for a rider before a ride."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType

import msgspec

from isotope.kernel.ids import ModelId, OperatorId, RideId, RiderId, VehicleId

ReservationId = NewType("ReservationId", int)
FeeKind = Literal["NONE", "FIXED", "PER_MINUTE"]


class ReservationStatus(StrEnum):
    """USED became a ride; EXPIRED and CANCELLED did not."""

    ACTIVE = "ACTIVE"
    USED = "USED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class ReservationTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed; later changes of settings and prices do not touch it.

    Attributes:
        minutes: how long the vehicle is kept, and how much longer each extension keeps it.
        extensions: how often it can be extended.
        fee: NONE; FIXED, once; PER_MINUTE, for each started minute.
        fee_minor: as prices of the tariff are, with the tax or without it.
        credit_on_unlock: whether a ride takes the fee back.
        payment_method_id: what the ride is to be paid with unless its start says otherwise.
    """

    minutes: int
    extensions: int
    fee: FeeKind
    fee_minor: int
    credit_on_unlock: bool
    tax_rate: str
    tax_inclusive: bool
    payment_method_id: str | None = None


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation as it is stored. The money is of an unused one; a used one is billed with its ride."""

    operator_id: OperatorId
    id: ReservationId
    rider_id: RiderId
    vehicle_id: VehicleId
    model_id: ModelId
    status: ReservationStatus
    place: int
    currency: str
    terms: ReservationTerms
    reserved_at: datetime
    expires_at: datetime
    extended: int
    ended_at: datetime | None
    ride_id: RideId | None
    forgiven: bool
    total_minor: int | None
    tax_minor: int | None
    charged_bonus_minor: int | None
    charged_balance_minor: int | None
    debt_minor: int | None

    @property
    def holder(self) -> str:
        """What `vehicle.held_by` says while the vehicle is kept, and the cause of its fee."""
        return f"reservation:{self.id}"

    @property
    def is_active(self) -> bool:
        return self.status is ReservationStatus.ACTIVE


class Unused(msgspec.Struct, frozen=True, kw_only=True):
    """When a rider's last unused reservations ended: the last that counts, and the last that was forgiven."""

    counted_at: datetime | None = None
    forgiven_at: datetime | None = None
