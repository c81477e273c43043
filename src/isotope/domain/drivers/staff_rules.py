"""What staff may do about drivers. Pure.

| role | looks at documents and decides on them |
|---|---|
| owner, manager, support | yes |
| operator, read_only | no: they are personal |
"""

from typing import Final

from isotope.domain.tenants import role_not_allowed
from isotope.domain.tenants.model import Role
from isotope.kernel.errors import Refusal

_PERSONAL: Final = frozenset({Role.OWNER, Role.MANAGER, Role.SUPPORT})


def may_see_documents(role: Role) -> Refusal | None:
    """By the table above."""
    return None if role in _PERSONAL else role_not_allowed(role)
