"""Create an operator with its first keys."""

import msgspec

from isotope.domain.tenants import store
from isotope.domain.tenants.model import CreatedOperator, KeyKind, Settings
from isotope.domain.tenants.rules import key_faults, operator_faults
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import new_token
from isotope.kernel.errors import invalid


class CreateOperator(msgspec.Struct, frozen=True, kw_only=True):
    """A new tenant; keys that are not given are made."""

    slug: str
    name: str
    currency: str
    time_zone: str
    languages: tuple[str, ...]
    settings: Settings = Settings()
    public_key: str | None = None
    secret_key: str | None = None


async def create_operator(rt: Runtime, command: CreateOperator) -> CreatedOperator:
    """Make the operator; its keys are in the answer and nowhere else.

    Raises:
        Refusal: `validation_failed` with every fault, `operator_exists`, `key_taken`.
    """
    public_key = command.public_key or new_token()
    secret_key = command.secret_key or new_token()
    faults = operator_faults(
        slug=command.slug,
        name=command.name,
        currency=command.currency,
        time_zone=command.time_zone,
        languages=command.languages,
    )
    faults += key_faults("public_key", public_key) + key_faults("secret_key", secret_key)
    if faults:
        raise invalid(*faults)
    now = rt.clock.now()
    async with rt.db.write() as tx:
        operator = await store.insert_operator(
            tx,
            slug=command.slug,
            name=command.name,
            currency=command.currency,
            time_zone=command.time_zone,
            languages=command.languages,
            settings=command.settings,
            now=now,
        )
        await store.put_key(tx, operator.id, KeyKind.PUBLIC, public_key, now)
        await store.put_key(tx, operator.id, KeyKind.SECRET, secret_key, now)
    return CreatedOperator(operator=operator, public_key=public_key, secret_key=secret_key)
