"""What requests carry. Unknown fields are refused."""

from typing import Annotated

import msgspec
from msgspec import Meta

Minor = Annotated[int, Meta(ge=1, le=10**12)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Ref = Annotated[str, Meta(min_length=1, max_length=100)]
# Where browsers are sent: never a script.
Address = Annotated[str, Meta(pattern=r"^https?://[^\s<>\"'\\]+$", max_length=2_000)]

# Empty where nobody is there who could be asked.
AddressOrNone = Annotated[str, Meta(pattern=r"^(https?://[^\s<>\"'\\]+)?$", max_length=2_000)]


class StartSetup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    customer: Ref | None = None
    return_url: Address
    cancel_url: Address


class Charge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    customer: Ref
    card: Ref
    amount: Minor
    currency: Currency
    capture: bool
    on_session: bool
    return_url: AddressOrNone
    description: Annotated[str, Meta(max_length=500)] = ""


class Amount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    amount: Minor


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No field."""


class AddCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Control: save a card without the page."""

    name: str


class OpenDispute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Control: the holder of a card disputes a payment."""

    payment: Ref
    amount: Minor | None = None


class EndDispute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Control: the bank decides. `won`: the merchant keeps the money."""

    won: bool


class AddFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Control: what is to happen to the next calls of a kind."""

    kind: Ref
    fault: str
    times: Annotated[int, Meta(ge=1, le=1_000)] = 1
