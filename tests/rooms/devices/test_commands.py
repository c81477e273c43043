"""Commands in the store: their life, their waiters, their late answers."""

import asyncio
from uuid import uuid4

import pytest

from isotope.domain import devices
from isotope.domain.devices.model import AckStatus, CommandName, CommandStatus, Motion
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import CommandId, OperatorId
from tests.kit.clock import SettableClock
from tests.rooms.devices.conftest import Box


def ack(
    box: Box, command_id: CommandId, status: AckStatus, *, locked: bool | None = None
) -> devices.AcknowledgeCommand:
    return devices.AcknowledgeCommand(
        operator_id=box.operator_id, device_id=box.device_id, command_id=command_id, status=status, locked=locked
    )


async def test_a_command_lives_from_request_to_done(box: Box) -> None:
    command_id = await box.order()
    assert (await box.command(command_id)).status is CommandStatus.REQUESTED
    claimed = await devices.claim_command(box.rt, box.claim(command_id))
    assert claimed is not None
    assert claimed.name is CommandName.UNLOCK
    assert (await box.command(command_id)).status is CommandStatus.SENT
    accepted = await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.ACCEPTED))
    assert accepted is not None
    assert accepted.outcome.status is CommandStatus.ACKNOWLEDGED
    done = await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.DONE, locked=False))
    assert done is not None
    assert done.outcome.is_done
    assert (await box.command(command_id)).finished_at == box.rt.clock.now()


async def test_a_command_is_claimed_once(box: Box) -> None:
    command_id = await box.order()
    claims = await asyncio.gather(*(devices.claim_command(box.rt, box.claim(command_id)) for _ in range(5)))
    assert sum(claim is not None for claim in claims) == 1


async def test_done_with_a_lock_that_disagrees_is_failed(box: Box) -> None:
    command_id = await box.order()
    await devices.claim_command(box.rt, box.claim(command_id))
    answered = await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.DONE, locked=True))
    assert answered is not None
    assert (answered.outcome.status, answered.outcome.code) == (CommandStatus.FAILED, "state_disagrees")


async def test_done_without_a_word_of_the_lock_waits_for_it(box: Box) -> None:
    command_id = await box.order(CommandName.LOCK)
    await devices.claim_command(box.rt, box.claim(command_id))
    answered = await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.DONE))
    assert answered is not None
    assert answered.outcome.status is CommandStatus.ACKNOWLEDGED
    assert answered.awaits_lock is True


async def test_an_offline_device_refuses_at_once(box: Box) -> None:
    await devices.close_gateway_sessions(box.rt, box.gateway_id)
    with pytest.raises(Refusal, match="device_offline"):
        await box.order()


async def test_a_device_of_a_dead_gateway_is_offline(box: Box, clock: SettableClock) -> None:
    clock.advance(seconds=devices.LEASE_S + 1)
    with pytest.raises(Refusal, match="device_offline"):
        await box.order()


async def test_a_refused_request_leaves_no_row(box: Box) -> None:
    with pytest.raises(Refusal, match="vehicle_moving"):
        async with box.rt.db.write() as tx:
            await devices.request_command(tx, box.request(CommandName.LOCK, speed_kmh=20), 5.0)
    async with box.rt.db.read() as tx:
        assert await devices.list_commands_of_cause(tx, box.operator_id, "test:1") == []


async def test_another_operator_sees_nothing(box: Box) -> None:
    command_id = await box.order()
    other = OperatorId(box.operator_id + 1_000_000)
    async with box.rt.db.read() as tx:
        assert await devices.find_command(tx, other, command_id) is None
        assert await devices.find_outcome(tx, other, command_id) is None
    with pytest.raises(LookupError):
        await devices.await_outcome(box.rt, other, command_id, 0.0)


async def test_a_unit_cannot_answer_for_another(box: Box, rt: Runtime) -> None:
    command_id = await box.order()
    await devices.claim_command(rt, box.claim(command_id))
    async with rt.db.write() as tx:
        stranger = await devices.upsert_device(tx, box.operator_id, "json_lines", uuid4().hex, "secret", rt.clock.now())
    answer = devices.AcknowledgeCommand(
        operator_id=box.operator_id, device_id=stranger, command_id=command_id, status=AckStatus.DONE, locked=False
    )
    assert await devices.acknowledge_command(rt, answer) is None
    assert (await box.command(command_id)).status is CommandStatus.SENT


