"""Registration from a web form, without a text message."""

import msgspec

from isotope.domain.identity import queries, store
from isotope.domain.identity.phones import read_phone
from isotope.domain.identity.rules import counted_address, may_register_by_form, person_faults
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal, invalid


class RegisterByForm(msgspec.Struct, frozen=True, kw_only=True):
    """What the form says; `address` is the caller's, None where the operator's own server asks."""

    operator: Operator
    first_name: str
    last_name: str
    email: str
    phone_prefix: str
    phone: str
    address: str | None = None


async def register_by_form(rt: Runtime, command: RegisterByForm) -> None:
    """Make an unverified rider, who gets in only once a code has shown that the number is theirs.

    A number that is known already is left as it is, and the answer is the same: the form neither tells who is a
    customer nor lets strangers change one.

    Raises:
        Refusal: `validation_failed` with every fault, `too_many_forms`.
    """
    operator = command.operator
    faults = person_faults(email=command.email, first_name=command.first_name, last_name=command.last_name)
    try:
        phone = read_phone(command.phone_prefix, command.phone, operator.settings.otp.allowed_prefixes)
    except Refusal as refusal:
        raise invalid(*faults, *refusal.faults) from None
    if faults:
        raise invalid(*faults)
    address = counted_address(command.address)
    now = rt.clock.now()
    async with rt.db.write() as tx:
        await store.lock_phone(tx, operator.id, phone)
        if address is not None:
            limit = operator.settings.forms_per_address
            await store.lock_address(tx, operator.id, address)
            full_since = await queries.find_forms_full_since(tx, operator.id, address, limit)
            if refused := may_register_by_form(full_since, now):
                raise refused
            await store.insert_form(tx, operator.id, address, now)
        await store.insert_rider(
            tx,
            operator_id=operator.id,
            name=f"{command.first_name.strip()} {command.last_name.strip()}",
            email=command.email.strip(),
            phone=phone,
            language=operator.languages[0],
            device_os=None,
            agree_marketing=False,
            phone_verified_at=None,
            now=now,
        )
