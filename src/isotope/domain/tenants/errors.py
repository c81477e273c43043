"""The refusals of this room; their texts are in `texts/en.toml`."""

from isotope.domain.tenants.model import Role
from isotope.kernel.errors import Kind, Refusal
from isotope.kernel.money import Money


def operator_not_found(slug: str) -> Refusal:
    return Refusal(Kind.NOT_FOUND, "operator_not_found", params={"slug": slug})


def operator_exists(slug: str) -> Refusal:
    return Refusal(Kind.CONFLICT, "operator_exists", params={"slug": slug})


def key_taken() -> Refusal:
    """Keys are unique in the installation: a public key alone says whose it is."""
    return Refusal(Kind.CONFLICT, "key_taken")


def staff_exists(email: str) -> Refusal:
    """Only the command line answers this, to the installation's owner."""
    return Refusal(Kind.CONFLICT, "staff_exists", params={"email": email})


def wrong_credentials() -> Refusal:
    """The same for a wrong password and for an address that no staff has."""
    return Refusal(Kind.UNAUTHORIZED, "wrong_credentials")


def login_locked(retry_after_s: int) -> Refusal:
    """Too many wrong passwords for this address, whether staff has it or not."""
    minutes = -(-retry_after_s // 60)
    return Refusal(Kind.TOO_MANY, "login_locked", params={"minutes": minutes}, retry_after_s=retry_after_s)


def logins_busy() -> Refusal:
    """So many logins at once that waiting would take longer than coming again."""
    return Refusal(Kind.UNAVAILABLE, "logins_busy", retry_after_s=2)


def role_not_allowed(role: Role) -> Refusal:
    """This member of staff does not do this."""
    return Refusal(Kind.FORBIDDEN, "role_not_allowed", {"role": role}, {"role": role})


def whole_operator_only() -> Refusal:
    """This is for staff of the whole operator, not of a subaccount."""
    return Refusal(Kind.FORBIDDEN, "whole_operator_only")


def role_limit_reached(role: Role, left: Money) -> Refusal:
    """This member of staff does this up to an amount, and that is used up."""
    return Refusal(
        Kind.FORBIDDEN,
        "role_limit_reached",
        {"role": role, "left": left.text()},
        {"role": role, "left": str(left.to_decimal()), "currency": left.currency},
    )
