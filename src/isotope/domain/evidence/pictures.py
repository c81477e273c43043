"""The SQL of pictures: of parked vehicles after rides, of vehicles around bookings, of damage, of drivers' documents."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

import msgspec

from isotope.domain.evidence.model import KeptImage, PictureId, PictureOf, Shows, StoredPicture
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId


@dataclass(frozen=True, slots=True)
class _Table:
    """Where pictures of a kind are: `subject` is the column with what they show, which a rider has in `riders`.

    `taken` is a column or null.
    """

    name: LiteralString
    subject: LiteralString
    riders: LiteralString
    taken: LiteralString = "null::text"

    @property
    def select(self) -> LiteralString:
        return (
            f"select operator_id, id, {self.subject} as subject_id, blob_key, content_type, faults, at, "
            f"{self.taken} as taken from {self.name}"
        )


_TABLE: Final = {
    PictureOf.RIDE: _Table("ride_image", "ride_id", "ride"),
    PictureOf.BOOKING: _Table("booking_image", "booking_id", "booking", "taken"),
    PictureOf.DAMAGE: _Table("damage_image", "damage_id", "damage_report"),
    PictureOf.DOCUMENT: _Table("driver_document_image", "document_id", "driver_document"),
}


def _row(of: PictureOf, columns: dict[str, object]) -> StoredPicture:
    return msgspec.convert({**columns, "of": of}, StoredPicture, strict=False)


async def insert_picture(tx: Tx, operator_id: OperatorId, shows: Shows, image: KeptImage, at: datetime) -> None:
    """It has this picture, unless it has the same file already or the store was away."""
    if not image.is_kept:
        return
    table = _TABLE[shows.of]
    taken: tuple[LiteralString, LiteralString] = (", taken", ", %(taken)s") if shows.taken is not None else ("", "")
    await tx.execute(
        f"""
        insert into {table.name} (operator_id, {table.subject}, blob_key, content_type, bytes, faults, digest, at{taken[0]})
        values (%(operator_id)s, %(subject_id)s, %(key)s, %(content_type)s, %(bytes)s, %(faults)s, %(digest)s, %(at)s{taken[1]})
        on conflict do nothing
        """,
        {
            "operator_id": operator_id,
            "subject_id": shows.subject_id,
            "taken": shows.taken,
            "key": image.key,
            "content_type": image.content_type,
            "bytes": image.size,
            "faults": list(image.faults),
            "digest": image.digest or None,
            "at": at,
        },
    )


async def list_pictures(
    tx: Tx, of: PictureOf, operator_id: OperatorId, subject_ids: Sequence[int]
) -> list[StoredPicture]:
    """Those of some rides, bookings or damage reports, oldest first.

    By ride_image_ride, booking_image_booking and damage_image_damage.
    """
    table = _TABLE[of]
    rows = await tx.dicts(
        f"{table.select} where operator_id = %(operator_id)s and {table.subject} = any(%(ids)s) order by id",
        {"operator_id": operator_id, "ids": list(subject_ids)},
    )
    return [_row(of, row) for row in rows]


async def find_picture(
    tx: Tx, of: PictureOf, operator_id: OperatorId, picture_id: PictureId
) -> tuple[StoredPicture, bytes] | None:
    """A picture and what links to it are signed with."""
    rows = await tx.dicts(
        f"""
        select p.*, o.file_key from ({_TABLE[of].select} where operator_id = %(operator_id)s and id = %(id)s) p
          join operator o on o.id = p.operator_id
        """,
        {"operator_id": operator_id, "id": picture_id},
    )
    if not rows:
        return None
    [columns] = rows
    file_key: bytes = columns.pop("file_key")
    return _row(of, columns), file_key


async def get_file_key(tx: Tx, operator_id: OperatorId) -> bytes:
    """What the operator's links are signed with."""
    return bytes(await tx.scalar("select file_key from operator where id = %(id)s", {"id": operator_id}))


async def list_known_digests(tx: Tx, operator_id: OperatorId, digests: Collection[bytes], but_of: Shows) -> set[bytes]:
    """Those of the files that another ride, booking or damage report has, or the same booking of its other moment.

    By ride_image_digest, booking_image_digest and damage_image_digest.
    """
    table = _TABLE[but_of.of]
    rows = await tx.tuples(
        f"""
        select distinct digest from {table.name}
         where operator_id = %(operator_id)s and digest = any(%(digests)s)
           and ({table.subject} is distinct from %(subject_id)s or {table.taken} is distinct from %(taken)s)
        """,
        {
            "operator_id": operator_id,
            "digests": list(digests),
            "subject_id": but_of.subject_id,
            "taken": but_of.taken,
        },
    )
    return {bytes(digest) for (digest,) in rows}


