"""The writing SQL of this room.

Whoever needs several locks takes them in this order, so that nobody waits in a circle: number, address, prefix,
then the row of the verification, then the row of the rider.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from isotope.domain.identity.errors import user_not_found
from isotope.domain.identity.model import Flow, Licence, Phone, Rider, Step, Verification
from isotope.domain.identity.rows import rider_of_row, verification_of_row
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, RiderId

# Somebody with more devices than this loses the oldest session, and the table stays small.
TOKENS_PER_RIDER: Final = 20
# As many devices as somebody has; of more, the one that was heard of longest ago gets no notifications.
APPS_PER_RIDER: Final = 10


async def lock_phone(tx: Tx, operator_id: OperatorId, phone: Phone) -> None:
    """One at a time for a number, also before there is any row of it."""
    await _lock(tx, f"phone:{operator_id}:{phone.digits}")


async def lock_limits(tx: Tx, operator_id: OperatorId, phone: Phone, address: str | None) -> None:
    """Count and send in turn: what is counted after this does not change until the commit.

    The prefix is the widest of the three; the number is locked as well, because erasures and logins lock only that.
    """
    await lock_phone(tx, operator_id, phone)
    if address is not None:
        await lock_address(tx, operator_id, address)
    await _lock(tx, f"prefix:{operator_id}:{phone.prefix}")


async def lock_address(tx: Tx, operator_id: OperatorId, address: str) -> None:
    """One at a time for an address."""
    await _lock(tx, f"address:{operator_id}:{address}")


async def _lock(tx: Tx, name: str) -> None:
    await tx.execute("select pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", {"name": name})


async def insert_send(tx: Tx, operator_id: OperatorId, phone: Phone, address: str | None, now: datetime) -> None:
    await tx.execute(
        "insert into sms_send (operator_id, phone_prefix, phone, address, sent_at)"
        " values (%(operator_id)s, %(prefix)s, %(number)s, %(address)s::inet, %(now)s)",
        {
            "operator_id": operator_id,
            "prefix": phone.prefix,
            "number": phone.number,
            "address": address,
            "now": now,
        },
    )


async def insert_verification(
    tx: Tx,
    *,
    operator_id: OperatorId,
    flow: Flow,
    phone: Phone,
    address: str | None,
    requested_token_hash: bytes,
    code_hash: bytes | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    await tx.execute(
        "insert into phone_verification (operator_id, flow, phone_prefix, phone, address, step,"
        " requested_token_hash, code_hash, created_at, expires_at)"
        " values (%(operator_id)s, %(flow)s, %(prefix)s, %(number)s, %(address)s::inet, 'REQUESTED',"
        " %(token_hash)s, %(code_hash)s, %(now)s, %(expires_at)s)",
        {
            "operator_id": operator_id,
            "flow": flow.value,
            "prefix": phone.prefix,
            "number": phone.number,
            "address": address,
            "token_hash": requested_token_hash,
            "code_hash": code_hash,
            "now": now,
            "expires_at": expires_at,
        },
    )


async def void_codes(tx: Tx, operator_id: OperatorId, phone: Phone) -> None:
    """Codes that were sent to the number and not told yet no longer work."""
    await tx.execute(
        "update phone_verification set step = 'VOID' where operator_id = %(operator_id)s"
        " and phone_prefix = %(prefix)s and phone = %(number)s and step = 'REQUESTED' and code_hash is not null",
        {"operator_id": operator_id, "prefix": phone.prefix, "number": phone.number},
    )


async def lock_verification_by_requested_token(
    tx: Tx, operator_id: OperatorId, token_hash: bytes
) -> Verification | None:
    return await tx.find(
        verification_of_row,
        "select id, flow, phone_prefix, phone, step, code_hash, checks, expires_at from phone_verification"
        " where operator_id = %(operator_id)s and requested_token_hash = %(token_hash)s for update",
        {"operator_id": operator_id, "token_hash": token_hash},
    )


async def count_check(tx: Tx, operator_id: OperatorId, verification: Verification, step: Step) -> None:
    """One more check was made; `step` is where it left the run."""
    await tx.execute(
        "update phone_verification set checks = checks + 1, step = %(step)s"
        " where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": verification.id, "step": step.value},
    )


async def save_verified(
    tx: Tx, operator_id: OperatorId, verification: Verification, verified_token_hash: bytes, expires_at: datetime
) -> None:
    """The requested token is spent; the verified one lives until `expires_at`. The code's hash goes."""
    await tx.execute(
        "update phone_verification set step = 'VERIFIED', verified_token_hash = %(token_hash)s, code_hash = null,"
        " expires_at = %(expires_at)s where operator_id = %(operator_id)s and id = %(id)s",
        {
            "operator_id": operator_id,
            "id": verification.id,
            "token_hash": verified_token_hash,
            "expires_at": expires_at,
        },
    )


