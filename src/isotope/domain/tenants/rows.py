"""From rows to types: what PostgreSQL hands over as plain text, lists and JSON."""

from datetime import datetime
from typing import Any

import msgspec

from isotope.domain.tenants.model import KeyKind, Operator, OperatorKey, Role, Settings, Staff
from isotope.kernel.ids import OperatorId, StaffId, SubaccountId


def operator_of_row(
    *, id: int, slug: str, name: str, currency: str, time_zone: str, languages: list[str], settings: dict[str, Any]
) -> Operator:
    return Operator(
        id=OperatorId(id),
        slug=slug,
        name=name,
        currency=currency,
        time_zone=time_zone,
        languages=tuple(languages),
        settings=msgspec.convert(settings, Settings),
    )


def key_of_row(*, kind: str, key_hash: bytes, hint: str, expires_at: datetime | None) -> OperatorKey:
    return OperatorKey(kind=KeyKind(kind), key_hash=key_hash, hint=hint, expires_at=expires_at)


def staff_of_row(
    *, operator_id: int, id: int, email: str, name: str, role: str, subaccount_id: int | None = None
) -> Staff:
    return Staff(
        operator_id=OperatorId(operator_id),
        id=StaffId(id),
        email=email,
        name=name,
        role=Role(role),
        subaccount_id=None if subaccount_id is None else SubaccountId(subaccount_id),
    )
