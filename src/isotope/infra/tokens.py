"""Opaque tokens: made of the system's randomness, kept only as hashes.

A token has 256 random bits, so a plain SHA-256 protects it: there is nothing to guess, and a slow
hash would only slow down every request.
"""

import hashlib
import secrets
from typing import Final

_TOKEN_BYTES: Final = 32


def new_token() -> str:
    """43 characters of the URL-safe alphabet."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """32 bytes: what the store keeps and looks tokens up by. Takes any text, also one that no encoding has."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
