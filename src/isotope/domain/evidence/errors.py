"""Every no about pictures and damage."""

from typing import Final

from isotope.kernel.errors import Kind, Refusal

FILES_RETRY_S: Final = 5
DAY_S: Final = 86_400


def file_not_found() -> Refusal:
    """There is none, or not for this link: nobody learns which of the two."""
    return Refusal(Kind.NOT_FOUND, "file_not_found")


def link_ended() -> Refusal:
    """It was good once; a new one is in a new answer of the call that gave it."""
    return Refusal(Kind.FORBIDDEN, "link_ended")


def files_unavailable() -> Refusal:
    """The store of pictures is away."""
    return Refusal(Kind.UNAVAILABLE, "files_unavailable", retry_after_s=FILES_RETRY_S)


def damage_not_taken(vehicle_type: str) -> Refusal:
    """No damage is reported on vehicles of this model."""
    return Refusal(Kind.CONFLICT, "damage_not_taken", {"vehicle_type": vehicle_type}, {"vehicle_type": vehicle_type})


def too_many_damage_reports(limit: int) -> Refusal:
    """One rider in a day."""
    return Refusal(Kind.TOO_MANY, "too_many_damage_reports", {"limit": limit}, {"limit": limit}, retry_after_s=DAY_S)
