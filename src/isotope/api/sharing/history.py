"""Rides that are over: the list, one with everything, and what the rider says about it."""

from typing import Final

from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark, read_bookmark, write_bookmark
from isotope.api.files import file_url
from isotope.api.history_types import (
    Feedback,
    PastRide,
    PastRides,
    Photo,
    Rated,
    RateRideRequest,
    RideFine,
    RidePaid,
    RideRefund,
    RideRequest,
    RidesRequest,
    RideTax,
    Route,
    WholeRide,
)
from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing import views
from isotope.domain import sharing
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.ids import RideId
from isotope.kernel.money import to_decimal

_LIST: Final = "rides"
_DONE: Final = 1
_NOT_FOUND: Final = (Kind.NOT_FOUND, "ride_not_found")
_EXAMPLE: Final = {
    "ride_id": 12,
    "status": "ENDED",
    "vehicle_id": 42,
    "vehicle_number": "1001",
    "vehicle_type": "SCOOTER",
    "model_title": "City scooter",
    "requested_at": 1_780_000_000,
    "started_at": 1_780_000_003,
    "ended_at": 1_780_000_783,
    "distance_m": 2_410,
    "total": 4.2,
    "currency_code": "EUR",
    "rating": 5,
    "review_status": None,
}
_FEEDBACK: Final = {"rating": 5, "reasons": ["vehicle"], "comment": "Smooth", "at": 1_780_000_900}


@operation(
    id="get_rides",
    tag="Sharing",
    title="Get rides",
    method="POST",
    path="/openapi/v1.0/sharing/get-rides",
    auth=Auth.PUBLIC_AND_CALLER,
    request=RidesRequest,
    response=PastRides,
    request_example={"page_length": 20},
    response_example={"rides": [_EXAMPLE], "bookmark_next": None},
)
async def get_rides(call: Call[RidesRequest]) -> PastRides:
    """The rider's rides that are over, newest first, page by page: see `get-wallet-entries` for bookmarks."""
    body = call.body
    sent = chosen_bookmark(body.page_bookmark, body.bookmark_next, body.bookmark)
    before = None if sent is None else RideId(read_bookmark(sent[1], _LIST, sent[0]))
    found = await sharing.list_rides(call.services.rt, call.operator.id, call.rider_id(), before, body.page_length + 1)
    if found is None:
        raise bookmark_unknown(sent[0] if sent else "")
    page = found[: body.page_length]
    return PastRides(
        rides=[_past(ride) for ride in page],
        bookmark_next=write_bookmark(_LIST, page[-1].ride.id) if len(found) > len(page) else None,
    )


@operation(
    id="get_ride",
    tag="Sharing",
    title="Get ride",
    method="POST",
    path="/openapi/v1.0/sharing/get-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=RideRequest,
    response=WholeRide,
    refusals=(_NOT_FOUND,),
    request_example={"ride_id": 12},
    response_example={
        "ride": _EXAMPLE,
        "outcome": "by_rider",
        "ride_seconds": 780,
        "pause_seconds": 0,
        "start": {"latitude": 60.1699, "longitude": 24.9384},
        "end": {"latitude": 60.1802, "longitude": 24.9511},
        "route": {"type": "LineString", "coordinates": [[24.9384, 60.1699], [24.9421, 60.1755], [24.9511, 60.1802]]},
        "lines": [
            {"code": "unlock", "text": "Unlock", "quantity": 1, "unit_price": 1.0, "amount": 1.0},
            {"code": "minutes", "text": "13 min", "quantity": 13, "unit_price": 0.25, "amount": 3.2},
        ],
        "addons": [],
        "taxes": [{"rate_pct": "25.5", "net": 3.35, "tax": 0.85, "gross": 4.2}],
        "paid": {
            "bonus": 0.0,
            "balance": 4.2,
            "card": 0.0,
            "pending": 0.0,
            "debt": 0.0,
            "payment_method_id": "wallet",
        },
        "fines": [],
        "refunds": [],
        "receipt_ids": [31],
        "photos": [
            {
                "photo_id": 31,
                "url": "https://city.example/files/7-ride-31?expires=1780004400&signature=...",
                "at": 1_780_000_783,
                "faults": [],
            }
        ],
        "review_reasons": [],
        "feedback": _FEEDBACK,
        "rating_reasons": ["vehicle", "brakes"],
    },
)
async def get_ride(call: Call[RideRequest]) -> WholeRide:
    """One ride that is over: its way, its bill and what paid it, what was taken and given back later, photos, feedback.

    The way is simplified and coarsened as the operator's privacy settings say, and is forgotten after their days.
    """
    whole = await sharing.read_ride(
        call.services.rt,
        call.operator,
        call.rider_id(),
        RideId(call.body.ride_id),
        with_route=call.body.route_required,
    )
    ride, currency = whole.past.ride, whole.past.ride.currency
    return WholeRide(
        ride=_past(whole.past),
        outcome=ride.outcome,
        ride_seconds=whole.usage.ride_s,
        pause_seconds=whole.usage.pause_s,
        start=views.coordinates(ride.start),
        end=None if ride.end is None else views.coordinates(ride.end),
        route=_route(whole),
        lines=views.price_lines(ride.lines or (), currency),
        addons=[views.addon(taken, currency) for taken in ride.terms.addons],
        taxes=[
            RideTax(
                rate_pct=tax.pct,
                net=to_decimal(tax.net_minor, currency),
                tax=to_decimal(tax.tax_minor, currency),
                gross=to_decimal(tax.gross_minor, currency),
            )
            for tax in ride.tax_lines
        ],
        paid=RidePaid(
            bonus=to_decimal(ride.charged_bonus_minor or 0, currency),
            balance=to_decimal(ride.charged_balance_minor or 0, currency),
            card=to_decimal(ride.charged_card_minor, currency),
            pending=to_decimal(ride.card_pending_minor, currency),
            debt=to_decimal(ride.debt_minor or 0, currency),
            payment_method_id=ride.terms.payment_method_id,
        ),
        fines=[
            RideFine(
                fine_id=fine.id,
                amount=to_decimal(fine.amount_minor, currency),
                reason=fine.reason,
                at=int(fine.at.timestamp()),
            )
            for fine in whole.fines
        ],
        refunds=[
            RideRefund(
                refund_id=refund.id,
                fine_id=refund.fine_id,
                amount=to_decimal(refund.amount_minor, currency),
                reason=refund.reason,
                at=int(refund.at.timestamp()),
            )
            for refund in whole.refunds
        ],
        receipt_ids=list(whole.receipt_ids),
        photos=[
            Photo(
                photo_id=one.picture.id,
                url=file_url(call.services, one.link),
                at=int(one.picture.at.timestamp()),
                faults=list(one.picture.faults),
            )
            for one in whole.pictures
        ],
        review_reasons=list(ride.review_reasons),
        feedback=None if whole.rating is None else _feedback(whole.rating),
        rating_reasons=list(call.operator.settings.feedback.reasons),
    )


