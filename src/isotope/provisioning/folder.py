"""An operator's folder, read and checked as a whole: either a `Folder`, or every fault of every file."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import available_timezones

import msgspec

from isotope.domain.zones.model import ZoneDraft
from isotope.provisioning import geojson, vehicles_csv
from isotope.provisioning.catalog_files import ModelsFile, PricingFile
from isotope.provisioning.decode import Place, accepted, decode
from isotope.provisioning.faults import Faults, FileFault, did_you_mean, one_of, shown
from isotope.provisioning.limits import MAX_VEHICLES_BYTES, MAX_YAML_BYTES, MAX_ZONES_BYTES
from isotope.provisioning.operator_file import Key, OperatorFile, Password
from isotope.provisioning.tree import Node
from isotope.provisioning.vehicles_csv import VehicleRow
from isotope.provisioning.yaml_tree import read_yaml

T = TypeVar("T")

OPERATOR: Final = "operator.yaml"
PRICING: Final = "pricing.yaml"
MODELS: Final = "models.yaml"
ZONES: Final = geojson.FILE
VEHICLES: Final = vehicles_csv.FILE

FILES: Final[Mapping[str, int]] = {
    OPERATOR: MAX_YAML_BYTES,
    PRICING: MAX_YAML_BYTES,
    MODELS: MAX_YAML_BYTES,
    ZONES: MAX_ZONES_BYTES,
    VEHICLES: MAX_VEHICLES_BYTES,
}
"""Every file of a folder, all of them needed, and how many bytes it may have."""


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator's folder says. Secrets that were given by the name of a variable are filled in.

    `places` tells where a thing stands, for faults that only the store knows of: `("device", identity)` and the like.
    """

    operator: OperatorFile
    pricing: PricingFile
    models: ModelsFile
    zones: tuple[ZoneDraft, ...]
    vehicles: tuple[VehicleRow, ...]
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
    strangers = sorted(entry.name for entry in path.iterdir() if entry.is_file() and entry.name not in FILES)
    for name in missing:
        near = did_you_mean(name, strangers).replace("did you mean", "is it")
        faults.add(FileFault(file=name, reason=f"missing{near}", accepted=_EMPTY[name]))
    for name, limit in FILES.items():
        if name in missing:
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


_EMPTY: Final = {
    OPERATOR: "slug, name, currency, time_zone, languages",
    PRICING: "where there is no price: `tariffs: {}`",
    MODELS: "where there is no model: `models: {}`",
    ZONES: 'where there is no zone: {"type": "FeatureCollection", "features": []}',
    VEHICLES: "where there is no vehicle: the header alone",
}


