"""The pure rules, row by row of their tables."""

from datetime import UTC, datetime, timedelta

import pytest

from isotope.domain.identity.model import Flow, Phone, Rider, RiderStatus, SendFacts, Step, Verification
from isotope.domain.identity.rules import (
    counted_address,
    may_check,
    may_log_in,
    may_register,
    may_register_by_form,
    may_send_code,
    may_use,
    person_faults,
)
from isotope.domain.tenants.model import OtpSettings
from isotope.kernel.errors import Kind
from isotope.kernel.ids import OperatorId, RiderId

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OTP = OtpSettings()


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def rider(status: RiderStatus = RiderStatus.ACTIVE, *, verified: bool = True) -> Rider:
    return Rider(
        operator_id=OperatorId(1),
        id=RiderId(1),
        name="R",
        email="r@example.test",
        phone_prefix="358",
        phone="401234567",
        language="en",
        status=status,
        phone_verified_at=NOW if verified else None,
        deletion_due_at=None,
        created_at=NOW,
    )


def run(
    step: Step = Step.REQUESTED,
    *,
    checks: int = 0,
    left_s: float = 1,
    flow: Flow = Flow.LOGIN,
    code_hash: bytes | None = b"x",
) -> Verification:
    return Verification(
        id=1,
        flow=flow,
        phone=Phone(prefix="358", number="401234567"),
        step=step,
        code_hash=code_hash,
        checks=checks,
        expires_at=NOW + timedelta(seconds=left_s),
    )


@pytest.mark.parametrize(
    ("facts", "code", "left_s"),
    [
        (SendFacts(), None, None),
        (SendFacts(last_to_number=ago(0)), "code_sent_recently", 60),
        (SendFacts(last_to_number=ago(59.5)), "code_sent_recently", 1),
        (SendFacts(last_to_number=ago(60)), None, None),
        (SendFacts(last_to_number=ago(60), number_full_since=ago(599)), "too_many_codes_number", 1),
        (SendFacts(last_to_number=ago(60), number_full_since=ago(600)), None, None),
        (SendFacts(address_full_since=ago(3_590)), "too_many_codes_address", 10),
        (SendFacts(address_full_since=ago(3_600)), None, None),
        (SendFacts(prefix_full_since=ago(1)), "too_many_codes_prefix", 3_599),
        (SendFacts(prefix_full_since=ago(3_600)), None, None),
        # The first row of the table that applies is the one that is told.
        (
            SendFacts(last_to_number=ago(1), number_full_since=ago(1), address_full_since=ago(1)),
            "code_sent_recently",
            59,
        ),
        (SendFacts(number_full_since=ago(1), address_full_since=ago(1)), "too_many_codes_number", 599),
        (SendFacts(address_full_since=ago(1), prefix_full_since=ago(1)), "too_many_codes_address", 3_599),
    ],
)
def test_a_code_is_sent_within_the_limits(facts: SendFacts, code: str | None, left_s: int | None) -> None:
    refused = may_send_code(facts, OTP, NOW)
    if code is None:
        assert refused is None
        return
    assert refused is not None
    assert (refused.kind, refused.code, refused.retry_after_s) == (Kind.TOO_MANY, code, left_s)
    assert refused.details["left_seconds"] == left_s


@pytest.mark.parametrize(
    ("verification", "code", "refusal"),
    [
        (None, "123456", "phone_token_invalid"),
        (run(checks=5), "123456", "too_many_checks"),
        (run(Step.VOID, checks=5), "123456", "too_many_checks"),
        (run(Step.VOID, checks=4), "123456", "phone_token_invalid"),
        (run(Step.VERIFIED, checks=4), "123456", "phone_token_invalid"),
        (run(Step.USED), "123456", "phone_token_invalid"),
        (run(left_s=0), "123456", "phone_token_expired"),
        (run(), None, "validation_failed"),
        (run(), "123456", None),
        (run(checks=4), "123456", None),
        (run(code_hash=None), None, None),
        (run(code_hash=None), "123456", None),
        (run(code_hash=None, left_s=0), None, "phone_token_expired"),
    ],
)
def test_a_code_is_looked_at(verification: Verification | None, code: str | None, refusal: str | None) -> None:
    refused = may_check(verification, code, OTP, None, NOW)
    assert (refused.code if refused else None) == refusal


