"""The journal as a file: CSV or JSON lines, whole or not there at all."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from isotope.domain.wallet import AccountTotal, JournalLine, JournalTotals
from isotope.kernel.money import to_decimal

COLUMNS: Final = (
    "transaction_id",
    "at",
    "reason",
    "cause",
    "actor",
    "account",
    "rider_id",
    "currency",
    "debit",
    "credit",
)

# A spreadsheet takes a cell that begins so for a formula. Causes hold keys that integrators choose.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Write = Callable[[JournalLine], None]


class JournalFormat(StrEnum):
    """How a line is written."""

    CSV = "csv"
    JSONL = "jsonl"


def amount_text(amount_minor: int, currency: str) -> str:
    """`1.50`: with a point, whatever the machine's language; as many decimals as the currency has."""
    return f"{to_decimal(amount_minor, currency):f}"


def cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def line_values(line: JournalLine) -> tuple[Any, ...]:
    """In the order of `COLUMNS`."""
    amount = line.amount_minor
    return (
        line.transaction_id,
        line.at,
        line.reason,
        line.cause,
        line.actor,
        line.account.value,
        line.rider_id,
        line.currency,
        amount_text(max(0, -amount), line.currency),
        amount_text(max(0, amount), line.currency),
    )


def writer(form: JournalFormat, out: BinaryIO) -> Write:
    """What writes a line to `out`; for CSV the header is written at once. UTF-8, lines end with a newline."""
    if form is JournalFormat.JSONL:
        encoder = msgspec.json.Encoder()

        def write_json(line: JournalLine) -> None:
            out.write(encoder.encode(dict(zip(COLUMNS, line_values(line), strict=True))) + b"\n")

        return write_json

    rows = csv.writer(_Utf8(out), lineterminator="\n")
    rows.writerow(COLUMNS)

    def write_row(line: JournalLine) -> None:
        rows.writerow([cell(value) if isinstance(value, str) else value for value in line_values(line)])

    return write_row


class _Utf8:
    """What `csv` writes its rows to."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode())


def totals_json(about: dict[str, Any], totals: JournalTotals) -> bytes:
    """`{"totals": {...}}` on one line, for programs."""
    accounts = [
        {
            "currency": total.currency,
            "account": total.account.value,
            "debit": amount_text(total.debit_minor, total.currency),
            "credit": amount_text(total.credit_minor, total.currency),
            "lines": total.lines,
        }
        for total in totals.totals
    ]
    content = {**about, "lines": totals.lines, "transactions": totals.transactions, "accounts": accounts}
    return msgspec.json.encode({"totals": content}) + b"\n"


def totals_text(totals: tuple[AccountTotal, ...] | list[AccountTotal]) -> str:
    """A table for people."""
    head = ("currency", "account", "debit", "credit", "lines")
    rows = [head] + [
        (
            total.currency,
            total.account.value,
            amount_text(total.debit_minor, total.currency),
            amount_text(total.credit_minor, total.currency),
            str(total.lines),
        )
        for total in totals
    ]
    widths = [max(len(row[nr]) for row in rows) for nr in range(len(head))]
    texts = 2  # currency and account; the rest are numbers
    return "\n".join(
        "  ".join(
            value.ljust(width) if nr < texts else value.rjust(width)
            for nr, (value, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def totals_file(output: Path) -> Path:
    """Beside the journal: `journal.csv.totals.json`."""
    return output.with_name(f"{output.name}.totals.json")


@contextmanager
def opened(output: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that bears its name only when everything stands in it."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb", buffering=1 << 20) as out:
            yield out
        part.replace(output)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
