"""Every no of the benefits room."""

from collections.abc import Sequence

from isotope.domain.benefits.model import PackageOffer
from isotope.kernel.errors import Fault, Kind, Refusal, invalid


def package_not_available(available: Sequence[PackageOffer]) -> Refusal:
    """Unknown, not for this model, or not at this time; `details` has what could be taken instead."""
    return Refusal(
        Kind.CONFLICT,
        "package_not_available",
        {"available": ", ".join(f"{offer.id} ({offer.title})" for offer in available) or "none"},
        {"available_package_ids": [offer.id for offer in available]},
    )


def code_not_valid() -> Refusal:
    """The one answer for every code that gives nothing: nobody learns which codes there are, or were."""
    return Refusal(Kind.CONFLICT, "code_not_valid")


def too_many_code_tries(retry_after_s: int) -> Refusal:
    """Too many codes that were none, by this rider or from this address."""
    return Refusal(
        Kind.TOO_MANY,
        "too_many_code_tries",
        {"seconds_left": retry_after_s},
        {"seconds_left": retry_after_s},
        retry_after_s=retry_after_s,
    )


def rider_blocked() -> Refusal:
    return Refusal(Kind.FORBIDDEN, "rider_blocked")


def referrals_off() -> Refusal:
    """The operator gives nothing for bringing friends."""
    return Refusal(Kind.CONFLICT, "referrals_off")


def discount_group_not_found(refs: Sequence[str]) -> Refusal:
    """`details` has the groups that there are."""
    return Refusal(
        Kind.NOT_FOUND, "discount_group_not_found", {"groups": ", ".join(refs) or "none"}, {"groups": list(refs)}
    )


def promo_code_taken(code: str) -> Refusal:
    return Refusal(Kind.CONFLICT, "promo_code_taken", {"code": code})


def promo_code_not_found() -> Refusal:
    return Refusal(Kind.NOT_FOUND, "promo_code_not_found")


def promo_code_faulty(why: str) -> Refusal:
    """What its kind needs is missing, or does not fit together."""
    return invalid(Fault("kind", why))