async def save_used(tx: Tx, operator_id: OperatorId, verification: Verification) -> None:
    await tx.execute(
        "update phone_verification set step = 'USED' where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": verification.id},
    )


async def lock_rider(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Rider:
    """The rider's row, FOR UPDATE: nothing that refers to it is inserted meanwhile. Raises `user_not_found`."""
    found = await tx.find(
        rider_of_row,
        "select operator_id, id, name, email, phone_prefix, phone, language, status, phone_verified_at,"
        " deletion_due_at, created_at from rider"
        " where operator_id = %(operator_id)s and id = %(rider_id)s and status <> 'DELETED' for update",
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    if found is None:
        raise user_not_found()
    return found


async def lock_rider_by_phone(tx: Tx, operator_id: OperatorId, phone: Phone) -> Rider | None:
    """Take `lock_phone` first: then nobody else adds a rider with this number."""
    return await tx.find(
        rider_of_row,
        "select operator_id, id, name, email, phone_prefix, phone, language, status, phone_verified_at,"
        " deletion_due_at, created_at from rider where operator_id = %(operator_id)s"
        " and phone_prefix = %(prefix)s and phone = %(number)s and status <> 'DELETED' for update",
        {"operator_id": operator_id, "prefix": phone.prefix, "number": phone.number},
    )


async def insert_rider(
    tx: Tx,
    *,
    operator_id: OperatorId,
    name: str,
    email: str,
    phone: Phone,
    language: str,
    device_os: str | None,
    agree_marketing: bool,
    phone_verified_at: datetime | None,
    now: datetime,
) -> RiderId | None:
    """None: the number has a rider already, who stays as they are."""
    made = await tx.scalar(
        "insert into rider (operator_id, name, email, phone_prefix, phone, language, device_os, agree_marketing,"
        " status, phone_verified_at, created_at)"
        " values (%(operator_id)s, %(name)s, %(email)s, %(prefix)s, %(number)s, %(language)s, %(device_os)s,"
        " %(agree_marketing)s, 'ACTIVE', %(phone_verified_at)s, %(now)s)"
        " on conflict (operator_id, phone_prefix, phone) where status <> 'DELETED' do nothing returning id",
        {
            "operator_id": operator_id,
            "name": name,
            "email": email,
            "prefix": phone.prefix,
            "number": phone.number,
            "language": language,
            "device_os": device_os,
            "agree_marketing": agree_marketing,
            "phone_verified_at": phone_verified_at,
            "now": now,
        },
    )
    return None if made is None else RiderId(made)


async def save_registration(
    tx: Tx, rider: Rider, *, name: str, email: str, device_os: str | None, agree_marketing: bool
) -> None:
    """What somebody who registered by form says of themselves now that the number is shown to be theirs."""
    await tx.execute(
        "update rider set name = %(name)s, email = %(email)s, device_os = %(device_os)s,"
        " agree_marketing = %(agree_marketing)s where operator_id = %(operator_id)s and id = %(id)s",
        {
            "operator_id": rider.operator_id,
            "id": rider.id,
            "name": name,
            "email": email,
            "device_os": device_os,
            "agree_marketing": agree_marketing,
        },
    )


async def save_phone_verified(tx: Tx, rider: Rider, now: datetime) -> None:
    """The first proof stays the one that is noted."""
    await tx.execute(
        "update rider set phone_verified_at = coalesce(phone_verified_at, %(now)s)"
        " where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": rider.operator_id, "id": rider.id, "now": now},
    )


async def insert_token(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, token_hash: bytes, now: datetime, expires_at: datetime
) -> None:
    """Store one more token of the rider's; the oldest beyond `TOKENS_PER_RIDER` end."""
    await tx.execute(
        "insert into rider_token (token_hash, operator_id, rider_id, created_at, expires_at)"
        " values (%(token_hash)s, %(operator_id)s, %(rider_id)s, %(now)s, %(expires_at)s)",
        {
            "token_hash": token_hash,
            "operator_id": operator_id,
            "rider_id": rider_id,
            "now": now,
            "expires_at": expires_at,
        },
    )
    await tx.execute(
        "delete from rider_token where operator_id = %(operator_id)s and rider_id = %(rider_id)s and token_hash in"
        " (select token_hash from rider_token where operator_id = %(operator_id)s and rider_id = %(rider_id)s"
        "   and token_hash <> %(token_hash)s order by created_at desc offset %(others)s)",
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "token_hash": token_hash,
            "others": TOKENS_PER_RIDER - 1,
        },
    )


