"""The export form as a file."""

import csv
import io
from decimal import Decimal

import msgspec
import pytest

from isotope.api.exports import csv_headers, csv_of, wants_csv


class Row(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str | None
    amount: Decimal | None
    is_open: bool = False


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    data: list[Row]
    bookmark_next: str | None = None


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_rows_and_columns() -> None:
    rows = [
        Row(id=1, name='A "quoted", name\nof lines', amount=Decimal("-1.50"), is_open=True),
        Row(id=2, name=None, amount=None),
    ]
    content = csv_of(Rows(data=rows))
    assert read(content) == [
        ["id", "name", "amount", "is_open"],
        ["1", 'A "quoted", name\nof lines', "-1.50", "true"],
        ["2", "", "", "false"],
    ]
    assert content.endswith(b"\r\n")


def test_no_rows_have_columns() -> None:
    assert read(csv_of(Rows(data=[]))) == [["id", "name", "amount", "is_open"]]


@pytest.mark.parametrize("text", ["=1+1", "+358", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_text_is_no_formula(text: str) -> None:
    [_columns, row] = read(csv_of(Rows(data=[Row(id=-5, name=text, amount=Decimal(-3))])))
    assert row == ["-5", f"'{text}", "-3", "false"]


@pytest.mark.parametrize(
    ("accept", "is_csv"),
    [
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/csv, application/json", True),
        ("application/json, text/csv;q=0.5", False),
        ("*/*", False),
        ("", False),
        ("application/json", False),
    ],
)
def test_who_wants_it(accept: str, is_csv: bool) -> None:
    assert wants_csv(accept) is is_csv


def test_what_stands_above_it() -> None:
    headers = dict(csv_headers("admin_rides", Rows(data=[], bookmark_next="abc")))
    assert headers[b"content-type"] == b"text/csv; charset=utf-8"
    assert headers[b"x-bookmark-next"] == b"abc"
    assert b'filename="admin_rides.csv"' in headers[b"content-disposition"]
    assert b"x-bookmark-next" not in dict(csv_headers("admin_rides", Rows(data=[])))
