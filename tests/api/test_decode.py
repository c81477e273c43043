"""From bytes to request types: what is forgiven, what is refused, and that every fault is told at once."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from isotope.api.decode import Decoder
from isotope.api.fields import Id, Latitude, Phone, PhonePrefix
from isotope.api.upload import Upload
from isotope.kernel.errors import Refusal
from tests.kit.refusals import refused


class Colour(StrEnum):
    RED = "RED"
    GREEN = "GREEN"

    @classmethod
    def _missing_(cls, value: object) -> "Colour | None":
        return cls.RED if value == "ROUGE" else None


class Window(msgspec.Struct, frozen=True, kw_only=True):
    start: int
    end: int | None = None


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    title: Annotated[str, Meta(max_length=5)] | None = None
    lat: Latitude = 0.0
    speed: float = 0.0
    amount: Decimal = Decimal(0)
    flag: bool | None = None
    size: Literal["S", "L"] = "S"
    colour: Colour = Colour.GREEN
    ids: Annotated[list[Id], Meta(max_length=3)] | None = None
    window: Window | None = None
    windows: list[Window] = []
    count: int = 0


class Cleaned(msgspec.Struct, frozen=True, kw_only=True):
    prefix: PhonePrefix
    phone: Phone


class Pictured(msgspec.Struct, frozen=True, kw_only=True):
    id: Id
    nr: str | None = None
    ids: list[Id] | None = None
    images: Annotated[list[Upload], Meta(max_length=2)] | None = None


THING = Decoder(Thing)
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


def faults_of(decoder: Decoder[Any], body: bytes) -> dict[str, str]:
    with pytest.raises(Refusal) as caught:
        decoder.from_json(body)
    assert caught.value.code == "validation_failed"
    return {fault.field: fault.info for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        (b'{"id": "5"}', "id", 5),
        (b'{"id": 5.0}', "id", 5),
        (b'{"id": 5, "unknown": {"deep": [1, {"a": null}]}}', "id", 5),
        (b'{"id": 1, "id": 2}', "id", 2),
        (b'{"id": 1, "amount": 0.10}', "amount", Decimal("0.10")),
        (b'{"id": 1, "amount": "0.10"}', "amount", Decimal("0.10")),
        (b'{"id": 1, "amount": 1e2}', "amount", Decimal(100)),
        (b'{"id": 1, "speed": "1.5"}', "speed", 1.5),
        (b'{"id": 1, "flag": "true"}', "flag", True),
        (b'{"id": 1, "flag": 0}', "flag", False),
        (b'{"id": 1, "flag": null}', "flag", None),
        (b'{"id": 1, "colour": "ROUGE"}', "colour", Colour.RED),
        (b'{"id": 1, "ids": ["1", 2]}', "ids", [1, 2]),
        (b'{"id": 1, "window": {"start": "3"}}', "window", Window(start=3)),
        (b'{"id": 9223372036854775807}', "id", 2**63 - 1),
        ('{"id": 1, "title": "\U0001f600äöü"}'.encode(), "title", "\U0001f600äöü"),
        (b'{"id": 1, "title": "\\ud83d\\ude00"}', "title", "\U0001f600"),
    ],
)
def test_what_is_taken(body: bytes, field: str, value: object) -> None:
    assert getattr(THING.from_json(body), field) == value


@pytest.mark.parametrize(
    ("part", "field", "says"),
    [
        (b'"id": "x"', "id", 'an integer from 1 to 9223372036854775807 is expected, not "x"'),
        (b'"id": true', "id", "not a boolean"),
        (b'"id": [1]', "id", "not an array"),
        (b'"id": 0', "id", "from 1 to"),
        (b'"id": 1.5', "id", "an integer"),
        (b'"id": 9223372036854775808', "id", "from 1 to"),
        (b'"id": 1' + b"0" * 400, "id", "from 1 to"),
        (b'"id": null', "id", "must not be null"),
        (b'"count": 9223372036854775808', "count", "64 bits"),
        (b'"count": "-9223372036854775809"', "count", "64 bits"),
        (b'"lat": 90.0001', "lat", "a number from -90 to 90"),
        (b'"lat": "nan"', "lat", "a number from -90 to 90"),
        (b'"speed": "nan"', "speed", "finite"),
        (b'"speed": "Infinity"', "speed", "finite"),
        (b'"speed": 1e999', "speed", "a number is expected"),
        (b'"amount": "NaN"', "amount", "finite"),
        (b'"amount": 1e999999999', "amount", "digits"),
        (b'"amount": true', "amount", "an amount"),
        (b'"title": 5', "title", "not that number"),
        (b'"title": "abcdef"', "title", "a text of 0 to 5 characters is expected"),
        (b'"title": "a\\u0000"', "title", "NUL"),
        (b'"flag": 5', "flag", "true or false"),
        (b'"flag": "maybe"', "flag", "true or false"),
        (b'"size": "M"', "size", "one of "),
        (b'"colour": "BLUE"', "colour", 'one of RED, GREEN is expected, not "BLUE"'),
        (b'"ids": 5', "ids", "an array is expected"),
        (b'"ids": [1, 2, 3, 4]', "ids", "0 to 3 items"),
        (b'"ids": [1, "x", 3]', "ids.1", "an integer"),
        (b'"ids": [null]', "ids.0", "an integer"),
        (b'"window": []', "window", "an object is expected, not an array"),
        (b'"window": {"end": 1}', "window.start", "Field required"),
        (b'"windows": [{"start": 1}, {"start": {}}]', "windows.1.start", "not an object"),
    ],
)
def test_what_is_refused(part: bytes, field: str, says: str) -> None:
    body = b"{" + part + (b"}" if b'"id"' in part else b', "id": 1}')
    faults = faults_of(THING, body)
    assert list(faults) == [field]
    assert says in faults[field]


def test_every_fault_at_once() -> None:
    body = b'{"lat": 91, "flag": "x", "ids": ["a", 1, {}], "window": {"start": null, "end": "z"}, "colour": 1}'
    assert set(faults_of(THING, body)) == {
        "id",
        "lat",
        "flag",
        "ids.0",
        "ids.2",
        "window.start",
        "window.end",
        "colour",
    }


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"5", "must be a JSON object"),
        (b"{", "not valid JSON"),
        (b'{"id": 1} x', "not valid JSON"),
        (b"{'id': 1}", "not valid JSON"),
        (b'{"id": NaN}', "not valid JSON"),
        (b'{"id": Infinity}', "not valid JSON"),
        (b'{"\xff": 1}', "not UTF-8"),
        (b'{"id": 1, "title": "\xff"}', "not UTF-8"),
        (b'{"id": 1, "unknown": "\xff"}', "not UTF-8"),
        (b'{"id": 1, "title": "\\ud800"}', "not valid JSON"),
        (b'{"id": 1, "title": "\\udc00x"}', "not valid JSON"),
        (b'{"id": 1, "unknown": "\\ud800\\ud800"}', "not valid JSON"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"other": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", "nested too deeply"),
        (b"[" * 500_000, "must be a JSON object"),
    ],
)
def test_what_is_no_json_object(body: bytes, says: str) -> None:
    faults = faults_of(THING, body)
    assert list(faults) == [""]
    assert says in faults[""]


def test_an_empty_body_is_an_empty_object() -> None:
    class Optional(msgspec.Struct, frozen=True, kw_only=True):
        id: int | None = None

    assert Decoder(Optional).from_json(b"") == Optional()
    assert Decoder(Optional).from_json(b" \n") == Optional()
    assert faults_of(THING, b"") == {"id": "Field required"}


def test_numbers_of_phones_are_cleaned_before_they_are_judged() -> None:
    decoder = Decoder(Cleaned)
    taken = decoder.from_json(b'{"prefix": "+371", "phone": "21 23-45 (67)"}')
    assert taken == Cleaned(prefix="371", phone="21234567")
    assert decoder.from_json(b'{"prefix": "00371", "phone": "2"}').prefix == "371"
    assert set(faults_of(decoder, b'{"prefix": "+3712", "phone": "  "}')) == {"prefix", "phone"}


def test_a_form_brings_texts_and_files() -> None:
    decoder = Decoder(Pictured)
    picture = Upload("a.png", "", PNG)
    taken = decoder.from_parts({"id": ["7"], "nr": [""], "ids": ["1", "2"], "images": [picture], "unknown": ["x"]})
    assert taken == Pictured(id=7, nr=None, ids=[1, 2], images=[Upload("a.png", "image/png", PNG)])
    assert decoder.from_parts({"id": ["7"], "ids": ["[3, 4]"]}).ids == [3, 4]


def test_a_form_has_its_faults_at_once_too() -> None:
    with pytest.raises(Refusal) as caught:
        Decoder(Pictured).from_parts(
            {
                "id": [Upload("x", "", b"x")],
                "ids": ["1", "x"],
                "images": [Upload("a.gif", "image/png", b"GIF89a"), "text"],
            }
        )
    assert {fault.field for fault in caught.value.faults} == {"id", "ids.1", "images.0", "images.1"}


def test_too_many_pictures() -> None:
    with pytest.raises(Refusal) as caught:
        Decoder(Pictured).from_parts({"id": ["1"], "images": [Upload("a.png", "", PNG)] * 3})
    assert [fault.field for fault in caught.value.faults] == ["images"]


class Days(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    from_: str | None = msgspec.field(name="from")
    to: str | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    days: Days | None = None


DAYS = Decoder(Asked)


def test_an_object_by_the_names_that_are_sent() -> None:
    found = DAYS.from_json(b'{"days": {"from": "1", "to": null}, "other": 1}')
    assert found.days == Days(from_="1", to=None)


@pytest.mark.parametrize(
    ("sent", "faults"),
    [
        ('{"from": "1", "to": "2", "since": "3"}', [("days", "only from, to are expected in it")]),
        ('{"from_": "1", "to": "2"}', [("days", "only from, to are expected in it")]),
        ('{"to": "2"}', [("days.from", "Field required")]),
        ('{"from": 5, "to": "2"}', [("days.from", "a text is expected, not that number")]),
        ("{}", [("days.from", "Field required"), ("days.to", "Field required")]),
        ('["1", "2"]', [("days", "an object is expected, not an array")]),
    ],
)
def test_another_shape_is_refused(sent: str, faults: list[tuple[str, str]]) -> None:
    with refused("validation_failed") as told:
        DAYS.from_json(f'{{"days": {sent}}}'.encode())
    assert [(fault.field, fault.info) for fault in told.it.faults] == faults
