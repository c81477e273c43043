"""An operator's folder, read and checked as a whole: either a `Folder`, or every fault of every file."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import available_timezones

import msgspec

from isotope.domain.rental.model import StationDraft
from isotope.domain.tenants import normal_email
from isotope.domain.zones.model import ZoneDraft
from isotope.kernel.vehicle_types import VehicleType
from isotope.provisioning import geojson, rental_files, taxi_files, vehicles_csv
from isotope.provisioning.catalog_files import ModelsFile, PricingFile
from isotope.provisioning.csv_rows import CsvLine
from isotope.provisioning.decode import Place, accepted, decode
from isotope.provisioning.faults import Faults, FileFault, did_you_mean, one_of, shown
from isotope.provisioning.limits import MAX_TAXI_BYTES, MAX_VEHICLES_BYTES, MAX_YAML_BYTES, MAX_ZONES_BYTES
from isotope.provisioning.operator_file import Key, KeysFile, OperatorFile, Password
from isotope.provisioning.rental_files import RentalFile, StationEntry, tariff_of
from isotope.provisioning.taxi_files import DriverRow, TaxiFile, TaxiVehicleRow
from isotope.provisioning.tree import Node
from isotope.provisioning.vehicles_csv import VehicleRow
from isotope.provisioning.yaml_tree import read_yaml

T = TypeVar("T")

OPERATOR: Final = "operator.yaml"
PRICING: Final = "pricing.yaml"
MODELS: Final = "models.yaml"
ZONES: Final = geojson.FILE
VEHICLES: Final = vehicles_csv.FILE
RENTAL: Final = rental_files.FILE
STATIONS: Final = rental_files.STATIONS
TAXI: Final = taxi_files.FILE
TAXI_VEHICLES: Final = taxi_files.VEHICLES
DRIVERS: Final = taxi_files.DRIVERS

FILES: Final[Mapping[str, int]] = {
    OPERATOR: MAX_YAML_BYTES,
    PRICING: MAX_YAML_BYTES,
    MODELS: MAX_YAML_BYTES,
    ZONES: MAX_ZONES_BYTES,
    VEHICLES: MAX_VEHICLES_BYTES,
}
"""Every file that a folder needs, and how many bytes it may have."""

OPTIONAL: Final[Mapping[str, int]] = {
    RENTAL: MAX_YAML_BYTES,
    STATIONS: MAX_ZONES_BYTES,
    TAXI: MAX_YAML_BYTES,
    TAXI_VEHICLES: MAX_TAXI_BYTES,
    DRIVERS: MAX_TAXI_BYTES,
}
"""Files of operators that rent out for given dates, and of those that drive people."""


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator's folder says. Secrets that were given by the name of a variable are filled in.

    `places` tells where a thing stands, for faults that only the store knows of: `("device", identity)` and the like.
    """

    operator: OperatorFile
    pricing: PricingFile
    models: ModelsFile
    zones: tuple[ZoneDraft, ...]
    vehicles: tuple[VehicleRow, ...]
    rental: RentalFile = RentalFile()
    stations: tuple[StationDraft, ...] = ()
    taxi: TaxiFile = TaxiFile()
    taxi_vehicles: tuple[TaxiVehicleRow, ...] = ()
    drivers: tuple[DriverRow, ...] = ()
    places: Mapping[tuple[str, str], FileFault]

    def fault(self, kind: str, name: str, reason: str, accepted: str = "") -> FileFault:
        """A fault of something in this folder, at its place."""
        place = self.places.get((kind, name), FileFault(file=OPERATOR, reason=""))
        return msgspec.structs.replace(place, reason=reason, accepted=accepted)


def read_folder(path: Path, environ: Mapping[str, str] | None = None) -> Folder:
    """Read and check the whole folder. Reads no more than the limits allow, and touches nothing.

    Raises:
        FolderRefused: with every fault of every file.
    """
    faults = Faults()
    texts = _texts(path, faults)
    reader = _Reader(texts, faults, os.environ if environ is None else environ)
    folder = reader.read()
    faults.raise_any()
    if folder is None:
        raise AssertionError("a folder without faults is whole")
    return folder


