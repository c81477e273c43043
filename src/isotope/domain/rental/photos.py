"""Pictures of a booking's vehicle, taken before it was driven off and after it was brought back."""

from collections.abc import Sequence
from datetime import datetime

from isotope.domain.evidence import KeptImage, PictureOf, Shows, Taken, insert_picture
from isotope.domain.rental.model import Booking
from isotope.infra.db import Tx


async def count_photos(tx: Tx, booking: Booking, taken: Taken, more: Sequence[KeptImage]) -> int:
    """How many different ones there are of that moment with these: also those that the store was away for.

    By booking_image_booking.
    """
    rows = await tx.tuples(
        """
        select digest from booking_image
         where operator_id = %(operator_id)s and booking_id = %(id)s and taken = %(taken)s
        """,
        {"operator_id": booking.operator_id, "id": booking.id, "taken": taken},
    )
    return len({bytes(digest) for (digest,) in rows} | {image.digest for image in more})


async def add_photos(tx: Tx, booking: Booking, taken: Taken, photos: Sequence[KeptImage], at: datetime) -> None:
    """The booking has these, but for those that it has already, and those that the store was away for."""
    shows = Shows(PictureOf.BOOKING, booking.id, taken)
    for photo in photos:
        await insert_picture(tx, booking.operator_id, shows, photo, at)
