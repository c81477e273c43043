"""Fleets and zones for tests: as provisioning would make them, heard of just now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from isotope.domain.devices import upsert_devices
from isotope.domain.devices.model import Capability, DeviceSpec
from isotope.domain.fleet import (
    AddonDraft,
    ModelDraft,
    ModelSpec,
    TariffDraft,
    VehicleDraft,
    apply_reports,
    upsert_addon,
    upsert_model,
    upsert_tariff,
    upsert_vehicles,
)
from isotope.domain.pricing import AddonKind, AddonPrice, Tariff, Tier
from isotope.domain.tenants import Operator
from isotope.domain.zones import ZoneDraft, ZoneSpec, ZonesReplaced, ZoneType, replace_zones
from isotope.infra.runtime import Runtime
from isotope.iot.model import CommandName, StateReport
from isotope.kernel.actor import SYSTEM
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, DeviceId, ModelId, OperatorId, TariffId, VehicleId
from isotope.kernel.vehicle_types import VehicleType

HOME = Point(60.17, 24.94)
"""Central Helsinki; where a fleet stands unless told otherwise."""

TARIFF = Tariff(
    unlock_minor=100,
    minute_tiers=(Tier(upto_min=None, price_minor=20),),
    pause_tiers=(Tier(upto_min=None, price_minor=5),),
    tax_rate="0.255",
)
HELMET = AddonPrice(kind=AddonKind.FIXED, price_minor=150, title="Helmet")
SPEC = ModelSpec(
    range_km=40,
    max_speed_kmh=25,
    capabilities=tuple(
        Capability(command=name)
        for name in (CommandName.UNLOCK, CommandName.LOCK, CommandName.RING, CommandName.HEADLIGHT)
    ),
)

SECRET = "unit-secret"

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What `make_fleet` made; ids in the order of the printed numbers."""

    operator_id: OperatorId
    model_id: ModelId
    model_ref: str
    tariff_id: TariffId
    addon_ids: tuple[AddonId, ...]
    vehicle_ids: tuple[VehicleId, ...]
    device_ids: tuple[DeviceId, ...]
    nrs: tuple[str, ...]
    identities: tuple[str, ...]
    secret: str

    @property
    def vehicle_id(self) -> VehicleId:
        """The only vehicle, or the first."""
        return self.vehicle_ids[0]

    @property
    def device_id(self) -> DeviceId:
        return self.device_ids[0]


async def make_fleet(
    rt: Runtime,
    operator: Operator,
    vehicles: int = 1,
    *,
    places: Sequence[Point] = (HOME,),
    tariff: Tariff = TARIFF,
    addons: Mapping[str, AddonPrice] | None = None,
    vehicle_type: VehicleType = VehicleType.SCOOTER,
    spec: ModelSpec = SPEC,
    battery_pct: int = 80,
    odometer_m: int = 1_000,
    secret: str = SECRET,
    is_heard: bool = True,
) -> Fleet:
    """A model with its tariff and add-ons (one helmet unless given) and READY vehicles with units.

    The vehicles stand at `places`, in turn, locked and still, and were heard of now (unless not `is_heard`).
    Every call makes a model of its own, so an operator can have several fleets.
    """
    now = rt.clock.now()
    number = next(_numbers)
    addons = {"helmet": HELMET} if addons is None else addons
    nrs = tuple(f"T{number}-{index:06}" for index in range(vehicles))
    identities = tuple(f"test-{operator.id}-{nr}" for nr in nrs)
    async with rt.db.write() as tx:
        tariff_id = await upsert_tariff(
            tx, operator.id, TariffDraft(ref=f"tariff-{number}", title="Standard", tariff=tariff)
        )
        addon_ids = [
            await upsert_addon(tx, operator.id, AddonDraft(ref=f"{ref}-{number}", title=price.title, price=price))
            for ref, price in addons.items()
        ]
        model_id = await upsert_model(
            tx,
            operator.id,
            ModelDraft(
                ref=f"model-{number}",
                title=f"Model {number}",
                vehicle_type=vehicle_type,
                tariff_ref=f"tariff-{number}",
                addon_refs=tuple(f"{ref}-{number}" for ref in addons),
                spec=spec,
            ),
        )
        devices = await upsert_devices(
            tx,
            operator.id,
            [DeviceSpec(protocol="json_lines", identity=identity, secret=secret) for identity in identities],
            now,
        )
        device_ids = tuple(devices[identity] for identity in identities)
        ids = await upsert_vehicles(
            tx,
            operator.id,
            [
                VehicleDraft(
                    nr=nr,
                    model_ref=f"model-{number}",
                    device_id=device_id,
                    place=places[index % len(places)],
                )
                for index, (nr, device_id) in enumerate(zip(nrs, device_ids, strict=True))
            ],
            SYSTEM,
            now,
        )
        if is_heard:
            await apply_reports(
                tx,
                [
                    state_report(
                        operator.id,
                        device_id,
                        now,
                        at=places[index % len(places)],
                        battery_pct=battery_pct,
                        odometer_m=odometer_m,
                    )
                    for index, device_id in enumerate(device_ids)
                ],
            )
    return Fleet(
        operator_id=operator.id,
        model_id=model_id,
        model_ref=f"model-{number}",
        tariff_id=tariff_id,
        addon_ids=tuple(addon_ids),
        vehicle_ids=tuple(ids[nr] for nr in nrs),
        device_ids=device_ids,
        nrs=nrs,
        identities=identities,
        secret=secret,
    )


