"""`isotope operator`, `isotope keys`, `isotope staff`."""

import asyncio
import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from isotope.cli import build
from isotope.cli._failures import CommandError
from isotope.domain.tenants import LogInStaff, Operators, Role, log_in_staff
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit.waiting import wait_until

T = TypeVar("T")
PASSWORD = "a long pass phrase"


@pytest.fixture
def environ(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ISOTOPE_DATABASE_URL", database_url)
    return database_url


def isotope(*arguments: str, stdin: str = "") -> str:
    """What the command prints on standard output."""
    ended = CliRunner().invoke(build([arguments[0]]), list(arguments), input=stdin, catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def look(url: str, use: Callable[[Runtime], Awaitable[T]]) -> T:
    async def looked() -> T:
        database = Database(url, max_size=1)
        await database.open()
        try:
            return await use(Runtime(db=database, clock=SystemClock(), hub=Hub(url), jobs=Jobs()))
        finally:
            await database.close()

    return asyncio.run(looked())


def new_operator() -> tuple[str, str, str]:
    """Slug, public key, secret key."""
    slug = f"c{uuid4().hex[:12]}"
    printed = isotope(
        "operator", "create", slug, "--name", "Riga Rides", "--time-zone", "Europe/Riga", "--language", "lv"
    )
    public, secret = (line.partition(": ")[2] for line in printed.splitlines())
    return slug, public, secret


def test_an_operator_is_made_and_its_keys_are_told(environ: str) -> None:
    slug, public, secret = new_operator()

    async def check(rt: Runtime) -> None:
        operators = Operators(rt)
        operator = await operators.find_by_public_key(public)
        assert operator is not None
        assert (operator.slug, operator.time_zone, operator.languages) == (slug, "Europe/Riga", ("lv",))
        assert await operators.is_secret_key(operator, secret)

    look(environ, check)


def test_keys_are_rotated(environ: str) -> None:
    slug, public, secret = new_operator()
    new = isotope("keys", "rotate", slug, "--kind", "secret", "--grace-hours", "0").strip()

    async def check(rt: Runtime) -> None:
        operators = Operators(rt)
        operator = await operators.find_by_public_key(public)
        assert operator is not None
        assert await operators.is_secret_key(operator, new)
        assert not await operators.is_secret_key(operator, secret)

    look(environ, check)


def can_log_in(url: str, email: str) -> Role:
    async def log_in(rt: Runtime) -> Role:
        return (await log_in_staff(rt, LogInStaff(email=email, password=PASSWORD))).staff.role

    return look(url, log_in)


def test_a_password_comes_from_a_file_or_standard_input(environ: str, tmp_path: Path) -> None:
    slug, _public, _secret = new_operator()
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\r\nnot the password\n")
    for nr, (option, stdin) in enumerate(((str(file), ""), ("-", f"{PASSWORD}\n"), ("", PASSWORD))):
        options = ["--password-file", option] if option else []
        email = f"{slug}-{nr}@example.test"
        printed = isotope("staff", "add", slug, email, "--role", "manager", *options, stdin=stdin)
        assert PASSWORD not in printed
    assert can_log_in(environ, f"{slug}-0@example.test") is Role.MANAGER
    assert can_log_in(environ, f"{slug}-1@example.test") is Role.MANAGER
    assert can_log_in(environ, f"{slug}-2@example.test") is Role.MANAGER


def test_a_password_typed_at_a_terminal_is_asked_for_twice_and_never_shown(environ: str) -> None:
    slug, _public, _secret = new_operator()
    email = f"{slug}@example.test"
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "isotope", "staff", "add", slug, email],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    try:
        shown = b""
        for question in (b"Password", b"Repeat"):
            while question not in shown:
                chunk = read(terminal)
                assert chunk, shown
                shown += chunk
            # Turning the echo off throws away what was typed before.
            wait_until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO, "the echo is off", 30)
            os.write(terminal, f"{PASSWORD}\n".encode())
        while chunk := read(terminal):
            shown += chunk
        assert process.wait(30) == 0, shown
    finally:
        process.kill()
        os.close(terminal)
    assert PASSWORD.encode() not in shown
    assert can_log_in(environ, email) is Role.READ_ONLY


def read(terminal: int) -> bytes:
    """What is shown next; nothing when the other side has ended."""
    readable, _, _ = select.select([terminal], [], [], 30)
    assert readable, "nothing more is shown"
    try:
        return os.read(terminal, 1_024)
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("operator", "create", "X", "--name", "X"), "slug: 'X' is not"),
        (("keys", "rotate", "no-such", "--kind", "public"), "There is no operator no-such."),
        (("staff", "add", "no-such", "a@b.test", "--password-file", "/no/such/file"), "no password can be read from"),
        (("staff", "add", "no-such", "a@b.test"), "password: a password has 10 to 256 characters"),
    ],
)
def test_refusals_are_told_in_words(environ: str, arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match="(?s).*" + told.replace(".", r"\.")):
        isotope(*arguments)


@pytest.mark.parametrize(("group", "command"), [("operator", "create"), ("keys", "rotate"), ("staff", "add")])
def test_help_shows_an_example(group: str, command: str) -> None:
    assert f"isotope {group} {command} riga" in isotope(group, command, "--help")
