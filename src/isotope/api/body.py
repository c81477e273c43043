"""The body of a request: how much, of what kind, and what it says.

Limits: 1 MiB of JSON; 10 MiB of a form with pictures, at most 64 fields and 8 files in it. Reading takes at most
`READ_S`, so that a caller who trickles bytes holds nothing up.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from isotope.api.decode import Decoder, T
from isotope.api.upload import Upload
from isotope.kernel.errors import Fault, Kind, Refusal, invalid

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Parts = dict[str, list[str | Upload]]

JSON_BYTES: Final = 1024 * 1024
FORM_BYTES: Final = 10 * 1024 * 1024
FORM_FIELDS: Final = 64
FORM_FILES: Final = 8
PART_HEADERS: Final = 16
READ_S: Final = 30.0

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"


class ClientGoneError(Exception):
    """The caller hung up; nobody waits for an answer."""


def body_too_large(limit_bytes: int) -> Refusal:
    return Refusal(Kind.TOO_LARGE, "body_too_large", {"limit_bytes": limit_bytes}, {"limit_bytes": limit_bytes})


def body_too_slow() -> Refusal:
    return Refusal(Kind.UNAVAILABLE, "body_too_slow", {"seconds": int(READ_S)}, retry_after_s=1)


def unsupported_media(accepted: str) -> Refusal:
    return Refusal(Kind.UNSUPPORTED_MEDIA, "unsupported_media", {"accepted": accepted}, {"accepted": [accepted]})


async def read_json(receive: Receive, headers: Mapping[str, str], decoder: Decoder[T]) -> T:
    """Read and decode a JSON object.

    A missing `Content-Type` counts as JSON, and an empty body as `{}`.

    Raises:
        Refusal: `body_too_large`, `unsupported_media`, `validation_failed`.
    """
    content = await _read(receive, headers, JSON_BYTES)
    if content:
        media, options = _content_type(headers)
        is_json = media in ("", JSON) or (media.startswith("application/") and media.endswith("+json"))
        if not is_json or options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
            raise unsupported_media(JSON)
    return decoder.from_json(content)


async def read_raw(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """The body as it came: for signatures.

    Raises:
        Refusal: `body_too_large`, `body_too_slow`.
    """
    return await _read(receive, headers, limit)


async def read_form(receive: Receive, headers: Mapping[str, str], decoder: Decoder[T]) -> T:
    """Read and decode a form with files.

    Raises:
        Refusal: as `read_json`.
    """
    content = await _read(receive, headers, FORM_BYTES)
    if not content:
        return decoder.from_parts({})
    media, options = _content_type(headers)
    if media != FORM:
        raise unsupported_media(FORM)
    boundary = options.get("boundary", "")
    if not boundary:
        raise invalid(Fault("", "The Content-Type header names no boundary"))
    return decoder.from_parts(parse_form(content, boundary.encode("latin-1", "replace")))


def read_query(query: bytes, decoder: Decoder[T]) -> T:
    """Decode the query of a GET.

    Raises:
        Refusal: `validation_failed`.
    """
    parts: Parts = defaultdict(list)
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS)
    except (UnicodeDecodeError, ValueError):
        raise invalid(Fault("", f"The query must be UTF-8 of at most {FORM_FIELDS} fields")) from None
    for name, value in pairs:
        parts[name.removesuffix("[]")].append(value)
    return decoder.from_parts(parts)


def parse_form(content: bytes, boundary: bytes) -> Parts:
    """Take a multipart body apart. A name such as `images[]` is `images`.

    Raises:
        Refusal: `validation_failed` when the body is not what its header says, or has too many parts.
    """
    collector = _Collector()
    try:
        parser = MultipartParser(boundary, collector.callbacks())
        parser.write(content)
        parser.finalize()
    except (FormParserError, UnicodeDecodeError, ValueError) as error:
        raise invalid(Fault("", "The body is not valid multipart/form-data")) from error
    if not collector.ended:
        raise invalid(Fault("", "The body is cut off: its last boundary is missing"))
    return collector.parts


class _Collector:
    """Hears the parser and keeps the parts."""

    def __init__(self) -> None:
        self.parts: Parts = defaultdict(list)
        self.ended = False
        self._files = 0
        self._fields = 0
        self._begin()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._name, self._value, self._data = bytearray(), bytearray(), bytearray()
        self._headers: dict[str, bytes] = {}

    def _header(self) -> None:
        if len(self._headers) >= PART_HEADERS:
            raise ValueError("too many headers")
        self._headers[self._name.decode("latin-1").lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _end_part(self) -> None:
        _disposition, options = parse_options_header(self._headers.get("content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8").removesuffix("[]")
        if b"filename" in options:
            self._files += 1
            if self._files > FORM_FILES:
                raise invalid(Fault(name, f"at most {FORM_FILES} files are expected"))
            # An empty file field is what a browser sends when nothing was chosen.
            if self._data:
                filename = options[b"filename"].decode("utf-8", "replace")
                self.parts[name].append(Upload(filename, "", bytes(self._data)))
            return
        self._fields += 1
        if self._fields > FORM_FIELDS:
            raise invalid(Fault("", f"at most {FORM_FIELDS} fields are expected"))
        self.parts[name].append(self._data.decode("utf-8"))

    def _end(self) -> None:
        self.ended = True


def _content_type(headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    media, options = parse_options_header(headers.get("content-type", ""))
    return (
        media.decode("latin-1").lower(),
        {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in options.items()},
    )


async def _read(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise body_too_large(limit)
    try:
        async with asyncio.timeout(READ_S):
            return await _read_all(receive, limit)
    except TimeoutError:
        raise body_too_slow() from None


async def _read_all(receive: Receive, limit: int) -> bytes:
    message = await _next(receive)
    content: bytes = message.get("body", b"")
    if len(content) > limit:
        raise body_too_large(limit)
    if not message.get("more_body", False):
        return content
    chunks = bytearray(content)
    while message.get("more_body", False):
        message = await _next(receive)
        chunks += message.get("body", b"")
        if len(chunks) > limit:
            raise body_too_large(limit)
    return bytes(chunks)


async def _next(receive: Receive) -> Mapping[str, Any]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return message
