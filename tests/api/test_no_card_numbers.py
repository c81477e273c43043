"""No card number is accepted, stored or logged.

A rider's whole life with money is lived while card numbers stand wherever a client can put one: in unknown fields, in
headers, in addresses, in names. Afterwards every text of every table, and everything that was logged, is searched.
"""

import logging
from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from isotope.domain.payments import resolve_card_calls
from isotope.domain.tenants import AddStaff, LogInStaff, add_staff, log_in_staff
from isotope.domain.tenants.model import PaymentSettings, Role, Settings
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.card_numbers import has_card_number
from tests.kit.card_api import APP, event, send_webhook
from tests.kit.cards import SandboxKit
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.http import OPENAPI, Api, credentials
from tests.kit.pictures import photo
from tests.kit.riders import RiderKit, new_phone

# Published by providers for tests.
NUMBERS: Final = (
    "4242424242424242",
    "5555555555554444",
    "378282246310005",
    "4000 0566 5566 5556",
    "6011-1111-1111-1117",
)
BARE: Final = tuple(number.replace(" ", "").replace("-", "") for number in NUMBERS)
DIRT: Final[dict[str, Any]] = {
    "card_number": NUMBERS[0],
    "number": int(BARE[1]),
    "card": {"number": NUMBERS[3], "cvc": "123", "exp": "12/34", "more": [NUMBERS[4], [int(BARE[2])]]},
    "pan": NUMBERS[2],
    NUMBERS[1]: "a field's name",
    "note": f"please take {NUMBERS[0]}",
}
DIRTY_HEADERS: Final = {
    "X-Card": NUMBERS[0],
    "X-Request-Id": BARE[0],
    "User-Agent": f"app/{BARE[1]} ({NUMBERS[3]})",
    "Cookie": f"card={BARE[0]}",
    "Referer": f"https://app.example/?card={BARE[0]}",
}


@pytest_asyncio.fixture
async def alone(fresh_database_url: str, clock: SettableClock) -> AsyncIterator[Runtime]:
    """A runtime on a store that nothing else ever wrote to."""
    db = Database(fresh_database_url, min_size=1, max_size=8)
    await db.open()
    hub = Hub(fresh_database_url)
    yield Runtime(db=db, clock=clock, hub=hub, jobs=Jobs())
    await hub.stop()
    await db.close()