async def end_token(tx: Tx, operator_id: OperatorId, rider_id: RiderId, token_hash: bytes, now: datetime) -> bool:
    """Whether it was there to end: of two at once, one is told so."""
    ended = await tx.execute(
        "delete from rider_token where token_hash = %(token_hash)s and operator_id = %(operator_id)s"
        " and rider_id = %(rider_id)s and expires_at > %(now)s",
        {"operator_id": operator_id, "rider_id": rider_id, "token_hash": token_hash, "now": now},
    )
    return ended == 1


async def end_tokens(tx: Tx, rider: Rider) -> None:
    await tx.execute(
        "delete from rider_token where operator_id = %(operator_id)s and rider_id = %(id)s",
        {"operator_id": rider.operator_id, "id": rider.id},
    )


async def save_push_token(tx: Tx, rider: Rider, token: str, now: datetime) -> None:
    """The app is this rider's from now on, whoever's it was. The rider's row is locked."""
    of = {"operator_id": rider.operator_id, "id": rider.id, "token": token, "now": now, "most": APPS_PER_RIDER}
    await tx.execute(
        "insert into rider_push_token (operator_id, token, rider_id, at)"
        " values (%(operator_id)s, %(token)s, %(id)s, %(now)s)"
        " on conflict (operator_id, token) do update set rider_id = excluded.rider_id, at = excluded.at",
        of,
    )
    # Who takes one of these apps over at this moment keeps it; the next time it is counted again.
    await tx.execute(
        "delete from rider_push_token where operator_id = %(operator_id)s and token in ("
        "select token from rider_push_token where operator_id = %(operator_id)s and rider_id = %(id)s"
        " and token <> %(token)s order by at desc, token offset %(most)s - 1 for update skip locked)",
        of,
    )


async def delete_push_tokens(tx: Tx, operator_id: OperatorId, rider_id: RiderId, tokens: Sequence[str]) -> None:
    """These apps get no notifications for the rider any more."""
    await tx.execute(
        "delete from rider_push_token where operator_id = %(operator_id)s and rider_id = %(rider_id)s"
        " and token = any(%(tokens)s)",
        {"operator_id": operator_id, "rider_id": rider_id, "tokens": list(tokens)},
    )


async def forget_push_tokens(tx: Tx, rider: Rider) -> None:
    """No app gets notifications for the rider any more, and what the stand-in has of them goes."""
    await tx.execute(
        "with gone as (delete from rider_push_token where operator_id = %(operator_id)s and rider_id = %(id)s"
        " returning token) delete from dev_push_outbox where token in (select token from gone)",
        {"operator_id": rider.operator_id, "id": rider.id},
    )


async def insert_form(tx: Tx, operator_id: OperatorId, address: str, now: datetime) -> None:
    await tx.execute(
        "insert into form_registration (operator_id, address, at) values (%(operator_id)s, %(address)s::inet, %(now)s)",
        {"operator_id": operator_id, "address": address, "now": now},
    )


async def request_deletion(tx: Tx, rider: Rider, due_at: datetime, actor: Actor, now: datetime) -> None:
    await tx.execute(
        "update rider set was_blocked = (status = 'BLOCKED'), status = 'DELETION_REQUESTED',"
        " deletion_due_at = %(due_at)s where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": rider.operator_id, "id": rider.id, "due_at": due_at},
    )
    await _log_deletion(tx, rider, "REQUESTED", actor, now)


