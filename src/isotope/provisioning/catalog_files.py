"""`pricing.yaml` and `models.yaml`: tariffs, add-ons and vehicle models, each under the name (`ref`) it is known by.

A ref is how a later run of `isotope apply` finds the same thing again: change everything else, keep the ref.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from isotope.domain.benefits.model import Code, GroupSpec, PackageSpec, PromoSpec
from isotope.domain.fleet.model import ModelSpec
from isotope.domain.pricing.model import AddonPrice, Tariff
from isotope.domain.subscriptions.model import PlanSpec
from isotope.kernel.vehicle_types import VehicleType
from isotope.provisioning.limits import (
    MAX_ADDONS,
    MAX_GROUPS,
    MAX_MODELS,
    MAX_PACKAGES,
    MAX_PLANS,
    MAX_PROMO_CODES,
    MAX_TARIFFS,
)

T = TypeVar("T", bound=msgspec.Struct)

Ref = Annotated[
    str, Meta(pattern="^[a-z0-9][a-z0-9._-]{0,63}$", extra={"accepted": "a name of 1 to 64 of a-z 0-9 . _ -"})
]
Title = Annotated[str, Meta(min_length=1, max_length=120, description="what riders read")]


class TariffFile(Tariff, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tariff with its title. Prices are in the minor unit of the operator's currency (cents)."""

    title: Title

    def spec(self) -> Tariff:
        """The tariff alone, as the store and the rides keep it."""
        return narrow(self, Tariff)


class PlanFile(PlanSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subscription plan with its title."""

    title: Title

    def spec(self) -> PlanSpec:
        """The plan alone, as the store and the subscriptions keep it."""
        return narrow(self, PlanSpec)


class PackageFile(PackageSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A package with its title."""

    title: Title

    def spec(self) -> PackageSpec:
        """The package alone, as the store keeps it."""
        return narrow(self, PackageSpec)


class GroupFile(GroupSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A discount group with its title."""

    title: Title

    def spec(self) -> GroupSpec:
        """The group alone, as the store keeps it."""
        return narrow(self, GroupSpec)


class PromoFile(PromoSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promo code with its title."""

    title: Title

    def spec(self) -> PromoSpec:
        """The code alone, as the store keeps it."""
        return narrow(self, PromoSpec)


class PricingFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator sells and gives: tariffs, packages, discounts, subscription plans."""

    tariffs: Annotated[dict[Ref, TariffFile], Meta(max_length=MAX_TARIFFS, description="tariffs by ref")]
    packages: Annotated[dict[Ref, PackageFile], Meta(max_length=MAX_PACKAGES, description="packages by ref")] = {}
    discount_groups: Annotated[
        dict[Ref, GroupFile], Meta(max_length=MAX_GROUPS, description="groups of riders who pay less, by ref")
    ] = {}
    promo_codes: Annotated[
        dict[Code, PromoFile], Meta(max_length=MAX_PROMO_CODES, description="by the code that riders type")
    ] = {}
    subscriptions: Annotated[
        dict[Ref, PlanFile], Meta(max_length=MAX_PLANS, description="subscription plans by ref")
    ] = {}


class ModelFile(ModelSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vehicle model: what it is, what it costs, what it can do."""

    title: Title
    vehicle_type: Annotated[VehicleType, Meta(description="decides which zones apply to it")]
    tariff: Annotated[Ref, Meta(description="a tariff of pricing.yaml")]
    addons: Annotated[
        tuple[Ref, ...], Meta(max_length=50, description="add-ons of this file that are offered with it")
    ] = ()

    def spec(self) -> ModelSpec:
        """What it can do, as the store keeps it."""
        return narrow(self, ModelSpec)


class ModelsFile(msgspec.Struct, frozen=True, kw_only=True):
    """Every model and every add-on of the operator."""

    addons: Annotated[dict[Ref, AddonPrice], Meta(max_length=MAX_ADDONS, description="add-ons by ref")] = {}
    models: Annotated[dict[Ref, ModelFile], Meta(max_length=MAX_MODELS, description="models by ref")]


def narrow(value: msgspec.Struct, kind: type[T]) -> T:
    """The fields that `kind` declares of a value of a class made from it."""
    return kind(**{name: getattr(value, name) for name in kind.__struct_fields__})
