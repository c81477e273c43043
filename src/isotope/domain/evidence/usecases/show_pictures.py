"""Pictures as they are shown: each with a link that opens it for a while."""

from collections.abc import Sequence
from datetime import datetime

from isotope.domain.evidence import pictures
from isotope.domain.evidence.links import write_link
from isotope.domain.evidence.model import LinkedPicture, PictureOf
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId


async def show_pictures(
    tx: Tx, of: PictureOf, operator_id: OperatorId, subject_ids: Sequence[int], now: datetime
) -> list[LinkedPicture]:
    """Those of some rides, bookings or damage reports, oldest first. Whoever may see them is asked before."""
    found = await pictures.list_pictures(tx, of, operator_id, subject_ids)
    if not found:
        return []
    file_key = await pictures.get_file_key(tx, operator_id)
    return [LinkedPicture(picture, write_link(picture, file_key, now)) for picture in found]
