"""A driver drives: at the pick-up, on the way, at the end."""

from typing import Final

from isotope.api.amounts import amount_minor_of
from isotope.api.driver.account import BASE, TAG
from isotope.api.driver.work import shown_trip
from isotope.api.driver_types import (
    ByTripRequest,
    DriverEndTripRequest,
    DriverTripShown,
    GiveUpRequest,
    ReachStopRequest,
    StartTripRequest,
    TakeCashRequest,
)
from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing_types import Done
from isotope.domain import taxi
from isotope.kernel.errors import Kind
from isotope.kernel.ids import TripId

_DONE: Final = 1
_WHICH: Final = ((Kind.NOT_FOUND, "trip_not_found"), (Kind.CONFLICT, "trip_status"))


@operation(
    id="set_off",
    tag=TAG,
    title="Set off",
    method="POST",
    path=f"{BASE}/set-off",
    auth=Auth.DRIVER,
    request=ByTripRequest,
    response=DriverTripShown,
    refusals=(
        *_WHICH,
        (Kind.CONFLICT, "too_early_to_set_off"),
        (Kind.FORBIDDEN, "driver_blocked"),
        (Kind.CONFLICT, "driver_offline"),
        (Kind.CONFLICT, "driver_busy"),
    ),
    request_example={"trip_id": 12},
    idempotent=True,
)
async def set_off(call: Call[ByTripRequest]) -> DriverTripShown:
    """The driver is on the way to a trip that they promised. The rider is told."""
    trip = await taxi.set_off(
        call.services.rt,
        taxi.SetOff(operator=call.operator, driver_id=call.driver().id, trip_id=TripId(call.body.trip_id)),
    )
    return await shown_trip(call, trip)


@operation(
    id="arrive",
    tag=TAG,
    title="Arrived",
    method="POST",
    path=f"{BASE}/arrive",
    auth=Auth.DRIVER,
    request=ByTripRequest,
    response=DriverTripShown,
    refusals=(*_WHICH, (Kind.CONFLICT, "driver_position_unknown"), (Kind.CONFLICT, "too_far_from_pick_up")),
    request_example={"trip_id": 12},
    idempotent=True,
)
async def arrive(call: Call[ByTripRequest]) -> DriverTripShown:
    """The driver is at the pick-up, as their last position says. The rider is told; waiting counts from now on."""
    trip = await taxi.arrive(
        call.services.rt,
        taxi.Arrive(operator=call.operator, driver_id=call.driver().id, trip_id=TripId(call.body.trip_id)),
    )
    return await shown_trip(call, trip)


@operation(
    id="start_trip",
    tag=TAG,
    title="Start trip",
    method="POST",
    path=f"{BASE}/start-trip",
    auth=Auth.DRIVER,
    request=StartTripRequest,
    response=DriverTripShown,
    refusals=(*_WHICH, (Kind.CONFLICT, "wrong_pin")),
    request_example={"trip_id": 12, "pin": "0417"},
    idempotent=True,
)
async def start_trip(call: Call[StartTripRequest]) -> DriverTripShown:
    """The rider is on board: distance and time of the drive count from now on."""
    trip = await taxi.start_trip(
        call.services.rt,
        taxi.StartTrip(
            operator=call.operator,
            driver_id=call.driver().id,
            trip_id=TripId(call.body.trip_id),
            pin=call.body.pin,
        ),
    )
    return await shown_trip(call, trip)


@operation(
    id="reach_stop",
    tag=TAG,
    title="Stop reached",
    method="POST",
    path=f"{BASE}/reach-stop",
    auth=Auth.DRIVER,
    request=ReachStopRequest,
    response=DriverTripShown,
    refusals=_WHICH,
    request_example={"trip_id": 12, "stop": 1},
    idempotent=True,
)
async def reach_stop(call: Call[ReachStopRequest]) -> DriverTripShown:
    """A stop on the way is reached. The destination is not: `end-trip` says that."""
    trip = await taxi.reach_stop(
        call.services.rt,
        taxi.ReachStop(
            operator=call.operator,
            driver_id=call.driver().id,
            trip_id=TripId(call.body.trip_id),
            nr=call.body.stop,
        ),
    )
    return await shown_trip(call, trip)


@operation(
    id="end_trip",
    tag=TAG,
    title="End trip",
    method="POST",
    path=f"{BASE}/end-trip",
    auth=Auth.DRIVER,
    request=DriverEndTripRequest,
    response=DriverTripShown,
    refusals=_WHICH,
    request_example={"trip_id": 12},
    idempotent=True,
)
async def end_trip(call: Call[DriverEndTripRequest]) -> DriverTripShown:
    """The rider gets out: the fare is made and paid, and the driver is free.

    It is what was agreed, unless another way was driven than quoted, beyond the operator's limits. `cash_due` above 0 is
    to be taken from the rider now: `take-cash` says how much it was.
    """
    services = call.services
    trip = await taxi.end_trip(
        services.rt,
        services.cards,
        taxi.EndTrip(
            operator=call.operator,
            trip_id=TripId(call.body.trip_id),
            actor=call.actor,
            driver_id=call.driver().id,
            reason=call.body.reason,
        ),
    )
    return await shown_trip(call, trip)


@operation(
    id="take_cash",
    tag=TAG,
    title="Cash received",
    method="POST",
    path=f"{BASE}/take-cash",
    auth=Auth.DRIVER,
    request=TakeCashRequest,
    response=DriverTripShown,
    refusals=((Kind.NOT_FOUND, "trip_not_found"), (Kind.CONFLICT, "cash_not_due")),
    request_example={"trip_id": 12, "amount": 12.5},
    idempotent=True,
)
async def take_cash(call: Call[TakeCashRequest]) -> DriverTripShown:
    """What the rider gave, change taken off. Ten minutes after the end, what nobody told of counts as given in full."""
    services = call.services
    trip = await taxi.take_cash(
        services.rt,
        services.cards,
        taxi.TakeCash(
            operator=call.operator,
            driver_id=call.driver().id,
            trip_id=TripId(call.body.trip_id),
            amount_minor=amount_minor_of(call.body.amount, call.operator.currency),
        ),
    )
    return await shown_trip(call, trip)


@operation(
    id="cancel_trip",
    tag=TAG,
    title="Cancel trip",
    method="POST",
    path=f"{BASE}/cancel-trip",
    auth=Auth.DRIVER,
    request=GiveUpRequest,
    response=Done,
    refusals=(*_WHICH, (Kind.CONFLICT, "too_early_for_no_show")),
    request_example={"trip_id": 12, "reason": "no_show"},
    idempotent=True,
)
async def cancel_trip(call: Call[GiveUpRequest]) -> Done:
    """The driver does not drive it. Before the start only.

    With the reason `no_show`, at the pick-up and after the wait: the trip is over and the rider pays the operator's fee.
    With any other reason the trip goes back to be offered to others, at its price; if it did before, it is over and the
    rider pays nothing. A promised trip is free for others again.
    """
    services = call.services
    trip = await taxi.give_up_trip(
        services.rt,
        services.cards,
        taxi.GiveUpTrip(
            operator=call.operator,
            driver_id=call.driver().id,
            trip_id=TripId(call.body.trip_id),
            reason=call.body.reason.strip(),
        ),
    )
    return Done(status=_DONE, message=call.text("trip_closed_by_driver" if trip.status.is_final else "trip_given_up"))
