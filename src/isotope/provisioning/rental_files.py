"""`rental.yaml` and `rental_zones.geojson`: what is rented for given dates, for what, and where. Both may be missing.

The tariff of a model is looked up in this order; the first that is said counts:

| `models.<ref>.tariff` | `types.<vehicle type>` | `default_tariff` | its tariff              |
|-----------------------|------------------------|------------------|-------------------------|
| said                  | any                    | any              | the model's             |
| empty                 | said                   | any              | its type's              |
| empty                 | not said               | said             | the default             |
| empty                 | not said               | not said         | none, which is a fault  |
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

import msgspec
import shapely
from msgspec import Meta

from isotope.domain.rental.model import (
    RentalAddonSpec,
    RentalModelSpec,
    RentalPackageSpec,
    RentalTariff,
    StationDraft,
    StationSpec,
)
from isotope.domain.zones import check_zone
from isotope.domain.zones.model import ZoneDraft, ZoneType
from isotope.kernel.geo import Point
from isotope.kernel.vehicle_types import VehicleType
from isotope.provisioning.catalog_files import Ref, Title, narrow
from isotope.provisioning.faults import Faults, FileFault
from isotope.provisioning.feature_collection import Feature, read_features
from isotope.provisioning.limits import (
    MAX_MODELS,
    MAX_RENTAL_ADDONS,
    MAX_RENTAL_PACKAGES,
    MAX_RENTAL_TARIFFS,
    MAX_STATIONS,
)

FILE: Final = "rental.yaml"
STATIONS: Final = "rental_zones.geojson"

_MAX_LAT: Final = 90.0


class RentalTariffFile(RentalTariff, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tariff with its title."""

    title: Title

    def spec(self) -> RentalTariff:
        """The tariff alone, as the store and the bookings keep it."""
        return narrow(self, RentalTariff)


class RentalPackageFile(RentalPackageSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A package with its title."""

    title: Title

    def spec(self) -> RentalPackageSpec:
        """The package alone, as the store and the bookings keep it."""
        return narrow(self, RentalPackageSpec)


class RentalAddonFile(RentalAddonSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An add-on with its title."""

    title: Title

    def spec(self) -> RentalAddonSpec:
        """The add-on alone, as the store and the bookings keep it."""
        return narrow(self, RentalAddonSpec)


class RentalFile(msgspec.Struct, frozen=True, kw_only=True):
    """Every price of rentals, and the models that are rented."""

    tariffs: Annotated[
        dict[Ref, RentalTariffFile], Meta(max_length=MAX_RENTAL_TARIFFS, description="tariffs of rentals by ref")
    ] = {}
    default_tariff: (
        Annotated[Ref, Meta(description="of models for which neither they nor their type say one")] | None
    ) = None
    types: Annotated[
        dict[VehicleType, Ref], Meta(description="vehicle type -> tariff of models that say none themselves")
    ] = {}
    models: Annotated[
        dict[Ref, RentalModelSpec],
        Meta(max_length=MAX_MODELS, description="the models of models.yaml that are rented, by ref"),
    ] = {}
    packages: Annotated[
        dict[Ref, RentalPackageFile], Meta(max_length=MAX_RENTAL_PACKAGES, description="packages by ref")
    ] = {}
    addons: Annotated[dict[Ref, RentalAddonFile], Meta(max_length=MAX_RENTAL_ADDONS, description="add-ons by ref")] = {}


class StationFile(StationSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `properties` of a station."""

    ref: Annotated[Ref, Meta(description="the station's name in this file; the feature's `id` will do as well")]
    title: Title
    radius_m: Annotated[
        float | None, Meta(description="makes a circle of a Point; metres, above 0 and at most 100000")
    ] = None
    pin: Annotated[
        tuple[Annotated[float, Meta(ge=-180, le=180)], ...] | None,
        Meta(
            min_length=2,
            max_length=2,
            description="of a Polygon: where apps send riders; null: a place inside it",
            extra={"accepted": "[longitude, latitude]"},
        ),
    ] = None

    def spec(self) -> StationSpec:
        """What the store keeps of it beside its place."""
        return narrow(self, StationSpec)


@dataclass(frozen=True, slots=True)
class StationEntry:
    """A feature: the station if it is right, its place, and what other features are compared with."""

    station: StationDraft | None
    place: FileFault
    ref: str | None


def tariff_of(
    own: str, vehicle_type: VehicleType, types: Mapping[VehicleType, str], default_tariff: str | None
) -> str | None:
    """The ref of the tariff of a model that says `own` itself (empty: nothing), by the table above."""
    return own or types.get(vehicle_type) or default_tariff or None


def read_stations(text: str, faults: Faults) -> tuple[StationEntry, ...]:
    """Every feature of `rental_zones.geojson`; faults for what is wrong."""
    return tuple(_entry(feature) for feature in read_features(text, STATIONS, MAX_STATIONS, faults))


def _entry(feature: Feature) -> StationEntry:
    before = len(feature.faults)
    station = _station(feature)
    properties = feature.properties()
    ref = properties.get("ref") if isinstance(properties, dict) else None
    return StationEntry(
        station=station if len(feature.faults) == before else None,
        place=feature.fault,
        ref=ref if isinstance(ref, str) else None,
    )


def _station(feature: Feature) -> StationDraft | None:
    station = feature.read(StationFile)
    ground = None if station is None else feature.ground(station.radius_m)
    if station is None or ground is None:
        return None
    area, point, radius_m = ground
    for index in _no_days(station):
        feature.say(f"closed.{index}", f"'{station.closed[index]}' is no day", "a date such as 2026-12-24")
    if point is not None and station.pin is not None:
        feature.say("pin", "only a Polygon has a pin: a Point is its own", "a Polygon, or no pin")
    if station.pin is not None and abs(station.pin[1]) > _MAX_LAT:
        feature.say("pin", "not on the globe", "[longitude, latitude]")
    shape = ZoneDraft(
        ref=station.ref,
        zone_type=ZoneType.PARK_PLACE_ZONE,
        title=station.title,
        color="000000",
        area=area,
        point=point,
        radius_m=radius_m,
    )
    faults = check_zone(shape)
    for fault in faults:
        feature.say("", fault)
    if faults:
        return None
    return StationDraft(
        ref=station.ref,
        title=station.title,
        point=point if point is not None else _pin(area, station.pin),
        area=area,
        radius_m=radius_m,
        spec=station.spec(),
    )


def _pin(area: dict[str, object] | None, given: tuple[float, ...] | None) -> Point:
    if given is not None:
        return Point(given[1], given[0])
    inside = shapely.geometry.shape(area).representative_point()
    return Point(round(inside.y, 6), round(inside.x, 6))


def _no_days(station: StationFile) -> Iterator[int]:
    for index, text in enumerate(station.closed):
        try:
            date.fromisoformat(text)
        except ValueError:
            yield index
