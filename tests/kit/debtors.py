"""A rider who spends, owes and is charged by a real provider on a socket, without any vehicle."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from isotope.domain.payments import (
    Answer,
    AutoTopUp,
    CardCall,
    CardPayment,
    Cards,
    OpenPayment,
    Purpose,
    SetAutoTopUp,
    after_spending,
    carry_out,
    collect_debts,
    list_cards,
    open_payment,
    plan_debt_collection,
    resolve_card_calls,
    set_auto_topup,
)
from isotope.domain.payments.rows import PAYMENT_COLUMNS, payment_row
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator, Settings
from isotope.domain.wallet import Charge, charge, check_ledger, get_standing, trial_balance
from isotope.domain.wallet.model import AccountKind, Standing
from isotope.domain.zones import Zones
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from tests.kit.cards import SandboxKit, make_card
from tests.kit.clock import SettableClock
from tests.kit.jobs import JobServices, run_due_jobs
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import make_operator

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Debtor:
    """One operator with one rider."""

    rt: Runtime
    clock: SettableClock
    sandbox: SandboxKit
    operator: Operator
    rider: RiderKit
    services: JobServices

    @property
    def cards(self) -> Cards:
        return self.services.cards

    async def card(self, name: str = "ok") -> None:
        """A new card that pays from now on."""
        await make_card(self.rt, self.operator, self.rider, self.sandbox, name)

    async def spend(self, amount_minor: int, *, skip: bool = False, cause: str = "") -> None:
        """As the end of a ride that the wallet pays: charge, collect what is missing, top up."""
        cause = cause or f"test:{next(_numbers)}"
        now = self.clock.now()
        async with self.rt.db.write() as tx:
            charged = await charge(
                tx,
                Charge(
                    operator_id=self.operator.id,
                    rider_id=self.rider.id,
                    currency="EUR",
                    total_minor=amount_minor,
                    tax_minor=0,
                    reason="ride",
                    actor=SYSTEM,
                    cause=cause,
                    now=now,
                ),
            )
            if charged.debt_minor:
                await plan_debt_collection(tx, self.operator, self.rider.id, "EUR", now)
            await after_spending(tx, self.rt, self.operator, self.rider.id, "EUR", cause, skip=skip)

    async def wants_top_ups(self, threshold_minor: int = 500, amount_minor: int = 1_000, **more: Any) -> AutoTopUp:
        command = SetAutoTopUp(
            operator=self.operator,
            rider_id=self.rider.id,
            is_on=True,
            threshold_minor=threshold_minor,
            amount_minor=amount_minor,
        )
        return await set_auto_topup(self.rt, self.cards, replace(command, **more))

    async def top_up(self, amount_minor: int) -> Answer | None:
        """The rider pays in by hand."""
        async with self.rt.db.write() as tx:
            [card, *_others] = await list_cards(tx, self.operator.id, self.rider.id)
            _payment, call = await open_payment(
                tx,
                OpenPayment(
                    card=card,
                    purpose=Purpose.TOP_UP,
                    cause=f"top_up:{next(_numbers)}",
                    currency="EUR",
                    amount_minor=amount_minor,
                    reserve=False,
                    actor=SYSTEM,
                    now=self.clock.now(),
                ),
            )
        return await self.do(call)

    async def do(self, call: CardCall) -> Answer | None:
        return await carry_out(self.rt, self.cards, self.operator, call)

    async def run_jobs(self, times: int = 1) -> list[str]:
        """What the worker's queue does now."""
        return await run_due_jobs(self.services, self.operator.id, times=times)

    async def collect(self) -> None:
        """What the worker does every ten seconds; other tests of this process left debts too."""
        while await collect_debts(self.rt, self.cards, self.services.operators):
            pass

    async def resolve(self) -> None:
        """What the worker does every five seconds."""
        while await resolve_card_calls(self.rt, self.cards, self.services.operators):
            pass

    async def standing(self) -> Standing:
        async with self.rt.db.read() as tx:
            return await get_standing(tx, self.operator.id, self.rider.id, "EUR")

    async def payments(self, *purposes: Purpose) -> list[CardPayment]:
        """Oldest first."""
        async with self.rt.db.read() as tx:
            found = await tx.all(
                payment_row,
                f"select {PAYMENT_COLUMNS} from card_payment where operator_id = %(operator_id)s order by id",
                {"operator_id": self.operator.id},
            )
        return [payment for payment in found if not purposes or payment.purpose in purposes]

    async def collection(self) -> tuple[int, float | None] | None:
        """Tries so far and minutes from now to the next; None: nothing is collected."""
        async with self.rt.db.read() as tx:
            rows = await tx.tuples(
                "select step, next_at from debt_collection where operator_id = %(operator_id)s",
                {"operator_id": self.operator.id},
            )
        for step, next_at in rows:
            return step, None if next_at is None else (next_at - self.clock.now()).total_seconds() / 60
        return None

    async def the_books_agree(self) -> None:
        """Ledger and provider say the same, and the ledger is whole."""
        async with self.rt.db.read() as tx:
            assert await check_ledger(tx, self.operator.id) == []
            clearing = (await trial_balance(tx, self.operator.id))[AccountKind.PROVIDER_CLEARING]
        assert -clearing == self.sandbox.totals(self.operator.id).net_minor


@asynccontextmanager
async def a_debtor(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit, *, settings: Settings | None = None
) -> AsyncIterator[Debtor]:
    """A rider without money and without a card; the provider's answers are waited for half a second."""
    kit = await make_operator(rt, settings=settings)
    services = JobServices(rt=rt, operators=Operators(rt), zones=Zones(rt), cards=Cards(provider=sandbox.provider()))
    await rt.hub.start()
    yield Debtor(rt, clock, sandbox, kit.operator, await make_rider(rt, kit.operator), services)
