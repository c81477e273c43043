"""What staff read of an operator's bookings."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from isotope.domain.rental.model import Booking, BookingStatus, StationId
from isotope.domain.rental.rows import BOOKING_COLUMNS, booking_row
from isotope.infra.db import Tx
from isotope.kernel.ids import BookingId, OperatorId, RiderId, VehicleId

# What is not asked for by its number is looked for in so much of the calendar at most.
MOST_SPAN: Final = timedelta(days=366)
MOST_PAGE: Final = 101


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichBookings:
    """Those that start in `[since, until)`, and are of whichever is given."""

    since: datetime
    until: datetime
    statuses: tuple[BookingStatus, ...] = ()
    station_id: StationId | None = None
    vehicle_id: VehicleId | None = None
    rider_id: RiderId | None = None
    booking_id: BookingId | None = None


async def list_all_bookings(
    tx: Tx, operator_id: OperatorId, which: WhichBookings, after: Booking | None, limit: int
) -> list[Booking]:
    """What starts last first, after the booking `after`.

    By the narrowest of booking_rider, booking_vehicle, booking_zone and booking_newest, within the span of time.
    """
    params: dict[str, Any] = {"operator_id": operator_id, "limit": max(0, min(limit, MOST_PAGE))}
    where = ""
    if which.booking_id is not None:
        where += " and id = %(id)s"
        params["id"] = which.booking_id
    else:
        where += " and starts_at >= %(since)s and starts_at < %(until)s"
        params |= {"since": max(which.since, which.until - MOST_SPAN), "until": which.until}
    for column, value in (
        ("zone_id", which.station_id),
        ("vehicle_id", which.vehicle_id),
        ("rider_id", which.rider_id),
    ):
        if value is not None:
            where += f" and {column} = %({column})s"
            params[column] = value
    if which.statuses:
        where += " and status = any(%(statuses)s)"
        params["statuses"] = list(which.statuses)
    if after is not None:
        where += " and (starts_at, id) < (%(after_at)s, %(after_id)s)"
        params |= {"after_at": after.starts_at, "after_id": after.id}
    return await tx.all(
        booking_row,
        f"""
        select {BOOKING_COLUMNS} from booking
         where operator_id = %(operator_id)s{where}
         order by starts_at desc, id desc limit %(limit)s
        """,
        params,
    )
