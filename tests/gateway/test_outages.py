"""The store goes away and comes back; gateways die. Nothing is lost that was not acknowledged, nobody is stuck."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from isotope.domain import devices
from isotope.domain.devices.model import CommandName
from isotope.gateway.server import Gateway
from isotope.infra.db import store_unavailable
from isotope.infra.runtime import Runtime
from isotope.iot.json_lines import encode_up
from isotope.iot.model import Refused, RefusedReason, ReportOk, Welcome
from isotope.kernel.errors import Refusal
from isotope.supervisor import free_port
from tests.gateway.conftest import Ground
from tests.gateway.test_logins import limits
from tests.kit.clock import SettableClock
from tests.kit.devices import FakeUnit, Manner, Notebook, make_device, running_gateway
from tests.kit.proxy import line_to_store
from tests.kit.waiting import until


async def test_the_store_goes_away_and_units_stay(ground: Ground, rt: Runtime) -> None:
    """Reports wait, an answer waits, the sockets stay; with the store everything goes on without a restart."""
    newcomer = await make_device(rt, ground.fleet.operator_id)
    async with (
        line_to_store(rt.db.url) as line,
        running_gateway(rt, url=line.url) as gateway,
        ground.unit(gateway, Manner.LATE) as unit,
    ):
        await unit.report(lat=60.2)
        command_id = await ground.order()
        command = await unit.command()

        line.cut()
        while_away = await unit.report(lat=60.2001, wait=False)
        await unit.finish(command)
        late = newcomer.unit(rt, gateway)
        assert await late.connect() == Refused(reason=RefusedReason.TRY_LATER)
        assert ReportOk(seq=while_away.seq) not in unit.received
        assert not unit.is_hung_up

        line.mend()
        await unit.confirmed(while_away.seq)
        assert (await ground.state()).lat == 60.2001
        assert (await ground.outcome(command_id)).is_done
        assert isinstance(await late.connect(), Welcome)
        await late.hang_up()
        # The hub listens again, too.
        unit.manner = Manner.OBEY
        assert (await ground.outcome(await ground.order(CommandName.RING))).is_done


async def test_reports_that_wait_are_bounded_and_then_the_gateway_stops_reading(ground: Ground, rt: Runtime) -> None:
    notebook = Notebook()
    notebook.fails = lambda _reports: store_unavailable()
    tight = limits(pending=50, frames=(1_000_000, 1_000_000.0), batch_rows=20, idle_s=0.3)
    async with running_gateway(rt, limits=tight, apply=notebook) as gateway:
        unit = ground.unit(gateway)
        unit.buffer_bytes = 4_096
        reports = [unit.current() for _ in range(10_000)]
        stream = b"".join(encode_up(report) for report in reports)
        await unit.connect()
        sending = asyncio.create_task(unit.send_bytes(stream))
        await until(lambda: gateway._chain.pending == 50, "as many reports wait as may")
        # More is not taken however long it lasts, and a unit that we do not read is not taken for silent.
        for _ in range(10):
            await asyncio.sleep(0.05)
            assert gateway._chain.pending == 50
        assert not sending.done()
        assert not unit.is_hung_up
        notebook.fails = lambda _reports: None
        await sending
        await unit.confirmed(reports[-1].seq)
        assert len(notebook.reports) == len(reports)
        await unit.hang_up()


async def test_one_poisoned_report_costs_itself(ground: Ground, rt: Runtime) -> None:
    notebook = Notebook()

    def poison(reports: Sequence[object]) -> Exception | None:
        return ValueError("poison") if any(getattr(report, "event", "") == "poison" for report in reports) else None

    notebook.fails = poison
    async with (
        running_gateway(rt, limits=limits(batch_s=0.05), apply=notebook) as gateway,
        ground.unit(gateway) as unit,
    ):
        with capture_logs() as logs:
            for number in range(20):
                await unit.report(event="poison" if number == 7 else "periodic", wait=False)
            await unit.confirmed(20)
        assert [entry["event"] for entry in logs] == ["gateway.report_poisoned"]
        oks = [message.seq for message in unit.received if isinstance(message, ReportOk)]
        assert oks == list(range(1, 21))
        assert len(notebook.reports) == 19


async def test_a_clean_stop_writes_what_is_pending_and_leaves_no_session(ground: Ground, rt: Runtime) -> None:
    async with running_gateway(rt, limits=limits(batch_s=5.0)) as gateway:
        unit = ground.unit(gateway)
        await unit.connect()
        await unit.report(lat=60.2)
        await unit.report(lat=60.2001, wait=False)
        await unit.ping()
        await unit.until(lambda: gateway._chain.pending == 1)
    assert (await ground.state()).lat == 60.2001
    assert (await ground.device()).session_id is None
    await unit.ended()
    with pytest.raises(Refusal, match="device_offline"):
        await ground.order()


async def test_a_command_that_nobody_can_take_costs_itself(ground: Ground, gateway: Gateway, rt: Runtime) -> None:
    async with ground.unit(gateway), rt.db.write() as tx:
        # A row that is no command of ours: its name is unknown to this version.
        command_id = await devices.request_command(tx, ground.request(), 5.0)
        await tx.execute("update device_command set name = 'fly' where id = %s", (command_id,))
    async with ground.unit(gateway):
        assert (await ground.outcome(await ground.order(CommandName.RING))).is_done


async def test_a_killed_gateways_successor_takes_over(ground: Ground, clock: SettableClock, tmp_path: Path) -> None:
    """Kill -9: the next process at the same address knows that the first is dead, and the unit just connects again."""
    clock.set(datetime.now(UTC))  # the other process has the machine's clock
    port = free_port("127.0.0.1", 0)
    first = await started_gateway(ground.rt.db.url, port, tmp_path)
    try:
        unit = await connected(ground, port)
        assert (await ground.outcome(await ground.order(CommandName.RING))).is_done
        dead = (await ground.device()).session_id
    finally:
        first.kill()
        await first.wait()
    await unit.ended()
    assert (await ground.device()).session_id == dead  # nobody could say so
    second = await started_gateway(ground.rt.db.url, port, tmp_path)
    try:
        again = await connected(ground, port)
        assert (await ground.device()).session_id != dead
        assert (await ground.outcome(await ground.order(CommandName.RING))).is_done
        second.terminate()
        async with asyncio.timeout(20):
            assert await second.wait() == 0
        await again.ended()
        assert (await ground.device()).session_id is None
    finally:
        if second.returncode is None:
            second.kill()
            await second.wait()


async def started_gateway(url: str, port: int, data: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "isotope",
        "gateway",
        env={
            **os.environ,
            "ISOTOPE_MODE": "test",
            "ISOTOPE_DATABASE_URL": url,
            "ISOTOPE_GATEWAY_PORT": str(port),
            "ISOTOPE_DATA": str(data),
        },
    )


async def connected(ground: Ground, port: int) -> FakeUnit:
    """The unit, as soon as the process listens."""
    unit = FakeUnit(port, ground.fleet.identities[0], ground.fleet.secret)
    for _attempt in range(300):
        try:
            await unit.open()
        except ConnectionRefusedError:
            await asyncio.sleep(0.1)
            continue
        assert isinstance(await unit.say_hello(), Welcome)
        return unit
    raise AssertionError("the gateway does not listen")
