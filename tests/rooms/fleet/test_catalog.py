import msgspec
import pytest

from isotope.domain.fleet import (
    AddonDraft,
    ModelDraft,
    ModelSpec,
    TariffDraft,
    UnknownRefError,
    VehicleDraft,
    VehicleStatus,
    get_vehicle,
    hold_vehicle,
    list_addons,
    list_models,
    list_status_changes,
    list_tariffs,
    lock_vehicle,
    retire_models,
    retire_tariffs,
    retire_vehicles,
    upsert_addon,
    upsert_model,
    upsert_tariff,
    upsert_vehicle,
    upsert_vehicles,
)
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from isotope.kernel.ids import DeviceId, OperatorId
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import HELMET, HOME, TARIFF, make_fleet, tell_state
from tests.kit.tenants import make_operator

MODEL = ModelDraft(ref="m", title="M", vehicle_type=VehicleType.BIKE, tariff_ref="t", addon_refs=("b", "a"))


async def offer(tx: Tx, operator_id: OperatorId, model: ModelDraft = MODEL) -> tuple[int, int, int]:
    tariff_id = await upsert_tariff(tx, operator_id, TariffDraft(ref="t", title="T", tariff=TARIFF))
    for ref in ("a", "b"):
        addon_id = await upsert_addon(tx, operator_id, AddonDraft(ref=ref, title=ref, price=HELMET))
    return tariff_id, addon_id, await upsert_model(tx, operator_id, model)


