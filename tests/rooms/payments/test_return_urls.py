"""Where riders may be sent, and nowhere else."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.payments import with_query
from isotope.domain.payments.return_urls import MOST_URL, refuse_return_url

BEGINNINGS = ("https://app.example", "https://shop.example/pay/", "isotope://", "https://q.example/?to=")


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example",
        "https://app.example/",
        "https://app.example/cards?a=b&c=%20#top",
        "https://app.example?a",
        "https://app.example#top",
        "https://shop.example/pay/",
        "https://shop.example/pay/done",
        "isotope://cards",
        "https://q.example/?to=me",
    ],
)
def test_what_begins_as_the_operator_says(url: str) -> None:
    assert refuse_return_url(url, BEGINNINGS) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://app.example.evil.test",
        "https://app.example:8443/",
        "https://app.example@evil.test/",
        "https://app.exampl",
        "http://app.example/",
        "HTTPS://app.example/",
        "https://shop.example/pay",
        "https://shop.example/other",
        "//app.example/",
        "javascript:alert(1)//https://app.example",
        "https://app.example/\\evil.test",
        "https://app.example/\r\nLocation: https://evil.test",
        "https://app.example/\t",
        "https://app.example/ ",
        'https://app.example/"',
        "https://app.example/<script>",
        "https://app.example/\u0000",
        "https://app.example/ä",
        "https://app.example/" + "a" * MOST_URL,
    ],
)
def test_everything_else_is_refused_and_told_what_is_allowed(url: str) -> None:
    refused = refuse_return_url(url, BEGINNINGS)
    assert refused is not None
    [fault] = refused.faults
    assert (fault.field, BEGINNINGS[0] in fault.info) == ("return_url", True)


def test_an_operator_who_allows_nothing() -> None:
    for url in ("", "https://app.example"):
        assert refuse_return_url(url, ()) is not None
        assert refuse_return_url(url, ("",)) is not None


@given(st.text(max_size=60))
def test_whatever_follows_it_stays_with_the_same_host(rest: str) -> None:
    url = "https://app.example" + rest
    if refuse_return_url(url, BEGINNINGS) is None:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == ("https", "app.example")
        assert url.isascii()
        assert url.isprintable()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://app.example", "https://app.example?setup_id=3&status=DONE"),
        ("https://app.example/x?a=b", "https://app.example/x?a=b&setup_id=3&status=DONE"),
        ("https://app.example/#/cards?a", "https://app.example/?setup_id=3&status=DONE#/cards?a"),
        ("isotope://cards", "isotope://cards?setup_id=3&status=DONE"),
    ],
)
def test_what_came_of_it_stands_in_the_query(url: str, expected: str) -> None:
    assert with_query(url, setup_id=3, status="DONE") == expected


@given(st.from_regex(r"https://app\.example/[a-z]{0,5}(\?[a-z]=[a-z])?(#[a-z]{1,3})?", fullmatch=True))
def test_what_was_in_the_address_stays(url: str) -> None:
    before, after = urlsplit(url), urlsplit(with_query(url, status="DONE"))
    assert before._replace(query="") == after._replace(query="")
    assert parse_qsl(after.query) == [*parse_qsl(before.query), ("status", "DONE")]
