"""Drivers, what they drive, and where they are."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NewType

import msgspec

from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, OperatorId, TaxiClassId, TaxiVehicleId

DriverDocumentId = NewType("DriverDocumentId", int)


class DriverStatus(StrEnum):
    """Whether a driver may work for the operator at all. RETIRED: taken out of the operator's files."""

    ACTIVE = "ACTIVE"
    BLOCKED = "BLOCKED"
    RETIRED = "RETIRED"


class Presence(StrEnum):
    """Whether a driver works now; NO_CONNECTION: means to, and was not heard of lately."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"
    NO_CONNECTION = "NO_CONNECTION"


class Driver(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who drives for an operator. `commission_pct` None: as the operator's settings say."""

    operator_id: OperatorId
    id: DriverId
    name: str
    phone_prefix: str
    phone: str
    language: str
    status: DriverStatus
    cash_allowed: bool
    created_at: datetime
    email: str = ""
    commission_pct: Decimal | None = None
    rating_sum: int = 0
    rating_count: int = 0

    @property
    def first_name(self) -> str:
        """What a rider is told."""
        return self.name.split(" ", 1)[0]

    def rating(self, shown_from: int) -> float | None:
        """The average, once enough riders have rated."""
        return round(self.rating_sum / self.rating_count, 1) if self.rating_count >= shown_from else None


class TaxiVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """A car; the classes whose trips it can drive."""

    operator_id: OperatorId
    id: TaxiVehicleId
    plate: str
    title: str
    color: str
    seats: int
    class_ids: tuple[TaxiClassId, ...]
    retired_at: datetime | None = None


class DriverSession(msgspec.Struct, frozen=True, kw_only=True):
    """A driver is in: the token is told once and stored hashed."""

    token: str
    driver_id: DriverId


class DriverPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Where a driver's unit was, by its own clock."""

    point: Point
    at: datetime
    heading_deg: int | None = None


class DriverState(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `driver_state`."""

    operator_id: OperatorId
    driver_id: DriverId
    is_online: bool = False
    vehicle_id: TaxiVehicleId | None = None
    class_ids: tuple[TaxiClassId, ...] = ()
    lat: float | None = None
    lon: float | None = None
    heading_deg: int | None = None
    position_at: datetime | None = None
    seen_at: datetime | None = None
    online_since: datetime | None = None
    idle_since: datetime | None = None

    @property
    def point(self) -> Point | None:
        return None if self.lat is None or self.lon is None else Point(self.lat, self.lon)

    def presence(self, settings: TaxiSettings, now: datetime) -> Presence:
        """By what was heard of the driver."""
        if not self.is_online:
            return Presence.OFFLINE
        heard = self.seen_at is not None and now - self.seen_at <= timedelta(seconds=settings.heartbeat_s)
        return Presence.ONLINE if heard else Presence.NO_CONNECTION

    def fresh_point(self, settings: TaxiSettings, now: datetime) -> Point | None:
        """Where the driver is; None: not known well enough."""
        is_fresh = self.position_at is not None and now - self.position_at <= timedelta(seconds=settings.position_s)
        return self.point if is_fresh else None


class DocumentStatus(StrEnum):
    """PENDING: staff have not looked. REPLACED: a newer one of the kind was approved."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    REPLACED = "REPLACED"


class DriverDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A licence, a permit, an insurance: a picture of it, and until when it holds."""

    operator_id: OperatorId
    id: DriverDocumentId
    driver_id: DriverId
    kind: str
    status: DocumentStatus
    created_at: datetime
    expires_on: date | None = None
    reason: str | None = None
    reviewed_at: datetime | None = None