class _Reader:
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
        if operator is not None:
            operator = self._check_operator(operator)
        if pricing is not None and operator is not None:
            self._check_currencies(pricing, operator.currency)
        if models is not None:
            self._check_models(models, pricing)
        self._check_zones(zones, models)
        self._check_vehicles(vehicles, models)
        if operator is None or pricing is None or models is None:
            return None
        return Folder(
            operator=operator,
            pricing=pricing,
            models=models,
            zones=tuple(entry.zone for entry in zones),
            vehicles=tuple(entry.row for entry in vehicles),
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

    def _at(self, file: str, *path: str | int) -> FileFault:
        """The place of a value in a YAML file, as a fault without a reason."""
        node = self._trees[file]
        line = node.line
        for step in path:
            if isinstance(node.value, dict) and str(step) in node.value:
                node = node.value[str(step)]
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
            else:
                break
            line = node.line
        return FileFault(file=file, line=line, field=".".join(str(step) for step in path), reason="")

    def _say(self, place: FileFault, reason: str, accepted: str = "") -> None:
        self._faults.add(msgspec.structs.replace(place, reason=reason, accepted=accepted))

    def _check_operator(self, operator: OperatorFile) -> OperatorFile:
        if operator.time_zone not in available_timezones():
            hint = did_you_mean(operator.time_zone, sorted(available_timezones()))
            reason = f"{shown(operator.time_zone)} is no time zone{hint}"
            self._say(self._at(OPERATOR, "time_zone"), reason, "an IANA name such as Europe/Helsinki")
        for kind in ("public", "secret"):
            self._places["key", kind] = self._at(OPERATOR, "keys", kind)
        keys = msgspec.structs.replace(
            operator.keys,
            public=self._secret(Key, operator.keys.public, operator.keys.public_env, "keys", "public_env"),
            public_env=None,
            secret=self._secret(Key, operator.keys.secret, operator.keys.secret_env, "keys", "secret_env"),
            secret_env=None,
        )
        if keys.public is not None and keys.public == keys.secret:
            self._say(self._at(OPERATOR, "keys"), "the public and the secret key are the same", "two different keys")
        staff = []
        for index, member in enumerate(operator.staff):
            place = self._at(OPERATOR, "staff", index, "email")
            email = member.email.strip().lower()
            if ("staff", email) in self._places:
                self._say(place, f"{shown(email)} stands twice")
            self._places["staff", email] = place
            password = self._secret(Password, member.password, member.password_env, "staff", index, "password_env")
            staff.append(msgspec.structs.replace(member, email=email, password=password, password_env=None))
        self._places["operator", operator.slug] = self._at(OPERATOR, "slug")
        self._places["operator", "currency"] = self._at(OPERATOR, "currency")
        return msgspec.structs.replace(operator, keys=keys, staff=tuple(staff))

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

    def _check_currencies(self, pricing: PricingFile, currency: str) -> None:
        for ref, tariff in pricing.tariffs.items():
            if tariff.currency not in (None, currency):
                self._say(
                    self._at(PRICING, "tariffs", ref, "currency"),
                    f"{tariff.currency} is not the operator's currency",
                    f"{currency}, or nothing",
                )

    def _check_models(self, models: ModelsFile, pricing: PricingFile | None) -> None:
        addons = list(models.addons)
        for ref, model in models.models.items():
            if pricing is not None and model.tariff not in pricing.tariffs:
                self._unknown(self._at(MODELS, "models", ref, "tariff"), "tariff", model.tariff, list(pricing.tariffs))
            for index, addon in enumerate(model.addons):
                place = self._at(MODELS, "models", ref, "addons", index)
                if addon not in models.addons:
                    self._unknown(place, "add-on", addon, addons)
                elif addon in model.addons[:index]:
                    self._say(place, f"the add-on {shown(addon)} stands twice")

    def _check_zones(self, zones: Sequence[geojson.ZoneEntry], models: ModelsFile | None) -> None:
        seen: dict[str, int] = {}
        for entry in zones:
            place = FileFault(file=ZONES, line=entry.line, feature=entry.feature, reason="")
            if entry.zone.ref in seen:
                first = seen[entry.zone.ref]
                self._say(place, f"the ref {shown(entry.zone.ref)} stands twice (first in line {first})")
            seen.setdefault(entry.zone.ref, entry.line)
            for model in entry.zone.spec.models:
                if models is not None and model not in models.models:
                    self._unknown(place, "model", model, list(models.models))

    def _check_vehicles(self, vehicles: Sequence[vehicles_csv.VehicleEntry], models: ModelsFile | None) -> None:
        known = list(models.models) if models is not None else []
        for entry in vehicles:
            row = entry.row
            place = FileFault(file=VEHICLES, line=entry.line, reason="")
            if models is not None and row.model not in models.models:
                self._unknown(_field(place, "model"), "model", row.model, known)
            self._once("vehicle", row.nr, _field(place, "nr"))
            if row.device_identity is not None:
                self._once("device", row.device_identity, _field(place, "device_identity"))

    def _once(self, kind: str, name: str, place: FileFault) -> None:
        first = self._places.get((kind, name))
        if first is not None:
            self._say(place, f"{shown(name)} stands twice (first in line {first.line})")
        else:
            self._places[kind, name] = place

    def _unknown(self, place: FileFault, what: str, name: str, known: list[str]) -> None:
        self._say(place, f"there is no {what} {shown(name)}{did_you_mean(name, known)}", one_of(known))


def _field(place: FileFault, field: str) -> FileFault:
    return msgspec.structs.replace(place, field=field)
