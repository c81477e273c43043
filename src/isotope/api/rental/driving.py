"""Bookings under way: picked up, locked at stops, extended, brought back, looked at."""

from datetime import UTC, datetime
from typing import Final, Literal

from isotope.api.files import file_url
from isotope.api.operation import Auth, Call, operation
from isotope.api.pictures import look_at_pictures
from isotope.api.rental import views
from isotope.api.rental_drive_types import (
    BookingEvent,
    BookingPicture,
    ByBookingRequest,
    DrivenBooking,
    ExtendBookingRequest,
    ExtendedBooking,
    Extension,
    ExtensionRequest,
    PickUpRequest,
    ReturnVehicleRequest,
    WholeBooking,
)
from isotope.api.sharing_types import Done
from isotope.api.upload import Upload
from isotope.domain import evidence, rental
from isotope.domain.rental import local_text, parse_local
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.geo import Point
from isotope.kernel.ids import BookingId
from isotope.kernel.money import to_decimal

# Unix seconds until the year 5138; anything larger is meant in milliseconds.
_SECONDS_BELOW: Final = 100_000_000_000
_DONE: Final = 1
_PENDING: Final = 2

_WHICH: Final = (
    (Kind.NOT_FOUND, "booking_not_found"),
    (Kind.CONFLICT, "booking_status"),
    (Kind.CONFLICT, "booking_busy"),
)


@operation(
    id="pick_up",
    tag="Rental",
    title="Pick up",
    method="POST",
    path="/openapi/v1.0/rental/pick-up",
    auth=Auth.PUBLIC_AND_CALLER,
    request=PickUpRequest,
    response=DrivenBooking,
    content="multipart",
    refusals=(
        *_WHICH,
        (Kind.FORBIDDEN, "rider_blocked"),
        (Kind.CONFLICT, "too_early_to_pick_up"),
        (Kind.CONFLICT, "too_late_to_pick_up"),
        (Kind.CONFLICT, "photos_needed"),
        (Kind.CONFLICT, "vehicle_not_available"),
        (Kind.CONFLICT, "deposit_too_high"),
        (Kind.PAYMENT, "card_declined"),
        (Kind.PAYMENT, "deposit_to_confirm"),
        (Kind.UNAVAILABLE, "card_no_answer"),
        (Kind.CONFLICT, "device_offline"),
        (Kind.UNAVAILABLE, "rental_did_not_unlock"),
    ),
    request_example={"booking_id": 7},
    idempotent=True,
)
async def pick_up(call: Call[PickUpRequest]) -> DrivenBooking:
    """Unlocks the vehicle of a booking for its rider, who stands at it.

    From `pick_up_from` of the booking on. The deposit is reserved first, on the card or of the balance;
    where the bank asks its holder, the refusal `deposit_to_confirm` has its page, and the pick-up works after that.
    Answers when the vehicle confirmed that it unlocked. If it does not, the booking stays as it is and can be picked up again; another
    vehicle may have taken the first one's place by then, which the rider is told, and `get-booking` shows.
    """
    body, services = call.body, call.services
    kept = await _keep(call, body.booking_id, body.images, evidence.Taken.BEFORE)
    try:
        booking = await rental.pick_up(
            services.rt,
            services.cards,
            rental.PickUp(
                operator=call.operator,
                rider_id=call.rider_id(),
                booking_id=BookingId(body.booking_id),
                actor=call.actor,
                photos=kept,
                return_url=services.cards.done_url,
            ),
        )
    finally:
        await evidence.drop_unused_images(services.rt, services.blobs, call.operator.id, kept)
    return await _driven(call, booking, "booking_picked_up")


@operation(
    id="unlock_vehicle",
    tag="Rental",
    title="Unlock vehicle",
    method="POST",
    path="/openapi/v1.0/rental/unlock-vehicle",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ByBookingRequest,
    response=Done,
    refusals=(*_WHICH, (Kind.CONFLICT, "device_offline"), (Kind.UNAVAILABLE, "vehicle_did_not_obey")),
    request_example={"booking_id": 7},
    idempotent=True,
)
async def unlock_vehicle(call: Call[ByBookingRequest]) -> Done:
    """Unlocks the vehicle after a stop."""
    await _stop(call, rental.OrderKind.UNLOCK)
    return Done(status=_DONE, message=call.text("booking_unlocked"))


