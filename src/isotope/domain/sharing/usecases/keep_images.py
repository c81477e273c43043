"""Parking photos: looked at by content, kept behind the blobs port, never by the name a client gives."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isotope.domain.sharing import errors
from isotope.domain.sharing.ports import Blobs
from isotope.domain.sharing.usecases.find_own_ride import RideRef

MAX_IMAGES: Final = 10
MAX_IMAGE_BYTES: Final = 10 * 1024 * 1024

_WEBP_HEADER: Final = 12


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image that the blob store has."""

    key: str
    content_type: str
    size: int


def image_type(content: bytes) -> str | None:
    """`image/jpeg`, `image/png` or `image/webp` by the first bytes; None for anything else."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if len(content) >= _WEBP_HEADER and content[:4] == b"RIFF" and content[8:_WEBP_HEADER] == b"WEBP":
        return "image/webp"
    return None


async def keep_images(blobs: Blobs, ref: RideRef, images: Sequence[bytes]) -> list[KeptImage]:
    """Store every image, before any transaction.

    Raises:
        Refusal: `image_not_accepted` with the number of the first that is none of the three kinds.
    """
    types: list[str] = []
    for number, content in enumerate(images, start=1):
        content_type = image_type(content)
        if content_type is None:
            raise errors.image_not_accepted(number)
        types.append(content_type)
    kept: list[KeptImage] = []
    for content, content_type in zip(images, types, strict=True):
        key = f"rides/{ref.operator_id}/{uuid.uuid4().hex}"
        await blobs.put(key, content, content_type)
        kept.append(KeptImage(key, content_type, len(content)))
    return kept


async def drop_images(blobs: Blobs, images: Sequence[KeptImage]) -> None:
    """The ride was not ended after all: forget what was stored for it."""
    for image in images:
        await blobs.delete(image.key)
