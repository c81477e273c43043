"""Rides: start, end, pause, go on, and what runs."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from isotope.api.operation import Auth, Call, operation
from isotope.api.pictures import look_at_pictures
from isotope.api.sharing import views
from isotope.api.sharing_types import (
    ActiveRides,
    ActiveRidesRequest,
    ByVehicleRequest,
    CurrentRide,
    CurrentRideRequest,
    Done,
    EndedRide,
    EndRideRequest,
    PaymentInfo,
    StartedRide,
    StartRideRequest,
)
from isotope.domain import evidence, sharing
from isotope.domain.pricing.model import Usage
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.geo import Point
from isotope.kernel.ids import AddonId, RideId, VehicleId
from isotope.kernel.money import to_decimal, to_minor

# Unix seconds until the year 5138; anything larger is meant in milliseconds.
_SECONDS_BELOW: Final = 100_000_000_000
_DONE: Final = 1

_REFUSED_BY_VEHICLE: Final = ((Kind.CONFLICT, "device_offline"), (Kind.CONFLICT, "vehicle_moving"))
_WHICH_RIDE: Final = (
    (Kind.NOT_FOUND, "ride_not_found"),
    (Kind.CONFLICT, "ride_ambiguous"),
    (Kind.CONFLICT, "ride_busy"),
)


def _ref(call: Call[ByVehicleRequest] | Call[EndRideRequest], ride_id: int | None = None) -> sharing.RideRef:
    return sharing.RideRef(
        operator_id=call.operator.id,
        rider_id=call.rider_id(),
        ride_id=None if ride_id is None else RideId(ride_id),
        vehicle_id=None if call.body.vehicle_id is None else VehicleId(call.body.vehicle_id),
        vehicle_nr=call.body.vehicle_number,
    )


@operation(
    id="start_ride",
    tag="Sharing",
    title="Start ride",
    method="POST",
    path="/openapi/v1.0/sharing/start-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=StartRideRequest,
    response=StartedRide,
    refusals=(
        (Kind.NOT_FOUND, "vehicle_not_found"),
        (Kind.FORBIDDEN, "rider_blocked"),
        (Kind.CONFLICT, "debt_open"),
        (Kind.CONFLICT, "balance_too_low"),
        (Kind.CONFLICT, "card_needed"),
        (Kind.CONFLICT, "unknown_payment_method"),
        (Kind.PAYMENT, "card_declined"),
        (Kind.UNAVAILABLE, "card_no_answer"),
        (Kind.CONFLICT, "too_many_rides"),
        (Kind.CONFLICT, "group_same_type"),
        (Kind.CONFLICT, "group_one_payer"),
        (Kind.CONFLICT, "addon_out_of_stock"),
        (Kind.CONFLICT, "package_not_available"),
        (Kind.CONFLICT, "vehicle_not_available"),
        (Kind.CONFLICT, "vehicle_booked"),
        (Kind.CONFLICT, "vehicle_rental_only"),
        (Kind.CONFLICT, "too_far_from_vehicle"),
        (Kind.UNAVAILABLE, "vehicle_did_not_unlock"),
        *_REFUSED_BY_VEHICLE,
    ),
    request_example={"vehicle_number": "1001", "user_latitude": 60.1699, "user_longitude": 24.9384},
    idempotent=True,
)
async def start_ride(call: Call[StartRideRequest]) -> StartedRide:
    """Starts a ride on a vehicle, named by its id or its printed number, for a rider who stands near it.

    A ride is paid from bonus and balance first, then by what `payment_method_id` says, or else by what the rider
    chose. Before a card pays, an amount is reserved on it; a card that is declined starts nothing.

    The rider's reservation of the vehicle becomes the ride. Several vehicles can be ridden at once, each ride paused,
    ended and billed alone; what pays the first pays all.

    Answers when the vehicle confirmed that it unlocked; only then the meter runs. If it does not, nobody is charged.
    """
    body = call.body
    if body.vehicle_id is None and body.vehicle_number is None:
        info = "name the vehicle by vehicle_id or vehicle_number"
        raise invalid(Fault("vehicle_id", info), Fault("vehicle_number", info))
    ride = await sharing.start_ride(
        call.services.rt,
        call.services.cards,
        call.services.live_map,
        call.services.zones,
        sharing.StartRide(
            operator=call.operator,
            rider_id=call.rider_id(),
            actor=call.actor,
            vehicle_id=None if body.vehicle_id is None else VehicleId(body.vehicle_id),
            vehicle_nr=body.vehicle_number,
            rider_at=Point(body.user_latitude, body.user_longitude),
            addon_ids=[AddonId(addon_id) for addon_id in body.addon_ids or ()],
            payment_method_id=body.payment_method_id,
            package_id=body.pricing_package_id,
            skip_wallet_check=bool(body.skip_wallet_check),
            skip_save_card_check=bool(body.skip_save_card_check),
            skip_auto_topup=bool(body.skip_auto_topup),
            skip_auto_stop=bool(body.skip_auto_stop),
        ),
    )
    current = await sharing.get_current_rides(
        call.services.rt, call.operator, call.rider_id(), [ride.vehicle_id], call.text
    )
    if not current.rides:
        raise sharing.ride_not_found()
    vehicle = current.rides[0].vehicle.vehicle
    return StartedRide(
        active_ride_id=ride.id,
        manual_locker_code="" if vehicle is None else vehicle.manual_locker_code or "",
        vehicle=views.ride_vehicle(current.rides[0]),
        addons=[views.addon(addon, ride.currency) for addon in ride.terms.addons],
        max_allowed_vehicles_per_user=sharing.most_of_type(
            call.operator.settings.rides, current.rides[0].vehicle.model.vehicle_type
        ),
    )


@operation(
    id="end_ride",
    tag="Sharing",
    title="End ride",
    method="POST",
    path="/openapi/v1.0/sharing/end-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=EndRideRequest,
    response=EndedRide,
    content="multipart",
    refusals=(
        *_WHICH_RIDE,
        (Kind.CONFLICT, "end_refused_no_parking_zone"),
        (Kind.CONFLICT, "end_refused_no_go_zone"),
        (Kind.CONFLICT, "end_refused_outside_parking"),
        (Kind.CONFLICT, "end_refused_no_parking_zone_fine"),
        (Kind.CONFLICT, "end_refused_outside_parking_fine"),
        (Kind.CONFLICT, "end_refused_far_apart"),
        (Kind.CONFLICT, "end_refused_position_unknown"),
        (Kind.UNAVAILABLE, "vehicle_did_not_lock"),
        (Kind.CONFLICT, "vehicle_moving"),
    ),
    request_example={"user_latitude": 60.1699, "user_longitude": 24.9384, "user_location_timestamp": 1767225600},
    idempotent=True,
)
async def end_ride(call: Call[EndRideRequest]) -> EndedRide:
    """Ends a ride where it may end: locks the vehicle, computes the price and takes it from bonus, balance and card.

    What the card refuses is debt. What its bank has not answered yet is `pending`; that becomes one or the other.

    It ends where the phone is if `user_location_timestamp` is fresh, else where the vehicle is. A refused end says why
    (`details.reason`), where the nearest legal place is (`details.nearest_parking`), and for what fine the ride ends
    here all the same (`details.fine`; send it as `accepted_fine`). Whoever then parks near by within the operator's
    grace pays nothing for the way. If the vehicle does not confirm its lock the ride goes on; the next request ends it
    all the same, counted up to the first. A short ride whose vehicle did not move is given back after some minutes.
    """
    body, rt = call.body, call.services.rt
    ref = _ref(call, body.active_ride_id)
    kept: list[evidence.KeptImage] = []
    if body.images:
        # No picture is looked at or stored for a ride that is not there.
        async with rt.db.read() as tx:
            meant = await sharing.find_own_ride(tx, ref)
        images = await look_at_pictures(body.images)
        shows = evidence.Shows(evidence.PictureOf.RIDE, meant.id)
        kept = await evidence.keep_images(rt, call.services.blobs, call.operator.id, images, shows)
    try:
        ride = await sharing.end_ride(
            rt,
            call.services.cards,
            call.services.zones,
            sharing.EndRide(
                operator=call.operator,
                ref=ref,
                actor=call.actor,
                rider_at=Point(body.user_latitude, body.user_longitude),
                rider_at_time=_instant(body.user_location_timestamp),
                images=kept,
                accepted_fine_minor=_fine_minor(body.accepted_fine, call.operator.currency),
            ),
        )
    finally:
        await evidence.drop_unused_images(rt, call.services.blobs, call.operator.id, kept)
    return _ended(ride, await sharing.get_usage(rt, ride))


def _instant(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp if timestamp < _SECONDS_BELOW else timestamp / 1000, UTC)


def _fine_minor(amount: Decimal | None, currency: str) -> int | None:
    if amount is None:
        return None
    try:
        return to_minor(amount, currency)
    except ValueError as error:
        raise invalid(Fault("accepted_fine", str(error))) from None


def _ended(ride: sharing.Ride, usage: Usage) -> EndedRide:
    if ride.started_at is None or ride.ended_at is None:
        raise LookupError("an ended ride has a start and an end")
    total, tax = ride.total_minor or 0, ride.tax_minor or 0
    return EndedRide(
        total_paid=f"{to_decimal(total, ride.currency):f}",
        payment_info=PaymentInfo(
            currency_code=ride.currency,
            total=to_decimal(total, ride.currency),
            net=to_decimal(total - tax, ride.currency),
            tax=to_decimal(tax, ride.currency),
            charged_bonus=to_decimal(ride.charged_bonus_minor or 0, ride.currency),
            charged_balance=to_decimal(ride.charged_balance_minor or 0, ride.currency),
            charged_card=to_decimal(ride.charged_card_minor, ride.currency),
            pending=to_decimal(ride.card_pending_minor, ride.currency),
            debt=to_decimal(ride.debt_minor or 0, ride.currency),
            lines=views.price_lines(ride.lines or (), ride.currency),
            payment_method_id=ride.terms.payment_method_id,
            started_at=int(ride.started_at.timestamp()),
            ended_at=int(ride.ended_at.timestamp()),
            ride_seconds=usage.ride_s,
            pause_seconds=usage.pause_s,
            distance_m=ride.distance_m,
            earned_bonus=to_decimal(ride.earned_bonus_minor, ride.currency),
        ),
        active_ride_id=ride.id,
        review_status="IN_REVIEW" if ride.review_reasons else None,
    )


@operation(
    id="get_current_ride",
    tag="Sharing",
    title="Get current ride",
    method="POST",
    path="/openapi/v1.0/sharing/get-current-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=CurrentRideRequest,
    response=CurrentRide,
    request_example={"active_vehicle_id": [42]},
)
async def get_current_ride(call: Call[CurrentRideRequest]) -> CurrentRide:
    """What an app shows during rides: where the vehicle is, how long it is ridden, what it costs so far."""
    currency, rides = call.operator.currency, call.operator.settings.rides
    current = await sharing.get_current_rides(
        call.services.rt,
        call.operator,
        call.rider_id(),
        {VehicleId(vehicle_id) for vehicle_id in call.body.active_vehicle_id},
        call.text,
    )
    shown = [views.ride_vehicle(ride) for ride in current.rides]
    funds = current.funds
    return CurrentRide(
        addons=list({addon.id: addon for vehicle in shown for addon in vehicle.addons}.values()),
        vehicles=shown,
        max_allowed_vehicles_per_user=min(
            [sharing.most_of_type(rides, current_ride.vehicle.model.vehicle_type) for current_ride in current.rides],
            default=rides.max_vehicles_per_rider,
        ),
        action_insufficient_funds=funds.action,
        insufficient_funds_amount=to_decimal(funds.missing_minor, currency) if funds.missing_minor else None,
        payment_method_flow=funds.flow,
    )


@operation(
    id="pause",
    tag="Sharing",
    title="Pause vehicle",
    method="POST",
    path="/openapi/v1.0/sharing/pause",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ByVehicleRequest,
    response=Done,
    refusals=(
        *_WHICH_RIDE,
        (Kind.CONFLICT, "ride_already_paused"),
        (Kind.UNAVAILABLE, "vehicle_did_not_obey"),
        *_REFUSED_BY_VEHICLE,
    ),
    request_example={"vehicle_id": 42},
    idempotent=True,
)
async def pause(call: Call[ByVehicleRequest]) -> Done:
    """Locks the vehicle during a ride; the pause price runs until it is unpaused."""
    command = sharing.PauseRide(operator=call.operator, ref=_ref(call), actor=call.actor)
    await sharing.pause_ride(call.services.rt, command)
    return Done(status=_DONE, message=call.text("ride_paused"))


@operation(
    id="unpause",
    tag="Sharing",
    title="Unpause vehicle",
    method="POST",
    path="/openapi/v1.0/sharing/unpause",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ByVehicleRequest,
    response=Done,
    refusals=(
        *_WHICH_RIDE,
        (Kind.CONFLICT, "ride_not_paused"),
        (Kind.CONFLICT, "device_offline"),
        (Kind.UNAVAILABLE, "vehicle_did_not_obey"),
    ),
    request_example={"vehicle_id": 42},
    idempotent=True,
)
async def unpause(call: Call[ByVehicleRequest]) -> Done:
    """Unlocks a paused vehicle; the ride goes on."""
    command = sharing.UnpauseRide(operator=call.operator, ref=_ref(call), actor=call.actor)
    await sharing.unpause_ride(call.services.rt, command)
    return Done(status=_DONE, message=call.text("ride_resumed"))


@operation(
    id="get_active_rides",
    tag="Sharing",
    title="Get active rides of user",
    method="POST",
    path="/openapi/v1.0/sharing/get-active-rides",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ActiveRidesRequest,
    response=ActiveRides,
)
async def get_active_rides(call: Call[ActiveRidesRequest]) -> ActiveRides:
    """The ids of the rider's running rides."""
    ride_ids = await sharing.list_active_rides(call.services.rt, call.operator.id, call.rider_id())
    return ActiveRides(user_id=call.rider_id(), active_ride_ids=[*ride_ids])
