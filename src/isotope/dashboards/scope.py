"""Whose rows a list may show."""

from dataclasses import dataclass
from typing import Any

from isotope.domain.tenants.model import Operator, Staff
from isotope.kernel.ids import OperatorId, SubaccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """An operator, and the subaccount that is all of it for who asks; None: everything.

    `params` are for every query: `operator_id`, `subaccount_id` (null for everything).
    """

    operator_id: OperatorId
    subaccount_id: SubaccountId | None
    currency: str
    time_zone: str

    @property
    def params(self) -> dict[str, Any]:
        return {"operator_id": self.operator_id, "subaccount_id": self.subaccount_id}


def scope_of(operator: Operator, staff: Staff) -> Scope:
    """What this member of staff may see."""
    return Scope(
        operator_id=operator.id,
        subaccount_id=staff.subaccount_id,
        currency=operator.currency,
        time_zone=operator.time_zone,
    )
