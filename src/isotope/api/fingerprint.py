"""One hash for all ways to say the same.

It is made of the body as it was decoded: the order of fields, numbers as texts, white space, unknown fields, the
boundary of a form and the names of its files make no difference. Nor does it matter whether a field is
null, false or left out, which say the same (see `auth.settle`); so an optional field that a new version adds changes
no hash.
"""

from decimal import Context, Decimal
from enum import Enum
from hashlib import sha256
from typing import Any, Final

import msgspec

from isotope.api.upload import Upload

# Decimals of a body have at most 30 digits: nothing is rounded away.
_EXACT: Final = Context(prec=64)


def fingerprint(operation_id: str, body: msgspec.Struct) -> bytes:
    """32 bytes. Equal for equal calls, and different for different ones."""
    said = msgspec.json.encode([operation_id, _plain(body)], order="sorted")
    return sha256(said).digest()


def _is_left_out(value: object) -> bool:
    # By identity: 0 is a number, and a place on the equator.
    return value is None or value is False


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return str(value.normalize(_EXACT))
        case Upload():
            return [value.content_type, value.digest.hex()]
        case msgspec.Struct():
            fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
            return {name: _plain(given) for name, given in fields if not _is_left_out(given)}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            raise TypeError(f"a body cannot hold a {type(value).__name__}")
