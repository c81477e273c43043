"""Room: operators (tenants), their keys, their staff.

`Operators` answers each request's first question, from memory. The store functions that take a
`tx` are for provisioning, which does everything in one transaction.
"""

from isotope.domain.tenants.errors import (
    key_taken,
    login_locked,
    logins_busy,
    operator_exists,
    operator_not_found,
    role_limit_reached,
    role_not_allowed,
    staff_exists,
    whole_operator_only,
    wrong_credentials,
)
from isotope.domain.tenants.model import (
    CreatedOperator,
    KeyKind,
    Operator,
    OperatorKey,
    OtpSettings,
    RideSettings,
    Role,
    Settings,
    Staff,
    StaffSession,
)
from isotope.domain.tenants.operators import Operators
from isotope.domain.tenants.passwords import hash_password
from isotope.domain.tenants.queries import (
    find_operator,
    find_operator_by_slug,
    find_staff_by_email,
    get_operator_by_slug,
    list_keys,
    list_operators,
    list_operators_with_keys,
)
from isotope.domain.tenants.rights import MEANS, ROLES, Right, has_right, may
from isotope.domain.tenants.rules import key_faults, normal_email, operator_faults, staff_faults
from isotope.domain.tenants.store import (
    OPERATOR_CHANGED,
    end_other_keys,
    insert_operator,
    insert_staff,
    put_key,
    save_operator,
    save_staff,
    tell_changed,
)
from isotope.domain.tenants.usecases.add_staff import AddStaff, add_staff
from isotope.domain.tenants.usecases.create_operator import CreateOperator, create_operator
from isotope.domain.tenants.usecases.find_staff_by_token import find_staff_by_token
from isotope.domain.tenants.usecases.forget_ended_logins import forget_ended_logins
from isotope.domain.tenants.usecases.log_in_staff import LogInStaff, log_in_staff
from isotope.domain.tenants.usecases.roll_up_days import roll_up_days
from isotope.domain.tenants.usecases.rotate_key import RotateKey, rotate_key
from isotope.domain.tenants.usecases.update_operator import UpdateOperator, update_operator

__all__ = [
    "MEANS",
    "OPERATOR_CHANGED",
    "ROLES",
    "AddStaff",
    "CreateOperator",
    "CreatedOperator",
    "KeyKind",
    "LogInStaff",
    "Operator",
    "OperatorKey",
    "Operators",
    "OtpSettings",
    "RideSettings",
    "Right",
    "Role",
    "RotateKey",
    "Settings",
    "Staff",
    "StaffSession",
    "UpdateOperator",
    "add_staff",
    "create_operator",
    "end_other_keys",
    "find_operator",
    "find_operator_by_slug",
    "find_staff_by_email",
    "find_staff_by_token",
    "forget_ended_logins",
    "get_operator_by_slug",
    "has_right",
    "hash_password",
    "insert_operator",
    "insert_staff",
    "key_faults",
    "key_taken",
    "list_keys",
    "list_operators",
    "list_operators_with_keys",
    "log_in_staff",
    "login_locked",
    "logins_busy",
    "may",
    "normal_email",
    "operator_exists",
    "operator_faults",
    "operator_not_found",
    "put_key",
    "role_limit_reached",
    "role_not_allowed",
    "roll_up_days",
    "rotate_key",
    "save_operator",
    "save_staff",
    "staff_exists",
    "staff_faults",
    "tell_changed",
    "update_operator",
    "whole_operator_only",
    "wrong_credentials",
]
