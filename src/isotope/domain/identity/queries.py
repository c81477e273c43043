"""The reading SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from isotope.domain.identity.errors import user_not_found
from isotope.domain.identity.model import Licence, Phone, Rider, SendFacts, Verification
from isotope.domain.identity.rows import rider_of_row, verification_of_row
from isotope.domain.tenants.model import OtpSettings
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId, SubaccountId


async def get_rider(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Rider:
    """The rider, whatever their status but erased. Raises `user_not_found`."""
    found = await tx.find(
        rider_of_row,
        "select operator_id, id, name, email, phone_prefix, phone, language, status, phone_verified_at,"
        " deletion_due_at, created_at from rider"
        " where operator_id = %(operator_id)s and id = %(rider_id)s and status <> 'DELETED'",
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    if found is None:
        raise user_not_found()
    return found


async def get_riders(tx: Tx, operator_id: OperatorId, ids: Sequence[RiderId]) -> dict[RiderId, Rider]:
    """By number; those that were erased are not in it."""
    rows = await tx.all(
        rider_of_row,
        "select operator_id, id, name, email, phone_prefix, phone, language, status, phone_verified_at,"
        " deletion_due_at, created_at from rider"
        " where operator_id = %(operator_id)s and id = any(%(ids)s) and status <> 'DELETED'",
        {"operator_id": operator_id, "ids": list(ids)},
    )
    return {row.id: row for row in rows}


async def find_rider_by_token_hash(tx: Tx, operator_id: OperatorId, token_hash: bytes, now: datetime) -> Rider | None:
    return await tx.find(
        rider_of_row,
        "select r.operator_id, r.id, r.name, r.email, r.phone_prefix, r.phone, r.language, r.status,"
        " r.phone_verified_at, r.deletion_due_at, r.created_at"
        " from rider_token t join rider r on r.operator_id = t.operator_id and r.id = t.rider_id"
        " where t.token_hash = %(token_hash)s and t.operator_id = %(operator_id)s and t.expires_at > %(now)s"
        " and r.status in ('ACTIVE', 'BLOCKED')",
        {"operator_id": operator_id, "token_hash": token_hash, "now": now},
    )


async def find_verification_by_verified_token(
    tx: Tx, operator_id: OperatorId, token_hash: bytes
) -> Verification | None:
    return await tx.find(
        verification_of_row,
        "select id, flow, phone_prefix, phone, step, code_hash, checks, expires_at from phone_verification"
        " where operator_id = %(operator_id)s and verified_token_hash = %(token_hash)s",
        {"operator_id": operator_id, "token_hash": token_hash},
    )


async def get_send_facts(
    tx: Tx, operator_id: OperatorId, phone: Phone, address: str | None, otp: OtpSettings
) -> SendFacts:
    """What the limits look at; exact while `store.lock_limits` is held. One probe of an index each."""
    return await tx.one(
        SendFacts,
        "select"
        " (select sent_at from sms_send where operator_id = %(operator_id)s and phone_prefix = %(prefix)s"
        "   and phone = %(number)s order by sent_at desc limit 1) as last_to_number,"
        " (select sent_at from sms_send where operator_id = %(operator_id)s and phone_prefix = %(prefix)s"
        "   and phone = %(number)s order by sent_at desc offset %(per_number)s - 1 limit 1) as number_full_since,"
        " (select sent_at from sms_send where operator_id = %(operator_id)s and address = %(address)s::inet"
        "   order by sent_at desc offset %(per_address)s - 1 limit 1) as address_full_since,"
        " (select sent_at from sms_send where operator_id = %(operator_id)s and phone_prefix = %(prefix)s"
        "   order by sent_at desc offset %(per_prefix)s - 1 limit 1) as prefix_full_since",
        {
            "operator_id": operator_id,
            "prefix": phone.prefix,
            "number": phone.number,
            "address": address,
            "per_number": otp.sends_per_number,
            "per_address": otp.sends_per_address,
            "per_prefix": otp.sends_per_prefix,
        },
    )


async def find_last_send(tx: Tx, operator_id: OperatorId, phone: Phone) -> datetime | None:
    found: datetime | None = await tx.scalar(
        "select sent_at from sms_send where operator_id = %(operator_id)s and phone_prefix = %(prefix)s"
        " and phone = %(number)s order by sent_at desc limit 1",
        {"operator_id": operator_id, "prefix": phone.prefix, "number": phone.number},
    )
    return found


async def find_forms_full_since(tx: Tx, operator_id: OperatorId, address: str, limit: int) -> datetime | None:
    """When the n-th newest form of this address came, n being the limit."""
    found: datetime | None = await tx.scalar(
        "select at from form_registration where operator_id = %(operator_id)s and address = %(address)s::inet"
        " order by at desc offset %(limit)s - 1 limit 1",
        {"operator_id": operator_id, "address": address, "limit": limit},
    )
    return found


class DueRider(msgspec.Struct, frozen=True, kw_only=True):
    """A rider whose erasure is due."""

    operator_id: OperatorId
    id: RiderId


async def list_due_riders(tx: Tx, now: datetime, limit: int) -> list[DueRider]:
    """Riders of all operators whose time to change their mind is over, the longest overdue first."""
    return await tx.all(
        DueRider,
        "select operator_id, id from rider where status = 'DELETION_REQUESTED' and deletion_due_at <= %(now)s"
        " order by deletion_due_at, id limit %(limit)s",
        {"now": now, "limit": limit},
    )


def _licence_row(*, categories: list[str], **columns: Any) -> Licence:
    return Licence(categories=tuple(categories), **columns)


async def get_licence(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Licence:
    """What is known of the rider's right to drive; empty: nothing."""
    found = await tx.find(
        _licence_row,
        "select born_on, categories, expires_on from rider_licence"
        " where operator_id = %(operator_id)s and rider_id = %(rider_id)s",
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    return found or Licence()


async def list_push_tokens(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> list[str]:
    """The apps of a rider, the last heard of first."""
    rows = await tx.tuples(
        "select token from rider_push_token where operator_id = %(operator_id)s and rider_id = %(rider_id)s"
        " order by at desc, token",
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    return [token for (token,) in rows]


async def is_rider_of(tx: Tx, operator_id: OperatorId, rider_id: RiderId, subaccount_id: SubaccountId) -> bool:
    """Whether the rider ever began a ride with a vehicle of the subaccount."""
    found: bool = await tx.scalar(
        "select exists (select from rider_total where operator_id = %(operator_id)s"
        " and subaccount_id = %(subaccount_id)s and rider_id = %(rider_id)s)",
        {"operator_id": operator_id, "subaccount_id": subaccount_id, "rider_id": rider_id},
    )
    return found
