"""Pure decisions of this room.

Source: domain rules, section "Sharing ride": a package covers one ride only; discount groups touch the ride price only;
a card is mandatory by default, even to enter a promo code.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Final

import msgspec

from isotope.domain.benefits.errors import code_not_valid, too_many_code_tries
from isotope.domain.benefits.model import CODE_PATTERN, PackageOffer, PromoCode, Referrer
from isotope.domain.tenants import Right, may
from isotope.domain.tenants.model import CodeSettings, ReferralSettings, Role
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId
from isotope.kernel.time_windows import is_open

_CODE: Final = re.compile(CODE_PATTERN)
_SEPARATORS: Final = str.maketrans("", "", " \t\u00a0-_.")


def is_offered(package: PackageOffer, model_ref: str | None, local: datetime) -> bool:
    """Whether a ride on such a model that starts at this local time can take the package; model None: on any.

    | for the model, or for all | window open, or none | offered |
    |---------------------------|----------------------|---------|
    | yes                       | yes                  | yes     |
    | yes                       | no                   | no      |
    | no                        | any                  | no      |

    A ride that goes on after the window has closed keeps its package.
    """
    return _is_for(package.spec.models, model_ref) and is_open(package.spec.windows, local)


def normal_code(text: str) -> str | None:
    """A code as it is stored: `welcome 10` and `WELCOME-10` are `WELCOME10`. None: no code looks like this."""
    code = text.translate(_SEPARATORS).upper()
    return code if _CODE.fullmatch(code) else None


class TryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """When the n-th newest wrong code came, n being the limit; None: fewer came."""

    rider_full_since: datetime | None
    address_full_since: datetime | None


def may_try_code(facts: TryFacts, settings: CodeSettings, now: datetime) -> Refusal | None:
    """Whether a code is looked at.

    | looked at, in this order                                       | refused               | until         |
    |----------------------------------------------------------------|-----------------------|---------------|
    | the rider sent `tries_per_rider` wrong ones within `window_s`  | `too_many_code_tries` | one falls out |
    | the address sent `tries_per_address` within `window_s`         | `too_many_code_tries` | one falls out |
    | none of these                                                  |                       |               |
    """
    window = timedelta(seconds=settings.window_s)
    for full_since in (facts.rider_full_since, facts.address_full_since):
        left_s = 0 if full_since is None else ceil((full_since + window - now).total_seconds())
        if left_s > 0:
            return too_many_code_tries(left_s)
    return None


class CodeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a code that a rider sent.

    Attributes:
        promo: the operator's promo code of this text, whatever its state.
        is_redeemed: the rider redeemed it before.
        referrer: the rider whose referral code it is.
        was_referred: the rider redeemed somebody's referral code before.
        has_ridden: the rider has had a ride, or has one now.
    """

    rider_id: RiderId
    promo: PromoCode | None = None
    is_redeemed: bool = False
    referrer: Referrer | None = None
    was_referred: bool = False
    has_ridden: bool = False


def may_redeem(facts: CodeFacts, referrals: ReferralSettings, now: datetime) -> Refusal | None:
    """Whether the code gives something. Every no is `code_not_valid`: whoever tries codes learns nothing.

    | the code is of                  | and                                                   | gives |
    |---------------------------------|-------------------------------------------------------|-------|
    | nobody                          |                                                       | no    |
    | a promo                         | it was stopped                                        | no    |
    | a promo                         | it is before `valid_from`, or at `valid_until`, later | no    |
    | a promo                         | none is left                                          | no    |
    | a promo                         | the rider had it                                      | no    |
    | a promo for new riders          | the rider has ridden                                  | no    |
    | a promo                         | none of these                                         | yes   |
    | a rider                         | referrals are off                                     | no    |
    | a rider                         | it is the rider's own                                 | no    |
    | a rider                         | the rider was referred before, or has ridden          | no    |
    | a rider                         | that one brought `most_per_rider`                     | no    |
    | a rider                         | none of these                                         | yes   |

    A text that is both is the promo's.
    """
    gives = _promo_gives(facts, facts.promo, now) if facts.promo is not None else _referral_gives(facts, referrals)
    return None if gives else code_not_valid()


def _promo_gives(facts: CodeFacts, promo: PromoCode, now: datetime) -> bool:
    spec = promo.spec
    return (
        promo.retired_at is None
        and (spec.valid_from is None or spec.valid_from <= now)
        and (spec.valid_until is None or now < spec.valid_until)
        and promo.remaining != 0
        and not facts.is_redeemed
        and not (spec.new_riders_only and facts.has_ridden)
    )


def _referral_gives(facts: CodeFacts, referrals: ReferralSettings) -> bool:
    return (
        facts.referrer is not None
        and referrals.is_on
        and facts.referrer.rider_id != facts.rider_id
        and not facts.was_referred
        and not facts.has_ridden
        and facts.referrer.referees < referrals.most_per_rider
    )


def may_manage_codes(role: Role) -> Refusal | None:
    """Owners and managers make and stop codes."""
    return may(role, Right.MANAGE_CODES)


def _is_for(refs: Sequence[str], model_ref: str | None) -> bool:
    return model_ref is None or not refs or model_ref in refs
