"""How forms with pictures come in: as they arrive, so many bytes, in time, and in bounded memory."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from isotope.api import body
from isotope.api.body import FORM_BYTES, JSON_BYTES, Room, read_form
from isotope.api.decode import Decoder
from isotope.api.upload import PICTURE_BYTES, Upload
from isotope.kernel.errors import Refusal
from tests.kit.pictures import photo
from tests.kit.refusals import refused


class Pictured(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    images: Annotated[list[Upload], Meta(max_length=8)] | None = None


DECODER = Decoder(Pictured)
HEADERS = {"content-type": "multipart/form-data; boundary=b"}
END = b"--b--\r\n"


def field(name: str, value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)


def file(content: bytes, name: str = "a.jpg") -> bytes:
    head = (
        b'--b\r\nContent-Disposition: form-data; name="images"; filename="%s"\r\nContent-Type: text/html\r\n\r\n%s\r\n'
    )
    return head % (name.encode(), content)


class Sender:
    """A client that sends these chunks; `read` says how many were asked for."""

    def __init__(self, chunks: Sequence[bytes], *, then: str = "end") -> None:
        self._chunks = list(chunks)
        self._then = then
        self.read = 0

    async def __call__(self) -> Mapping[str, Any]:
        if self.read < len(self._chunks):
            self.read += 1
            more = self.read < len(self._chunks) or self._then != "end"
            return {"type": "http.request", "body": self._chunks[self.read - 1], "more_body": more}
        if self._then == "hang":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}


@pytest.fixture(autouse=True)
def _room_is_given_back() -> Iterator[None]:
    yield
    assert Room.held_by_all == 0


async def read(chunks: Sequence[bytes], headers: Mapping[str, str] = HEADERS, **how: Any) -> Pictured:
    with Room() as room:
        return await read_form(Sender(chunks, **how), headers, DECODER, room)


async def test_a_file_of_the_largest_size_is_taken_and_one_byte_more_is_told() -> None:
    start = photo()
    largest = start + bytes(PICTURE_BYTES - len(start))
    taken = await read([field("name", b"x"), file(largest), END])
    assert taken.images is not None
    assert (taken.images[0].size, taken.images[0].digest) == (PICTURE_BYTES, sha256(largest).digest())
    with refused("validation_failed") as no:
        await read([file(start), file(largest + b"\0", "big.jpg"), END])
    [fault] = no.it.faults
    assert fault.field == "images.1"
    assert fault.info == 'a picture of at most 10485760 bytes is expected; "big.jpg" has 10485761'


async def test_what_is_too_large_is_counted_and_not_kept() -> None:
    reader = body.FormReader(b"b")
    with Room() as room:
        for chunk in (file(b"\xff\xd8\xff")[:-2], *[bytes(1024 * 1024)] * 20, b"\r\n", END):
            reader.write(chunk, room)
    [upload] = reader.end()["images"]
    assert isinstance(upload, Upload)
    assert upload.size > 20 * 1024 * 1024
    assert len(upload.data) <= PICTURE_BYTES


async def test_a_form_that_says_it_is_too_large_is_not_read() -> None:
    sender = Sender([b"x"])
    with refused("body_too_large") as no, Room() as room:
        await read_form(sender, {**HEADERS, "content-length": str(FORM_BYTES + 1)}, DECODER, room)
    assert sender.read == 0
    assert no.it.details["limit_bytes"] == FORM_BYTES


async def test_a_form_that_lies_about_its_size_is_read_to_the_limit_only() -> None:
    chunks = [file(b"")[:-2], *[bytes(4 * 1024 * 1024)] * 40]
    sender = Sender(chunks)
    with refused("body_too_large"), Room() as room:
        await read_form(sender, {**HEADERS, "content-length": "5"}, DECODER, room)
    assert sender.read <= FORM_BYTES // (4 * 1024 * 1024) + 2


async def test_only_forms_may_be_large() -> None:
    sender = Sender([bytes(JSON_BYTES), b"x", b"x"])
    with refused("body_too_large"), Room() as room:
        await read_form(sender, {"content-type": "application/json"}, DECODER, room)
    assert sender.read == 2


async def test_text_fields_share_a_small_limit() -> None:
    with refused("validation_failed") as no:
        await read([field("name", b"x" * JSON_BYTES), field("other", b"y"), END])
    assert [fault.field for fault in no.it.faults] == ["other"]


@pytest.mark.parametrize(
    "head",
    [
        b"--b\r\n" + b"X-A: b\r\n" * 100_000,
        b"--b\r\nX-A: " + b"b" * 1_000_000,
        b"--b\r\n" + b"a" * 1_000_000,
        b"x" * 1_000_000,
        b"--b\r\n\r\n" * 100_000,
    ],
)
async def test_endless_heads_are_refused_as_they_come(head: bytes) -> None:
    sender = Sender([head[nr : nr + 4_096] for nr in range(0, len(head), 4_096)])
    with refused("validation_failed"), Room() as room:
        await read_form(sender, HEADERS, DECODER, room)
    assert sender.read < 10


async def test_who_hangs_up_is_not_answered() -> None:
    with pytest.raises(body.ClientGoneError):
        await read([field("name", b"x")], then="hang up")


PARTS = st.lists(
    st.one_of(
        st.tuples(st.just("name"), st.binary(max_size=40).map(lambda value: value.hex().encode())),
        st.tuples(st.just("file"), st.binary(max_size=200)),
        # What looks like an end, and now and then is one.
        st.tuples(st.just("file"), st.lists(st.sampled_from([b"\r\n", b"--b", b"-", b"\r", b"x"])).map(b"".join)),
    ),
    max_size=6,
)


@given(PARTS, st.lists(st.integers(0, 2_000), max_size=20))
def test_where_a_form_is_cut_makes_no_difference(parts: list[tuple[str, bytes]], cuts: list[int]) -> None:
    """Also within boundaries and heads, and for contents that look like a boundary."""
    whole = b"".join(file(value) if kind == "file" else field("name", value) for kind, value in parts) + END
    places = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})

    def parse(chunks: Sequence[bytes]) -> Any:
        reader = body.FormReader(b"b")
        try:
            with Room() as room:
                for chunk in chunks:
                    reader.write(chunk, room)
                return dict(reader.end())
        except Refusal as refusal:
            return refusal.code

    at_once = parse([whole])
    assert parse([whole[a:b] for a, b in pairwise(places)]) == at_once
    files = [value for kind, value in parts if kind == "file" and value]
    if not any(b"--b" in value for value in files):
        assert [upload.data for upload in at_once.get("images", [])] == files


# -- Memory and time ------------------------------------------------------------------------------------------------


async def test_what_others_hold_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "ROOM_BYTES", 10_000)
    small = [file(photo()[:4_000]), END]
    with Room() as other:
        other.take(7_000)
        with refused("uploads_busy") as no:
            await read(small)
        assert no.it.retry_after_s
        assert Room.held_by_all == 7_000
    assert (await read(small)).images


async def test_who_is_too_slow_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "READ_S", 0.05)
    with refused("body_too_slow") as no:
        await read([file(photo())], then="hang")
    assert no.it.retry_after_s


async def test_a_large_form_has_more_time_for_what_has_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """30 s, and a second more for every 64 KiB: here in hundredths."""
    monkeypatch.setattr(body, "READ_S", 0.05)
    monkeypatch.setattr(body, "FORM_BYTES_PER_S", 1_000_000)
    loop = asyncio.get_running_loop()

    async def seconds(chunks: Sequence[bytes]) -> float:
        began = loop.time()
        with refused("body_too_slow"):
            await read(chunks, then="hang")
        return loop.time() - began

    assert await seconds([file(photo())]) < await seconds([file(bytes(300_000))])
    monkeypatch.setattr(body, "MOST_READ_S", 0.1)
    assert await seconds([file(bytes(3_000_000))]) < 1
