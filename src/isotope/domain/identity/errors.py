"""The refusals of this room; their texts are in `texts/en.toml`."""

from isotope.domain.identity.model import Flow
from isotope.kernel.errors import Fault, Kind, Refusal, invalid


def user_not_found() -> Refusal:
    """No such rider of this operator; clients know the text."""
    return Refusal(Kind.NOT_FOUND, "user_not_found")


def already_registered() -> Refusal:
    """Told only to who showed that the number is theirs."""
    return Refusal(Kind.CONFLICT, "already_registered")


def phone_token_invalid() -> Refusal:
    """Unknown, used, voided by a newer code, of another step or of another operator: deliberately one answer."""
    return Refusal(Kind.INVALID, "phone_token_invalid")


def phone_token_expired() -> Refusal:
    return Refusal(Kind.INVALID, "phone_token_expired")


def phone_token_other_flow(flow: Flow) -> Refusal:
    """The token stays good for the flow it was asked for."""
    return Refusal(Kind.INVALID, "phone_token_other_flow", params={"flow": flow.value}, details={"flow": flow.value})


def wrong_code(checks_left: int) -> Refusal:
    return Refusal(
        Kind.INVALID, "wrong_code", params={"checks_left": checks_left}, details={"checks_left": checks_left}
    )


def too_many_checks(retry_after_s: int) -> Refusal:
    """The token is dead; `retry_after_s` is when a new code can be asked for."""
    return Refusal(Kind.TOO_MANY, "too_many_checks", retry_after_s=retry_after_s)


def code_sent_recently(left_seconds: int) -> Refusal:
    return Refusal(
        Kind.TOO_MANY,
        "code_sent_recently",
        params={"left_seconds": left_seconds},
        details={"left_seconds": left_seconds},
        retry_after_s=left_seconds,
    )


def too_many_codes(limit: str, retry_after_s: int) -> Refusal:
    """`limit` is which one is used up: number, address or prefix."""
    return Refusal(
        Kind.TOO_MANY,
        f"too_many_codes_{limit}",
        details={"limit": limit, "left_seconds": retry_after_s},
        retry_after_s=retry_after_s,
    )


def too_many_forms(retry_after_s: int) -> Refusal:
    return Refusal(Kind.TOO_MANY, "too_many_forms", retry_after_s=retry_after_s)


def code_needed() -> Refusal:
    return invalid(Fault("code", "the 6 digits of the text message are needed"))


def sms_undeliverable() -> Refusal:
    return Refusal(Kind.INVALID, "sms_undeliverable")


def sms_unavailable(retry_after_s: int) -> Refusal:
    return Refusal(Kind.UNAVAILABLE, "sms_unavailable", retry_after_s=retry_after_s)


def no_push_device() -> Refusal:
    """No app of the rider's takes notifications."""
    return Refusal(Kind.CONFLICT, "no_push_device")


def push_unavailable(retry_after_s: int) -> Refusal:
    return Refusal(Kind.UNAVAILABLE, "push_unavailable", retry_after_s=retry_after_s)


def token_refused() -> Refusal:
    """The rider token has ended meanwhile, or another refresh was faster."""
    return Refusal(Kind.UNAUTHORIZED, "unauthorized")


def deletion_requested() -> Refusal:
    """No token for an account that is being deleted; a login by the rider keeps it."""
    return Refusal(Kind.CONFLICT, "deletion_requested")


def born_later() -> Refusal:
    """A birthday that is still to come."""
    return invalid(Fault("date_of_birth", "a day that is over is accepted"))
