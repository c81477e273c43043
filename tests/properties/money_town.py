"""The real thing beside the naive model: an operator with riders, cards, vehicles and a card provider on a socket.

Nothing here decides anything about money. Vehicles are told to obey or not; the provider can be cut off before or after
it was asked; `Town.look` reads what the store and the provider say.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import uuid4

from isotope.adapters.cards import SandboxCards
from isotope.domain.devices import (
    AcknowledgeCommand,
    ClaimCommand,
    OpenSession,
    acknowledge_command,
    claim_command,
    find_command,
    find_outcome,
    open_session,
    register_gateway,
)
from isotope.domain.devices.model import AckStatus, CommandName, CommandOutcome
from isotope.domain.payments import Answer, Card, Cards, Purpose, hurry_debt_collection
from isotope.domain.payments.model import CardEvent, DisputeFound, Merchant, Movement
from isotope.domain.payments.ports import ChargeCard, FindCall, OnPayment, SetupFound, SetupStarted, StartSetup
from isotope.domain.pricing import Tariff
from isotope.domain.sharing import record_ride_answer
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator, Settings
from isotope.domain.wallet import AccountKind, Difference, Standing, check_ledger, get_standing, trial_balance
from isotope.domain.zones import Zones
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import CommandId, OperatorId, VehicleId
from tests.kit.cards import SandboxKit, make_card, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.fleet import Fleet, make_fleet, tell_state
from tests.kit.jobs import JobServices
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import make_operator

VEHICLES: Final = 4

_FOR_EVER_S: Final = 1e9

Obedience = Literal["obeys", "refuses", "silent"]
Cut = Literal["before", "after"]


class Crash(BaseException):
    """The process is gone, as a kill -9 leaves it; no code expects this."""


class CutOff:
    """A provider at which the asking process dies once, when `cut` says so: before it asks, or with the answer in hand."""

    name = "sandbox"

    def __init__(self, provider: SandboxCards) -> None:
        self.cut: Cut | None = None
        self._provider = provider

    def _die(self, where: Cut) -> None:
        if self.cut == where:
            self.cut = None
            raise Crash

    async def charge(self, what: ChargeCard) -> Answer:
        self._die("before")
        answer = await self._provider.charge(what)
        self._die("after")
        return answer

    async def capture(self, what: OnPayment) -> Answer:
        self._die("before")
        answer = await self._provider.capture(what)
        self._die("after")
        return answer

    async def release(self, what: OnPayment) -> Answer:
        self._die("before")
        answer = await self._provider.release(what)
        self._die("after")
        return answer

    async def refund(self, what: OnPayment) -> Answer:
        self._die("before")
        answer = await self._provider.refund(what)
        self._die("after")
        return answer

    async def start_setup(self, what: StartSetup) -> SetupStarted:
        return await self._provider.start_setup(what)

    async def find_setup(self, merchant: Merchant, setup_ref: str) -> SetupFound:
        return await self._provider.find_setup(merchant, setup_ref)

    async def find_call(self, what: FindCall) -> Answer | None:
        return await self._provider.find_call(what)

    async def forget_card(self, merchant: Merchant, customer_ref: str, card_ref: str) -> None:
        await self._provider.forget_card(merchant, customer_ref, card_ref)

    async def find_dispute(self, merchant: Merchant, dispute_ref: str) -> DisputeFound | None:
        return await self._provider.find_dispute(merchant, dispute_ref)

    def list_movements(self, merchant: Merchant, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        return self._provider.list_movements(merchant, since, until)

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> CardEvent:
        return self._provider.read_event(headers, body, now)


@dataclass
class Units:
    """Stands in for waiting for a vehicle: by the time somebody waits, it has done as it does."""

    manner: Obedience = "obeys"

    async def await_outcome(
        self, rt: Runtime, operator_id: OperatorId, command_id: CommandId, _wait_s: float
    ) -> CommandOutcome | None:
        async with rt.db.read() as tx:
            command = await find_command(tx, operator_id, command_id)
        assert command is not None
        if self.manner != "silent":
            await claim_command(
                rt,
                ClaimCommand(
                    operator_id=operator_id,
                    command_id=command_id,
                    gateway_id=uuid4(),
                    connected_at=command.requested_at,
                ),
            )
            obeys = self.manner == "obeys"
            await acknowledge_command(
                rt,
                AcknowledgeCommand(
                    operator_id=operator_id,
                    device_id=command.device_id,
                    command_id=command_id,
                    status=AckStatus.DONE if obeys else AckStatus.FAILED,
                    locked=command.name is CommandName.LOCK if obeys else None,
                ),
            )
        async with rt.db.read() as tx:
            return await find_outcome(tx, operator_id, command_id)


@dataclass(frozen=True)
class Seen:
    """What the store and the provider say at one moment; rows as they are, by id."""

    standings: Sequence[Standing]
    lots: Sequence[list[int]]
    sums: Mapping[AccountKind, int]
    differences: Sequence[Difference]
    rides: Mapping[int, dict[str, Any]]
    fines: Mapping[int, dict[str, Any]]
    refunds: Mapping[int, dict[str, Any]]
    calls: Mapping[int, dict[str, Any]]
    payments: Mapping[int, dict[str, Any]]
    disputes: Mapping[int, dict[str, Any]]
    cards: Mapping[int, dict[str, Any]]
    collected: frozenset[int]
    moved: Mapping[str, int]

    @property
    def open_calls(self) -> list[dict[str, Any]]:
        return [call for call in self.calls.values() if call["status"] == "OPEN"]


_TABLES: Final = {
    "rides": """
        select id, rider_id, vehicle_id, status, total_minor, tax_minor, terms ->> 'payment_method_id' as method,
               charged_bonus_minor as bonus, charged_balance_minor as balance, charged_card_minor as card,
               card_pending_minor as pending, debt_minor as debt, currency
          from ride where operator_id = %(operator_id)s order by id
    """,
    "fines": """
        select id, ride_id, amount_minor, charged_balance_minor as balance, charged_card_minor as card,
               card_pending_minor as pending, debt_minor as debt
          from ride_fine where operator_id = %(operator_id)s order by id
    """,
    "refunds": """
        select id, ride_id, fine_id, amount_minor, taxes, card_pending_minor as pending,
               bonus_minor, balance_minor, card_minor, debt_minor
          from ride_refund where operator_id = %(operator_id)s order by id
    """,
    "payments": """
        select id, rider_id, card_id, purpose, cause, amount_minor, status, captured_minor, refunded_minor,
               provider_ref, redirect_url
          from card_payment where operator_id = %(operator_id)s order by id
    """,
    "calls": """
        select c.id, c.payment_id, c.kind, c.amount_minor, c.key, c.cause, c.status, c.code, p.purpose, p.card_id,
               p.rider_id, p.cause as paid_for, p.status as payment_status
          from card_call c join card_payment p on p.operator_id = c.operator_id and p.id = c.payment_id
         where c.operator_id = %(operator_id)s order by c.id
    """,
    "disputes": "select id, payment_id, status, amount_minor from card_dispute where operator_id = %(operator_id)s",
    "cards": "select id, rider_id, status from card where operator_id = %(operator_id)s",
}


@dataclass
class Town:
    """One operator. Closed with `close`."""

    rt: Runtime
    clock: SettableClock
    sandbox: SandboxKit
    operator: Operator
    riders: Sequence[RiderKit]
    fleet: Fleet
    cut_off: CutOff
    services: JobServices
    stack: ExitStack
    card_names: dict[int, str] = field(default_factory=dict)

    @property
    def cards(self) -> Cards:
        return self.services.cards

    async def save_card(self, rider: int, name: str) -> Card:
        """As saving it on the provider's page leaves it; it pays from now on."""
        kit = self.riders[rider]
        card = await make_card(self.rt, self.operator, kit, self.sandbox, name)
        self.card_names[card.id] = name
        async with self.rt.db.write() as tx:
            await hurry_debt_collection(tx, self.operator, kit.id, self.clock.now())
        return card

    async def find_free_vehicle(self) -> VehicleId | None:
        """One that can be ridden, heard of just now; those that did not obey were looked at by somebody."""
        async with self.rt.db.write() as tx:
            await tx.execute(
                """
                update vehicle set status = 'READY'
                 where operator_id = %(operator_id)s and held_by is null and status <> 'READY'
                """,
                {"operator_id": self.operator.id},
            )
            free: int | None = await tx.scalar(
                """
                select id from vehicle where operator_id = %(operator_id)s and status = 'READY' and held_by is null
                 order by id limit 1
                """,
                {"operator_id": self.operator.id},
            )
        if free is None:
            return None
        await self.hear_of(VehicleId(free))
        return VehicleId(free)

    async def hear_of(self, vehicle_id: VehicleId) -> None:
        device_id = self.fleet.device_ids[self.fleet.vehicle_ids.index(vehicle_id)]
        await tell_state(self.rt, self.operator.id, device_id)

    async def look(self) -> Seen:
        """Store and provider; nothing runs meanwhile."""
        who = {"operator_id": self.operator.id}
        async with self.rt.db.read() as tx:
            tables = {name: {row["id"]: row for row in await tx.dicts(sql, who)} for name, sql in _TABLES.items()}
            return Seen(
                **tables,
                standings=[
                    await get_standing(tx, self.operator.id, rider.id, self.operator.currency) for rider in self.riders
                ],
                lots=[
                    [
                        left
                        for (left,) in await tx.tuples(
                            """
                            select remaining_minor from bonus_lot
                             where operator_id = %(operator_id)s and rider_id = %(rider_id)s and remaining_minor > 0
                             order by remaining_minor
                            """,
                            {**who, "rider_id": rider.id},
                        )
                    ]
                    for rider in self.riders
                ],
                sums=await trial_balance(tx, self.operator.id),
                differences=await check_ledger(tx, self.operator.id),
                collected=frozenset(
                    rider_id
                    for (rider_id,) in await tx.tuples(
                        "select rider_id from debt_collection where operator_id = %(operator_id)s", who
                    )
                ),
                moved=self._moved(),
            )

    def _moved(self) -> dict[str, int]:
        """What moved at the provider, by our key: each key once."""
        moved: dict[str, int] = {}
        for one in self.sandbox.movements(self.operator.id):
            if one.call_key is not None:
                assert one.call_key not in moved, "a call moved money twice"
                moved[one.call_key] = one.amount_minor
        return moved

    async def close(self) -> None:
        await self.rt.db.close()
        self.stack.close()


