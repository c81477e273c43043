"""What a driver has before them, waited for; and what they answer to it."""

import asyncio
from hashlib import sha256
from typing import Any, Final

import msgspec

from isotope.api.driver import views
from isotope.api.driver.account import BASE, TAG
from isotope.api.driver_types import (
    ByOfferRequest,
    DeclineRequest,
    DriverTripShown,
    DriverWorkShown,
    Nothing,
    WorkRequest,
)
from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing_types import Done
from isotope.api.streams import EventStream, follow
from isotope.domain import taxi
from isotope.domain.taxi.model import Trip, TripOfferId
from isotope.kernel.errors import Kind

_DONE: Final = 1
# Time changes what a driver sees too: offers end, connections are lost.
_LOOK_S: Final = 2.0
_DIGITS: Final = 16
_OFFER: Final = (Kind.NOT_FOUND, "offer_not_found")


@operation(
    id="get_driver_work",
    tag=TAG,
    title="Work",
    method="POST",
    path=f"{BASE}/get-work",
    auth=Auth.DRIVER,
    request=WorkRequest,
    response=DriverWorkShown,
    refusals=((Kind.TOO_MANY, "too_many_streams"), (Kind.UNAVAILABLE, "streams_full")),
    request_example={"wait_s": 20, "version": "6b1f0c8e2a974d35"},
)
async def get_driver_work(call: Call[WorkRequest]) -> DriverWorkShown:
    """The offers that the driver can answer, the trip they are in, and whether they are online.

    With `version` and `wait_s` the answer waits until it is another one than the app has, `wait_s` at most: an app that
    asks again at once misses nothing and need not ask often. `work-stream` tells the same as events. Positions go on to be
    sent meanwhile.
    """
    body, services = call.body, call.services
    if not body.wait_s or body.version is None:
        return await _work(call)
    loop = asyncio.get_running_loop()
    until = loop.time() + body.wait_s
    with services.streams.hold(call.actor):
        while True:
            async with services.rt.hub.expect(taxi.DRIVER_CHANNEL, _payload(call)) as wait:
                shown = await _work(call)
                left_s = until - loop.time()
                if shown.version != body.version or left_s <= 0:
                    return shown
                await wait(min(left_s, _LOOK_S))


@operation(
    id="stream_driver_work",
    tag=TAG,
    title="Work, as events",
    method="GET",
    path=f"{BASE}/work-stream",
    auth=Auth.DRIVER,
    request=Nothing,
    response=EventStream[DriverWorkShown],
)
async def stream_driver_work(call: Call[Nothing]) -> EventStream[DriverWorkShown]:
    """The same as `get-work`, as server-sent events of the name `work`: one at once, and one whenever it has changed."""

    async def read() -> tuple[DriverWorkShown, bool]:
        return await _work(call), False

    states = follow(call.services.rt.hub, taxi.DRIVER_CHANNEL, _payload(call), read, look_s=_LOOK_S)
    return EventStream(states=states, event="work", caller=call.actor)


@operation(
    id="accept_offer",
    tag=TAG,
    title="Accept offer",
    method="POST",
    path=f"{BASE}/accept-offer",
    auth=Auth.DRIVER,
    request=ByOfferRequest,
    response=DriverTripShown,
    refusals=(
        _OFFER,
        (Kind.CONFLICT, "offer_ended"),
        (Kind.CONFLICT, "offer_taken"),
        (Kind.CONFLICT, "driver_offline"),
        (Kind.CONFLICT, "driver_busy"),
        (Kind.CONFLICT, "promise_clashes"),
        (Kind.FORBIDDEN, "driver_blocked"),
    ),
    request_example={"offer_id": 31},
    idempotent=True,
)
async def accept_offer(call: Call[ByOfferRequest]) -> DriverTripShown:
    """The first driver who accepts has the trip. One for later is promised, and comes up in `get-promised-trips`."""
    trip = await taxi.accept_offer(
        call.services.rt,
        taxi.AcceptOffer(operator=call.operator, driver_id=call.driver().id, offer_id=TripOfferId(call.body.offer_id)),
    )
    return await shown_trip(call, trip)


@operation(
    id="decline_offer",
    tag=TAG,
    title="Decline offer",
    method="POST",
    path=f"{BASE}/decline-offer",
    auth=Auth.DRIVER,
    request=DeclineRequest,
    response=Done,
    refusals=(_OFFER, (Kind.CONFLICT, "offer_taken")),
    request_example={"offer_id": 31, "reason": "too far"},
    idempotent=True,
)
async def decline_offer(call: Call[DeclineRequest]) -> Done:
    """The driver is not offered this trip again. Time that passes says the same."""
    await taxi.decline_offer(
        call.services.rt,
        taxi.DeclineOffer(
            operator=call.operator,
            driver_id=call.driver().id,
            offer_id=TripOfferId(call.body.offer_id),
            reason=call.body.reason,
        ),
    )
    return Done(status=_DONE, message=call.text("offer_declined"))


async def shown_trip(call: Call[Any], trip: Trip) -> DriverTripShown:
    """The driver's trip as it is after what was done."""
    return views.trip_of(await taxi.show_driver_trip(call.services.rt, call.operator, call.driver().id, trip.id))


async def _work(call: Call[Any]) -> DriverWorkShown:
    operator = call.operator
    work = await taxi.show_driver_work(call.services.rt, operator, call.driver().id)
    shown = DriverWorkShown(
        version="",
        presence=views.presence_of(work.state, work.presence, operator.settings.taxi),
        offers=[views.offer_of(offer) for offer in work.offers],
        trip=None if work.trip is None else views.trip_of(work.trip),
    )
    return msgspec.structs.replace(shown, version=sha256(msgspec.json.encode(shown)).hexdigest()[:_DIGITS])


def _payload(call: Call[Any]) -> str:
    return f"{call.operator.id}:{call.driver().id}"
