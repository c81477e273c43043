"""Stripe's reasons for a no, in our words. Pure. Source: docs.stripe.com/declines/codes and /error-codes."""

from typing import Final, Literal

from isotope.domain.payments.model import RefusalCode

_CARD: Final = {
    "authentication_not_handled": RefusalCode.AUTHENTICATION_REQUIRED,
    "authentication_required": RefusalCode.AUTHENTICATION_REQUIRED,
    "card_velocity_exceeded": RefusalCode.NO_FUNDS,
    "expired_card": RefusalCode.EXPIRED,
    "insufficient_funds": RefusalCode.NO_FUNDS,
    "invalid_expiry_month": RefusalCode.EXPIRED,
    "invalid_expiry_year": RefusalCode.EXPIRED,
    "issuer_not_available": RefusalCode.OTHER,
    "payment_intent_authentication_failure": RefusalCode.AUTHENTICATION_FAILED,
    "processing_error": RefusalCode.OTHER,
    "reenter_transaction": RefusalCode.OTHER,
    "setup_intent_authentication_failure": RefusalCode.AUTHENTICATION_FAILED,
    "try_again_later": RefusalCode.OTHER,
    "withdrawal_count_limit_exceeded": RefusalCode.NO_FUNDS,
}
_NOT_POSSIBLE: Final = frozenset(
    {
        "amount_too_large",
        "capture_charge_authorization_expired",
        "charge_already_captured",
        "charge_already_refunded",
        "charge_disputed",
        "charge_exceeds_source_limit",
        "charge_expired_for_capture",
        "charge_not_refundable",
        "payment_intent_unexpected_state",
        "refund_disputed_payment",
    }
)
_WHOSE_CARD: Final = frozenset({"customer", "payment_method"})
_CARD_IS_GONE: Final = frozenset({"payment_method_customer_mismatch", "payment_method_not_available"})


def refusal_of_card(code: str | None, decline_code: str | None) -> RefusalCode:
    """A declined payment (402). The bank's word goes first; one that nobody here knows is a plain decline.

    Lost, stolen and suspected cards are plain declines on purpose: whoever holds the card is not told.
    """
    for word in (decline_code, code):
        if word in _CARD:
            return _CARD[word]
    return RefusalCode.DECLINED


def refusal_of_request(about: Literal["card", "payment"], code: str | None, param: str | None) -> RefusalCode:
    """A request that Stripe does not carry out (400, 404).

    `about`: a `card` is charged, or something is done to a `payment` that exists.
    """
    if about == "card":
        return RefusalCode.CARD_UNKNOWN if param in _WHOSE_CARD or code in _CARD_IS_GONE else RefusalCode.OTHER
    if code in _NOT_POSSIBLE or param in {"amount", "amount_to_capture"}:
        return RefusalCode.NOT_POSSIBLE
    return RefusalCode.OTHER
