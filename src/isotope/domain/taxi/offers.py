"""Offer a trip to a driver."""

from datetime import datetime, timedelta

from isotope.domain.drivers import is_busy, lock_state
from isotope.domain.taxi import store
from isotope.domain.taxi.model import Trip, TripOffer, TripStatus
from isotope.domain.taxi.rows import OFFER_COLUMNS, offer_row
from isotope.domain.tenants.model import TaxiSettings
from isotope.infra.db import Tx
from isotope.kernel.ids import DriverId, OperatorId


async def offer_trip(
    tx: Tx, trip: Trip, driver_id: DriverId, *, eta_s: int, distance_m: int, now: datetime, settings: TaxiSettings
) -> TripOffer | None:
    """The offer; None: the driver went offline, drives by now, holds as many as allowed, or had this trip offered before.

    Who drives can still promise a trip for later. One that was withdrawn before it was answered is made again. The caller holds the trip's row; the driver's state is
    locked here, so the number of what they hold is counted once at a time, and each offer has a slot that is unique.
    """
    state = await lock_state(tx, trip.operator_id, driver_id)
    if not state.is_online or (is_busy(state) and trip.status is TripStatus.REQUESTED):
        return None
    taken = {
        slot
        for (slot,) in await tx.tuples(
            """
            select slot from trip_offer
             where operator_id = %(operator_id)s and driver_id = %(driver_id)s and status = 'OPEN'
            """,
            {"operator_id": trip.operator_id, "driver_id": driver_id},
        )
    }
    slot = next((one for one in range(1, settings.offers_per_driver + 1) if one not in taken), None)
    if slot is None:
        return None
    offer = await tx.find(
        offer_row,
        f"""
        insert into trip_offer (operator_id, trip_id, driver_id, status, slot, offered_at, expires_at, eta_s, distance_m)
        values (%(operator_id)s, %(trip_id)s, %(driver_id)s, 'OPEN', %(slot)s, %(now)s, %(expires_at)s, %(eta_s)s,
                %(distance_m)s)
        on conflict (operator_id, trip_id, driver_id) do update
           set status = 'OPEN', slot = excluded.slot, offered_at = excluded.offered_at,
               expires_at = excluded.expires_at, eta_s = excluded.eta_s, distance_m = excluded.distance_m,
               answered_at = null, reason = null
         where trip_offer.status = 'WITHDRAWN'
        returning {OFFER_COLUMNS}
        """,
        {
            "operator_id": trip.operator_id,
            "trip_id": trip.id,
            "driver_id": driver_id,
            "slot": slot,
            "now": now,
            "expires_at": now + timedelta(seconds=settings.offer_s),
            "eta_s": eta_s,
            "distance_m": distance_m,
        },
    )
    if offer is not None:
        await store.tell_driver(tx, trip.operator_id, driver_id)
    return offer


async def list_driver_offers(tx: Tx, operator_id: OperatorId, driver_id: DriverId, now: datetime) -> list[TripOffer]:
    """What the driver can answer now, the one that ends first before the others."""
    return await tx.all(
        offer_row,
        f"""
        select {OFFER_COLUMNS} from trip_offer
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s and status = 'OPEN'
           and expires_at > %(now)s
         order by expires_at, id limit 10
        """,
        {"operator_id": operator_id, "driver_id": driver_id, "now": now},
    )
