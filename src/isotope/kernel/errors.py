"""The business saying no.

A `Refusal` is an expected outcome: it has a kind (which the API maps to a status in one table),
a stable code (the key of its text in the catalogue) and typed details for programs. Anything
else that is raised is a bug.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

JsonScalar = str | int | float | bool | None
Json = JsonScalar | Sequence["Json"] | Mapping[str, "Json"]


class Kind(StrEnum):
    """What sort of no it is."""

    INVALID = "INVALID"
    UNAUTHORIZED = "UNAUTHORIZED"
    # Somebody else, who pays or is to pay, said no: a card was declined.
    PAYMENT = "PAYMENT"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    UNPROCESSABLE = "UNPROCESSABLE"
    TOO_LARGE = "TOO_LARGE"
    UNSUPPORTED_MEDIA = "UNSUPPORTED_MEDIA"
    TOO_MANY = "TOO_MANY"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field of the input.

    `field` is a path such as `vehicle_ids.2`; `info` says what is wrong and what would be accepted.
    """

    field: str
    info: str


@dataclass(eq=False)  # not frozen: contextlib sets __traceback__
class Refusal(Exception):  # noqa: N818 - it is an outcome, not an error
    """A refusal with its code, its parameters for the text, and details for programs.

    Args:
        kind: decides the HTTP status.
        code: stable, lower_snake_case; the key of the text in `texts/en.toml`.
        params: what the text is filled with; never personal data.
        details: what a program can use (coordinates of the nearest parking, seconds left).
        faults: for `INVALID`: every fault of the input at once.
        retry_after_s: for `TOO_MANY` and `UNAVAILABLE`: when to come back.
    """

    kind: Kind
    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    details: Mapping[str, Json] = field(default_factory=dict)
    faults: Sequence[Fault] = ()
    retry_after_s: int | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.code}"


def invalid(*faults: Fault) -> Refusal:
    """The input does not fit: answered as `Validation failed` with every fault."""
    return Refusal(Kind.INVALID, "validation_failed", faults=faults)
