"""A gateway, a vehicle with its unit, and orders to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from isotope.domain import devices
from isotope.domain.devices.model import CommandName, CommandOutcome, CommandRequest, DeviceCommand, Motion, Scalar
from isotope.domain.fleet import VehicleState, get_vehicle
from isotope.gateway.server import Gateway
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import CommandId
from tests.kit.devices import FakeUnit, Manner, running_gateway
from tests.kit.fleet import Fleet, make_fleet
from tests.kit.tenants import make_operator


@dataclass
class Ground:
    """One vehicle of one operator, and who orders it about."""

    rt: Runtime
    fleet: Fleet

    def unit(self, gateway: Gateway, manner: Manner = Manner.OBEY, *, local_address: str | None = None) -> FakeUnit:
        return FakeUnit(
            gateway.port,
            self.fleet.identities[0],
            self.fleet.secret,
            manner=manner,
            now=self.rt.clock.now,
            local_address=local_address,
        )

    def request(
        self,
        name: CommandName = CommandName.UNLOCK,
        *,
        params: dict[str, Scalar] | None = None,
        life_s: int = 30,
    ) -> CommandRequest:
        """Ordered by somebody who takes the vehicle for standing."""
        now = self.rt.clock.now()
        return CommandRequest(
            operator_id=self.fleet.operator_id,
            device_id=self.fleet.device_id,
            name=name,
            params=params or {},
            actor=SYSTEM,
            cause="test:1",
            now=now,
            life_s=life_s,
            facts=Motion(speed_kmh=0.0, seen_at=now),
        )

    async def order(
        self,
        name: CommandName = CommandName.UNLOCK,
        *,
        params: dict[str, Scalar] | None = None,
        life_s: int = 30,
    ) -> CommandId:
        async with self.rt.db.write() as tx:
            return await devices.request_command(tx, self.request(name, params=params, life_s=life_s), 5.0)

    async def outcome(self, command_id: CommandId, wait_s: float = 10.0) -> CommandOutcome:
        return await devices.await_outcome(self.rt, self.fleet.operator_id, command_id, wait_s)

    async def command(self, command_id: CommandId) -> DeviceCommand:
        async with self.rt.db.read() as tx:
            found = await devices.find_command(tx, self.fleet.operator_id, command_id)
        assert found is not None
        return found

    async def device(self) -> devices.model.Device:
        async with self.rt.db.read() as tx:
            found = await devices.find_device(tx, self.fleet.operator_id, self.fleet.device_id)
        assert found is not None
        return found

    async def state(self) -> VehicleState:
        async with self.rt.db.read() as tx:
            found = await get_vehicle(tx, self.fleet.operator_id, vehicle_id=self.fleet.vehicle_id)
        assert found.state is not None
        return found.state

    async def history(self) -> list[dict[str, object]]:
        async with self.rt.db.read() as tx:
            return await tx.dicts(
                "select * from vehicle_report where operator_id = %(o)s and vehicle_id = %(v)s order by device_at",
                {"o": self.fleet.operator_id, "v": self.fleet.vehicle_id},
            )


@pytest_asyncio.fixture
async def ground(rt: Runtime) -> Ground:
    devices.listen_for_outcomes(rt.hub)
    await rt.hub.start()
    kit = await make_operator(rt)
    return Ground(rt, await make_fleet(rt, kit.operator, is_heard=False))


@pytest_asyncio.fixture
async def gateway(rt: Runtime) -> AsyncIterator[Gateway]:
    async with running_gateway(rt) as running:
        yield running
