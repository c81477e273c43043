"""What staff may do about drivers. Pure.

| role | looks at documents and decides on them |
|---|---|
| owner, manager, support | yes |
| operator, read_only | no: they are personal |
"""

from isotope.domain.tenants import Right, may
from isotope.domain.tenants.model import Role
from isotope.kernel.errors import Refusal


def may_see_documents(role: Role) -> Refusal | None:
    """By the table above."""
    return may(role, Right.SEE_PEOPLE)