def state_report(
    operator_id: OperatorId, device_id: DeviceId, now: datetime, *, at: Point | None = HOME, **told: Any
) -> StateReport:
    """What a unit that stands locked at a place tells now; `told` overrides (`locked=False`, `buffered=True`, ...)."""
    facts: dict[str, Any] = {
        "received_at": now,
        "device_at": now,
        "fix_at": None if at is None else now,
        "lat": None if at is None else at.lat,
        "lon": None if at is None else at.lon,
        "speed_kmh": 0.0,
        "battery_pct": 80,
        "iot_battery_pct": 90,
        "locked": True,
        "odometer_m": 1_000,
        "event": "periodic",
        "buffered": False,
    }
    return StateReport(operator_id=operator_id, device_id=device_id, **(facts | told))


async def tell_state(
    rt: Runtime, operator_id: OperatorId, device_id: DeviceId, *, at: Point | None = HOME, **told: Any
) -> None:
    """The unit reports now, as through the gateway."""
    async with rt.db.write() as tx:
        await apply_reports(tx, [state_report(operator_id, device_id, rt.clock.now(), at=at, **told)])


def square(centre: Point, half_m: float) -> dict[str, Any]:
    """A GeoJSON Polygon of about `2 * half_m` a side."""
    half_lat = half_m / 111_195.0
    # At 60° north a degree of longitude has half the length.
    half_lon = half_lat * 2.0
    west, east = centre.lon - half_lon, centre.lon + half_lon
    south, north = centre.lat - half_lat, centre.lat + half_lat
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


def zone_draft(zone_type: ZoneType, *, ref: str = "", **parts: Any) -> ZoneDraft:
    """A zone around `HOME` (200 m half a side) unless `area`, or `point` and `radius_m`, are given."""
    if "area" not in parts and "point" not in parts:
        parts["area"] = square(HOME, 200.0)
    spec = parts.pop("spec", None)
    if spec is None:
        spec = ZoneSpec(speed_limit_kmh=12) if zone_type is ZoneType.SPEED_LIMIT_ZONE else ZoneSpec()
    number = next(_numbers)
    return ZoneDraft(
        ref=ref or f"zone-{number}",
        zone_type=zone_type,
        title=parts.pop("title", f"Zone {number}"),
        color=parts.pop("color", "21C378"),
        spec=spec,
        **parts,
    )


async def make_zones(rt: Runtime, operator: Operator, *drafts: ZoneDraft) -> ZonesReplaced:
    """Make the operator's zones exactly these."""
    async with rt.db.write() as tx:
        return await replace_zones(tx, operator.id, drafts, rt.clock.now())
