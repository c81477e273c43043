"""A card provider for tests: the sandbox on a real socket, in a thread of its own, and what a witness asks it.

with running_sandbox(clock) as sandbox:
    card = await make_card(rt, kit.operator, rider, sandbox, "ok")
    cards = sandbox.provider()
    ...
    assert sandbox.totals(kit.operator.id).net_minor == 250
"""

import asyncio
import sqlite3
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx2
import msgspec
import uvicorn.server

from isotope.adapters.cards import SandboxCards
from isotope.card_sandbox import Fault, Sandbox, SandboxSettings
from isotope.card_sandbox.faults import Faults
from isotope.card_sandbox.serve import make_config
from isotope.card_sandbox.store import Store
from isotope.card_sandbox.webhooks import SentWebhook
from isotope.domain.payments.model import Card, CardId, SavedCard
from isotope.domain.tenants.model import Operator
from isotope.infra.clock import Clock
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId
from tests.kit.riders import RiderKit

T = TypeVar("T")

KEY: Final = "sandbox-key-of-tests"
WEBHOOK_SECRET: Final = "sandbox-webhook-secret-of-tests"
_WAIT_S: Final = 30.0
_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What moved at the provider, minor units; of all currencies unless one was asked for."""

    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    dispute_won_minor: int = 0

    @property
    def net_minor(self) -> int:
        """What the operator has of it: what PROVIDER_CLEARING must be, below zero."""
        return self.captured_minor - self.refunded_minor - self.disputed_minor + self.dispute_won_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPayment:
    """A payment as the provider knows it; `status`: new, requires_action, authorised, captured, released, failed."""

    ref: str
    merchant: str
    card: str
    card_ref: str
    amount_minor: int
    currency: str
    status: str
    captured_minor: int
    refunded_minor: int
    code: str | None
    key: str
    confirm_url: str | None
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMovement:
    """Money that moved; `kind`: CAPTURED, REFUNDED, DISPUTED, DISPUTE_WON. Disputes have no key of ours."""

    kind: str
    payment_ref: str
    amount_minor: int
    call_key: str | None


class SandboxKit:
    """A running sandbox: where it is, and what the witness says. Everything blocks for a few milliseconds at most."""

    def __init__(self, url: str, sandbox: Sandbox, store: Store) -> None:
        self.url = url
        self.key = KEY
        self.webhook_secret = WEBHOOK_SECRET
        self._sandbox = sandbox
        self._store = store

    def provider(self, timeout_s: float = 20.0) -> SandboxCards:
        """The adapter. Give a short time only to tests of waiting."""
        return SandboxCards(url=self.url, key=KEY, webhook_secret=WEBHOOK_SECRET, timeout_s=timeout_s)

    def send_webhooks_to(self, url: str) -> None:
        """Where they go from now on; empty (as in the beginning): nowhere."""
        self._sandbox.webhooks.url = url

    @property
    def sent_webhooks(self) -> list[SentWebhook]:
        """Every try of every webhook so far, oldest first."""
        return list(self._sandbox.webhooks.sent)

    def totals(self, merchant: OperatorId | str, currency: str | None = None) -> Totals:
        """What moved for an operator."""
        rows = self._rows(
            "select kind, sum(amount) as amount from movement"
            " where merchant = :merchant and coalesce(:currency, currency) = currency group by kind",
            merchant=str(merchant),
            currency=currency,
        )
        return Totals(**{f"{row['kind'].lower()}_minor": row["amount"] for row in rows})

    def payments(self, merchant: OperatorId | str | None = None) -> list[SeenPayment]:
        """In the order in which they came; of one operator or of all."""
        rows = self._rows(
            "select p.*, c.name from payment p join card c on c.id = p.card"
            " where coalesce(:merchant, p.merchant) = p.merchant order by p.rowid",
            merchant=None if merchant is None else str(merchant),
        )
        return [
            SeenPayment(
                ref=row["id"],
                merchant=row["merchant"],
                card=row["name"],
                card_ref=row["card"],
                amount_minor=row["amount"],
                currency=row["currency"],
                status=row["status"],
                captured_minor=row["captured"],
                refunded_minor=row["refunded"],
                code=row["code"],
                key=row["key"],
                confirm_url=row["confirm_url"],
                description=row["description"],
            )
            for row in rows
        ]

    def payment(self, ref: str) -> SeenPayment:
        return next(one for one in self.payments() if one.ref == ref)

    def movements(self, merchant: OperatorId | str) -> list[SeenMovement]:
        """Everything that moved for an operator, oldest first."""
        rows = self._rows("select * from movement where merchant = :merchant order by rowid", merchant=str(merchant))
        return [
            SeenMovement(
                kind=row["kind"], payment_ref=row["payment"], amount_minor=row["amount"], call_key=row["call_key"]
            )
            for row in rows
        ]

    def open_reservations(self, merchant: OperatorId | str) -> int:
        """What is reserved and neither taken nor released, minor units."""
        return sum(one.amount_minor for one in self.payments(merchant) if one.status == "authorised")

    def choose_card(self, redirect_url: str, name: str = "ok") -> str:
        """What a rider does on the page for saving a card; where the browser is sent then."""
        return self._submit(redirect_url, {"card": name, "action": "save"})

    def cancel_setup(self, redirect_url: str) -> str:
        """The rider turns back; where the browser is sent then."""
        return self._submit(redirect_url, {"action": "cancel"})

    def confirm_3ds(self, redirect_url: str) -> str:
        """The rider confirms a payment; where the browser is sent then."""
        return self._submit(redirect_url, {"action": "confirm"})

    def decline_3ds(self, redirect_url: str) -> str:
        """The rider declines; where the browser is sent then."""
        return self._submit(redirect_url, {"action": "decline"})

    def dispute(self, payment_ref: str, amount_minor: int | None = None) -> str:
        """The rider disputes all (or a part) of what is left of a payment; the dispute's reference."""
        merchant = self.payment(payment_ref).merchant
        return str(self._control(merchant, "disputes", {"payment": payment_ref, "amount": amount_minor})["id"])

    def end_dispute(self, ref: str, *, won: bool) -> None:
        """The bank decides; won: the operator gets the money back."""
        merchant = self._rows("select merchant from dispute where id = :ref", ref=ref)[0]["merchant"]
        self._control(merchant, f"disputes/{ref}", {"won": won})

    def add_fault(self, kind: str, fault: Fault, times: int = 1) -> None:
        """What goes wrong with the next calls of a kind, whatever the card.

        Args:
            kind: authorise, charge, capture, release, refund, setup; or of what reads, `GET calls` and the like.
            fault: `done`, `lost` (never answered), `half`, `error`, `error_done`, `slow`: see `card_sandbox.faults`.
            times: how often.
        """
        self._sandbox.faults.add(kind, fault, times)

    @property
    def has_faults(self) -> bool:
        """Whether something is told to go wrong that has not yet."""
        return any(self._sandbox.faults._next.values())

    def forget_faults(self) -> None:
        """Nothing goes wrong any more, but what a card does by itself."""
        self._sandbox.faults = Faults()

    def save_card(self, merchant: OperatorId | str, name: str = "ok", customer_ref: str | None = None) -> SavedCard:
        """A card without the way over the page; without a customer a new one is made."""
        customer = customer_ref or self._control(merchant, "customers", {})["id"]
        made = self._control(merchant, f"customers/{customer}/cards", {"name": name})
        return SavedCard(
            customer_ref=customer,
            card_ref=made["id"],
            brand=made["brand"],
            last4=made["last4"],
            exp_month=made["exp_month"],
            exp_year=made["exp_year"],
        )

    def wake_webhooks(self) -> None:
        """Look now what fell due, such as disputes after the clock was advanced."""
        self._control("0", "customers", {})

    def _control(self, merchant: OperatorId | str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = _client().post(
            f"{self.url}/v1/control/{path}",
            content=msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {KEY}", "Sandbox-Merchant": str(merchant)},
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _submit(self, url: str, form: dict[str, str]) -> str:
        answer = _client().post(url, data=form)
        assert answer.status_code == 303, f"{answer.status_code}: {answer.text}"
        return answer.headers["location"]

    def _rows(self, sql: str, **values: Any) -> list[sqlite3.Row]:
        return self._store.run_now(lambda db: db.execute(sql, values).fetchall())


@contextmanager
def running_sandbox(
    clock: Clock,
    *,
    webhook_url: str = "",
    path: Path | None = None,
    slow_s: float = 0.05,
    hang_s: float = 0.0,
    hold_s: float = 0.2,
) -> Iterator[SandboxKit]:
    """The sandbox with this clock, until the block ends.

    Args:
        clock: what it reads the time from.
        webhook_url: where webhooks go; empty: nowhere.
        path: its file, to open it again later; None keeps all in memory.
        slow_s: how late the card `slow` is answered.
        hang_s: how long the client waits where it hears nothing. At once, so that a test waits for no time that a busy
            machine may need for a true answer; what is about waiting itself asks for more.
        hold_s: how long webhooks of the card `twice` wait to be overtaken.
    """
    settings = SandboxSettings(
        key=KEY,
        webhook_secret=WEBHOOK_SECRET,
        webhook_url=webhook_url,
        slow_s=slow_s,
        hang_s=hang_s,
        hold_s=hold_s,
        tick_s=0.1,
        backoff_s=(0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        page_size=3,
    )
    store = Store(path)
    sandbox = Sandbox(store, clock, settings)
    served = _Served(sandbox)
    try:
        port = _do(served.start())
        try:
            yield SandboxKit(f"http://127.0.0.1:{port}", sandbox, store)
        finally:
            _do(served.stop())
    finally:
        store.close()


class _Served:
    """uvicorn's protocol without its server, whose stopping takes a while each time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._state = uvicorn.server.ServerState()
        self._server: asyncio.Server | None = None
        self._webhooks: asyncio.Task[None] | None = None

    async def start(self) -> int:
        config = make_config(self._sandbox)
        config.load()
        loop = asyncio.get_running_loop()

        def connection() -> asyncio.Protocol:
            return config.http_protocol_class(config=config, server_state=self._state, app_state={}, _loop=loop)  # type: ignore[call-arg]

        self._server = await loop.create_server(connection, "127.0.0.1", 0)
        self._webhooks = loop.create_task(self._sandbox.webhooks.run())
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        assert self._server is not None
        assert self._webhooks is not None
        self._server.close()
        # What hangs on purpose is cut off.
        tasks = [self._webhooks, *self._state.tasks]
        for task in tasks:
            task.cancel()
        for one in list(self._state.connections):
            one.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()


@cache
def _client() -> httpx2.Client:
    """A browser for all: making one reads certificates, which takes longer than a page."""
    return httpx2.Client(timeout=_TIMEOUT_S, trust_env=False)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """A loop in a thread of its own, for every sandbox of this process: tests may block, or have no loop."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="card-sandbox-server", daemon=True).start()
    return loop


def _do(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result(_WAIT_S)


async def make_card(
    rt: Runtime,
    operator: Operator,
    rider: RiderKit,
    sandbox: SandboxKit,
    name: str = "ok",
    *,
    pays: tuple[str, ...] = ("SHARING",),
) -> Card:
    """A saved card of a rider, as saving it on the page would have left it.

    Args:
        rt: the runtime.
        operator: whose rider it is.
        rider: whose card it is.
        sandbox: where it is saved.
        name: which test card: see `isotope.card_sandbox.CARDS`.
        pays: the flows that the rider chose it for.
    """
    async with rt.db.write() as tx:
        customer = await tx.scalar(
            """
            select customer_ref from card_customer
             where operator_id = %(operator_id)s and rider_id = %(rider_id)s and provider = 'sandbox'
            """,
            {"operator_id": operator.id, "rider_id": rider.id},
        )
    saved = sandbox.save_card(operator.id, name, customer)
    params = {"operator_id": operator.id, "rider_id": rider.id, "now": rt.clock.now()} | msgspec.structs.asdict(saved)
    async with rt.db.write() as tx:
        await tx.execute(
            """
            insert into card_customer (operator_id, rider_id, provider, customer_ref)
            values (%(operator_id)s, %(rider_id)s, 'sandbox', %(customer_ref)s)
            on conflict do nothing
            """,
            params,
        )
        card_id = await tx.scalar(
            """
            insert into card (operator_id, rider_id, provider, customer_ref, card_ref, brand, last4, exp_month,
                              exp_year, created_at)
            values (%(operator_id)s, %(rider_id)s, 'sandbox', %(customer_ref)s, %(card_ref)s, %(brand)s, %(last4)s,
                    %(exp_month)s, %(exp_year)s, %(now)s)
            returning id
            """,
            params,
        )
        for flow in pays:
            await tx.execute(
                """
                insert into payment_choice (operator_id, rider_id, flow, method_id)
                values (%(operator_id)s, %(rider_id)s, %(flow)s, %(method_id)s)
                on conflict (operator_id, rider_id, flow) do update set method_id = excluded.method_id
                """,
                params | {"flow": flow, "method_id": f"card_{card_id}"},
            )
    return Card(
        operator_id=operator.id,
        id=CardId(card_id),
        rider_id=rider.id,
        provider="sandbox",
        customer_ref=saved.customer_ref,
        card_ref=saved.card_ref,
        brand=saved.brand,
        last4=saved.last4,
        exp_month=saved.exp_month,
        exp_year=saved.exp_year,
    )
