"""Whatever comes, in whatever chunks: frames or `FrameError`, nothing else, and never more memory than a line."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from isotope.iot.json_lines import FRAME_CAP, decode_down, decode_up, encode_down, encode_up, splitter
from isotope.iot.lines import LineSplitter
from isotope.iot.model import DownMessage, FrameError, UpMessage
from tests.iot.strategies import down_messages, up_messages

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True, allow_infinity=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
_MEMBERS = [
    "t",
    "id",
    "secret",
    "fw",
    "seq",
    "at",
    "fix_at",
    "lat",
    "lon",
    "speed_kmh",
    "battery_pct",
    "locked",
    "odometer_m",
    "event",
    "buffered",
    "cmd",
    "status",
    "code",
]
_TAGS = st.sampled_from(["hello", "report", "ack", "ping", "welcome", "cmd", "ok", "refused", "pong"])
_ALMOST = st.fixed_dictionaries({"t": _TAGS}, optional={name: _JSON for name in _MEMBERS if name != "t"})

_HOSTILE = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"{" * FRAME_CAP,
    b"[" * FRAME_CAP,
    b'{"t":' * 800,
    b'{"t":"report","seq":1,"at":1' + b"0" * 4000 + b"}",
    b'{"t":"report","seq":1,"at":1e999}',
    b'{"t":"report","seq":1,"at":1,"lat":NaN,"lon":1}',
    b'{"t":"report","seq":1,"at":1,"lat":1e400,"lon":1}',
    b'{"t":"hello","id":"a\\u0000b","secret":"x"}',
    b'{"t":"hello","id":"a\\n","secret":"x"}',
    b'{"t":"hello","id":"\\ud800","secret":"x"}',
    b'{"t":"ack","cmd":"9223372036854775808","status":"done"}',
    b'{"t":"ack","cmd":"01","status":"done"}',
    b'{"t":"ping","t":"hello"}',
    b'"ping"',
    b"null",
    b"[]",
]


def decodes_or_refuses(line: bytes) -> None:
    for decode in (decode_up, decode_down):
        try:
            decode(line)
        except FrameError:
            continue


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_frame_error(line: bytes) -> None:
    decodes_or_refuses(line)


@given(_JSON | _ALMOST)
def test_any_json_is_a_message_or_a_frame_error(value: object) -> None:
    decodes_or_refuses(json.dumps(value).encode())


def test_hostile_lines_are_frame_errors_or_harmless() -> None:
    for line in _HOSTILE:
        decodes_or_refuses(line)


@given(up_messages)
def test_what_is_encoded_up_is_decoded(message: UpMessage) -> None:
    line = encode_up(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_up(line[:-1]) == message


@given(down_messages)
def test_what_is_encoded_down_is_decoded(message: DownMessage) -> None:
    line = encode_down(message)
    assert len(line) <= FRAME_CAP
    assert line.count(b"\n") == 1
    assert decode_down(line[:-1]) == message


@st.composite
def chunked(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@given(st.lists(up_messages, max_size=6), st.data())
def test_chunks_do_not_matter(messages: list[UpMessage], data: st.DataObject) -> None:
    stream = b"".join(encode_up(message) for message in messages)
    lines = splitter()
    seen = [line for chunk in data.draw(chunked(stream)) for line in lines.feed(chunk)]
    assert [decode_up(line) for line in seen if isinstance(line, bytes)] == messages


CAP = 16


def by_the_book(stream: bytes) -> list[bytes | None]:
    """What the splitter must say of a whole stream; None: a line that is too long."""
    *ended, rest = stream.split(b"\n")
    said: list[bytes | None] = []
    for line in ended:
        if len(line) > CAP:
            said.append(None)
        elif stripped := line.removesuffix(b"\r"):
            said.append(stripped)
    if len(rest) > CAP:
        said.append(None)
    return said


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"bc" * 5, b"d" * CAP, b"e" * 40, b"\x00\xff"]), max_size=20).map(
        b"".join
    ),
    st.data(),
)
@example(b"e" * 40 + b"\n" + b"a\n", None)
def test_the_splitter_splits_by_the_book_and_holds_one_line_at_most(stream: bytes, data: st.DataObject | None) -> None:
    lines = LineSplitter(CAP)
    said: list[bytes | None] = []
    for chunk in [stream] if data is None else data.draw(chunked(stream)):
        for line in lines.feed(chunk):
            assert not isinstance(line, bytes) or len(line) <= CAP
            said.append(line if isinstance(line, bytes) else None)
        assert lines.held <= CAP
    assert said == by_the_book(stream)


def test_an_endless_line_is_told_once_and_costs_no_memory() -> None:
    lines = splitter()
    told = [line for _ in range(10_000) for line in lines.feed(b"x" * 1_000)]
    assert len(told) == 1
    assert lines.held == 0
    assert list(lines.feed(b'\n{"t":"ping"}\n')) == [b'{"t":"ping"}']
