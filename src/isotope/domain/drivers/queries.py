"""What is read of drivers."""

from collections.abc import Sequence
from datetime import date, datetime

from isotope.domain.drivers.errors import driver_not_found
from isotope.domain.drivers.model import (
    DocumentStatus,
    Driver,
    DriverDocument,
    DriverDocumentId,
    DriverState,
    TaxiVehicle,
)
from isotope.domain.drivers.rows import (
    DOCUMENT_COLUMNS,
    DRIVER_COLUMNS,
    STATE_COLUMNS,
    VEHICLE_COLUMNS,
    document_row,
    driver_row,
    state_row,
    vehicle_row,
)
from isotope.domain.identity.model import Phone
from isotope.infra.db import Tx
from isotope.kernel.ids import DriverId, OperatorId, TaxiVehicleId


async def find_driver(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> Driver | None:
    """In whatever status."""
    return await tx.find(
        driver_row,
        f"select {DRIVER_COLUMNS} from driver where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": driver_id},
    )


async def get_driver(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> Driver:
    """In whatever status.

    Raises:
        Refusal: `driver_not_found`.
    """
    found = await find_driver(tx, operator_id, driver_id)
    if found is None:
        raise driver_not_found()
    return found


async def get_drivers(tx: Tx, operator_id: OperatorId, ids: Sequence[DriverId]) -> dict[DriverId, Driver]:
    """By number; those that are not there are not in it."""
    rows = await tx.all(
        driver_row,
        f"select {DRIVER_COLUMNS} from driver where operator_id = %(operator_id)s and id = any(%(ids)s)",
        {"operator_id": operator_id, "ids": list(ids)},
    )
    return {row.id: row for row in rows}


async def find_driver_by_phone(tx: Tx, operator_id: OperatorId, phone: Phone) -> Driver | None:
    """Who has the number now; by driver_phone."""
    return await tx.find(
        driver_row,
        f"""
        select {DRIVER_COLUMNS} from driver
         where operator_id = %(operator_id)s and phone_prefix = %(prefix)s and phone = %(number)s
           and status <> 'RETIRED'
        """,
        {"operator_id": operator_id, "prefix": phone.prefix, "number": phone.number},
    )


async def find_driver_by_token_hash(tx: Tx, operator_id: OperatorId, token_hash: bytes, now: datetime) -> Driver | None:
    """Whose token it is; None: of nobody here, or it has ended."""
    return await tx.find(
        driver_row,
        f"""
        select {DRIVER_COLUMNS} from driver
         where operator_id = %(operator_id)s and status <> 'RETIRED'
           and id = (select driver_id from driver_token
                      where token_hash = %(token_hash)s and operator_id = %(operator_id)s and expires_at > %(now)s)
        """,
        {"operator_id": operator_id, "token_hash": token_hash, "now": now},
    )


async def find_state(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> DriverState | None:
    """Whether and where the driver works; None: never did."""
    return await tx.find(
        state_row,
        f"select {STATE_COLUMNS} from driver_state where operator_id = %(operator_id)s and driver_id = %(driver_id)s",
        {"operator_id": operator_id, "driver_id": driver_id},
    )


async def list_vehicles_of(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> list[TaxiVehicle]:
    """What the driver may drive, by plate; retired ones are not in it."""
    return await tx.all(
        vehicle_row,
        f"""
        select {VEHICLE_COLUMNS} from taxi_vehicle
         where operator_id = %(operator_id)s and retired_at is null
           and id in (select vehicle_id from driver_vehicle
                       where operator_id = %(operator_id)s and driver_id = %(driver_id)s)
         order by plate limit 100
        """,
        {"operator_id": operator_id, "driver_id": driver_id},
    )


async def get_vehicles(
    tx: Tx, operator_id: OperatorId, ids: Sequence[TaxiVehicleId]
) -> dict[TaxiVehicleId, TaxiVehicle]:
    """By number, retired ones too."""
    rows = await tx.all(
        vehicle_row,
        f"select {VEHICLE_COLUMNS} from taxi_vehicle where operator_id = %(operator_id)s and id = any(%(ids)s)",
        {"operator_id": operator_id, "ids": list(ids)},
    )
    return {row.id: row for row in rows}


async def list_held_kinds(tx: Tx, operator_id: OperatorId, driver_id: DriverId, today: date) -> list[str]:
    """Of what kinds the driver holds a document that staff approved and that has not run out; by driver_document_holds."""
    rows = await tx.tuples(
        """
        select kind from driver_document
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s and status = 'APPROVED'
           and (expires_on is null or expires_on >= %(today)s)
         order by kind
        """,
        {"operator_id": operator_id, "driver_id": driver_id, "today": today},
    )
    return [kind for (kind,) in rows]


async def count_pending(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> int:
    """How many documents of the driver wait for staff."""
    return int(
        await tx.scalar(
            """
            select count(*) from driver_document
             where operator_id = %(operator_id)s and driver_id = %(driver_id)s and status = 'PENDING'
            """,
            {"operator_id": operator_id, "driver_id": driver_id},
        )
    )


async def list_documents_of(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> list[DriverDocument]:
    """The driver's, newest first; by driver_document_driver."""
    return await tx.all(
        document_row,
        f"""
        select {DOCUMENT_COLUMNS} from driver_document
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s
         order by id desc limit 100
        """,
        {"operator_id": operator_id, "driver_id": driver_id},
    )


async def list_pending_documents(
    tx: Tx, operator_id: OperatorId, after: DriverDocumentId | None, limit: int
) -> list[DriverDocument]:
    """What waits for staff, the longest first; by driver_document_pending."""
    return await tx.all(
        document_row,
        f"""
        select {DOCUMENT_COLUMNS} from driver_document
         where operator_id = %(operator_id)s and status = %(status)s and id > %(after)s
         order by id limit %(limit)s
        """,
        {"operator_id": operator_id, "status": DocumentStatus.PENDING, "after": after or 0, "limit": limit},
    )


async def find_document(tx: Tx, operator_id: OperatorId, document_id: DriverDocumentId) -> DriverDocument | None:
    """In whatever status."""
    return await tx.find(
        document_row,
        f"select {DOCUMENT_COLUMNS} from driver_document where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": document_id},
    )


async def list_settled_documents(
    tx: Tx, operator_id: OperatorId, before: datetime, limit: int
) -> list[DriverDocumentId]:
    """Those that have counted no more for so long and still have pictures; by driver_document_settled_at."""
    rows = await tx.tuples(
        """
        select id from driver_document d
         where operator_id = %(operator_id)s and settled_at < %(before)s
           and exists (select from driver_document_image i
                        where i.operator_id = %(operator_id)s and i.document_id = d.id)
         order by settled_at limit %(limit)s
        """,
        {"operator_id": operator_id, "before": before, "limit": limit},
    )
    return [DriverDocumentId(document_id) for (document_id,) in rows]


async def list_online_drivers(tx: Tx, operator_id: OperatorId, after: DriverId, limit: int) -> list[DriverId]:
    """Who is online and in no trip, by rising id; by driver_state_online."""
    rows = await tx.tuples(
        """
        select driver_id from driver_state
         where operator_id = %(operator_id)s and is_online and idle_since is not null and driver_id > %(after)s
         order by driver_id limit %(limit)s
        """,
        {"operator_id": operator_id, "after": after, "limit": limit},
    )
    return [DriverId(driver_id) for (driver_id,) in rows]
