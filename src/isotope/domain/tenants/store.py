"""The writing SQL of this room. Everything that changes an operator tells `operator_changed`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.tenants.errors import key_taken, operator_exists, operator_not_found, staff_exists
from isotope.domain.tenants.model import KeyKind, LoginAttempts, Operator, Role, Settings, Staff
from isotope.domain.tenants.rows import operator_of_row, staff_of_row
from isotope.infra.db import Tx
from isotope.infra.tokens import hash_token
from isotope.kernel.ids import OperatorId, StaffId

OPERATOR_CHANGED: Final = "operator_changed"
_HINT_LENGTH: Final = 4


async def insert_operator(
    tx: Tx,
    *,
    slug: str,
    name: str,
    currency: str,
    time_zone: str,
    languages: Sequence[str],
    settings: Settings,
    now: datetime,
) -> Operator:
    """Raises `operator_exists`."""
    made = await tx.find(
        operator_of_row,
        "insert into operator (slug, name, currency, time_zone, languages, settings, created_at)"
        " values (%(slug)s, %(name)s, %(currency)s, %(time_zone)s, %(languages)s, %(settings)s, %(now)s)"
        " on conflict (slug) do nothing"
        " returning id, slug, name, currency, time_zone, languages, settings",
        {
            "slug": slug,
            "name": name,
            "currency": currency,
            "time_zone": time_zone,
            "languages": list(languages),
            "settings": Jsonb(msgspec.to_builtins(settings)),
            "now": now,
        },
    )
    if made is None:
        raise operator_exists(slug)
    return made


async def save_operator(tx: Tx, operator: Operator) -> None:
    """Write everything but the id, and tell the other processes. Raises `operator_not_found`."""
    touched = await tx.execute(
        "update operator set slug = %(slug)s, name = %(name)s, currency = %(currency)s, time_zone = %(time_zone)s,"
        " languages = %(languages)s, settings = %(settings)s where id = %(id)s",
        {
            "id": operator.id,
            "slug": operator.slug,
            "name": operator.name,
            "currency": operator.currency,
            "time_zone": operator.time_zone,
            "languages": list(operator.languages),
            "settings": Jsonb(msgspec.to_builtins(operator.settings)),
        },
    )
    if touched == 0:
        raise operator_not_found(operator.slug)
    await tell_changed(tx, operator.id)


async def tell_changed(tx: Tx, operator_id: OperatorId) -> None:
    """Every process forgets what it knows of this operator, once this commits."""
    await tx.notify(OPERATOR_CHANGED, str(operator_id))


async def put_key(tx: Tx, operator_id: OperatorId, kind: KeyKind, key: str, now: datetime) -> None:
    """Make `key` work without an end. The same key again changes nothing, so that provisioning can repeat it.

    Raises:
        Refusal: `key_taken`: it belongs to another operator, or is this one's key of the other kind.
    """
    touched = await tx.execute(
        "insert into operator_key (operator_id, kind, key_hash, hint, created_at)"
        " values (%(operator_id)s, %(kind)s, %(key_hash)s, %(hint)s, %(now)s)"
        " on conflict (key_hash) do update set expires_at = null"
        " where operator_key.operator_id = excluded.operator_id and operator_key.kind = excluded.kind",
        {
            "operator_id": operator_id,
            "kind": kind.value,
            "key_hash": hash_token(key),
            "hint": key[-_HINT_LENGTH:],
            "now": now,
        },
    )
    if touched == 0:
        raise key_taken()
    await tell_changed(tx, operator_id)


async def end_other_keys(tx: Tx, operator_id: OperatorId, kind: KeyKind, key: str, at: datetime) -> None:
    """Let every key of this kind but `key` work until `at`; one that ends sooner still does."""
    await tx.execute(
        "update operator_key set expires_at = least(expires_at, %(at)s)"
        " where operator_id = %(operator_id)s and kind = %(kind)s and key_hash <> %(key_hash)s",
        {"operator_id": operator_id, "kind": kind.value, "key_hash": hash_token(key), "at": at},
    )
    await tell_changed(tx, operator_id)


async def insert_staff(
    tx: Tx, *, operator_id: OperatorId, email: str, name: str, role: Role, password_hash: str, now: datetime
) -> Staff:
    """Raises `staff_exists`: an address is staff of one operator only, because the login names no operator."""
    made = await tx.find(
        staff_of_row,
        "insert into staff (operator_id, email, name, role, password_hash, created_at)"
        " values (%(operator_id)s, %(email)s, %(name)s, %(role)s, %(password_hash)s, %(now)s)"
        " on conflict (email) do nothing returning operator_id, id, email, name, role, subaccount_id",
        {
            "operator_id": operator_id,
            "email": email,
            "name": name,
            "role": role.value,
            "password_hash": password_hash,
            "now": now,
        },
    )
    if made is None:
        raise staff_exists(email)
    return made


async def save_staff(tx: Tx, staff: Staff) -> None:
    """Write name and role; the password stays."""
    await tx.execute(
        "update staff set name = %(name)s, role = %(role)s where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": staff.operator_id, "id": staff.id, "name": staff.name, "role": staff.role.value},
    )


async def insert_staff_token(
    tx: Tx, *, operator_id: OperatorId, staff_id: StaffId, token_hash: bytes, now: datetime, expires_at: datetime
) -> None:
    await tx.execute(
        "insert into staff_token (token_hash, operator_id, staff_id, created_at, expires_at)"
        " values (%(token_hash)s, %(operator_id)s, %(staff_id)s, %(now)s, %(expires_at)s)",
        {
            "token_hash": token_hash,
            "operator_id": operator_id,
            "staff_id": staff_id,
            "now": now,
            "expires_at": expires_at,
        },
    )


async def lock_attempts(tx: Tx, email_hash: bytes) -> None:
    """One login at a time is counted for an address, also for the first one, when there is no row to lock."""
    await tx.execute(
        "select pg_advisory_xact_lock(hashtextextended('staff_login:' || encode(%(email_hash)s, 'hex'), 0))",
        {"email_hash": email_hash},
    )


async def save_attempts(tx: Tx, email_hash: bytes, attempts: LoginAttempts) -> None:
    await tx.execute(
        "insert into staff_login_attempts (email_hash, attempts, last_at)"
        " values (%(email_hash)s, %(attempts)s, %(last_at)s)"
        " on conflict (email_hash) do update set attempts = excluded.attempts, last_at = excluded.last_at",
        {"email_hash": email_hash, "attempts": attempts.attempts, "last_at": attempts.last_at},
    )


async def forget_attempts(tx: Tx, email_hash: bytes) -> None:
    await tx.execute("delete from staff_login_attempts where email_hash = %(email_hash)s", {"email_hash": email_hash})


async def delete_expired(tx: Tx, *, now: datetime, attempts_before: datetime, limit: int) -> int:
    """Drop ended tokens and old attempts of all operators, at most `limit` of each; how many went."""
    tokens = await tx.execute(
        "delete from staff_token where token_hash in"
        " (select token_hash from staff_token where expires_at <= %(now)s limit %(limit)s for update skip locked)",
        {"now": now, "limit": limit},
    )
    attempts = await tx.execute(
        "delete from staff_login_attempts where email_hash in"
        " (select email_hash from staff_login_attempts where last_at <= %(before)s limit %(limit)s for update skip locked)",
        {"before": attempts_before, "limit": limit},
    )
    return tokens + attempts
