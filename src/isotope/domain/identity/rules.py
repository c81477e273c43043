"""Pure decisions of this room. Source: domain rules, "Phone OTP" and "Deletion and retention"."""

import ipaddress
import re
import unicodedata
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from isotope.domain.identity.errors import (
    already_registered,
    code_needed,
    code_sent_recently,
    phone_token_expired,
    phone_token_invalid,
    phone_token_other_flow,
    too_many_checks,
    too_many_codes,
    too_many_forms,
    user_not_found,
)
from isotope.domain.identity.model import Flow, Rider, RiderStatus, SendFacts, Step, Verification
from isotope.domain.tenants.model import OtpSettings
from isotope.kernel.errors import Fault, Refusal

ADDRESS_WINDOW: Final = timedelta(hours=1)
PREFIX_WINDOW: Final = timedelta(hours=1)
FORMS_WINDOW: Final = timedelta(hours=1)
NAME_LENGTH: Final = 128
EMAIL_LENGTH: Final = 128

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_NO_TEXT: Final = frozenset({"Cc", "Cs"})
_IPV6_SITE: Final = 64


def may_send_code(facts: SendFacts, otp: OtpSettings, now: datetime) -> Refusal | None:
    """Whether one more message may go out.

    | looked at, in this order                                      | refused with             | until         |
    |---------------------------------------------------------------|--------------------------|---------------|
    | the number got one less than `resend_wait_s` ago              | `code_sent_recently`     | the wait ends |
    | the number got `sends_per_number` within `number_window_s`    | `too_many_codes_number`  | one falls out |
    | the address asked for `sends_per_address` within 1 h          | `too_many_codes_address` | one falls out |
    | the prefix got `sends_per_prefix` within 1 h                  | `too_many_codes_prefix`  | one falls out |
    | none of these                                                 |                          |               |
    """
    left_s = _left_s(facts.last_to_number, timedelta(seconds=otp.resend_wait_s), now)
    if left_s:
        return code_sent_recently(left_s)
    for limit, full_since, window in (
        ("number", facts.number_full_since, timedelta(seconds=otp.number_window_s)),
        ("address", facts.address_full_since, ADDRESS_WINDOW),
        ("prefix", facts.prefix_full_since, PREFIX_WINDOW),
    ):
        left_s = _left_s(full_since, window, now)
        if left_s:
            return too_many_codes(limit, left_s)
    return None


def may_register_by_form(full_since: datetime | None, now: datetime) -> Refusal | None:
    """Whether the address may send one more form; `full_since` as in `SendFacts`."""
    left_s = _left_s(full_since, FORMS_WINDOW, now)
    return too_many_forms(left_s) if left_s else None


def may_check(
    verification: Verification | None, code: str | None, otp: OtpSettings, last_sent_at: datetime | None, now: datetime
) -> Refusal | None:
    """Whether the code that came with a requested token is to be looked at.

    | the run                            | code    | answer                |
    |------------------------------------|---------|-----------------------|
    | none with this token               | any     | `phone_token_invalid` |
    | checked `max_checks` times, wrong  | any     | `too_many_checks`     |
    | verified, used or voided           | any     | `phone_token_invalid` |
    | expired                            | any     | `phone_token_expired` |
    | open, a code was sent              | missing | `validation_failed`   |
    | open, a code was sent              | given   | looked at             |
    | open, `skip_otp`                   | any     | passes without        |
    """
    if verification is None:
        return phone_token_invalid()
    if verification.step in (Step.REQUESTED, Step.VOID) and verification.checks >= otp.max_checks:
        # At least 1 s: a Retry-After of nothing would tell clients to try this dead token again at once.
        return too_many_checks(max(1, _left_s(last_sent_at, timedelta(seconds=otp.resend_wait_s), now)))
    if verification.step is not Step.REQUESTED:
        return phone_token_invalid()
    if now >= verification.expires_at:
        return phone_token_expired()
    if verification.code_hash is not None and code is None:
        return code_needed()
    return None


def may_use(verification: Verification | None, flow: Flow, now: datetime) -> Refusal | None:
    """Whether a verified token opens the last step of `flow`.

    | the run with this verified token | answer                   |
    |----------------------------------|--------------------------|
    | none, or not in step VERIFIED    | `phone_token_invalid`    |
    | expired                          | `phone_token_expired`    |
    | asked for with another flow      | `phone_token_other_flow` |
    | else                             | yes                      |
    """
    if verification is None or verification.step is not Step.VERIFIED:
        return phone_token_invalid()
    if now >= verification.expires_at:
        return phone_token_expired()
    if verification.flow is not flow:
        return phone_token_other_flow(verification.flow)
    return None


def may_register(known: Rider | None) -> Refusal | None:
    """Whether the number, now shown to be the caller's, becomes a rider.

    | rider with this number       | answer                                                       |
    |------------------------------|--------------------------------------------------------------|
    | none (or erased)             | a new rider                                                  |
    | registered by form only      | becomes verified, takes the new name and e-mail              |
    | verified, in whatever status | `already_registered`; login also undoes an asked-for deletion |
    """
    return already_registered() if known is not None and known.phone_verified_at is not None else None


def may_log_in(known: Rider | None) -> Refusal | None:
    """Whether the number, now shown to be the caller's, has a rider to log in as.

    A blocked rider may: they see their data and pay what they owe; starting a ride is what is refused.
    """
    return user_not_found() if known is None or known.status is RiderStatus.DELETED else None


def person_faults(*, email: str, **names: str) -> list[Fault]:
    """Everything wrong with what somebody says of themselves; the keys of `names` are the fields' names."""
    faults = [
        Fault(field, f"1 to {NAME_LENGTH} characters are needed, none of them a control character")
        for field, name in names.items()
        if not (name.strip() and len(name) <= NAME_LENGTH and _is_text(name))
    ]
    if len(email) > EMAIL_LENGTH or not _EMAIL.fullmatch(email.strip()) or not _is_text(email.strip()):
        faults.append(Fault("email", f"an e-mail address of at most {EMAIL_LENGTH} characters is needed"))
    return faults


def counted_address(address: str | None) -> str | None:
    """The address as limits count it.

    An IPv6 customer owns a whole /64, so all of it counts as one. What is no address at all counts as one
    address that all such callers share: a broken proxy must not open the gate.
    """
    if address is None:
        return None
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - a bucket, not a bind address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def _is_text(text: str) -> bool:
    """No control characters and no halves of characters; joiners, which Persian names have, are text."""
    return not any(unicodedata.category(character) in _NO_TEXT for character in text)


def _left_s(since: datetime | None, window: timedelta, now: datetime) -> int:
    """Whole seconds, rounded up, until `since` is as old as the window; 0: it is."""
    return 0 if since is None else max(0, ceil((since + window - now).total_seconds()))
