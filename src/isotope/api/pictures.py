"""Pictures of a form, looked at before anything else is done with them."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from isotope.api.upload import ACCEPTED, Upload
from isotope.domain.evidence import Image
from isotope.kernel.errors import Fault, invalid

# So many are decoded at one moment, each in up to some 200 MB of memory; the others wait.
_AT_ONCE: Final = 2
_pool: Final = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="pictures")


async def look_at_pictures(uploads: Sequence[Upload] | None, field: str = "images") -> list[Image]:
    """Each picture, made anew, with what is wrong with it as evidence; those that are no pictures are refused at once.

    Raises:
        Refusal: `validation_failed`, a fault for each file that cannot be read.
    """
    if not uploads:
        return []
    loop = asyncio.get_running_loop()
    looks = [loop.run_in_executor(_pool, _look, upload) for upload in uploads]
    found = await asyncio.gather(*looks)
    faults = [
        Fault(f"{field}.{nr}", f"a {ACCEPTED} picture is expected; {upload.shown_name} {image}")
        for nr, (upload, image) in enumerate(zip(uploads, found, strict=True))
        if isinstance(image, str)
    ]
    if faults:
        raise invalid(*faults)
    return [image for image in found if isinstance(image, Image)]


def _look(upload: Upload) -> Image | str:
    """The picture, or what is wrong with the file."""
    # Pillow is some MiB of code, which only processes that get pictures need.
    from isotope.adapters.pictures import CONTENT_TYPE, UnreadablePictureError, read_picture  # noqa: PLC0415

    try:
        picture = read_picture(upload.data)
    except UnreadablePictureError as error:
        return str(error)
    return Image(picture.content, CONTENT_TYPE, picture.faults, upload.digest)
