"""Which role may do what on the dashboard: the one table. Pure.

Amounts that a role may move are limited elsewhere, by the operator's settings (`support_refund_minor`, ...).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from isotope.domain.tenants.errors import role_not_allowed
from isotope.domain.tenants.model import Role
from isotope.kernel.errors import Refusal


class Right(StrEnum):
    """What there is to do, as staff say it."""

    LOOK = "look"
    SEE_PEOPLE = "see_people"
    TREAT_RIDERS = "treat_riders"
    REVIEW_RIDES = "review_rides"
    END_RIDES = "end_rides"
    WRITE_TO_RIDERS = "write_to_riders"
    WORK_ON_VEHICLES = "work_on_vehicles"
    DISPATCH = "dispatch"
    SHAPE_WORK = "shape_work"
    MANAGE_CODES = "manage_codes"
    PAY_DRIVERS = "pay_drivers"


_ALL: Final = frozenset(Role)
_LEADERS: Final = frozenset({Role.OWNER, Role.MANAGER})
_OFFICE: Final = _LEADERS | {Role.SUPPORT}
_STREET: Final = _LEADERS | {Role.OPERATOR}

ROLES: Final[Mapping[Right, frozenset[Role]]] = {
    Right.LOOK: _ALL,
    Right.SEE_PEOPLE: _OFFICE,
    Right.TREAT_RIDERS: _OFFICE,
    Right.REVIEW_RIDES: _OFFICE,
    Right.END_RIDES: _OFFICE | _STREET,
    Right.WRITE_TO_RIDERS: _OFFICE,
    Right.WORK_ON_VEHICLES: _STREET,
    Right.DISPATCH: _OFFICE | _STREET,
    Right.SHAPE_WORK: _LEADERS,
    Right.MANAGE_CODES: _LEADERS,
    Right.PAY_DRIVERS: _LEADERS,
}

MEANS: Final[Mapping[Right, str]] = {
    Right.LOOK: "see lists of rides, vehicles, tasks, alerts, trips and drivers, and the statistics",
    Right.SEE_PEOPLE: "see names, phones and e-mail addresses of riders and drivers whole, their documents and pictures",
    Right.TREAT_RIDERS: "cancel, charge, refund and fine, up to the role's limits",
    Right.REVIEW_RIDES: "decide on rides and reports of damage that wait for somebody to look",
    Right.END_RIDES: "end a rider's ride",
    Right.WRITE_TO_RIDERS: "send messages to riders",
    Right.WORK_ON_VEHICLES: "change the status of vehicles, command them, write notes, make and do tasks, plan maintenance",
    Right.DISPATCH: "give trips to drivers",
    Right.SHAPE_WORK: "make, change and retire kinds of tasks",
    Right.MANAGE_CODES: "make and stop promo codes",
    Right.PAY_DRIVERS: "change what drivers are owed",
}


def has_right(role: Role, right: Right) -> bool:
    """By the table."""
    return role in ROLES[right]


def may(role: Role, right: Right) -> Refusal | None:
    """`role_not_allowed`, or nothing against it."""
    return None if has_right(role, right) else role_not_allowed(role)
