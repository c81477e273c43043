"""What rides know of a rider goes with them: their words and their pictures. What they rode and paid stays."""

from typing import Final

from isotope.domain.sharing import history, pictures
from isotope.domain.sharing.pictures import PictureOf
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId

BATCH: Final = 200


async def forget_history_of(rt: Runtime, operator_id: OperatorId, rider_id: RiderId) -> None:
    """Links to their pictures end at once; the pictures themselves go with the next sweep. Safe to run twice."""
    async with rt.db.write() as tx:
        await history.forget_words(tx, operator_id, rider_id)
    for of in PictureOf:
        while True:
            async with rt.db.glance() as tx:
                retired = await pictures.retire_pictures_of_rider(tx, of, operator_id, rider_id, BATCH)
            if retired < BATCH:
                break
