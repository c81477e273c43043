"""Passwords: argon2id, off the event loop, and never more at once than the machine bears."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from isotope.domain.tenants.errors import logins_busy

T = TypeVar("T")

# A hash takes 64 MiB and some 0.1 s: beyond this many at work and waiting, callers come again later.
MAX_PENDING: Final = 24

# Stated, not defaulted, so that DUMMY_HASH costs exactly what a real one does (RFC 9106, low-memory profile).
_hasher: Final = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)

# Of a password that was thrown away: verified where there is no staff, so that both answers take as long.
DUMMY_HASH: Final = "$argon2id$v=19$m=65536,t=3,p=4$2q9i/Jojxr90mNbneT0RyQ$ny4iufdQvR7uV7hmM482fonVQwajsAX/e40ED5J37os"

_pending = 0


async def hash_password(password: str) -> str:
    """The PHC string that is stored. Raises `logins_busy`."""
    return await _off_loop(lambda: _hasher.hash(_bytes(password)))


async def is_password(password_hash: str, password: str) -> bool:
    """Whether the password is the one that was hashed. Raises `logins_busy`."""
    return await _off_loop(lambda: _verify(password_hash, password))


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


async def _off_loop(work: Callable[[], T]) -> T:
    global _pending  # noqa: PLW0603 - counts across the process, as its memory does
    if _pending >= MAX_PENDING:
        raise logins_busy()
    _pending += 1
    try:
        return await asyncio.to_thread(work)
    finally:
        _pending -= 1
