"""Files of one thing a line: comma-separated, UTF-8, with a header. The columns are the fields of a struct."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Generic, TypeVar

import msgspec

from isotope.provisioning.decode import Place, decode
from isotope.provisioning.faults import Faults, FileFault, did_you_mean, one_of
from isotope.provisioning.tree import Node

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class CsvFile(Generic[T]):
    """What a file is called, what a line of it is, how many there may be, and what people call them."""

    name: str
    kind: type[T]
    most: int
    things: str


@dataclass(frozen=True, slots=True)
class CsvLine(Generic[T]):
    """A line: the row if it is right, and the cells that were given, for what is compared across lines and files."""

    row: T | None
    line: int
    given: Mapping[str, str]


def read_lines(text: str, file: CsvFile[T], faults: Faults) -> tuple[CsvLine[T], ...]:
    """Every line that has the header's columns; faults for what is wrong."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    lines: list[CsvLine[T]] = []
    try:
        columns = _columns(next(reader, None), file, faults)
        if columns is None:
            return ()
        line = reader.line_num + 1
        for cells in reader:
            # A quoted cell may hold line breaks: the row's line is the one it begins in.
            begins, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                faults.add(
                    FileFault(
                        file=file.name,
                        line=begins,
                        reason=f"{len(cells)} cells under {len(columns)} columns",
                        accepted="a comma between cells, quotes around a cell that holds one",
                    )
                )
                continue
            if len(lines) >= file.most:
                faults.add(
                    FileFault(file=file.name, line=begins, reason=f"too many {file.things}", accepted=f"{file.most}")
                )
                break
            lines.append(_line(dict(zip(columns, cells, strict=True)), begins, file, faults))
    except csv.Error as error:
        faults.add(FileFault(file=file.name, line=reader.line_num, reason=f"not CSV: {error}"))
    return tuple(lines)


def _columns(header: list[str] | None, file: CsvFile[T], faults: Faults) -> list[str] | None:
    known = [field.name for field in msgspec.structs.fields(file.kind)]
    if header is None:
        faults.add(FileFault(file=file.name, reason="the file is empty", accepted="a header: " + ",".join(known)))
        return None
    columns = [cell.strip() for cell in header]
    before = len(faults)
    for index, column in enumerate(columns):
        if column not in known:
            reason = f"unknown column {column!r}{did_you_mean(column, known)}"
            faults.add(FileFault(file=file.name, line=1, reason=reason, accepted=one_of(known)))
        elif column in columns[:index]:
            faults.add(FileFault(file=file.name, line=1, reason=f"the column {column!r} stands twice"))
    for field in msgspec.structs.fields(file.kind):
        if field.required and field.name not in columns:
            faults.add(FileFault(file=file.name, line=1, field=field.name, reason="missing column"))
    return columns if len(faults) == before else None


def _line(cells: dict[str, str], line: int, file: CsvFile[T], faults: Faults) -> CsvLine[T]:
    given = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
    row = _quick(given, file.kind)
    if row is None:
        node = Node({name: Node(cell, line) for name, cell in given.items()}, line)
        row = decode(node, file.kind, Place(file.name), faults)
    return CsvLine(row=row, line=line, given=given)


def _quick(given: dict[str, str], kind: type[T]) -> T | None:
    """The row, ten times faster than `decode` makes it; None: look closely, it may be wrong."""
    if not all(map(str.isprintable, given.values())):
        return None
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError:
        return None
