from typing import Any

import msgspec
import pytest

from isotope.domain.tenants import UpdateOperator, update_operator
from isotope.domain.zones import (
    InvalidZonesError,
    Zones,
    ZoneSpec,
    ZoneType,
    load_index,
    replace_zones,
)
from isotope.domain.zones.model import ZoneDraft
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId
from isotope.kernel.time_windows import TimeWindow, Weekday
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME, make_zones, square, zone_draft
from tests.kit.tenants import make_operator
from tests.kit.zones import stored

FULL = zone_draft(
    ZoneType.PAID_PARKING_ZONE,
    ref="full",
    vehicle_types=(VehicleType.BIKE, VehicleType.CAR),
    spec=ZoneSpec(
        windows=(TimeWindow(weekdays=(Weekday.MON,), start="08:00", end="17:00"),),
        priority=3,
        fee_minor=250,
        models=("m",),
    ),
)
CIRCLE = zone_draft(ZoneType.NO_GO_ZONE, ref="circle", point=HOME, radius_m=75.5)


async def refs(rt: Runtime, operator_id: OperatorId) -> dict[str, int]:
    async with rt.db.read() as tx:
        return {zone.ref: zone.id for zone in (await load_index(tx, operator_id)).zones}


async def test_zones_come_back_as_they_were_given(rt: Runtime) -> None:
    operator = (await make_operator(rt, time_zone="Asia/Tokyo")).operator
    done = await make_zones(rt, operator, FULL, CIRCLE)
    assert (done.added, done.changed, done.retired, done.version) == (2, 0, 0, 1)
    async with rt.db.read() as tx:
        index = await load_index(tx, operator.id)
    assert (index.version, index.changed_at, str(index.time_zone)) == (1, rt.clock.now(), "Asia/Tokyo")
    for zone, draft in zip(index.zones, (FULL, CIRCLE), strict=True):
        assert zone == msgspec.structs.replace(stored(draft, zone.id), operator_id=operator.id)


async def test_ids_are_stable_and_what_is_missing_is_retired(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    await make_zones(rt, operator, FULL, CIRCLE)
    before = await refs(rt, operator.id)
    other = zone_draft(ZoneType.PARKING_ZONE, ref="other")
    bigger = msgspec.structs.replace(CIRCLE, radius_m=80.0)
    done = await make_zones(rt, operator, bigger, other)
    assert (done.added, done.changed, done.retired, done.version) == (1, 1, 1, 2)
    after = await refs(rt, operator.id)
    assert after.keys() == {"circle", "other"}
    assert after["circle"] == before["circle"]
    done = await make_zones(rt, operator, FULL, bigger, other)
    assert (done.added, done.changed, done.retired, done.version) == (0, 1, 0, 3)
    assert (await refs(rt, operator.id))["full"] == before["full"]


async def test_the_same_again_changes_nothing(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    first = await make_zones(rt, operator, FULL, CIRCLE)
    clock.advance(hours=1)
    again = await make_zones(rt, operator, CIRCLE, FULL)
    assert (again.added, again.changed, again.retired) == (0, 0, 0)
    assert (again.version, again.changed_at) == (first.version, first.changed_at)


async def test_every_fault_of_every_zone_is_told_and_nothing_is_written(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    await make_zones(rt, operator, FULL)
    crossed: dict[str, Any] = {
        "type": "Polygon",
        "coordinates": [[[24.0, 60.0], [25.0, 61.0], [25.0, 60.0], [24.0, 61.0], [24.0, 60.0]]],
    }
    drafts: list[ZoneDraft] = [
        zone_draft(ZoneType.PARKING_ZONE, ref="a", area=crossed, color="red"),
        zone_draft(ZoneType.PARKING_ZONE, ref="b"),
        zone_draft(ZoneType.PARKING_ZONE, ref="b"),
    ]
    async with rt.db.write() as tx:
        with pytest.raises(InvalidZonesError) as refused:
            await replace_zones(tx, operator.id, drafts, rt.clock.now())
    assert {ref: len(faults) for ref, faults in refused.value.faults.items()} == {"a": 2, "b": 1}
    assert (await refs(rt, operator.id)).keys() == {"full"}


async def test_zones_of_another_operator_are_never_seen_nor_touched(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    other = (await make_operator(rt)).operator
    for one in (operator, other):
        await make_zones(rt, one, FULL)
    assert (await refs(rt, operator.id))["full"] != (await refs(rt, other.id))["full"]
    await make_zones(rt, other)
    assert await refs(rt, other.id) == {}
    assert (await refs(rt, operator.id)).keys() == {"full"}


async def test_every_process_has_the_new_version_when_it_was_told(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    zones = Zones(rt)
    rt.hub.listen("zones_changed")
    rt.hub.listen("operator_changed")
    await rt.hub.start()
    empty = await zones.index(operator.id)
    assert (empty.version, empty.zones, empty.changed_at) == (0, (), None)
    assert await zones.index(operator.id) is empty
    async with rt.hub.expect("zones_changed", str(operator.id)) as wait:
        await make_zones(rt, operator, FULL)
        assert await wait(10)
    index = await zones.index(operator.id)
    assert index.version == 1
    assert await zones.index(operator.id) is index
    async with rt.hub.expect("operator_changed", str(operator.id)) as wait:
        await update_operator(rt, UpdateOperator(operator=msgspec.structs.replace(operator, time_zone="Asia/Tokyo")))
        assert await wait(10)
    assert str((await zones.index(operator.id)).time_zone) == "Asia/Tokyo"


async def test_an_index_is_read_anew_after_a_while(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    zones = Zones(rt)  # the hub is not started: nobody tells
    before = await zones.index(operator.id)
    await make_zones(rt, operator, FULL)
    assert await zones.index(operator.id) is before
    clock.advance(minutes=5)
    assert (await zones.index(operator.id)).version == 1


def test_squares_of_the_kit_are_closed() -> None:
    ring = square(HOME, 100)["coordinates"][0]
    assert ring[0] == ring[-1]
