"""Trips on the dashboard: look, assign, cancel, end, give back; balances of drivers."""

from datetime import datetime
from typing import Final
from uuid import uuid4

from isotope.api.admin.paid_by import paid_by
from isotope.api.admin.trips_types import (
    AssignTripRequest,
    CloseTripRequest,
    DriverBalanceRequest,
    DriverBalanceShown,
    EndTripRequest,
    StaffStop,
    StaffTripShown,
    TripRefundRequest,
    TripRefundShown,
    TripsToDispatch,
    TripsToDispatchRequest,
    TripToDispatchShown,
)
from isotope.api.amounts import amount_minor_of
from isotope.api.operation import Auth, Call, operation
from isotope.domain import taxi
from isotope.domain.tenants import Right
from isotope.kernel.errors import Kind
from isotope.kernel.ids import DriverId, TripId
from isotope.kernel.money import to_decimal

_TAG: Final = "Taxi dashboard"
_BASE: Final = "/api/v2/admin/taxi/trips"
_ROLE: Final = (Kind.FORBIDDEN, "role_not_allowed")
_COMMON: Final = ((Kind.NOT_FOUND, "trip_not_found"), _ROLE)
_TRIP: Final = {
    "trip_id": 12,
    "trip_status": "REQUESTED",
    "outcome": None,
    "user_id": 7,
    "driver_id": None,
    "taxi_vehicle_id": None,
    "class_id": 1,
    "class_title": "Standard",
    "requested_at": 1_780_000_000,
    "scheduled_at": None,
    "search_until": 1_780_000_300,
    "closed_at": None,
    "currency_code": "EUR",
    "quoted": 7.5,
    "total": 0.0,
    "refunded": 0.0,
}
_NOTHING: Final = {"bonus": 0.0, "balance": 0.0, "card": 0.0, "card_pending": 0.0, "debt": 0.0}


@operation(
    id="get_trips_to_dispatch",
    tag=_TAG,
    title="Trips that nobody drives",
    method="POST",
    path=f"{_BASE}/to-dispatch",
    auth=Auth.STAFF,
    right=Right.LOOK,
    request=TripsToDispatchRequest,
    response=TripsToDispatch,
    request_example={},
    response_example={
        "data": [
            {
                "trip": _TRIP,
                "route": [
                    {"latitude": 60.1699, "longitude": 24.9384, "title": "Mannerheimintie 1"},
                    {"latitude": 60.1834, "longitude": 24.9384, "title": "Mannerheimintie 40"},
                ],
                "comment": "At the back door",
                "offers": {"OPEN": 1, "DECLINED": 2},
            }
        ]
    },
)
async def get_trips_to_dispatch(call: Call[TripsToDispatchRequest]) -> TripsToDispatch:
    """The dispatcher's list.

    Trips a driver is looked for, longest first; trips for later that nobody promised, the next first; then those of the
    last two hours that were given up because nobody was found. At most 100 of each.

    Who rides, the money and the rider's comment are for owner, manager and support.
    """
    found = await taxi.list_trips_to_dispatch(call.services.rt, call.operator, call.staff().role)
    return TripsToDispatch(
        data=[
            TripToDispatchShown(
                trip=_shown(one.trip, is_open_book=one.is_open_book),
                route=[StaffStop(latitude=stop.lat, longitude=stop.lon, title=stop.title) for stop in one.stops],
                comment=(one.trip.comment or None) if one.is_open_book else None,
                offers={status.value: count for status, count in one.offers.items()},
            )
            for one in found
        ]
    )


