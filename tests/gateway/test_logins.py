"""Who is let in."""

import asyncio

import pytest
from structlog.testing import capture_logs

from isotope.gateway.limits import Limits
from isotope.gateway.server import Gateway
from isotope.infra.runtime import Runtime
from isotope.iot.model import Hello, Ping, Pong, Refused, RefusedReason, Welcome
from tests.gateway.conftest import Ground
from tests.kit.clock import SettableClock
from tests.kit.devices import TEST_LIMITS, FakeUnit, make_device, running_gateway


def limits(**parts: object) -> Limits:
    return type(TEST_LIMITS)(**({name: getattr(TEST_LIMITS, name) for name in Limits.__slots__} | parts))


async def test_a_known_unit_is_welcome(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway) as unit:
        assert unit.received == [Welcome(at=ground.rt.clock.now(), interval_s=30)]
        device = await ground.device()
        assert (device.session_id, device.session_address) == (gateway.id, "127.0.0.1")


async def test_an_unknown_unit_and_a_wrong_secret_are_refused_alike_and_masked_in_the_log(
    ground: Ground, gateway: Gateway
) -> None:
    known = ground.fleet.identities[0]
    with capture_logs() as logs:
        for identity, secret in ((known, "wrong"), (f"x{known}", ground.fleet.secret)):
            unit = FakeUnit(gateway.port, identity, secret)
            assert await unit.connect() == Refused(reason=RefusedReason.UNKNOWN)
            await unit.ended()
    assert len([entry for entry in logs if entry["event"] == "gateway.login_unknown"]) == 2
    assert known not in str(logs)
    assert ground.fleet.secret not in str(logs)
    assert (await ground.device()).session_id is None
    assert not gateway.sessions


@pytest.mark.parametrize(
    "first",
    [b'{"t":"ping"}\n', b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", b"x" * 5_000],
)
async def test_whoever_does_not_say_hello_first_is_hung_up_on(gateway: Gateway, first: bytes) -> None:
    stranger = FakeUnit(gateway.port, "x", "x")
    await stranger.open()
    await stranger.send_bytes(first)
    assert await stranger.hung_up_on() == b""
    await stranger.hang_up()


async def test_a_unit_that_comes_back_replaces_its_old_socket(ground: Ground, gateway: Gateway) -> None:
    old = ground.unit(gateway)
    await old.connect()
    async with ground.unit(gateway) as new:
        assert new.is_welcome
        await old.ended()
        await gateway.renew()
        assert (await ground.device()).session_id == gateway.id
        assert (await ground.outcome(await ground.order())).is_done
        assert not old.commands


async def test_another_address_is_a_conflict_while_the_first_is_alive(
    ground: Ground, gateway: Gateway, clock: SettableClock
) -> None:
    async with ground.unit(gateway, local_address="127.0.0.1") as first:
        thief = ground.unit(gateway, local_address="127.0.0.2")
        with capture_logs() as logs:
            assert await thief.connect() == Refused(reason=RefusedReason.CONFLICT)
        assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["gateway.login_conflict"]
        assert not first.is_hung_up

        # Alive is who was heard of lately.
        clock.advance(seconds=29)
        await first.ping()
        await first.until(lambda: Pong() in first.received)
        clock.advance(seconds=29)
        assert await thief.connect() == Refused(reason=RefusedReason.CONFLICT)
        clock.advance(seconds=2)
        assert isinstance(await thief.connect(), Welcome)
        await first.ended()
        await thief.hang_up()


async def test_an_address_that_fails_too_often_waits_but_units_known_from_before_do_not(
    ground: Ground, rt: Runtime
) -> None:
    newcomer = await make_device(rt, ground.fleet.operator_id)
    async with running_gateway(rt, limits=limits(failures=(2, 0.001))) as gateway:
        async with ground.unit(gateway):
            pass
        for _ in range(2):
            wrong = FakeUnit(gateway.port, "nobody", "wrong")
            assert await wrong.connect() == Refused(reason=RefusedReason.UNKNOWN)
        unit = newcomer.unit(rt, gateway)
        assert await unit.connect() == Refused(reason=RefusedReason.TRY_LATER)
        async with ground.unit(gateway) as known:
            assert known.is_welcome


async def test_sockets_without_a_hello_are_few_and_short(ground: Ground, rt: Runtime) -> None:
    async with running_gateway(rt, limits=limits(unnamed_per_address=2, hello_s=0.2)) as gateway:
        strangers = [FakeUnit(gateway.port, "x", "x") for _ in range(3)]
        for stranger in strangers:
            await stranger.open()
        assert await strangers[2].hung_up_on() == b""
        # Bytes without an end are no sign of life.
        await strangers[0].send_bytes(b'{"t":"hel')
        for stranger in strangers[:2]:
            assert await stranger.hung_up_on() == b""
        async with ground.unit(gateway) as unit:
            assert unit.is_welcome
        for stranger in strangers:
            await stranger.hang_up()


async def test_a_silent_unit_is_hung_up_on_and_a_pinging_one_is_not(ground: Ground, rt: Runtime) -> None:
    other = await make_device(rt, ground.fleet.operator_id)
    async with (
        running_gateway(rt, limits=limits(idle_s=0.4)) as gateway,
        ground.unit(gateway) as silent,
        other.unit(rt, gateway) as alive,
    ):
        for pongs in range(1, 9):
            await alive.send(Ping())
            await alive.until(lambda pongs=pongs: alive.received.count(Pong()) >= pongs)  # type: ignore[misc]
            await asyncio.sleep(0.1)
        await silent.ended()
        assert not alive.is_hung_up


async def test_half_a_line_now_and_then_is_no_sign_of_life(ground: Ground, rt: Runtime) -> None:
    async with running_gateway(rt, limits=limits(idle_s=0.3)) as gateway, ground.unit(gateway) as unit:
        for _ in range(100):
            if unit.is_hung_up:
                break
            await unit.send_bytes(b" ")
            await asyncio.sleep(0.05)
        assert unit.is_hung_up


async def test_a_second_hello_ends_the_connection(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway) as unit:
        await unit.send(Hello(identity=unit.identity, secret=unit.secret))
        await unit.ended()
