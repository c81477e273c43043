"""The map: what can be ridden around here."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec

from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing import views
from isotope.api.sharing_types import (
    Addon,
    Fleet,
    TypeCount,
    Vehicle,
    VehicleCluster,
    Vehicles,
    VehiclesRequest,
)
from isotope.api.tagged import Tagged
from isotope.api.user.cards import payment_method
from isotope.domain import sharing
from isotope.domain.fleet import Catalog, Cluster, LiveVehicle, VehicleModel
from isotope.domain.payments import PaymentMethod, find_selected_method
from isotope.domain.tenants import Operator
from isotope.domain.wallet import Standing, get_standing
from isotope.kernel.geo import Point
from isotope.kernel.ids import ModelId, RiderId
from isotope.kernel.money import Money

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_M_PER_KM: Final = 1_000
_TAG_BYTES: Final = 10
# How many sets of models have their add-ons kept; there are as many as there are neighbourhoods.
_MOST_KEPT: Final = 256


@operation(
    id="get_vehicles",
    tag="Sharing",
    title="Get vehicles",
    method="POST",
    path="/openapi/v1.0/sharing/get-vehicles",
    auth=Auth.PUBLIC_IF_OPEN,
    request=VehiclesRequest,
    response=Vehicles,
    request_example={"user_latitude": 60.1699, "user_longitude": 24.9384, "radius_in_km": 2},
    tagged=True,
)
async def get_vehicles(call: Call[VehiclesRequest]) -> Tagged:
    """What can be ridden around a place, nearest first, and what the caller rides or has reserved already.

    Answered from memory: a vehicle's state is at most a second old. Vehicles on somebody else's ride, or reserved for
    somebody else, do not appear.
    """
    operator, body, live_map = call.operator, call.body, call.services.live_map
    place = Point(body.user_latitude, body.user_longitude)
    radius_km = min(body.radius_in_km, operator.settings.rides.max_radius_km)
    rider_id = call.find_rider_id()
    own, standing, method = (_NOTHING, None, None) if rider_id is None else await _of_rider(call, rider_id)
    # From here on nothing is awaited but the catalogue, so what is shown is of one moment.
    now = call.services.rt.clock.now()
    catalog = await live_map.catalog(operator.id)
    with_packages = await call.services.packages.models_with_packages(operator, catalog.models, now)
    index = await call.services.zones.index(operator.id)
    around = live_map.look_around(operator, place, radius_km * _M_PER_KM, now=now)
    taken = [_ridden(ride, found, catalog, operator.currency) for ride in own.rides if (found := _live(call, ride))]
    taken += [
        _reserved(one, found, catalog, operator.currency) for one in own.reservations if (found := _live(call, one))
    ]
    debt = None if standing is None or not standing.debt_minor else Money(standing.debt_minor, operator.currency)
    of_type = Counter([vehicle.vehicle_type for vehicle in around.vehicles])
    of_type.update(vehicle.type for vehicle in taken)
    model_ids = {vehicle.model_id for vehicle in around.vehicles} | {vehicle.model_id for vehicle in taken}
    rest = _ENCODER.encode(
        {
            "fleets": [
                Fleet(
                    id=operator.id,
                    name=operator.name,
                    currency_code=operator.currency,
                    country_code=operator.settings.country,
                    time_zone=operator.time_zone,
                )
            ],
            "addons": _addons(model_ids, catalog, operator.currency),
            "zone_update_timestamp": None if index.changed_at is None else int(index.changed_at.timestamp()),
            "dock_stations": (),
            "types": _types(of_type.items()),
            "hidden_vehicles": around.total - len(around.vehicles),
            "clusters": [_cluster(cluster) for cluster in around.clusters],
            "selected_payment_method": None if method is None else payment_method(call, method),
            "available_damage_report_vehicle_types": catalog.damage_types,
            "vehicle_models_with_pricing_packages": with_packages,
            "active_vehicle_ids": [ride.vehicle_id for ride in own.rides],
            "message_title": None if debt is None else call.text("debt_message_title"),
            "message_description": None if debt is None else call.text("debt_open", amount=debt.text()),
            "night_mode": False,
            "user_location_outdated": False,
        }
    )
    return _joined([_ENCODER.encode(vehicle) for vehicle in taken], _encoded(around.vehicles, catalog, operator), rest)


def _joined(taken: Sequence[bytes], near: Sequence[LiveVehicle], rest: bytes) -> Tagged:
    """The answer out of pieces that are encoded already; it is put together only for who has not got it.

    The tag is made of the tags of the pieces, for hashing the whole answer would take as long as sending it.
    """
    pieces = blake2b(b"".join([vehicle.encoded_tag for vehicle in near]), digest_size=_TAG_BYTES)
    for piece in (*taken, rest):
        pieces.update(len(piece).to_bytes(8, "big"))
        pieces.update(piece)
    return Tagged(
        tag=pieces.hexdigest(),
        content=lambda: b"".join(
            (b'{"vehicles":[', b",".join([*taken, *[vehicle.encoded for vehicle in near]]), b"],", rest[1:])
        ),
    )


@dataclass(frozen=True, slots=True)
class _Own:
    """What the caller rides and has reserved."""

    rides: Sequence[sharing.Ride] = ()
    reservations: Sequence[sharing.Reservation] = ()


_NOTHING: Final = _Own()


async def _of_rider(call: Call[VehiclesRequest], rider_id: RiderId) -> tuple[_Own, Standing, PaymentMethod]:
    operator, services = call.operator, call.services
    async with services.rt.db.glance() as tx:
        kinds = {one.kind for one in await sharing.list_open_places(tx, operator.id, rider_id)}
        own = _Own(
            rides=await sharing.list_running_rides(tx, operator.id, rider_id) if "ride" in kinds else (),
            reservations=await sharing.list_active_reservations(tx, operator.id, rider_id)
            if "reservation" in kinds
            else (),
        )
        standing = await get_standing(tx, operator.id, rider_id, operator.currency)
        method = await find_selected_method(services.rt, tx, services.cards, operator, rider_id, standing)
        return own, standing, method


def _live(call: Call[VehiclesRequest], of: sharing.Ride | sharing.Reservation) -> LiveVehicle | None:
    return call.services.live_map.get(call.operator.id, of.vehicle_id)


def _encoded(vehicles: Sequence[LiveVehicle], catalog: Catalog, operator: Operator) -> Sequence[LiveVehicle]:
    """The same vehicles with their JSON, made when one is first shown and kept until it or the catalogue changes."""
    for vehicle in vehicles:
        if vehicle.encoded_for is not catalog:
            model = catalog.models.get(vehicle.model_id)
            if model is None:  # retired a moment ago: the map is about to hear of it
                return _encoded([one for one in vehicles if one.model_id in catalog.models], catalog, operator)
            vehicle.encoded = _ENCODER.encode(_vehicle(vehicle, model, catalog, operator.currency))
            vehicle.encoded_tag = blake2b(vehicle.encoded, digest_size=_TAG_BYTES).digest()
            vehicle.encoded_for = catalog
    return vehicles


def _ridden(ride: sharing.Ride, found: LiveVehicle, catalog: Catalog, currency: str) -> Vehicle:
    """A vehicle that the caller rides; its model may have been retired meanwhile."""
    model = catalog.models.get(found.model_id)
    shown = _vehicle(found, model, catalog, currency)
    return msgspec.structs.replace(
        shown,
        is_active_ride=True,
        is_paused=ride.status in (sharing.RideStatus.PAUSED, sharing.RideStatus.UNPAUSING),
        active_ride_id=ride.id,
        pricing=views.price_summary(ride.terms.tariff, ride.currency),
    )


def _reserved(reservation: sharing.Reservation, found: LiveVehicle, catalog: Catalog, currency: str) -> Vehicle:
    """A vehicle that is kept for the caller."""
    return msgspec.structs.replace(
        _vehicle(found, catalog.models.get(found.model_id), catalog, currency),
        is_reserved=True,
        reservation_id=reservation.id,
        reserved_until=int(reservation.expires_at.timestamp()),
    )


def _vehicle(vehicle: LiveVehicle, model: VehicleModel | None, catalog: Catalog, currency: str) -> Vehicle:
    spec = None if model is None else model.spec
    tariff = None if model is None else catalog.tariffs.get(model.tariff_id)
    return Vehicle(
        id=vehicle.vehicle_id,
        nr=vehicle.nr,
        type=vehicle.vehicle_type,
        coordinates=views.coordinates(Point(vehicle.lat, vehicle.lon)),
        battery_level=vehicle.battery_pct,
        is_active_ride=False,
        is_paused=False,
        addons=[views.addon(addon, currency) for addon in catalog.addons_of(vehicle.model_id)],
        model_id=vehicle.model_id,
        model_title="" if model is None else model.title,
        picture_url=None if spec is None else spec.picture_url,
        range_km=None if spec is None else views.range_left_km(spec.range_km, vehicle.battery_pct),
        max_speed_kmh=None if spec is None else spec.max_speed_kmh,
        seats=1 if spec is None else spec.seats,
        pricing=views.no_price(currency) if tariff is None else views.price_summary(tariff.tariff, currency),
        commands=[] if spec is None else views.rider_commands(spec.capabilities),
    )


def _addons(model_ids: Collection[int], catalog: Catalog, currency: str) -> msgspec.Raw:
    """Every add-on of the models, once, by id."""
    key = ("addons", frozenset(model_ids), currency)
    found: msgspec.Raw | None = catalog.kept.get(key)
    if found is None:
        wanted = {addon.id: addon for model_id in model_ids for addon in catalog.addons_of(ModelId(model_id))}
        shown: list[Addon] = [views.addon(wanted[addon_id], currency) for addon_id in sorted(wanted)]
        found = msgspec.Raw(_ENCODER.encode(shown))
        if len(catalog.kept) >= _MOST_KEPT:
            catalog.kept.clear()
        catalog.kept[key] = found
    return found


def _types(counts: Iterable[tuple[str, int]]) -> list[TypeCount]:
    return [TypeCount(type=name, count=count) for name, count in sorted(counts)]  # type: ignore[arg-type]


def _cluster(cluster: Cluster) -> VehicleCluster:
    return VehicleCluster(
        coordinates=views.coordinates(Point(cluster.lat, cluster.lon)),
        count=cluster.count,
        types=_types(cluster.counts),
    )
