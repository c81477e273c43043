"""The export form of a list: flat rows, as JSON or as CSV.

`export: true` asks for it; a page then has up to `MOST_EXPORTED` rows. `Accept: text/csv` gives the same rows as a file:
a line of column names (those of the fields), then a line a row; UTF-8, separated by commas, ended by CRLF, quoted where it
must be (RFC 4180). Where the next page begins stands in the header `X-Bookmark-Next`.

Spreadsheets take a text that begins with = + - @, a tab or a carriage return for a formula: such a text gets an apostrophe
in front, so that nothing that a rider typed is ever calculated. Numbers are written as they are.
"""

import csv
import io
from decimal import Decimal
from typing import Any, Final, get_args, get_type_hints

import msgspec

MOST_EXPORTED: Final = 2_000

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_TYPE: Final = "text/csv"


def wants_csv(accept: str) -> bool:
    """Whether the `Accept` header names CSV before JSON, or CSV alone."""
    named = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    if _TYPE not in named:
        return False
    return "application/json" not in named or named.index(_TYPE) < named.index("application/json")


def csv_of(page: Any) -> bytes:
    """The rows of `page.data`, whose type is a flat Struct; also the names of its columns where there are none."""
    rows: list[msgspec.Struct] = page.data
    columns = _row_type(type(page)).__struct_fields__
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(getattr(row, column)) for column in columns])
    return out.getvalue().encode()


def csv_headers(name: str, page: Any = None) -> list[tuple[bytes, bytes]]:
    """What stands above the file."""
    headers = [
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", f'attachment; filename="{name}.csv"'.encode("ascii")),
    ]
    mark = getattr(page, "bookmark_next", None)
    if mark:
        headers.append((b"x-bookmark-next", str(mark).encode("ascii")))
    return headers


def _row_type(page: type[Any]) -> type[msgspec.Struct]:
    [row] = get_args(get_type_hints(page)["data"])
    found: type[msgspec.Struct] = row
    return found


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return str(value)
        case _:
            text = str(value)
            return f"'{text}" if text.startswith(_FORMULA) else text
