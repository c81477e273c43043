"""Phone numbers as people type them, turned into digits."""

import re
from collections.abc import Collection
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType

from isotope.domain.identity.model import Phone
from isotope.kernel.errors import Fault, invalid

_PREFIX: Final = re.compile(r"(?:\+|00)?([1-9][0-9]{0,2})")
_NUMBER: Final = re.compile(r"[0-9][0-9 ()./\-]{0,31}|\([0-9 ()./\-]{1,31}")

# Ranges that bill the caller, or that no person carries: a text to them is fraud or waste.
_REFUSED_TYPES: Final = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.UAN,
        PhoneNumberType.PAGER,
        PhoneNumberType.VOICEMAIL,
    }
)


def read_phone(prefix: str, number: str, allowed_prefixes: Collection[str] = ()) -> Phone:
    """The number meant by what was typed.

    | prefix | number         | read as                              |
    |--------|----------------|--------------------------------------|
    | `358`  | `401234567`    | 358 401234567                        |
    | `+358` | `040 123-4567` | 358 401234567: the trunk 0 goes      |
    | `39`   | `06 698 12345` | 39 0669812345: Italy dials its 0     |
    | `358`  | `0600 123`     | refused: not a number, or premium    |
    | `999`  | anything       | refused: no country                  |

    Args:
        prefix: the country's, with or without `+` or `00`.
        number: the national number; spaces, brackets, points and dashes are ignored.
        allowed_prefixes: the countries that the operator serves; empty: all.

    Raises:
        Refusal: `validation_failed` with a fault on `phone_prefix` or `phone`.
    """
    known_prefix = _PREFIX.fullmatch(prefix.replace(" ", ""))
    country = int(known_prefix[1]) if known_prefix else 0
    faults: list[Fault] = []
    if country not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        faults.append(Fault("phone_prefix", "this is no country's phone prefix; an example is 358"))
    elif allowed_prefixes and str(country) not in allowed_prefixes:
        served = ", ".join(sorted(allowed_prefixes))
        faults.append(Fault("phone_prefix", f"numbers of this country are not served; accepted: {served}"))
    typed = number.strip()
    if not _NUMBER.fullmatch(typed):
        faults.append(Fault("phone", "a phone number is up to 32 digits without the country's prefix"))
    if faults:
        raise invalid(*faults)
    try:
        parsed = phonenumbers.parse(f"+{country}{re.sub(r'[^0-9]', '', typed)}")
    except phonenumbers.NumberParseException:
        raise invalid(_no_number(country)) from None
    if parsed.country_code != country or not phonenumbers.is_valid_number(parsed):
        raise invalid(_no_number(country))
    if phonenumbers.number_type(parsed) in _REFUSED_TYPES:
        raise invalid(Fault("phone", "this is a service or premium number; a person's number is needed"))
    return Phone(prefix=str(country), number=phonenumbers.national_significant_number(parsed))


def _no_number(country: int) -> Fault:
    return Fault("phone", f"this is not a phone number of prefix {country}; give it without the prefix")
