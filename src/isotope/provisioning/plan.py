"""What applying a folder would do: the difference between it and the store. Pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from isotope.domain.devices import hash_secret
from isotope.domain.rental.model import StationDraft
from isotope.domain.tenants.model import KeyKind
from isotope.domain.zones.model import ZoneDraft
from isotope.provisioning.current import Current, Fields, StoredThing, StoredVehicle, key_hashes
from isotope.provisioning.faults import Faults
from isotope.provisioning.folder import Folder
from isotope.provisioning.rental_files import RentalAddonFile, RentalPackageFile, RentalTariffFile, tariff_of
from isotope.provisioning.taxi_files import TaxiClassFile
from isotope.provisioning.vehicles_csv import VehicleRow

_OUT_OF_USE: Final = "DEPRECATED"


class Kind(StrEnum):
    """What a folder describes, in the order in which it is applied."""

    OPERATOR = "operator"
    KEY = "key"
    STAFF = "staff"
    TARIFF = "tariff"
    ADDON = "add-on"
    MODEL = "model"
    PACKAGE = "package"
    GROUP = "discount group"
    PROMO = "promo code"
    SUBSCRIPTION = "subscription"
    RENTAL_TARIFF = "rental tariff"
    RENTAL_PACKAGE = "rental package"
    RENTAL_ADDON = "rental add-on"
    RENTAL_MODEL = "rented model"
    STATION = "rental station"
    TAXI_CLASS = "taxi class"
    TAXI_VEHICLE = "taxi vehicle"
    DRIVER = "driver"
    ZONE = "zone"
    DEVICE = "device"
    VEHICLE = "vehicle"


class Action(StrEnum):
    """What happens to a thing.

    `RETIRED` things leave the offer and stay in the store, because rides refer to them. `WAITING` ones are left as they
    are because somebody rides them; applying the folder again later changes them. `LEFT` ones stay as they are because
    somebody decided otherwise since: a key that was rotated, a vehicle that staff took out of service.
    """

    CREATED = "created"
    CHANGED = "changed"
    RETIRED = "retired"
    RESTORED = "restored"
    WAITING = "waiting"
    LEFT = "left"


UNWRITTEN: Final = frozenset({Action.WAITING, Action.LEFT})


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """A field before and after, as plain values; secrets are never here."""

    field: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one thing. `note` says why it waits, or what else is to be known."""

    kind: Kind
    name: str
    action: Action
    fields: tuple[FieldChange, ...] = ()
    note: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that applying the folder would do, in order.

    Attributes:
        unchanged: how many things of each kind are as the folder says.
    """

    slug: str
    changes: tuple[Change, ...]
    unchanged: Mapping[Kind, int]

    @property
    def is_empty(self) -> bool:
        """Applying it would write nothing."""
        return all(change.action in UNWRITTEN for change in self.changes)

    def names(self, kind: Kind, *actions: Action) -> set[str]:
        """The things of this kind to which this happens."""
        return {change.name for change in self.changes if change.kind is kind and change.action in actions}

    def written(self, kind: Kind) -> set[str]:
        """The things of this kind that are written as the folder has them."""
        return self.names(kind, Action.CREATED, Action.CHANGED, Action.RESTORED)


def make_plan(current: Current, folder: Folder) -> Plan:
    """Compare.

    | in the folder | in the store      | held by a rider | what happens                      |
    |---------------|-------------------|-----------------|-----------------------------------|
    | yes           | no                | -               | created                           |
    | yes           | the same          | any             | unchanged                         |
    | yes           | different         | no              | changed                           |
    | yes           | different         | yes             | waiting                           |
    | yes           | retired by apply  | -               | restored                          |
    | no            | yes               | no              | retired                           |
    | no            | yes               | yes             | waiting                           |
    | no            | retired           | -               | nothing                           |
    | yes           | ended otherwise   | -               | left, and said                    |

    Only vehicles and their devices are held; what a waiting vehicle is made of (model, tariff, add-ons) is not retired
    before it. A station and a rented model that are no longer in the folder wait while bookings for them are ahead or
    under way, and the model's tariff with it; so does a vehicle that is to be retired, or to become one of another
    model. A class, a car and a driver wait while an open trip refers to them, a car also while somebody is online in it.
    A vehicle that staff took out of service stays out, a key that was rotated out stays ended. Keys and staff
    that the folder does not name are not looked at: they are made and ended by `isotope keys` and `isotope staff`.

    Raises:
        FolderRefused: what only the store can know: a key, an address or a unit of another operator, and the like.
    """
    faults = Faults()
    planner = _Planner(current, folder, faults)
    plan = planner.plan()
    faults.raise_any()
    return plan


def operator_fields(folder: Folder) -> dict[str, Any]:
    """The operator's own fields in the folder."""
    operator = folder.operator
    return {
        "name": operator.name,
        "currency": operator.currency,
        "time_zone": operator.time_zone,
        "languages": list(operator.languages),
        "settings": _plain(operator.settings),
    }