@pytest.fixture
def dirty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call carries card numbers where nobody reads."""

    async def post(
        self: Api, path: str, body: Any = None, *, key: str | None = None, token: str | None = None, **headers: str
    ) -> httpx2.Response:
        content = {**DIRT, **(body or {})}
        return await self.client.post(
            f"{path}?card={BARE[0]}", json=content, headers=DIRTY_HEADERS | credentials(key, token) | headers
        )

    async def form(
        self: Api, path: str, fields: dict[str, Any], files: Any = None, *, key: str, token: str
    ) -> httpx2.Response:
        parts = [(name, (None, str(value).encode())) for name, value in {**DIRT, **fields}.items()]
        picture = ("images", (f"{BARE[0]}.jpg", photo(), "image/jpeg"))
        return await self.client.post(
            path, files=[*parts, *(files or ()), picture], headers=DIRTY_HEADERS | credentials(key, token)
        )

    monkeypatch.setattr(Api, "post", post)
    monkeypatch.setattr(Api, "form", form)


def leaves(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                yield str(name)
                yield from leaves(inner)
        case list() | tuple():
            for inner in value:
                yield from leaves(inner)
        case _:
            yield str(value)


def is_told(text: str) -> bool:
    """One of those that were sent, however it is written, or any other number that a card could have."""
    joined = text.replace(" ", "").replace("-", "")
    return any(number in joined for number in BARE) or has_card_number(text)


async def stored(rt: Runtime) -> list[str]:
    """Where a card number stands: table and row."""
    found: list[str] = []
    async with rt.db.read() as tx:
        tables = await tx.tuples(
            "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
        )
        for (table,) in tables:
            rows = await tx.tuples(f"select to_jsonb(t) from {table} t")
            found += [f"{table}: {row}" for (row,) in rows if any(is_told(leaf) for leaf in leaves(row))]
    return found


def logged(lines: list[MutableMapping[str, Any]], records: list[logging.LogRecord]) -> list[str]:
    # What this test's own client says of its requests is not ours.
    records = [record for record in records if "http://isotope.test" not in record.getMessage()]
    told = [*(str(leaf) for line in lines for leaf in leaves(dict(line))), *(record.getMessage() for record in records)]
    return [text for text in told if is_told(text)]


async def ask(city: City, rider: RiderKit, call: str, body: dict[str, Any] | None = None) -> Any:
    answer = await city.ask(rider, call, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def live_with_money(city: City, clock: SettableClock) -> None:
    """Save a card, be declined, top up, confirm, ride, be given money back; with a webhook for everything."""
    sandbox = city.sandbox
    assert sandbox is not None
    services = city.api.services
    rider = await city.rider(balance_minor=0)
    started = await ask(city, rider, "user/add-payment-method", {"return_url": f"{APP}/back"})
    back = sandbox.choose_card(started["redirect_url"])
    path = "/" + back.split("/", 3)[3]
    returned = await city.api.client.get(f"{path}?card={BARE[0]}", headers=DIRTY_HEADERS)
    assert returned.status_code == 303
    [card, _wallet] = (await ask(city, rider, "user/get-user-payment-methods", {"flow": "SHARING"}))["payment_methods"]
    await city.card(rider, "declined")
    assert (await city.ask(rider, "user/top-up", {"amount": 5})).status_code == 402
    await ask(
        city, rider, "user/choose-payment-method", {"flow": "SHARING", "payment_method_id": card["payment_method_id"]}
    )
    await ask(city, rider, "user/top-up", {"amount": 1})
    asking = await city.card(rider, "needs_3ds")
    waiting = await ask(city, rider, "user/top-up", {"amount": 2, "payment_method_id": asking.method_id})
    sandbox.confirm_3ds(waiting["redirect_url"])
    await ask(city, rider, "user/get-top-up", {"top_up_id": waiting["top_up_id"]})
    await ask(city, rider, "user/set-auto-topup", {"is_on": True, "threshold": 1, "amount": 5})
    begun = await city.start(rider, payment_method_id=card["payment_method_id"])
    assert begun.status_code == 200, begun.text
    clock.advance(minutes=30)
    await city.unit.report()
    ended = await city.end(rider)
    assert ended.status_code == 200, ended.text
    assert ended.json()["payment_info"]["charged_card"] > 0
    await give_back(city, ended.json()["active_ride_id"])
    for payment in sandbox.payments(city.kit.operator.id):
        body = event("payment.captured", payment.ref, payment.ref)[:-1] + f', "card": "{BARE[0]}"}}'.encode()
        assert (await send_webhook(city.api, body)).status_code == 200
    clock.advance(minutes=1)
    await resolve_card_calls(city.rt, services.cards, services.operators)
    entries = (await ask(city, rider, "user/get-wallet-entries"))["entries"]
    assert {"ride", "card_captured", "refund", "card_refunded"} <= {entry["reason"] for entry in entries}


async def give_back(city: City, ride_id: int) -> None:
    slug = city.kit.operator.slug
    staff = AddStaff(
        slug=slug, email=f"{slug}@example.test", password="long enough for a test", role=Role.OWNER, name="S"
    )
    await add_staff(city.rt, staff)
    session = await log_in_staff(city.rt, LogInStaff(email=staff.email, password=staff.password))
    body = {"ride_id": ride_id, "reason": "The brake was broken"}
    refused = {**body, "reason": f"Paid with {NUMBERS[0]}"}
    for said, status in ((refused, 400), (body, 200)):
        answer = await city.api.post("/api/v2/admin/rides/refund", said, token=session.access_token)
        assert answer.status_code == status, answer.text


async def type_it_in(city: City) -> None:
    """Where people type, a card number is refused."""
    rider = await city.rider(balance_minor=0)
    phone = new_phone()
    form = {
        "email": "a@example.test",
        "first_name": "A",
        "last_name": "B",
        "phone_prefix": "358",
        "phone": phone.number,
    }
    for number in NUMBERS:
        for name, text in (("first_name", number), ("last_name", f"B {number}"), ("email", f"{number}@example.test")):
            await is_refused(city, "user/register-user", {**form, name: text}, name)
        register = {"name": f"{number} A", "email": "a@example.test", "phone_token": "x"}
        await is_refused(city, "authorization/register", register, "name")
        await is_refused(city, "user/add-payment-method", {"return_url": f"{APP}/{number}"}, "return_url", rider.token)
        await is_refused(
            city, "user/top-up", {"amount": 5, "payment_method_id": number}, "payment_method_id", rider.token
        )
        answer = await city.api.post(
            f"{OPENAPI}/user/top-up",
            {"amount": 5},
            key=city.kit.public_key,
            token=rider.token,
            **{"Idempotency-Key": number},
        )
        assert answer.status_code == 400
    answer = await city.api.post(f"{OPENAPI}/user/register-user", form, key=city.kit.public_key)
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] not in BARE


async def is_refused(city: City, call: str, body: dict[str, Any], field: str, token: str | None = None) -> None:
    answer = await city.api.post(f"{OPENAPI}/{call}", body, key=city.kit.public_key, token=token)
    assert answer.status_code == 400, (call, field, answer.text)
    assert {fault["field"] for fault in answer.json()["errors"]} == {field}
    assert not is_told(answer.text)


@pytest.mark.usefixtures("dirty")
async def test_no_card_number_is_taken_kept_or_told(
    alone: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(payments=PaymentSettings(authorise_minor=1_000, return_urls=(APP,)))
    with capture_logs() as lines, caplog.at_level(logging.INFO):
        async with small_city(alone, tmp_path, settings=settings, sandbox=sandbox) as city:
            await live_with_money(city, clock)
            await type_it_in(city)
            assert await stored(alone) == []
            assert logged(lines, caplog.records) == []
            assert any(line["event"] == "request" for line in lines), "the logs were heard at all"
            # The search finds what there is.
            async with alone.db.write() as tx:
                await tx.execute("update rider set name = %(name)s", {"name": f"Rita {NUMBERS[3]}"})
            assert len(await stored(alone)) >= 2
