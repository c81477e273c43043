"""Pictures that riders send: kept behind the blobs port under names of our own, never under the one a client gives.

Every key is written down before something is stored under it, and struck out when it is known what became of it
(`drop_unused_images`). What a process that died left behind is found by the worker (`sweep_pictures`).
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog

from isotope.domain.evidence import pictures
from isotope.domain.evidence.model import Image, KeptImage, PictureOf, Shows
from isotope.domain.evidence.ports import Blobs
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId

_log = structlog.get_logger(__name__)

# The same file was sent for something else before.
DUPLICATE: Final = "duplicate"
# The store was away: there is no picture behind it.
NOT_KEPT: Final = "not_kept"
KEEP_S: Final = 8.0
_FOLDER: Final = {
    PictureOf.RIDE: "rides",
    PictureOf.BOOKING: "bookings",
    PictureOf.DAMAGE: "damages",
    PictureOf.DOCUMENT: "documents",
}


async def keep_images(
    rt: Runtime,
    blobs: Blobs,
    operator_id: OperatorId,
    images: Sequence[Image],
    shows: Shows,
) -> list[KeptImage]:
    """Store every picture, before and outside the transaction that they are for.

    Whatever comes of that, `drop_unused_images` is called with the answer. A store that is away costs the pictures
    (`not_kept`) and nothing else: a ride can still be ended.
    """
    if not images:
        return []
    keys = [f"{_FOLDER[shows.of]}/{operator_id}/{uuid.uuid4().hex}" for _image in images]
    async with rt.db.write() as tx:
        known = await pictures.list_known_digests(
            tx, operator_id, [image.digest for image in images if image.digest], shows
        )
        await pictures.add_pending(tx, operator_id, keys, rt.clock.now())
    faults = [(*image.faults, DUPLICATE) if image.digest in known else image.faults for image in images]
    done = await asyncio.gather(
        *(_put(blobs, key, image) for key, image in zip(keys, images, strict=True)), return_exceptions=True
    )
    kept: list[KeptImage] = []
    for key, image, found, error in zip(keys, images, faults, done, strict=True):
        one = KeptImage(key, image.content_type, len(image.content), found, image.digest)
        if isinstance(error, OSError):
            _log.warning("blobs.unavailable", operator_id=operator_id, error=type(error).__name__)
            one = replace(one, key="", faults=(*found, NOT_KEPT))
        elif error is not None:
            raise error
        kept.append(one)
    return kept


async def _put(blobs: Blobs, key: str, image: Image) -> None:
    # A rider waits at the vehicle.
    async with asyncio.timeout(KEEP_S):
        await blobs.put(key, image.content, image.content_type)


async def drop_unused_images(rt: Runtime, blobs: Blobs, operator_id: OperatorId, images: Sequence[KeptImage]) -> None:
    """Forget what was stored and is not referred to: the act was refused, or the picture was there already.

    What cannot be forgotten now is left to the worker.
    """
    keys = [image.key for image in images if image.is_kept]
    if not keys:
        return
    async with rt.db.glance() as tx:
        used = await pictures.list_used_keys(tx, operator_id, keys)
    try:
        for key in keys:
            if key not in used:
                await blobs.delete(key)
    except OSError as error:
        _log.warning("blobs.unavailable", operator_id=operator_id, error=type(error).__name__)
        return
    async with rt.db.glance() as tx:
        await pictures.delete_pending(tx, operator_id, keys)
