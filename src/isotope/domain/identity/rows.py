"""From rows to types."""

from datetime import datetime

from isotope.domain.identity.model import Flow, Phone, Rider, RiderStatus, Step, Verification
from isotope.kernel.ids import OperatorId, RiderId


def rider_of_row(
    *,
    operator_id: int,
    id: int,
    name: str,
    email: str,
    phone_prefix: str,
    phone: str,
    language: str,
    status: str,
    phone_verified_at: datetime | None,
    deletion_due_at: datetime | None,
    created_at: datetime,
) -> Rider:
    return Rider(
        operator_id=OperatorId(operator_id),
        id=RiderId(id),
        name=name,
        email=email,
        phone_prefix=phone_prefix,
        phone=phone,
        language=language,
        status=RiderStatus(status),
        phone_verified_at=phone_verified_at,
        deletion_due_at=deletion_due_at,
        created_at=created_at,
    )


def verification_of_row(
    *,
    id: int,
    flow: str,
    phone_prefix: str,
    phone: str,
    step: str,
    code_hash: bytes | None,
    checks: int,
    expires_at: datetime,
) -> Verification:
    return Verification(
        id=id,
        flow=Flow(flow),
        phone=Phone(prefix=phone_prefix, number=phone),
        step=Step(step),
        code_hash=code_hash,
        checks=checks,
        expires_at=expires_at,
    )