def _texts(path: Path, faults: Faults) -> dict[str, str]:
    """The text of every file there is; faults for the missing, the large and the misnamed ones."""
    if not path.is_dir():
        faults.add(FileFault(file=str(path), reason="no such folder", accepted=f"a folder with {', '.join(FILES)}"))
        return {}
    texts: dict[str, str] = {}
    missing = [name for name in FILES if not (path / name).is_file()]
    known = {**FILES, **OPTIONAL}
    strangers = sorted(entry.name for entry in path.iterdir() if entry.is_file() and entry.name not in known)
    for name in missing:
        near = did_you_mean(name, strangers).replace("did you mean", "is it")
        faults.add(FileFault(file=name, reason=f"missing{near}", accepted=_EMPTY[name]))
    absent = [name for name in OPTIONAL if not (path / name).is_file()]
    for stranger in strangers:
        # A slip in the name of a file that may be missing would otherwise end all rentals or trips without a word.
        if hint := _other_name(stranger, absent):
            faults.add(FileFault(file=stranger, reason=f"not looked at{hint}", accepted=one_of(list(OPTIONAL))))
    for name, limit in known.items():
        if name in missing or name in absent:
            continue
        with (path / name).open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            faults.add(FileFault(file=name, reason="the file is too large", accepted=f"at most {limit} bytes"))
            continue
        try:
            texts[name] = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            faults.add(FileFault(file=name, line=line, reason="not UTF-8", accepted="a text file in UTF-8"))
    return texts


def _other_name(stranger: str, absent: Sequence[str]) -> str:
    """Which file it may be meant to be, in words; only files of the same kind are compared."""
    alike = [name for name in absent if Path(name).suffix == Path(stranger).suffix]
    # By the stems: the same suffix makes any two short names near each other.
    near = did_you_mean(Path(stranger).stem, [Path(name).stem for name in alike])
    return did_you_mean(stranger, alike) if near else ""


_EMPTY: Final = {
    OPERATOR: "slug, name, currency, time_zone, languages",
    PRICING: "where there is no price: `tariffs: {}`",
    MODELS: "where there is no model: `models: {}`",
    ZONES: 'where there is no zone: {"type": "FeatureCollection", "features": []}',
    VEHICLES: "where there is no vehicle: the header alone",
}


