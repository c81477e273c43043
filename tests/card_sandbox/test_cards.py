"""What each test card does, and that money adds up whatever is asked."""

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.card_sandbox import CARDS, disputes, payments, setups
from isotope.card_sandbox.desk import Desk, Reply, Wrong
from isotope.card_sandbox.store import Store
from isotope.card_sandbox.wire import Amount, Charge, OpenDispute
from tests.card_sandbox.conftest import Client, charge_body
from tests.kit.cards import SandboxKit
from tests.kit.clock import START

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "cards.md"
# What becomes of: a charge, a reservation, taking that, giving it back. A status, or the code of the refusal.
TABLE = {
    "ok": ("captured", "authorised", "captured", "ok"),
    "ok_mastercard": ("captured", "authorised", "captured", "ok"),
    "declined": ("card_declined", "card_declined", None, None),
    "insufficient_funds": ("insufficient_funds", "insufficient_funds", None, None),
    "expired": ("expired_card", "expired_card", None, None),
    "needs_3ds": ("authentication_required", "authentication_required", None, None),
    "declined_at_capture": ("card_declined", "authorised", "card_declined", None),
    "slow": ("captured", "authorised", "captured", "ok"),
    "twice": ("captured", "authorised", "captured", "ok"),
    "refund_refused": ("captured", "authorised", "captured", "not_possible"),
    "dispute_later": ("captured", "authorised", "captured", "ok"),
    "setup_refused": ("captured", "authorised", "captured", "ok"),
    "charges_decline_after_first": ("captured", "card_declined", None, None),
}
SILENT = {"timeout", "timeout_lost", "timeout_at_capture", "timeout_at_refund"}


def test_every_card_is_told_here() -> None:
    assert TABLE.keys() | SILENT == CARDS.keys()
    assert all(len(card.last4) == 4 and card.does and card.brand for card in CARDS.values())


def test_the_page_for_operators_tells_every_card() -> None:
    told = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    expected = [(card.name, f"{card.brand} {card.last4}", card.does) for card in CARDS.values()]
    assert [row for row in told if row[0] in CARDS] == expected


@pytest.mark.parametrize("name", list(TABLE))
async def test_a_card_does_what_it_says(client: Client, sandbox: SandboxKit, name: str) -> None:
    def outcome(answer: Any) -> str:
        body = answer.json()
        return str(body["error"]["code"] if answer.status_code == 402 else body.get("status", "ok"))

    charge, reserve, take, back = TABLE[name]
    body = charge_body(sandbox, name)
    assert outcome(await client.post("payments", body, key="k1")) == charge
    reserved = await client.post("payments", body | {"capture": False}, key="k2")
    assert outcome(reserved) == reserve
    if take is not None:
        path = f"payments/{reserved.json()['id']}"
        assert outcome(await client.post(f"{path}/capture", {"amount": 500}, key="k3")) == take
        if back is not None:
            assert outcome(await client.post(f"{path}/refunds", {"amount": 500}, key="k4")) == back


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "charge", "capture", "release", "refund", "dispute", "win", "lose"]),
        st.integers(0, 3),
        st.integers(1, 120),
    ),
    max_size=25,
)


@given(actions=ACTIONS)
def test_never_more_comes_back_than_was_taken_nor_more_is_taken_than_reserved(
    actions: list[tuple[str, int, int]],
) -> None:
    store = Store()
    try:
        store.run_now(lambda db: _play(Desk(db, "7", START, key="k"), actions))
    finally:
        store.close()


def _play(desk: Desk, actions: list[tuple[str, int, int]]) -> None:
    customer = setups.add_customer(desk)
    card = setups.add_card(desk, customer, "ok")["id"]
    made: list[str] = []
    opened: list[str] = []
    for action, which, amount in actions:
        if action in {"reserve", "charge"}:
            ask = Charge(
                customer=customer,
                card=card,
                amount=100,
                currency="EUR",
                capture=action == "charge",
                on_session=False,
                return_url="",
            )
            made.append(str(payments.charge(desk, ask).payment))
        elif action in {"win", "lose"}:
            if opened:
                disputes.end_dispute(desk, opened[which % len(opened)], won=action == "win")
        elif made:
            ref = made[which % len(made)]
            # Disputing more than is left is refused.
            with contextlib.suppress(Wrong):
                _do(desk, action, ref, amount, opened)
        _check(desk)


def _do(desk: Desk, action: str, ref: str, amount: int, opened: list[str]) -> None:
    replies: dict[str, Any] = {
        "capture": lambda: payments.capture(desk, ref, Amount(amount=amount)),
        "release": lambda: payments.release(desk, ref),
        "refund": lambda: payments.refund(desk, ref, Amount(amount=amount)),
    }
    if action == "dispute":
        opened.append(disputes.open_dispute(desk, OpenDispute(payment=ref, amount=amount))["id"])
    else:
        reply: Reply = replies[action]()
        assert reply.status in {200, 402}


def _check(desk: Desk) -> None:
    for row in desk.db.execute("select * from payment").fetchall():
        moves = dict(
            desk.db.execute(
                "select kind, sum(amount) from movement where payment = ? group by kind", (row["id"],)
            ).fetchall()
        )
        assert moves.get("CAPTURED", 0) == row["captured"] <= row["amount"]
        assert moves.get("REFUNDED", 0) == row["refunded"]
        away = moves.get("DISPUTED", 0) - moves.get("DISPUTE_WON", 0)
        assert away >= 0
        assert row["refunded"] + away <= row["captured"]
        assert (row["captured"] > 0) == (row["status"] == "captured")
