"""Reservations: keep a vehicle, for longer, no more, and what is kept."""

from datetime import datetime
from typing import Final

from isotope.api.operation import Auth, Call, operation
from isotope.api.reservation_types import (
    ByReservationRequest,
    CancelledReservation,
    Reservation,
    Reservations,
    ReservationsRequest,
    ReserveVehicleRequest,
)
from isotope.api.sharing import views
from isotope.domain import sharing
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.geo import Point
from isotope.kernel.ids import VehicleId
from isotope.kernel.money import Money, to_decimal

_DONE: Final = 1
_WHICH: Final = ((Kind.NOT_FOUND, "reservation_not_found"), (Kind.CONFLICT, "reservation_ambiguous"))


@operation(
    id="reserve_vehicle",
    tag="Sharing",
    title="Reserve vehicle",
    method="POST",
    path="/openapi/v1.0/sharing/reserve-vehicle",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ReserveVehicleRequest,
    response=Reservation,
    refusals=(
        (Kind.NOT_FOUND, "vehicle_not_found"),
        (Kind.CONFLICT, "reservations_off"),
        (Kind.CONFLICT, "reservation_cooldown"),
        (Kind.CONFLICT, "already_reserved"),
        (Kind.FORBIDDEN, "rider_blocked"),
        (Kind.CONFLICT, "debt_open"),
        (Kind.CONFLICT, "balance_too_low"),
        (Kind.CONFLICT, "card_needed"),
        (Kind.CONFLICT, "unknown_payment_method"),
        (Kind.CONFLICT, "too_many_rides"),
        (Kind.CONFLICT, "group_same_type"),
        (Kind.CONFLICT, "vehicle_not_available"),
        (Kind.CONFLICT, "vehicle_booked"),
        (Kind.CONFLICT, "vehicle_rental_only"),
        (Kind.CONFLICT, "too_far_from_vehicle"),
    ),
    request_example={"vehicle_number": "1001", "user_latitude": 60.1699, "user_longitude": 24.9384},
    idempotent=True,
)
async def reserve_vehicle(call: Call[ReserveVehicleRequest]) -> Reservation:
    """Keeps a vehicle for a rider who is on the way to it. Nobody else sees it or can take it.

    `start-ride` on the vehicle makes the reservation a ride, and with `is_fee_credited` takes the fee off again. One
    that ends unused costs its fee, and the next can be made after a while only (`cooldown_until`). Cancelled within a
    minute it costs nothing and needs no waiting, once a day.
    """
    body = call.body
    if body.vehicle_id is None and body.vehicle_number is None:
        info = "name the vehicle by vehicle_id or vehicle_number"
        raise invalid(Fault("vehicle_id", info), Fault("vehicle_number", info))
    reservation = await sharing.reserve_vehicle(
        call.services.rt,
        call.services.cards,
        call.services.live_map,
        sharing.ReserveVehicle(
            operator=call.operator,
            rider_id=call.rider_id(),
            actor=call.actor,
            vehicle_id=None if body.vehicle_id is None else VehicleId(body.vehicle_id),
            vehicle_nr=body.vehicle_number,
            rider_at=Point(body.user_latitude, body.user_longitude),
            payment_method_id=body.payment_method_id,
            skip_wallet_check=bool(body.skip_wallet_check),
            skip_save_card_check=bool(body.skip_save_card_check),
        ),
    )
    return _shown(await sharing.show_reservation(call.services.rt, call.operator, reservation))


@operation(
    id="extend_reservation",
    tag="Sharing",
    title="Extend reservation",
    method="POST",
    path="/openapi/v1.0/sharing/extend-reservation",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ByReservationRequest,
    response=Reservation,
    refusals=(*_WHICH, (Kind.CONFLICT, "no_more_extensions"), (Kind.CONFLICT, "vehicle_booked")),
    idempotent=True,
)
async def extend_reservation(call: Call[ByReservationRequest]) -> Reservation:
    """Keeps the vehicle for as long again, from when the reservation would have ended."""
    reservation = await sharing.extend_reservation(call.services.rt, _own(call))
    return _shown(await sharing.show_reservation(call.services.rt, call.operator, reservation))


