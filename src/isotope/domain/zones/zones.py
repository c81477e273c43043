"""The zones of every operator in the memory of this process."""

from datetime import timedelta
from typing import Final

from isotope.domain.tenants import OPERATOR_CHANGED
from isotope.domain.zones.index import ZoneIndex
from isotope.domain.zones.store import ZONES_CHANGED, load_index
from isotope.infra.notified_cache import NotifiedCache
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId

LIFE: Final = timedelta(minutes=5)
"""After so long an index is read anew even if nobody told of a change."""


class Zones:
    """Make it before the hub is started. An index is immutable: whoever has it goes on with that version."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        # The operator's clock is part of an index, so a change of the operator counts too.
        self._cache = NotifiedCache(rt.hub, rt.clock, (ZONES_CHANGED, OPERATOR_CHANGED), self._load, life=LIFE)

    async def index(self, operator_id: OperatorId) -> ZoneIndex:
        """The operator's zones. Not to be called inside a transaction."""
        return await self._cache.get(operator_id)

    async def _load(self, operator_id: OperatorId) -> ZoneIndex:
        async with self._rt.db.read() as tx:
            return await load_index(tx, operator_id)
