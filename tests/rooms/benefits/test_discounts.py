"""Discount groups, and discounted rides of promo codes: claimed by one ride, given back, never below zero."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from isotope.domain.benefits import (
    GroupDraft,
    GroupSpec,
    Membership,
    SetDiscountGroup,
    benefits_at_start,
    claim_for_ride,
    give_back,
    read_benefits,
    retire_groups,
    set_discount_group,
    upsert_group,
)
from isotope.domain.benefits.store import lock_rider
from isotope.domain.fleet import VehicleModel, list_models
from isotope.domain.pricing.model import Discount
from isotope.domain.tenants import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RideId, RiderId
from tests.kit.clock import SettableClock
from tests.kit.codes import DISCOUNT, put_code, redeem
from tests.kit.fleet import make_fleet
from tests.kit.riders import make_rider
from tests.kit.samples import make_running_ride
from tests.kit.tenants import OperatorKit, make_operator


async def model_of(rt: Runtime, operator: Operator) -> VehicleModel:
    fleet = await make_fleet(rt, operator)
    async with rt.db.read() as tx:
        return next(model for model in await list_models(tx, operator.id) if model.id == fleet.model_id)


async def put_group(rt: Runtime, operator: Operator, ref: str, pct: int = 15, models: Sequence[str] = ()) -> None:
    async with rt.db.write() as tx:
        spec = GroupSpec(pct=pct, models=tuple(models))
        await upsert_group(tx, operator.id, GroupDraft(ref=ref, title=ref.title(), spec=spec))


async def set_group(
    rt: Runtime, operator: Operator, rider_id: RiderId, ref: str | None, days: int | None = None
) -> Membership | None:
    until = None if days is None else rt.clock.now() + timedelta(days=days)
    command = SetDiscountGroup(operator=operator, rider_id=rider_id, group_ref=ref, valid_until=until, actor=SECRET_KEY)
    return await set_discount_group(rt, command)


async def discounts(rt: Runtime, operator: Operator, rider_id: RiderId, model: VehicleModel) -> tuple[Discount, ...]:
    async with rt.db.read() as tx:
        return (await benefits_at_start(tx, operator, rider_id, model, None, rt.clock.now())).discounts


async def test_a_group_takes_off_rides_on_its_models_while_it_counts(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    rider, mine, other = (
        await make_rider(rt, operator),
        await model_of(rt, operator),
        await model_of(rt, operator),
    )
    await put_group(rt, operator, "student", models=(mine.ref,))
    put = await set_group(rt, operator, rider.id, "student", days=30)
    assert put is not None
    expected = (Discount(kind="group", id=put.group_id, title="Student", pct=15),)
    assert await discounts(rt, operator, rider.id, mine) == expected
    assert await discounts(rt, operator, rider.id, other) == ()
    assert (await read_benefits(rt, operator, rider.id)).group == put
    clock.advance(days=30)
    assert await discounts(rt, operator, rider.id, mine) == ()
    assert (await read_benefits(rt, operator, rider.id)).group is None


async def test_a_group_that_is_retired_takes_nothing_off_until_it_comes_back(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    rider, model = await make_rider(rt, operator), await model_of(rt, operator)
    await put_group(rt, operator, "student")
    await set_group(rt, operator, rider.id, "student")
    async with rt.db.write() as tx:
        await retire_groups(tx, operator.id, ["student"], rt.clock.now())
    assert await discounts(rt, operator, rider.id, model) == ()
    with pytest.raises(Refusal, match="discount_group_not_found"):
        await set_group(rt, operator, rider.id, "student")
    await put_group(rt, operator, "student", pct=40)
    assert [discount.pct for discount in await discounts(rt, operator, rider.id, model)] == [40]


async def test_a_rider_is_in_one_group_and_the_store_keeps_who_changed_it(rt: Runtime) -> None:
    operator, stranger = (await make_operator(rt)).operator, (await make_operator(rt)).operator
    rider = await make_rider(rt, operator)
    await put_group(rt, operator, "student")
    await put_group(rt, operator, "staff", pct=50)
    await put_group(rt, stranger, "theirs")
    first = await set_group(rt, operator, rider.id, "student")
    assert await set_group(rt, operator, rider.id, "student") == first
    await asyncio.gather(*(set_group(rt, operator, rider.id, ref) for ref in ("staff", "student", "staff") * 3))
    await set_group(rt, operator, rider.id, None)
    assert await set_group(rt, operator, rider.id, None) is None
    with pytest.raises(Refusal) as refused:
        await set_group(rt, operator, rider.id, "theirs")
    assert refused.value.details == {"groups": ["staff", "student"]}
    with pytest.raises(Refusal, match="user_not_found"):
        await set_group(rt, stranger, rider.id, "theirs")
    async with rt.db.read() as tx:
        log = await tx.tuples(
            "select set_by, ended_by from rider_discount_group where operator_id = %(id)s order by id",
            {"id": operator.id},
        )
    assert set(log) == {("secret_key", "secret_key")}
    assert len(log) >= 2


async def new_ride(rt: Runtime, kit: OperatorKit, rider_id: RiderId, model: VehicleModel) -> tuple[RideId, int]:
    """A ride that claims what the rider has, as a start does; its id and the discounts that it got."""
    rider = await make_rider(rt, kit.operator)
    ride_id = await make_running_ride(rt, kit, rider, await make_fleet(rt, kit.operator))
    async with rt.db.write() as tx:
        await lock_rider(tx, kit.operator.id, rider_id)
        found = await benefits_at_start(tx, kit.operator, rider_id, model, None, rt.clock.now())
        await claim_for_ride(tx, kit.operator.id, rider_id, ride_id, found.discounts, rt.clock.now())
    return ride_id, len(found.discounts)


async def test_rides_at_once_share_what_is_left(rt: Runtime) -> None:
    kit = await make_operator(rt)
    rider, model = await make_rider(rt, kit.operator), await model_of(rt, kit.operator)
    await put_code(rt, kit.operator, "THREE", msgspec.structs.replace(DISCOUNT, rides=3))
    await redeem(rt, kit.operator, rider.id, "THREE")
    rides = await asyncio.gather(*(new_ride(rt, kit, rider.id, model) for _ in range(8)))
    assert sum(got for _ride, got in rides) == 3
    assert (await read_benefits(rt, kit.operator, rider.id)).discounts == ()


async def test_what_a_ride_did_not_use_is_given_back_once(rt: Runtime) -> None:
    kit = await make_operator(rt)
    rider, model = await make_rider(rt, kit.operator), await model_of(rt, kit.operator)
    await put_code(rt, kit.operator, "TWICE")
    await put_code(rt, kit.operator, "RIDES", DISCOUNT)
    await redeem(rt, kit.operator, rider.id, "RIDES")
    ride_id, _ = await new_ride(rt, kit, rider.id, model)
    plain, _ = await new_ride(rt, kit, (await make_rider(rt, kit.operator)).id, model)

    async def left() -> list[int]:
        return [discount.rides_left for discount in (await read_benefits(rt, kit.operator, rider.id)).discounts]

    async def back(ride: RideId) -> None:
        async with rt.db.write() as tx:
            await give_back(tx, kit.operator.id, ride)

    assert await left() == [1]
    await asyncio.gather(*(back(ride_id) for _ in range(5)), back(plain))
    assert await left() == [2]


async def test_the_best_code_is_used_first_then_the_one_that_ends_first(rt: Runtime, clock: SettableClock) -> None:
    kit = await make_operator(rt)
    rider, model = await make_rider(rt, kit.operator), await model_of(rt, kit.operator)
    for code, pct, days in (("LOW1", 10, 1), ("LATE", 30, 9), ("SOON", 30, 5), ("EVER", 30, None)):
        await put_code(rt, kit.operator, code, msgspec.structs.replace(DISCOUNT, pct=pct, rides=1, days=days))
        await redeem(rt, kit.operator, rider.id, code)

    async def next_title() -> str:
        [discount] = await discounts(rt, kit.operator, rider.id, model)
        shown = (await read_benefits(rt, kit.operator, rider.id)).discounts
        assert shown[0].id == discount.id
        return discount.title

    assert await next_title() == "Soon"
    await new_ride(rt, kit, rider.id, model)
    assert await next_title() == "Late"
    clock.advance(days=9)
    assert await next_title() == "Ever"
    await new_ride(rt, kit, rider.id, model)
    assert await discounts(rt, kit.operator, rider.id, model) == ()


async def test_nothing_is_claimed_for_another_rider(rt: Runtime) -> None:
    kit = await make_operator(rt)
    rider, thief = await make_rider(rt, kit.operator), await make_rider(rt, kit.operator)
    model = await model_of(rt, kit.operator)
    await put_code(rt, kit.operator, "RIDES", DISCOUNT)
    await redeem(rt, kit.operator, rider.id, "RIDES")
    theirs = await discounts(rt, kit.operator, rider.id, model)
    ride_id = await make_running_ride(rt, kit, thief, await make_fleet(rt, kit.operator))
    with pytest.raises(LookupError):
        async with rt.db.write() as tx:
            await claim_for_ride(tx, kit.operator.id, thief.id, ride_id, theirs, rt.clock.now())
