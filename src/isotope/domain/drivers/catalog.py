"""Cars and drivers as an operator describes them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec

from isotope.domain.identity import Phone
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId


class TaxiVehicleDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A car as it is to be; its classes are there."""

    plate: str
    title: str
    color: str
    seats: int
    class_refs: Sequence[str]


class DriverDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A driver as they are to be; the cars are there. `commission_pct` None: as the operator's settings say."""

    phone: Phone
    name: str
    email: str
    language: str
    cash_allowed: bool
    commission_pct: float | None
    plates: Sequence[str]


async def upsert_taxi_vehicles(tx: Tx, operator_id: OperatorId, drafts: Sequence[TaxiVehicleDraft]) -> None:
    """The cars as described, under the ids that their plates have. Who is online in one keeps the classes they chose."""
    await tx.execute_many(
        """
        insert into taxi_vehicle (operator_id, plate, title, color, seats, class_ids)
        values (%(operator_id)s, %(plate)s, %(title)s, %(color)s, %(seats)s,
                array(select c.id from taxi_class c
                       where c.operator_id = %(operator_id)s and c.ref = any(%(refs)s) order by c.id))
        on conflict (operator_id, plate) do update
           set title = excluded.title, color = excluded.color, seats = excluded.seats,
               class_ids = excluded.class_ids, retired_at = null
        """,
        [
            {
                "operator_id": operator_id,
                "plate": draft.plate,
                "title": draft.title,
                "color": draft.color,
                "seats": draft.seats,
                "refs": list(draft.class_refs),
            }
            for draft in drafts
        ],
    )


async def retire_taxi_vehicles(tx: Tx, operator_id: OperatorId, plates: Collection[str], now: datetime) -> int:
    """Nobody goes online in these any more; how many were used."""
    return await tx.execute(
        """
        update taxi_vehicle set retired_at = %(now)s
         where operator_id = %(operator_id)s and plate = any(%(plates)s) and retired_at is null
        """,
        {"operator_id": operator_id, "plates": list(plates), "now": now},
    )


# The last driver of the number: who comes back is the same one, with their account and their trips.
_OF_NUMBER: Final = "d.operator_id = %(operator_id)s and d.phone_prefix = %(prefix)s and d.phone = %(phone)s"
_ID: Final = f"""
    coalesce((select d.id from driver d where {_OF_NUMBER} and d.status <> 'RETIRED'),
             (select max(d.id) from driver d where {_OF_NUMBER} and d.status = 'RETIRED'))
"""


async def insert_drivers(tx: Tx, operator_id: OperatorId, drafts: Sequence[DriverDraft], now: datetime) -> None:
    """Drivers who are new. They can log in from now on."""
    await tx.execute_many(
        """
        insert into driver (operator_id, name, email, phone_prefix, phone, language, status, cash_allowed,
                            commission_pct, created_at)
        values (%(operator_id)s, %(name)s, %(email)s, %(prefix)s, %(phone)s, %(language)s, 'ACTIVE', %(cash)s,
                %(commission_pct)s, %(now)s)
        """,
        [{**_params(operator_id, draft), "now": now} for draft in drafts],
    )
    await _let_drive(tx, operator_id, drafts)


async def save_drivers(tx: Tx, operator_id: OperatorId, drafts: Sequence[DriverDraft]) -> None:
    """Drivers who are there, or were: a retired one works again, one whom staff blocked stays blocked."""
    await tx.execute_many(
        f"""
        update driver
           set name = %(name)s, email = %(email)s, language = %(language)s, cash_allowed = %(cash)s,
               commission_pct = %(commission_pct)s, status = case when status = 'RETIRED' then 'ACTIVE' else status end
         where operator_id = %(operator_id)s and id = {_ID}
        """,
        [_params(operator_id, draft) for draft in drafts],
    )
    await _let_drive(tx, operator_id, drafts)


async def retire_drivers(tx: Tx, operator_id: OperatorId, numbers: Collection[str], now: datetime) -> int:
    """Who has such a number (`358 401234567`) no longer works here: not online, logged out; how many did.

    What they earned stays on their account. The caller sees to it that no open trip is theirs.
    """
    params = {"operator_id": operator_id, "numbers": list(numbers), "now": now}
    rows = await tx.tuples(
        """
        update driver set status = 'RETIRED'
         where operator_id = %(operator_id)s and phone_prefix || ' ' || phone = any(%(numbers)s)
           and status <> 'RETIRED'
        returning id
        """,
        params,
    )
    of = {"operator_id": operator_id, "ids": [row[0] for row in rows]}
    await tx.execute("delete from driver_token where operator_id = %(operator_id)s and driver_id = any(%(ids)s)", of)
    await tx.execute(
        """
        update driver_state
           set is_online = false, online_since = null, idle_since = null, lat = null, lon = null, heading_deg = null,
               position_at = null
         where operator_id = %(operator_id)s and driver_id = any(%(ids)s)
        """,
        of,
    )
    return len(rows)


async def _let_drive(tx: Tx, operator_id: OperatorId, drafts: Sequence[DriverDraft]) -> None:
    """Each of them may drive exactly these cars. Who is online in another one stays so until they go offline."""
    rows = [_params(operator_id, draft) for draft in drafts]
    await tx.execute_many(
        f"delete from driver_vehicle where operator_id = %(operator_id)s and driver_id = {_ID}",
        rows,
    )
    await tx.execute_many(
        f"""
        insert into driver_vehicle (operator_id, driver_id, vehicle_id)
        select v.operator_id, {_ID}, v.id from taxi_vehicle v
         where v.operator_id = %(operator_id)s and v.plate = any(%(plates)s)
        """,
        rows,
    )


def _params(operator_id: OperatorId, draft: DriverDraft) -> dict[str, object]:
    return {
        "operator_id": operator_id,
        "prefix": draft.phone.prefix,
        "phone": draft.phone.number,
        "name": draft.name,
        "email": draft.email,
        "language": draft.language,
        "cash": draft.cash_allowed,
        "commission_pct": draft.commission_pct,
        "plates": list(draft.plates),
    }