@pytest.mark.parametrize(("sent", "retry_s"), [(ago(20), 40), (ago(60), 1), (None, 1)])
def test_a_dead_token_says_when_a_new_code_can_be_had(sent: datetime | None, retry_s: int) -> None:
    refused = may_check(run(checks=5), "123456", OTP, sent, NOW)
    assert refused is not None
    assert (refused.kind, refused.retry_after_s) == (Kind.TOO_MANY, retry_s)


@pytest.mark.parametrize(
    ("verification", "refusal"),
    [
        (None, "phone_token_invalid"),
        (run(Step.REQUESTED), "phone_token_invalid"),
        (run(Step.USED), "phone_token_invalid"),
        (run(Step.VOID), "phone_token_invalid"),
        (run(Step.VERIFIED, left_s=0), "phone_token_expired"),
        (run(Step.VERIFIED, flow=Flow.REGISTER), "phone_token_other_flow"),
        (run(Step.VERIFIED), None),
    ],
)
def test_a_verified_token_opens_the_last_step_of_its_flow(
    verification: Verification | None, refusal: str | None
) -> None:
    refused = may_use(verification, Flow.LOGIN, NOW)
    assert (refused.code if refused else None) == refusal


@pytest.mark.parametrize(
    ("known", "register", "log_in"),
    [
        (None, None, "user_not_found"),
        (rider(verified=False), None, None),
        (rider(), "already_registered", None),
        (rider(RiderStatus.BLOCKED), "already_registered", None),
        (rider(RiderStatus.DELETION_REQUESTED), "already_registered", None),
        (rider(RiderStatus.DELETED, verified=False), None, "user_not_found"),
    ],
)
def test_who_may_register_and_who_may_log_in(known: Rider | None, register: str | None, log_in: str | None) -> None:
    to_register, to_log_in = may_register(known), may_log_in(known)
    assert (to_register.code if to_register else None) == register
    assert (to_log_in.code if to_log_in else None) == log_in


@pytest.mark.parametrize(("since", "retry_s"), [(None, None), (ago(3_600), None), (ago(3_599), 1), (NOW, 3_600)])
def test_forms_per_address(since: datetime | None, retry_s: int | None) -> None:
    refused = may_register_by_form(since, NOW)
    assert (refused.retry_after_s if refused else None) == retry_s


@pytest.mark.parametrize(
    ("name", "email", "fields"),
    [
        ("Rita", "r@example.test", []),
        ("محمد\u200cرضا 👩\u200d🔧", "müller@exämple.test", []),
        ("", "r@example.test", ["name"]),
        ("  ", "r@example.test", ["name"]),
        ("R" * 129, "r@example.test", ["name"]),
        ("R\x00", "r@example.test", ["name"]),
        ("R\ud800", "r@example.test", ["name"]),
        ("Rita", "r", ["email"]),
        ("Rita", "r@e x", ["email"]),
        ("Rita", "r@e\x00x", ["email"]),
        ("Rita", "r@e\udfffx", ["email"]),
        ("Rita", "r@" + "e" * 127, ["email"]),
        ("", "", ["name", "email"]),
    ],
)
def test_what_somebody_says_of_themselves(name: str, email: str, fields: list[str]) -> None:
    assert [fault.field for fault in person_faults(email=email, name=name)] == fields


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        (None, None),
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "0.0.0.0"),  # noqa: S104
        ("", "0.0.0.0"),  # noqa: S104
    ],
)
def test_how_addresses_are_counted(address: str | None, counted: str | None) -> None:
    assert counted_address(address) == counted
