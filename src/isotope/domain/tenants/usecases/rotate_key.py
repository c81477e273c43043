"""Give an operator a new key; the old ones go on for a while, so that apps and servers can follow."""

from datetime import timedelta

import msgspec

from isotope.domain.tenants import queries, store
from isotope.domain.tenants.model import KeyKind
from isotope.domain.tenants.rules import key_faults
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import new_token
from isotope.kernel.errors import Fault, invalid


class RotateKey(msgspec.Struct, frozen=True, kw_only=True):
    """Old keys of this kind work for `grace_s` seconds more; 0 ends them at once."""

    slug: str
    kind: KeyKind
    grace_s: int
    key: str | None = None


async def rotate_key(rt: Runtime, command: RotateKey) -> str:
    """The new key, which is told here once.

    Raises:
        Refusal: `validation_failed`, `operator_not_found`, `key_taken`.
    """
    key = command.key or new_token()
    faults = key_faults("key", key)
    if command.grace_s < 0:
        faults.append(Fault("grace_s", "the seconds that old keys go on working are 0 or more"))
    if faults:
        raise invalid(*faults)
    now = rt.clock.now()
    async with rt.db.write() as tx:
        operator = await queries.get_operator_by_slug(tx, command.slug)
        await store.put_key(tx, operator.id, command.kind, key, now)
        await store.end_other_keys(tx, operator.id, command.kind, key, now + timedelta(seconds=command.grace_s))
    return key