def tariff_fields(folder: Folder) -> dict[str, Fields]:
    return {ref: {"title": tariff.title, **_plain(tariff.spec())} for ref, tariff in folder.pricing.tariffs.items()}


def addon_fields(folder: Folder) -> dict[str, Fields]:
    return {ref: _plain(addon) for ref, addon in folder.models.addons.items()}


def model_fields(folder: Folder) -> dict[str, Fields]:
    return {
        ref: {
            "title": model.title,
            "vehicle_type": model.vehicle_type.value,
            "tariff": model.tariff,
            "addons": list(model.addons),
            **_plain(model.spec()),
        }
        for ref, model in folder.models.models.items()
    }


def plan_fields(folder: Folder) -> dict[str, Fields]:
    return {ref: {"title": plan.title, **_plain(plan.spec())} for ref, plan in folder.pricing.subscriptions.items()}


def package_fields(folder: Folder) -> dict[str, Fields]:
    return {ref: {"title": package.title, **_plain(package.spec())} for ref, package in folder.pricing.packages.items()}


def group_fields(folder: Folder) -> dict[str, Fields]:
    groups = folder.pricing.discount_groups
    return {ref: {"title": group.title, **_plain(group.spec())} for ref, group in groups.items()}


def promo_fields(folder: Folder) -> dict[str, Fields]:
    """A code that staff made is the folder's as soon as it stands there."""
    codes = folder.pricing.promo_codes
    return {code: {"title": promo.title, "from_folder": True, **_plain(promo.spec())} for code, promo in codes.items()}


def rental_model_fields(folder: Folder) -> dict[str, Fields]:
    """`priced_by` is the tariff that the look-up over model, type and default finds."""
    return {
        ref: {"priced_by": rental_tariff_ref(folder, ref), **_plain(model)}
        for ref, model in folder.rental.models.items()
    }


def rental_tariff_ref(folder: Folder, model_ref: str) -> str:
    """The tariff of a rented model; the folder was refused if it has none."""
    rental = folder.rental
    vehicle_type = folder.models.models[model_ref].vehicle_type
    found = tariff_of(rental.models[model_ref].tariff, vehicle_type, rental.types, rental.default_tariff)
    if found is None:
        raise AssertionError("a rented model has a tariff")
    return found


def station_fields(station: StationDraft) -> Fields:
    """A station's fields; its shape is one of them."""
    pin = [station.point.lon, station.point.lat]
    return {
        "title": station.title,
        "pin": pin,
        "shape": station.area if station.area is not None else [*pin, station.radius_m],
        **_plain(station.spec),
    }


def taxi_vehicle_fields(folder: Folder) -> dict[str, Fields]:
    """By plate. The order of its classes says nothing."""
    return {
        car.plate: {"title": car.title, "color": car.color, "seats": car.seats, "classes": sorted(set(car.class_refs))}
        for car in folder.taxi_vehicles
    }


def driver_fields(folder: Folder) -> dict[str, Fields]:
    """By number."""
    return {
        driver.number: {
            "name": driver.name,
            "email": driver.email,
            "language": driver.language or folder.operator.languages[0],
            "cash": driver.cash,
            "commission_pct": None if driver.commission_pct is None else round(driver.commission_pct, 2),
            "vehicles": sorted(set(driver.plates)),
        }
        for driver in folder.drivers
    }


def _titled(
    things: Mapping[str, RentalTariffFile | RentalPackageFile | RentalAddonFile | TaxiClassFile],
) -> dict[str, Fields]:
    return {ref: {"title": thing.title, **_plain(thing.spec())} for ref, thing in things.items()}


def zone_fields(zone: ZoneDraft) -> Fields:
    """A zone's fields; its shape is one of them."""
    return {
        "zone_type": zone.zone_type.value,
        "title": zone.title,
        "color": zone.color,
        "shape": zone.area if zone.point is None else [zone.point.lon, zone.point.lat, zone.radius_m],
        "vehicle_types": [vehicle_type.value for vehicle_type in zone.vehicle_types],
        **_plain(zone.spec),
    }


