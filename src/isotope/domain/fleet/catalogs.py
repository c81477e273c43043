"""Models, add-ons and tariffs of every operator in the memory of this process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from isotope.domain.fleet.channels import CATALOG_CHANGED
from isotope.domain.fleet.model import AddonOffer, TariffOffer, VehicleModel
from isotope.domain.fleet.queries import list_addons, list_models, list_tariffs
from isotope.infra.notified_cache import NotifiedCache
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import AddonId, ModelId, OperatorId, TariffId
from isotope.kernel.vehicle_types import VehicleType

LIFE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What an operator offers; nothing that was retired.

    Attributes:
        kept: what was made of it and would be made again; gone with it. Whoever puts something in keeps it small.
    """

    models: Mapping[ModelId, VehicleModel]
    addons: Mapping[AddonId, AddonOffer]
    tariffs: Mapping[TariffId, TariffOffer]
    kept: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def damage_types(self) -> tuple[VehicleType, ...]:
        """Types of vehicles on which damage can be reported: at least one of their models takes reports."""
        return tuple(sorted({model.vehicle_type for model in self.models.values() if model.spec.damage_reports}))

    def addons_of(self, model_id: ModelId) -> tuple[AddonOffer, ...]:
        """Those of the model that are still offered, in its order; none for an unknown model."""
        model = self.models.get(model_id)
        if model is None:
            return ()
        return tuple(self.addons[addon_id] for addon_id in model.addon_ids if addon_id in self.addons)


class Catalogs:
    """Make it before the hub is started."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._cache = NotifiedCache(rt.hub, rt.clock, (CATALOG_CHANGED,), self._load, life=LIFE)

    async def get(self, operator_id: OperatorId) -> Catalog:
        """The operator's catalogue. Not to be called inside a transaction."""
        return await self._cache.get(operator_id)

    async def _load(self, operator_id: OperatorId) -> Catalog:
        async with self._rt.db.read() as tx:
            models = await list_models(tx, operator_id)
            addons = await list_addons(tx, operator_id)
            tariffs = await list_tariffs(tx, operator_id)
        return Catalog(
            models={model.id: model for model in models},
            addons={addon.id: addon for addon in addons},
            tariffs={tariff.id: tariff for tariff in tariffs},
        )