@operation(
    id="lock_vehicle",
    tag="Rental",
    title="Lock vehicle",
    method="POST",
    path="/openapi/v1.0/rental/lock-vehicle",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ByBookingRequest,
    response=Done,
    refusals=(
        *_WHICH,
        (Kind.CONFLICT, "device_offline"),
        (Kind.CONFLICT, "vehicle_moving"),
        (Kind.UNAVAILABLE, "vehicle_did_not_obey"),
    ),
    request_example={"booking_id": 7},
    idempotent=True,
)
async def lock_vehicle(call: Call[ByBookingRequest]) -> Done:
    """Locks the vehicle at a stop; the booking runs on."""
    await _stop(call, rental.OrderKind.LOCK)
    return Done(status=_DONE, message=call.text("booking_locked"))


@operation(
    id="get_extension",
    tag="Rental",
    title="Get extension",
    method="POST",
    path="/openapi/v1.0/rental/get-extension",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ExtensionRequest,
    response=Extension,
    refusals=(
        (Kind.NOT_FOUND, "booking_not_found"),
        (Kind.CONFLICT, "booking_status"),
        (Kind.CONFLICT, "extension_not_later"),
        (Kind.CONFLICT, "extension_too_long"),
        (Kind.CONFLICT, "station_closed"),
    ),
    request_example={"booking_id": 7, "return_date": "2026-12-24 18:00"},
)
async def get_extension(call: Call[ExtensionRequest]) -> Extension:
    """What `extend-booking` to this end would cost, and how far it could go at most."""
    found = await rental.quote_extension(call.services.rt, _extension(call, call.body.booking_id), call.text)
    currency, zone = found.booking.currency, found.booking.terms.time_zone
    return Extension(
        booking_id=found.booking.id,
        return_date=local_text(found.new_end, zone),
        latest_return_date=local_text(found.latest_end, zone),
        total=to_decimal(found.price.total_minor, currency),
        tax=to_decimal(found.price.tax_minor, currency),
        currency_code=currency,
        lines=views.price_lines(found.price.lines, currency),
    )


@operation(
    id="extend_booking",
    tag="Rental",
    title="Extend booking",
    method="POST",
    path="/openapi/v1.0/rental/extend-booking",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ExtendBookingRequest,
    response=ExtendedBooking,
    refusals=(
        *_WHICH,
        (Kind.CONFLICT, "extension_not_later"),
        (Kind.CONFLICT, "extension_too_long"),
        (Kind.CONFLICT, "station_closed"),
        (Kind.CONFLICT, "rental_addon_out_of_stock"),
        (Kind.CONFLICT, "balance_too_low"),
        (Kind.PAYMENT, "card_declined"),
    ),
    request_example={"booking_id": 7, "return_date": "2026-12-24 18:00"},
    idempotent=True,
)
async def extend_booking(call: Call[ExtendBookingRequest]) -> ExtendedBooking:
    """Keeps the vehicle for longer, until the next booking of it less the time between them. `get-extension` says the price.

    It is paid as the booking was. While a bank asks the rider (`redirect_url`) the new end counts already; if it says
    no, the old one counts again.
    """
    extended = await rental.extend_booking(
        call.services.rt,
        call.services.cards,
        _extension(call, call.body.booking_id),
    )
    is_pending = extended.charge is not None and extended.charge.card_pending_minor > 0
    shown = await views.show(call, extended.booking)
    end = local_text(extended.booking.ends_at, extended.booking.terms.time_zone)
    return ExtendedBooking(
        status=_PENDING if is_pending else _DONE,
        message=call.text("booking_extended", end=end),
        redirect_url=extended.redirect_url,
        rental=shown.rental,
        vehicle=shown.vehicle,
    )


