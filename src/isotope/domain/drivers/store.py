"""What this room writes.

A driver's state is locked after rider and trip, and before payments and wallets. Whatever judges whether somebody works,
where they are, or which trip they get, holds `driver_state` of the driver.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from isotope.domain.drivers.model import DocumentStatus, DriverDocument, DriverDocumentId, DriverState
from isotope.domain.drivers.rows import DOCUMENT_COLUMNS, STATE_COLUMNS, document_row, state_row
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, OperatorId, TaxiClassId, TaxiVehicleId


async def insert_token(
    tx: Tx, operator_id: OperatorId, driver_id: DriverId, token_hash: bytes, now: datetime, expires_at: datetime
) -> None:
    """The driver is in by it until then."""
    await tx.execute(
        """
        insert into driver_token (token_hash, operator_id, driver_id, created_at, expires_at)
        values (%(token_hash)s, %(operator_id)s, %(driver_id)s, %(now)s, %(expires_at)s)
        """,
        {
            "token_hash": token_hash,
            "operator_id": operator_id,
            "driver_id": driver_id,
            "now": now,
            "expires_at": expires_at,
        },
    )


async def delete_token(tx: Tx, operator_id: OperatorId, token_hash: bytes) -> None:
    """Nobody is in by it any more."""
    await tx.execute(
        "delete from driver_token where token_hash = %(token_hash)s and operator_id = %(operator_id)s",
        {"token_hash": token_hash, "operator_id": operator_id},
    )


async def delete_ended_tokens(tx: Tx, now: datetime, limit: int) -> int:
    """Tokens of all operators' drivers whose time is over; how many. By driver_token_expiry."""
    return await tx.execute(
        """
        delete from driver_token
         where token_hash in (select token_hash from driver_token where expires_at <= %(now)s
                               order by expires_at limit %(limit)s)
        """,
        {"now": now, "limit": limit},
    )