@operation(
    id="rate_ride",
    tag="Sharing",
    title="Rate ride",
    method="POST",
    path="/openapi/v1.0/sharing/rate-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=RateRideRequest,
    response=Rated,
    refusals=(_NOT_FOUND, (Kind.CONFLICT, "ride_not_rateable"), (Kind.CONFLICT, "ride_rated_already")),
    request_example={"ride_id": 12, "rating": 5, "reasons": ["vehicle"], "comment": "Smooth"},
    response_example={"status": 1, "message": "Thank you for telling us.", "feedback": _FEEDBACK},
    idempotent=True,
)
async def rate_ride(call: Call[RateRideRequest]) -> Rated:
    """Says how a ride was: once, after it ended. The comment is text; it is forgotten when the rider is erased."""
    body = call.body
    allowed = call.operator.settings.feedback.reasons
    expected = f"one of {', '.join(allowed)}" if allowed else "no reason"
    faults = [
        Fault(f"reasons.{nr}", f"{expected} is expected")
        for nr, reason in enumerate(body.reasons or ())
        if reason not in allowed
    ]
    if faults:
        raise invalid(*faults)
    rating = await sharing.rate_ride(
        call.services.rt,
        sharing.RateRide(
            operator=call.operator,
            rider_id=call.rider_id(),
            ride_id=RideId(body.ride_id),
            rating=body.rating,
            reasons=body.reasons or (),
            comment=(body.comment or "").strip(),
        ),
    )
    return Rated(status=_DONE, message=call.text("ride_rated"), feedback=_feedback(rating))


def _past(past: sharing.PastRide) -> PastRide:
    ride = past.ride
    if ride.ended_at is None:
        raise LookupError("a ride that is over has an end")
    return PastRide(
        ride_id=ride.id,
        status=ride.status.value,  # type: ignore[arg-type]  # it is over: one of the two
        vehicle_id=ride.vehicle_id,
        vehicle_number=past.vehicle_nr,
        vehicle_type=past.vehicle_type,
        model_title=past.model_title,
        requested_at=int(ride.requested_at.timestamp()),
        started_at=None if ride.started_at is None else int(ride.started_at.timestamp()),
        ended_at=int(ride.ended_at.timestamp()),
        distance_m=ride.distance_m,
        total=to_decimal(ride.total_minor or 0, ride.currency),
        currency_code=ride.currency,
        rating=past.rating,
        review_status=None if ride.review_status is None else ride.review_status.value,
    )


def _feedback(rating: sharing.Rating) -> Feedback:
    return Feedback(
        rating=rating.rating, reasons=list(rating.reasons), comment=rating.comment, at=int(rating.at.timestamp())
    )


def _route(whole: sharing.WholeRide) -> Route | None:
    if not whole.route:
        return None
    return Route(type="LineString", coordinates=[(round(place.lon, 7), round(place.lat, 7)) for place in whole.route])
