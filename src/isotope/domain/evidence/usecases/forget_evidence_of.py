"""What a rider showed and wrote goes with them. That there was damage, and of which kind, stays."""

from typing import Final

from isotope.domain.evidence import damages, pictures
from isotope.domain.evidence.model import OF_RIDERS
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId

BATCH: Final = 200


async def forget_evidence_of(rt: Runtime, operator_id: OperatorId, rider_id: RiderId) -> None:
    """Links to their pictures end at once; the pictures themselves go with the next sweep. Safe to run twice."""
    async with rt.db.write() as tx:
        await damages.forget_words(tx, operator_id, rider_id)
    for of in OF_RIDERS:
        while True:
            async with rt.db.glance() as tx:
                retired = await pictures.retire_pictures_of_rider(tx, of, operator_id, rider_id, BATCH)
            if retired < BATCH:
                break