async def undo_deletion(tx: Tx, rider: Rider, actor: Actor, now: datetime) -> None:
    await tx.execute(
        "update rider set status = case when was_blocked then 'BLOCKED' else 'ACTIVE' end, was_blocked = false,"
        " deletion_due_at = null where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": rider.operator_id, "id": rider.id},
    )
    await _log_deletion(tx, rider, "UNDONE", actor, now)


async def put_deletion_off(tx: Tx, rider: Rider, due_at: datetime) -> None:
    await tx.execute(
        "update rider set deletion_due_at = %(due_at)s where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": rider.operator_id, "id": rider.id, "due_at": due_at},
    )


async def erase_rider(tx: Tx, rider: Rider, actor: Actor, now: datetime) -> None:
    """Everything that tells who it was goes; the row stays as a pseudonym, for ledger and rides refer to it."""
    await end_tokens(tx, rider)
    number = {"operator_id": rider.operator_id, "prefix": rider.phone_prefix, "number": rider.phone}
    await tx.execute(
        "delete from phone_verification where operator_id = %(operator_id)s"
        " and phone_prefix = %(prefix)s and phone = %(number)s",
        number,
    )
    await tx.execute(
        "delete from sms_send where operator_id = %(operator_id)s and phone_prefix = %(prefix)s and phone = %(number)s",
        number,
    )
    # Demo and test mode: the stand-in's messages carry the number and belong to no operator.
    await tx.execute("delete from dev_outbox where phone = %(digits)s", {"digits": rider.phone_prefix + rider.phone})
    await forget_push_tokens(tx, rider)
    await forget_licence(tx, rider)
    await tx.execute(
        "update rider set status = 'DELETED', name = '', email = '', phone_prefix = '', phone = '', device_os = null,"
        " agree_marketing = false, phone_verified_at = null, deletion_due_at = null, was_blocked = false"
        " where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": rider.operator_id, "id": rider.id},
    )
    await _log_deletion(tx, rider, "ERASED", actor, now)


async def forget_licence(tx: Tx, rider: Rider) -> None:
    """Nothing is known of it any more."""
    await tx.execute(
        "delete from rider_licence where operator_id = %(operator_id)s and rider_id = %(id)s",
        {"operator_id": rider.operator_id, "id": rider.id},
    )


async def insert_licence(tx: Tx, rider: Rider, licence: Licence, actor: Actor, now: datetime) -> None:
    """What is known of it; nothing was."""
    await tx.execute(
        "insert into rider_licence (operator_id, rider_id, born_on, categories, expires_on, checked_by, checked_at)"
        " values (%(operator_id)s, %(id)s, %(born_on)s, %(categories)s, %(expires_on)s, %(actor)s, %(now)s)",
        {
            "operator_id": rider.operator_id,
            "id": rider.id,
            "born_on": licence.born_on,
            "categories": list(licence.categories),
            "expires_on": licence.expires_on,
            "actor": actor,
            "now": now,
        },
    )


async def _log_deletion(tx: Tx, rider: Rider, kind: str, actor: Actor, now: datetime) -> None:
    await tx.execute(
        "insert into deletion_log (operator_id, rider_id, pseudonym, kind, actor, at)"
        " select operator_id, id, pseudonym, %(kind)s, %(actor)s, %(now)s from rider"
        " where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": rider.operator_id, "id": rider.id, "kind": kind, "actor": actor, "now": now},
    )


async def delete_ended(tx: Tx, *, now: datetime, sends_before: datetime, limit: int) -> int:
    """Drop ended tokens and what the limits no longer look at, of all operators, at most `limit` rows of each."""
    params = {"now": now, "before": sends_before, "limit": limit}
    gone = await tx.execute(
        "delete from rider_token where token_hash in (select token_hash from rider_token"
        " where expires_at <= %(now)s limit %(limit)s for update skip locked)",
        params,
    )
    gone += await tx.execute(
        "delete from phone_verification where (operator_id, id) in (select operator_id, id from phone_verification"
        " where created_at <= %(before)s limit %(limit)s for update skip locked)",
        params,
    )
    gone += await tx.execute(
        "delete from sms_send where (operator_id, id) in (select operator_id, id from sms_send"
        " where sent_at <= %(before)s limit %(limit)s for update skip locked)",
        params,
    )
    gone += await tx.execute(
        "delete from form_registration where (operator_id, id) in (select operator_id, id from form_registration"
        " where at <= %(before)s limit %(limit)s for update skip locked)",
        params,
    )
    return gone
