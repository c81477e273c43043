"""`vehicles.csv`: one vehicle a line, comma-separated, UTF-8, with a header."""

import csv
from dataclasses import dataclass
from io import StringIO
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from isotope.provisioning.decode import Place, decode
from isotope.provisioning.faults import Faults, FileFault, did_you_mean, one_of
from isotope.provisioning.limits import MAX_VEHICLES
from isotope.provisioning.tree import Node

FILE: Final = "vehicles.csv"


class VehicleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle. An empty cell is the same as none."""

    nr: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$",
            description="the number printed on it, unique for the operator",
            extra={"accepted": "1 to 32 of A-Z a-z 0-9 -"},
        ),
    ]
    model: Annotated[str, Meta(description="a model of models.yaml")]
    lat: Annotated[float, Meta(ge=-90, le=90, description="where a new vehicle stands until it reports")]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    battery_pct: Annotated[
        int, Meta(ge=0, le=100, description="what a simulated unit begins with; real ones tell theirs")
    ] = 100
    device_identity: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9._:-]{1,64}$",
                description="what its unit calls itself (serial number or IMEI), unique in the installation",
                extra={"accepted": "1 to 64 of A-Z a-z 0-9 . _ : -"},
            ),
        ]
        | None
    ) = None
    device_secret: (
        Annotated[
            str,
            Meta(
                pattern="^[!-~]{8,200}$",
                description="what its unit proves itself with; needed for a unit that is new, only its hash is stored",
                extra={"secret": True, "accepted": "8 to 200 printable ASCII characters without spaces"},
            ),
        ]
        | None
    ) = None
    manual_locker_code: (
        Annotated[str, Meta(max_length=32, description="code of a mechanical lock, shown to the rider who starts it")]
        | None
    ) = None

    def __post_init__(self) -> None:
        if self.device_secret is not None and self.device_identity is None:
            raise ValueError("device_secret without device_identity")

    def __repr__(self) -> str:
        """Without the secret: it may stand in a trace."""
        return f"VehicleRow({self.nr}, {self.model})"


@dataclass(frozen=True, slots=True)
class VehicleEntry:
    """A line of the file: the row if it is right, and what other files and lines are compared with."""

    row: VehicleRow | None
    line: int
    nr: str | None
    model: str | None
    device_identity: str | None


def read_vehicles(text: str, faults: Faults) -> tuple[VehicleEntry, ...]:
    """Every line that has the header's columns; faults for what is wrong."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    entries: list[VehicleEntry] = []
    place = Place(FILE)
    try:
        header = next(reader, None)
        columns = _columns(header, faults)
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
                        file=FILE,
                        line=begins,
                        reason=f"{len(cells)} cells under {len(columns)} columns",
                        accepted="a comma between cells, quotes around a cell that holds one",
                    )
                )
                continue
            if len(entries) >= MAX_VEHICLES:
                faults.add(FileFault(file=FILE, line=begins, reason="too many vehicles", accepted=f"{MAX_VEHICLES}"))
                break
            entries.append(_row(dict(zip(columns, cells, strict=True)), begins, place, faults))
    except csv.Error as error:
        faults.add(FileFault(file=FILE, line=reader.line_num, reason=f"not CSV: {error}"))
    return tuple(entries)


def _columns(header: list[str] | None, faults: Faults) -> list[str] | None:
    known = [field.name for field in msgspec.structs.fields(VehicleRow)]
    if header is None:
        faults.add(FileFault(file=FILE, reason="the file is empty", accepted="a header: " + ",".join(known)))
        return None
    columns = [cell.strip() for cell in header]
    before = len(faults)
    for index, column in enumerate(columns):
        if column not in known:
            reason = f"unknown column {column!r}{did_you_mean(column, known)}"
            faults.add(FileFault(file=FILE, line=1, reason=reason, accepted=one_of(known)))
        elif column in columns[:index]:
            faults.add(FileFault(file=FILE, line=1, reason=f"the column {column!r} stands twice"))
    for field in msgspec.structs.fields(VehicleRow):
        if field.required and field.name not in columns:
            faults.add(FileFault(file=FILE, line=1, field=field.name, reason="missing column"))
    return columns if len(faults) == before else None


def _row(cells: dict[str, str], line: int, place: Place, faults: Faults) -> VehicleEntry:
    given = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
    row = _quick(given)
    if row is None:
        row = decode(Node({name: Node(cell, line) for name, cell in given.items()}, line), VehicleRow, place, faults)
    return VehicleEntry(
        row=row,
        line=line,
        nr=given.get("nr"),
        model=given.get("model"),
        device_identity=given.get("device_identity"),
    )


def _quick(given: dict[str, str]) -> VehicleRow | None:
    """The row, ten times faster than `decode` makes it; None: look closely, it may be wrong."""
    if not all(map(str.isprintable, given.values())):
        return None
    try:
        return msgspec.convert(given, VehicleRow, strict=False)
    except msgspec.ValidationError:
        return None
