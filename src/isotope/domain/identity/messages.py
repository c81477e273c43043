"""What the text message says."""

from collections.abc import Mapping
from functools import cache

from isotope.domain.identity.model import Rider
from isotope.domain.tenants.model import Operator
from isotope.kernel.texts import Texts


@cache
def _texts() -> Texts:
    return Texts()


def code_message(operator: Operator, code: str) -> str:
    """The message with the code, in the operator's first language and wording.

    Nobody knows the reader's language yet: the message goes out alike to known and unknown numbers. A wording of the
    operator's that forgets `{code}` gives way to the catalogue's.
    """
    params: dict[str, str | int] = {
        "operator": operator.name,
        "code": code,
        "minutes": max(1, operator.settings.otp.life_s // 60),
    }
    languages = operator.languages[:1]
    body = _texts().render("sms_code", params, languages=languages, overrides=operator.settings.texts)
    return body if code in body else _texts().render("sms_code", params, languages=languages)


def rider_message(operator: Operator, rider: Rider, code: str, params: Mapping[str, str | int]) -> str:
    """A text of the catalogue in the rider's language and the operator's wording."""
    languages = tuple(dict.fromkeys([rider.language, *operator.languages]))
    filled = {"operator": operator.name, **params}
    return _texts().render(code, filled, languages=languages, overrides=operator.settings.texts)
