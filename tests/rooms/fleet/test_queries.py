import pytest

from isotope.domain.fleet import (
    get_model_offer,
    get_vehicle_offer,
    list_addons,
    list_models,
    list_tariffs,
    list_vehicles,
    lock_vehicle,
    offers_of,
    retire_addons,
    retire_models,
    retire_tariffs,
    retire_vehicles,
)
from isotope.domain.pricing import AddonKind, AddonPrice
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from tests.kit.fleet import HELMET, SPEC, TARIFF, make_fleet
from tests.kit.tenants import make_operator

CHILD_SEAT = AddonPrice(kind=AddonKind.PER_MINUTE, price_minor=2, title="Child seat")


async def test_offers_have_the_tariff_and_the_addons_in_the_models_order(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, addons={"seat": CHILD_SEAT, "helmet": HELMET})
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, operator.id, vehicle_id=fleet.vehicle_id)
        offers = await offers_of(tx, operator.id, found.model)
        by_vehicle = await get_vehicle_offer(tx, operator.id, nr=fleet.nrs[0])
        by_model = await get_model_offer(tx, operator.id, fleet.model_id)
        listed = await list_vehicles(tx, operator.id, list(fleet.vehicle_ids))
    assert offers.tariff == TARIFF
    assert [(addon.id, addon.price) for addon in offers.addons] == list(
        zip(fleet.addon_ids, (CHILD_SEAT, HELMET), strict=True)
    )
    assert by_vehicle.offers == by_model.offers == offers
    assert by_vehicle.vehicle == found.vehicle
    assert by_vehicle.state == found.state
    assert by_vehicle.model.spec == SPEC
    assert by_model.vehicle is None
    assert listed == [by_vehicle]


async def test_retired_addons_are_no_longer_offered(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, addons={"seat": CHILD_SEAT, "helmet": HELMET})
    async with rt.db.write() as tx:
        refs = [addon.ref for addon in await list_addons(tx, operator.id)]
        await retire_addons(tx, operator.id, [ref for ref in refs if ref.startswith("seat")], rt.clock.now())
        offer = await get_vehicle_offer(tx, operator.id, vehicle_id=fleet.vehicle_id)
        left = await list_addons(tx, operator.id)
    assert [addon.title for addon in offer.offers.addons] == ["Helmet"]
    assert [addon.title for addon in left] == ["Helmet"]


async def test_a_retired_tariff_is_known_as_long_as_a_model_has_it(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    async with rt.db.write() as tx:
        (tariff,) = await list_tariffs(tx, operator.id)
        await retire_tariffs(tx, operator.id, [tariff.ref], rt.clock.now())
        assert await list_tariffs(tx, operator.id) == [tariff]
        (model,) = await list_models(tx, operator.id)
        await retire_vehicles(tx, operator.id, fleet.nrs, SYSTEM, rt.clock.now())
        await retire_models(tx, operator.id, [model.ref], rt.clock.now())
        assert await list_tariffs(tx, operator.id) == []


async def test_nothing_of_another_operator_is_read(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    other = (await make_operator(rt)).operator
    async with rt.db.read() as tx:
        assert await list_models(tx, other.id) == []
        assert await list_addons(tx, other.id) == []
        assert await list_tariffs(tx, other.id) == []
        assert await list_vehicles(tx, other.id, list(fleet.vehicle_ids)) == []
        with pytest.raises(Refusal, match="vehicle_not_found"):
            await get_vehicle_offer(tx, other.id, vehicle_id=fleet.vehicle_id)
        with pytest.raises(Refusal, match="model_not_found"):
            await get_model_offer(tx, other.id, fleet.model_id)
