"""The wallet's noes."""

from isotope.domain.wallet.model import MAX_AMOUNT_MINOR, MAX_BALANCE_MINOR, MAX_KEY_LENGTH
from isotope.kernel.errors import Fault, Kind, Refusal, invalid
from isotope.kernel.money import Money


def amount_out_of_range(currency: str) -> Refusal:
    """Nothing, less than nothing, or more than one posting may move."""
    return invalid(Fault("amount", f"must be more than 0 and at most {Money(MAX_AMOUNT_MINOR, currency).text()}"))


def idempotency_key_invalid() -> Refusal:
    """The key is empty or too long to be kept."""
    return invalid(Fault("Idempotency-Key", f"must have 1 to {MAX_KEY_LENGTH} characters"))


def idempotency_key_reused() -> Refusal:
    """The same key came with another amount, kind or rider."""
    return Refusal(Kind.UNPROCESSABLE, "idempotency_key_reused")


def wallet_limit_reached(currency: str) -> Refusal:
    """A wallet holds no more than every client can read exactly."""
    return Refusal(Kind.CONFLICT, "wallet_limit_reached", params={"limit": Money(MAX_BALANCE_MINOR, currency).text()})


def rider_without_wallet() -> Refusal:
    """There is no such rider, so there can be no account either."""
    return Refusal(Kind.NOT_FOUND, "user_not_found")


def debt_open(debt: Money) -> Refusal:
    """The rider still owes something."""
    return Refusal(
        Kind.CONFLICT,
        "debt_open",
        params={"amount": debt.text()},
        details={"debt": str(debt.to_decimal()), "currency": debt.currency},
    )


def payment_running(amount: Money) -> Refusal:
    """Money is on its way between the rider's card and us."""
    return Refusal(
        Kind.CONFLICT,
        "payment_running",
        params={"amount": amount.text()},
        details={"amount": str(amount.to_decimal()), "currency": amount.currency},
    )
