"""What happened to a wallet, and what a rider gets in writing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.api.bookmarks import chosen_bookmark, read_bookmark, write_bookmark
from isotope.domain.receipts import issue_later
from isotope.domain.wallet import AddMoney, Charge, MoneyKind, add_money, charge
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, SYSTEM
from tests.kit.clock import SettableClock
from tests.kit.http import Api
from tests.kit.receipts import ride_draft
from tests.kit.refusals import refused
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator

USER = "/openapi/v1.0/user"


@dataclass(frozen=True, slots=True)
class Reader:
    """A rider who reads their own papers."""

    api: Api
    kit: OperatorKit
    rider: RiderKit

    @property
    def rt(self) -> Runtime:
        return self.api.services.rt

    async def post(self, call: str, **body: Any) -> Any:
        return await self.api.post(f"{USER}/{call}", body, key=self.kit.public_key, token=self.rider.token)

    async def ok(self, call: str, **body: Any) -> Any:
        answer = await self.post(call, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def is_given(self, amount_minor: int, kind: MoneyKind = MoneyKind.BALANCE) -> None:
        await add_money(
            self.rt,
            AddMoney(
                operator=self.kit.operator,
                rider_id=self.rider.id,
                amount_minor=amount_minor,
                kind=kind,
                actor=SECRET_KEY,
            ),
        )

    async def rides(self, number: int, total_minor: int) -> None:
        """A ride and its receipt."""
        draft = ride_draft(self.kit.operator, self.rider.id, f"ride:{number}", at=self.rt.clock.now())
        async with self.rt.db.write() as tx:
            await charge(
                tx,
                Charge(
                    operator_id=self.kit.operator.id,
                    rider_id=self.rider.id,
                    currency="EUR",
                    total_minor=total_minor,
                    tax_minor=0,
                    reason="ride",
                    actor=SYSTEM,
                    cause=f"ride:{number}",
                    now=self.rt.clock.now(),
                ),
            )
            await issue_later(tx, draft)

    async def pages(self, call: str, rows: str, sent_as: str = "page_bookmark", **body: Any) -> list[list[Any]]:
        found: list[list[Any]] = []
        bookmark = None
        while True:
            page = await self.ok(call, **body, **{sent_as: bookmark})
            found.append(page[rows])
            bookmark = page["bookmark_next"]
            if bookmark is None:
                return found
            assert len(found) < 50


@pytest.fixture
async def rita(api: Api) -> Reader:
    kit = await make_operator(api.services.rt)
    return Reader(api, kit, await make_rider(api.services.rt, kit.operator))


async def another(reader: Reader) -> Reader:
    return Reader(reader.api, reader.kit, await make_rider(reader.rt, reader.kit.operator))


def ids(rows: Iterable[Any], name: str = "id") -> list[int]:
    return [row[name] for row in rows]


async def test_what_happened_to_a_wallet(rita: Reader, clock: SettableClock) -> None:
    assert await rita.ok("get-wallet-entries") == {"entries": [], "currency_code": "EUR", "bookmark_next": None}
    await rita.is_given(2_00, MoneyKind.BONUS)
    await rita.is_given(1_50)
    clock.advance(minutes=5)
    await rita.rides(12, 4_40)
    ride, balance, bonus = (await rita.ok("get-wallet-entries"))["entries"]
    assert ride == {
        "id": ride["id"],
        "at": int(clock.now().timestamp()),
        "title": "Ride",
        "reason": "ride",
        "balance": -1.5,
        "bonus": -2,
        "debt": 0.9,
        "pending": 0,
        "ride_id": 12,
    }
    assert (balance["title"], balance["balance"], balance["ride_id"]) == ("Money added", 1.5, None)
    assert (bonus["reason"], bonus["bonus"], bonus["balance"]) == ("money_added", 2, 0)


@pytest.mark.parametrize("sent_as", ["page_bookmark", "bookmark_next", "bookmark"])
async def test_every_row_comes_once_also_while_others_are_added(rita: Reader, sent_as: str) -> None:
    for amount in range(1, 8):
        await rita.is_given(amount)
    expected = ids((await rita.ok("get-wallet-entries"))["entries"])
    assert len(expected) == 7
    assert expected == sorted(expected, reverse=True)
    seen: list[int] = []
    bookmark = None
    while True:
        page = await rita.ok("get-wallet-entries", page_length=3, **{sent_as: bookmark})
        seen += ids(page["entries"])
        bookmark = page["bookmark_next"]
        if bookmark is None:
            break
        await rita.is_given(100)
    assert seen == expected


@pytest.mark.parametrize("length", [1, 2, 3, 4, 100])
async def test_the_last_page_says_so(rita: Reader, length: int) -> None:
    for amount in (1, 2, 3, 4):
        await rita.is_given(amount)
        await rita.rides(amount, 1)
    pages = await rita.pages("get-wallet-entries", "entries", page_length=length)
    assert [len(page) for page in pages[:-1]] == [length] * (len(pages) - 1)
    assert sum(map(len, pages)) == 8
    assert pages[-1] != []
    receipts = await rita.pages("get-receipts", "receipts", page_length=length)
    assert sum(map(len, receipts)) == 4
    assert receipts[-1] != []


@pytest.mark.parametrize("call", ["get-wallet-entries", "get-receipts"])
async def test_a_bookmark_belongs_to_one_rider_and_one_list(rita: Reader, call: str) -> None:
    other = await another(rita)
    for reader in (rita, other):
        for number in (1, 2):
            await reader.is_given(5_00)
            await reader.rides(number + 10 * reader.rider.id, 1_00)
    rows = "entries" if call == "get-wallet-entries" else "receipts"
    theirs = (await other.ok(call, page_length=1))["bookmark_next"]
    mine = (await rita.ok(call, page_length=1))["bookmark_next"]
    of_other_list = "get-receipts" if rows == "entries" else "get-wallet-entries"
    foreign = (await rita.ok(of_other_list, page_length=1))["bookmark_next"]
    for wrong in (theirs, foreign, mine + "=", mine.lower(), mine[:-1], "1", "é", "a" * 200, "ZW50cmllczpFVVI6MQ"):
        answer = await rita.post(call, page_bookmark=wrong)
        assert answer.status_code == 400, wrong
        assert answer.json()["errors"][0]["field"] == "page_bookmark"
    assert (await rita.post(call, page_bookmark=mine, bookmark=theirs)).status_code == 400
    assert (await rita.post(call, page_bookmark=mine, bookmark=mine)).status_code == 200
    if call == "get-wallet-entries":
        assert (await rita.post(call, page_bookmark=mine, currency="SEK")).status_code == 400
        assert (await rita.ok(call, currency="SEK"))["entries"] == []


@pytest.mark.parametrize("body", [{"page_length": 0}, {"page_length": 101}, {"page_bookmark": 7}, {"currency": "eur"}])
async def test_pages_that_make_no_sense(rita: Reader, body: dict[str, Any]) -> None:
    assert (await rita.post("get-wallet-entries", **body)).status_code == 400


async def test_a_receipt_as_data_and_on_paper(rita: Reader) -> None:
    await rita.rides(12, 4_99)
    [summary] = (await rita.ok("get-receipts"))["receipts"]
    whole = await rita.ok("get-receipt", receipt_id=summary["receipt_id"])
    assert whole == await rita.ok("get-receipt", ride_id=12)
    assert {name: whole[name] for name in summary} == summary
    assert (summary["kind"], summary["ride_id"], summary["number"][-6:]) == ("RIDE", 12, "000001")
    assert whole["total"] == pytest.approx(whole["net"] + whole["tax"])
    assert sum(line["amount"] for line in whole["lines"]) == pytest.approx(whole["total"])
    assert sum(tax["gross"] for tax in whole["taxes"]) == pytest.approx(whole["total"])
    assert [(part["code"], part["amount"]) for part in whole["paid"]] == [("balance", whole["total"])]
    assert whole["seller"]["name"] == rita.kit.operator.name
    paper = await rita.post("get-receipt-pdf", receipt_id=summary["receipt_id"])
    assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf")
    assert paper.headers["content-disposition"] == f'inline; filename="receipt-{summary["number"]}.pdf"'
    assert paper.headers["cache-control"] == "no-store"
    assert paper.content.startswith(b"%PDF-")


async def test_another_riders_receipt_is_none(rita: Reader) -> None:
    other = await another(rita)
    await other.rides(12, 4_99)
    [receipt] = (await other.ok("get-receipts"))["receipts"]
    for call in ("get-receipt", "get-receipt-pdf"):
        answer = await rita.post(call, receipt_id=receipt["receipt_id"])
        assert (answer.status_code, answer.json()["code"]) == (404, "receipt_not_found")
        assert answer.headers["content-type"] == "application/json"
    assert (await rita.post("get-receipt", ride_id=12)).status_code == 404
    assert (await rita.ok("get-receipts"))["receipts"] == []


async def test_which_receipt_must_be_said(rita: Reader) -> None:
    for body in ({}, {"receipt_id": None}):
        answer = await rita.post("get-receipt", **body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "receipt_id")
    await rita.rides(12, 4_99)
    await rita.rides(13, 4_99)
    receipt_id = (await rita.ok("get-receipt", ride_id=12))["receipt_id"]
    assert (await rita.ok("get-receipt", ride_id=12, receipt_id=receipt_id))["ride_id"] == 12
    assert (await rita.post("get-receipt", ride_id=13, receipt_id=receipt_id)).status_code == 404


@given(st.text(max_size=60))
def test_no_text_but_ours_is_a_bookmark(text: str) -> None:
    with refused("validation_failed"):
        read_bookmark(text, "receipts", "bookmark")


@given(st.integers(0, 2**63 - 1))
def test_a_bookmark_says_where_it_was(row: int) -> None:
    assert read_bookmark(write_bookmark("entries:EUR", row), "entries:EUR", "bookmark") == row
    with refused("validation_failed"):
        read_bookmark(write_bookmark("entries:EUR", row), "entries:SEK", "bookmark")


def test_which_of_three_bookmarks_counts() -> None:
    assert chosen_bookmark(None, None, None) is None
    assert chosen_bookmark("", None, "b") == ("bookmark", "b")
    assert chosen_bookmark(None, "b", "b") == ("bookmark_next", "b")
    with refused("validation_failed"):
        chosen_bookmark("a", "b", None)
