"""Saving cards: customers, and the pages on which a holder chooses one."""

import sqlite3
from typing import Any

from isotope.card_sandbox.cards import CARDS
from isotope.card_sandbox.desk import Desk, Reply, Wrong, new_id, new_token, refusal
from isotope.card_sandbox.wire import StartSetup


def start(desk: Desk, ask: StartSetup) -> Reply:
    """A page; without a customer a new one is made."""
    if ask.customer is not None and not _knows(desk, ask.customer):
        return refusal(404, "customer_unknown")
    customer = ask.customer or add_customer(desk)
    setup, token = new_id("set"), new_token()
    desk.run(
        """
        insert into setup (id, token, merchant, customer, return_url, cancel_url)
        values (:id, :token, :merchant, :customer, :return_url, :cancel_url)
        """,
        id=setup,
        token=token,
        customer=customer,
        return_url=ask.return_url,
        cancel_url=ask.cancel_url,
    )
    return Reply(200, {"id": setup, "customer": customer, "url": f"{desk.base}/setup/{token}"})


def get(desk: Desk, setup_id: str) -> dict[str, Any]:
    """How it stands, with the card once there is one."""
    setup = desk.one("select * from setup where id = :id and merchant = :merchant", id=setup_id)
    if setup is None:
        raise Wrong(404, "setup_unknown")
    card = None
    if setup["card"] is not None:
        row = desk.one("select * from card where id = :id", id=setup["card"])
        card = None if row is None else card_body(row)
    return {"id": setup_id, "status": setup["status"], "code": setup["code"], "card": card}


def find_by_token(db: sqlite3.Connection, token: str) -> sqlite3.Row | None:
    """The set-up that a page is of."""
    row: sqlite3.Row | None = db.execute("select * from setup where token = ?", (token,)).fetchone()
    return row


def choose(desk: Desk, token: str, name: str | None) -> sqlite3.Row:
    """What the holder does on the page: takes a card, or (None) turns back; done again it changes nothing. The set-up."""
    setup = find_by_token(desk.db, token)
    if setup is None:
        raise Wrong(404, "page_unknown")
    if name is not None and name not in CARDS:
        raise Wrong(400, "choose_a_card")
    if setup["status"] != "pending":
        return setup
    code = None if name is None else CARDS[name].at_setup
    if name is None or code is not None:
        desk.run("update setup set status = 'failed', code = :code where id = :id", code=code, id=setup["id"])
        desk.tell("setup.failed", setup["id"])
        return setup
    card = _insert_card(desk, setup["customer"], name)
    desk.run("update setup set status = 'done', card = :card where id = :id", card=card, id=setup["id"])
    desk.tell("setup.done", setup["id"], twice=CARDS[name].twice)
    return setup


def add_customer(desk: Desk) -> str:
    customer = new_id("cus")
    desk.run("insert into customer (id, merchant) values (:id, :merchant)", id=customer)
    return customer


def add_card(desk: Desk, customer: str, name: str) -> dict[str, Any]:
    """Control: save a card without the page."""
    if not _knows(desk, customer):
        raise Wrong(404, "customer_unknown")
    if name not in CARDS:
        raise Wrong(400, "choose_a_card")
    card = _insert_card(desk, customer, name)
    row = desk.one("select * from card where id = :id", id=card)
    return {} if row is None else card_body(row)


def remove_card(desk: Desk, customer: str, card: str) -> dict[str, Any]:
    """It pays no more; done again it changes nothing."""
    desk.run(
        "update card set removed = 1 where id = :id and customer = :customer and merchant = :merchant",
        id=card,
        customer=customer,
    )
    return {"removed": True}


def card_body(row: sqlite3.Row) -> dict[str, Any]:
    """A card as the API tells it."""
    card = CARDS[row["name"]]
    return {
        "id": row["id"],
        "customer": row["customer"],
        "brand": card.brand,
        "last4": card.last4,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
    }


def _insert_card(desk: Desk, customer: str, name: str) -> str:
    card = new_id("card")
    desk.run(
        "insert into card (id, merchant, customer, name) values (:id, :merchant, :customer, :name)",
        id=card,
        customer=customer,
        name=name,
    )
    return card


def _knows(desk: Desk, customer: str) -> bool:
    return desk.one("select 1 from customer where id = :id and merchant = :merchant", id=customer) is not None
