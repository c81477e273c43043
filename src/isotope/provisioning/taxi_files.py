"""`taxi.yaml`, `taxi_vehicles.csv` and `drivers.csv`: what is driven for whom, by whom and in what. All may be missing."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from isotope.domain.identity import Phone, read_phone
from isotope.domain.taxi.model import TaxiClassSpec
from isotope.kernel.errors import Refusal
from isotope.provisioning.catalog_files import Ref, Title, narrow
from isotope.provisioning.csv_rows import CsvFile, CsvLine, read_lines
from isotope.provisioning.faults import Faults, FileFault
from isotope.provisioning.limits import MAX_DRIVERS, MAX_TAXI_CLASSES, MAX_TAXI_VEHICLES, MAX_VEHICLES_OF_DRIVER

FILE: Final = "taxi.yaml"
VEHICLES: Final = "taxi_vehicles.csv"
DRIVERS: Final = "drivers.csv"

_REF: Final = "[a-z0-9][a-z0-9._-]{0,63}"
_PLATE: Final = "[A-Za-z0-9][A-Za-z0-9-]{0,15}"


class TaxiClassFile(TaxiClassSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class of service with its title."""

    title: Title

    def spec(self) -> TaxiClassSpec:
        """The class alone, as the store keeps it."""
        return narrow(self, TaxiClassSpec)


class TaxiFile(msgspec.Struct, frozen=True, kw_only=True):
    """Every class that riders choose from, with its price."""

    classes: Annotated[
        dict[Ref, TaxiClassFile], Meta(max_length=MAX_TAXI_CLASSES, description="classes of service by ref")
    ] = {}


class TaxiVehicleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A car. An empty cell is the same as none."""

    plate: Annotated[
        str,
        Meta(
            pattern=f"^{_PLATE}$",
            description="what is read on it, unique for the operator; riders are told it",
            extra={"accepted": "1 to 16 of A-Z a-z 0-9 -"},
        ),
    ]
    title: Annotated[str, Meta(min_length=1, max_length=120, description="make and model; riders are told it")]
    seats: Annotated[int, Meta(ge=1, le=100, description="for riders")]
    classes: Annotated[
        str,
        Meta(
            pattern=f"^{_REF}( {_REF}){{0,19}}$",
            description="the classes of taxi.yaml whose trips it drives",
            extra={"accepted": "1 to 20 refs with a space between them"},
        ),
    ]
    color: Annotated[str, Meta(max_length=40, description="riders are told it")] = ""

    @property
    def class_refs(self) -> tuple[str, ...]:
        return tuple(self.classes.split(" "))


class DriverRow(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who drives. An empty cell is the same as none."""

    phone_prefix: Annotated[
        str,
        Meta(
            pattern="^[1-9][0-9]{0,2}$",
            description="the country's, such as 358",
            extra={"accepted": "1 to 3 digits without + or 00"},
        ),
    ]
    phone: Annotated[
        str,
        Meta(
            pattern="^[0-9]{4,20}$",
            description="the rest of the number; drivers log in with it, and are known by it when the folder is applied",
            extra={"accepted": "4 to 20 digits, as they are dialled from abroad"},
        ),
    ]
    name: Annotated[str, Meta(min_length=1, max_length=120, description="riders are told the first word of it")]
    vehicles: Annotated[
        str,
        Meta(
            pattern=f"^{_PLATE}( {_PLATE}){{0,{MAX_VEHICLES_OF_DRIVER - 1}}}$",
            description="plates of taxi_vehicles.csv that they may drive",
            extra={"accepted": f"1 to {MAX_VEHICLES_OF_DRIVER} plates with a space between them"},
        ),
    ]
    email: Annotated[str, Meta(max_length=254)] = ""
    language: Annotated[
        str, Meta(pattern="^[a-z]{2}$", description="one of the operator's; none: its first", extra={"accepted": "en"})
    ] = ""
    cash: Annotated[bool, Meta(description="takes trips that are paid in cash")] = True
    commission_pct: (
        Annotated[float, Meta(ge=0, le=100, description="what the operator keeps of a fare; none: as the settings say")]
        | None
    ) = None

    @property
    def number(self) -> str:
        """What tells a driver from all others of the operator."""
        return f"{self.phone_prefix} {self.phone}"

    @property
    def plates(self) -> tuple[str, ...]:
        return tuple(self.vehicles.split(" "))


_VEHICLE_LINES: Final = CsvFile(VEHICLES, TaxiVehicleRow, MAX_TAXI_VEHICLES, "vehicles")
_DRIVER_LINES: Final = CsvFile(DRIVERS, DriverRow, MAX_DRIVERS, "drivers")


def read_taxi_vehicles(text: str, faults: Faults) -> tuple[CsvLine[TaxiVehicleRow], ...]:
    """Every line that has the header's columns; faults for what is wrong."""
    return read_lines(text, _VEHICLE_LINES, faults)


def read_drivers(text: str, faults: Faults) -> tuple[CsvLine[DriverRow], ...]:
    """Every line that has the header's columns; faults for what is wrong, numbers that are none among it."""
    lines = read_lines(text, _DRIVER_LINES, faults)
    for line in lines:
        if line.row is not None:
            _check_number(line.row, line.line, faults)
    return lines


def _check_number(row: DriverRow, line: int, faults: Faults) -> None:
    place = FileFault(file=DRIVERS, line=line, reason="")
    try:
        read = read_phone(row.phone_prefix, row.phone)
    except Refusal as no:
        for fault in no.faults:
            faults.add(msgspec.structs.replace(place, field=fault.field, reason=fault.info))
        return
    # Kept as it is said when somebody logs in: 040 123 and 40 123 are one number.
    if read != Phone(prefix=row.phone_prefix, number=row.phone):
        faults.add(
            msgspec.structs.replace(place, field="phone", reason="not as dialled from abroad", accepted=read.number)
        )
