"""Give somebody a login to an operator's dashboard."""

import msgspec

from isotope.domain.tenants import queries, store
from isotope.domain.tenants.model import Role, Staff
from isotope.domain.tenants.passwords import hash_password
from isotope.domain.tenants.rules import normal_email, staff_faults
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import invalid


class AddStaff(msgspec.Struct, frozen=True, kw_only=True):
    """A new member of staff. The address is unique in the installation: the login names no operator."""

    slug: str
    email: str
    password: str
    role: Role
    name: str = ""


async def add_staff(rt: Runtime, command: AddStaff) -> Staff:
    """Store them with the hash of their password.

    Raises:
        Refusal: `validation_failed` with every fault, `operator_not_found`, `staff_exists`, `logins_busy`.
    """
    email = normal_email(command.email)
    if faults := staff_faults(email=email, password=command.password):
        raise invalid(*faults)
    password_hash = await hash_password(command.password)
    async with rt.db.write() as tx:
        operator = await queries.get_operator_by_slug(tx, command.slug)
        return await store.insert_staff(
            tx,
            operator_id=operator.id,
            email=email,
            name=command.name,
            role=command.role,
            password_hash=password_hash,
            now=rt.clock.now(),
        )
