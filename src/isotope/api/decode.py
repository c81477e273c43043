"""From bytes to a request type, with every fault of the input at once.

The good case is one call into msgspec. Only when something is wrong is the input read a second time, field by
field, so that each fault gets its path (`vehicle_ids.2`) and says what would be accepted. Numbers may come as
texts ("5"); unknown fields are ignored; what no store could keep (NUL, NaN, infinities, integers beyond 64 bits)
is a fault wherever it stands.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Meta, Raw

from isotope.api.upload import ACCEPTED, PICTURE_BYTES, Upload, image_type
from isotope.kernel.card_numbers import has_card_number
from isotope.kernel.errors import Fault, invalid

T = TypeVar("T", bound=msgspec.Struct)

LEAST_INT: Final = -(2**63)
GREATEST_INT: Final = 2**63 - 1
# A Decimal such as 1e999999 is short to write and endless to compute with.
DECIMAL_DIGITS: Final = 30
MOST_ITEMS: Final = 1_000
MOST_ECHOED: Final = 40

_MISSING: Final = "Field required"
_NOT_JSON: Final = "The body is not valid JSON"
_TOO_DEEP: Final = "The body is nested too deeply"
_KIND_OF_JSON: Final = {
    "{": "an object",
    "[": "an array",
    '"': "a text",
    "t": "a boolean",
    "f": "a boolean",
    "n": "null",
}

# Everything the slow path can be given for one field.
Source = Raw | str | Upload | list[Any]


class _Bad(Exception):  # noqa: N818 - a fault on its way to the list
    """The value of one field does not fit; `args[0]` says why."""


class Decoder(Generic[T]):
    """Decodes one request type. Made once for each operation."""

    def __init__(self, type: type[T]) -> None:
        self.type = type
        self._fast = msgspec.json.Decoder(type, strict=False)
        self._object = _ObjectReader(type)
        self._must_clean = self._object.cleans

    def from_json(self, body: bytes) -> T:
        """Decode a JSON object; an empty body is an empty object.

        Raises:
            Refusal: `validation_failed` with every fault.
        """
        content = body if body.strip() else b"{}"
        if not _is_utf8(content):
            raise invalid(Fault("", f"{_NOT_JSON}: it is not UTF-8"))
        if not self._must_clean:
            try:
                value = self._fast.decode(content)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass
            else:
                if _is_sound(value):
                    return value
        faults: list[Fault] = []
        decoded: T = self._object.read_object(_fields_of(content), "", faults)
        if faults:
            raise invalid(*faults)
        return decoded

    def from_parts(self, parts: Mapping[str, Sequence[str | Upload]]) -> T:
        """Decode a form: texts and files by field name. An empty text is a field that was left out."""
        faults: list[Fault] = []
        sources: dict[str, Source] = {}
        for name, values in parts.items():
            given = [value for value in values if value not in ("", "null")]
            if given:
                sources[name] = given if self._object.takes_many(name) else given[-1]
        decoded: T = self._object.read_object(sources, "", faults)
        if faults:
            raise invalid(*faults)
        return decoded


def _is_utf8(content: bytes) -> bool:
    # What is in an unknown field is never decoded, so the decoder alone would let it pass.
    if content.isascii():
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _fields_of(content: bytes) -> dict[str, Source]:
    try:
        # Only the top level is taken apart here; what is inside an unknown field is never built.
        return dict(msgspec.json.decode(content, type=dict[str, Raw]))
    except RecursionError:
        raise invalid(Fault("", _TOO_DEEP)) from None
    except msgspec.ValidationError:
        raise invalid(Fault("", "The body must be a JSON object")) from None
    except msgspec.DecodeError as error:
        raise invalid(Fault("", f"{_NOT_JSON}: {str(error).removeprefix('JSON is malformed: ')}")) from None


# -- Readers: one for each type of field, made from the annotations -------------------------------------------------


@dataclass(slots=True)
class _LeafReader:
    """A scalar: text, number, boolean, enum or literal."""

    annotation: Any
    expected: str
    clean: Callable[[str], str] | None = None

    def read(self, source: Source, path: str, faults: list[Fault]) -> Any:
        try:
            return self._read(source)
        except _Bad as bad:
            faults.append(Fault(path, str(bad)))
            return None

    def _read(self, source: Source) -> Any:
        if isinstance(source, (Upload, list)):
            raise _Bad(f"{self.expected} is expected, not a file")
        text = _text_of(source)
        if text is not None and "\x00" in text:
            raise _Bad("must not contain the NUL character")
        if text is not None and self.clean is not None:
            text = self.clean(text)
        try:
            if text is not None:
                value = msgspec.convert(text, self.annotation, strict=False)
            else:
                value = msgspec.json.decode(bytes(source), type=self.annotation, strict=False)  # type: ignore[arg-type]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _Bad(self._reason(source, text, error)) from None
        return _sound(value)

    def _reason(self, source: Source, text: str | None, error: Exception) -> str:
        if isinstance(error, msgspec.ValidationError):
            got = _shape(text) if text is not None else _kind(bytes(source))  # type: ignore[arg-type]
            return f"{self.expected} is expected, not {got}"
        return "is not valid Unicode" if isinstance(source, Raw) and bytes(source)[:1] == b'"' else "is not valid JSON"


@dataclass(slots=True)
class _FileReader:
    """A picture of a multipart body."""

    def read(self, source: Source, path: str, faults: list[Fault]) -> Any:
        if not isinstance(source, Upload):
            faults.append(Fault(path, "a picture file is expected, not a text"))
            return None
        if source.size > PICTURE_BYTES:
            info = f"a picture of at most {PICTURE_BYTES} bytes is expected; {source.shown_name} has {source.size}"
            faults.append(Fault(path, info))
            return None
        content_type = image_type(source.data)
        if content_type is None:
            faults.append(Fault(path, f"a {ACCEPTED} picture is expected; {source.shown_name} is none by its content"))
            return None
        return replace(source, content_type=content_type)


@dataclass(slots=True)
class _ArrayReader:
    """An array; each bad item is a fault of its own."""

    item: "_Reader"
    build: Callable[[list[Any]], Any]
    least: int = 0
    most: int = MOST_ITEMS

    def read(self, source: Source, path: str, faults: list[Fault]) -> Any:
        items = self._items(source)
        if items is None:
            got = _kind(bytes(source)) if isinstance(source, Raw) else "a text"
            faults.append(Fault(path, f"an array is expected, not {got}"))
            return None
        if not self.least <= len(items) <= self.most:
            faults.append(Fault(path, f"an array of {self.least} to {self.most} items is expected, not {len(items)}"))
            return None
        return self.build([self.item.read(item, f"{path}.{index}", faults) for index, item in enumerate(items)])

    @staticmethod
    def _items(source: Source) -> list[Any] | None:
        if isinstance(source, list):
            # A form's array of texts may also come as one JSON text: "[1, 2]".
            if len(source) == 1 and isinstance(source[0], str) and source[0].lstrip()[:1] == "[":
                source = Raw(source[0].encode())
            else:
                return source
        if not isinstance(source, Raw):
            return None
        try:
            return msgspec.json.decode(bytes(source), type=list[Raw])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None


@dataclass(slots=True)
class _Field:
    # As it is sent, and as the Struct calls it.
    name: str
    attribute: str
    reader: "_Reader"
    nullable: bool
    required: bool


@dataclass(slots=True)
class _ObjectReader:
    """An object: a Struct of the contract."""

    type: Any
    fields: list[_Field] = field(init=False)

    def __post_init__(self) -> None:
        hints = get_type_hints(self.type, include_extras=True)
        self.fields = []
        for known in msgspec.structs.fields(self.type):
            reader, nullable = _reader_of(hints[known.name])
            required = known.default is NODEFAULT and known.default_factory is NODEFAULT
            self.fields.append(_Field(known.encode_name, known.name, reader, nullable, required))

    @property
    def cleans(self) -> bool:
        return any(isinstance(known.reader, _LeafReader) and known.reader.clean is not None for known in self.fields)

    def takes_many(self, name: str) -> bool:
        return any(known.name == name and isinstance(known.reader, _ArrayReader) for known in self.fields)

    def read(self, source: Source, path: str, faults: list[Fault]) -> Any:
        if not isinstance(source, Raw):
            faults.append(Fault(path, "an object is expected, not a text"))
            return None
        try:
            inner = dict(msgspec.json.decode(bytes(source), type=dict[str, Raw]))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            faults.append(Fault(path, f"an object is expected, not {_kind(bytes(source))}"))
            return None
        return self.read_object(inner, path, faults)

    def read_object(self, sources: Mapping[str, Any], path: str, faults: list[Fault]) -> Any:
        before = len(faults)
        if self.type.__struct_config__.forbid_unknown_fields and sources.keys() - {known.name for known in self.fields}:
            faults.append(Fault(path, f"only {', '.join(known.name for known in self.fields)} are expected in it"))
            return None
        values: dict[str, Any] = {}
        prefix = f"{path}." if path else ""
        for known in self.fields:
            source = sources.get(known.name)
            if source is None:
                if known.required:
                    faults.append(Fault(prefix + known.name, _MISSING))
            elif isinstance(source, Raw) and bytes(source) == b"null":
                if known.nullable:
                    values[known.attribute] = None
                else:
                    faults.append(Fault(prefix + known.name, "must not be null"))
            else:
                values[known.attribute] = known.reader.read(source, prefix + known.name, faults)
        if len(faults) > before:
            return None
        return self.type(**values)


_Reader = _LeafReader | _FileReader | _ArrayReader | _ObjectReader


def _reader_of(annotation: Any) -> tuple[_Reader, bool]:
    """The reader of an annotation, and whether it takes null."""
    bare, metas, nullable = _peel(annotation)
    origin = get_origin(bare)
    if origin in (list, tuple):
        (item, *_rest) = get_args(bare)
        least = max((meta.min_length for meta in metas if meta.min_length is not None), default=0)
        most = min((meta.max_length for meta in metas if meta.max_length is not None), default=MOST_ITEMS)
        return _ArrayReader(_reader_of(item)[0], list if origin is list else tuple, least, most), nullable
    if bare is Upload:
        return _FileReader(), nullable
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return _ObjectReader(bare), nullable
    clean = next((meta.extra["clean"] for meta in metas if meta.extra and "clean" in meta.extra), None)
    return _LeafReader(annotation, expectation(annotation), clean), nullable


def _peel(annotation: Any) -> tuple[Any, list[Meta], bool]:
    """Take `Annotated` and `| None` off a type, from outside to inside."""
    metas: list[Meta] = []
    nullable = False
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *marks = get_args(annotation)
            metas.extend(mark for mark in marks if isinstance(mark, Meta))
        elif origin in (Union, types.UnionType):
            inner = [part for part in get_args(annotation) if part is not type(None)]
            nullable = len(inner) < len(get_args(annotation)) or nullable
            if len(inner) != 1:
                return Union[tuple(inner)], metas, nullable  # noqa: UP007 - made at run time
            annotation = inner[0]
        else:
            return annotation, metas, nullable


# -- Words ----------------------------------------------------------------------------------------------------------


def expectation(annotation: Any) -> str:  # noqa: PLR0911 - one line a type
    """What a field takes, in words: `an integer from 1 to 20`, `one of LOGIN, REGISTER`."""
    bare, metas, _nullable = _peel(annotation)
    if get_origin(bare) is Literal:
        return "one of " + ", ".join(str(value) for value in get_args(bare))
    if isinstance(bare, type) and issubclass(bare, Enum):
        return "one of " + ", ".join(str(member.value) for member in bare)
    if bare is bool:
        return "true or false"
    if bare is int:
        return "an integer" + _range(metas, LEAST_INT, GREATEST_INT)
    if bare is float:
        return "a number" + _range(metas, None, None)
    if bare is Decimal:
        return "an amount in decimals"
    if bare is str:
        return "a text" + _length(metas)
    return "another value"


def _range(metas: Sequence[Meta], least: float | None, most: float | None) -> str:
    least = next((meta.ge for meta in metas if meta.ge is not None), least)
    most = next((meta.le for meta in metas if meta.le is not None), most)
    return "" if least is None or most is None else f" from {least} to {most}"


def _length(metas: Sequence[Meta]) -> str:
    least = next((meta.min_length for meta in metas if meta.min_length is not None), None)
    most = next((meta.max_length for meta in metas if meta.max_length is not None), None)
    if least is not None and least == most:
        return f" of exactly {least} characters"
    if most is not None:
        return f" of {least or 0} to {most} characters"
    return f" of at least {least} characters" if least else ""


def _kind(raw: bytes) -> str:
    return _KIND_OF_JSON.get(raw[:1].decode("ascii", "replace"), "that number")


def _shape(text: str) -> str:
    """What stands there: short texts themselves, of long ones the length."""
    if len(text) <= MOST_ECHOED and text.isprintable():
        return f'"{text}"'
    return f"a text of {len(text)} characters"


def _text_of(source: Source) -> str | None:
    """The text that a source is; None if it is something else (or a text that is not valid Unicode)."""
    if isinstance(source, str):
        return source
    if isinstance(source, Raw) and bytes(source)[:1] == b'"':
        try:
            return msgspec.json.decode(bytes(source), type=str)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
    return None


# -- What may stand in the store ------------------------------------------------------------------------------------


def _is_sound(value: Any) -> bool:
    try:
        _sound(value)
    except _Bad:
        return False
    return True


def _sound(value: Any) -> Any:
    """Give the value back, or raise `_Bad` when something in it can be decoded but not kept."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _sound(getattr(value, name))
    elif isinstance(value, list | tuple):
        if len(value) > MOST_ITEMS:
            raise _Bad(f"at most {MOST_ITEMS} items are expected")
        for item in value:
            _sound(item)
    elif (reason := _unsound(value)) is not None:
        raise _Bad(reason)
    return value


def _unsound(value: Any) -> str | None:  # noqa: PLR0911 - one line a reason
    match value:
        case str() if "\x00" in value:
            return "must not contain the NUL character"
        case str() if has_card_number(value):
            return "must not contain a card number; cards are saved on the page that add-payment-method answers"
        case float() if not isfinite(value):
            return "a finite number is expected"
        case int() if not LEAST_INT <= value <= GREATEST_INT:
            return "an integer of at most 64 bits is expected"
        case Decimal() if not value.is_finite():
            return "a finite number is expected"
        case Decimal() if abs(value.adjusted()) > DECIMAL_DIGITS or len(value.as_tuple().digits) > DECIMAL_DIGITS:
            return f"a number of at most {DECIMAL_DIGITS} digits is expected"
        case _:
            return None
