"""The sandbox as an ASGI application: who may ask, what is asked, and that nothing is done twice for one key."""

import asyncio
import contextlib
import hashlib
import hmac
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
import structlog

from isotope.card_sandbox import disputes, movements, pages, payments, setups
from isotope.card_sandbox.cards import CARDS
from isotope.card_sandbox.desk import Desk, Reply, Wrong
from isotope.card_sandbox.faults import FAULTS, Fault, Faults
from isotope.card_sandbox.http import (
    Receive,
    Request,
    Response,
    Scope,
    Send,
    as_json,
    as_page,
    read_request,
    redirect,
    send_response,
)
from isotope.card_sandbox.store import Store
from isotope.card_sandbox.webhooks import BACKOFF_S, Webhooks
from isotope.card_sandbox.wire import (
    AddCard,
    AddFault,
    Amount,
    Charge,
    EndDispute,
    Nothing,
    OpenDispute,
    StartSetup,
)
from isotope.infra.clock import Clock

_log = structlog.get_logger(__name__)

T = TypeVar("T")
A = TypeVar("A", bound=msgspec.Struct)

_MERCHANT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_REF: Final = r"([A-Za-z0-9_-]{1,100})"


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How it behaves.

    Attributes:
        key: the API key, for every merchant.
        webhook_url: where webhooks go.
        slow_s: how late `slow` answers.
        hang_s: how long what is never answered waits for the client to hang up, until it is told 504; nothing waits for
            ever, or the process could not end.
        dispute_after_s: how long after a capture `dispute_later` disputes it.
        hold_s: how long webhooks of `twice` wait to be overtaken.
        tick_s: how often it looks what fell due.
        backoff_s: how long it waits before each further try of a webhook.
        page_size: how many movements are told at once.
    """

    key: str
    webhook_secret: str
    webhook_url: str
    slow_s: float = 2.0
    hang_s: float = 60.0
    dispute_after_s: float = 60.0
    hold_s: float = 1.0
    tick_s: float = 1.0
    backoff_s: tuple[float, ...] = BACKOFF_S
    page_size: int = 100


Handler = Callable[[Request, str], Awaitable[Response]]


class Sandbox:
    """The application. Its loop must be the one that serves it."""

    def __init__(self, store: Store, clock: Clock, settings: SandboxSettings) -> None:
        self.faults = Faults()
        self.webhooks = Webhooks(
            store,
            clock,
            url=settings.webhook_url,
            secret=settings.webhook_secret,
            backoff_s=settings.backoff_s,
            hold_s=settings.hold_s,
            tick_s=settings.tick_s,
        )
        self._store = store
        self._clock = clock
        self._settings = settings
        self._routes: tuple[tuple[str, re.Pattern[str], Handler], ...] = tuple(
            (method, re.compile(path), handler)
            for method, path, handler in (
                ("GET", "/health()", self._health),
                ("GET", f"/setup/{_REF}", self._show_setup),
                ("POST", f"/setup/{_REF}", self._choose_card),
                ("GET", f"/confirm/{_REF}", self._show_confirmation),
                ("POST", f"/confirm/{_REF}", self._confirm),
                ("POST", "/v1/setups()", self._start_setup),
                ("GET", f"/v1/setups/{_REF}", self._get_setup),
                ("POST", "/v1/payments()", self._charge),
                ("GET", f"/v1/payments/{_REF}", self._get_payment),
                ("POST", f"/v1/payments/{_REF}/capture", self._capture),
                ("POST", f"/v1/payments/{_REF}/release", self._release),
                ("POST", f"/v1/payments/{_REF}/refunds", self._refund),
                ("GET", "/v1/calls()", self._find_call),
                ("POST", f"/v1/cards/{_REF}/remove", self._remove_card),
                ("GET", "/v1/movements()", self._list_movements),
                ("GET", f"/v1/disputes/{_REF}", self._get_dispute),
                ("POST", "/v1/control/customers()", self._add_customer),
                ("POST", f"/v1/control/customers/{_REF}/cards", self._add_card),
                ("POST", "/v1/control/disputes()", self._open_dispute),
                ("POST", f"/v1/control/disputes/{_REF}", self._end_dispute),
                ("POST", "/v1/control/faults()", self._add_fault),
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            request = await read_request(scope, receive)
            response = await self._answer(request)
        except Wrong as wrong:
            response = as_json(wrong.status, {"error": {"code": wrong.code, "payment": None}})
        except Exception:  # noqa: BLE001 - a fault of the sandbox is an answer too
            _log.exception("card_sandbox.failed", path=scope["path"])
            response = as_json(500, {"error": {"code": "internal", "payment": None}})
        if response.never:
            await _hang(receive, self._settings.hang_s)
            response = as_json(504, {"error": {"code": "timed_out", "payment": None}})
        await send_response(response, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        running = asyncio.create_task(self.webhooks.run())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request) -> Response:
        for method, path, handler in self._routes:
            found = path.fullmatch(request.path)
            if found and method == request.method:
                if request.path.startswith("/v1/"):
                    # Before the body is looked at.
                    self._merchant(request)
                return await handler(request, found.group(1))
        raise Wrong(404, "path_unknown")

    # The pages: who knows the address may use it.

    async def _health(self, _request: Request, _ref: str) -> Response:
        return as_json(200, {"status": "ok"})

    async def _show_setup(self, _request: Request, token: str) -> Response:
        setup = await self._store.run(lambda db: setups.find_by_token(db, token))
        return as_page(404, pages.unknown_page()) if setup is None else as_page(200, pages.setup_page(setup))

    async def _choose_card(self, request: Request, token: str) -> Response:
        setup = await self._store.run(lambda db: setups.find_by_token(db, token))
        if setup is None:
            return as_page(404, pages.unknown_page())
        form = request.form()
        name = None if form.get("action") == "cancel" else form.get("card", "")
        if name is not None and name not in CARDS:
            return as_page(400, pages.setup_page(setup, fault="Please choose one of the cards."))
        await self._at_desk(setup["merchant"], lambda desk: setups.choose(desk, token, name))
        self.webhooks.wake()
        return redirect(setup["cancel_url"] if name is None else setup["return_url"])

    async def _show_confirmation(self, _request: Request, token: str) -> Response:
        payment = await self._store.run(lambda db: payments.find_by_token(db, token))
        return as_page(404, pages.unknown_page()) if payment is None else as_page(200, pages.confirm_page(payment))

    async def _confirm(self, request: Request, token: str) -> Response:
        payment = await self._store.run(lambda db: payments.find_by_token(db, token))
        if payment is None:
            return as_page(404, pages.unknown_page())
        action = request.form().get("action")
        if action not in {"confirm", "decline"}:
            return as_page(400, pages.confirm_page(payment))
        await self._at_desk(payment["merchant"], lambda desk: payments.confirm(desk, token, agrees=action == "confirm"))
        self.webhooks.wake()
        url = payment["return_url"]
        return redirect(url) if url else as_page(200, pages.ended_page(url))

    # What a merchant asks.

    async def _start_setup(self, request: Request, _ref: str) -> Response:
        ask = _decode(request, StartSetup)
        return await self._once(request, "setup", lambda desk: setups.start(desk, ask))

    async def _get_setup(self, request: Request, ref: str) -> Response:
        return await self._read(request, lambda desk: setups.get(desk, ref))

    async def _charge(self, request: Request, _ref: str) -> Response:
        ask = _decode(request, Charge)
        kind = "charge" if ask.capture else "authorise"
        return await self._once(request, kind, lambda desk: payments.charge(desk, ask), card=ask.card)

    async def _get_payment(self, request: Request, ref: str) -> Response:
        return await self._read(request, lambda desk: payments.get_payment(desk, ref))

    async def _capture(self, request: Request, ref: str) -> Response:
        ask = _decode(request, Amount)
        return await self._once(request, "capture", lambda desk: payments.capture(desk, ref, ask), payment=ref)

    async def _release(self, request: Request, ref: str) -> Response:
        _decode(request, Nothing)
        return await self._once(request, "release", lambda desk: payments.release(desk, ref), payment=ref)

    async def _refund(self, request: Request, ref: str) -> Response:
        ask = _decode(request, Amount)
        return await self._once(request, "refund", lambda desk: payments.refund(desk, ref, ask), payment=ref)

    async def _find_call(self, request: Request, _ref: str) -> Response:
        key = _key(request)
        return await self._read(request, payments.find_call, key=key)

    async def _remove_card(self, request: Request, ref: str) -> Response:
        customer = request.query.get("customer", "")
        return await self._read(request, lambda desk: setups.remove_card(desk, customer, ref))

    async def _list_movements(self, request: Request, _ref: str) -> Response:
        try:
            since = msgspec.convert(request.query.get("since"), datetime)
            until = msgspec.convert(request.query.get("until"), datetime)
            after = msgspec.convert(request.query.get("after"), int | None, strict=False)
        except msgspec.ValidationError as error:
            raise Wrong(400, "query_invalid") from error
        return await self._read(
            request, lambda desk: movements.list_movements(desk, since, until, after, self._settings.page_size)
        )

    async def _get_dispute(self, request: Request, ref: str) -> Response:
        return await self._read(request, lambda desk: disputes.get(desk, ref))

    # What only tests and demos ask.

    async def _add_customer(self, request: Request, _ref: str) -> Response:
        return await self._read(request, lambda desk: {"id": setups.add_customer(desk)})

    async def _add_card(self, request: Request, ref: str) -> Response:
        ask = _decode(request, AddCard)
        return await self._read(request, lambda desk: setups.add_card(desk, ref, ask.name))

    async def _open_dispute(self, request: Request, _ref: str) -> Response:
        ask = _decode(request, OpenDispute)
        return await self._read(request, lambda desk: disputes.open_dispute(desk, ask))

    async def _end_dispute(self, request: Request, ref: str) -> Response:
        ask = _decode(request, EndDispute)
        return await self._read(request, lambda desk: disputes.end_dispute(desk, ref, won=ask.won))

    async def _add_fault(self, request: Request, _ref: str) -> Response:
        ask = _decode(request, AddFault)
        fault = next((known for known in FAULTS if known == ask.fault), None)
        if fault is None:
            raise Wrong(400, "fault_unknown")
        self.faults.add(ask.kind, fault, ask.times)
        return as_json(200, {})

    # How it is asked.

    async def _read(self, request: Request, work: Callable[[Desk], Any], *, key: str = "") -> Response:
        """What may be asked again without harm."""
        merchant = self._merchant(request)
        kind = f"{request.method} {request.path.split('/')[2]}"
        fault = self.faults.take(kind)
        if fault in {"lost", "error"}:
            return _faulty(fault, as_json(500, {}))
        body = await self._at_desk(merchant, work, key=key)
        self.webhooks.wake()
        if fault == "slow":
            await asyncio.sleep(self._settings.slow_s)
        return _faulty(fault, as_json(200, body))

    async def _once(
        self,
        request: Request,
        kind: str,
        work: Callable[[Desk], Reply],
        *,
        card: str | None = None,
        payment: str | None = None,
    ) -> Response:
        """Do it for its idempotency key, or repeat what was answered; and what the card or a test wants to go wrong."""
        merchant, key = self._merchant(request), _key(request)
        base = request.base()
        fingerprint = hashlib.sha256(request.path.encode() + b"\n" + request.body).hexdigest()
        known = await self._store.run(lambda db: _begin(db, merchant, key, fingerprint, kind))
        if known is not None:
            return _kept(known)
        fault: Fault | None = None
        try:
            fault = self.faults.take(kind)
            if fault is None:
                fault = await self._store.run(lambda db: _fault_of(db, merchant, key, kind, card, payment))
            if fault in {"lost", "error"}:
                await self._store.run(lambda db: _forget(db, merchant, key, lost=fault == "lost"))
                return _faulty(fault, as_json(500, {"error": {"code": "internal", "payment": None}}))
            if fault == "slow":
                await asyncio.sleep(self._settings.slow_s)
            reply = await self._at_desk(merchant, lambda desk: _finish(desk, work(desk)), key=key, base=base)
        except BaseException:
            await self._store.run(lambda db: _forget(db, merchant, key, lost=False))
            raise
        self.webhooks.wake()
        return _faulty(fault, _kept(reply))

    async def _at_desk(self, merchant: str, work: Callable[[Desk], T], *, key: str = "", base: str = "") -> T:
        now, after_s = self._clock.now(), self._settings.dispute_after_s
        return await self._store.run(lambda db: work(Desk(db, merchant, now, base, key, after_s)))

    def _merchant(self, request: Request) -> str:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._settings.key}".encode()):
            raise Wrong(401, "unauthorized")
        merchant = request.headers.get("sandbox-merchant", "")
        if not _MERCHANT.fullmatch(merchant):
            raise Wrong(401, "merchant_missing")
        return merchant


class _Held(msgspec.Struct, frozen=True):
    """What a key has: a kept answer."""

    status: int
    body: Mapping[str, Any] | msgspec.Raw


def _begin(db: sqlite3.Connection, merchant: str, key: str, fingerprint: str, kind: str) -> "_Held | None":
    """Take the key: None. What was answered to it if somebody had it."""
    row = db.execute("select * from call where merchant = ? and key = ?", (merchant, key)).fetchone()
    if row is None:
        db.execute(
            "insert into call (merchant, key, fingerprint, kind) values (?, ?, ?, ?)",
            (merchant, key, fingerprint, kind),
        )
        return None
    if row["fingerprint"] != fingerprint:
        raise Wrong(422, "key_reused")
    if row["status"] is None:
        raise Wrong(409, "in_progress")
    return _Held(row["status"], msgspec.Raw(row["body"].encode()))


def _finish(desk: Desk, reply: Reply) -> _Held:
    """Keep the answer together with its effect."""
    desk.run(
        """
        update call set status = :status, body = :body, payment = :payment where merchant = :merchant and key = :key
        """,
        key=desk.key,
        status=reply.status,
        body=msgspec.json.encode(reply.body).decode(),
        payment=reply.payment,
    )
    return _Held(reply.status, reply.body)


def _forget(db: sqlite3.Connection, merchant: str, key: str, *, lost: bool) -> None:
    db.execute("delete from call where merchant = ? and key = ? and status is null", (merchant, key))
    if lost:
        db.execute("insert or ignore into lost (merchant, key) values (?, ?)", (merchant, key))


def _fault_of(
    db: sqlite3.Connection, merchant: str, key: str, kind: str, card: str | None, payment: str | None
) -> Fault | None:
    """What the card wants to go wrong; a request is lost once only."""
    row = db.execute(
        "select name from card where merchant = ? and id = coalesce(?, (select card from payment where id = ?))",
        (merchant, card, payment),
    ).fetchone()
    fault = None if row is None else CARDS[row["name"]].faults.get(kind)
    if fault == "lost" and db.execute("select 1 from lost where merchant = ? and key = ?", (merchant, key)).fetchone():
        return None
    return fault


def _kept(held: _Held) -> Response:
    return as_json(held.status, held.body)


def _faulty(fault: Fault | None, response: Response) -> Response:
    if fault in {"done", "lost"}:
        return Response(504, never=True)
    if fault == "half":
        return Response(response.status, response.body, response.headers, half=True)
    if fault == "error_done":
        return as_json(500, {"error": {"code": "internal", "payment": None}})
    return response


async def _hang(receive: Receive, longest_s: float) -> None:
    """Until the client gives up."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(longest_s):
            while (await receive())["type"] != "http.disconnect":
                pass


def _decode(request: Request, kind: type[A]) -> A:
    try:
        return msgspec.json.decode(request.body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Wrong(400, "body_invalid") from error


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        raise Wrong(400, "idempotency_key_missing")
    return key
