"""Make the store match a folder: read it, plan, and do all of it in one transaction or nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from isotope.domain.benefits import (
    GroupDraft,
    PackageDraft,
    PromoDraft,
    retire_groups,
    retire_packages,
    retire_promos,
    upsert_group,
    upsert_package,
    upsert_promo,
)
from isotope.domain.devices import upsert_devices
from isotope.domain.devices.model import DeviceSpec
from isotope.domain.drivers import (
    DriverDraft,
    TaxiVehicleDraft,
    insert_drivers,
    retire_drivers,
    retire_taxi_vehicles,
    save_drivers,
    upsert_taxi_vehicles,
)
from isotope.domain.fleet import (
    retire_addons,
    retire_models,
    retire_tariffs,
    retire_vehicles,
    upsert_addon,
    upsert_model,
    upsert_tariff,
    upsert_vehicles,
)
from isotope.domain.fleet.model import AddonDraft, ModelDraft, TariffDraft, VehicleDraft
from isotope.domain.identity import Phone
from isotope.domain.rental import (
    locate_all,
    retire_rental_addons,
    retire_rental_models,
    retire_rental_packages,
    retire_rental_tariffs,
    retire_stations,
    upsert_rental_addon,
    upsert_rental_model,
    upsert_rental_package,
    upsert_rental_tariff,
    upsert_station,
)
from isotope.domain.rental.model import RentalAddonDraft, RentalModelDraft, RentalPackageDraft, RentalTariffDraft
from isotope.domain.subscriptions import PlanDraft, retire_plans, upsert_plan
from isotope.domain.taxi import TaxiClassDraft, retire_classes, upsert_class
from isotope.domain.tenants import (
    end_other_keys,
    hash_password,
    insert_operator,
    insert_staff,
    put_key,
    save_operator,
    save_staff,
)
from isotope.domain.tenants.model import KeyKind, Operator, Staff
from isotope.domain.zones import replace_zones
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import new_token
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, StaffId
from isotope.provisioning.current import PROTOCOL, Current
from isotope.provisioning.folder import Folder, read_folder
from isotope.provisioning.plan import Action, Kind, Plan, driver_fields, make_plan, rental_tariff_ref
from isotope.provisioning.queries import device_ids, lock_operator, lock_vehicles, read_current
from isotope.provisioning.taxi_queries import lock_taxi

T = TypeVar("T")

ACTOR: Final = Actor("apply")
BATCH: Final = 2_000
"""Vehicles a statement: each stays far below the statement time-out."""

OnProgress = Callable[[int, int], None]
"""Told vehicles done and vehicles in all."""


class PlanOutdatedError(Exception):
    """The store changed between the plan that was shown and its application; nothing was applied."""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What was done. The keys are those that were made now, each told here once and stored as a hash only."""

    operator_id: OperatorId
    plan: Plan
    made_keys: Mapping[KeyKind, str] = {}


async def plan_folder(rt: Runtime, folder: Folder) -> Plan:
    """What applying the folder would do now. Writes nothing.

    Raises:
        FolderRefused: a fault that only the store can know.
    """
    async with rt.db.read() as tx:
        return make_plan(await read_current(tx, folder, rt.clock.now()), folder)


async def apply_folder(
    rt: Runtime,
    path: Path | Folder,
    *,
    expected: Plan | None = None,
    on_progress: OnProgress = lambda _done, _all: None,
) -> Applied:
    """Read the folder (unless it is one already) and make the store match it. Applying it again changes nothing.

    Args:
        rt: the process's plumbing.
        path: the folder, or what was read of it.
        expected: the plan that somebody agreed to; if it is no longer what would happen, nothing happens.
        on_progress: told after every batch of vehicles.

    Raises:
        FolderRefused: the folder is wrong; nothing was applied.
        PlanOutdatedError: see `expected`; nothing was applied.
        Refusal: `store_busy`: the operator is being applied elsewhere; `store_unavailable`.
    """
    folder = path if isinstance(path, Folder) else read_folder(path)
    first = await plan_folder(rt, folder)
    # A hash takes a tenth of a second: not while rows are locked.
    passwords = {
        member.email: await hash_password(member.password)
        for member in folder.operator.staff
        if member.password is not None and member.email in first.names(Kind.STAFF, Action.CREATED)
    }
    now = rt.clock.now()
    async with rt.db.write() as tx:
        await lock_operator(tx, folder.operator.slug)
        current, plan = await _locked_plan(tx, folder, now)
        if expected is not None and plan != expected:
            raise PlanOutdatedError("the store changed meanwhile: nothing was applied, look at the plan again")
        return await _Applier(tx, folder, plan, now, on_progress).apply(current, passwords)


