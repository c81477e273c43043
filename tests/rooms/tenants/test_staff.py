"""Dashboard logins: the right password, the wrong one, and the address that nobody has."""

import asyncio

import pytest

from isotope.domain.tenants import (
    AddStaff,
    LogInStaff,
    StaffSession,
    add_staff,
    find_staff_by_token,
    forget_ended_logins,
    log_in_staff,
    passwords,
)
from isotope.domain.tenants.model import Role, Settings
from isotope.domain.tenants.usecases import log_in_staff as use_case
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token
from isotope.kernel.errors import Kind, Refusal
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.tenants import STAFF_PASSWORD, OperatorKit, make_operator


class Checks:
    """Stands in for argon2: quick, and remembers which hash each password was checked against."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashes: list[str] = []

        async def is_password(password_hash: str, password: str) -> bool:
            self.hashes.append(password_hash)
            await asyncio.sleep(0)
            return password == STAFF_PASSWORD and password_hash != passwords.DUMMY_HASH

        monkeypatch.setattr(use_case, "is_password", is_password)


def email_of(kit: OperatorKit) -> str:
    assert kit.staff is not None
    return kit.staff.email


async def log_in(rt: Runtime, email: str, password: str = STAFF_PASSWORD) -> StaffSession:
    return await log_in_staff(rt, LogInStaff(email=email, password=password))


async def test_staff_log_in_with_argon2(rt: Runtime) -> None:
    kit = await make_operator(rt, staff=Role.MANAGER, settings=Settings(staff_token_hours=8))
    session = await log_in(rt, f" {email_of(kit).upper()} ")
    assert (session.expires_in_s, session.operator_id, session.staff) == (8 * 3_600, kit.operator.id, kit.staff)
    assert await find_staff_by_token(rt, session.access_token) == (kit.operator, kit.staff)
    with refused("wrong_credentials") as told:
        await log_in(rt, email_of(kit), STAFF_PASSWORD + "x")
    assert told.it.kind is Kind.UNAUTHORIZED


async def test_the_store_has_neither_passwords_nor_tokens(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = await make_operator(rt, staff=Role.OWNER)
    Checks(monkeypatch)
    session = await log_in(rt, email_of(kit))
    async with rt.db.read() as tx:
        rows = await tx.tuples(
            "select t::text from staff_token t where operator_id = %(id)s"
            " union all select s::text from staff s where operator_id = %(id)s",
            {"id": kit.operator.id},
        )
    assert len(rows) == 2
    assert not [row for (row,) in rows if session.access_token in row or STAFF_PASSWORD in row]
    assert "$argon2id$" in str(rows)


async def test_a_token_ends(rt: Runtime, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = await make_operator(rt, staff=Role.OWNER)
    Checks(monkeypatch)
    session = await log_in(rt, email_of(kit))
    clock.advance(hours=72, seconds=-1)
    assert await find_staff_by_token(rt, session.access_token) is not None
    clock.advance(seconds=1)
    assert await find_staff_by_token(rt, session.access_token) is None


async def test_who_left_is_out_at_once(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = await make_operator(rt, staff=Role.OWNER)
    Checks(monkeypatch)
    session = await log_in(rt, email_of(kit))
    async with rt.db.write() as tx:
        await tx.execute("update staff set disabled_at = %s where operator_id = %s", (rt.clock.now(), kit.operator.id))
    assert await find_staff_by_token(rt, session.access_token) is None
    with refused("wrong_credentials"):
        await log_in(rt, email_of(kit))


async def test_an_unknown_address_costs_the_same_work_and_gets_the_same_answer(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = await make_operator(rt, staff=Role.OWNER)
    checks = Checks(monkeypatch)
    with refused("wrong_credentials") as known:
        await log_in(rt, email_of(kit), "wrong")
    with refused("wrong_credentials") as unknown:
        await log_in(rt, f"nobody-{kit.operator.slug}@example.test", "wrong")
    assert (known.it.kind, known.it.details) == (unknown.it.kind, unknown.it.details)
    assert len(checks.hashes) == 2
    assert checks.hashes[0] != passwords.DUMMY_HASH
    assert checks.hashes[1] == passwords.DUMMY_HASH


def test_the_dummy_hash_costs_what_a_real_one_does() -> None:
    assert not passwords._hasher.check_needs_rehash(passwords.DUMMY_HASH)


@pytest.mark.parametrize("known", [True, False])
async def test_ten_wrong_passwords_lock_the_address_whether_staff_has_it_or_not(
    rt: Runtime, clock: SettableClock, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    kit = await make_operator(rt, staff=Role.OWNER)
    email = email_of(kit) if known else f"nobody-{kit.operator.slug}@example.test"
    checks = Checks(monkeypatch)
    for _ in range(10):
        with refused("wrong_credentials"):
            await log_in(rt, email, "wrong")
        clock.advance(seconds=1)
    for _ in range(3):  # the right one does not help now, and asking prolongs nothing
        with refused("login_locked") as told:
            await log_in(rt, email)
    assert (told.it.kind, told.it.retry_after_s) == (Kind.TOO_MANY, 15 * 60 - 1)
    assert len(checks.hashes) == 10
    clock.advance(minutes=15, seconds=-1)
    if known:
        await log_in(rt, email)
    else:
        with refused("wrong_credentials"):
            await log_in(rt, email)


async def test_a_right_password_forgets_the_wrong_ones(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = await make_operator(rt, staff=Role.OWNER)
    Checks(monkeypatch)
    for _ in range(2):
        for _ in range(9):
            with refused("wrong_credentials"):
                await log_in(rt, email_of(kit), "wrong")
        await log_in(rt, email_of(kit))


async def test_guesses_made_at_once_are_no_more_than_guesses_in_a_row(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = await make_operator(rt, staff=Role.OWNER)
    checks = Checks(monkeypatch)
    ends = await asyncio.gather(*(log_in(rt, email_of(kit), "wrong") for _ in range(40)), return_exceptions=True)
    codes = [end.code for end in ends if isinstance(end, Refusal)]
    assert sorted(set(codes)) == ["login_locked", "wrong_credentials"]
    assert codes.count("wrong_credentials") == len(checks.hashes) == 10
    assert len(codes) == 40


async def test_more_logins_than_the_machine_bears_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_pending", passwords.MAX_PENDING - 1)
    assert await passwords.is_password(passwords.DUMMY_HASH, "x") is False
    monkeypatch.setattr(passwords, "_pending", passwords.MAX_PENDING)
    with refused("logins_busy") as told:
        await passwords.is_password(passwords.DUMMY_HASH, "x")
    assert (told.it.kind, told.it.retry_after_s) == (Kind.UNAVAILABLE, 2)


@pytest.mark.parametrize("password", ["", "\x00", "\ud800", "x" * 100_000])
async def test_strange_passwords_are_just_wrong(password: str) -> None:
    assert await passwords.is_password(passwords.DUMMY_HASH, password) is False


async def test_an_address_is_staff_of_one_operator(rt: Runtime) -> None:
    kit, other = await make_operator(rt, staff=Role.OWNER), await make_operator(rt)
    command = AddStaff(slug=other.operator.slug, email=email_of(kit).upper(), password="long enough", role=Role.SUPPORT)
    with refused("staff_exists"):
        await add_staff(rt, command)


async def test_ended_logins_are_forgotten(rt: Runtime, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = await make_operator(rt, staff=Role.OWNER, settings=Settings(staff_token_hours=1))
    Checks(monkeypatch)
    await log_in(rt, email_of(kit))
    with refused("wrong_credentials"):
        await log_in(rt, email_of(kit), "wrong")

    async def kept() -> tuple[int, int]:
        async with rt.db.read() as tx:
            tokens = await tx.scalar("select count(*) from staff_token where operator_id = %s", (kit.operator.id,))
            attempts = await tx.scalar(
                "select count(*) from staff_login_attempts where email_hash = %s", (hash_token(email_of(kit)),)
            )
        return tokens, attempts

    clock.advance(minutes=14)
    await forget_ended_logins(rt)
    assert await kept() == (1, 1)
    clock.advance(minutes=1)
    await forget_ended_logins(rt)
    assert await kept() == (1, 0)
    clock.advance(minutes=45)
    await forget_ended_logins(rt)
    assert await kept() == (0, 0)
