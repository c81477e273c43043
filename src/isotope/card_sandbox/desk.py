"""Where a request is served: the open transaction, whose it is, and when."""

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec


class Wrong(Exception):  # noqa: N818 - an outcome that callers handle
    """A request that cannot be served; nothing of it is kept.

    Args:
        status: of HTTP.
        code: for programs.
    """

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, and kept for who asks again with the same key."""

    status: int
    body: Mapping[str, Any]
    payment: str | None = None


def refusal(status: int, code: str, payment: str | None = None) -> Reply:
    """A no that is kept."""
    return Reply(status, {"error": {"code": code, "payment": payment}}, payment)


@dataclass(frozen=True, slots=True)
class Desk:
    """One request's place.

    Attributes:
        base: the address under which browsers find the pages.
        key: the idempotency key, empty where none is needed.
        dispute_after_s: how long after a capture a holder who disputes does so.
    """

    db: sqlite3.Connection
    merchant: str
    at: datetime
    base: str = ""
    key: str = ""
    dispute_after_s: float = 60.0

    def one(self, sql: str, **values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self.db.execute(sql, {"merchant": self.merchant, **values}).fetchone()
        return row

    def run(self, sql: str, **values: Any) -> None:
        self.db.execute(sql, {"merchant": self.merchant, "at": stamp(self.at), **values})

    def tell(self, type_: str, ref: str, *, payment: str | None = None, twice: bool = False) -> None:
        """Queue a webhook."""
        event_id = new_id("evt")
        body = {
            "id": event_id,
            "type": type_,
            "merchant": self.merchant,
            "created": stamp(self.at),
            "data": {"ref": ref, "payment": payment},
        }
        self.run(
            "insert into event (id, payment, body, twice) values (:id, :payment, :body, :twice)",
            id=event_id,
            payment=payment,
            body=msgspec.json.encode(body).decode(),
            twice=int(twice),
        )

    def move(self, kind: str, ref: str, payment: sqlite3.Row, amount: int, *, key: str | None) -> None:
        """Write down that money moved."""
        self.run(
            """
            insert into movement (merchant, kind, ref, payment, amount, currency, at, call_key)
            values (:merchant, :kind, :ref, :payment, :amount, :currency, :at, :key)
            """,
            kind=kind,
            ref=ref,
            payment=payment["id"],
            amount=amount,
            currency=payment["currency"],
            key=key,
        )


def stamp(at: datetime) -> str:
    """A time as text that sorts."""
    return at.isoformat(timespec="microseconds")


def new_id(kind: str) -> str:
    """Such as `pay_9f86d081884c7d65`; never the same again, also after the file was deleted."""
    return f"{kind}_{secrets.token_hex(8)}"


def new_token() -> str:
    """What makes the address of a page unguessable."""
    return secrets.token_urlsafe(24)
