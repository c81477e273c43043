"""Drivers begin and stop to work, and say where they are."""

from datetime import UTC, datetime
from typing import Final

from isotope.api.driver import views
from isotope.api.driver.account import BASE, TAG
from isotope.api.driver_types import DriverPresence, GoOnlineRequest, Nothing, PositionsRequest, SentPosition
from isotope.api.operation import Auth, Call, operation
from isotope.domain import drivers, taxi
from isotope.kernel.errors import Kind
from isotope.kernel.geo import Point
from isotope.kernel.ids import TaxiClassId, TaxiVehicleId

# Unix seconds until the year 5138; anything larger is meant in milliseconds.
_SECONDS_BELOW: Final = 100_000_000_000


@operation(
    id="go_online",
    tag=TAG,
    title="Go online",
    method="POST",
    path=f"{BASE}/go-online",
    auth=Auth.DRIVER,
    request=GoOnlineRequest,
    response=DriverPresence,
    refusals=(
        (Kind.FORBIDDEN, "driver_blocked"),
        (Kind.NOT_FOUND, "taxi_vehicle_not_found"),
        (Kind.CONFLICT, "taxi_vehicle_taken"),
        (Kind.CONFLICT, "driver_busy"),
        (Kind.CONFLICT, "driver_documents_needed"),
    ),
    request_example={"taxi_vehicle_id": 3, "latitude": 60.1699, "longitude": 24.9384},
    idempotent=True,
)
async def go_online(call: Call[GoOnlineRequest]) -> DriverPresence:
    """The driver works from now on and is offered trips, for as long as positions come.

    Called again it changes the vehicle (not during a trip) or the classes.
    """
    body = call.body
    state = await drivers.go_online(
        call.services.rt,
        drivers.GoOnline(
            operator=call.operator,
            driver_id=call.driver().id,
            vehicle_id=TaxiVehicleId(body.taxi_vehicle_id),
            class_ids=None if body.class_ids is None else tuple(TaxiClassId(known) for known in body.class_ids),
            point=Point(body.latitude, body.longitude),
        ),
    )
    return _shown(call, state)


@operation(
    id="go_offline",
    tag=TAG,
    title="Go offline",
    method="POST",
    path=f"{BASE}/go-offline",
    auth=Auth.DRIVER,
    request=Nothing,
    response=DriverPresence,
    refusals=((Kind.CONFLICT, "driver_busy"),),
    idempotent=True,
)
async def go_offline(call: Call[Nothing]) -> DriverPresence:
    """The driver is offered nothing any more, and where they are is forgotten. Not during a trip."""
    rt, operator, driver_id = call.services.rt, call.operator, call.driver().id
    state = await drivers.go_offline(rt, operator.id, driver_id)
    await taxi.decline_open_offers(rt, operator, driver_id, "offline")
    return _shown(call, state)


@operation(
    id="send_positions",
    tag=TAG,
    title="Send positions",
    method="POST",
    path=f"{BASE}/send-positions",
    auth=Auth.DRIVER,
    request=PositionsRequest,
    response=DriverPresence,
    refusals=((Kind.CONFLICT, "driver_offline"),),
    request_example={"positions": [{"latitude": 60.1699, "longitude": 24.9384, "at": 1767225600, "heading": 90}]},
)
async def send_positions(call: Call[PositionsRequest]) -> DriverPresence:
    """Where the driver is, and that there is a connection. Positions that could not be sent before come in one call.

    Without one for a minute the driver counts as having no connection, and is offered nothing; a trip goes on. How soon the
    next one is best sent is in `next_position_s`. Needs no `Idempotency-Key`: what is known already changes nothing.
    """
    positions = tuple(_position(sent) for sent in call.body.positions)
    state = await drivers.take_positions(
        call.services.rt,
        drivers.TakePositions(operator=call.operator, driver_id=call.driver().id, positions=positions),
    )
    fixes = [
        taxi.Fix(at=drivers.told_at(position.at, call.services.rt.clock.now()), point=position.point)
        for position in positions
    ]
    await taxi.track_trip(
        call.services.rt, taxi.TrackTrip(operator=call.operator, driver_id=call.driver().id, fixes=fixes)
    )
    return _shown(call, state)


def _position(sent: SentPosition) -> drivers.DriverPosition:
    at = datetime.fromtimestamp(sent.at if sent.at < _SECONDS_BELOW else sent.at / 1000, UTC)
    return drivers.DriverPosition(point=Point(sent.latitude, sent.longitude), at=at, heading_deg=sent.heading)


def _shown(
    call: Call[GoOnlineRequest] | Call[Nothing] | Call[PositionsRequest], state: drivers.DriverState
) -> DriverPresence:
    settings = call.operator.settings.taxi
    return views.presence_of(state, state.presence(settings, call.services.rt.clock.now()), settings)
