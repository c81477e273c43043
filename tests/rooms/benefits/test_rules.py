"""Every row of the tables in `benefits.rules`, and that one no says as little as another."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.benefits import PromoCode, PromoCodeId, PromoKind, PromoSpec, normal_code
from isotope.domain.benefits.model import Referrer
from isotope.domain.benefits.rules import CodeFacts, TryFacts, may_manage_codes, may_redeem, may_try_code
from isotope.domain.tenants.model import CodeSettings, ReferralSettings, Role
from isotope.kernel.ids import OperatorId, RiderId

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA, BEN = RiderId(1), RiderId(2)
ON = ReferralSettings(referee_minor=500, referrer_minor=300, most_per_rider=3)
BONUS = PromoSpec(kind=PromoKind.BONUS, amount_minor=500)
REFERRER = Referrer(rider_id=BEN, referees=2)


def promo(*, remaining: int | None = 1, retired: bool = False, **spec: Any) -> PromoCode:
    return PromoCode(
        operator_id=OperatorId(1),
        id=PromoCodeId(1),
        code="WELCOME",
        title="Welcome",
        spec=msgspec.structs.replace(BONUS, **spec),
        redeemed=0,
        remaining=remaining,
        from_folder=True,
        made_by="apply",
        made_at=NOW,
        retired_by="apply" if retired else None,
        retired_at=NOW if retired else None,
    )


def facts(**known: Any) -> CodeFacts:
    return CodeFacts(rider_id=ADA, **known)


@pytest.mark.parametrize(
    ("known", "referrals", "gives"),
    [
        (facts(), ON, False),
        (facts(promo=promo(retired=True)), ON, False),
        (facts(promo=promo(valid_from=NOW + HOUR)), ON, False),
        (facts(promo=promo(valid_from=NOW)), ON, True),
        (facts(promo=promo(valid_until=NOW)), ON, False),
        (facts(promo=promo(valid_until=NOW + HOUR)), ON, True),
        (facts(promo=promo(remaining=0)), ON, False),
        (facts(promo=promo(remaining=None)), ON, True),
        (facts(promo=promo(), is_redeemed=True), ON, False),
        (facts(promo=promo(new_riders_only=True), has_ridden=True), ON, False),
        (facts(promo=promo(new_riders_only=True)), ON, True),
        (facts(promo=promo(), has_ridden=True, was_referred=True), ReferralSettings(), True),
        (facts(referrer=REFERRER), ReferralSettings(), False),
        (facts(referrer=Referrer(rider_id=ADA, referees=0)), ON, False),
        (facts(referrer=REFERRER, was_referred=True), ON, False),
        (facts(referrer=REFERRER, has_ridden=True), ON, False),
        (facts(referrer=Referrer(rider_id=BEN, referees=3)), ON, False),
        (facts(referrer=REFERRER), ON, True),
        # A text that is both is the promo's.
        (facts(promo=promo(retired=True), referrer=REFERRER), ON, False),
        (facts(promo=promo(), referrer=Referrer(rider_id=ADA, referees=9)), ON, True),
    ],
)
def test_whether_a_code_gives_something(known: CodeFacts, referrals: ReferralSettings, gives: bool) -> None:
    assert (may_redeem(known, referrals, NOW) is None) is gives


instants = st.none() | st.sampled_from([NOW - HOUR, NOW, NOW + HOUR])
promos = st.builds(
    lambda remaining, retired, since, days, new: promo(
        remaining=remaining,
        retired=retired,
        valid_from=since,
        valid_until=None if days is None else (since or NOW - HOUR) + days * HOUR,
        new_riders_only=new,
    ),
    st.none() | st.integers(0, 2),
    st.booleans(),
    instants,
    st.none() | st.integers(1, 3),
    st.booleans(),
)
referrers = st.builds(Referrer, rider_id=st.sampled_from([ADA, BEN]), referees=st.integers(0, 5))
all_facts = st.builds(
    CodeFacts,
    rider_id=st.just(ADA),
    promo=st.none() | promos,
    is_redeemed=st.booleans(),
    referrer=st.none() | referrers,
    was_referred=st.booleans(),
    has_ridden=st.booleans(),
)


@given(all_facts, st.sampled_from([ON, ReferralSettings()]))
def test_every_no_is_the_same_and_nothing_is_given_beyond_its_limits(
    known: CodeFacts, referrals: ReferralSettings
) -> None:
    unknown = may_redeem(facts(), referrals, NOW)
    no = may_redeem(known, referrals, NOW)
    assert unknown is not None
    if no is not None:
        assert (no.kind, no.code, no.params, no.details, no.retry_after_s) == (
            unknown.kind,
            unknown.code,
            unknown.params,
            unknown.details,
            unknown.retry_after_s,
        )
        return
    if known.promo is not None:
        assert known.promo.remaining != 0
        assert not known.is_redeemed
        # What is redeemed is never redeemable again, whatever else is true.
        assert may_redeem(msgspec.structs.replace(known, is_redeemed=True), referrals, NOW) is not None
    else:
        assert known.referrer is not None
        assert known.referrer.rider_id != known.rider_id
        assert not known.has_ridden
        assert not known.was_referred


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("WELCOME10", "WELCOME10"),
        ("welcome 10", "WELCOME10"),
        (" Wel-Come_1.0\t", "WELCOME10"),
        ("abc", None),
        ("A" * 33, None),
        ("KESÄ", None),
        ("ＷＥＬＣＯＭＥ", None),
        ("WEL'--", None),
        ("", None),
        # Letters that become two when they are made capital.
        ("straße", "STRASSE"),
    ],
)
def test_codes_as_people_type_them(text: str, code: str | None) -> None:
    assert normal_code(text) == code


@given(st.text(max_size=64))
def test_a_normal_code_stays_as_it_is(text: str) -> None:
    code = normal_code(text)
    assert code is None or normal_code(code) == code


SETTINGS = CodeSettings(tries_per_rider=3, tries_per_address=5, window_s=600)


@pytest.mark.parametrize(
    ("rider", "address", "wait_s"),
    [
        (None, None, None),
        (NOW - timedelta(seconds=600), NOW - timedelta(seconds=600), None),
        (NOW - timedelta(seconds=599.5), None, 1),
        (NOW, None, 600),
        (None, NOW - timedelta(seconds=100), 500),
        (NOW - timedelta(seconds=400), NOW, 200),
    ],
)
def test_wrong_codes_are_limited(rider: datetime | None, address: datetime | None, wait_s: int | None) -> None:
    no = may_try_code(TryFacts(rider_full_since=rider, address_full_since=address), SETTINGS, NOW)
    assert (None if no is None else no.retry_after_s) == wait_s


def test_who_manages_codes() -> None:
    assert [role for role in Role if may_manage_codes(role) is None] == [Role.OWNER, Role.MANAGER]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "BONUS"},
        {"kind": "BONUS", "amount_minor": 5, "pct": 10},
        {"kind": "BONUS", "amount_minor": 5, "rides": 1},
        {"kind": "RIDE_DISCOUNT", "pct": 10},
        {"kind": "RIDE_DISCOUNT", "rides": 1},
        {"kind": "RIDE_DISCOUNT", "pct": 10, "rides": 1, "amount_minor": 5},
        {"kind": "BONUS", "amount_minor": 5, "valid_from": NOW, "valid_until": NOW},
    ],
)
def test_a_promo_code_has_what_its_kind_needs(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, PromoSpec)
