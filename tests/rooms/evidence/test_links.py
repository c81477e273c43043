"""Links to pictures: whoever has one sees that picture, until it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.evidence import PictureId, PictureOf, StoredPicture, read_link, write_link
from isotope.domain.evidence.links import LIFE, Link
from isotope.kernel.ids import MAX_ID, OperatorId

NOW = datetime(2026, 6, 1, 12, 3, tzinfo=UTC)
KEY = bytes(range(32))
PICTURE = StoredPicture(
    operator_id=OperatorId(7),
    of=PictureOf.RIDE,
    id=PictureId(31),
    subject_id=12,
    blob_key="rides/7/aa",
    content_type="image/jpeg",
    faults=(),
    at=NOW,
)


def parts(link: str) -> tuple[str, str, str]:
    address, _, query = link.partition("?")
    expires, signature = (pair.partition("=")[2] for pair in query.split("&"))
    return address.removeprefix("/files/"), expires, signature


def read(link: str) -> Link:
    found = read_link(*parts(link))
    assert found is not None
    return found


def test_a_link_works_for_an_hour_and_not_for_ever() -> None:
    link = read(write_link(PICTURE, KEY, NOW))
    assert (link.operator_id, link.of, link.id) == (7, PictureOf.RIDE, 31)
    assert link.verdict(KEY, NOW) == "good"
    assert link.verdict(KEY, NOW + LIFE) == "good"
    assert link.verdict(KEY, NOW + LIFE + timedelta(minutes=10)) == "ended"
    assert link.verdict(KEY[::-1], NOW) == "wrong"


def test_who_looks_again_gets_the_same_link() -> None:
    assert write_link(PICTURE, KEY, NOW) == write_link(PICTURE, KEY, NOW + timedelta(minutes=5))
    assert write_link(PICTURE, KEY, NOW) != write_link(PICTURE, KEY, NOW + timedelta(minutes=10))


@given(st.sampled_from(PictureOf), st.integers(1, 10**17), st.integers(1, 10**17), st.integers(0, 40_000))
def test_nothing_of_a_link_can_be_changed(of: PictureOf, operator: int, number: int, days: int) -> None:
    picture = StoredPicture(
        operator_id=OperatorId(operator),
        of=of,
        id=PictureId(number),
        subject_id=1,
        blob_key="x",
        content_type="image/jpeg",
        faults=(),
        at=NOW,
    )
    now = NOW + timedelta(days=days / 2)
    name, expires, signature = parts(write_link(picture, KEY, now))
    good = read_link(name, expires, signature)
    assert good is not None
    assert good.verdict(KEY, now) == "good"
    other = "damage" if of is PictureOf.RIDE else "ride"
    for changed in (
        (name.replace(of, other), expires, signature),
        (f"{operator + 1}-{of}-{number}", expires, signature),
        (f"{operator}-{of}-{number + 1}", expires, signature),
        (name, str(int(expires) + 1), signature),
        (name, f"{expires}0", signature),
        (name, expires, signature[:-1] + ("A" if signature[-1] != "A" else "B")),
        (name, expires, signature[:-1]),
        (name, expires, ""),
    ):
        found = read_link(*changed)
        assert found is None or found.verdict(KEY, now) == "wrong", changed


@pytest.mark.parametrize(
    ("name", "expires"),
    [
        ("", "1780000000"),
        ("7-ride", "1780000000"),
        ("7-zone-31", "1780000000"),
        ("07-ride-31", "1780000000"),
        ("7-ride-31/..", "1780000000"),
        ("../7-ride-31", "1780000000"),
        ("7-ride-\u0663\u0661", "1780000000"),
        (f"7-ride-{MAX_ID}0", "1780000000"),
        ("7-ride-31", ""),
        ("7-ride-31", "-1"),
        ("7-ride-31", "0"),
        ("7-ride-31", "1e9"),
        ("7-ride-31", "9" * 13),
    ],
)
def test_what_was_never_a_link(name: str, expires: str) -> None:
    assert read_link(name, expires, "x" * 43) is None
