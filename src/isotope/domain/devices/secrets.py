"""Secrets of units: random and long (32 characters from the generator), so SHA-256 is hash enough."""

import hashlib
import hmac
from typing import Final

_NOBODY: Final = bytes(32)


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def is_secret(secret: str, secret_hash: bytes | None) -> bool:
    """Constant time; an unknown unit (None) costs the same as a wrong secret."""
    return hmac.compare_digest(hash_secret(secret), secret_hash or _NOBODY) and secret_hash is not None
