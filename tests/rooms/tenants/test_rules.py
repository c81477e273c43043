"""The pure rules, row by row of their tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.tenants import key_faults, normal_email, operator_faults, staff_faults
from isotope.domain.tenants.model import LoginAttempts
from isotope.domain.tenants.rules import MAX_WRONG_PASSWORDS, count_attempt, is_live
from isotope.kernel.errors import Kind, Refusal

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def tried(attempts: int, minutes_ago: float) -> LoginAttempts:
    return LoginAttempts(attempts=attempts, last_at=NOW - timedelta(minutes=minutes_ago))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, 1),
        (tried(1, 0), 2),
        (tried(9, 14.9), 10),
        (tried(9, 15), 1),
        (tried(10, 15), 1),
        (tried(10, 400), 1),
    ],
)
def test_logins_are_counted(before: LoginAttempts | None, after: int) -> None:
    assert count_attempt(before, NOW) == LoginAttempts(attempts=after, last_at=NOW)


@pytest.mark.parametrize(("minutes_ago", "retry_s"), [(0, 900), (14.99, 1)])
def test_after_ten_the_address_is_locked(minutes_ago: float, retry_s: int) -> None:
    refused = count_attempt(tried(10, minutes_ago), NOW)
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.code, refused.retry_after_s) == (Kind.TOO_MANY, "login_locked", retry_s)


@given(st.lists(st.integers(0, 1_200), max_size=60))
def test_never_more_than_ten_checks_in_fifteen_minutes(waits: list[int]) -> None:
    """However logins are spaced: checks that are let through in any 15 minutes without a pause are at most ten."""
    attempts: LoginAttempts | None = None
    now = NOW
    passed: list[datetime] = []
    for wait in waits:
        now += timedelta(seconds=wait)
        counted = count_attempt(attempts, now)
        if isinstance(counted, LoginAttempts):
            attempts = counted
            passed.append(now)
    for start in passed:
        within = [at for at in passed if start <= at < start + timedelta(minutes=15)]
        assert len(within) <= MAX_WRONG_PASSWORDS


@pytest.mark.parametrize(("expires_at", "live"), [(None, True), (NOW + timedelta(seconds=1), True), (NOW, False)])
def test_a_key_lives_until_its_end(expires_at: datetime | None, *, live: bool) -> None:
    assert is_live(expires_at, NOW) is live


GOOD = {"slug": "riga", "name": "Riga Rides", "currency": "EUR", "time_zone": "Europe/Riga", "languages": ("lv", "en")}


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({}, []),
        ({"slug": "r"}, ["slug"]),
        ({"slug": "Riga"}, ["slug"]),
        ({"slug": "-riga"}, ["slug"]),
        ({"slug": "r" * 41}, ["slug"]),
        ({"name": " "}, ["name"]),
        ({"name": "a\x00"}, ["name"]),
        ({"currency": "eur"}, ["currency"]),
        ({"time_zone": "Europe/Nowhere"}, ["time_zone"]),
        ({"time_zone": "../../etc/passwd"}, ["time_zone"]),
        ({"languages": ()}, ["languages"]),
        ({"languages": ("en", "english")}, ["languages.1"]),
        ({"slug": "", "name": "", "currency": "", "time_zone": ""}, ["slug", "name", "currency", "time_zone"]),
    ],
)
def test_an_operators_own_data(wrong: dict[str, str], fields: list[str]) -> None:
    faults = operator_faults(**{**GOOD, **wrong})  # type: ignore[arg-type]
    assert [fault.field for fault in faults] == fields


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("demo-public", True),
        ("wFHqlMVWUaGjzKtt4SZFaayK3O0yo1z7iQWlN6XiSTE", True),
        ("short", False),
        ("with space", False),
        ("with:colon", False),
        ("ключ-оператора", False),
        ("k" * 129, False),
    ],
)
def test_keys_that_can_be_sent_in_a_header(key: str, *, good: bool) -> None:
    assert (key_faults("key", key) == []) is good


@pytest.mark.parametrize(
    ("email", "password", "fields"),
    [
        ("a@b.test", "0123456789", []),
        ("a@b.test", None, []),
        ("a@b.test", "012345678", ["password"]),
        ("a@b.test", "x" * 257, ["password"]),
        ("ab.test", "0123456789", ["email"]),
        ("a@b test", "0123456789", ["email"]),
        ("a@" + "b" * 253, "", ["email", "password"]),
    ],
)
def test_a_staff_login(email: str, password: str | None, fields: list[str]) -> None:
    assert [fault.field for fault in staff_faults(email=email, password=password)] == fields


def test_addresses_are_looked_up_in_one_form() -> None:
    assert normal_email(" Anna@Example.TEST ") == "anna@example.test"