async def _locked_plan(tx: Tx, folder: Folder, now: datetime) -> tuple[Current, Plan]:
    """The plan with every vehicle that it touches locked, so that none of them is taken before the commit.

    What is to be retired of classes, cars and drivers is locked as well: no trip comes to refer to it meanwhile.
    """
    current = await read_current(tx, folder, now)
    if current.operator is None:
        return current, make_plan(current, folder)
    plan = make_plan(current, folder)
    touched = _touched(plan, current)
    classes, cars, drivers = (
        plan.names(kind, Action.RETIRED) for kind in (Kind.TAXI_CLASS, Kind.TAXI_VEHICLE, Kind.DRIVER)
    )
    if not (touched or classes or cars or drivers):
        return current, plan
    await lock_vehicles(tx, current.operator.id, touched)
    await lock_taxi(tx, current.operator.id, classes, cars, drivers)
    current = await read_current(tx, folder, now)
    return current, make_plan(current, folder)


def _touched(plan: Plan, current: Current) -> set[str]:
    """Numbers of the vehicles that are written, and of those whose units are."""
    devices = plan.written(Kind.DEVICE)
    carriers = {nr for nr, vehicle in current.vehicles.items() if vehicle.device_identity in devices}
    return plan.written(Kind.VEHICLE) | plan.names(Kind.VEHICLE, Action.RETIRED) | carriers


