"""What riders own and owe, and how it is written down."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple

import msgspec

from isotope.domain.tenants.model import Operator
from isotope.kernel.actor import Actor
from isotope.kernel.ids import DriverId, OperatorId, RiderId

# The largest single amount, and the largest sum on one account: the biggest integer that JSON clients read exactly.
MAX_AMOUNT_MINOR: Final = 10**12
MAX_BALANCE_MINOR: Final = 2**53 - 1
MAX_KEY_LENGTH: Final = 255


class AccountKind(StrEnum):
    """Accounts of the ledger. Credits are positive: a rider's balance is what we owe, a debt is negative.

    RIDER_IN_TRANSIT  money on its way between a rider's card and us: below zero it is awaited, above it goes back
    RIDER_DEPOSIT  money of a rider that is kept as a deposit
    DRIVER_BALANCE  what a driver has earned, less the cash that riders gave them: below zero the driver owes it
    CHARGEBACKS  what banks took back
    """

    RIDER_BALANCE = "RIDER_BALANCE"
    RIDER_BONUS = "RIDER_BONUS"
    RIDER_DEBT = "RIDER_DEBT"
    RIDER_IN_TRANSIT = "RIDER_IN_TRANSIT"
    RIDER_DEPOSIT = "RIDER_DEPOSIT"
    DRIVER_BALANCE = "DRIVER_BALANCE"
    REVENUE = "REVENUE"
    TAX = "TAX"
    PROVIDER_CLEARING = "PROVIDER_CLEARING"
    ADJUSTMENTS = "ADJUSTMENTS"
    CHARGEBACKS = "CHARGEBACKS"

    @property
    def is_rider(self) -> bool:
        return self.value.startswith("RIDER_")

    @property
    def is_driver(self) -> bool:
        return self is AccountKind.DRIVER_BALANCE


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A rider's wallet in one currency. Balance, bonus and debt are zero or positive.

    `in_transit_minor` is below zero while money of a card is awaited, above while some goes back to a card.
    """

    currency: str
    balance_minor: int = 0
    bonus_minor: int = 0
    debt_minor: int = 0
    in_transit_minor: int = 0

    @property
    def spendable_minor(self) -> int:
        """What a ride can be paid from."""
        return self.balance_minor + self.bonus_minor


class Account(NamedTuple):
    """Which account of an operator's, in one currency."""

    kind: AccountKind
    rider_id: RiderId | None = None
    driver_id: DriverId | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a posting; `rider_id` exactly for a rider's account, `driver_id` for a driver's."""

    kind: AccountKind
    amount_minor: int
    rider_id: RiderId | None = None
    driver_id: DriverId | None = None

    @property
    def account(self) -> Account:
        return Account(self.kind, self.rider_id, self.driver_id)


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction of the ledger: entries of one currency that sum to zero.

    `reason` says in one stable word why, `cause` refers to what it was for (`ride:12`). One cause is posted once per
    reason: posting it again changes nothing. Bonus that is given ends at `bonus_expires_at` (None: never), see
    `rules.bonus_expiry`.

    Raises:
        ValueError: the entries are not a transaction; a bug of the caller.
    """

    operator_id: OperatorId
    currency: str
    reason: str
    actor: Actor
    cause: str
    now: datetime
    entries: tuple[Entry, ...]
    bonus_expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if len(self.entries) < 2 or sum(entry.amount_minor for entry in self.entries) != 0:  # noqa: PLR2004 - two sides
            raise ValueError("the entries of a posting sum to zero")
        for entry in self.entries:
            if entry.amount_minor == 0:
                raise ValueError("an entry moves something")
            if (entry.rider_id is not None) != entry.kind.is_rider:
                raise ValueError(f"{entry.kind} and rider {entry.rider_id} do not fit")
            if (entry.driver_id is not None) != entry.kind.is_driver:
                raise ValueError(f"{entry.kind} and driver {entry.driver_id} do not fit")


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the ledger; `is_new` is False when it stood there before."""

    entries: tuple[Entry, ...]
    is_new: bool

    def sum_minor(self, kind: AccountKind) -> int:
        return sum(entry.amount_minor for entry in self.entries if entry.kind == kind)


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """Take the price of something from a rider. `tax_minor` is the part of `total_minor` that is tax.

    Attributes:
        on_card: what the wallet does not cover is awaited from a card instead of owed.
        from_bonus: bonus may pay it; False for a fine.
    """

    operator_id: OperatorId
    rider_id: RiderId
    currency: str
    total_minor: int
    tax_minor: int
    reason: str
    actor: Actor
    cause: str
    now: datetime
    on_card: bool = False
    from_bonus: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.tax_minor <= self.total_minor:
            raise ValueError(f"tax {self.tax_minor} of total {self.total_minor}")


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """Where the money came from; what is missing became debt, or is what a card is to be asked for."""

    bonus_minor: int = 0
    balance_minor: int = 0
    debt_minor: int = 0
    card_minor: int = 0


class MoneyKind(StrEnum):
    """What is added: money, or a promise of rides that is never paid out."""

    BONUS = "BONUS"
    BALANCE = "BALANCE"


class AddMoney(msgspec.Struct, frozen=True, kw_only=True):
    """The operator gives a rider money. With an `idempotency_key` a repetition by the same actor changes nothing."""

    operator: Operator
    rider_id: RiderId
    amount_minor: int
    kind: MoneyKind
    actor: Actor
    idempotency_key: str | None = None


class MoneyAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The wallet afterwards, and how much of the amount settled debt."""

    standing: Standing
    debt_settled_minor: int
    is_new: bool


class Flow(StrEnum):
    """What is paid for."""

    SHARING = "SHARING"
    TAXI = "TAXI"
    RENTAL = "RENTAL"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the ledger that must not be."""

    what: Literal[
        "transaction_not_zero",
        "transaction_empty",
        "transaction_mixes_currencies",
        "balance_not_sum",
        "bonus_lots_not_balance",
    ]
    id: int
    expected_minor: int
    found_minor: int


def without_zeros(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries that move something."""
    return tuple(entry for entry in entries if entry.amount_minor)
