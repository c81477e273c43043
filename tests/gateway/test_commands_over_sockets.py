"""Commands from the store over a real socket to a unit and back, for every manner of unit."""

import asyncio

import pytest

from isotope.domain import devices
from isotope.domain.devices import store
from isotope.domain.devices.model import AckStatus, CommandName, CommandStatus
from isotope.gateway.server import Gateway
from isotope.infra.runtime import Runtime
from isotope.iot.model import Ack
from isotope.kernel.errors import Refusal
from tests.gateway.conftest import Ground
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner, make_device, running_gateway
from tests.kit.waiting import until


@pytest.mark.parametrize("name", [CommandName.UNLOCK, CommandName.LOCK, CommandName.RING, CommandName.LOCATE])
async def test_an_obedient_unit_does_it(ground: Ground, gateway: Gateway, name: CommandName) -> None:
    async with ground.unit(gateway) as unit:
        command_id = await ground.order(name)
        assert (await ground.outcome(command_id)).is_done
        assert unit.commands[0].command_id == command_id


async def test_the_unit_gets_parameters_and_expiry(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway) as unit:
        command_id = await ground.order(CommandName.SPEED_LIMIT, params={"kmh": 12}, life_s=20)
        command = await unit.command()
        assert command.params == {"kmh": 12}
        assert command.expires_at == (await ground.command(command_id)).expires_at


@pytest.mark.parametrize(
    ("manner", "status", "code"),
    [
        (Manner.FAIL, CommandStatus.FAILED, "jammed"),
        (Manner.UNSUPPORTED, CommandStatus.FAILED, "unsupported"),
        (Manner.LIE, CommandStatus.FAILED, "state_disagrees"),
    ],
)
async def test_what_a_unit_does_not_do_is_failed(
    ground: Ground, gateway: Gateway, manner: Manner, status: CommandStatus, code: str
) -> None:
    async with ground.unit(gateway, manner):
        outcome = await ground.outcome(await ground.order())
        assert (outcome.status, outcome.code) == (status, code)


async def test_a_late_unit_is_waited_for(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway, Manner.LATE) as unit:
        command_id = await ground.order()
        command = await unit.command()
        outcome = asyncio.create_task(ground.outcome(command_id))
        await unit.finish(command)
        assert (await outcome).is_done


async def test_done_is_confirmed_by_a_report_that_says_so(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway, Manner.TERSE) as unit:
        command_id = await ground.order()
        await unit.command()
        await unit.report()  # still locked: no confirmation
        assert (await ground.command(command_id)).status is CommandStatus.ACKNOWLEDGED
        unit.locked = False
        await unit.report(event="unlocked")
        assert (await ground.outcome(command_id)).is_done


async def test_a_buffered_report_confirms_nothing(ground: Ground, gateway: Gateway, clock: SettableClock) -> None:
    async with ground.unit(gateway, Manner.TERSE) as unit:
        command_id = await ground.order()
        await unit.command()
        unit.locked = False
        late = unit.current()
        await unit.send_report(type(late)(seq=late.seq, device_at=late.device_at, locked=False, buffered=True))
        await unit.ping()
        assert (await ground.command(command_id)).status is CommandStatus.ACKNOWLEDGED


async def test_a_silent_unit_lets_the_command_expire(ground: Ground, gateway: Gateway, clock: SettableClock) -> None:
    async with ground.unit(gateway, Manner.NEVER) as unit:
        command_id = await ground.order(life_s=8)
        await unit.command()
        clock.advance(seconds=9)
        await devices.expire_due_commands(ground.rt)
        assert (await ground.outcome(command_id)).status is CommandStatus.EXPIRED


async def test_an_unlock_that_is_done_too_late_is_locked_again(
    ground: Ground, gateway: Gateway, clock: SettableClock
) -> None:
    async with ground.unit(gateway, Manner.LATE) as unit:
        command_id = await ground.order(life_s=8)
        late = await unit.command(CommandName.UNLOCK)
        clock.advance(seconds=9)
        unit.manner = Manner.OBEY
        await unit.finish(late)
        relock = await unit.command(CommandName.LOCK)
        assert (await ground.outcome(relock.command_id)).is_done
        assert unit.locked
        assert (await ground.command(command_id)).status is CommandStatus.EXPIRED
        assert (await ground.command(relock.command_id)).cause == f"command:{command_id}"


async def test_a_late_unlock_of_a_vehicle_that_moves_is_not_locked(
    ground: Ground, gateway: Gateway, clock: SettableClock
) -> None:
    async with ground.unit(gateway, Manner.LATE) as unit:
        await ground.order(life_s=8)
        late = await unit.command(CommandName.UNLOCK)
        clock.advance(seconds=9)
        await unit.report(speed_kmh=18.0)
        await unit.finish(late)
        await unit.report()  # by now the answer is judged
        assert [command.name for command in unit.commands] == [CommandName.UNLOCK]


