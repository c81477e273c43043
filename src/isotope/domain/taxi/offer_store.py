"""What is read and written of one offer by who answers it.

An offer changes under its trip's row; withdrawn from a driver who has got another trip, under that driver's state.
"""

from datetime import datetime, timedelta

from isotope.domain.taxi import store
from isotope.domain.taxi.model import OfferStatus, Trip, TripOffer, TripOfferId, TripStatus
from isotope.domain.taxi.rows import OFFER_COLUMNS, offer_row
from isotope.infra.db import Tx
from isotope.kernel.ids import DriverId, OperatorId


async def find_offer(tx: Tx, operator_id: OperatorId, driver_id: DriverId, offer_id: TripOfferId) -> TripOffer | None:
    """The driver's own."""
    return await tx.find(
        offer_row,
        f"""
        select {OFFER_COLUMNS} from trip_offer
         where operator_id = %(operator_id)s and id = %(id)s and driver_id = %(driver_id)s
        """,
        {"operator_id": operator_id, "id": offer_id, "driver_id": driver_id},
    )


async def answer_offer(tx: Tx, offer: TripOffer, status: OfferStatus, now: datetime, reason: str | None = None) -> None:
    """The caller holds the trip's row."""
    await tx.execute(
        """
        update trip_offer set status = %(status)s, answered_at = %(now)s, reason = %(reason)s
         where operator_id = %(operator_id)s and id = %(id)s
        """,
        {"operator_id": offer.operator_id, "id": offer.id, "status": status, "now": now, "reason": reason},
    )


async def withdraw_others(tx: Tx, operator_id: OperatorId, driver_id: DriverId, now: datetime) -> None:
    """A driver who has a trip holds no other offers for now; of those for later they do."""
    await tx.execute(
        """
        update trip_offer set status = 'WITHDRAWN', answered_at = %(now)s
          from (select o.id from trip_offer o join trip t on t.operator_id = o.operator_id and t.id = o.trip_id
                 where o.operator_id = %(operator_id)s and o.driver_id = %(driver_id)s and o.status = 'OPEN'
                   and t.status = 'REQUESTED'
                 order by o.id for update of o skip locked) held
         where trip_offer.operator_id = %(operator_id)s and trip_offer.id = held.id
        """,
        {"operator_id": operator_id, "driver_id": driver_id, "now": now},
    )


async def give_up_offer(tx: Tx, trip: Trip, now: datetime, reason: str | None) -> None:
    """Who had accepted the trip gives it up. The caller holds its row."""
    await tx.execute(
        """
        update trip_offer set status = 'GIVEN_UP', answered_at = %(now)s, reason = %(reason)s
         where operator_id = %(operator_id)s and trip_id = %(trip_id)s and status = 'ACCEPTED'
        """,
        {"operator_id": trip.operator_id, "trip_id": trip.id, "now": now, "reason": reason},
    )


async def forget_let_pass(tx: Tx, trip: Trip) -> None:
    """Who did not answer whether they promise it is asked once more when it is to be driven; who declined is not.

    The caller holds the trip's row.
    """
    await tx.execute(
        """
        update trip_offer set status = 'WITHDRAWN'
         where operator_id = %(operator_id)s and trip_id = %(trip_id)s and status = 'EXPIRED'
        """,
        {"operator_id": trip.operator_id, "trip_id": trip.id},
    )


async def save_assigned(tx: Tx, trip: Trip, driver_id: DriverId, now: datetime, *, eta_s: int, distance_m: int) -> None:
    """Staff gave the trip to the driver, as if they had accepted an offer. The caller holds the trip's row."""
    await tx.execute(
        """
        insert into trip_offer (operator_id, trip_id, driver_id, status, slot, offered_at, expires_at, answered_at,
                                eta_s, distance_m)
        values (%(operator_id)s, %(trip_id)s, %(driver_id)s, 'ACCEPTED', 1, %(now)s, %(now)s, %(now)s, %(eta_s)s,
                %(distance_m)s)
        on conflict (operator_id, trip_id, driver_id) do update
           set status = 'ACCEPTED', answered_at = excluded.answered_at, eta_s = excluded.eta_s,
               distance_m = excluded.distance_m, reason = null
        """,
        {
            "operator_id": trip.operator_id,
            "trip_id": trip.id,
            "driver_id": driver_id,
            "now": now,
            "eta_s": eta_s,
            "distance_m": distance_m,
        },
    )


async def end_search_of_wanted(tx: Tx, trip: Trip, driver_id: DriverId, now: datetime) -> Trip:
    """The only driver whom the rider wants said no, or nothing: nobody else is asked, so the worker ends the search now.

    The caller holds the trip's row.
    """
    if trip.status is not TripStatus.REQUESTED or trip.wanted_driver_id != driver_id:
        return trip
    return await store.change_trip(tx, trip, search_until=now, next_at=now)


async def has_promise_near(tx: Tx, operator_id: OperatorId, driver_id: DriverId, trip: Trip, gap: timedelta) -> bool:
    """Whether another trip that the driver promised comes so near that both cannot be driven.

    A promised trip takes its quoted time, and `gap` lies between two of them. The caller holds the driver's state, so that
    two promises of one driver are judged one after the other.
    """
    if trip.scheduled_at is None:
        return False
    ends_at = trip.scheduled_at + timedelta(seconds=trip.terms.duration_s)
    found = await tx.scalar(
        """
        select exists (
            select from trip
             where operator_id = %(operator_id)s and driver_id = %(driver_id)s and status = 'SCHEDULED'
               and id <> %(id)s and scheduled_at < %(until)s
               and scheduled_at + make_interval(secs => (terms->>'duration_s')::float) > %(from)s)
        """,
        {
            "operator_id": operator_id,
            "driver_id": driver_id,
            "id": trip.id,
            "until": ends_at + gap,
            "from": trip.scheduled_at - gap,
        },
    )
    return bool(found)