async def test_a_unit_cannot_answer_what_was_not_sent(box: Box) -> None:
    command_id = await box.order()
    answered = await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.DONE, locked=False))
    assert answered is not None
    assert answered.outcome.status is CommandStatus.REQUESTED


# Expiry


async def test_a_command_claimed_after_its_expiry_is_expired(box: Box, clock: SettableClock) -> None:
    command_id = await box.order(life_s=5)
    clock.advance(seconds=5)
    assert await devices.claim_command(box.rt, box.claim(command_id)) is None
    assert (await box.command(command_id)).status is CommandStatus.EXPIRED


async def test_due_commands_expire(box: Box, clock: SettableClock) -> None:
    requested, sent, long_lived = await box.order(life_s=5), await box.order(life_s=5), await box.order(life_s=60)
    await devices.claim_command(box.rt, box.claim(sent))
    clock.advance(seconds=6)
    assert await devices.expire_due_commands(box.rt) >= 2
    assert (await box.command(requested)).status is CommandStatus.EXPIRED
    assert (await box.command(sent)).status is CommandStatus.EXPIRED
    assert (await box.command(long_lived)).status is CommandStatus.REQUESTED
    assert await devices.expire_due_commands(box.rt) == 0


async def late_unlock(box: Box, clock: SettableClock) -> CommandId:
    command_id = await box.order(life_s=5)
    await devices.claim_command(box.rt, box.claim(command_id))
    clock.advance(seconds=6)
    return command_id


async def test_a_late_unlock_is_answered_with_a_lock(box: Box, clock: SettableClock) -> None:
    command_id = await late_unlock(box, clock)
    answered = await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.DONE, locked=False))
    assert answered is not None
    assert answered.outcome.status is CommandStatus.EXPIRED
    assert answered.relock_id is not None
    relock = await box.command(answered.relock_id)
    assert (relock.name, relock.cause, relock.status) == (
        CommandName.LOCK,
        f"command:{command_id}",
        CommandStatus.REQUESTED,
    )
    assert (await box.command(command_id)).code == "answered_late"


async def test_a_late_unlock_that_stayed_locked_is_left_alone(box: Box, clock: SettableClock) -> None:
    command_id = await late_unlock(box, clock)
    answered = await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.DONE, locked=True))
    assert answered is not None
    assert answered.came_late
    assert answered.relock_id is None


async def test_a_late_unlock_under_a_newer_one_is_left_alone(box: Box, clock: SettableClock) -> None:
    command_id = await late_unlock(box, clock)
    await box.order()
    answered = await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.DONE, locked=False))
    assert answered is not None
    assert answered.relock_id is None


async def test_a_late_unlock_of_a_moving_vehicle_is_not_locked(box: Box, clock: SettableClock) -> None:
    command_id = await late_unlock(box, clock)
    moving = devices.AcknowledgeCommand(
        operator_id=box.operator_id,
        device_id=box.device_id,
        command_id=command_id,
        status=AckStatus.DONE,
        locked=False,
        motion=Motion(speed_kmh=18.0, seen_at=clock.now()),
    )
    answered = await devices.acknowledge_command(box.rt, moving)
    assert answered is not None
    assert answered.relock_id is None


async def test_giving_up_and_answering_exclude_each_other(box: Box) -> None:
    command_id = await box.order()
    await devices.claim_command(box.rt, box.claim(command_id))
    async with box.rt.db.write() as tx:
        given_up = await devices.give_up_command(tx, box.operator_id, command_id, box.rt.clock.now())
    assert given_up.status is CommandStatus.EXPIRED
    answered = await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.DONE, locked=False))
    assert answered is not None
    assert answered.relock_id is not None

    command_id = await box.order()
    await devices.claim_command(box.rt, box.claim(command_id))
    await devices.acknowledge_command(box.rt, ack(box, command_id, AckStatus.DONE, locked=False))
    async with box.rt.db.write() as tx:
        assert (await devices.give_up_command(tx, box.operator_id, command_id, box.rt.clock.now())).is_done


# At the socket