async def list_used_keys(tx: Tx, operator_id: OperatorId, keys: Sequence[str]) -> set[str]:
    """Those of the blob keys that a picture has. By the unique keys of the tables."""
    rows = await tx.tuples(
        """
        select blob_key from ride_image where operator_id = %(operator_id)s and blob_key = any(%(keys)s)
        union all
        select blob_key from booking_image where operator_id = %(operator_id)s and blob_key = any(%(keys)s)
        union all
        select blob_key from damage_image where operator_id = %(operator_id)s and blob_key = any(%(keys)s)
        union all
        select blob_key from driver_document_image where operator_id = %(operator_id)s and blob_key = any(%(keys)s)
        """,
        {"operator_id": operator_id, "keys": list(keys)},
    )
    return {row[0] for row in rows}


# -- Keys on their way ----------------------------------------------------------------------------------------------


async def add_pending(tx: Tx, operator_id: OperatorId, keys: Sequence[str], at: datetime) -> None:
    """Something is about to be stored under these."""
    await tx.execute(
        """
        insert into blob_pending (operator_id, blob_key, at)
        select %(operator_id)s, key, %(at)s from unnest(%(keys)s::text[]) key
        """,
        {"operator_id": operator_id, "keys": list(keys), "at": at},
    )


async def delete_pending(tx: Tx, operator_id: OperatorId, keys: Sequence[str]) -> None:
    """It is known what became of these."""
    await tx.execute(
        "delete from blob_pending where operator_id = %(operator_id)s and blob_key = any(%(keys)s)",
        {"operator_id": operator_id, "keys": list(keys)},
    )


async def list_forgotten_pending(tx: Tx, before: datetime, limit: int) -> list[tuple[OperatorId, str]]:
    """What nobody came back for, of all operators, oldest first. By blob_pending_at."""
    rows = await tx.tuples(
        "select operator_id, blob_key from blob_pending where at < %(before)s order by at limit %(limit)s",
        {"before": before, "limit": limit},
    )
    return [(OperatorId(operator_id), key) for operator_id, key in rows]


# -- What is to be forgotten ----------------------------------------------------------------------------------------

# The row goes and its key is pending at once, as from long ago: links end now, and the worker forgets the picture.
_RETIRE: Final = """
    with gone as (
        delete from {table} where operator_id = %(operator_id)s and id in ({ids}) returning blob_key)
    insert into blob_pending (operator_id, blob_key, at)
    select %(operator_id)s, blob_key, '-infinity' from gone
    on conflict (operator_id, blob_key) do update set at = excluded.at
"""


async def retire_old_pictures(tx: Tx, of: PictureOf, operator_id: OperatorId, before: datetime, limit: int) -> int:
    """The oldest of those from before an instant; how many. By ride_image_at, booking_image_at and damage_image_at."""
    table = _TABLE[of].name
    ids = f"""
        select id from {table} where operator_id = %(operator_id)s and at < %(before)s
         order by at limit %(limit)s for update skip locked
    """
    return await tx.execute(
        _RETIRE.format(table=table, ids=ids), {"operator_id": operator_id, "before": before, "limit": limit}
    )


async def retire_pictures_of(
    tx: Tx, of: PictureOf, operator_id: OperatorId, subject_ids: Sequence[int], limit: int
) -> int:
    """Some of those that these have; how many."""
    table = _TABLE[of]
    ids = f"""
        select id from {table.name} where operator_id = %(operator_id)s and {table.subject} = any(%(subject_ids)s)
         limit %(limit)s
    """
    return await tx.execute(
        _RETIRE.format(table=table.name, ids=ids),
        {"operator_id": operator_id, "subject_ids": list(subject_ids), "limit": limit},
    )


async def retire_pictures_of_rider(
    tx: Tx, of: PictureOf, operator_id: OperatorId, rider_id: RiderId, limit: int
) -> int:
    """Some of those that a rider sent; how many. By ride_rider, booking_rider and damage_report_rider."""
    table = _TABLE[of]
    ids = f"""
        select id from {table.name}
         where operator_id = %(operator_id)s
           and {table.subject} in (
               select id from {table.riders} where operator_id = %(operator_id)s and rider_id = %(rider_id)s)
         limit %(limit)s
    """
    return await tx.execute(
        _RETIRE.format(table=table.name, ids=ids), {"operator_id": operator_id, "rider_id": rider_id, "limit": limit}
    )
