"""What fields of the contract have in common: their types, ranges and marks.

The marks stand in `Meta.extra` and are read by the decoder, by `auth.settle` and by the documentation:
`secret_only` (works with the secret key only) and `clean` (what is done to a text before it is judged).
"""

from typing import Annotated, Final

from msgspec import Meta

from isotope.kernel.ids import MAX_ID

_SEPARATORS: Final = str.maketrans("", "", " \t-().\u00a0")


def clean_phone(text: str) -> str:
    """`2123 45-67` is `21234567`: people write numbers with separators."""
    return text.translate(_SEPARATORS)


def clean_prefix(text: str) -> str:
    """`+371` and `00371` are `371`."""
    digits = text.translate(_SEPARATORS)
    if digits.startswith("+"):
        return digits[1:]
    return digits.removeprefix("00")


Id = Annotated[int, Meta(ge=1, le=MAX_ID)]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="Latitude in degrees, WGS 84.", examples=[60.1699])]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="Longitude in degrees, WGS 84.", examples=[24.9384])]
PhonePrefix = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=3,
        description="Country prefix. A leading `+` and separators are forgiven.",
        examples=["358"],
        extra={"clean": clean_prefix},
    ),
]
Phone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=32,
        description="Number without its prefix. Spaces and dashes are forgiven.",
        examples=["401234567"],
        extra={"clean": clean_phone},
    ),
]
UserId = Annotated[
    Id | None,
    Meta(
        description="Whom the call is for. Works with the secret key only, and is required with it; "
        "a rider's token speaks for its own rider.",
        extra={"secret_only": True},
    ),
]
SecretFlag = Annotated[bool | None, Meta(extra={"secret_only": True})]