def _plain(value: Any) -> Any:
    """As the store gives it back: JSON has lists, not tuples."""
    return msgspec.json.decode(msgspec.json.encode(value))


class _Planner:
    def __init__(self, current: Current, folder: Folder, faults: Faults) -> None:
        self._current = current
        self._folder = folder
        self._faults = faults
        self._changes: list[Change] = []
        self._unchanged: dict[Kind, int] = dict.fromkeys(Kind, 0)

    def plan(self) -> Plan:
        current, folder = self._current, self._folder
        self._operator()
        self._keys()
        self._staff()
        waiting = self._waiting()
        kept = self._kept(waiting)
        self._things(Kind.TARIFF, current.tariffs, tariff_fields(folder), kept)
        self._things(Kind.ADDON, current.addons, addon_fields(folder), kept)
        self._things(Kind.MODEL, current.models, model_fields(folder), kept)
        self._things(Kind.SUBSCRIPTION, current.subscriptions, plan_fields(folder), kept)
        self._things(Kind.PACKAGE, current.packages, package_fields(folder), kept)
        self._things(Kind.GROUP, current.groups, group_fields(folder), kept)
        self._promo_codes(kept)
        self._rentals(kept)
        self._taxi()
        self._things(Kind.ZONE, current.zones, {zone.ref: zone_fields(zone) for zone in folder.zones}, kept)
        self._devices(waiting)
        self._vehicles(waiting)
        return Plan(slug=folder.operator.slug, changes=tuple(self._changes), unchanged=self._unchanged)

    def _add(self, kind: Kind, name: str, action: Action, fields: Iterable[FieldChange] = (), note: str = "") -> None:
        self._changes.append(Change(kind=kind, name=name, action=action, fields=tuple(fields), note=note))

    def _refuse(self, kind: str, name: str, reason: str, accepted: str = "") -> None:
        self._faults.add(self._folder.fault(kind, name, reason, accepted))

    def _operator(self) -> None:
        operator = self._current.operator
        slug = self._folder.operator.slug
        if operator is None:
            self._add(Kind.OPERATOR, slug, Action.CREATED)
            return
        before = {
            "name": operator.name,
            "currency": operator.currency,
            "time_zone": operator.time_zone,
            "languages": list(operator.languages),
            "settings": _plain(operator.settings),
        }
        fields = _differences(before, operator_fields(self._folder))
        if operator.currency != self._folder.operator.currency and self._current.has_money:
            self._refuse("operator", "currency", f"riders have money in {operator.currency}", operator.currency)
        if fields:
            self._add(Kind.OPERATOR, slug, Action.CHANGED, fields)
        else:
            self._unchanged[Kind.OPERATOR] += 1

    def _keys(self) -> None:
        operator = self._current.operator
        given = key_hashes(self._folder)
        for kind in KeyKind:
            has_one = kind in self._current.live_kinds
            if kind not in given:
                if not has_one:
                    self._add(Kind.KEY, kind, Action.CREATED, note="is made, and shown once")
                continue
            known = self._current.keys.get(given[kind])
            if known is None:
                hours = self._folder.operator.keys.old_valid_hours
                note = f"the one before works for {hours} more hours" if has_one else ""
                self._add(Kind.KEY, kind, Action.CHANGED if has_one else Action.CREATED, note=note)
            elif operator is None or known.operator_id != operator.id or known.kind is not kind:
                self._refuse("key", kind, "this key is in use already", "a key that nobody else has")
            elif known.expires_at is not None:
                self._add(
                    Kind.KEY, kind, Action.LEFT, note="was ended by a later one, which stays; drop it from the file"
                )
            else:
                self._unchanged[Kind.KEY] += 1

    def _staff(self) -> None:
        operator = self._current.operator
        for member in self._folder.operator.staff:
            known = self._current.staff.get(member.email)
            if known is None:
                if member.password is None:
                    self._refuse("staff", member.email, "a new account needs a password", "password or password_env")
                self._add(Kind.STAFF, member.email, Action.CREATED)
            elif operator is None or known.operator_id != operator.id:
                self._refuse("staff", member.email, "this address is staff of another operator", "another address")
            else:
                fields = _differences(
                    {"name": known.name, "role": known.role}, {"name": member.name, "role": member.role.value}
                )
                if fields:
                    self._add(Kind.STAFF, member.email, Action.CHANGED, fields)
                else:
                    self._unchanged[Kind.STAFF] += 1

    def _things(
        self,
        kind: Kind,
        stored: Mapping[str, StoredThing],
        wanted: Mapping[str, Fields],
        kept: Mapping[tuple[Kind, str], str],
    ) -> None:
        for ref, fields in wanted.items():
            known = stored.get(ref)
            if known is None:
                self._add(kind, ref, Action.CREATED)
            elif known.is_retired:
                self._add(kind, ref, Action.RESTORED, _differences(known.fields, fields))
            elif changes := _differences(known.fields, fields):
                self._add(kind, ref, Action.CHANGED, changes)
            else:
                self._unchanged[kind] += 1
        for ref, known in stored.items():
            if ref in wanted or known.is_retired:
                continue
            if known.bookings:
                self._add(kind, ref, Action.WAITING, note=f"is retired once its bookings are over: {known.bookings}")
            elif known.until:
                self._add(kind, ref, Action.WAITING, note=f"is retired once {known.until}")
            elif why := kept.get((kind, ref)):
                self._add(kind, ref, Action.WAITING, note=f"is retired once {why} no longer waits")
            else:
                self._add(kind, ref, Action.RETIRED)

    def _promo_codes(self, kept: Mapping[tuple[Kind, str], str]) -> None:
        stored, stopped = self._current.promo_codes, self._current.stopped_codes
        wanted = promo_fields(self._folder)
        for code in wanted:
            if code in stopped:
                self._add(Kind.PROMO, code, Action.LEFT, note="staff stopped it; drop it from the file")
        self._things(
            Kind.PROMO,
            {code: thing for code, thing in stored.items() if code not in stopped},
            {code: fields for code, fields in wanted.items() if code not in stopped},
            kept,
        )

    def _kept(self, waiting: Mapping[str, str]) -> dict[tuple[Kind, str], str]:
        """What may not be retired yet, and why: a waiting vehicle needs its model with tariff and add-ons.

        A model that has bookings needs its rental tariff.
        """
        kept: dict[tuple[Kind, str], str] = {}
        booked = (nr for nr, vehicle in self._current.vehicles.items() if vehicle.bookings)
        for nr in (*waiting, *booked):
            vehicle = self._current.vehicles.get(nr)
            if vehicle is None:
                continue
            kept.setdefault((Kind.MODEL, vehicle.model), f"vehicle {nr}")
            model = self._current.models[vehicle.model].fields
            kept.setdefault((Kind.TARIFF, model["tariff"]), f"vehicle {nr}")
            for addon in model["addons"]:
                kept.setdefault((Kind.ADDON, addon), f"vehicle {nr}")
        for ref, thing in self._current.rental_models.items():
            if thing.bookings:
                kept.setdefault((Kind.RENTAL_TARIFF, thing.fields["priced_by"]), f"model {ref}")
        return kept

    def _rentals(self, kept: Mapping[tuple[Kind, str], str]) -> None:
        current, folder = self._current, self._folder
        rental = folder.rental
        for kind, stored, wanted in (
            (Kind.RENTAL_TARIFF, current.rental_tariffs, _titled(rental.tariffs)),
            (Kind.RENTAL_PACKAGE, current.rental_packages, _titled(rental.packages)),
            (Kind.RENTAL_ADDON, current.rental_addons, _titled(rental.addons)),
            (Kind.RENTAL_MODEL, current.rental_models, rental_model_fields(folder)),
            (Kind.STATION, current.stations, {station.ref: station_fields(station) for station in folder.stations}),
        ):
            self._things(kind, stored, wanted, kept)

    def _taxi(self) -> None:
        current, folder = self._current, self._folder
        for kind, stored, wanted in (
            (Kind.TAXI_CLASS, current.taxi_classes, _titled(folder.taxi.classes)),
            (Kind.TAXI_VEHICLE, current.taxi_vehicles, taxi_vehicle_fields(folder)),
            (Kind.DRIVER, current.drivers, driver_fields(folder)),
        ):
            self._things(kind, stored, wanted, {})

    def _waiting(self) -> dict[str, str]:
        """Why a vehicle must wait, by number.

        A vehicle that somebody has waits, and so does every vehicle that is to get the unit of one that waits.
        """
        stored = self._current.vehicles
        sits_in = {vehicle.device_identity: nr for nr, vehicle in stored.items() if vehicle.device_identity is not None}
        reasons = {nr: f"held by {vehicle.held_by}" for nr, vehicle in stored.items() if vehicle.held_by is not None}
        wanted = {row.nr: row.device_identity for row in self._folder.vehicles if row.device_identity is not None}
        takes_from = {nr: sits_in[identity] for nr, identity in wanted.items() if sits_in.get(identity, nr) != nr}
        while newly := {nr for nr, giver in takes_from.items() if giver in reasons and nr not in reasons}:
            for nr in newly:
                reasons[nr] = f"its unit is in vehicle {takes_from[nr]}, which waits"
        return reasons

    def _devices(self, waiting: Mapping[str, str]) -> None:
        operator = self._current.operator
        sits_in = {
            vehicle.device_identity: nr
            for nr, vehicle in self._current.vehicles.items()
            if vehicle.device_identity is not None
        }
        for row in self._folder.vehicles:
            identity = row.device_identity
            if identity is None:
                continue
            known = self._current.devices.get(identity)
            if known is None:
                if row.device_secret is None:
                    self._refuse("device", identity, "a unit that is new needs a device_secret")
                self._add(Kind.DEVICE, identity, Action.CREATED)
            elif operator is None or known.operator_id != operator.id:
                self._refuse("device", identity, "this unit belongs to another operator", "another device_identity")
            elif row.device_secret is None or hash_secret(row.device_secret) == known.secret_hash:
                self._unchanged[Kind.DEVICE] += 1
            elif reason := waiting.get(sits_in.get(identity, row.nr)):
                self._add(Kind.DEVICE, identity, Action.WAITING, note=reason)
            else:
                self._add(Kind.DEVICE, identity, Action.CHANGED, note="another secret")

    def _vehicles(self, waiting: Mapping[str, str]) -> None:
        stored = self._current.vehicles
        numbers = set()
        for row in self._folder.vehicles:
            numbers.add(row.nr)
            self._vehicle(row, stored.get(row.nr), waiting.get(row.nr))
        for nr, vehicle in stored.items():
            if nr in numbers:
                continue
            if vehicle.held_by is not None:
                self._add(Kind.VEHICLE, nr, Action.WAITING, note=f"is retired once it is free: {waiting[nr]}")
            elif vehicle.bookings:
                note = f"is retired once its bookings are over: {vehicle.bookings}"
                self._add(Kind.VEHICLE, nr, Action.WAITING, note=note)
            elif vehicle.status != _OUT_OF_USE:
                self._add(Kind.VEHICLE, nr, Action.RETIRED)

    def _vehicle(self, row: VehicleRow, known: StoredVehicle | None, waits: str | None) -> None:
        if known is None:
            self._add_or_wait(row.nr, Action.CREATED, (), waits)
            return
        fields = _differences(
            {
                "model": known.model,
                "device_identity": known.device_identity,
                "manual_locker_code": known.manual_locker_code,
            },
            {
                "model": row.model,
                "device_identity": row.device_identity,
                "manual_locker_code": row.manual_locker_code,
            },
        )
        is_out = known.status == _OUT_OF_USE
        if waits is None and known.bookings and known.model != row.model:
            waits = f"another model once its bookings are over: {known.bookings}"
        if is_out and known.was_retired_here:
            self._add_or_wait(row.nr, Action.RESTORED, fields, waits)
        elif is_out and fields:
            self._add(Kind.VEHICLE, row.nr, Action.LEFT, fields, note="staff took it out of service")
        elif fields:
            self._add_or_wait(row.nr, Action.CHANGED, fields, waits)
        else:
            self._unchanged[Kind.VEHICLE] += 1

    def _add_or_wait(self, nr: str, action: Action, fields: Iterable[FieldChange], waits: str | None) -> None:
        if waits is None:
            self._add(Kind.VEHICLE, nr, action, fields)
        else:
            self._add(Kind.VEHICLE, nr, Action.WAITING, fields, note=waits)


def _differences(before: Fields, after: Fields) -> list[FieldChange]:
    """Fields that differ, nested mappings taken apart: `settings.rides.silent_after_s`."""
    return list(_walk("", before, after))


def _walk(path: str, before: Any, after: Any) -> Iterable[FieldChange]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in (*before, *(key for key in after if key not in before)):
            yield from _walk(f"{path}.{key}" if path else str(key), before.get(key), after.get(key))
        return
    yield FieldChange(field=path, before=before, after=after)
