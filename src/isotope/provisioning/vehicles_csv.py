"""`vehicles.csv`: one vehicle a line, comma-separated, UTF-8, with a header."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from isotope.provisioning.csv_rows import CsvFile, CsvLine, read_lines
from isotope.provisioning.faults import Faults
from isotope.provisioning.limits import MAX_VEHICLES

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


_LINES: Final = CsvFile(FILE, VehicleRow, MAX_VEHICLES, "vehicles")


def read_vehicles(text: str, faults: Faults) -> tuple[CsvLine[VehicleRow], ...]:
    """Every line that has the header's columns; faults for what is wrong."""
    return read_lines(text, _LINES, faults)
