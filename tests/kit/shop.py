"""An operator, a rider with a card, and a card provider on a socket: all that payments need, without any ride."""

from dataclasses import dataclass

from isotope.domain.payments import (
    Answer,
    Card,
    CardCall,
    CardPayment,
    Cards,
    Collect,
    OpenPayment,
    OpenRefund,
    Purpose,
    carry_out,
    collect,
    list_payments,
    open_payment,
    open_refund,
    resolve_card_calls,
)
from isotope.domain.tenants import Operators
from isotope.domain.wallet import (
    AccountKind,
    Charge,
    Entry,
    Posting,
    charge,
    check_ledger,
    get_standing,
    post,
    trial_balance,
)
from isotope.domain.wallet.model import Standing
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, rider_actor
from tests.kit.cards import SandboxKit, make_card
from tests.kit.clock import SettableClock
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator

CAUSE = "ride:1"
LATE_S = 21


@dataclass(frozen=True, slots=True)
class Shop:
    """An operator, a rider with a card, and a provider whose patience is short."""

    rt: Runtime
    clock: SettableClock
    sandbox: SandboxKit
    kit: OperatorKit
    rider: RiderKit
    card: Card
    cards: Cards
    operators: Operators

    async def owes(self, amount_minor: int) -> None:
        """A ride's bill of which everything is left to the card."""
        async with self.rt.db.write() as tx:
            await charge(
                tx,
                Charge(
                    operator_id=self.kit.operator.id,
                    rider_id=self.rider.id,
                    currency="EUR",
                    total_minor=amount_minor,
                    tax_minor=0,
                    reason="ride",
                    actor=rider_actor(self.rider.id),
                    cause=CAUSE,
                    now=self.clock.now(),
                    on_card=True,
                ),
            )

    async def open(self, amount_minor: int, *, reserve: bool = True, purpose: Purpose = Purpose.RIDE) -> CardCall:
        async with self.rt.db.write() as tx:
            _payment, call = await open_payment(
                tx,
                OpenPayment(
                    card=self.card,
                    purpose=purpose,
                    cause=CAUSE,
                    currency="EUR",
                    amount_minor=amount_minor,
                    reserve=reserve,
                    actor=rider_actor(self.rider.id),
                    now=self.clock.now(),
                ),
            )
        return call

    async def collect(self, due_minor: int) -> list[CardCall]:
        async with self.rt.db.write() as tx:
            return await collect(
                tx,
                Collect(
                    operator_id=self.kit.operator.id,
                    purpose=Purpose.RIDE,
                    cause=CAUSE,
                    card=self.card,
                    currency="EUR",
                    due_minor=due_minor,
                    actor=rider_actor(self.rider.id),
                    now=self.clock.now(),
                ),
            )

    async def refund(self, payment: CardPayment, amount_minor: int, cause: str = "refund:1") -> CardCall:
        """As a refund decides it: revenue goes down, the amount is on its way back."""
        async with self.rt.db.write() as tx:
            await post(
                tx,
                Posting(
                    operator_id=self.kit.operator.id,
                    currency="EUR",
                    reason="refund",
                    actor=SECRET_KEY,
                    cause=cause,
                    now=self.clock.now(),
                    entries=(
                        Entry(kind=AccountKind.REVENUE, amount_minor=-amount_minor),
                        Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=amount_minor, rider_id=self.rider.id),
                    ),
                ),
            )
            return await open_refund(
                tx,
                OpenRefund(
                    operator_id=self.kit.operator.id,
                    payment_id=payment.id,
                    amount_minor=amount_minor,
                    cause=cause,
                    actor=SECRET_KEY,
                    now=self.clock.now(),
                ),
            )

    async def do(self, *calls: CardCall) -> list[Answer | None]:
        return [await carry_out(self.rt, self.cards, self.kit.operator, call) for call in calls]

    async def look(self) -> int:
        """What the worker does every few seconds."""
        return await resolve_card_calls(self.rt, self.cards, self.operators)

    async def payments(self) -> list[CardPayment]:
        async with self.rt.db.read() as tx:
            return await list_payments(tx, self.kit.operator.id, CAUSE)

    async def payment(self) -> CardPayment:
        [only] = await self.payments()
        return only

    async def standing(self) -> Standing:
        async with self.rt.db.read() as tx:
            return await get_standing(tx, self.kit.operator.id, self.rider.id, "EUR")

    async def agree(self) -> None:
        """Ledger and provider say the same, and nothing is under way."""
        async with self.rt.db.read() as tx:
            assert await check_ledger(tx, self.kit.operator.id) == []
            sums = await trial_balance(tx, self.kit.operator.id)
        assert -sums[AccountKind.PROVIDER_CLEARING] == self.sandbox.totals(self.kit.operator.id).net_minor
        assert (await self.standing()).in_transit_minor == 0
        assert self.sandbox.open_reservations(self.kit.operator.id) == 0


async def open_shop(rt: Runtime, clock: SettableClock, sandbox: SandboxKit, card: str = "ok") -> Shop:
    kit = await make_operator(rt)
    rider = await make_rider(rt, kit.operator)
    async with rt.db.write() as tx:
        # The worker looks at the calls of all operators; those that other tests left open are none of ours.
        await tx.execute("update card_call set next_at = 'infinity' where status = 'OPEN'")
    return Shop(
        rt=rt,
        clock=clock,
        sandbox=sandbox,
        kit=kit,
        rider=rider,
        card=await make_card(rt, kit.operator, rider, sandbox, card),
        cards=Cards(provider=sandbox.provider()),
        operators=Operators(rt),
    )