async def open_town(
    database_url: str, *, riders: int, currency: str, tariff: Tariff, settings: Settings, card_names: Sequence[str]
) -> Town:
    """A town in which each rider has a card, and what other towns left open is looked after by nobody."""
    clock = SettableClock()
    db = Database(database_url, max_size=8)
    await db.open()
    rt = Runtime(db=db, clock=clock, hub=Hub(database_url), jobs=Jobs())
    stack = ExitStack()
    sandbox = stack.enter_context(running_sandbox(clock))
    cut_off = CutOff(sandbox.provider())
    cards = Cards(provider=cut_off, recorders={Purpose.RIDE: record_ride_answer}, public_url="http://town.example")
    services = JobServices(rt=rt, operators=Operators(rt), zones=Zones(rt), cards=cards)
    async with db.write() as tx:
        await tx.execute("update card_call set next_at = 'infinity' where status = 'OPEN'")
        await tx.execute("update debt_collection set next_at = null where next_at is not null")
        await tx.execute("update bonus_lot set expires_at = null where remaining_minor > 0 and expires_at is not null")
    kit = await make_operator(rt, currency=currency, settings=settings)
    fleet = await make_fleet(rt, kit.operator, VEHICLES, tariff=tariff)
    gateway_id = uuid4()
    await register_gateway(rt, gateway_id, f"town-{uuid4().hex}", lease_s=_FOR_EVER_S)
    for nr, identity in enumerate(fleet.identities):
        await open_session(
            rt,
            OpenSession(
                protocol="json_lines",
                identity=identity,
                secret=fleet.secret,
                gateway_id=gateway_id,
                session_nr=nr,
                address="127.0.0.1:1",
            ),
        )
    town = Town(
        rt=rt,
        clock=clock,
        sandbox=sandbox,
        operator=kit.operator,
        riders=[await make_rider(rt, kit.operator) for _ in range(riders)],
        fleet=fleet,
        cut_off=cut_off,
        services=services,
        stack=stack,
    )
    for rider, name in enumerate(card_names):
        await town.save_card(rider, name)
    return town


async def end_what_died() -> None:
    """What else the process was doing when it died is not done either; the pool's own tasks go on."""
    mine = ("resolve_card_calls.", "collect_debts.", "watch_trips.")
    left = [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__qualname__", "").startswith(mine)]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
