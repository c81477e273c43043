"""`isotope reconcile`: what an operator sees of differences between ledger and provider."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest
from typer.testing import CliRunner

from isotope.cli import build
from isotope.cli._failures import CommandError
from isotope.domain.payments import Purpose
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit.cards import KEY, WEBHOOK_SECRET, SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.shop import Shop, open_shop

T = TypeVar("T")


@pytest.fixture
def sandbox(clock: SettableClock, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        for name, value in {
            "MODE": "test",
            "DATABASE_URL": database_url,
            "CARDS": "sandbox",
            "SANDBOX_CARDS_URL": running.url,
            "SANDBOX_CARDS_KEY": KEY,
            "SANDBOX_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }.items():
            monkeypatch.setenv(f"ISOTOPE_{name}", value)
        yield running


def with_shop(url: str, clock: SettableClock, sandbox: SandboxKit, use: Callable[[Shop], Awaitable[T]]) -> T:
    async def done() -> T:
        database = Database(url, max_size=2)
        await database.open()
        try:
            rt = Runtime(db=database, clock=clock, hub=Hub(url), jobs=Jobs())
            return await use(await open_shop(rt, clock, sandbox))
        finally:
            await database.close()

    return asyncio.run(done())


def run(slug: str, first: str = "2026-06-01", end: str = "2026-06-02") -> tuple[int, list[str], list[str]]:
    words = ["reconcile", "--operator", slug, "--from", first, "--to", end]
    result = CliRunner().invoke(build(["reconcile"]), words)
    if isinstance(result.exception, CommandError):
        raise result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr.splitlines()


def test_what_agrees_is_counted(database_url: str, clock: SettableClock, sandbox: SandboxKit) -> None:
    async def pay(shop: Shop) -> str:
        await shop.do(await shop.open(500, reserve=False, purpose=Purpose.TOP_UP))
        return shop.kit.operator.slug

    slug = with_shop(database_url, clock, sandbox, pay)
    code, differences, summary = run(slug)
    assert (code, differences) == (0, [])
    assert summary == [
        "1 movements at the provider, 1 calls here",
        "net at the provider 5.00 EUR (with disputes), net of calls here 5.00 EUR",
        "no differences",
    ]
    assert run(slug, "2026-06-02", "2026-06-03")[2][0] == "0 movements at the provider, 0 calls here"


def test_every_difference_is_a_line(database_url: str, clock: SettableClock, sandbox: SandboxKit) -> None:
    async def pay_unheard(shop: Shop) -> tuple[str, int]:
        call = await shop.open(500, reserve=False, purpose=Purpose.TOP_UP)
        sandbox.add_fault("charge", "error_done")
        await shop.do(call)
        return shop.kit.operator.slug, call.id

    slug, call_id = with_shop(database_url, clock, sandbox, pay_unheard)
    code, differences, summary = run(slug)
    [seen] = sandbox.payments()
    assert code == 1
    assert differences == [
        f"not_recorded  provider 5.00 EUR  ledger 0.00 EUR  {seen.ref}  card_call:{call_id}",
        f"open  provider nothing  ledger 0.00 EUR  card_call:{call_id}",
    ]
    assert summary[-1] == "2 differences"


def test_a_provider_that_is_away_is_said(
    database_url: str, clock: SettableClock, sandbox: SandboxKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slug_of(shop: Shop) -> str:
        return shop.kit.operator.slug

    slug = with_shop(database_url, clock, sandbox, slug_of)
    monkeypatch.setenv("ISOTOPE_SANDBOX_CARDS_URL", "http://127.0.0.1:9")
    with pytest.raises(CommandError, match="does not answer"):
        run(slug)
    monkeypatch.setenv("ISOTOPE_CARDS", "none")
    with pytest.raises(CommandError, match="Cards cannot be used here"):
        run(slug)
    with pytest.raises(CommandError):
        run("nobody")
    assert (
        CliRunner()
        .invoke(build(["reconcile"]), ["reconcile", "--operator", slug, "--from", "2026-06-02", "--to", "2026-06-02"])
        .exit_code
        == 2
    )
