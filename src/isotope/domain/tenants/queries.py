"""The reading SQL of this room."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from isotope.domain.tenants.errors import operator_not_found
from isotope.domain.tenants.model import LoginAttempts, Operator, OperatorKey, Staff
from isotope.domain.tenants.rows import key_of_row, operator_of_row, staff_of_row
from isotope.infra.db import Tx
from isotope.infra.tokens import hash_token
from isotope.kernel.ids import OperatorId, StaffId


async def find_operator(tx: Tx, operator_id: OperatorId) -> Operator | None:
    return await tx.find(
        operator_of_row,
        "select id, slug, name, currency, time_zone, languages, settings from operator where id = %(id)s",
        {"id": operator_id},
    )


async def find_token_key(tx: Tx, operator_id: OperatorId) -> bytes | None:
    """What signs the operator's tokens; never to leave the process."""
    found: bytes | None = await tx.scalar("select token_key from operator where id = %(id)s", {"id": operator_id})
    return found


async def find_operator_by_slug(tx: Tx, slug: str) -> Operator | None:
    return await tx.find(
        operator_of_row,
        "select id, slug, name, currency, time_zone, languages, settings from operator where slug = %(slug)s",
        {"slug": slug},
    )


async def get_operator_by_slug(tx: Tx, slug: str) -> Operator:
    """Raises `operator_not_found`."""
    found = await find_operator_by_slug(tx, slug)
    if found is None:
        raise operator_not_found(slug)
    return found


async def list_operators(tx: Tx, *, after: OperatorId = OperatorId(0), limit: int = 1_000) -> list[Operator]:  # noqa: B008 - an int
    """Operators by id, the page that follows `after`."""
    return await tx.all(
        operator_of_row,
        "select id, slug, name, currency, time_zone, languages, settings from operator"
        " where id > %(after)s order by id limit %(limit)s",
        {"after": after, "limit": limit},
    )


async def list_keys(tx: Tx, operator_id: OperatorId, now: datetime) -> list[OperatorKey]:
    """The operator's keys that still work."""
    return await tx.all(
        key_of_row,
        "select kind, key_hash, hint, expires_at from operator_key"
        " where operator_id = %(operator_id)s and (expires_at is null or expires_at > %(now)s) order by id limit 1000",
        {"operator_id": operator_id, "now": now},
    )


async def find_operator_id_by_public_key(tx: Tx, key_hash: bytes, now: datetime) -> OperatorId | None:
    found = await tx.scalar(
        "select operator_id from operator_key where key_hash = %(key_hash)s and kind = 'public'"
        " and (expires_at is null or expires_at > %(now)s)",
        {"key_hash": key_hash, "now": now},
    )
    return None if found is None else OperatorId(found)


async def list_operators_with_keys(tx: Tx, keys: Sequence[str], now: datetime) -> list[str]:
    """Slugs of the operators for which one of these keys works: a production start refuses well-known ones."""
    rows = await tx.tuples(
        "select distinct o.slug from operator_key k join operator o on o.id = k.operator_id"
        " where k.key_hash = any(%(hashes)s) and (k.expires_at is null or k.expires_at > %(now)s) order by 1",
        {"hashes": [hash_token(key) for key in keys], "now": now},
    )
    return [slug for (slug,) in rows]


async def find_staff_by_email(tx: Tx, email: str) -> Staff | None:
    """Working (not disabled) staff; `email` as `normal_email` gives it."""
    return await tx.find(
        staff_of_row,
        "select operator_id, id, email, name, role, subaccount_id from staff where email = %(email)s and disabled_at is null",
        {"email": email},
    )


class StaffPassword(msgspec.Struct, frozen=True, kw_only=True):
    """What a password is checked against, and for whom."""

    operator_id: OperatorId
    id: StaffId
    password_hash: str


async def find_staff_with_password(tx: Tx, email: str) -> StaffPassword | None:
    """Working staff with the hash of their password; `email` as `normal_email` gives it."""
    return await tx.find(
        StaffPassword,
        "select operator_id, id, password_hash from staff where email = %(email)s and disabled_at is null",
        {"email": email},
    )


class TokenOwner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a staff token is."""

    operator_id: OperatorId
    staff_id: StaffId


async def find_token_owner(tx: Tx, token_hash: bytes, now: datetime) -> tuple[Operator, Staff] | None:
    """The staff that holds this live token, with their operator; None also when they were disabled."""
    owner = await tx.find(
        TokenOwner,
        "select operator_id, staff_id from staff_token where token_hash = %(token_hash)s and expires_at > %(now)s",
        {"token_hash": token_hash, "now": now},
    )
    if owner is None:
        return None
    staff = await tx.find(
        staff_of_row,
        "select operator_id, id, email, name, role, subaccount_id from staff"
        " where operator_id = %(operator_id)s and id = %(staff_id)s and disabled_at is null",
        {"operator_id": owner.operator_id, "staff_id": owner.staff_id},
    )
    operator = await find_operator(tx, owner.operator_id)
    return None if staff is None or operator is None else (operator, staff)


async def find_attempts(tx: Tx, email_hash: bytes) -> LoginAttempts | None:
    """Logins tried with this address; lock the row's address first."""
    return await tx.find(
        LoginAttempts,
        "select attempts, last_at from staff_login_attempts where email_hash = %(email_hash)s",
        {"email_hash": email_hash},
    )
