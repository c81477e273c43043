"""The body of a request: how much, of what kind, and what it says.

| body | limit |
|---|---|
| JSON, and what is no file of a form | 1 MiB, read within `READ_S` |
| a form | 64 fields; 8 files of 10 MiB; 30 s and a second more for every 64 KiB, at most 5 min |
| what all forms of this process hold in memory at one moment | `ROOM_BYTES`; beyond it 503 `uploads_busy` |

Forms are taken apart as they arrive. A file that is too large is counted to its end and not kept, so that the refusal
can say how large it is. Only what has arrived takes room: who trickles bytes holds little, and not for long.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any, ClassVar, Final, Self
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from isotope.api.decode import Decoder, T
from isotope.api.upload import PICTURE_BYTES, Upload
from isotope.kernel.errors import Fault, Kind, Refusal, invalid

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Parts = dict[str, list[str | Upload]]

JSON_BYTES: Final = 1024 * 1024
FORM_FIELDS: Final = 64
FORM_FILES: Final = 8
FORM_BYTES: Final = FORM_FILES * PICTURE_BYTES + JSON_BYTES
PART_HEADERS: Final = 16
PART_HEADER_BYTES: Final = 4 * 1024
READ_S: Final = 30.0
# A phone on a bad network: half a megabit a second.
FORM_BYTES_PER_S: Final = 64 * 1024
MOST_READ_S: Final = 300.0
ROOM_BYTES: Final = 256 * 1024 * 1024
BUSY_S: Final = 2

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"


class ClientGoneError(Exception):
    """The caller hung up; nobody waits for an answer."""


def body_too_large(limit_bytes: int) -> Refusal:
    return Refusal(Kind.TOO_LARGE, "body_too_large", {"limit_bytes": limit_bytes}, {"limit_bytes": limit_bytes})


def body_too_slow(seconds: float = READ_S) -> Refusal:
    return Refusal(Kind.UNAVAILABLE, "body_too_slow", {"seconds": int(seconds)}, retry_after_s=1)


def uploads_busy() -> Refusal:
    """Others' pictures fill the memory that there is for them."""
    return Refusal(Kind.UNAVAILABLE, "uploads_busy", retry_after_s=BUSY_S)


def unsupported_media(accepted: str) -> Refusal:
    return Refusal(Kind.UNSUPPORTED_MEDIA, "unsupported_media", {"accepted": accepted}, {"accepted": [accepted]})


class Room:
    """What one request holds of the memory for forms; given back when the request is over."""

    held_by_all: ClassVar[int] = 0

    def __init__(self) -> None:
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        Room.held_by_all -= self._held
        self._held = 0

    def take(self, size: int) -> None:
        """Raises `uploads_busy` when there is no room for so many bytes more."""
        if Room.held_by_all + size > ROOM_BYTES:
            raise uploads_busy()
        Room.held_by_all += size
        self._held += size


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


async def read_form(receive: Receive, headers: Mapping[str, str], decoder: Decoder[T], room: Room) -> T:
    """Read and decode a form with files.

    Raises:
        Refusal: as `read_json`, and `uploads_busy`.
    """
    media, options = _content_type(headers)
    if media != FORM:
        if await _read(receive, headers, JSON_BYTES):
            raise unsupported_media(FORM)
        return decoder.from_parts({})
    _check_declared(headers, FORM_BYTES)
    form = FormReader(options.get("boundary", "").encode("latin-1", "replace"))
    async for chunk in _chunks_in_time(receive):
        form.write(chunk, room)
    return decoder.from_parts(form.end())


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