@operation(
    id="cancel_reservation",
    tag="Sharing",
    title="Cancel reservation",
    method="POST",
    path="/openapi/v1.0/sharing/cancel-reservation",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ByReservationRequest,
    response=CancelledReservation,
    refusals=_WHICH,
    idempotent=True,
)
async def cancel_reservation(call: Call[ByReservationRequest]) -> CancelledReservation:
    """Gives the vehicle up. It costs what `get-reservations` tells as `cancel_cost`, from bonus and balance."""
    services = call.services
    ended = await sharing.cancel_reservation(services.rt, _own(call))
    now = await sharing.get_reservations(services.rt, call.operator, call.rider_id())
    total = Money(ended.total_minor or 0, ended.currency)
    return CancelledReservation(
        status=_DONE,
        message=call.text("reservation_cancelled_fee", amount=total.text())
        if total.amount_minor
        else call.text("reservation_cancelled"),
        reservation_id=ended.id,
        total=total.to_decimal(),
        charged_bonus=to_decimal(ended.charged_bonus_minor or 0, ended.currency),
        charged_balance=to_decimal(ended.charged_balance_minor or 0, ended.currency),
        debt=to_decimal(ended.debt_minor or 0, ended.currency),
        currency_code=ended.currency,
        cooldown_until=_unix(now.cooldown_until),
    )


@operation(
    id="get_reservations",
    tag="Sharing",
    title="Get reservations",
    method="POST",
    path="/openapi/v1.0/sharing/get-reservations",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ReservationsRequest,
    response=Reservations,
)
async def get_reservations(call: Call[ReservationsRequest]) -> Reservations:
    """What the rider has reserved now, for how long, and what it costs; from when on they can reserve again."""
    settings = call.operator.settings.reservations
    now = await sharing.get_reservations(call.services.rt, call.operator, call.rider_id())
    return Reservations(
        reservations=[_shown(one) for one in now.reservations],
        reservation_minutes=settings.minutes,
        reserve_distance_m=settings.distance_m,
        cooldown_until=_unix(now.cooldown_until),
    )


def _own(call: Call[ByReservationRequest]) -> sharing.OwnReservation:
    body = call.body
    return sharing.OwnReservation(
        operator=call.operator,
        rider_id=call.rider_id(),
        actor=call.actor,
        reservation_id=None if body.reservation_id is None else sharing.ReservationId(body.reservation_id),
        vehicle_id=None if body.vehicle_id is None else VehicleId(body.vehicle_id),
    )


def _shown(current: sharing.CurrentReservation) -> Reservation:
    reservation, offer = current.reservation, current.vehicle
    vehicle, model, state, terms = offer.vehicle, offer.model, offer.state, reservation.terms
    if vehicle is None:
        raise LookupError("a reservation has a vehicle")
    return Reservation(
        reservation_id=reservation.id,
        vehicle_id=vehicle.id,
        vehicle_number=vehicle.nr,
        vehicle_type=model.vehicle_type,
        model_id=model.id,
        model_title=model.title,
        coordinates=None if state is None else views.coordinates(state.point),
        reserved_at=int(reservation.reserved_at.timestamp()),
        reserved_until=int(reservation.expires_at.timestamp()),
        left_seconds=current.left_s,
        extensions_left=max(0, terms.extensions - reservation.extended),
        extension_minutes=terms.minutes,
        fee_kind=terms.fee,
        fee=to_decimal(0 if terms.fee == "NONE" else terms.fee_minor, reservation.currency),
        fee_so_far=to_decimal(current.fee_minor, reservation.currency),
        is_fee_credited=terms.credit_on_unlock,
        cancel_cost=to_decimal(current.cancel_minor, reservation.currency),
        currency_code=reservation.currency,
        payment_method_id=terms.payment_method_id,
    )


def _unix(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