@operation(
    id="return_vehicle",
    tag="Rental",
    title="Return vehicle",
    method="POST",
    path="/openapi/v1.0/rental/return-vehicle",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ReturnVehicleRequest,
    response=DrivenBooking,
    content="multipart",
    refusals=(
        *_WHICH,
        (Kind.CONFLICT, "return_position_unknown"),
        (Kind.CONFLICT, "return_not_in_station"),
        (Kind.CONFLICT, "photos_needed"),
        (Kind.CONFLICT, "vehicle_moving"),
        (Kind.UNAVAILABLE, "rental_did_not_lock"),
    ),
    request_example={"booking_id": 7},
    idempotent=True,
)
async def return_vehicle(call: Call[ReturnVehicleRequest]) -> DrivenBooking:
    """Ends a booking at its station: locks the vehicle and settles what came up.

    Kilometres beyond what is included, missing charge or fuel and late time are charged (`settlement` of the booking);
    what is given back for an early return goes back the way it was paid. If the vehicle does not confirm its lock the
    booking goes on; the next request ends it all the same, as of the first.
    """
    body, services = call.body, call.services
    kept = await _keep(call, body.booking_id, body.images, evidence.Taken.AFTER)
    try:
        booking = await rental.return_vehicle(
            services.rt,
            services.cards,
            rental.ReturnVehicle(
                operator=call.operator,
                rider_id=call.rider_id(),
                booking_id=BookingId(body.booking_id),
                actor=call.actor,
                phone=_phone(body),
                photos=kept,
            ),
        )
    finally:
        await evidence.drop_unused_images(services.rt, services.blobs, call.operator.id, kept)
    return await _driven(call, booking, "booking_returned")


@operation(
    id="get_booking",
    tag="Rental",
    title="Get booking",
    method="POST",
    path="/openapi/v1.0/rental/get-booking",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ByBookingRequest,
    response=WholeBooking,
    refusals=((Kind.NOT_FOUND, "booking_not_found"),),
    request_example={"booking_id": 7},
)
async def get_booking(call: Call[ByBookingRequest]) -> WholeBooking:
    """One booking, with what happened to it and the pictures that were taken of its vehicle."""
    services = call.services
    whole = await rental.read_booking(services.rt, call.operator, call.rider_id(), BookingId(call.body.booking_id))
    shown = await views.show(call, whole.booking)
    return WholeBooking(
        rental=shown.rental,
        vehicle=shown.vehicle,
        events=[BookingEvent(kind=event.kind, at=int(event.at.timestamp())) for event in whole.events],
        pictures=[
            BookingPicture(
                taken=linked.picture.taken or "",
                at=int(linked.picture.at.timestamp()),
                url=file_url(services, linked.link),
            )
            for linked in whole.pictures
        ],
    )


async def _keep(
    call: Call[PickUpRequest] | Call[ReturnVehicleRequest],
    booking_id: int,
    uploads: list[Upload] | None,
    taken: evidence.Taken,
) -> list[evidence.KeptImage]:
    if not uploads:
        return []
    services = call.services
    # No picture is looked at or stored for a booking that is not there.
    meant = await rental.find_booking_of(services.rt, call.operator.id, call.rider_id(), BookingId(booking_id))
    images = await look_at_pictures(uploads)
    shows = evidence.Shows(evidence.PictureOf.BOOKING, meant.id, taken)
    return await evidence.keep_images(services.rt, services.blobs, call.operator.id, images, shows)


async def _stop(call: Call[ByBookingRequest], kind: Literal[rental.OrderKind.LOCK, rental.OrderKind.UNLOCK]) -> None:
    what = rental.StopVehicle(
        operator=call.operator,
        rider_id=call.rider_id(),
        booking_id=BookingId(call.body.booking_id),
        actor=call.actor,
        kind=kind,
    )
    await rental.stop_vehicle(call.services.rt, what)


def _extension(call: Call[ExtensionRequest] | Call[ExtendBookingRequest], booking_id: int) -> rental.ExtendBooking:
    try:
        new_end = parse_local(call.body.return_date, call.operator.time_zone)
    except ValueError as error:
        raise invalid(Fault("return_date", str(error))) from None
    return rental.ExtendBooking(
        operator=call.operator,
        rider_id=call.rider_id(),
        booking_id=BookingId(booking_id),
        actor=call.actor,
        new_end=new_end,
        return_url=call.services.cards.done_url,
    )


def _phone(body: ReturnVehicleRequest) -> rental.PhonePosition | None:
    timestamp = body.user_location_timestamp
    if body.user_latitude is None or body.user_longitude is None or timestamp is None:
        return None
    at = datetime.fromtimestamp(timestamp if timestamp < _SECONDS_BELOW else timestamp / 1000, UTC)
    return rental.PhonePosition(point=Point(body.user_latitude, body.user_longitude), at=at)


async def _driven(
    call: Call[PickUpRequest] | Call[ReturnVehicleRequest], booking: rental.Booking, code: str
) -> DrivenBooking:
    shown = await views.show(call, booking)
    return DrivenBooking(status=_DONE, message=call.text(code), rental=shown.rental, vehicle=shown.vehicle)
