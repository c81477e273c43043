"""Pure decisions about operators, their keys and their staff's logins."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from zoneinfo import available_timezones

from isotope.domain.tenants.errors import login_locked
from isotope.domain.tenants.model import LoginAttempts
from isotope.kernel.errors import Fault, Refusal

MAX_WRONG_PASSWORDS: Final = 10
LOCK: Final = timedelta(minutes=15)
PASSWORD_LENGTH: Final = (10, 256)

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")
# What stands in a header unquoted. No colon: `Basic base64("<key>:")` could not carry it.
_KEY: Final = re.compile(r"[A-Za-z0-9._~-]{8,128}")
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_EMAIL_LENGTH: Final = 254


def count_attempt(attempts: LoginAttempts | None, now: datetime) -> LoginAttempts | Refusal:
    """Count a login before its password is checked, so that guesses made at once are all counted.

    | attempts so far | since the last one | answer                                  |
    |-----------------|--------------------|-----------------------------------------|
    | none            |                    | first attempt                           |
    | 1 to 9          | under 15 min       | one more                                |
    | 10              | under 15 min       | locked; a refused try prolongs nothing  |
    | any             | 15 min or more     | first attempt                           |

    A right password forgets the count. Source: domain rules, "Dashboard login: Argon2, lock-out".
    """
    if attempts is None or now - attempts.last_at >= LOCK:
        return LoginAttempts(attempts=1, last_at=now)
    if attempts.attempts >= MAX_WRONG_PASSWORDS:
        return login_locked(ceil((attempts.last_at + LOCK - now).total_seconds()))
    return LoginAttempts(attempts=attempts.attempts + 1, last_at=now)


def is_live(expires_at: datetime | None, now: datetime) -> bool:
    """Whether a key with this end still works."""
    return expires_at is None or now < expires_at


def operator_faults(*, slug: str, name: str, currency: str, time_zone: str, languages: Sequence[str]) -> list[Fault]:
    """Everything wrong with an operator's own data, all at once."""
    faults: list[Fault] = []
    if not _SLUG.fullmatch(slug):
        faults.append(Fault("slug", f"{slug!r} is not 2 to 40 of a-z, 0-9 and -, beginning with a letter or digit"))
    if not name.strip() or not name.isprintable():
        faults.append(Fault("name", "a name of printable characters is needed"))
    if not _CURRENCY.fullmatch(currency):
        faults.append(Fault("currency", f"{currency!r} is not an ISO 4217 code such as EUR"))
    if time_zone not in available_timezones():
        faults.append(Fault("time_zone", f"{time_zone!r} is not an IANA time zone such as Europe/Helsinki"))
    if not languages:
        faults.append(Fault("languages", "at least one language is needed, such as en"))
    faults.extend(
        Fault(f"languages.{nr}", f"{language!r} is not an ISO 639 code such as en")
        for nr, language in enumerate(languages)
        if not _LANGUAGE.fullmatch(language)
    )
    return faults


def key_faults(field: str, key: str) -> list[Fault]:
    """Whether a key that somebody chose can be sent in a header."""
    if _KEY.fullmatch(key):
        return []
    return [Fault(field, "a key is 8 to 128 of the letters, digits, '.', '_', '~' and '-'")]


def staff_faults(*, email: str, password: str | None) -> list[Fault]:
    """Whether a member of staff could log in with these; no password: only the address is looked at."""
    faults: list[Fault] = []
    if len(email) > _EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        faults.append(Fault("email", f"{email!r} is not an e-mail address"))
    least, most = PASSWORD_LENGTH
    if password is not None and not least <= len(password) <= most:
        faults.append(Fault("password", f"a password has {least} to {most} characters"))
    return faults


def normal_email(email: str) -> str:
    """How addresses are stored and looked up."""
    return email.strip().lower()
