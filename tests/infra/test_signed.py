"""Signed tokens: only what was signed, for what, for whom and for how long."""

import base64
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from isotope.infra.signed import MOST_TOKEN, BadToken, TokenEnded, open_signed, sign

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)


class Said(msgspec.Struct, frozen=True):
    text: str


class Else(msgspec.Struct, frozen=True):
    number: int


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_it_says_what_was_said() -> None:
    token = sign(KEY, "thing", 7, Said("Äänekoski"), LATER)
    assert open_signed(KEY, "thing", 7, token, Said, NOW) == (Said("Äänekoski"), LATER)


@pytest.mark.parametrize(
    ("key", "purpose", "operator_id", "kind"),
    [(OTHER, "thing", 7, Said), (KEY, "other", 7, Said), (KEY, "thing", 8, Said), (KEY, "thing", 7, Else)],
)
def test_of_another_key_purpose_operator_or_kind(key: bytes, purpose: str, operator_id: int, kind: type) -> None:
    token = sign(KEY, "thing", 7, Said("x"), LATER)
    with pytest.raises(BadToken):
        open_signed(key, purpose, operator_id, token, kind, NOW)


def test_it_ends() -> None:
    token = sign(KEY, "thing", 7, Said("x"), LATER)
    open_signed(KEY, "thing", 7, token, Said, LATER - timedelta(seconds=1))
    with pytest.raises(TokenEnded):
        open_signed(KEY, "thing", 7, token, Said, LATER)


def test_nothing_forged_is_taken() -> None:
    header, body, signature = sign(KEY, "thing", 7, Said("x"), LATER).split(".")
    said = {"op": 7, "exp": 4_000_000_000, "v": {"text": "y"}}
    unsigned = part({"alg": "none", "typ": "thing"})
    for token in (
        "",
        "x",
        "ä.b.c",
        f"{header}.{part(said)}.{signature}",
        f"{unsigned}.{part(said)}.",
        f"{unsigned}.{body}.{signature}",
        f"{part({'alg': 'HS512', 'typ': 'thing'})}.{body}.{signature}",
        f"{header}.{body}",
        f"{header}.{body}.",
        "a" * (MOST_TOKEN + 1),
    ):
        with pytest.raises(BadToken):
            open_signed(KEY, "thing", 7, token, Said, NOW)


def test_what_is_too_long_is_not_signed() -> None:
    with pytest.raises(ValueError, match="too long"):
        sign(KEY, "thing", 7, Said("x" * MOST_TOKEN), LATER)