async def test_the_gateway_does_not_lock_what_began_to_move(ground: Ground, gateway: Gateway) -> None:
    """The order was given on older knowledge: standing."""
    async with ground.unit(gateway) as unit:
        await unit.report(speed_kmh=15.0)
        outcome = await ground.outcome(await ground.order(CommandName.LOCK))
        assert (outcome.status, outcome.code) == (CommandStatus.REFUSED, "vehicle_moving")
        assert not unit.commands
        assert (await ground.outcome(await ground.order(CommandName.RING))).is_done


async def test_a_unit_that_is_away_is_refused_at_once(ground: Ground, gateway: Gateway) -> None:
    with pytest.raises(Refusal, match="device_offline"):
        await ground.order()
    async with ground.unit(gateway):
        await ground.order()
    await until_offline(ground)
    with pytest.raises(Refusal, match="device_offline"):
        await ground.order()


async def until_offline(ground: Ground) -> None:
    for _attempt in range(500):
        if (await ground.device()).session_id is None:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the unit is still connected")


async def test_the_connection_dies_between_command_and_answer(ground: Ground, gateway: Gateway) -> None:
    """The unit may have done it, so it is not sent again; its answer counts when it comes back in time."""
    async with ground.unit(gateway, Manner.HANG_UP) as unit:
        command_id = await ground.order()
        command = await unit.command()
        await unit.ended()
        await until_offline(ground)
        assert (await ground.command(command_id)).status is CommandStatus.SENT
        unit.manner = Manner.OBEY
        await unit.connect()
        await unit.report()
        assert len(unit.commands) == 1
        await unit.finish(command)
        assert (await ground.outcome(command_id)).is_done


async def test_answers_to_nothing_and_to_other_units_commands_change_nothing(
    ground: Ground, gateway: Gateway, rt: Runtime
) -> None:
    stranger = await make_device(rt, ground.fleet.operator_id)
    async with ground.unit(gateway, Manner.LATE) as unit, stranger.unit(rt, gateway) as other:
        command_id = await ground.order()
        await unit.command()
        for answered in (command_id, type(command_id)(command_id + 1_000_000)):
            await other.send(Ack(command_id=answered, status=AckStatus.DONE, locked=False))
        await other.ping()
        await other.until(lambda: len(other.received) == 2)
        assert (await ground.command(command_id)).status is CommandStatus.ACKNOWLEDGED


async def test_many_commands_at_once_each_have_their_outcome(ground: Ground, gateway: Gateway) -> None:
    async with ground.unit(gateway) as unit:
        ids = await asyncio.gather(*(ground.order(CommandName.RING) for _ in range(30)))
        outcomes = await asyncio.gather(*(ground.outcome(command_id) for command_id in ids))
        assert all(outcome.is_done for outcome in outcomes)
        assert sorted(command.command_id for command in unit.commands) == sorted(ids)


async def test_a_lost_notification_is_made_good_when_the_hub_listens_again(
    ground: Ground, gateway: Gateway, rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ground.unit(gateway):
        # As when the listening connection was down at the moment of the notification.
        monkeypatch.setattr(store, "COMMAND_CHANNEL", "nobody_listens")
        async with rt.db.write() as tx:
            command_id = await devices.request_command(tx, ground.request(), 5.0)
        async with rt.db.write() as tx:
            ended = await tx.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and query like 'listen%'"
            )
        assert ended >= 1
        assert (await ground.outcome(command_id)).is_done


async def test_two_gateways_and_a_unit_that_moves_between_them(ground: Ground, rt: Runtime) -> None:
    async with running_gateway(rt) as first, running_gateway(rt) as second:
        unit = ground.unit(first)
        await unit.connect()
        assert (await ground.outcome(await ground.order(CommandName.RING))).is_done

        # It turns up at the other one; the old socket has not noticed.
        moved = ground.unit(second)
        await moved.connect()
        assert moved.is_welcome
        assert (await ground.device()).session_id == second.id
        command_id = await ground.order(CommandName.UNLOCK)
        assert (await ground.outcome(command_id)).is_done
        assert [command.command_id for command in moved.commands] == [command_id]

        # The first gateway has heard of it and hung up, without ending the new session.
        await unit.ended()
        await until(lambda: not first.sessions, "the first gateway forgets the unit")
        await first.renew()
        assert (await ground.device()).session_id == second.id
        await moved.hang_up()


async def test_a_command_follows_the_unit_to_the_other_gateway(ground: Ground, rt: Runtime) -> None:
    """Asked for while the unit was at the first gateway; brought by the second."""
    async with running_gateway(rt) as first, running_gateway(rt) as second:
        unit = ground.unit(first)
        await unit.connect()
        async with rt.db.write() as tx:
            command_id = await devices.request_command(tx, ground.request(), 5.0)
            # Not yet committed: the unit moves meanwhile, and the notification goes to the first.
            moved = ground.unit(second)
            await moved.connect()
            await unit.ended()
        assert (await ground.outcome(command_id)).is_done
        assert [command.command_id for command in moved.commands] == [command_id]
        await moved.hang_up()
