"""Room: benefits. What makes rides cheaper: packages, discount groups, promo codes, referral codes."""

from isotope.domain.benefits.at_start import benefits_at_start, claim_for_ride, give_back
from isotope.domain.benefits.catalog import retire_groups, retire_packages, upsert_group, upsert_package
from isotope.domain.benefits.model import (
    AtStart,
    GroupDraft,
    GroupId,
    GroupSpec,
    PackageDraft,
    PackageId,
    PackageOffer,
    PackageSpec,
)
from isotope.domain.benefits.packages import Packages
from isotope.domain.benefits.queries import list_discounts, list_packages

__all__ = [
    "AtStart",
    "GroupDraft",
    "GroupId",
    "GroupSpec",
    "PackageDraft",
    "PackageId",
    "PackageOffer",
    "PackageSpec",
    "Packages",
    "benefits_at_start",
    "claim_for_ride",
    "give_back",
    "list_discounts",
    "list_packages",
    "retire_groups",
    "retire_packages",
    "upsert_group",
    "upsert_package",
]
