"""Riders, the numbers they are known by, and the way in by a code."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from isotope.kernel.ids import OperatorId, RiderId


class RiderStatus(StrEnum):
    """Where a rider stands.

    `DELETION_REQUESTED` is undone by logging in, until the erasure has run; `DELETED` is a pseudonym that
    ledger and rides refer to, and no verb of this room finds it any more.
    """

    ACTIVE = "ACTIVE"
    BLOCKED = "BLOCKED"
    DELETION_REQUESTED = "DELETION_REQUESTED"
    DELETED = "DELETED"


class Rider(msgspec.Struct, frozen=True, kw_only=True):
    """A customer of one operator.

    `phone_verified_at` is None for those who registered by form and never showed that the number is theirs.
    """

    operator_id: OperatorId
    id: RiderId
    name: str
    email: str
    phone_prefix: str
    phone: str
    language: str
    status: RiderStatus
    phone_verified_at: datetime | None
    deletion_due_at: datetime | None
    created_at: datetime


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    """A phone number as digits: country prefix and national number, as E.164 would join them."""

    prefix: str
    number: str

    @property
    def digits(self) -> str:
        """`358401234567`."""
        return self.prefix + self.number


class Flow(StrEnum):
    """What the code is asked for; the tokens of a run work for nothing else."""

    LOGIN = "LOGIN"
    REGISTER = "REGISTER"
    DRIVER = "DRIVER"


class Step(StrEnum):
    """How far a run through the code flow has come."""

    REQUESTED = "REQUESTED"
    VERIFIED = "VERIFIED"
    USED = "USED"
    VOID = "VOID"


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """One run: ask for a code, tell the code, log in or register.

    `code_hash` None: the operator vouched for the number with its secret key (`skip_otp`), no code is needed.
    """

    id: int
    flow: Flow
    phone: Phone
    step: Step
    code_hash: bytes | None
    checks: int
    expires_at: datetime


class PhoneToken(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to step 1.

    Args:
        phone_token: for step 2; the store has only its hash.
        left_seconds: until the next code to this number may be asked for; 0 when none was sent.
        phone: the national number as it was understood, digits only.
    """

    phone_token: str
    left_seconds: int
    phone: str


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A rider is in: the token is told once and stored hashed."""

    token: str
    rider_id: RiderId


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a deletion: `DELETION_REQUESTED` with the instant from which it is final, or `DELETED`."""

    status: RiderStatus
    due_at: datetime | None


class SendFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the limits look at, for a number, an address and a prefix.

    `last_to_number` is the newest message to the number. Each `*_full_since` is the instant of the n-th newest
    message, n being the limit: while it lies inside the window, the limit is used up. None: fewer were sent.
    """

    last_to_number: datetime | None = None
    number_full_since: datetime | None = None
    address_full_since: datetime | None = None
    prefix_full_since: datetime | None = None


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a rider's right to drive, as the operator said it. None and nothing: not known.

    `categories` are such as "B" or "AM". `expires_on` is the last day on which it counts; None: for ever.
    """

    born_on: date | None = None
    categories: tuple[str, ...] = ()
    expires_on: date | None = None
