"""What of a person a role is not shown whole. Pure.

| | shown to who may `see_people` | to others |
|---|---|---|
| name | Ada Lovelace | A. L. |
| phone | 401234567 | ***567 |
| e-mail | ada@example.test | a***@example.test |
"""

from typing import Final

_STARS: Final = "***"
_TAIL: Final = 3


def masked_name(name: str) -> str:
    """The initials."""
    return " ".join(f"{word[0]}." for word in name.split())


def masked_phone(phone: str) -> str:
    """The last three digits."""
    return _STARS + phone[-_TAIL:] if phone else ""


def masked_email(email: str) -> str:
    """The first letter and the domain."""
    local, at, domain = email.partition("@")
    return f"{local[:1]}{_STARS}{at}{domain}" if email else ""
