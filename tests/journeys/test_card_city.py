"""A city that pays with every kind of card: whatever the cards did, the books are right and equal the provider's."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from isotope.api.docs.money_facts import REASONS
from isotope.cli._books import check_books
from isotope.simulator.api import Api
from isotope.simulator.city import CityPlan, simulate
from isotope.simulator.crowd import Tally
from isotope.simulator.fleet import SimulatedFleet
from tests.journeys.kit.store import open_rides, vehicles_held
from tests.journeys.kit.system import DEMO_CITY, System, running_system
from tests.journeys.kit.waiting import come_about

pytestmark = [pytest.mark.journey, pytest.mark.asyncio]

LIVED_S = 180.0
# Several cards leave each call unanswered once; the worker asks for those after 20 s, and for what follows of them again.
SETTLED_S = 150.0


def enough(tally: Tally) -> bool:
    """Every way of paying was gone, and cards said no."""
    paying = tally.paying
    return (
        tally.rides >= 40
        and tally.by_card > 0
        and paying["declined"] >= 5
        and paying["topped_up"] >= 3
        and paying["confirmed"] >= 1
        and paying["coins"] >= 1
    )


async def live(system: System) -> Tally:
    """The crowd rides until it was enough, and goes home."""
    plan = CityPlan(
        folder=DEMO_CITY,
        api=system.api,
        gateway_host=system.gateway_host,
        gateway_port=system.gateway_port,
        public_key="demo-public",
        secret_key="demo-secret",
        riders=15,
        troublemakers=0.0,
        speed_factor=80,
        seed=1,
    )
    done = asyncio.Event()
    last = Tally()

    def look(tally: Tally, _api: Api | None, _fleet: SimulatedFleet) -> None:
        nonlocal last
        last = tally
        if enough(tally):
            done.set()

    city = asyncio.create_task(simulate(plan, look))
    try:
        async with asyncio.timeout(LIVED_S):
            await done.wait()
    except TimeoutError:
        pytest.fail(f"not enough happened: {last}")
    finally:
        city.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await city
    return last


def held_by_provider(data: Path) -> int:
    """What the provider's own records say that it holds, minor units; it shares no code with us."""
    sign = {"CAPTURED": 1, "REFUNDED": -1, "DISPUTED": -1, "DISPUTE_WON": 1}
    file = data / "sandbox-cards" / "cards.sqlite"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as records:
        return sum(sign[kind] * amount for kind, amount in records.execute("select kind, amount from movement"))


async def ask(system: System, sql: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(system.database_url) as connection:
        return await (await connection.execute(sql.encode())).fetchall()


async def test_a_city_with_every_card_keeps_right_books(tmp_path: Path) -> None:
    with running_system(tmp_path / "data") as system:
        tally = await live(system)

        async def is_settled() -> bool:
            [(calls,)] = await ask(system, "select count(*) from card_call where status = 'OPEN'")
            [(cleared,)] = await ask(
                system,
                "select coalesce(-sum(e.amount_minor), 0)::bigint from ledger_entry e join ledger_account a "
                "on a.operator_id = e.operator_id and a.id = e.account_id where a.kind = 'PROVIDER_CLEARING'",
            )
            # A dispute may reach the provider a moment before us.
            return calls == 0 and cleared == held_by_provider(system.data) > 0

        await come_about(is_settled, "the ledger's clearing account equals the provider's records", SETTLED_S)
        books = await check_books(system.database_url)
        assert books.faults == []
        assert (await open_rides(system.database_url), await vehicles_held(system.database_url)) == (0, 0)
        assert {reason for (reason,) in await ask(system, "select distinct reason from ledger_transaction")} <= set(
            REASONS
        )
        [(in_transit,)] = await ask(
            system, "select count(*) from ledger_account where kind = 'RIDER_IN_TRANSIT' and balance_minor <> 0"
        )
        assert in_transit == 0
        statuses = {status for (status,) in await ask(system, "select distinct status from card_payment")}
        assert statuses >= {"CAPTURED", "RELEASED", "FAILED"}
        reconciled = await reconcile(system)
    assert reconciled.returncode == 0, reconciled.stdout + reconciled.stderr
    assert "no differences" in reconciled.stderr
    assert tally.rides >= 40


async def reconcile(system: System) -> "subprocess.CompletedProcess[str]":
    today = datetime.now(UTC)
    days = [(today + timedelta(days=away)).strftime("%Y-%m-%d") for away in (-2, 2)]
    command = [sys.executable, "-m", "isotope", "reconcile", "--operator", "demo", "--from", days[0], "--to", days[1]]
    return await asyncio.to_thread(
        subprocess.run, command, env=system.environ(), capture_output=True, text=True, timeout=60, check=False
    )
