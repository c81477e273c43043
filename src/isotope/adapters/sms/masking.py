"""Phone numbers in logs."""

from typing import Final

_SHOWN: Final = 3


def masked(phone_digits: str) -> str:
    """`35840123456` is logged as `********456`: enough to find a complaint, not enough to call."""
    return "*" * max(0, len(phone_digits) - _SHOWN) + phone_digits[-_SHOWN:]