class FormReader:
    """Takes a multipart body apart as it arrives. A name such as `images[]` is `images`."""

    def __init__(self, boundary: bytes) -> None:
        self._collector = _Collector()
        # A body without any byte needs no boundary.
        self._parser = MultipartParser(boundary, self._collector.callbacks()) if boundary else None
        self._size = 0

    def write(self, chunk: bytes, room: Room) -> None:
        """Take the next bytes.

        Raises:
            Refusal: `validation_failed` when the body is not what its header says, or has too many parts;
                `body_too_large`, `uploads_busy`.
        """
        if not chunk:
            return
        if self._parser is None:
            raise invalid(Fault("", "The Content-Type header names no boundary"))
        self._size += len(chunk)
        if self._size > FORM_BYTES:
            raise body_too_large(FORM_BYTES)
        room.take(len(chunk))
        try:
            self._parser.write(chunk)
        except (FormParserError, UnicodeDecodeError, ValueError) as error:
            raise invalid(Fault("", "The body is not valid multipart/form-data")) from error

    def end(self) -> Parts:
        """Everything has arrived.

        Raises:
            Refusal: `validation_failed`.
        """
        if self._size and not self._collector.ended:
            raise invalid(Fault("", "The body is cut off: its last boundary is missing"))
        return self._collector.parts


class _Collector:
    """Hears the parser and keeps the parts."""

    def __init__(self) -> None:
        self.parts: Parts = defaultdict(list)
        self.ended = False
        self._files = 0
        self._fields = 0
        self._field_bytes = 0
        self._begin()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._extend_header(self._name, data[start:end]),
            "on_header_value": lambda data, start, end: self._extend_header(self._value, data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._open,
            "on_part_data": self._take,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._name, self._value, self._data = bytearray(), bytearray(), bytearray()
        self._headers: dict[str, bytes] = {}
        self._options: dict[bytes, bytes] = {}
        self._size = 0
        self._hash = sha256()

    def _extend_header(self, part: bytearray, more: bytes) -> None:
        if len(part) + len(more) > PART_HEADER_BYTES:
            raise ValueError("a header is too long")
        part.extend(more)

    def _header(self) -> None:
        if len(self._headers) >= PART_HEADERS:
            raise ValueError("too many headers")
        self._headers[self._name.decode("latin-1").lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    @property
    def _is_file(self) -> bool:
        return b"filename" in self._options

    @property
    def _field(self) -> str:
        return self._options.get(b"name", b"").decode("utf-8").removesuffix("[]")

    def _open(self) -> None:
        _disposition, self._options = parse_options_header(self._headers.get("content-disposition", b""))
        if self._is_file:
            self._files += 1
            if self._files > FORM_FILES:
                raise invalid(Fault(self._field, f"at most {FORM_FILES} files are expected"))
            return
        self._fields += 1
        if self._fields > FORM_FIELDS:
            raise invalid(Fault("", f"at most {FORM_FIELDS} fields are expected"))

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if not self._is_file:
            self._field_bytes += end - start
            if self._field_bytes > JSON_BYTES:
                raise invalid(Fault(self._field, f"fields of at most {JSON_BYTES} bytes together are expected"))
        elif self._size > PICTURE_BYTES:
            # It is refused in the end; until then only its size matters.
            return
        else:
            self._hash.update(data[start:end])
        self._data.extend(data[start:end])

    def _end_part(self) -> None:
        if self._is_file:
            # An empty file field is what a browser sends when nothing was chosen.
            if self._size:
                filename = self._options[b"filename"].decode("utf-8", "replace")
                upload = Upload(filename, "", bytes(self._data), self._size, self._hash.digest())
                self.parts[self._field].append(upload)
        else:
            self.parts[self._field].append(self._data.decode("utf-8"))
        self._data = bytearray()

    def _end(self) -> None:
        self.ended = True


def _content_type(headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    media, options = parse_options_header(headers.get("content-type", ""))
    return (
        media.decode("latin-1").lower(),
        {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in options.items()},
    )


def _check_declared(headers: Mapping[str, str], limit: int) -> None:
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise body_too_large(limit)


async def _read(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    _check_declared(headers, limit)
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


async def _chunks_in_time(receive: Receive) -> AsyncIterator[bytes]:
    """What arrives, as long as it arrives fast enough: see the top of this file."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    size, more = 0, True
    while more:
        seconds = min(READ_S + size / FORM_BYTES_PER_S, MOST_READ_S)
        try:
            async with asyncio.timeout_at(began + seconds):
                message = await _next(receive)
        except TimeoutError:
            raise body_too_slow(seconds) from None
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        more = message.get("more_body", False)
        yield chunk


async def _next(receive: Receive) -> Mapping[str, Any]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    return message