@operation(
    id="assign_trip",
    tag=_TAG,
    title="Assign a trip",
    method="POST",
    path=f"{_BASE}/assign",
    auth=Auth.STAFF,
    right=Right.DISPATCH,
    request=AssignTripRequest,
    response=StaffTripShown,
    refusals=(
        *_COMMON,
        (Kind.NOT_FOUND, "driver_not_found"),
        (Kind.CONFLICT, "trip_status"),
        (Kind.CONFLICT, "trip_has_driver"),
        (Kind.FORBIDDEN, "driver_blocked"),
        (Kind.CONFLICT, "driver_offline"),
        (Kind.CONFLICT, "driver_busy"),
        (Kind.CONFLICT, "promise_clashes"),
    ),
    request_example={"trip_id": 12, "driver_id": 4},
    response_example={**_TRIP, "trip_status": "ACCEPTED", "driver_id": 4, "taxi_vehicle_id": 9},
    idempotent=True,
)
async def assign_trip(call: Call[AssignTripRequest]) -> StaffTripShown:
    """Gives a trip that nobody drives to a driver who is online and free, whatever their class; they are not asked.

    One for later is promised in the driver's name. Offers to others are withdrawn. For owner, manager, support and
    operator.
    """
    body, role = call.body, call.staff().role
    trip = await taxi.staff_assign_trip(
        call.services.rt,
        taxi.StaffAssignTrip(
            operator=call.operator,
            role=role,
            trip_id=TripId(body.trip_id),
            driver_id=DriverId(body.driver_id),
            actor=call.actor,
            reason=body.reason,
        ),
    )
    return _shown(trip, is_open_book=taxi.sees_riders(role))


@operation(
    id="cancel_trip_by_staff",
    tag=_TAG,
    title="Cancel a trip",
    method="POST",
    path=f"{_BASE}/cancel",
    auth=Auth.STAFF,
    right=Right.TREAT_RIDERS,
    request=CloseTripRequest,
    response=StaffTripShown,
    refusals=(*_COMMON, (Kind.CONFLICT, "trip_status")),
    request_example={"trip_id": 12, "reason": "The rider called"},
    response_example={**_TRIP, "trip_status": "CANCELED", "outcome": "staff_canceled"},
    idempotent=True,
)
async def cancel_trip_by_staff(call: Call[CloseTripRequest]) -> StaffTripShown:
    """Cancels a trip that has not started, for nothing; what a card reserved is let go.

    Cancelled twice it is cancelled once. For owner, manager and support.
    """
    body, services = call.body, call.services
    command = taxi.StaffCloseTrip(
        operator=call.operator,
        role=call.staff().role,
        trip_id=TripId(body.trip_id),
        reason=body.reason,
        actor=call.actor,
    )
    return _shown(await taxi.staff_cancel_trip(services.rt, services.cards, command), is_open_book=True)


@operation(
    id="end_trip_by_staff",
    tag=_TAG,
    title="End a trip",
    method="POST",
    path=f"{_BASE}/end",
    auth=Auth.STAFF,
    right=Right.TREAT_RIDERS,
    request=EndTripRequest,
    response=StaffTripShown,
    refusals=(*_COMMON, (Kind.CONFLICT, "trip_status")),
    request_example={"trip_id": 12, "reason": "The driver's phone is dead"},
    response_example={
        **_TRIP,
        "trip_status": "ENDED",
        "outcome": "driven",
        "driver_id": 4,
        "taxi_vehicle_id": 9,
        "closed_at": 1_780_000_900,
        "total": 7.5,
    },
    idempotent=True,
)
async def end_trip_by_staff(call: Call[EndTripRequest]) -> StaffTripShown:
    """Ends a trip that has started and whose driver does not end it: it is charged, the driver is free and has earned.

    Ended twice it is ended once. For owner, manager and support.
    """
    body, services = call.body, call.services
    command = taxi.StaffCloseTrip(
        operator=call.operator,
        role=call.staff().role,
        trip_id=TripId(body.trip_id),
        reason=body.reason,
        actor=call.actor,
        as_quoted=body.fare == "QUOTED",
    )
    return _shown(await taxi.staff_end_trip(services.rt, services.cards, command), is_open_book=True)