class _Applier:
    """The writing, in the order in which one thing needs another. Runs inside one transaction."""

    def __init__(self, tx: Tx, folder: Folder, plan: Plan, now: datetime, on_progress: OnProgress) -> None:
        self._tx = tx
        self._folder = folder
        self._plan = plan
        self._now = now
        self._on_progress = on_progress

    async def apply(self, current: Current, passwords: Mapping[str, str]) -> Applied:
        operator = await self._operator(current.operator)
        made_keys = await self._keys(operator.id)
        await self._staff(operator.id, current, passwords)
        await self._catalog(operator.id)
        await self._devices(operator.id)
        await self._vehicles(operator.id)
        await self._rentals(operator.id)
        await self._taxi(operator.id)
        await self._retire(operator.id)
        if any(change.kind is Kind.ZONE for change in self._plan.changes):
            await replace_zones(self._tx, operator.id, self._folder.zones, self._now)
        if self._folder.stations:
            tolerance_m = self._folder.operator.settings.rentals.zone_tolerance_m
            await locate_all(self._tx, operator.id, self._now, tolerance_m=tolerance_m)
        return Applied(operator_id=operator.id, plan=self._plan, made_keys=made_keys)

    async def _operator(self, stored: Operator | None) -> Operator:
        wanted = self._folder.operator
        if stored is None:
            return await insert_operator(
                self._tx,
                slug=wanted.slug,
                name=wanted.name,
                currency=wanted.currency,
                time_zone=wanted.time_zone,
                languages=wanted.languages,
                settings=wanted.settings,
                now=self._now,
            )
        if self._plan.written(Kind.OPERATOR):
            changed = msgspec.structs.replace(
                stored,
                name=wanted.name,
                currency=wanted.currency,
                time_zone=wanted.time_zone,
                languages=wanted.languages,
                settings=wanted.settings,
            )
            await save_operator(self._tx, changed)
        return stored

    async def _keys(self, operator_id: OperatorId) -> dict[KeyKind, str]:
        given = {KeyKind.PUBLIC: self._folder.operator.keys.public, KeyKind.SECRET: self._folder.operator.keys.secret}
        ends_at = self._now + timedelta(hours=self._folder.operator.keys.old_valid_hours)
        made: dict[KeyKind, str] = {}
        for name in sorted(self._plan.written(Kind.KEY)):
            kind = KeyKind(name)
            key = given[kind]
            if key is None:
                key = made[kind] = new_token()
            await put_key(self._tx, operator_id, kind, key, self._now)
            await end_other_keys(self._tx, operator_id, kind, key, ends_at)
        return made

    async def _staff(self, operator_id: OperatorId, current: Current, passwords: Mapping[str, str]) -> None:
        created = self._plan.names(Kind.STAFF, Action.CREATED)
        changed = self._plan.names(Kind.STAFF, Action.CHANGED)
        for member in self._folder.operator.staff:
            if member.email in created:
                await insert_staff(
                    self._tx,
                    operator_id=operator_id,
                    email=member.email,
                    name=member.name,
                    role=member.role,
                    password_hash=passwords[member.email],
                    now=self._now,
                )
            elif member.email in changed:
                staff_id = StaffId(current.staff[member.email].id)
                await save_staff(
                    self._tx,
                    Staff(operator_id=operator_id, id=staff_id, email=member.email, name=member.name, role=member.role),
                )

    async def _catalog(self, operator_id: OperatorId) -> None:
        tariffs, models = self._folder.pricing.tariffs, self._folder.models
        for ref in sorted(self._plan.written(Kind.TARIFF)):
            tariff = TariffDraft(ref=ref, title=tariffs[ref].title, tariff=tariffs[ref].spec())
            await upsert_tariff(self._tx, operator_id, tariff)
        plans = self._folder.pricing.subscriptions
        for ref in sorted(self._plan.written(Kind.SUBSCRIPTION)):
            await upsert_plan(self._tx, operator_id, PlanDraft(ref=ref, title=plans[ref].title, spec=plans[ref].spec()))
        await self._benefits(operator_id)
        for ref in sorted(self._plan.written(Kind.ADDON)):
            addon = AddonDraft(ref=ref, title=models.addons[ref].title, price=models.addons[ref])
            await upsert_addon(self._tx, operator_id, addon)
        for ref in sorted(self._plan.written(Kind.MODEL)):
            model = models.models[ref]
            await upsert_model(
                self._tx,
                operator_id,
                ModelDraft(
                    ref=ref,
                    title=model.title,
                    vehicle_type=model.vehicle_type,
                    tariff_ref=model.tariff,
                    addon_refs=model.addons,
                    spec=model.spec(),
                ),
            )

    async def _benefits(self, operator_id: OperatorId) -> None:
        pricing = self._folder.pricing
        for ref in sorted(self._plan.written(Kind.PACKAGE)):
            package = pricing.packages[ref]
            await upsert_package(self._tx, operator_id, PackageDraft(ref=ref, title=package.title, spec=package.spec()))
        for ref in sorted(self._plan.written(Kind.GROUP)):
            group = pricing.discount_groups[ref]
            await upsert_group(self._tx, operator_id, GroupDraft(ref=ref, title=group.title, spec=group.spec()))
        for code in sorted(self._plan.written(Kind.PROMO)):
            promo = pricing.promo_codes[code]
            draft = PromoDraft(code=code, title=promo.title, spec=promo.spec())
            await upsert_promo(self._tx, operator_id, draft, ACTOR, self._now)

    async def _rentals(self, operator_id: OperatorId) -> None:
        rental = self._folder.rental
        for ref in sorted(self._plan.written(Kind.RENTAL_TARIFF)):
            tariff = rental.tariffs[ref]
            draft = RentalTariffDraft(ref=ref, title=tariff.title, spec=tariff.spec())
            await upsert_rental_tariff(self._tx, operator_id, draft)
        for ref in sorted(self._plan.written(Kind.RENTAL_PACKAGE)):
            package = rental.packages[ref]
            offer = RentalPackageDraft(ref=ref, title=package.title, spec=package.spec())
            await upsert_rental_package(self._tx, operator_id, offer)
        for ref in sorted(self._plan.written(Kind.RENTAL_ADDON)):
            addon = rental.addons[ref]
            extra = RentalAddonDraft(ref=ref, title=addon.title, spec=addon.spec())
            await upsert_rental_addon(self._tx, operator_id, extra)
        for ref in sorted(self._plan.written(Kind.RENTAL_MODEL)):
            model = RentalModelDraft(
                model_ref=ref, tariff_ref=rental_tariff_ref(self._folder, ref), spec=rental.models[ref]
            )
            await upsert_rental_model(self._tx, operator_id, model)
        written = self._plan.written(Kind.STATION)
        for station in self._folder.stations:
            if station.ref in written:
                await upsert_station(self._tx, operator_id, station)

    async def _taxi(self, operator_id: OperatorId) -> None:
        for ref in sorted(self._plan.written(Kind.TAXI_CLASS)):
            kind = self._folder.taxi.classes[ref]
            await upsert_class(self._tx, operator_id, TaxiClassDraft(ref=ref, title=kind.title, spec=kind.spec()))
        plates = self._plan.written(Kind.TAXI_VEHICLE)
        cars = [
            TaxiVehicleDraft(
                plate=car.plate,
                title=car.title,
                color=car.color,
                seats=car.seats,
                class_refs=sorted(set(car.class_refs)),
            )
            for car in self._folder.taxi_vehicles
            if car.plate in plates
        ]
        for batch in _batches(cars):
            await upsert_taxi_vehicles(self._tx, operator_id, batch)
        new = self._plan.names(Kind.DRIVER, Action.CREATED)
        written = self._plan.written(Kind.DRIVER)
        fields = driver_fields(self._folder)
        drafts = {
            row.number: DriverDraft(
                phone=Phone(prefix=row.phone_prefix, number=row.phone),
                name=row.name,
                email=row.email,
                language=fields[row.number]["language"],
                cash_allowed=row.cash,
                commission_pct=fields[row.number]["commission_pct"],
                plates=fields[row.number]["vehicles"],
            )
            for row in self._folder.drivers
            if row.number in written
        }
        for some in _batches([draft for number, draft in drafts.items() if number in new]):
            await insert_drivers(self._tx, operator_id, some, self._now)
        for some in _batches([draft for number, draft in drafts.items() if number not in new]):
            await save_drivers(self._tx, operator_id, some)

    async def _devices(self, operator_id: OperatorId) -> None:
        written = self._plan.written(Kind.DEVICE)
        specs = [
            DeviceSpec(protocol=PROTOCOL, identity=row.device_identity, secret=row.device_secret)
            for row in self._folder.vehicles
            if row.device_identity in written and row.device_identity is not None and row.device_secret is not None
        ]
        for batch in _batches(specs):
            await upsert_devices(self._tx, operator_id, batch, self._now)

    async def _vehicles(self, operator_id: OperatorId) -> None:
        # Units that other vehicles are to get are taken out of retired ones first.
        retired = self._plan.names(Kind.VEHICLE, Action.RETIRED)
        if retired:
            await retire_vehicles(self._tx, operator_id, sorted(retired), ACTOR, self._now)
        written = self._plan.written(Kind.VEHICLE)
        rows = [row for row in self._folder.vehicles if row.nr in written]
        identities = [row.device_identity for row in rows if row.device_identity is not None]
        ids = await device_ids(self._tx, operator_id, identities)
        done = 0
        for batch in _batches(rows):
            drafts = [
                VehicleDraft(
                    nr=row.nr,
                    model_ref=row.model,
                    device_id=None if row.device_identity is None else ids[row.device_identity],
                    manual_locker_code=row.manual_locker_code,
                    place=Point(row.lat, row.lon),
                )
                for row in batch
            ]
            await upsert_vehicles(self._tx, operator_id, drafts, ACTOR, self._now)
            done += len(batch)
            self._on_progress(done, len(rows))

    async def _retire(self, operator_id: OperatorId) -> None:
        for kind, retire in (
            (Kind.DRIVER, retire_drivers),
            (Kind.TAXI_VEHICLE, retire_taxi_vehicles),
            (Kind.TAXI_CLASS, retire_classes),
            (Kind.STATION, retire_stations),
            (Kind.RENTAL_MODEL, retire_rental_models),
            (Kind.RENTAL_PACKAGE, retire_rental_packages),
            (Kind.RENTAL_ADDON, retire_rental_addons),
            (Kind.RENTAL_TARIFF, retire_rental_tariffs),
            (Kind.MODEL, retire_models),
            (Kind.ADDON, retire_addons),
            (Kind.TARIFF, retire_tariffs),
            (Kind.PACKAGE, retire_packages),
            (Kind.GROUP, retire_groups),
            (Kind.SUBSCRIPTION, retire_plans),
        ):
            refs = self._plan.names(kind, Action.RETIRED)
            if refs:
                await retire(self._tx, operator_id, sorted(refs), self._now)
        codes = self._plan.names(Kind.PROMO, Action.RETIRED)
        if codes:
            await retire_promos(self._tx, operator_id, sorted(codes), ACTOR, self._now)


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
