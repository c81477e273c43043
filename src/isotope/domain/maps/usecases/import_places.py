"""An operator's places, from a file."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from isotope.domain.maps import store
from isotope.domain.maps.model import KnownPlace
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime

# So many a transaction: none takes long.
_BATCH: Final = 2_000


class ImportPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known.

    Attributes:
        source: the name of the file, lower case; the places of an earlier file of that name are replaced.
        attribution: whom to thank.
    """

    operator: Operator
    source: str
    attribution: str
    places: Sequence[KnownPlace]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    new: int
    again: int
    gone: int


async def import_places(
    rt: Runtime, command: ImportPlaces, advance: Callable[[int], None] = lambda _count: None
) -> Imported:
    """Batch by batch; riders find the old ones meanwhile. One that breaks off is made good by the next.

    `advance` is told of every batch how many places it had.
    """
    operator_id, source = command.operator.id, command.source
    async with rt.db.write() as tx:
        run = await store.begin_run(tx, operator_id, source, command.attribution, rt.clock.now())
    new = gone = 0
    for batch in _batches(command.places):
        async with rt.db.write() as tx:
            new += await store.save_places(tx, operator_id, source, run, batch)
        advance(len(batch))
    while True:
        async with rt.db.write() as tx:
            count = await store.forget_places(tx, operator_id, source, run, _BATCH)
        gone += count
        if count < _BATCH:
            break
    async with rt.db.write() as tx:
        await store.end_run(tx, operator_id, source)
    return Imported(new=new, again=len(command.places) - new, gone=gone)


def _batches(places: Sequence[KnownPlace]) -> Iterator[Sequence[KnownPlace]]:
    for start in range(0, len(places), _BATCH):
        yield places[start : start + _BATCH]
