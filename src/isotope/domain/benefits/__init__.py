"""Room: benefits. What makes rides cheaper: packages, discount groups, promo codes, referral codes."""

from isotope.domain.benefits.at_start import PROMO_LINE, benefits_at_start, claim_for_ride, give_back
from isotope.domain.benefits.catalog import retire_groups, retire_packages, upsert_group, upsert_package
from isotope.domain.benefits.codes import retire_promos, upsert_promo
from isotope.domain.benefits.errors import promo_code_faulty
from isotope.domain.benefits.model import (
    CODE_PATTERN,
    AtStart,
    Benefits,
    Code,
    GroupDraft,
    GroupId,
    GroupSpec,
    Membership,
    PackageDraft,
    PackageId,
    PackageOffer,
    PackageSpec,
    PromoCode,
    PromoCodeId,
    PromoDraft,
    PromoKind,
    PromoSpec,
    Redeemed,
    ReferralCode,
    RideDiscount,
)
from isotope.domain.benefits.packages import Packages
from isotope.domain.benefits.ports import HasRidden
from isotope.domain.benefits.queries import list_discounts, list_packages
from isotope.domain.benefits.rewards import reward_referrer, ride_paid
from isotope.domain.benefits.rules import normal_code
from isotope.domain.benefits.usecases.forget import forget_code_tries, forget_rider
from isotope.domain.benefits.usecases.manage_promo_codes import (
    Manager,
    list_promo_codes,
    make_promo_code,
    stop_promo_code,
)
from isotope.domain.benefits.usecases.read_benefits import read_benefits, read_referral_code
from isotope.domain.benefits.usecases.redeem_code import RedeemCode, redeem_code
from isotope.domain.benefits.usecases.set_discount_group import SetDiscountGroup, set_discount_group

__all__ = [
    "CODE_PATTERN",
    "PROMO_LINE",
    "AtStart",
    "Benefits",
    "Code",
    "GroupDraft",
    "GroupId",
    "GroupSpec",
    "HasRidden",
    "Manager",
    "Membership",
    "PackageDraft",
    "PackageId",
    "PackageOffer",
    "PackageSpec",
    "Packages",
    "PromoCode",
    "PromoCodeId",
    "PromoDraft",
    "PromoKind",
    "PromoSpec",
    "RedeemCode",
    "Redeemed",
    "ReferralCode",
    "RideDiscount",
    "SetDiscountGroup",
    "benefits_at_start",
    "claim_for_ride",
    "forget_code_tries",
    "forget_rider",
    "give_back",
    "list_discounts",
    "list_packages",
    "list_promo_codes",
    "make_promo_code",
    "normal_code",
    "promo_code_faulty",
    "read_benefits",
    "read_referral_code",
    "redeem_code",
    "retire_groups",
    "retire_packages",
    "retire_promos",
    "reward_referrer",
    "ride_paid",
    "set_discount_group",
    "stop_promo_code",
    "upsert_group",
    "upsert_package",
    "upsert_promo",
]
