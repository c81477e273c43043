"""Tables of every key of a folder, made of the types that read it, for `docs/operate/provisioning.md`.

    python -m isotope.provisioning.reference docs/operate/provisioning.md

rewrites the tables between `<!-- keys: NAME -->` and `<!-- end -->`.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from isotope.domain.tenants.model import Settings
from isotope.provisioning.catalog_files import ModelsFile, PricingFile
from isotope.provisioning.decode import accepted
from isotope.provisioning.geojson import ZoneFile
from isotope.provisioning.operator_file import OperatorFile
from isotope.provisioning.rental_files import RentalFile, StationFile
from isotope.provisioning.taxi_files import DriverRow, TaxiFile, TaxiVehicleRow
from isotope.provisioning.vehicles_csv import VehicleRow

_TABLES: Final[dict[str, tuple[type[msgspec.Struct], tuple[type[msgspec.Struct], ...]]]] = {
    "operator.yaml": (OperatorFile, (Settings,)),
    "settings": (Settings, ()),
    "pricing.yaml": (PricingFile, ()),
    "models.yaml": (ModelsFile, ()),
    "zones.geojson": (ZoneFile, ()),
    "vehicles.csv": (VehicleRow, ()),
    "rental.yaml": (RentalFile, ()),
    "rental_zones.geojson": (StationFile, ()),
    "taxi.yaml": (TaxiFile, ()),
    "taxi_vehicles.csv": (TaxiVehicleRow, ()),
    "drivers.csv": (DriverRow, ()),
}
"""What each table shows, and the types that have a table of their own."""

_MARKED: Final = re.compile(r"(<!-- keys: (?P<name>\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_NO_DEFAULT: Final = "**needed**"


def key_table(name: str) -> str:
    """A Markdown table with one line a key."""
    kind, elsewhere = _TABLES[name]
    lines = ["| key | accepted | default | |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in _rows(kind, "", elsewhere)]
    return "\n".join(lines) + "\n"


def with_tables(page: str) -> str:
    """The page with every marked table made anew."""
    return _MARKED.sub(lambda found: found[1] + key_table(found["name"]) + found[3], page)


def _rows(
    kind: type[msgspec.Struct], path: str, elsewhere: tuple[type[msgspec.Struct], ...]
) -> Iterator[tuple[str, str, str, str]]:
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        steps, inner = _inside(hint)
        here = f"{path}{field.encode_name}"
        yield f"`{here}`", accepted(hint), _default(field), _description(hint)
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and inner not in elsewhere:
            yield from _rows(inner, f"{here}{steps}.", elsewhere)


def _inside(hint: Any) -> tuple[str, Any]:
    """What a list or mapping holds, and how its path goes on: `.*` for every entry of it."""
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            hint = get_args(hint)[0]
        elif origin in (list, tuple):
            return ".*", _inside(get_args(hint)[0])[1]
        elif origin is dict:
            return ".*", _inside(get_args(hint)[1])[1]
        elif origin is Union or str(origin) == "<class 'types.UnionType'>":
            hint = next(member for member in get_args(hint) if member is not type(None))
        else:
            return "", hint


def _description(hint: Any) -> str:
    """The first description that the annotations carry, the outermost first."""
    if get_origin(hint) is Annotated:
        base, *metas = get_args(hint)
        said = [meta.description for meta in metas if isinstance(meta, Meta) and meta.description]
        return said[-1] if said else _description(base)
    members = [member for member in get_args(hint) if member is not type(None)]
    is_optional = len(members) == 1 and get_origin(hint) not in (list, tuple, dict)
    return _description(members[0]) if is_optional else ""


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return _NO_DEFAULT
    has_factory = field.default_factory is not msgspec.NODEFAULT
    value = field.default_factory() if has_factory else field.default
    if isinstance(value, msgspec.Struct):
        return "see below"
    if value is None or value in ((), {}, ""):
        return "-"
    return f"`{msgspec.json.encode(value).decode()}`"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(with_tables(target.read_text(encoding="utf-8")), encoding="utf-8")
