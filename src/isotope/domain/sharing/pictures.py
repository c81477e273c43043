"""The SQL of pictures: of parked vehicles at the end of rides, and of damage."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, LiteralString, NewType

import msgspec

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RideId, RiderId

PictureId = NewType("PictureId", int)
DamageId = NewType("DamageId", int)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that was looked at: `content_type` is what its bytes say."""

    content: bytes
    content_type: str
    # What makes it useless as evidence, in stable words (`too_small`, ...); none: it is good.
    faults: tuple[str, ...] = ()
    # SHA-256 of the file as it was sent.
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class KeptImage:
    """A picture that the blob store has; if that was away (`not_kept`), `key` is empty."""

    key: str
    content_type: str
    size: int
    faults: tuple[str, ...] = ()
    digest: bytes = b""

    @property
    def is_kept(self) -> bool:
        return bool(self.key)


class PictureOf(StrEnum):
    """What a picture shows; the word stands in links."""

    RIDE = "ride"
    DAMAGE = "damage"


class StoredPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that the blob store has. `subject_id` is its ride's or its damage report's number."""

    operator_id: OperatorId
    of: PictureOf
    id: PictureId
    subject_id: int
    blob_key: str
    content_type: str
    faults: tuple[str, ...]
    at: datetime


_RIDE_COLUMNS: Final = "operator_id, id, ride_id as subject_id, blob_key, content_type, faults, at"
_DAMAGE_COLUMNS: Final = "operator_id, id, damage_id as subject_id, blob_key, content_type, faults, at"
_SELECT: Final[dict[PictureOf, LiteralString]] = {
    PictureOf.RIDE: f"select {_RIDE_COLUMNS} from ride_image",
    PictureOf.DAMAGE: f"select {_DAMAGE_COLUMNS} from damage_image",
}
_TABLE: Final[dict[PictureOf, LiteralString]] = {PictureOf.RIDE: "ride_image", PictureOf.DAMAGE: "damage_image"}


def _row(of: PictureOf, columns: dict[str, object]) -> StoredPicture:
    return msgspec.convert({**columns, "of": of}, StoredPicture, strict=False)


async def insert_ride_picture(tx: Tx, ride: tuple[OperatorId, RideId], image: KeptImage, at: datetime) -> None:
    """The ride has this picture, unless it has the same file already or the store was away."""
    if not image.is_kept:
        return
    await tx.execute(
        """
        insert into ride_image (operator_id, ride_id, blob_key, content_type, bytes, faults, digest, at)
        values (%(operator_id)s, %(subject_id)s, %(key)s, %(content_type)s, %(bytes)s, %(faults)s, %(digest)s, %(at)s)
        on conflict do nothing
        """,
        _params(ride[0], ride[1], image, at),
    )


async def insert_damage_picture(tx: Tx, damage: tuple[OperatorId, DamageId], image: KeptImage, at: datetime) -> None:
    """As `insert_ride_picture`."""
    if not image.is_kept:
        return
    await tx.execute(
        """
        insert into damage_image (operator_id, damage_id, blob_key, content_type, bytes, faults, digest, at)
        values (%(operator_id)s, %(subject_id)s, %(key)s, %(content_type)s, %(bytes)s, %(faults)s, %(digest)s, %(at)s)
        on conflict do nothing
        """,
        _params(damage[0], damage[1], image, at),
    )


def _params(operator_id: OperatorId, subject_id: int, image: KeptImage, at: datetime) -> dict[str, object]:
    return {
        "operator_id": operator_id,
        "subject_id": subject_id,
        "key": image.key,
        "content_type": image.content_type,
        "bytes": image.size,
        "faults": list(image.faults),
        "digest": image.digest or None,
        "at": at,
    }


async def list_pictures(
    tx: Tx, of: PictureOf, operator_id: OperatorId, subject_ids: Sequence[int]
) -> list[StoredPicture]:
    """Those of some rides or damage reports, oldest first. By ride_image_ride and damage_image_damage."""
    column: LiteralString = "ride_id" if of is PictureOf.RIDE else "damage_id"
    rows = await tx.dicts(
        f"{_SELECT[of]} where operator_id = %(operator_id)s and {column} = any(%(ids)s) order by id",
        {"operator_id": operator_id, "ids": list(subject_ids)},
    )
    return [_row(of, row) for row in rows]


async def find_picture(
    tx: Tx, of: PictureOf, operator_id: OperatorId, picture_id: PictureId
) -> tuple[StoredPicture, bytes] | None:
    """A picture and what links to it are signed with."""
    rows = await tx.dicts(
        f"""
        select p.*, o.file_key from ({_SELECT[of]} where operator_id = %(operator_id)s and id = %(id)s) p
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


async def list_known_digests(
    tx: Tx, of: PictureOf, operator_id: OperatorId, digests: Collection[bytes], but_of: int | None
) -> set[bytes]:
    """Those of the files that another ride or damage report has. By ride_image_digest and damage_image_digest."""
    column: LiteralString = "ride_id" if of is PictureOf.RIDE else "damage_id"
    rows = await tx.tuples(
        f"""
        select distinct digest from {_TABLE[of]}
         where operator_id = %(operator_id)s and digest = any(%(digests)s) and {column} is distinct from %(but_of)s
        """,
        {"operator_id": operator_id, "digests": list(digests), "but_of": but_of},
    )
    return {bytes(digest) for (digest,) in rows}


async def list_used_keys(tx: Tx, operator_id: OperatorId, keys: Sequence[str]) -> set[str]:
    """Those of the blob keys that a picture has. By the unique keys of the two tables."""
    rows = await tx.tuples(
        """
        select blob_key from ride_image where operator_id = %(operator_id)s and blob_key = any(%(keys)s)
        union all
        select blob_key from damage_image where operator_id = %(operator_id)s and blob_key = any(%(keys)s)
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
    """The oldest of those from before an instant; how many. By ride_image_at and damage_image_at."""
    ids = f"""
        select id from {_TABLE[of]} where operator_id = %(operator_id)s and at < %(before)s
         order by at limit %(limit)s for update skip locked
    """
    return await tx.execute(
        _RETIRE.format(table=_TABLE[of], ids=ids), {"operator_id": operator_id, "before": before, "limit": limit}
    )


async def retire_pictures_of_rider(
    tx: Tx, of: PictureOf, operator_id: OperatorId, rider_id: RiderId, limit: int
) -> int:
    """Some of those that a rider sent; how many. By ride_rider and damage_report_rider."""
    subjects: LiteralString = (
        "ride_id in (select id from ride where operator_id = %(operator_id)s and rider_id = %(rider_id)s)"
        if of is PictureOf.RIDE
        else "damage_id in (select id from damage_report where operator_id = %(operator_id)s and rider_id = %(rider_id)s)"
    )
    ids = f"select id from {_TABLE[of]} where operator_id = %(operator_id)s and {subjects} limit %(limit)s"
    return await tx.execute(
        _RETIRE.format(table=_TABLE[of], ids=ids), {"operator_id": operator_id, "rider_id": rider_id, "limit": limit}
    )
