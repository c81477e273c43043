"""What a vehicle's reports say of where it went in some time, late ones included."""

from datetime import datetime

import msgspec

from isotope.domain.fleet.model import Vehicle
from isotope.infra.db import Tx
from isotope.iot.model import JUMP
from isotope.kernel.geo import EARTH_RADIUS_M, Point


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """Of the reports of some time: the odometer before it began and the highest in it, and how far from a place.

    None: no report told it.
    """

    odometer_before_m: int | None
    odometer_m: int | None
    away_m: float | None


async def find_movement(
    tx: Tx, vehicle: Vehicle, *, of: Point, received_from: datetime, since: datetime, until: datetime
) -> Movement:
    """Between `since` and `until` by the units' clocks, of what was received from `received_from` on.

    By the index on vehicle and receipt: so many reports as came in since then. Positions that jumped are no positions.
    """
    return await tx.one(
        Movement,
        """
        select max(odometer_m) filter (where device_at <= %(since)s) as odometer_before_m,
               max(odometer_m) filter (where device_at > %(since)s) as odometer_m,
               -- Flat: over the lengths that matter it errs by less than a metre.
               max(sqrt(pow(radians(lat - %(lat)s), 2) + pow(radians(lon - %(lon)s) * cos(radians(%(lat)s)), 2)))
                   filter (where fix_at > %(since)s and fix_at <= %(until)s and not flags @> array[%(jump)s]::text[])
                   * %(radius_m)s as away_m
          from vehicle_report
         where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s and received_at >= %(received_from)s
           and device_at <= %(until)s
        """,
        {
            "operator_id": vehicle.operator_id,
            "vehicle_id": vehicle.id,
            "received_from": received_from,
            "since": since,
            "until": until,
            "lat": of.lat,
            "lon": of.lon,
            "jump": JUMP,
            "radius_m": EARTH_RADIUS_M,
        },
    )
