"""Who is connected where, and how it is known that nobody is."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from isotope.domain import devices
from isotope.domain.devices.model import CommandName, Device, DeviceSpec, RefusedReason
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from tests.kit.clock import SettableClock
from tests.rooms.devices.conftest import Box, make_operator_row


def login(
    box: Box, gateway_id: UUID, *, nr: int = 2, address: str = "192.0.2.1", secret: str | None = None
) -> devices.OpenSession:
    return devices.OpenSession(
        protocol="json_lines",
        identity=box.identity,
        secret=box.secret if secret is None else secret,
        gateway_id=gateway_id,
        session_nr=nr,
        address=address,
    )


async def device(box: Box) -> Device:
    async with box.rt.db.read() as tx:
        found = await devices.find_device(tx, box.operator_id, box.device_id)
    assert found is not None
    return found


async def renew(
    box: Box, gateway_id: UUID, *, sessions: Sequence[Device] = (), gone: Sequence[Device] = ()
) -> list[Device]:
    command = devices.RenewGateway(gateway_id=gateway_id, listener=f"test/{gateway_id}", sessions=sessions, gone=gone)
    return list(await devices.renew_gateway(box.rt, command))


@pytest.mark.parametrize("secret", ["", "wrong"])
async def test_a_wrong_secret_is_unknown_and_changes_nothing(box: Box, secret: str) -> None:
    before = await device(box)
    box.rt.clock.advance(seconds=60)  # type: ignore[attr-defined]
    assert await devices.open_session(box.rt, login(box, uuid4(), secret=secret)) is RefusedReason.UNKNOWN
    assert await device(box) == before


async def test_an_unknown_unit_is_not_stored(box: Box) -> None:
    unknown = devices.OpenSession(
        protocol="json_lines",
        identity=f"unknown-{box.identity}",
        secret=box.secret,
        gateway_id=box.gateway_id,
        session_nr=9,
        address="192.0.2.1",
    )
    assert await devices.open_session(box.rt, unknown) is RefusedReason.UNKNOWN
    async with box.rt.db.read() as tx:
        assert await tx.scalar("select count(*) from device where identity = %s", (unknown.identity,)) == 0


async def test_another_address_waits_until_the_old_socket_is_silent(box: Box, clock: SettableClock) -> None:
    elsewhere = uuid4()
    await devices.register_gateway(box.rt, elsewhere, f"test/{elsewhere}", 3_600)
    await renew(box, box.gateway_id)
    clock.advance(seconds=5)
    assert await devices.open_session(box.rt, login(box, elsewhere, address="198.51.100.9")) is RefusedReason.CONFLICT
    clock.advance(seconds=3)  # its gateway lives
    await renew(box, box.gateway_id)
    clock.advance(seconds=9)
    await renew(box, box.gateway_id)
    clock.advance(seconds=9)
    await renew(box, box.gateway_id)
    clock.advance(seconds=9)
    opened = await devices.open_session(box.rt, login(box, elsewhere, address="198.51.100.9"))
    assert isinstance(opened, devices.OpenedSession)
    assert (await device(box)).session_id == elsewhere


async def test_a_unit_of_a_dead_gateway_moves_at_once(box: Box, clock: SettableClock) -> None:
    elsewhere = uuid4()
    await devices.register_gateway(box.rt, elsewhere, f"test/{elsewhere}", 3_600)
    clock.advance(seconds=devices.LEASE_S)
    opened = await devices.open_session(box.rt, login(box, elsewhere, address="198.51.100.9"))
    assert isinstance(opened, devices.OpenedSession)


async def test_an_old_sockets_end_does_not_end_the_new_session(box: Box) -> None:
    old = await device(box)
    opened = await devices.open_session(box.rt, login(box, box.gateway_id, nr=2))
    assert isinstance(opened, devices.OpenedSession)
    await renew(box, box.gateway_id, gone=[old])
    assert (await device(box)).session_nr == 2
    await renew(box, box.gateway_id, gone=[opened.device])
    assert (await device(box)).session_id is None


async def test_a_new_gateway_at_the_same_address_clears_its_predecessor(box: Box) -> None:
    successor = uuid4()
    cleared = await devices.register_gateway(box.rt, successor, f"test/{box.gateway_id}")
    assert cleared == 1
    assert (await device(box)).session_id is None
    await devices.close_gateway_sessions(box.rt, successor)


async def test_the_living_clear_up_after_the_dead(box: Box, clock: SettableClock) -> None:
    living = uuid4()
    await devices.register_gateway(box.rt, living, f"test/{living}")
    clock.advance(seconds=devices.LEASE_S)
    await renew(box, living)
    assert (await device(box)).session_id is None
    await devices.close_gateway_sessions(box.rt, living)


async def test_a_gateway_that_was_cut_off_has_its_units_again(box: Box, clock: SettableClock) -> None:
    """The store was away for longer than the lease, and another gateway cleared up."""
    held = await device(box)
    clock.advance(seconds=60)
    living = uuid4()
    await devices.register_gateway(box.rt, living, f"test/{living}", 3_600)
    assert (await device(box)).session_id is None
    assert await renew(box, box.gateway_id, sessions=[held]) == []
    assert (await device(box)).session_id == box.gateway_id
    assert await box.order() > 0
    await devices.close_gateway_sessions(box.rt, living)


async def test_a_unit_that_went_elsewhere_meanwhile_stays_there(box: Box, clock: SettableClock) -> None:
    held = await device(box)
    clock.advance(seconds=60)
    living = uuid4()
    await devices.register_gateway(box.rt, living, f"test/{living}", 3_600)
    await devices.open_session(box.rt, login(box, living))
    assert await renew(box, box.gateway_id, sessions=[held]) == [held]
    assert (await device(box)).session_id == living
    await devices.close_gateway_sessions(box.rt, living)


async def test_commands_that_were_asked_for_on_the_way_come_with_the_login(box: Box) -> None:
    waiting = await box.order(CommandName.UNLOCK)
    opened = await devices.open_session(box.rt, login(box, box.gateway_id))
    assert isinstance(opened, devices.OpenedSession)
    assert list(opened.waiting) == [waiting]


async def test_authenticate_opens_no_session(box: Box) -> None:
    await devices.close_gateway_sessions(box.rt, box.gateway_id)
    assert await devices.authenticate_device(box.rt, "json_lines", box.identity, "wrong") is None
    known = await devices.authenticate_device(box.rt, "json_lines", box.identity, box.secret)
    assert known is not None
    assert known.id == box.device_id
    assert (await device(box)).session_id is None


async def test_upserting_devices_is_idempotent_and_rotates_secrets(box: Box, rt: Runtime) -> None:
    async with rt.db.write() as tx:
        assert (
            await devices.upsert_device(tx, box.operator_id, "json_lines", box.identity, "a new secret", rt.clock.now())
            == box.device_id
        )
    assert await devices.authenticate_device(rt, "json_lines", box.identity, box.secret) is None
    assert await devices.authenticate_device(rt, "json_lines", box.identity, "a new secret") is not None


async def test_a_device_of_another_operator_is_not_taken(box: Box, rt: Runtime) -> None:
    other = await make_operator_row(rt)
    spec = DeviceSpec(protocol="json_lines", identity=box.identity, secret="stolen")
    with pytest.raises(Refusal, match="device_identity_taken"):
        async with rt.db.write() as tx:
            await devices.upsert_devices(tx, other, [spec], rt.clock.now())
    assert await devices.authenticate_device(rt, "json_lines", box.identity, box.secret) is not None
    assert "stolen" not in repr(spec)
