"""Vehicles, the models they are of, and what their units last said."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from isotope.domain.devices.model import Capability
from isotope.domain.pricing.model import AddonPrice, Tariff
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, DeviceId, ModelId, OperatorId, TariffId, VehicleId
from isotope.kernel.vehicle_types import VehicleType

# Older than any report: where provisioning put a vehicle gives way to the first fix of its unit.
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class VehicleStatus(StrEnum):
    """Where a vehicle stands in the operator's work. Who may set what: `fleet.rules`."""

    READY = "READY"
    IN_USE = "IN_USE"
    RESERVED = "RESERVED"
    DISCHARGED = "DISCHARGED"
    CHARGING = "CHARGING"
    NEED_INVESTIGATION = "NEED_INVESTIGATION"
    NEED_SERVICE = "NEED_SERVICE"
    REBALANCING = "REBALANCING"
    TRANSPORTATION = "TRANSPORTATION"
    STORAGE = "STORAGE"
    NOT_READY = "NOT_READY"
    STOLEN = "STOLEN"
    DEPRECATED = "DEPRECATED"


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every vehicle of a model can do. This is also its JSON form in `vehicle_model.spec`."""

    range_km: Annotated[float, Meta(gt=0, le=2_000, description="distance on a full battery")] | None = None
    max_speed_kmh: Annotated[float, Meta(gt=0, le=300)] | None = None
    seats: Annotated[int, Meta(ge=1, le=100)] = 1
    picture_url: Annotated[str, Meta(max_length=500)] | None = None
    description: Annotated[str, Meta(max_length=1_000)] = ""
    minimum_battery_pct: (
        Annotated[int, Meta(ge=0, le=100, description="below it none is rented out; null: the operator's")] | None
    ) = None
    authorise_minor: (
        Annotated[
            int, Meta(ge=0, le=1_000_000_000, description="reserved on the card at a start; null: the operator's")
        ]
        | None
    ) = None
    photo_required: (
        Annotated[bool, Meta(description="a ride that ends without a photo is reviewed; null: the operator's word")]
        | None
    ) = None
    sharing: Annotated[
        bool, Meta(description="riders take it on the spot; false: it is only rented for given dates")
    ] = True
    damage_reports: Annotated[bool, Meta(description="riders can report damage")] = True
    capabilities: Annotated[
        tuple[Capability, ...], Meta(max_length=50, description="commands that the unit obeys, with their values")
    ] = ()


class VehicleModel(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of vehicle with its price."""

    operator_id: OperatorId
    id: ModelId
    ref: str
    title: str
    vehicle_type: VehicleType
    tariff_id: TariffId
    addon_ids: tuple[AddonId, ...]
    spec: ModelSpec
    retired_at: datetime | None = None


class Vehicle(msgspec.Struct, frozen=True, kw_only=True):
    """What is ridden. `held_by` is set exactly while it is in use or reserved."""

    operator_id: OperatorId
    id: VehicleId
    nr: str
    model_id: ModelId
    device_id: DeviceId | None
    status: VehicleStatus
    status_at: datetime
    held_by: str | None
    manual_locker_code: str | None
    created_at: datetime


class VehicleState(msgspec.Struct, frozen=True, kw_only=True):
    """What the vehicle's unit last said.

    `fix_at` is when the position was fixed, `seen_at` when anything was heard (both `NEVER` before the first report).
    `battery_pct` is 100 where the unit tells none: there is nothing to run out. `speed_kmh` and `locked` are None, and
    `odometer_m` is 0, until they were told.
    """

    lat: float
    lon: float
    fix_at: datetime
    speed_kmh: float | None
    battery_pct: int
    iot_battery_pct: int | None
    locked: bool | None
    odometer_m: int
    seen_at: datetime

    @property
    def point(self) -> Point:
        return Point(self.lat, self.lon)


class LockedVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle with all that a decision about it needs. `state` is None before anything is known."""

    vehicle: Vehicle
    model: VehicleModel
    state: VehicleState | None


class AddonOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Something extra that is offered with a model."""

    operator_id: OperatorId
    id: AddonId
    ref: str
    title: str
    price: AddonPrice


class TariffOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A price list as provisioned."""

    operator_id: OperatorId
    id: TariffId
    ref: str
    title: str
    tariff: Tariff


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs now: its tariff, and the add-ons that are not retired."""

    tariff: Tariff
    addons: tuple[AddonOffer, ...]


class VehicleOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A model with its price, and the vehicle and its state when a vehicle was asked for."""

    model: VehicleModel
    offers: Offers
    vehicle: Vehicle | None = None
    state: VehicleState | None = None


class TariffDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A price list as an operator describes it; `ref` is its name in the folder."""

    ref: str
    title: str
    tariff: Tariff


class AddonDraft(msgspec.Struct, frozen=True, kw_only=True):
    """An add-on as an operator describes it."""

    ref: str
    title: str
    price: AddonPrice


class ModelDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A model as an operator describes it, with the refs of its tariff and add-ons."""

    ref: str
    title: str
    vehicle_type: VehicleType
    tariff_ref: str
    addon_refs: tuple[str, ...] = ()
    spec: ModelSpec = ModelSpec()


class VehicleDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle as an operator describes it. `place` is where it is shown until its unit tells."""

    nr: str
    model_ref: str
    device_id: DeviceId | None = None
    manual_locker_code: str | None = None
    place: Point | None = None


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a vehicle's log."""

    from_status: VehicleStatus
    to_status: VehicleStatus
    actor: str
    cause: str
    at: datetime
