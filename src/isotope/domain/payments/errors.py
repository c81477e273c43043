"""The noes of payments."""

from collections.abc import Sequence

from isotope.kernel.errors import Fault, Kind, Refusal, invalid
from isotope.kernel.money import Money

RETRY_AFTER_S = 30
# A refund is known by then, as a rule.
_ANSWERED_IN_S = 5


def cards_unavailable() -> Refusal:
    """This installation takes no cards."""
    return Refusal(Kind.CONFLICT, "cards_unavailable")


def card_declined(code: str) -> Refusal:
    """The provider said no. `code` is a `RefusalCode`."""
    return Refusal(Kind.PAYMENT, "card_declined", details={"reason": code})


def card_no_answer() -> Refusal:
    """Nobody knows what the provider made of it; the worker finds out."""
    return Refusal(Kind.UNAVAILABLE, "card_no_answer", retry_after_s=RETRY_AFTER_S)


def card_not_found() -> Refusal:
    """The rider has no such card, or no more."""
    return Refusal(Kind.NOT_FOUND, "card_not_found")


def card_needed() -> Refusal:
    """A ride needs a saved card with this operator."""
    return Refusal(Kind.CONFLICT, "card_needed")


def unknown_payment_method(allowed: Sequence[str]) -> Refusal:
    """Not a way to pay that this rider has."""
    return Refusal(Kind.CONFLICT, "unknown_payment_method", {"allowed": ", ".join(allowed)}, {"allowed": list(allowed)})


def amount_out_of_bounds(least: Money, most: Money) -> Refusal:
    """Outside what the operator takes at once."""
    return invalid(Fault("amount", f"must be from {least.text()} to {most.text()}"))


def too_many_cards(limit: int) -> Refusal:
    """As many cards, or pages to save one, as a rider may have."""
    return Refusal(Kind.CONFLICT, "too_many_cards", {"limit": limit}, {"limit": limit})


def card_page_unavailable() -> Refusal:
    """The provider did not say where the rider can save a card. Nothing was saved."""
    return Refusal(Kind.UNAVAILABLE, "card_page_unavailable", retry_after_s=RETRY_AFTER_S)


def payment_method_in_use() -> Refusal:
    """Money may still move from this card."""
    return Refusal(Kind.CONFLICT, "payment_method_in_use")


def top_up_not_found() -> Refusal:
    """The rider has no such top-up."""
    return Refusal(Kind.NOT_FOUND, "top_up_not_found")


def threshold_out_of_bounds(least: Money, most: Money) -> Refusal:
    """A threshold that no top-up would reach."""
    return invalid(Fault("threshold", f"must be from {least.text()} to {most.text()}"))


def no_debt() -> Refusal:
    """There is nothing to pay."""
    return Refusal(Kind.CONFLICT, "no_debt")


def refund_running() -> Refusal:
    """An earlier refund is still on its way to the card."""
    return Refusal(Kind.CONFLICT, "refund_running", retry_after_s=_ANSWERED_IN_S)


def refund_too_high(left: Money) -> Refusal:
    """Nothing, or more than was charged and not given back yet."""
    return Refusal(
        Kind.CONFLICT,
        "refund_too_high",
        {"left": left.text()},
        {"refundable": str(left.to_decimal()), "currency": left.currency},
    )
