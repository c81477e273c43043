"""Change an operator's own data."""

import msgspec

from isotope.domain.tenants import store
from isotope.domain.tenants.model import Operator
from isotope.domain.tenants.rules import operator_faults
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import invalid


class UpdateOperator(msgspec.Struct, frozen=True, kw_only=True):
    """The operator as it shall be; its id says which one."""

    operator: Operator


async def update_operator(rt: Runtime, command: UpdateOperator) -> Operator:
    """Write it and tell every process.

    Raises:
        Refusal: `validation_failed` with every fault, `operator_not_found`.
    """
    operator = command.operator
    faults = operator_faults(
        slug=operator.slug,
        name=operator.name,
        currency=operator.currency,
        time_zone=operator.time_zone,
        languages=operator.languages,
    )
    if faults:
        raise invalid(*faults)
    async with rt.db.write() as tx:
        await store.save_operator(tx, operator)
    return operator
