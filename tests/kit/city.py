"""A whole small system in this process: the API, the gateway, an operator's fleet with speaking units, riders."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from isotope.domain.payments import Card
from isotope.domain.tenants.model import RideSettings, Settings
from isotope.domain.wallet import AddMoney, MoneyKind, add_money, get_standing
from isotope.domain.wallet.model import Standing
from isotope.gateway.server import Gateway
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY
from isotope.kernel.geo import Point
from tests.kit.cards import SandboxKit, make_card
from tests.kit.devices import FakeUnit, Manner, running_gateway
from tests.kit.fleet import HOME, Fleet, make_fleet
from tests.kit.http import OPENAPI, Api, run_api
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator

# A unit that says nothing costs a test this long.
QUICK = Settings(rides=RideSettings(unlock_wait_s=1))


@dataclass(frozen=True, slots=True)
class City:
    """One operator with a fleet whose units are connected, unless told otherwise."""

    rt: Runtime
    api: Api
    gateway: Gateway
    kit: OperatorKit
    fleet: Fleet
    units: list[FakeUnit]
    sandbox: SandboxKit | None = None

    @property
    def unit(self) -> FakeUnit:
        return self.units[0]

    def is_unlocked(self, vehicle: int = 0) -> bool:
        """As the unit itself sees it."""
        return not self.units[vehicle].locked

    async def rider(self, balance_minor: int = 10_000) -> RiderKit:
        """A rider with money."""
        rider = await make_rider(self.rt, self.kit.operator)
        if balance_minor:
            await self.give(rider, balance_minor)
        return rider

    async def give(self, rider: RiderKit, amount_minor: int, kind: MoneyKind = MoneyKind.BALANCE) -> None:
        await add_money(
            self.rt,
            AddMoney(
                operator=self.kit.operator,
                rider_id=rider.id,
                amount_minor=amount_minor,
                kind=kind,
                actor=SECRET_KEY,
                idempotency_key=None,
            ),
        )

    async def standing(self, rider: RiderKit) -> Standing:
        async with self.rt.db.read() as tx:
            return await get_standing(tx, self.kit.operator.id, rider.id, self.kit.operator.currency)

    async def ask(self, rider: RiderKit, path: str, body: dict[str, Any] | None = None) -> httpx2.Response:
        """A JSON call as the rider's app makes it, such as `sharing/pause`."""
        return await self.api.post(f"{OPENAPI}/{path}", body or {}, key=self.kit.public_key, token=rider.token)

    async def ask_as_owner(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return await self.api.post(f"{OPENAPI}/{path}", body, key=self.kit.public_key, token=self.kit.secret_key)

    async def card(self, rider: RiderKit, name: str = "ok") -> Card:
        """A saved card of the rider's, chosen for rides."""
        assert self.sandbox is not None, "the city was made without a card provider"
        return await make_card(self.rt, self.kit.operator, rider, self.sandbox, name)

    async def start(self, rider: RiderKit, vehicle: int = 0, at: Point = HOME, **more: Any) -> httpx2.Response:
        body = {
            "vehicle_id": self.fleet.vehicle_ids[vehicle],
            "user_latitude": at.lat,
            "user_longitude": at.lon,
            **more,
        }
        return await self.ask(rider, "sharing/start-ride", body)

    async def end(self, rider: RiderKit, at: Point = HOME, files: Any = None, **more: Any) -> httpx2.Response:
        """As an app ends the only ride: multipart, with the phone's position of now."""
        fields = {
            "user_latitude": at.lat,
            "user_longitude": at.lon,
            "user_location_timestamp": int(self.rt.clock.now().timestamp()),
            **more,
        }
        return await self.api.form(
            f"{OPENAPI}/sharing/end-ride", fields, files, key=self.kit.public_key, token=rider.token
        )

    async def vehicle_status(self, vehicle: int = 0) -> tuple[str, str | None]:
        """Status and holder as the store has them."""
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                "select status, held_by from vehicle where operator_id = %(operator_id)s and id = %(id)s",
                {"operator_id": self.kit.operator.id, "id": self.fleet.vehicle_ids[vehicle]},
            )
        return rows[0][0], rows[0][1]

    async def rides(self) -> list[dict[str, Any]]:
        """Every ride of the operator, oldest first."""
        async with self.rt.db.read() as tx:
            return await tx.dicts(
                "select * from ride where operator_id = %(operator_id)s order by id",
                {"operator_id": self.kit.operator.id},
            )


@asynccontextmanager
async def small_city(
    rt: Runtime,
    folder: Path,
    *,
    vehicles: int = 1,
    manner: Manner = Manner.OBEY,
    settings: Settings = QUICK,
    connected: bool = True,
    sandbox: SandboxKit | None = None,
    card_required: bool = False,
    **fleet: Any,
) -> AsyncIterator[City]:
    """A city whose units are logged in and take commands in that manner; with a `sandbox` it takes cards."""
    kit = await make_operator(rt, settings=settings, card_required=card_required)
    made = await make_fleet(rt, kit.operator, vehicles, **fleet)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running_gateway(rt))
        api = await stack.enter_async_context(run_api(rt, folder))
        if sandbox is not None:
            services = api.services
            services.cards = replace(services.cards, provider=sandbox.provider())
        units = [
            FakeUnit(gateway.port, identity, made.secret, manner=manner, now=rt.clock.now)
            for identity in made.identities
        ]
        if connected:
            for unit in units:
                await stack.enter_async_context(unit)
        yield City(rt, api, gateway, kit, made, units, sandbox)
