"""Bookings with all that is shown of them: vehicle, model, station, money."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from isotope.domain.payments import list_payments
from isotope.domain.rental import queries
from isotope.domain.rental.actions import Action, allowed_actions
from isotope.domain.rental.driving import pick_up_from
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingRefund,
    BookingStatus,
    ChargeStatus,
    Station,
)
from isotope.domain.rental.paying import paid_of
from isotope.domain.rental.prices import cancel_fee_minor
from isotope.domain.rental.show_queries import ShownVehicle, map_shown_vehicles, map_stations
from isotope.infra.db import Tx
from isotope.kernel.ids import BookingId, OperatorId

_WITH_PLACE = frozenset({BookingStatus.UPCOMING, BookingStatus.ACTIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBooking:
    """`cancel_fee_minor` None: its rider cannot cancel it any more. `refunds` are of its charges, by `charge_id`.

    `redirect_url`: the page on which a bank waits for its rider.
    """

    booking: Booking
    vehicle: ShownVehicle
    station: Station
    charges: Sequence[BookingCharge]
    refunds: Sequence[BookingRefund]
    cancel_fee_minor: int | None
    redirect_url: str | None
    actions: Sequence[Action]


async def show_bookings(
    tx: Tx, operator_id: OperatorId, bookings: Sequence[Booking], now: datetime
) -> list[ShownBooking]:
    """In the order of `bookings`; four reads, however many they are, and one for each charge that waits for a card."""
    ids = [booking.id for booking in bookings]
    charges = await queries.list_charges(tx, operator_id, ids)
    refunds = await queries.list_refunds(tx, operator_id, ids)
    vehicles = await map_shown_vehicles(tx, operator_id, {booking.vehicle_id for booking in bookings})
    stations = await map_stations(tx, operator_id, {booking.zone_id for booking in bookings})
    pages = await _pages(tx, operator_id, [charge for charge in charges if charge.status is ChargeStatus.PENDING])
    return [
        _shown(
            booking,
            vehicles[booking.vehicle_id],
            stations[booking.zone_id],
            [charge for charge in charges if charge.booking_id == booking.id],
            [refund for refund in refunds if refund.booking_id == booking.id],
            now,
            pages.get(booking.id),
        )
        for booking in bookings
    ]


def _shown(
    booking: Booking,
    vehicle: ShownVehicle,
    station: Station,
    charges: Sequence[BookingCharge],
    refunds: Sequence[BookingRefund],
    now: datetime,
    page: str | None,
) -> ShownBooking:
    return ShownBooking(
        booking=booking,
        vehicle=vehicle if _may_see_place(booking, now) else replace(vehicle, at=None),
        station=station,
        charges=charges,
        refunds=refunds,
        cancel_fee_minor=_cancel_fee(booking, charges, refunds, now),
        redirect_url=page,
        actions=allowed_actions(booking, now, is_to_confirm=page is not None),
    )


async def _pages(tx: Tx, operator_id: OperatorId, pending: Sequence[BookingCharge]) -> dict[BookingId, str]:
    found: dict[BookingId, str] = {}
    for charge in pending:
        for payment in await list_payments(tx, operator_id, charge.cause):
            if payment.redirect_url is not None:
                found[charge.booking_id] = payment.redirect_url
    return found


def _may_see_place(booking: Booking, now: datetime) -> bool:
    """Until it can be picked up its vehicle is in others' hands."""
    return booking.status in _WITH_PLACE and now >= pick_up_from(booking)


def _cancel_fee(
    booking: Booking, charges: Sequence[BookingCharge], refunds: Sequence[BookingRefund], now: datetime
) -> int | None:
    if booking.status is BookingStatus.AWAITING_PAYMENT:
        return 0
    if booking.status is not BookingStatus.UPCOMING:
        return None
    return cancel_fee_minor(booking.terms, paid_of(charges, refunds), booking.starts_at, now)
