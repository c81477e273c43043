"""Reports over a real socket into the real store; hostile bytes; slow readers and writers."""

import asyncio
import contextlib
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from isotope.gateway.server import Gateway
from isotope.infra.runtime import Runtime
from isotope.iot.json_lines import FRAME_CAP, encode_up
from isotope.iot.model import Ping, Pong, ReportOk
from tests.gateway.conftest import Ground
from tests.gateway.test_logins import limits
from tests.kit.clock import SettableClock
from tests.kit.devices import FakeUnit, Notebook, make_device, running_gateway
from tests.kit.waiting import until


async def test_a_report_becomes_the_live_state_before_it_is_acknowledged(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway) as unit:
        unit.locked = False
        await unit.report(lat=60.2, lon=24.9, speed_kmh=12.5, battery_pct=55, odometer_m=4_321)
        state = await ground.state()
        assert (state.lat, state.lon, state.speed_kmh, state.battery_pct) == (60.2, 24.9, 12.5, 55)
        assert (state.odometer_m, state.locked, state.seen_at) == (4_321, False, ground.rt.clock.now())
        assert [row["event"] for row in await ground.history()] == ["periodic"]


async def test_buffered_reports_are_history_alone(ground: Ground, gateway: Gateway, clock: SettableClock) -> None:
    async with ground.unit(gateway) as unit:
        await unit.report(lat=60.2)
        late = unit.current("moved")
        old = replace(late, device_at=clock.now() - timedelta(hours=1), fix_at=clock.now() - timedelta(hours=1))
        await unit.send_report(replace(old, lat=60.3, buffered=True))
        assert (await ground.state()).lat == 60.2
        assert [row["lat"] for row in await ground.history()] == [60.3, 60.2]


async def test_what_is_sent_again_is_stored_once_and_acknowledged_again(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway) as unit:
        report = await unit.report()
    async with ground.unit(gateway) as again:
        await again.send_report(replace(report, buffered=True))
        assert again.received.count(ReportOk(seq=report.seq)) == 1
    assert len(await ground.history()) == 1


async def test_a_jump_is_history_until_the_next_report_agrees(
    ground: Ground, gateway: Gateway, clock: SettableClock
) -> None:
    async with ground.unit(gateway) as unit:
        await unit.report(lat=60.2)
        clock.advance(seconds=10)
        await unit.report(lat=61.2)
        assert (await ground.state()).lat == 60.2
        clock.advance(seconds=10)
        await unit.report(lat=61.2001)
        assert (await ground.state()).lat == 61.2001
        assert [row["flags"] for row in await ground.history()] == [[], ["jump"], []]


async def test_a_wrong_clock_does_not_freeze_the_state(ground: Ground, gateway: Gateway, clock: SettableClock) -> None:
    async with ground.unit(gateway) as unit:
        ahead = unit.current()
        await unit.send_report(
            replace(ahead, device_at=clock.now() + timedelta(hours=3), fix_at=clock.now() + timedelta(hours=3))
        )
        assert (await ground.state()).fix_at == clock.now()
        clock.advance(seconds=10)
        await unit.report(lat=60.1705)
        assert (await ground.state()).lat == 60.1705


async def test_reports_of_many_units_keep_their_order(ground: Ground, gateway: Gateway, rt: Runtime) -> None:
    async with ground.unit(gateway) as unit:
        last = None
        for number in range(300):
            last = await unit.report(lat=60.0 + number / 10_000, wait=False)
        assert last is not None
        await unit.confirmed(last.seq)
        oks = [message.seq for message in unit.received if isinstance(message, ReportOk)]
        assert oks == list(range(1, 301))
        assert (await ground.state()).lat == pytest.approx(60.0299)
        assert len(await ground.history()) == 300


async def test_a_unit_without_a_vehicle_is_acknowledged(ground: Ground, gateway: Gateway, rt: Runtime) -> None:
    spare = await make_device(rt, ground.fleet.operator_id)
    async with spare.unit(rt, gateway) as unit:
        await unit.report()


# Hostile bytes


async def test_bad_lines_between_good_ones_cost_only_themselves(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway) as unit:
        await unit.send_bytes(b'garbage\n\n\r\n{"t":"report"}\n' + b"x" * (FRAME_CAP + 1) + b"\n\xff\xfe\n")
        await unit.report()
        assert not unit.is_hung_up


async def test_a_line_of_the_cap_is_taken_and_one_byte_more_is_not(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway) as unit:
        line = encode_up(unit.current()).rstrip(b"}\n")
        for length, pongs in ((FRAME_CAP, 1), (FRAME_CAP + 1, 2)):
            padded = line + b',"x":"' + b"x" * (length - len(line) - 8) + b'"}'
            assert len(padded) == length
            await unit.send_bytes(padded.replace(b'"seq":1', b'"seq":%d' % pongs) + b"\n")
            await unit.send(Ping())
            await unit.until(lambda pongs=pongs: unit.received.count(Pong()) == pongs)  # type: ignore[misc]
        await unit.confirmed(1)
        assert ReportOk(seq=2) not in unit.received


async def test_a_flood_of_bad_lines_ends_its_own_connection_only(ground: Ground, gateway: Gateway, rt: Runtime) -> None:
    other = await make_device(rt, ground.fleet.operator_id)
    async with ground.unit(gateway) as hostile, other.unit(rt, gateway) as good:
        flood = random.Random(7).randbytes(2_000).replace(b"\n", b"x\n") * 100
        for start in range(0, len(flood), 4_000):
            if hostile.is_hung_up:
                break
            try:
                await hostile.send_bytes(flood[start : start + 4_000] + b"\n")
            except ConnectionError:
                break
        await hostile.ended()
        await good.report()


async def test_a_line_that_comes_byte_by_byte_is_a_line(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway) as unit:
        report = unit.current()
        for byte in encode_up(report):
            await unit.send_bytes(bytes([byte]))
            await asyncio.sleep(0)
        await unit.confirmed(report.seq)


async def test_a_unit_that_does_not_read_is_hung_up_on(ground: Ground, rt: Runtime) -> None:
    """It pings without end and takes no answer: what waits for it is bounded."""
    plenty = limits(frames=(1_000_000, 1_000_000.0), unread_bytes=4_096)
    async with running_gateway(rt, limits=plenty) as gateway:
        deaf = ground.unit(gateway)
        deaf.buffer_bytes = 4_096
        await deaf.connect()
        deaf.stop_reading()
        before = hang_ups("unread")
        pinging = asyncio.create_task(ping_for_ever(deaf))
        await until(lambda: not gateway.sessions, "the gateway forgets the unit")
        assert hang_ups("unread") == before + 1
        pinging.cancel()
        await asyncio.wait({pinging})
        await deaf.hang_up()


async def ping_for_ever(unit: FakeUnit) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await unit.send_bytes(encode_up(Ping()) * 2_000)


def hang_ups(reason: str) -> float:
    return REGISTRY.get_sample_value("isotope_device_hang_ups_total", {"reason": reason}) or 0.0


async def test_a_unit_that_sends_too_much_is_read_more_slowly_and_loses_nothing(ground: Ground, rt: Runtime) -> None:
    notebook = Notebook()
    slow = limits(frames=(5, 100.0))
    async with running_gateway(rt, limits=slow, apply=notebook) as gateway, ground.unit(gateway) as unit:
        started = asyncio.get_running_loop().time()
        for _ in range(25):
            await unit.report(wait=False)
        await unit.confirmed(25)
        assert len(notebook.reports) == 25
        assert asyncio.get_running_loop().time() - started >= 0.18
