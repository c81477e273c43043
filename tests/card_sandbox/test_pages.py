"""The pages that a card's holder sees, and what can be done to them."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from isotope.card_sandbox import CARDS
from isotope.card_sandbox.pages import confirm_page
from tests.card_sandbox.conftest import CANCEL_URL, RETURN_URL, Client, charge_body
from tests.kit.cards import SandboxKit


class Elements(HTMLParser):
    """What a page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


async def confirmation(
    client: Client, sandbox: SandboxKit, description: str = "Ride 12", return_url: str = RETURN_URL
) -> str:
    body = charge_body(sandbox, "needs_3ds", on_session=True, return_url=return_url, description=description)
    answer = await client.post("payments", body, key="charge-1")
    assert answer.json()["status"] == "requires_action"
    return str(answer.json()["confirm_url"])


async def test_the_page_offers_every_test_card_and_no_field_for_a_number(client: Client) -> None:
    shown = await client.page(await client.setup())
    elements = Elements(shown.text)
    inputs = elements.of("input")
    assert {one["type"] for one in inputs} == {"radio"}
    assert [one["value"] for one in inputs] == list(CARDS)
    assert elements.of("script") == elements.of("textarea") == []
    assert elements.of("html") == [{"lang": "en"}]
    # Every choice has its label, and the choices a name.
    assert len(elements.of("label")) == len(inputs)
    assert len(elements.of("legend")) == 1
    for card in CARDS.values():
        assert card.last4 in shown.text
    assert not re.search(r"[0-9]{7}", shown.text)
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert shown.headers["cache-control"] == "no-store"


async def test_the_browser_goes_back_where_the_merchant_said(client: Client, sandbox: SandboxKit) -> None:
    url = await client.setup()
    chosen = await client.submit(url, card="ok", action="save", return_url="https://evil.example/")
    assert (chosen.status_code, chosen.headers["location"]) == (303, RETURN_URL)


async def test_who_goes_back_saves_nothing(client: Client) -> None:
    url = await client.setup()
    gone = await client.submit(url, card="ok", action="cancel")
    assert (gone.status_code, gone.headers["location"]) == (303, CANCEL_URL)
    assert "nothing left to do" in (await client.page(url)).text


async def test_a_form_sent_twice_saves_one_card(client: Client, sandbox: SandboxKit) -> None:
    url = await client.setup()
    for card in ("ok", "ok_mastercard", "ok"):
        again = await client.submit(url, card=card, action="save")
        assert (again.status_code, again.headers["location"]) == (303, RETURN_URL)
    assert [row["name"] for row in sandbox._rows("select name from card")] == ["ok"]
    shown = await client.page(url)
    assert "nothing left to do" in shown.text
    assert Elements(shown.text).of("a") == [{"href": RETURN_URL}]


@pytest.mark.parametrize("typed", ["4242424242424242", "", "visa", "<script>alert(1)</script>"])
async def test_what_is_no_test_card_is_not_taken_nor_shown(client: Client, sandbox: SandboxKit, typed: str) -> None:
    url = await client.setup()
    answer = await client.submit(url, card=typed, action="save")
    assert answer.status_code == 400
    assert "Please choose one of the cards" in answer.text
    assert not typed or typed not in answer.text
    assert sandbox._rows("select * from card") == []
    stored = "".join(sandbox._store.run_now(lambda db: list(db.iterdump())))
    assert not typed or typed not in stored


@pytest.mark.parametrize("path", ["/setup/unknown", "/confirm/unknown"])
async def test_a_page_that_nobody_was_given(client: Client, path: str) -> None:
    shown = await client.page(client.url + path)
    assert shown.status_code == 404
    assert "does not exist" in shown.text
    assert (await client.submit(client.url + path, card="ok", action="confirm")).status_code == 404
    assert (await client.page(f"{client.url}{path}<script>")).status_code == 404


async def test_an_id_is_not_the_address_of_a_page(client: Client) -> None:
    answer = await client.post("setups", {"return_url": RETURN_URL, "cancel_url": CANCEL_URL}, key="s")
    assert (await client.page(f"{client.url}/setup/{answer.json()['id']}")).status_code == 404


async def test_what_a_merchant_says_is_shown_as_text(client: Client, sandbox: SandboxKit) -> None:
    url = await confirmation(client, sandbox, '<script>alert("x")</script>&amp;')
    shown = (await client.page(url)).text
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;amp;" in shown


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "https://a b",
        'https://a"b',
        "https://a\r\nX: y",
        "",
        "ftp://a",
    ],
)
async def test_addresses_that_no_browser_should_be_sent_to(client: Client, address: str) -> None:
    for body in (
        {"return_url": address, "cancel_url": CANCEL_URL},
        {"return_url": RETURN_URL, "cancel_url": address},
    ):
        assert (await client.post("setups", body, key="k")).status_code == 400


@pytest.mark.parametrize(("action", "status"), [("confirm", "captured"), ("decline", "failed")])
async def test_a_payment_is_confirmed_or_declined_once(
    client: Client, sandbox: SandboxKit, action: str, status: str
) -> None:
    url = await confirmation(client, sandbox)
    shown = await client.page(url)
    assert "<strong>5.00 EUR</strong>" in shown.text
    for button in (action, "confirm", "decline"):
        answer = await client.submit(url, action=button)
        assert (answer.status_code, answer.headers["location"]) == (303, RETURN_URL)
    assert [one.status for one in sandbox.payments()] == [status]
    assert sandbox.totals("7").net_minor == (500 if status == "captured" else 0)
    assert "nothing left to do" in (await client.page(url)).text


async def test_neither_button(client: Client, sandbox: SandboxKit) -> None:
    url = await confirmation(client, sandbox)
    assert (await client.submit(url, action="maybe")).status_code == 400
    assert [one.status for one in sandbox.payments()] == ["requires_action"]


async def test_who_came_from_nowhere_stays(client: Client, sandbox: SandboxKit) -> None:
    url = await confirmation(client, sandbox, return_url="")
    answer = await client.submit(url, action="confirm")
    assert answer.status_code == 200
    assert Elements(answer.text).of("a") == []


@pytest.mark.parametrize(
    ("minor", "currency", "shown"), [(1205, "EUR", "12.05 EUR"), (1205, "JPY", "1205 JPY"), (1205, "KWD", "1.205 KWD")]
)
def test_amounts_are_shown_in_whole_units(minor: int, currency: str, shown: str) -> None:
    payment: Any = {
        "status": "requires_action",
        "return_url": "",
        "amount": minor,
        "currency": currency,
        "description": "top_up",
    }
    page = confirm_page(payment)
    assert f"<strong>{shown}</strong> for top up " in page