@operation(
    id="refund_trip",
    tag=_TAG,
    title="Refund a trip",
    method="POST",
    path=f"{_BASE}/refund",
    auth=Auth.STAFF,
    right=Right.TREAT_RIDERS,
    request=TripRefundRequest,
    response=TripRefundShown,
    refusals=(
        *_COMMON,
        (Kind.FORBIDDEN, "role_limit_reached"),
        (Kind.CONFLICT, "trip_status"),
        (Kind.CONFLICT, "trip_not_settled"),
        (Kind.CONFLICT, "refund_running"),
        (Kind.CONFLICT, "refund_too_high"),
    ),
    request_example={"trip_id": 12, "amount": 2.5, "reason": "The driver took a longer way"},
    response_example={
        "refund_id": 5,
        "trip_id": 12,
        "amount": 2.5,
        "tax": 0.23,
        "went_to": {**_NOTHING, "card": 2.5},
        "reason": "The driver took a longer way",
        "by": "staff:3",
        "at": 1_780_000_000,
    },
    idempotent=True,
)
async def refund_trip(call: Call[TripRefundRequest]) -> TripRefundShown:
    """Gives back a part or all of a trip's fare, or of the fee of one that was not driven. What its driver earned stays.

    Debt of it is cancelled first; then the money goes back the way it came: to the card, to the balance (cash too), and
    bonus to bonus. Revenue and tax follow, and the rider gets a credit note. Owner and manager up to what was charged,
    support up to the operator's `payments.support_refund_minor` of a trip in all.
    """
    body, services, currency = call.body, call.services, call.operator.currency
    refund = await taxi.staff_refund_trip(
        services.rt,
        services.cards,
        taxi.StaffRefundTrip(
            operator=call.operator,
            role=call.staff().role,
            trip_id=TripId(body.trip_id),
            amount_minor=None if body.amount is None else amount_minor_of(body.amount, currency),
            reason=body.reason,
            to_wallet=body.to_wallet,
            actor=call.actor,
            key=call.idempotency_key or str(uuid4()),
        ),
    )
    return TripRefundShown(
        refund_id=refund.id,
        trip_id=refund.trip_id,
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


@operation(
    id="adjust_driver_balance",
    tag=_TAG,
    title="Adjust a driver's balance",
    method="POST",
    path="/api/v2/admin/taxi/drivers/adjust-balance",
    auth=Auth.STAFF,
    right=Right.PAY_DRIVERS,
    request=DriverBalanceRequest,
    response=DriverBalanceShown,
    refusals=((Kind.NOT_FOUND, "driver_not_found"), _ROLE),
    request_example={"driver_id": 4, "movement": "PAID", "amount": 120.0, "reason": "Week 23, by bank"},
    response_example={"driver_id": 4, "currency_code": "EUR", "balance": 18.4},
    idempotent=True,
)
async def adjust_driver_balance(call: Call[DriverBalanceRequest]) -> DriverBalanceShown:
    """Books that a driver was paid, or handed cash over, or a correction. No money moves by it.

    A driver's balance is what they earned less the cash they took: see `get-earnings` of the section Driver. For owner and manager.
    """
    body, currency = call.body, call.operator.currency
    balance_minor = await taxi.adjust_driver_balance(
        call.services.rt,
        taxi.AdjustDriverBalance(
            operator=call.operator,
            role=call.staff().role,
            driver_id=DriverId(body.driver_id),
            kind=taxi.DriverMoney(body.movement),
            amount_minor=amount_minor_of(body.amount, currency),
            reason=body.reason,
            actor=call.actor,
            key=call.idempotency_key or str(uuid4()),
        ),
    )
    return DriverBalanceShown(
        driver_id=body.driver_id, currency_code=currency, balance=to_decimal(balance_minor, currency)
    )


def _shown(trip: taxi.Trip, *, is_open_book: bool) -> StaffTripShown:
    currency = trip.currency
    return StaffTripShown(
        trip_id=trip.id,
        trip_status=trip.status.value,
        outcome=trip.outcome,
        user_id=trip.rider_id if is_open_book else None,
        driver_id=trip.driver_id,
        taxi_vehicle_id=trip.vehicle_id,
        class_id=trip.class_id,
        class_title=trip.terms.class_title,
        requested_at=int(trip.requested_at.timestamp()),
        scheduled_at=_seconds(trip.scheduled_at),
        search_until=_seconds(trip.search_until),
        closed_at=_seconds(trip.closed_at),
        currency_code=currency,
        quoted=to_decimal(trip.terms.quoted.total_minor, currency) if is_open_book else None,
        total=to_decimal(trip.total_minor, currency) if is_open_book else None,
        refunded=to_decimal(trip.refunded_minor, currency) if is_open_book else None,
    )


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