async def test_applying_again_keeps_ids_and_tells_nobody(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    told: list[str] = []
    for channel in ("catalog_changed", "vehicle_changed"):
        rt.hub.subscribe(channel, told.append)
    rt.hub.listen("test_catalog_end")
    await rt.hub.start()
    draft = VehicleDraft(nr="1", model_ref="m", place=HOME)
    async with rt.db.write() as tx:
        first = await offer(tx, operator.id)
        vehicle_id = await upsert_vehicle(tx, operator.id, draft, SYSTEM, rt.clock.now())
    async with rt.hub.expect("test_catalog_end", str(operator.id)) as wait:
        async with rt.db.write() as tx:
            await tx.notify("test_catalog_end", str(operator.id))
        assert await wait(10)
    assert str(operator.id) in told
    assert f"{operator.id}:{vehicle_id}" in told
    told.clear()
    async with rt.hub.expect("test_catalog_end", f"{operator.id} again") as wait:
        async with rt.db.write() as tx:
            assert await offer(tx, operator.id) == first
            assert await upsert_vehicle(tx, operator.id, draft, SYSTEM, rt.clock.now()) == vehicle_id
            await tx.notify("test_catalog_end", f"{operator.id} again")
        assert await wait(10)
    assert not [payload for payload in told if payload.startswith(str(operator.id))]


async def test_changes_are_written_under_the_same_id(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    async with rt.db.write() as tx:
        before = await offer(tx, operator.id)
        changed = msgspec.structs.replace(MODEL, title="New", spec=ModelSpec(range_km=70), addon_refs=("a",))
        assert await offer(tx, operator.id, changed) == before
        (model,) = await list_models(tx, operator.id)
        addons = {addon.ref: addon.id for addon in await list_addons(tx, operator.id)}
    assert (model.title, model.spec.range_km, model.addon_ids) == ("New", 70, (addons["a"],))


async def test_unknown_refs_are_named(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    other = (await make_operator(rt)).operator
    async with rt.db.write() as tx:
        await offer(tx, other.id)
        with pytest.raises(UnknownRefError) as no_tariff:
            await upsert_model(tx, operator.id, MODEL)
        await upsert_tariff(tx, operator.id, TariffDraft(ref="t", title="T", tariff=TARIFF))
        with pytest.raises(UnknownRefError) as no_addon:
            await upsert_model(tx, operator.id, MODEL)
        with pytest.raises(UnknownRefError) as no_model:
            await upsert_vehicle(tx, operator.id, VehicleDraft(nr="1", model_ref="m"), SYSTEM, rt.clock.now())
    assert (no_tariff.value.table, no_tariff.value.refs) == ("tariff", ("t",))
    assert (no_addon.value.table, no_addon.value.refs) == ("addon", ("b", "a"))
    assert (no_model.value.table, no_model.value.refs) == ("vehicle_model", ("m",))


async def test_what_is_retired_is_kept_and_comes_back_under_its_id(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    draft = VehicleDraft(nr="1", model_ref="m", place=HOME)
    async with rt.db.write() as tx:
        first = await offer(tx, operator.id)
        vehicle_id = await upsert_vehicle(tx, operator.id, draft, SYSTEM, rt.clock.now())
        with pytest.raises(Refusal, match="model_has_vehicles"):
            await retire_models(tx, operator.id, ["m"], rt.clock.now())
        assert await retire_vehicles(tx, operator.id, ["1", "unknown"], SYSTEM, rt.clock.now()) == 1
        assert await retire_vehicles(tx, operator.id, ["1"], SYSTEM, rt.clock.now()) == 0
        assert await retire_models(tx, operator.id, ["m"], rt.clock.now()) == 1
        assert await retire_tariffs(tx, operator.id, ["t"], rt.clock.now()) == 1
        assert await list_models(tx, operator.id) == []
        assert await list_tariffs(tx, operator.id) == []
        gone = await get_vehicle(tx, operator.id, vehicle_id=vehicle_id)
        assert gone.vehicle.status is VehicleStatus.DEPRECATED
        assert await offer(tx, operator.id) == first
        assert await upsert_vehicle(tx, operator.id, draft, SYSTEM, rt.clock.now()) == vehicle_id
        back = await get_vehicle(tx, operator.id, vehicle_id=vehicle_id)
        assert back.vehicle.status is VehicleStatus.READY
        log = await list_status_changes(tx, operator.id, vehicle_id)
    assert [line.to_status for line in log] == ["READY", "DEPRECATED"]


async def test_a_vehicle_on_a_journey_is_not_retired_nor_any_other_with_it(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, 2)
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, operator.id, vehicle_id=fleet.vehicle_ids[1])
        await hold_vehicle(
            tx, found.vehicle, holder="ride:1", status=VehicleStatus.IN_USE, actor=SYSTEM, now=rt.clock.now()
        )
        with pytest.raises(Refusal, match="vehicle_held"):
            await retire_vehicles(tx, operator.id, fleet.nrs, SYSTEM, rt.clock.now())
        left = await get_vehicle(tx, operator.id, vehicle_id=fleet.vehicle_ids[0])
    assert left.vehicle.status is VehicleStatus.READY


async def test_vehicles_can_swap_their_devices_and_a_retired_one_frees_its(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, 2)
    async with rt.db.write() as tx:
        (model,) = await list_models(tx, operator.id)
        swapped = [
            VehicleDraft(nr=nr, model_ref=model.ref, device_id=device_id)
            for nr, device_id in zip(fleet.nrs, reversed(fleet.device_ids), strict=True)
        ]
        await upsert_vehicles(tx, operator.id, swapped, SYSTEM, rt.clock.now())

        async def device_of(nr: str) -> DeviceId | None:
            return (await get_vehicle(tx, operator.id, nr=nr)).vehicle.device_id

        assert [await device_of(nr) for nr in fleet.nrs] == list(reversed(fleet.device_ids))
        await retire_vehicles(tx, operator.id, fleet.nrs[:1], SYSTEM, rt.clock.now())
        assert await device_of(fleet.nrs[0]) is None


async def test_a_place_moves_only_what_was_never_heard_of(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, 2, is_heard=False)
    await tell_state(rt, operator.id, fleet.device_ids[0])
    there = Point(61.0, 25.0)
    async with rt.db.write() as tx:
        (model,) = await list_models(tx, operator.id)
        drafts = [
            VehicleDraft(nr=nr, model_ref=model.ref, device_id=device_id, place=there)
            for nr, device_id in zip(fleet.nrs, fleet.device_ids, strict=True)
        ]
        await upsert_vehicles(tx, operator.id, drafts, SYSTEM, rt.clock.now())
        states = [(await get_vehicle(tx, operator.id, nr=nr)).state for nr in fleet.nrs]
    assert [state and state.point for state in states] == [HOME, there]


async def test_a_vehicle_keeps_its_status_when_its_description_is_applied(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, operator.id, vehicle_id=fleet.vehicle_id)
        await hold_vehicle(
            tx, found.vehicle, holder="ride:1", status=VehicleStatus.IN_USE, actor=SYSTEM, now=rt.clock.now()
        )
        draft = VehicleDraft(
            nr=fleet.nrs[0], model_ref=found.model.ref, device_id=fleet.device_id, manual_locker_code="7"
        )
        await upsert_vehicle(tx, operator.id, draft, SYSTEM, rt.clock.now())
        after = await get_vehicle(tx, operator.id, vehicle_id=fleet.vehicle_id)
    assert (after.vehicle.status, after.vehicle.held_by, after.vehicle.manual_locker_code) == ("IN_USE", "ride:1", "7")