async def test_the_gateway_looks_again_before_it_writes(box: Box, clock: SettableClock) -> None:
    command_id = await box.order(CommandName.LOCK)
    claim = devices.ClaimCommand(
        operator_id=box.operator_id,
        command_id=command_id,
        gateway_id=box.gateway_id,
        connected_at=box.connected_at,
        motion=Motion(speed_kmh=6.0, seen_at=clock.now()),
    )
    assert await devices.claim_command(box.rt, claim) is None
    command = await box.command(command_id)
    assert (command.status, command.code) == (CommandStatus.REFUSED, "vehicle_moving")


@pytest.mark.parametrize(
    ("name", "status"), [(CommandName.LOCK, CommandStatus.REFUSED), (CommandName.UNLOCK, CommandStatus.SENT)]
)
async def test_what_stops_is_not_kept_for_a_unit_that_comes_back(
    box: Box, clock: SettableClock, name: CommandName, status: CommandStatus
) -> None:
    command_id = await box.order(name)
    claim = devices.ClaimCommand(
        operator_id=box.operator_id,
        command_id=command_id,
        gateway_id=box.gateway_id,
        connected_at=clock.advance(seconds=1),
    )
    await devices.claim_command(box.rt, claim)
    assert (await box.command(command_id)).status is status


async def test_a_gateway_without_the_socket_refuses_or_passes_on(box: Box, rt: Runtime) -> None:
    first = await box.order()
    gone = devices.ClaimCommand(
        operator_id=box.operator_id, command_id=first, gateway_id=box.gateway_id, connected_at=None
    )
    assert await devices.claim_command(rt, gone) is None
    assert (await box.command(first)).code == "device_offline"

    second = await box.order()
    elsewhere = uuid4()
    await devices.register_gateway(rt, elsewhere, f"test/{elsewhere}")
    await devices.open_session(
        rt,
        devices.OpenSession(
            protocol="json_lines",
            identity=box.identity,
            secret=box.secret,
            gateway_id=elsewhere,
            session_nr=1,
            address="192.0.2.1",
        ),
    )
    moved = devices.ClaimCommand(
        operator_id=box.operator_id, command_id=second, gateway_id=box.gateway_id, connected_at=None
    )
    assert await devices.claim_command(rt, moved) is None
    assert (await box.command(second)).status is CommandStatus.REQUESTED
    async with rt.db.read() as tx:
        waiting = await devices.list_requested_of_gateway(tx, elsewhere, rt.clock.now(), 10)
    assert waiting == [(box.operator_id, box.device_id, second)]


# Waiting for the outcome


async def test_await_outcome_is_woken(box: Box, rt: Runtime) -> None:
    devices.listen_for_outcomes(rt.hub)
    await rt.hub.start()
    command_id = await box.order()
    await devices.claim_command(rt, box.claim(command_id))
    waiting = asyncio.create_task(devices.await_outcome(rt, box.operator_id, command_id, 10.0))
    await asyncio.sleep(0)
    started = asyncio.get_running_loop().time()
    await devices.acknowledge_command(rt, ack(box, command_id, AckStatus.DONE, locked=False))
    assert (await waiting).is_done
    assert asyncio.get_running_loop().time() - started < 0.9


async def test_await_outcome_sees_what_was_there_before(box: Box, rt: Runtime) -> None:
    command_id = await box.order()
    await devices.claim_command(rt, box.claim(command_id))
    await devices.acknowledge_command(rt, ack(box, command_id, AckStatus.FAILED))
    outcome = await devices.await_outcome(rt, box.operator_id, command_id, 0.0)
    assert (outcome.status, outcome.code) == (CommandStatus.FAILED, "failed")


async def test_await_outcome_ends_in_time(box: Box, rt: Runtime) -> None:
    command_id = await box.order()
    outcome = await devices.await_outcome(rt, box.operator_id, command_id, 0.05)
    assert outcome.status is CommandStatus.REQUESTED
    assert not outcome.is_final


async def test_await_outcome_needs_no_notification(box: Box, rt: Runtime) -> None:
    """The hub does not listen at all here."""
    command_id = await box.order()
    await devices.claim_command(rt, box.claim(command_id))
    waiting = asyncio.create_task(devices.await_outcome(rt, box.operator_id, command_id, 10.0))
    await asyncio.sleep(0)
    await devices.acknowledge_command(rt, ack(box, command_id, AckStatus.DONE, locked=False))
    assert (await waiting).is_done
