"""An operator with a device, connected to a gateway that only its row knows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import pytest_asyncio

from isotope.domain import devices
from isotope.domain.devices.model import CommandName, CommandRequest, Motion, Scalar
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import CommandId, DeviceId, OperatorId


@dataclass
class Box:
    """A device, and the gateway process that holds it."""

    rt: Runtime
    operator_id: OperatorId
    device_id: DeviceId
    gateway_id: UUID
    identity: str
    secret: str
    connected_at: datetime

    def request(
        self,
        name: CommandName = CommandName.UNLOCK,
        *,
        params: dict[str, Scalar] | None = None,
        life_s: int = 30,
        speed_kmh: float | None = 0.0,
    ) -> CommandRequest:
        now = self.rt.clock.now()
        return CommandRequest(
            operator_id=self.operator_id,
            device_id=self.device_id,
            name=name,
            params=params or {},
            actor=SYSTEM,
            cause="test:1",
            now=now,
            life_s=life_s,
            facts=Motion(speed_kmh=speed_kmh, seen_at=now),
        )

    async def order(self, name: CommandName = CommandName.UNLOCK, *, life_s: int = 30) -> CommandId:
        async with self.rt.db.write() as tx:
            return await devices.request_command(tx, self.request(name, life_s=life_s), 5.0)

    def claim(self, command_id: CommandId) -> devices.ClaimCommand:
        return devices.ClaimCommand(
            operator_id=self.operator_id,
            command_id=command_id,
            gateway_id=self.gateway_id,
            connected_at=self.connected_at,
        )

    async def command(self, command_id: CommandId) -> devices.model.DeviceCommand:
        async with self.rt.db.read() as tx:
            found = await devices.find_command(tx, self.operator_id, command_id)
        assert found is not None
        return found


async def make_operator_row(rt: Runtime) -> OperatorId:
    async with rt.db.write() as tx:
        return OperatorId(
            await tx.scalar(
                "insert into operator (slug, name, currency, time_zone, languages, created_at)"
                " values (%(slug)s, 'Devices', 'EUR', 'Europe/Helsinki', '{en}', %(now)s) returning id",
                {"slug": f"d-{uuid4().hex[:20]}", "now": rt.clock.now()},
            )
        )


@pytest_asyncio.fixture
async def box(rt: Runtime) -> AsyncIterator[Box]:
    operator_id = await make_operator_row(rt)
    identity, secret, gateway_id = uuid4().hex[:15], uuid4().hex, uuid4()
    async with rt.db.write() as tx:
        device_id = await devices.upsert_device(tx, operator_id, "json_lines", identity, secret, rt.clock.now())
    await devices.register_gateway(rt, gateway_id, f"test/{gateway_id}")
    opened = await devices.open_session(
        rt,
        devices.OpenSession(
            protocol="json_lines",
            identity=identity,
            secret=secret,
            gateway_id=gateway_id,
            session_nr=1,
            address="192.0.2.1",
        ),
    )
    assert isinstance(opened, devices.OpenedSession)
    yield Box(rt, operator_id, device_id, gateway_id, identity, secret, rt.clock.now())
    await devices.close_gateway_sessions(rt, gateway_id)
