"""Equal for the same said in other words, different for everything else."""

import json
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.api.decode import Decoder
from isotope.api.fingerprint import fingerprint
from isotope.api.upload import Upload

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


class Colour(Enum):
    RED = "RED"
    BLUE = "BLUE"


class Body(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    amount: Decimal | None = None
    at: float | None = None
    name: str | None = None
    is_big: bool | None = False
    colour: Colour | None = None
    ids: list[int] | None = None
    images: list[Upload] | None = None


class LaterBody(Body, frozen=True, kw_only=True):
    more: str | None = None
    other: bool | None = False


BODIES = st.builds(
    Body,
    id=st.integers(0, 3),
    amount=st.none() | st.decimals(0, 2, places=2) | st.just(Decimal(0)),
    at=st.none() | st.sampled_from([0.0, 1.0, 60.17]),
    name=st.none() | st.sampled_from(["", "0", "null", "a"]),
    is_big=st.none() | st.booleans(),
    colour=st.none() | st.sampled_from(Colour),
    ids=st.none() | st.lists(st.integers(0, 2), max_size=2),
    images=st.none() | st.lists(st.builds(Upload, st.text(max_size=1), st.just("image/png"), st.just(PNG)), max_size=2),
)


def meaning(body: Body) -> Any:
    """What a body says, by other means than the hash: numbers by their value, no names of files."""
    images = None if body.images is None else tuple((image.content_type, image.data) for image in body.images)
    ids = None if body.ids is None else tuple(body.ids)
    return body.id, body.amount, body.at, body.name, bool(body.is_big), body.colour, ids, images


@given(BODIES, BODIES)
def test_two_bodies_are_one_request_if_they_say_the_same(one: Body, two: Body) -> None:
    assert (fingerprint("x", one) == fingerprint("x", two)) == (meaning(one) == meaning(two))


@given(BODIES)
def test_an_optional_field_of_a_later_version_changes_nothing(body: Body) -> None:
    later = LaterBody(**{name: getattr(body, name) for name in Body.__struct_fields__})
    assert fingerprint("x", later) == fingerprint("x", body)
    assert fingerprint("y", body) != fingerprint("x", body)
    assert len(fingerprint("x", body)) == 32


@pytest.mark.parametrize(
    ("one", "two", "is_same"),
    [
        ('{"id": 5, "amount": 12.5}', '{ "amount": "12.50", "id": "5" }', True),
        ('{"id": 5, "amount": 10}', '{"id": 5, "amount": 1e1}', True),
        ('{"id": 5, "at": 60}', '{"id": 5, "at": 60.0, "unknown": [1]}', True),
        ('{"id": 5, "name": null}', '{"id": 5, "is_big": false}', True),
        ('{"id": 5, "name": "1"}', '{"id": 5, "name": "01"}', False),
        ('{"id": 5, "at": 0}', '{"id": 5}', False),
        ('{"id": 5, "amount": 0}', '{"id": 5}', False),
        ('{"id": 5, "ids": []}', '{"id": 5}', False),
        ('{"id": 5, "ids": [1, 2]}', '{"id": 5, "ids": [2, 1]}', False),
        ('{"id": 5, "amount": 0.1}', '{"id": 5, "amount": 0.10000000000000000000000000001}', False),
    ],
)
def test_as_they_come_over_the_wire(one: str, two: str, *, is_same: bool) -> None:
    decoder = Decoder(Body)
    assert json.loads(one) is not None
    hashes = [fingerprint("x", decoder.from_json(text.encode())) for text in (one, two)]
    assert (hashes[0] == hashes[1]) == is_same


def test_what_no_body_holds_is_a_bug() -> None:
    class Odd(msgspec.Struct):
        what: object

    with pytest.raises(TypeError, match="object"):
        fingerprint("x", Odd(what=object()))
