"""Rides on the dashboard."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from isotope.api.admin.lists import days_of, length_of, models_of, range_of, scope, sees_people
from isotope.api.admin.rides_types import (
    AdminRide,
    AdminRideExported,
    AdminRides,
    AdminRidesExport,
    AdminRidesRequest,
    ForceEndRideRequest,
    RideForcedToEnd,
)
from isotope.api.files import file_url
from isotope.api.keyset import marks_of
from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing.views import coordinates
from isotope.dashboards.masking import masked_email, masked_name, masked_phone
from isotope.dashboards.paging import Paging
from isotope.dashboards.rides import RideRow, Stage, WhichRides, list_rides
from isotope.dashboards.search import read_search
from isotope.domain import sharing
from isotope.domain.evidence import PictureOf, show_pictures
from isotope.domain.tenants import Right
from isotope.kernel.errors import Kind
from isotope.kernel.geo import Point
from isotope.kernel.ids import RideId
from isotope.kernel.money import Money, to_decimal

_COMMENTS: Final = {"ALL": None, "AVAILABLE": True, "EMPTY": False}


@operation(
    id="admin_rides",
    tag="Sharing dashboard",
    title="Get rides info",
    method="POST",
    path="/api/v2/admin/rides",
    auth=Auth.STAFF,
    right=Right.LOOK,
    subaccounts=True,
    request=AdminRidesRequest,
    response=AdminRides,
    export=AdminRidesExport,
    request_example={"ride_status": "ENDED", "page_length": 20},
)
async def admin_rides(call: Call[AdminRidesRequest]) -> AdminRides | AdminRidesExport:
    """Rides that go on, that ended, or whose end staff are to look at; the newest first.

    Riders are masked, and not searched, for roles that do not see people.
    """
    body, export, now = call.body, bool(call.body.export), call.services.rt.clock.now()
    since, until = days_of(call, body.date_range)
    marks = await marks_of(call, "rides")
    which = WhichRides(
        stage=Stage(body.ride_status),
        search=read_search(body.search),
        search_people=sees_people(call),
        since=since,
        until=until,
        distance_km=range_of("distance", body.distance),
        duration_min=range_of("duration", body.duration),
        rating=range_of("feedback", body.feedback),
        model_ids=models_of(body.models),
        with_comment=_COMMENTS[body.comments or "ALL"],
        parking=() if "ALL" in (body.parking_quality or ()) else tuple(body.parking_quality or ()),
    )
    paging = Paging(
        length_of(body.page_length, export=export), marks.read(body.page_bookmark, body.bookmark_next, body.bookmark)
    )
    async with call.services.rt.db.read() as tx:
        found = await list_rides(tx, scope(call), which, paging, now)
        ids = [] if export else [row.id for row in found.rows]
        shown = await show_pictures(tx, PictureOf.RIDE, call.operator.id, ids, now)
    page = marks.page(found, lambda row: (row.requested_at, row.id))
    pictures: dict[int, list[str]] = {}
    for one in shown:
        pictures.setdefault(one.picture.subject_id, []).append(file_url(call.services, one.link))
    around: dict[str, Any] = {
        "bookmark_next": page.bookmark_next,
        "bookmark_previous": page.bookmark_previous,
        "has_next_page": page.has_next_page,
        "has_previous_page": page.has_previous_page,
    }
    if export:
        return AdminRidesExport(data=[_exported(call, row, now) for row in page.rows], **around)
    return AdminRides(data=[_ride(call, row, pictures.get(row.id, ()), now) for row in page.rows], **around)


@operation(
    id="admin_force_end_ride",
    tag="Sharing dashboard",
    title="Forcefully end ride",
    method="POST",
    path="/api/v2/admin/rides/force-end",
    auth=Auth.STAFF,
    right=Right.END_RIDES,
    subaccounts=True,
    request=ForceEndRideRequest,
    response=RideForcedToEnd,
    refusals=((Kind.NOT_FOUND, "ride_not_found"), (Kind.CONFLICT, "ride_over"), (Kind.CONFLICT, "ride_busy")),
    request_example={"ride_id": 12, "reason": "The rider's phone is dead"},
    response_example={
        "message": "Ride 12 is ended; it costs 2.60 EUR.",
        "ride_id": 12,
        "ended_at": 1_780_000_000,
        "price": 2.6,
        "currency_code": "EUR",
    },
    idempotent=True,
)
async def admin_force_end_ride(call: Call[ForceEndRideRequest]) -> RideForcedToEnd:
    """Ends a ride now, wherever its vehicle is, and charges what the rider's own end would have cost there without zones.

    The vehicle is told to lock if it can be told; unless it is known to be locked it becomes NEED_INVESTIGATION. Who ended
    it, and why, is kept with the ride. Ended twice it is ended once.
    """
    ride = await sharing.force_end_ride(
        call.services.rt,
        call.services.cards,
        sharing.ForceEndRide(
            operator=call.operator,
            subaccount_id=call.staff().subaccount_id,
            ride_id=RideId(call.body.ride_id),
            actor=call.actor,
            reason=call.body.reason,
        ),
    )
    total = Money(ride.total_minor or 0, ride.currency)
    return RideForcedToEnd(
        message=call.text("ride_forced_to_end", ride_id=ride.id, total=total.text()),
        ride_id=ride.id,
        ended_at=int((ride.ended_at or call.services.rt.clock.now()).timestamp()),
        price=total.to_decimal(),
        currency_code=ride.currency,
    )


def _ride(call: Call[Any], row: RideRow, images: Sequence[str], now: datetime) -> AdminRide:
    lasted_s = _seconds(row, now)
    return AdminRide(
        id=row.id,
        status=row.status,
        outcome=row.outcome,
        start_time=_local(call, row.started_at),
        started_at=int(row.started_at.timestamp()),
        end_time=None if row.ended_at is None else _local(call, row.ended_at),
        ended_at=None if row.ended_at is None else int(row.ended_at.timestamp()),
        vehicle_id=row.vehicle_id,
        vehicle_number=row.nr,
        vehicle_model_id=row.model_id,
        kilometers=f"{(row.distance_m or 0) / 1_000:.1f} km",
        distance_meters=row.distance_m,
        time=f"{lasted_s // 60} min",
        duration_seconds=lasted_s,
        currency_code=row.currency,
        feedback=row.rating,
        comment=row.comment or None,
        start_location=coordinates(Point(row.start_lat, row.start_lon)),
        end_location=None if row.end_lat is None or row.end_lon is None else _place(row.end_lat, row.end_lon),
        user_end_location=None,
        image=images[0] if images else None,
        images=list(images),
        review_status=row.review_status,
        review_reasons=list(row.review_reasons),
        parking_quality=row.parking_quality,  # type: ignore[arg-type]  # the store takes no other words
        user_id=row.rider_id,
        **_person(call, row),
        **_money(row),
    )


def _exported(call: Call[Any], row: RideRow, now: datetime) -> AdminRideExported:
    return AdminRideExported(
        id=row.id,
        status=row.status,
        outcome=row.outcome,
        started_at=int(row.started_at.timestamp()),
        ended_at=None if row.ended_at is None else int(row.ended_at.timestamp()),
        duration_seconds=_seconds(row, now),
        distance_meters=row.distance_m,
        vehicle_id=row.vehicle_id,
        vehicle_number=row.nr,
        vehicle_model_id=row.model_id,
        user_id=row.rider_id,
        currency_code=row.currency,
        feedback=row.rating,
        comment=row.comment or None,
        start_latitude=row.start_lat,
        start_longitude=row.start_lon,
        end_latitude=row.end_lat,
        end_longitude=row.end_lon,
        review_status=row.review_status,
        review_reasons=", ".join(row.review_reasons),
        parking_quality=row.parking_quality,
        **_person(call, row),
        **_money(row),
    )


def _place(lat: float, lon: float) -> Any:
    return coordinates(Point(lat, lon))


def _seconds(row: RideRow, now: datetime) -> int:
    return max(0, int(((row.ended_at or now) - row.started_at).total_seconds()))


def _local(call: Call[Any], at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(call.operator.time_zone)):%Y-%m-%d %H:%M:%S}"


def _person(call: Call[Any], row: RideRow) -> Mapping[str, Any]:
    phone = row.phone_prefix + row.phone
    if sees_people(call):
        return {"user_name": row.name, "phone": phone, "email": row.email}
    return {"user_name": masked_name(row.name), "phone": masked_phone(phone), "email": masked_email(row.email)}


def _money(row: RideRow) -> Mapping[str, Any]:
    is_over = row.total_minor is not None
    amounts = {
        "price": row.total_minor,
        "charged_balance": row.charged_balance_minor,
        "charged_bonus": row.charged_bonus_minor,
        "charged_card": row.charged_card_minor if is_over else None,
        "pending": row.card_pending_minor if is_over else None,
        "debt": row.debt_minor,
    }
    return {name: None if amount is None else to_decimal(amount, row.currency) for name, amount in amounts.items()}
