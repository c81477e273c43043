"""Packages: offered by model and time, taken at the start."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from isotope.domain.benefits import (
    PackageDraft,
    PackageId,
    Packages,
    PackageSpec,
    benefits_at_start,
    list_packages,
    retire_packages,
    upsert_package,
)
from isotope.domain.fleet import VehicleModel, list_models
from isotope.domain.pricing.model import AgreedPackage, Quota
from isotope.domain.tenants import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from isotope.kernel.time_windows import TimeWindow, Weekday
from tests.kit.fleet import make_fleet
from tests.kit.riders import make_rider
from tests.kit.tenants import make_operator

HOUR = PackageSpec(price_minor=500, quota=Quota(unlocks=1, ride_min=60, pause_min=10, km=15))
# 21:30 of a Friday in Helsinki, and a minute after the window has closed.
FRIDAY_EVENING = datetime(2026, 6, 5, 18, 30, tzinfo=UTC)
SATURDAY = datetime(2026, 6, 6, 3, 0, tzinfo=UTC)
NIGHT = TimeWindow(weekdays=(Weekday.FRI,), start="21:00", end="06:00")


async def put(rt: Runtime, operator: Operator, ref: str, spec: PackageSpec, title: str = "One hour") -> PackageId:
    async with rt.db.write() as tx:
        return await upsert_package(tx, operator.id, PackageDraft(ref=ref, title=title, spec=spec))


async def model_of(rt: Runtime, operator: Operator) -> VehicleModel:
    fleet = await make_fleet(rt, operator)
    async with rt.db.read() as tx:
        return next(model for model in await list_models(tx, operator.id) if model.id == fleet.model_id)


async def offered(rt: Runtime, operator: Operator, model: VehicleModel | None, now: datetime) -> Sequence[str]:
    async with rt.db.read() as tx:
        return [offer.ref for offer in await list_packages(tx, operator.id, model, now, operator.time_zone)]


async def test_a_package_is_offered_for_its_models_while_its_window_is_open(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    mine, other = await model_of(rt, operator), await model_of(rt, operator)
    await put(rt, operator, "hour", HOUR)
    await put(rt, operator, "night", msgspec.structs.replace(HOUR, price_minor=300, windows=(NIGHT,)))
    await put(rt, operator, "mine", msgspec.structs.replace(HOUR, price_minor=900, models=(mine.ref,)))

    assert await offered(rt, operator, mine, FRIDAY_EVENING) == ["night", "hour", "mine"]
    assert await offered(rt, operator, mine, SATURDAY) == ["hour", "mine"]
    assert await offered(rt, operator, other, FRIDAY_EVENING) == ["night", "hour"]
    assert await offered(rt, operator, None, FRIDAY_EVENING) == ["night", "hour", "mine"]


async def test_the_package_is_taken_as_it_is_at_the_start(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    model, rider = await model_of(rt, operator), await make_rider(rt, operator)
    night = await put(rt, operator, "night", msgspec.structs.replace(HOUR, windows=(NIGHT,)))
    async with rt.db.read() as tx:
        found = await benefits_at_start(tx, operator, rider.id, model, night, FRIDAY_EVENING)
    assert found.package == AgreedPackage(id=night, title="One hour", price_minor=500, quota=HOUR.quota)
    assert found.discounts == ()


async def test_what_is_not_offered_is_refused_with_what_is(rt: Runtime) -> None:
    operator, stranger = (await make_operator(rt)).operator, (await make_operator(rt)).operator
    model, rider = await model_of(rt, operator), await make_rider(rt, operator)
    night = await put(rt, operator, "night", msgspec.structs.replace(HOUR, windows=(NIGHT,)))
    hour = await put(rt, operator, "hour", HOUR)
    gone = await put(rt, operator, "gone", HOUR)
    theirs = await put(rt, stranger, "hour", HOUR)
    async with rt.db.write() as tx:
        assert await retire_packages(tx, operator.id, ["gone"], SATURDAY) == 1
    for package_id in (night, gone, theirs, 2**62):
        async with rt.db.read() as tx:
            with pytest.raises(Refusal) as refused:
                await benefits_at_start(tx, operator, rider.id, model, package_id, SATURDAY)
        assert refused.value.code == "package_not_available"
        assert refused.value.details == {"available_package_ids": [hour]}


async def test_a_package_comes_back_under_its_old_id(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    first = await put(rt, operator, "hour", HOUR)
    async with rt.db.write() as tx:
        await retire_packages(tx, operator.id, ["hour"], SATURDAY)
    assert await offered(rt, operator, None, SATURDAY) == []
    assert await put(rt, operator, "hour", HOUR, title="An hour") == first
    async with rt.db.read() as tx:
        assert [offer.title for offer in await list_packages(tx, operator.id, None, SATURDAY, "UTC")] == ["An hour"]


def test_a_package_includes_something() -> None:
    with pytest.raises(msgspec.ValidationError, match="includes something"):
        msgspec.convert({"price_minor": 5, "quota": {}}, PackageSpec)


async def test_maps_learn_of_a_package_when_it_is_written(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    model = await model_of(rt, operator)
    packages = Packages(rt)
    await rt.hub.start()
    assert await packages.models_with_packages(operator, {model.id: model}, FRIDAY_EVENING) == []
    async with rt.hub.expect("packages_changed", str(operator.id)) as wait:
        await put(rt, operator, "night", msgspec.structs.replace(HOUR, windows=(NIGHT,)))
        assert await wait(5)
    assert await packages.models_with_packages(operator, {model.id: model}, FRIDAY_EVENING) == [model.id]
    assert await packages.models_with_packages(operator, {model.id: model}, SATURDAY) == []
