"""An operator for a test: every test makes its own, which isolates it."""

from dataclasses import dataclass
from uuid import uuid4

from msgspec.structs import replace

from isotope.domain.tenants import AddStaff, CreateOperator, add_staff, create_operator
from isotope.domain.tenants.model import Operator, Role, Settings, Staff
from isotope.infra.runtime import Runtime

STAFF_PASSWORD = "correct horse battery"  # staff of tests


@dataclass(frozen=True, slots=True)
class OperatorKit:
    """An operator with everything that acts for it. `staff` is None unless it was asked for."""

    operator: Operator
    public_key: str
    secret_key: str
    staff: Staff | None = None
    staff_password: str = STAFF_PASSWORD


async def make_operator(
    rt: Runtime,
    *,
    settings: Settings | None = None,
    currency: str = "EUR",
    time_zone: str = "Europe/Helsinki",
    languages: tuple[str, ...] = ("en", "fi", "sv"),
    name: str = "Test City",
    staff: Role | None = None,
    card_required: bool = False,
) -> OperatorKit:
    """A new operator with random keys; `staff=Role.OWNER` adds a login (one argon2 hash, 0.1 s).

    `card_required` goes before what `settings` say: most tests pay from the wallet.
    """
    settings = settings or Settings()
    settings = replace(settings, payments=replace(settings.payments, card_required=card_required))
    slug = f"t{uuid4().hex[:16]}"
    made = await create_operator(
        rt,
        CreateOperator(
            slug=slug,
            name=name,
            currency=currency,
            time_zone=time_zone,
            languages=languages,
            settings=settings,
        ),
    )
    member = None
    if staff is not None:
        member = await add_staff(
            rt, AddStaff(slug=slug, email=f"{slug}@example.test", password=STAFF_PASSWORD, role=staff, name="Staff")
        )
    return OperatorKit(operator=made.operator, public_key=made.public_key, secret_key=made.secret_key, staff=member)
