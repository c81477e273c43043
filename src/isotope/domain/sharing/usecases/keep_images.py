"""Parking photos: kept behind the blobs port under names of our own, never under the one a client gives."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from isotope.domain.sharing import queries
from isotope.domain.sharing.ports import Blobs
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that was looked at: `content_type` is what its bytes say."""

    content: bytes
    content_type: str
    # What makes it useless as evidence, in stable words (`too_small`, ...); none: it is good.
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptImage:
    """A picture that the blob store has."""

    key: str
    content_type: str
    size: int
    faults: tuple[str, ...] = ()


async def keep_images(blobs: Blobs, operator_id: OperatorId, images: Sequence[Image]) -> list[KeptImage]:
    """Store every picture, before and outside any transaction."""
    kept: list[KeptImage] = []
    for image in images:
        key = f"rides/{operator_id}/{uuid.uuid4().hex}"
        await blobs.put(key, image.content, image.content_type)
        kept.append(KeptImage(key, image.content_type, len(image.content), image.faults))
    return kept


async def drop_unused_images(rt: Runtime, blobs: Blobs, operator_id: OperatorId, images: Sequence[KeptImage]) -> None:
    """Forget what was stored for an end that was refused; a picture that a ride refers to stays."""
    if not images:
        return
    async with rt.db.glance() as tx:
        used = await queries.list_used_keys(tx, operator_id, [image.key for image in images])
    for image in images:
        if image.key not in used:
            await blobs.delete(image.key)
