"""A picture for whoever has a link to it."""

from dataclasses import dataclass

from isotope.domain.evidence import errors, pictures
from isotope.domain.evidence.links import Link
from isotope.domain.evidence.ports import Blobs
from isotope.infra.runtime import Runtime


@dataclass(frozen=True, slots=True)
class OpenedPicture:
    """Its bytes, and for how many seconds more the link works."""

    content: bytes
    content_type: str
    left_s: int


async def open_picture(rt: Runtime, blobs: Blobs, link: Link) -> OpenedPicture:
    """The link is all that is asked for.

    Raises:
        Refusal: `file_not_found` (also for whatever is wrong with the link), `link_ended`, `files_unavailable`.
    """
    now = rt.clock.now()
    async with rt.db.glance() as tx:
        found = await pictures.find_picture(tx, link.of, link.operator_id, link.id)
    if found is None:
        raise errors.file_not_found()
    picture, file_key = found
    match link.verdict(file_key, now):
        case "wrong":
            raise errors.file_not_found()
        case "ended":
            raise errors.link_ended()
        case "good":
            pass
    try:
        content = await blobs.get(picture.blob_key)
    except OSError as error:
        raise errors.files_unavailable() from error
    if content is None:
        raise errors.file_not_found()
    return OpenedPicture(content, picture.content_type, max(0, link.expires - int(now.timestamp())))