async def lock_state(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> DriverState:
    """Of a driver who is there. Nobody else changes it until this transaction ends; it is made when there is none."""
    key = {"operator_id": operator_id, "driver_id": driver_id}
    sql = f"""
        select {STATE_COLUMNS} from driver_state
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s for no key update
    """
    found = await tx.find(state_row, sql, key)
    if found is not None:
        return found
    await tx.execute(
        "insert into driver_state (operator_id, driver_id) values (%(operator_id)s, %(driver_id)s)"
        " on conflict do nothing",
        key,
    )
    return await tx.one(state_row, sql, key)


async def save_online(
    tx: Tx,
    state: DriverState,
    vehicle_id: TaxiVehicleId,
    class_ids: Sequence[TaxiClassId],
    point: Point,
    now: datetime,
) -> DriverState:
    """The driver works, in this vehicle, and is here. Who was online keeps since when, and whether they are busy.

    Raises:
        psycopg.errors.UniqueViolation: another driver is online in the vehicle.
    """
    return await tx.one(
        state_row,
        f"""
        update driver_state
           set online_since = case when is_online then online_since else %(now)s end,
               idle_since = case when is_online then idle_since else %(now)s end,
               is_online = true, vehicle_id = %(vehicle_id)s, class_ids = %(class_ids)s, lat = %(lat)s, lon = %(lon)s,
               heading_deg = null, position_at = %(now)s, seen_at = %(now)s
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s
        returning {STATE_COLUMNS}
        """,
        {
            "operator_id": state.operator_id,
            "driver_id": state.driver_id,
            "vehicle_id": vehicle_id,
            "class_ids": list(class_ids),
            "lat": point.lat,
            "lon": point.lon,
            "now": now,
        },
    )


async def save_offline(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> DriverState | None:
    """The driver does not work, and nobody keeps where they are."""
    return await tx.find(
        state_row,
        f"""
        update driver_state
           set is_online = false, online_since = null, idle_since = null, lat = null, lon = null, heading_deg = null,
               position_at = null
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s
        returning {STATE_COLUMNS}
        """,
        {"operator_id": operator_id, "driver_id": driver_id},
    )


_IS_NEWER: Final = "(position_at is null or position_at < %(at)s)"


async def save_position(
    tx: Tx,
    operator_id: OperatorId,
    driver_id: DriverId,
    point: Point,
    heading_deg: int | None,
    at: datetime,
    now: datetime,
) -> DriverState | None:
    """Heard of now; where the driver is moves on, never back. None: they are offline."""
    return await tx.find(
        state_row,
        f"""
        update driver_state
           set seen_at = greatest(seen_at, %(now)s),
               lat = case when {_IS_NEWER} then %(lat)s else lat end,
               lon = case when {_IS_NEWER} then %(lon)s else lon end,
               heading_deg = case when {_IS_NEWER} then %(heading_deg)s::smallint else heading_deg end,
               position_at = case when {_IS_NEWER} then %(at)s else position_at end
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s and is_online
        returning {STATE_COLUMNS}
        """,
        {
            "operator_id": operator_id,
            "driver_id": driver_id,
            "lat": point.lat,
            "lon": point.lon,
            "heading_deg": heading_deg,
            "at": at,
            "now": now,
        },
    )


async def set_idle(tx: Tx, operator_id: OperatorId, driver_id: DriverId, now: datetime) -> None:
    """The driver has no trip any more; of nobody who went offline meanwhile. The caller holds the state."""
    await tx.execute(
        """
        update driver_state set idle_since = %(now)s
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s and is_online
        """,
        {"operator_id": operator_id, "driver_id": driver_id, "now": now},
    )


async def set_busy(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> None:
    """The driver has a trip. The caller holds the state."""
    await tx.execute(
        "update driver_state set idle_since = null where operator_id = %(operator_id)s and driver_id = %(driver_id)s",
        {"operator_id": operator_id, "driver_id": driver_id},
    )


async def save_rating(tx: Tx, operator_id: OperatorId, driver_id: DriverId, rating: int) -> None:
    """One more rider has rated."""
    await tx.execute(
        """
        update driver set rating_sum = rating_sum + %(rating)s, rating_count = rating_count + 1
         where operator_id = %(operator_id)s and id = %(driver_id)s
        """,
        {"operator_id": operator_id, "driver_id": driver_id, "rating": rating},
    )


async def lock_driver(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> None:
    """Of a driver who is there: nobody else changes their documents until this transaction ends."""
    await tx.execute(
        "select from driver where operator_id = %(operator_id)s and id = %(driver_id)s for no key update",
        {"operator_id": operator_id, "driver_id": driver_id},
    )


async def insert_document(
    tx: Tx, operator_id: OperatorId, driver_id: DriverId, kind: str, expires_on: date | None, now: datetime
) -> DriverDocument:
    """One that waits for staff, in the place of one of the kind that did. The caller holds the driver's row."""
    await settle_documents(tx, operator_id, driver_id, kind, DocumentStatus.PENDING, now)
    return await tx.one(
        document_row,
        f"""
        insert into driver_document (operator_id, driver_id, kind, expires_on, status, created_at)
        values (%(operator_id)s, %(driver_id)s, %(kind)s, %(expires_on)s, 'PENDING', %(now)s)
        returning {DOCUMENT_COLUMNS}
        """,
        {"operator_id": operator_id, "driver_id": driver_id, "kind": kind, "expires_on": expires_on, "now": now},
    )


async def settle_documents(
    tx: Tx, operator_id: OperatorId, driver_id: DriverId, kind: str, status: DocumentStatus, now: datetime
) -> None:
    """What the driver has of the kind in this status is REPLACED. The caller holds the driver's row."""
    await tx.execute(
        """
        update driver_document set status = 'REPLACED', settled_at = %(now)s
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s and kind = %(kind)s and status = %(status)s
        """,
        {"operator_id": operator_id, "driver_id": driver_id, "kind": kind, "status": status, "now": now},
    )


async def save_review(
    tx: Tx,
    document: DriverDocument,
    status: DocumentStatus,
    expires_on: date | None,
    reason: str | None,
    actor: Actor,
    now: datetime,
) -> DriverDocument:
    """What staff decided. The caller holds the driver's row."""
    return await tx.one(
        document_row,
        f"""
        update driver_document
           set status = %(status)s, expires_on = %(expires_on)s, reason = %(reason)s, reviewed_by = %(actor)s,
               reviewed_at = %(now)s, settled_at = %(settled_at)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {DOCUMENT_COLUMNS}
        """,
        {
            "operator_id": document.operator_id,
            "id": DriverDocumentId(document.id),
            "status": status,
            "expires_on": expires_on,
            "reason": reason,
            "actor": actor,
            "now": now,
            "settled_at": now if status is DocumentStatus.REJECTED else None,
        },
    )