class _Reader:
    """Reads the files, then checks what one says of another on the trees, so that one fault hides no other."""

    def __init__(self, texts: Mapping[str, str], faults: Faults, environ: Mapping[str, str]) -> None:
        self._texts = texts
        self._faults = faults
        self._environ = environ
        self._places: dict[tuple[str, str], FileFault] = {}
        self._trees: dict[str, Node] = {}

    def read(self) -> Folder | None:
        operator = self._yaml(OPERATOR, OperatorFile)
        pricing = self._yaml(PRICING, PricingFile)
        models = self._yaml(MODELS, ModelsFile)
        zones = geojson.read_zones(self._texts[ZONES], self._faults) if ZONES in self._texts else ()
        vehicles = vehicles_csv.read_vehicles(self._texts[VEHICLES], self._faults) if VEHICLES in self._texts else ()
        rental = self._yaml(RENTAL, RentalFile)
        stations = rental_files.read_stations(self._texts[STATIONS], self._faults) if STATIONS in self._texts else ()
        taxi = self._yaml(TAXI, TaxiFile)
        cars = (
            taxi_files.read_taxi_vehicles(self._texts[TAXI_VEHICLES], self._faults)
            if TAXI_VEHICLES in self._texts
            else ()
        )
        drivers = taxi_files.read_drivers(self._texts[DRIVERS], self._faults) if DRIVERS in self._texts else ()
        self._check_time_zone()
        self._check_staff()
        self._check_currencies()
        self._check_models()
        self._check_subscriptions()
        self._check_benefits()
        self._check_zones(zones)
        self._check_surcharges(zones)
        self._check_vehicles(vehicles)
        self._check_rental()
        self._check_stations(stations)
        self._check_taxi_vehicles(cars)
        self._check_drivers(drivers, cars)
        if operator is not None:
            operator = self._with_secrets(operator)
        if operator is None or pricing is None or models is None:
            return None
        return Folder(
            operator=operator,
            pricing=pricing,
            models=models,
            zones=tuple(entry.zone for entry in zones if entry.zone is not None),
            vehicles=tuple(entry.row for entry in vehicles if entry.row is not None),
            taxi=taxi or TaxiFile(),
            taxi_vehicles=tuple(car.row for car in cars if car.row is not None),
            drivers=tuple(driver.row for driver in drivers if driver.row is not None),
            rental=rental or RentalFile(),
            stations=tuple(entry.station for entry in stations if entry.station is not None),
            places=self._places,
        )

    def _yaml(self, name: str, kind: type[T]) -> T | None:
        if name not in self._texts:
            return None
        tree = read_yaml(self._texts[name], name, self._faults)
        if tree is None:
            return None
        self._trees[name] = tree
        return decode(tree, kind, Place(name), self._faults)

    def _node(self, file: str, *path: str | int) -> Node | None:
        node = self._trees.get(file)
        for step in path:
            if node is not None and isinstance(node.value, dict):
                node = node.value.get(str(step))
            elif node is not None and isinstance(node.value, list) and isinstance(step, int):
                node = node.value[step] if step < len(node.value) else None
            else:
                return None
        return node

    def _text(self, file: str, *path: str | int) -> str | None:
        node = self._node(file, *path)
        return node.value if node is not None and isinstance(node.value, str) else None

    def _entries(self, file: str, *path: str | int) -> Mapping[str, Node] | None:
        """The keys of a mapping; None: the file is not there or cannot be understood, so nothing is known."""
        node = self._node(file, *path)
        if node is None:
            return {} if file in self._trees else None
        return node.value if isinstance(node.value, dict) else None

    def _items(self, file: str, *path: str | int) -> Sequence[Node]:
        node = self._node(file, *path)
        return node.value if node is not None and isinstance(node.value, list) else ()

    def _at(self, file: str, *path: str | int) -> FileFault:
        """The place of a value in a YAML file, or of the nearest thing around it, as a fault without a reason."""
        line = None
        for length in range(len(path), -1, -1):
            node = self._node(file, *path[:length])
            if node is not None:
                line = node.line
                break
        return FileFault(file=file, line=line, field=".".join(str(step) for step in path), reason="")

    def _say(self, place: FileFault, reason: str, accepted: str = "") -> None:
        self._faults.add(msgspec.structs.replace(place, reason=reason, accepted=accepted))

    def _check_time_zone(self) -> None:
        name = self._text(OPERATOR, "time_zone")
        if name is not None and name not in available_timezones():
            hint = did_you_mean(name, sorted(available_timezones()))
            reason = f"{shown(name)} is no time zone{hint}"
            self._say(self._at(OPERATOR, "time_zone"), reason, "an IANA name such as Europe/Helsinki")

    def _check_staff(self) -> None:
        for index in range(len(self._items(OPERATOR, "staff"))):
            email = self._text(OPERATOR, "staff", index, "email")
            if email is not None:
                self._once("staff", normal_email(email), self._at(OPERATOR, "staff", index, "email"))

    def _check_currencies(self) -> None:
        wanted = self._text(OPERATOR, "currency")
        for file in (PRICING, RENTAL):
            for ref in self._entries(file, "tariffs") or ():
                currency = self._text(file, "tariffs", ref, "currency")
                if wanted is not None and currency not in (None, wanted):
                    place = self._at(file, "tariffs", ref, "currency")
                    self._say(place, f"{shown(currency)} is not the operator's currency", f"{wanted}, or nothing")

    def _check_models(self) -> None:
        tariffs = self._entries(PRICING, "tariffs")
        addons = self._entries(MODELS, "addons")
        for ref in self._entries(MODELS, "models") or ():
            tariff = self._text(MODELS, "models", ref, "tariff")
            if tariff is not None:
                self._known("tariff", tariff, tariffs, self._at(MODELS, "models", ref, "tariff"))
            seen: set[str] = set()
            for index in range(len(self._items(MODELS, "models", ref, "addons"))):
                place = self._at(MODELS, "models", ref, "addons", index)
                addon = self._text(MODELS, "models", ref, "addons", index)
                if addon is None:
                    continue
                if addon in seen:
                    self._say(place, f"the add-on {shown(addon)} stands twice")
                seen.add(addon)
                self._known("add-on", addon, addons, place)

    def _check_subscriptions(self) -> None:
        models = self._entries(MODELS, "models")
        for ref in self._entries(PRICING, "subscriptions") or ():
            for index in range(len(self._items(PRICING, "subscriptions", ref, "models"))):
                path = ("subscriptions", ref, "models", index)
                model = self._text(PRICING, *path)
                if model is not None:
                    self._known("model", model, models, self._at(PRICING, *path))

    def _check_benefits(self) -> None:
        models = self._entries(MODELS, "models")
        for kind in ("packages", "discount_groups"):
            for ref in self._entries(PRICING, kind) or ():
                for index in range(len(self._items(PRICING, kind, ref, "models"))):
                    model = self._text(PRICING, kind, ref, "models", index)
                    if model is not None:
                        self._known("model", model, models, self._at(PRICING, kind, ref, "models", index))

    def _check_zones(self, zones: Sequence[geojson.ZoneEntry]) -> None:
        models = self._entries(MODELS, "models")
        for entry in zones:
            place = FileFault(file=ZONES, line=entry.line, feature=entry.feature, reason="")
            if entry.ref is not None:
                self._once("zone", entry.ref, _field(place, "ref"))
            for index, model in enumerate(entry.models):
                self._known("model", model, models, _field(place, f"models.{index}"))

    def _check_surcharges(self, zones: Sequence[geojson.ZoneEntry]) -> None:
        refs = sorted({entry.ref for entry in zones if entry.ref is not None})
        # Of a file that cannot be read, or of zones without a ref, nothing is known.
        is_unread = not zones and any(fault.file == ZONES for fault in self._faults)
        if ZONES not in self._texts or is_unread or any(entry.ref is None for entry in zones):
            return
        for tariff in self._entries(PRICING, "tariffs") or ():
            for number in range(len(self._items(PRICING, "tariffs", tariff, "surcharges"))):
                path = ("tariffs", tariff, "surcharges", number, "zones")
                for index in range(len(self._items(PRICING, *path))):
                    ref = self._text(PRICING, *path, index)
                    if ref is not None and ref not in refs:
                        reason = f"there is no zone {shown(ref)}{did_you_mean(ref, refs)}"
                        self._say(self._at(PRICING, *path, index), reason, one_of(refs))

    def _check_vehicles(self, vehicles: Sequence[CsvLine[VehicleRow]]) -> None:
        models = self._entries(MODELS, "models")
        for entry in vehicles:
            place = FileFault(file=VEHICLES, line=entry.line, reason="")
            if (model := entry.given.get("model")) is not None:
                self._known("model", model, models, _field(place, "model"))
            for kind, field in (("vehicle", "nr"), ("device", "device_identity")):
                if (name := entry.given.get(field)) is not None:
                    self._once(kind, name, _field(place, field))

    def _check_rental(self) -> None:
        tariffs = self._entries(RENTAL, "tariffs")
        rented = self._entries(RENTAL, "models")
        for path in (("default_tariff",), *(("types", name) for name in self._entries(RENTAL, "types") or ())):
            tariff = self._text(RENTAL, *path)
            if tariff is not None:
                self._known("tariff", tariff, tariffs, self._at(RENTAL, *path))
        for ref in rented or ():
            self._check_rented(ref, tariffs)
        for kind in ("packages", "addons"):
            for name in self._entries(RENTAL, kind) or ():
                for index in range(len(self._items(RENTAL, kind, name, "models"))):
                    model = self._text(RENTAL, kind, name, "models", index)
                    if model is not None:
                        place = self._at(RENTAL, kind, name, "models", index)
                        self._known("rented model", model, rented, place)

    def _check_rented(self, ref: str, tariffs: Mapping[str, Node] | None) -> None:
        """A model of models.yaml that has a tariff, whoever says which."""
        models = self._entries(MODELS, "models")
        self._known("model", ref, models, self._at(RENTAL, "models", ref))
        own = self._text(RENTAL, "models", ref, "tariff") or ""
        if own:
            self._known("tariff", own, tariffs, self._at(RENTAL, "models", ref, "tariff"))
        vehicle_type = self._text(MODELS, "models", ref, "vehicle_type")
        # Of a model that is not there, or of no type, nothing is known.
        if vehicle_type not in tuple(VehicleType):
            return
        types = {
            VehicleType(name): self._text(RENTAL, "types", name) or ""
            for name in self._entries(RENTAL, "types") or ()
            if name in tuple(VehicleType)
        }
        if tariff_of(own, VehicleType(vehicle_type), types, self._text(RENTAL, "default_tariff")) is None:
            reason = f"no tariff: neither the model nor the type {vehicle_type} says one, and there is no default"
            self._say(self._at(RENTAL, "models", ref), reason, one_of(list(tariffs or ())))

    def _check_stations(self, stations: Sequence[StationEntry]) -> None:
        for entry in stations:
            if entry.ref is not None:
                self._once("station", entry.ref, _field(entry.place, "ref"))

    def _check_taxi_vehicles(self, cars: Sequence[CsvLine[TaxiVehicleRow]]) -> None:
        """Without a `taxi.yaml` there are no classes; of one that cannot be read nothing is known."""
        classes = self._entries(TAXI, "classes") if TAXI in self._texts else {}
        for car in cars:
            place = FileFault(file=TAXI_VEHICLES, line=car.line, reason="")
            if (plate := car.given.get("plate")) is not None:
                self._once("taxi vehicle", plate, _field(place, "plate"))
            for ref in car.given.get("classes", "").split():
                self._known("class", ref, classes, _field(place, "classes"))

    def _check_drivers(self, drivers: Sequence[CsvLine[DriverRow]], cars: Sequence[CsvLine[TaxiVehicleRow]]) -> None:
        plates = {plate: Node(None, car.line) for car in cars if (plate := car.given.get("plate")) is not None}
        is_unread = not cars and any(fault.file == TAXI_VEHICLES for fault in self._faults)
        languages = [node.value for node in self._items(OPERATOR, "languages")]
        for driver in drivers:
            place = FileFault(file=DRIVERS, line=driver.line, reason="")
            if driver.row is not None:
                self._once("driver", driver.row.number, _field(place, "phone"))
            for plate in driver.given.get("vehicles", "").split():
                self._known("taxi vehicle", plate, None if is_unread else plates, _field(place, "vehicles"))
            language = driver.given.get("language")
            if language is not None and languages and language not in languages:
                reason = f"the operator does not speak {shown(language)}"
                self._say(_field(place, "language"), reason, one_of([str(known) for known in languages]))

    def _once(self, kind: str, name: str, place: FileFault) -> None:
        first = self._places.setdefault((kind, name), place)
        if first is not place:
            self._say(place, f"{shown(name)} stands twice (first in line {first.line})")

    def _known(self, what: str, name: str, known: Mapping[str, Node] | None, place: FileFault) -> None:
        if known is not None and name not in known:
            words = list(known)
            self._say(place, f"there is no {what} {shown(name)}{did_you_mean(name, words)}", one_of(words))

    def _with_secrets(self, operator: OperatorFile) -> OperatorFile:
        """The operator with what its `_env` fields name, and with e-mail addresses as they are stored."""
        self._places["operator", "currency"] = self._at(OPERATOR, "currency")
        for kind in ("public", "secret"):
            name = kind if self._node(OPERATOR, "keys", kind) is not None else f"{kind}_env"
            self._places["key", kind] = self._at(OPERATOR, "keys", name)
        given = operator.keys
        keys = KeysFile(
            public=self._secret(Key, given.public, given.public_env, "keys", "public_env"),
            secret=self._secret(Key, given.secret, given.secret_env, "keys", "secret_env"),
            old_valid_hours=given.old_valid_hours,
        )
        if keys.public is not None and keys.public == keys.secret:
            self._say(self._at(OPERATOR, "keys"), "the public and the secret key are the same", "two different keys")
        staff = tuple(
            msgspec.structs.replace(
                member,
                email=normal_email(member.email),
                password=self._secret(Password, member.password, member.password_env, "staff", index, "password_env"),
                password_env=None,
            )
            for index, member in enumerate(operator.staff)
        )
        return msgspec.structs.replace(operator, keys=keys, staff=staff)

    def _secret(self, kind: Any, given: str | None, variable: str | None, *path: str | int) -> str | None:
        """The secret itself, read from its environment variable where the file names one."""
        if variable is None:
            return given
        place = self._at(OPERATOR, *path)
        value = self._environ.get(variable, "")
        if not value:
            self._say(place, f"the environment variable {variable} is not set")
            return None
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            self._say(place, f"what {variable} holds does not fit", accepted(kind))
        return value


def _field(place: FileFault, field: str) -> FileFault:
    return msgspec.structs.replace(place, field=field)
