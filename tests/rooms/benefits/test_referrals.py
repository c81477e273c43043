"""Referral codes: for new riders, once, and the reward comes once after a paid ride."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from isotope.domain.benefits import (
    forget_rider,
    read_referral_code,
    reward_referrer,
    ride_paid,
)
from isotope.domain.identity import DeleteRider, delete_rider
from isotope.domain.tenants import Operator
from isotope.domain.tenants.model import CodeSettings, ReferralSettings, Settings
from isotope.domain.wallet import check_ledger, get_standing
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RideId, RiderId
from tests.kit.codes import put_code, redeem, refused
from tests.kit.fleet import make_fleet
from tests.kit.riders import make_rider
from tests.kit.samples import make_running_ride
from tests.kit.tenants import OperatorKit, make_operator

ON = ReferralSettings(referee_minor=500, referrer_minor=300, most_per_rider=3)


async def city(rt: Runtime, referrals: ReferralSettings = ON) -> OperatorKit:
    codes = CodeSettings(tries_per_rider=100)
    return await make_operator(rt, settings=Settings(referrals=referrals, codes=codes))


async def code_of(rt: Runtime, operator: Operator, rider_id: RiderId) -> str:
    return (await read_referral_code(rt, operator, rider_id)).code


async def bonus_of(rt: Runtime, operator: Operator, rider_id: RiderId) -> int:
    async with rt.db.read() as tx:
        assert await check_ledger(tx, operator.id) == []
        return (await get_standing(tx, operator.id, rider_id, operator.currency)).bonus_minor


async def a_ride(rt: Runtime, kit: OperatorKit) -> RideId:
    return await make_running_ride(rt, kit, await make_rider(rt, kit.operator), await make_fleet(rt, kit.operator))


async def paid(rt: Runtime, operator: Operator, rider_id: RiderId, ride_id: RideId, total_minor: int = 250) -> None:
    async with rt.db.write() as tx:
        await ride_paid(tx, rt, operator, rider_id, ride_id, total_minor, rt.clock.now())


async def jobs_for(rt: Runtime, rider_id: RiderId) -> int:
    async with rt.db.read() as tx:
        waiting: int = await tx.scalar(
            "select count(*) from procrastinate_jobs where task_name = 'reward_referrer'"
            " and (args->>'referee_id')::bigint = %(id)s",
            {"id": rider_id},
        )
        return waiting


async def test_a_code_stays_the_riders_own(rt: Runtime) -> None:
    operator = (await city(rt)).operator
    rider, other = await make_rider(rt, operator), await make_rider(rt, operator)
    first = set(await asyncio.gather(*(code_of(rt, operator, rider.id) for _ in range(10))))
    assert len(first) == 1
    assert await code_of(rt, operator, other.id) not in first


async def test_the_new_rider_gets_bonus_at_once_and_the_other_after_a_paid_ride(rt: Runtime) -> None:
    kit = await city(rt)
    operator = kit.operator
    ada, ben = await make_rider(rt, operator), await make_rider(rt, operator)
    redeemed = await redeem(rt, operator, ben.id, (await code_of(rt, operator, ada.id)).lower())
    assert (redeemed.is_referral, redeemed.bonus_minor) == (True, 500)
    assert (await bonus_of(rt, operator, ada.id), await bonus_of(rt, operator, ben.id)) == (0, 500)

    # Without a paid ride nobody is rewarded, whoever runs the job.
    await reward_referrer(rt, operator, ben.id)
    first, second = await a_ride(rt, kit), await a_ride(rt, kit)
    await paid(rt, operator, ben.id, first, total_minor=0)
    assert (await jobs_for(rt, ben.id), await bonus_of(rt, operator, ada.id)) == (0, 0)

    await paid(rt, operator, ben.id, first)
    await paid(rt, operator, ben.id, second)
    assert await jobs_for(rt, ben.id) == 1
    await asyncio.gather(*(reward_referrer(rt, operator, ben.id) for _ in range(8)))
    assert (await bonus_of(rt, operator, ada.id), await bonus_of(rt, operator, ben.id)) == (300, 500)
    shown = await read_referral_code(rt, operator, ada.id)
    assert (shown.referees, shown.rewarded) == (1, 1)


async def test_what_was_promised_is_given(rt: Runtime) -> None:
    kit = await city(rt)
    ada, ben = await make_rider(rt, kit.operator), await make_rider(rt, kit.operator)
    await redeem(rt, kit.operator, ben.id, await code_of(rt, kit.operator, ada.id))
    now_off = replace(kit.operator, settings=Settings())
    await paid(rt, now_off, ben.id, await a_ride(rt, kit))
    await reward_referrer(rt, now_off, ben.id)
    assert await bonus_of(rt, kit.operator, ada.id) == 300


async def test_where_only_the_new_rider_gets_something_there_is_no_reward(rt: Runtime) -> None:
    kit = await city(rt, ReferralSettings(referee_minor=500))
    ada, ben = await make_rider(rt, kit.operator), await make_rider(rt, kit.operator)
    await redeem(rt, kit.operator, ben.id, await code_of(rt, kit.operator, ada.id))
    await paid(rt, kit.operator, ben.id, await a_ride(rt, kit))
    assert await jobs_for(rt, ben.id) == 0
    assert await bonus_of(rt, kit.operator, ada.id) == 0


async def test_who_cannot_redeem_a_referral_code_is_told_no_more_than_of_any_code(rt: Runtime) -> None:
    kit = await city(rt)
    operator = kit.operator
    ada, ben, eve = [await make_rider(rt, operator) for _ in range(3)]
    code, other = await code_of(rt, operator, ada.id), await code_of(rt, operator, eve.id)
    unknown = await refused(rt, operator, ada.id, "NOSUCH")
    assert unknown is not None
    own = await refused(rt, operator, ada.id, code)
    await redeem(rt, operator, ben.id, code)
    second = await refused(rt, operator, ben.id, other)
    rode = await make_rider(rt, operator)
    await make_running_ride(rt, kit, rode, await make_fleet(rt, operator))
    late = await refused(rt, operator, rode.id, code)
    off = await refused(rt, replace(operator, settings=Settings()), eve.id, code)
    for no in (own, second, late, off):
        assert no is not None
        assert (no.kind, no.code, no.params, no.details) == (
            unknown.kind,
            unknown.code,
            unknown.params,
            unknown.details,
        )
    with pytest.raises(Refusal, match="referrals_off"):
        await read_referral_code(rt, replace(operator, settings=Settings()), ada.id)


async def test_a_ride_that_never_began_makes_nobody_an_old_rider(rt: Runtime) -> None:
    kit = await city(rt)
    ada, ben = await make_rider(rt, kit.operator), await make_rider(rt, kit.operator)
    ride_id = await make_running_ride(rt, kit, ben, await make_fleet(rt, kit.operator))
    async with rt.db.write() as tx:
        await tx.execute(
            "update ride set status = 'FAILED', ended_at = %(now)s where operator_id = %(operator_id)s and id = %(id)s",
            {"now": rt.clock.now() + timedelta(seconds=9), "operator_id": kit.operator.id, "id": ride_id},
        )
    assert await refused(rt, kit.operator, ben.id, await code_of(rt, kit.operator, ada.id)) is None


async def test_one_rider_brings_so_many_however_many_come_at_once(rt: Runtime) -> None:
    operator = (await city(rt)).operator
    ada = await make_rider(rt, operator)
    code = await code_of(rt, operator, ada.id)
    friends = [await make_rider(rt, operator) for _ in range(20)]
    noes = await asyncio.gather(*(refused(rt, operator, friend.id, code) for friend in friends))
    assert sum(no is None for no in noes) == 3
    assert (await read_referral_code(rt, operator, ada.id)).referees == 3
    assert sorted([await bonus_of(rt, operator, friend.id) for friend in friends])[-4:] == [0, 500, 500, 500]


async def test_a_new_rider_comes_by_one_code_however_often_they_try_at_once(rt: Runtime) -> None:
    operator = (await city(rt)).operator
    ben = await make_rider(rt, operator)
    codes = [await code_of(rt, operator, (await make_rider(rt, operator)).id) for _ in range(10)]
    noes = await asyncio.gather(*(refused(rt, operator, ben.id, code) for code in codes))
    assert sum(no is None for no in noes) == 1
    assert await bonus_of(rt, operator, ben.id) == 500


async def test_an_erased_rider_brings_nobody_and_is_given_nothing(rt: Runtime) -> None:
    kit = await city(rt)
    operator = kit.operator
    ada, ben, eve = [await make_rider(rt, operator) for _ in range(3)]
    code = await code_of(rt, operator, ada.id)
    await redeem(rt, operator, ben.id, code)
    await refused(rt, operator, ada.id, "WRONG", address="192.0.2.7")
    await delete_rider(rt, (), DeleteRider(operator=operator, rider_id=ada.id, hard=True, actor=SECRET_KEY))
    # Before the job ran, and after it: no longer.
    assert await refused(rt, operator, eve.id, code) is not None
    for _ in range(2):
        await forget_rider(rt, operator.id, ada.id)
    assert await refused(rt, operator, eve.id, code) is not None
    await paid(rt, operator, ben.id, await a_ride(rt, kit))
    await reward_referrer(rt, operator, ben.id)
    assert await bonus_of(rt, operator, ada.id) == 0
    async with rt.db.read() as tx:
        for table in ("referral_code", "code_try"):
            found = await tx.scalar(
                f"select count(*) from {table} where operator_id = %(operator_id)s and rider_id = %(id)s",
                {"operator_id": operator.id, "id": ada.id},
            )
            assert found == 0, table


async def test_a_promo_code_goes_before_a_referral_code_of_the_same_text(rt: Runtime) -> None:
    operator = (await city(rt)).operator
    ada, ben = await make_rider(rt, operator), await make_rider(rt, operator)
    code = await code_of(rt, operator, ada.id)
    await put_code(rt, operator, code)
    assert not (await redeem(rt, operator, ben.id, code)).is_referral
