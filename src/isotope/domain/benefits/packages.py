"""The packages of every operator in the memory of this process."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from isotope.domain.benefits.channels import PACKAGES_CHANGED
from isotope.domain.benefits.model import PackageOffer
from isotope.domain.benefits.queries import read_packages
from isotope.domain.benefits.rules import is_offered
from isotope.domain.fleet import VehicleModel
from isotope.domain.tenants.model import Operator
from isotope.infra.notified_cache import NotifiedCache
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import ModelId, OperatorId

LIFE: Final = timedelta(minutes=5)


class Packages:
    """Make it before the hub is started."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._cache = NotifiedCache(rt.hub, rt.clock, (PACKAGES_CHANGED,), self._load, life=LIFE)

    async def models_with_packages(
        self, operator: Operator, models: Mapping[ModelId, VehicleModel], now: datetime
    ) -> list[ModelId]:
        """Those of the models for which a ride that starts now can take a package, rising.

        Not to be called inside a transaction.
        """
        packages = await self._cache.get(operator.id)
        if not packages:
            return []
        local = now.astimezone(ZoneInfo(operator.time_zone))
        return sorted(
            model.id for model in models.values() if any(is_offered(package, model.ref, local) for package in packages)
        )

    async def _load(self, operator_id: OperatorId) -> tuple[PackageOffer, ...]:
        async with self._rt.db.read() as tx:
            return tuple(await read_packages(tx, operator_id))
