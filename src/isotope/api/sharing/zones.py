"""The zones of the map."""

import gzip
from hashlib import blake2b
from typing import Any, Final

import msgspec

from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing import views
from isotope.api.sharing_types import Zone, ZonesRequest
from isotope.api.tagged import Tagged
from isotope.domain import sharing
from isotope.domain.fleet import get_vehicle
from isotope.domain.fleet.model import VehicleModel
from isotope.domain.zones.model import Zone as StoredZone
from isotope.domain.zones.model import ZoneType
from isotope.kernel.errors import Kind
from isotope.kernel.ids import RideId, VehicleId
from isotope.kernel.money import to_decimal

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
# Further levels take twice the time for the last percent.
_LEVEL: Final = 6


@operation(
    id="get_zones",
    tag="Sharing",
    title="Get sharing zones",
    method="POST",
    path="/openapi/v1.0/sharing/get-zones",
    auth=Auth.PUBLIC,
    request=ZonesRequest,
    response=list[Zone],
    refusals=((Kind.NOT_FOUND, "vehicle_not_found"), (Kind.NOT_FOUND, "ride_not_found")),
    tagged=True,
)
async def get_zones(call: Call[ZonesRequest]) -> Tagged:
    """The operator's zones that are in force now, as a bare array; the fields of the request narrow them down.

    The answer is compressed if the request takes gzip, and its `ETag` holds until another zone is in force.
    """
    body = call.body
    model = await _model(call)
    types = body.vehicle_types
    if model is not None:
        types = [model.vehicle_type] if types is None or model.vehicle_type in types else []
    index = await call.services.zones.index(call.operator.id)
    encode = _ENCODERS.setdefault(call.operator.currency, _Encode(call.operator.currency))
    ready = index.prepared(
        encode,
        at=call.services.rt.clock.now(),
        vehicle_types=types,
        zone_types=None if body.zone_types is None else [ZoneType(name) for name in body.zone_types],
        model_ref=None if model is None else model.ref,
    )
    return ready.tagged


async def _model(call: Call[ZonesRequest]) -> VehicleModel | None:
    """The model of the vehicle, or of the ride's vehicle, that the zones shall concern."""
    body, operator_id = call.body, call.operator.id
    if body.vehicle_id is None and body.ride_id is None:
        return None
    async with call.services.rt.db.read() as tx:
        vehicle_id = None if body.vehicle_id is None else VehicleId(body.vehicle_id)
        if body.ride_id is not None:
            ride = await sharing.find_ride(tx, operator_id, RideId(body.ride_id))
            # Whose ride it is need not be known for the public zones of its vehicle; that it is theirs, must.
            if ride is None or ride.rider_id != call.find_rider_id():
                raise sharing.ride_not_found()
            vehicle_id = vehicle_id or ride.vehicle_id
        return (await get_vehicle(tx, operator_id, vehicle_id=vehicle_id)).model


class _Ready:
    """Encoded zones; compressed when that is first asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._gzipped: bytes | None = None
        self.tagged = Tagged(
            tag=blake2b(content, digest_size=10).hexdigest(),
            content=lambda: self._content,
            gzipped=self._compressed,
            is_personal=False,
        )

    def _compressed(self) -> bytes:
        if self._gzipped is None:
            # Without the time in it, so that every process has the same bytes under the same tag.
            self._gzipped = gzip.compress(self._content, _LEVEL, mtime=0)
        return self._gzipped


class _Encode:
    """Encodes zones with their fees in a currency; one object a currency, because answers are kept by it."""

    def __init__(self, currency: str) -> None:
        self._currency = currency

    def __call__(self, zones: tuple[StoredZone, ...]) -> _Ready:
        return _Ready(_ENCODER.encode([_view(zone, self._currency) for zone in zones]))


_ENCODERS: Final[dict[str, _Encode]] = {}


def _view(zone: StoredZone, currency: str) -> dict[str, Any]:
    """A zone of the contract. The area is the stored GeoJSON as it is, which a typed copy would only rebuild."""
    return {
        "zone_id": zone.id,
        "zone_type": zone.zone_type,
        "zone_title": zone.title,
        "zone_color": zone.color,
        "zone_area": zone.area,
        "zone_point": None if zone.point is None else views.coordinates(zone.point),
        "zone_radius": zone.radius_m,
        "zone_vehicle_types": zone.vehicle_types,
        "zone_speed_limit_kmh": zone.spec.speed_limit_kmh,
        "zone_fee": to_decimal(zone.spec.fee_minor, currency) if zone.zone_type is ZoneType.PAID_PARKING_ZONE else None,
        "zone_windows": [views.zone_window(window) for window in zone.spec.windows],
    }
