"""Signed tokens: what we told a caller, handed back by them unchanged.

Compact JWS with HMAC-SHA-256. Anybody can read one; nobody can make one without the key. `purpose` stands in the header
(`typ`) and is signed with the rest, so that a token for one thing is none for another.
"""

from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

T = TypeVar("T")

_ALGORITHM: Final = "HS256"
MOST_TOKEN: Final = 8_000


class BadToken(Exception):  # noqa: N818 - says what it is
    """We did not make it, or not for this."""


class TokenEnded(Exception):  # noqa: N818 - says what is so
    """It was ours, and its time is over."""


class _Body(msgspec.Struct, Generic[T], frozen=True):
    # Whose it is, when it ends (Unix seconds), what it says.
    op: int
    exp: int
    v: T


def sign(key: bytes, purpose: str, operator_id: int, value: msgspec.Struct, expires_at: datetime) -> str:
    """A token of at most `MOST_TOKEN` characters.

    Raises:
        ValueError: what it is to say is too long.
    """
    body = msgspec.json.encode(_Body(op=operator_id, exp=int(expires_at.timestamp()), v=value))
    token = jws.serialize_compact(
        {"alg": _ALGORITHM, "typ": purpose}, body, OctKey.import_key(key), algorithms=[_ALGORITHM]
    )
    if len(token) > MOST_TOKEN:
        raise ValueError(f"a {purpose} token of {len(token)} characters is too long")
    return token


def open_signed(
    key: bytes, purpose: str, operator_id: int, token: str, kind: type[T], now: datetime
) -> tuple[T, datetime]:
    """What it says, and when it ends.

    Raises:
        BadToken: forged, of another operator, for another purpose, or no token at all.
        TokenEnded
    """
    body = _verified(key, purpose, token)
    try:
        found: Any = msgspec.json.decode(body, type=_Body[kind])  # type: ignore[valid-type]  # a type of the moment
    except msgspec.MsgspecError as error:
        raise BadToken from error
    if found.op != operator_id:
        raise BadToken
    expires_at = datetime.fromtimestamp(found.exp, UTC)
    if now >= expires_at:
        raise TokenEnded
    return found.v, expires_at


def _verified(key: bytes, purpose: str, token: str) -> bytes:
    if not (len(token) <= MOST_TOKEN and token.isascii()):
        raise BadToken
    try:
        signed = jws.deserialize_compact(token, OctKey.import_key(key), algorithms=[_ALGORITHM])
    except (JoseError, ValueError) as error:
        raise BadToken from error
    if signed.protected.get("typ") != purpose or signed.payload is None:
        raise BadToken
    return signed.payload
