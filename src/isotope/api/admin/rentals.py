"""Bookings on the dashboard: look, cancel, claim, give back."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from isotope.api.admin.paid_by import paid_by
from isotope.api.admin.rentals_types import (
    BookingChargeShown,
    BookingClaimRequest,
    BookingPhoto,
    BookingRefundRequest,
    BookingRefundShown,
    StaffBookings,
    StaffBookingShown,
    StaffBookingsRequest,
    StaffCancelRequest,
)
from isotope.api.amounts import amount_minor_of
from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark, read_bookmark, write_bookmark
from isotope.api.context import Services
from isotope.api.files import file_url
from isotope.api.operation import Auth, Call, operation
from isotope.domain import rental
from isotope.domain.tenants import Right
from isotope.kernel.errors import Kind
from isotope.kernel.ids import BookingId, RiderId, VehicleId
from isotope.kernel.money import to_decimal

_TAG: Final = "Rental dashboard"
_BASE: Final = "/api/v2/admin/bookings"
_LIST: Final = "staff_bookings"
_SINCE: Final = timedelta(days=30)
_SPAN: Final = timedelta(days=366)
_COMMON: Final = (
    (Kind.NOT_FOUND, "booking_not_found"),
    (Kind.FORBIDDEN, "role_not_allowed"),
)
_LIMITED: Final = (*_COMMON, (Kind.FORBIDDEN, "role_limit_reached"))
_NOTHING: Final = {"bonus": 0.0, "balance": 0.0, "card": 0.0, "card_pending": 0.0, "debt": 0.0}
_CHARGE: Final = {
    "charge_id": 9,
    "kind": "CLAIM",
    "status": "PAID",
    "total": 150.0,
    "tax": 0.0,
    "paid_by": {**_NOTHING, "balance": 30.0, "debt": 120.0},
    "reason": "A scratch along the left door",
    "by": "staff:3",
    "at": 1_780_000_000,
}
_REFUND: Final = {
    "refund_id": 5,
    "charge_id": 8,
    "kind": "STAFF",
    "amount": 20.0,
    "tax": 4.06,
    "went_to": {**_NOTHING, "card": 20.0},
    "reason": "The air conditioning did not work",
    "by": "staff:3",
    "at": 1_780_000_000,
}
_BOOKING: Final = {
    "booking_id": 12,
    "booking_status": "UPCOMING",
    "user_id": 7,
    "vehicle_id": 42,
    "model_id": 3,
    "zone_id": 2,
    "starts_at": 1_780_000_000,
    "ends_at": 1_780_086_400,
    "picked_up_at": None,
    "returned_at": None,
    "outcome": None,
    "currency_code": "EUR",
    "deposit": 200.0,
    "deposit_status": "DUE",
    "deposit_captured": 0.0,
    "charges": [],
    "refunds": [],
    "photos": [],
}


@operation(
    id="get_bookings",
    tag=_TAG,
    title="Bookings",
    method="POST",
    path=f"{_BASE}/get",
    auth=Auth.STAFF,
    right=Right.LOOK,
    request=StaffBookingsRequest,
    response=StaffBookings,
    request_example={"booking_statuses": ["UPCOMING", "ACTIVE"]},
    response_example={"data": [_BOOKING], "has_next_page": False, "bookmark_next": None},
)
async def get_bookings(call: Call[StaffBookingsRequest]) -> StaffBookings:
    """The operator's bookings, what starts last first, with their money and pictures.

    Who has booked, the money and the pictures are for owner, manager and support; the other roles see when which vehicle
    is out.
    """
    body, rt = call.body, call.services.rt
    after_id = None
    if chosen := chosen_bookmark(body.page_bookmark, body.bookmark_next, body.bookmark):
        after_id = BookingId(read_bookmark(chosen[1], _LIST, chosen[0]))
    role = call.staff().role
    found = await rental.staff_list_bookings(
        rt, call.operator, role, _which(body, rt.clock.now()), after_id, body.page_length + 1
    )
    if found is None:
        raise bookmark_unknown("bookmark" if chosen is None else chosen[0])
    page = found[: body.page_length]
    more = len(found) > len(page)
    return StaffBookings(
        data=[_shown(call.services, one) for one in page],
        has_next_page=more,
        bookmark_next=write_bookmark(_LIST, page[-1].booking.id) if more else None,
    )


def _which(body: StaffBookingsRequest, now: datetime) -> rental.WhichBookings:
    since = now - _SINCE if body.since is None else datetime.fromtimestamp(body.since, UTC)
    until = since + _SPAN
    if body.until is not None:
        until = min(until, datetime.fromtimestamp(body.until, UTC))
    return rental.WhichBookings(
        since=since,
        until=until,
        statuses=tuple(rental.BookingStatus(status) for status in body.booking_statuses or ()),
        station_id=None if body.zone_id is None else rental.StationId(body.zone_id),
        vehicle_id=None if body.vehicle_id is None else VehicleId(body.vehicle_id),
        rider_id=None if body.rider_id is None else RiderId(body.rider_id),
        booking_id=None if body.booking_id is None else BookingId(body.booking_id),
    )


@operation(
    id="cancel_booking_by_staff",
    tag=_TAG,
    title="Cancel a booking",
    method="POST",
    path=f"{_BASE}/cancel",
    auth=Auth.STAFF,
    right=Right.TREAT_RIDERS,
    request=StaffCancelRequest,
    response=StaffBookingShown,
    refusals=(*_COMMON, (Kind.CONFLICT, "booking_status"), (Kind.CONFLICT, "booking_busy")),
    request_example={"booking_id": 12, "reason": "The vehicle broke down"},
    response_example={**_BOOKING, "booking_status": "CANCELLED", "outcome": "by_staff"},
    idempotent=True,
)
async def cancel_booking_by_staff(call: Call[StaffCancelRequest]) -> StaffBookingShown:
    """Cancels a booking that was not picked up. All that was paid goes back the way it came, and the rider is told why.

    Its vehicle is free at once. Cancelled twice it is cancelled once. For owner, manager and support.
    """
    body, services = call.body, call.services
    role = call.staff().role
    command = rental.StaffCancelBooking(
        operator=call.operator,
        role=role,
        booking_id=BookingId(body.booking_id),
        reason=body.reason,
        actor=call.actor,
    )
    booking = await rental.staff_cancel_booking(services.rt, services.cards, command)
    which = _which(StaffBookingsRequest(booking_id=booking.id), services.rt.clock.now())
    found = await rental.staff_list_bookings(services.rt, call.operator, role, which, None, 1)
    return _shown(services, found[0] if found else rental.StaffBooking(booking=booking, is_open_book=True))


@operation(
    id="charge_booking",
    tag=_TAG,
    title="Charge a booking",
    method="POST",
    path=f"{_BASE}/charge",
    auth=Auth.STAFF,
    right=Right.TREAT_RIDERS,
    request=BookingClaimRequest,
    response=BookingChargeShown,
    refusals=(*_LIMITED, (Kind.CONFLICT, "booking_status")),
    request_example={"booking_id": 12, "amount": 150.0, "reason": "A scratch along the left door"},
    response_example=_CHARGE,
    idempotent=True,
)
async def charge_booking(call: Call[BookingClaimRequest]) -> BookingChargeShown:
    """The rider of a booking that is over pays for damage and such: from the wallet, then the deposit or the card, else debt.

    While the deposit is held it pays what the wallet does not, when the time for inspection is over; what is above it
    stays owed. It bears no tax. Owner and manager up to the operator's `rentals.claim_maximum_minor`, support up to
    `payments.support_refund_minor`. It is given back with `refund` and its `charge_id`.
    """
    body, services = call.body, call.services
    command = rental.StaffChargeBooking(
        operator=call.operator,
        role=call.staff().role,
        booking_id=BookingId(body.booking_id),
        amount_minor=amount_minor_of(body.amount, call.operator.currency),
        reason=body.reason,
        actor=call.actor,
        key=call.idempotency_key or str(uuid4()),
    )
    return _charge(await rental.staff_charge_booking(services.rt, services.cards, command))


@operation(
    id="refund_booking",
    tag=_TAG,
    title="Refund a booking",
    method="POST",
    path=f"{_BASE}/refund",
    auth=Auth.STAFF,
    right=Right.TREAT_RIDERS,
    request=BookingRefundRequest,
    response=BookingRefundShown,
    refusals=(
        *_LIMITED,
        (Kind.NOT_FOUND, "charge_not_found"),
        (Kind.CONFLICT, "charge_not_settled"),
        (Kind.CONFLICT, "refund_running"),
        (Kind.CONFLICT, "refund_too_high"),
    ),
    request_example={"booking_id": 12, "amount": 20.0, "reason": "The air conditioning did not work"},
    response_example=_REFUND,
    idempotent=True,
)
async def refund_booking(call: Call[BookingRefundRequest]) -> BookingRefundShown:
    """Gives back a part or all of something that a booking was charged.

    Debt of it is cancelled first; then the money goes back the way it came: to the card, to the balance, and bonus to
    bonus. Revenue and tax follow, and the rider gets a credit note. Owner and manager up to what was charged, support up
    to the operator's `payments.support_refund_minor` of a booking in all.
    """
    body, services = call.body, call.services
    command = rental.StaffRefundBooking(
        operator=call.operator,
        role=call.staff().role,
        booking_id=BookingId(body.booking_id),
        charge_id=None if body.charge_id is None else rental.ChargeId(body.charge_id),
        amount_minor=None if body.amount is None else amount_minor_of(body.amount, call.operator.currency),
        reason=body.reason,
        to_wallet=body.to_wallet,
        actor=call.actor,
        key=call.idempotency_key or str(uuid4()),
    )
    return _refund(await rental.staff_refund_booking(services.rt, services.cards, command), call.operator.currency)


def _shown(services: Services, one: rental.StaffBooking) -> StaffBookingShown:
    booking, is_open = one.booking, one.is_open_book
    currency = booking.currency
    return StaffBookingShown(
        booking_id=booking.id,
        booking_status=booking.status.value,
        user_id=booking.rider_id if is_open else None,
        vehicle_id=booking.vehicle_id,
        model_id=booking.model_id,
        zone_id=booking.zone_id,
        starts_at=int(booking.starts_at.timestamp()),
        ends_at=int(booking.ends_at.timestamp()),
        picked_up_at=_seconds(booking.picked_up_at),
        returned_at=_seconds(booking.returned_at),
        outcome=booking.outcome,
        currency_code=currency,
        deposit=to_decimal(booking.deposit_minor, currency) if is_open else None,
        deposit_status=booking.deposit_status.value if is_open else None,
        deposit_captured=to_decimal(booking.deposit_captured_minor, currency) if is_open else None,
        charges=[_charge(charge) for charge in one.charges],
        refunds=[_refund(refund, currency) for refund in one.refunds],
        photos=[
            BookingPhoto(
                photo_id=linked.picture.id,
                taken=linked.picture.taken or "",
                url=file_url(services, linked.link),
                at=int(linked.picture.at.timestamp()),
                faults=list(linked.picture.faults),
            )
            for linked in one.pictures
        ],
    )


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _charge(charge: rental.BookingCharge) -> BookingChargeShown:
    currency = charge.currency
    return BookingChargeShown(
        charge_id=charge.id,
        kind=charge.kind,
        status=charge.status,
        total=to_decimal(charge.total_minor, currency),
        tax=to_decimal(charge.tax_minor, currency),
        paid_by=paid_by(
            currency,
            bonus=charge.charged_bonus_minor,
            balance=charge.charged_balance_minor,
            card=charge.charged_card_minor,
            pending=charge.card_pending_minor,
            debt=charge.debt_minor,
        ),
        reason=charge.reason,
        by=charge.actor,
        at=int(charge.opened_at.timestamp()),
    )


def _refund(refund: rental.BookingRefund, currency: str) -> BookingRefundShown:
    return BookingRefundShown(
        refund_id=refund.id,
        charge_id=refund.charge_id,
        kind=refund.kind,
        amount=to_decimal(refund.amount_minor, currency),
        tax=to_decimal(sum(tax.tax_minor for tax in refund.taxes), currency),
        went_to=paid_by(
            currency,
            bonus=refund.to_bonus_minor,
            balance=refund.to_balance_minor,
            card=refund.to_card_minor,
            pending=refund.card_pending_minor,
            debt=refund.to_debt_minor,
        ),
        reason=refund.reason,
        by=refund.actor,
        at=int(refund.at.timestamp()),
    )
