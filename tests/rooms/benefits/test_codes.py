"""Redeeming promo codes on the real store: once, up to their limits, with one answer for every wrong one."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from psycopg import AsyncCursor

from isotope.domain.benefits import (
    Manager,
    PromoDraft,
    forget_code_tries,
    list_promo_codes,
    make_promo_code,
    read_benefits,
    stop_promo_code,
)
from isotope.domain.identity import RiderStatus
from isotope.domain.tenants import Operator
from isotope.domain.tenants.model import CodeSettings, PaymentSettings, Role, Settings
from isotope.domain.wallet import check_ledger, find_entries, get_standing
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId
from tests.kit.clock import SettableClock
from tests.kit.codes import BONUS, DISCOUNT, put_code, redeem, refused
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import make_operator


async def people(rt: Runtime, settings: Settings | None = None) -> tuple[Operator, RiderKit]:
    operator = (await make_operator(rt, settings=settings)).operator
    return operator, await make_rider(rt, operator)


async def bonus_of(rt: Runtime, operator: Operator, rider_id: RiderId) -> int:
    async with rt.db.read() as tx:
        return (await get_standing(tx, operator.id, rider_id, operator.currency)).bonus_minor


async def test_a_bonus_is_there_at_once_and_stands_in_the_ledger(rt: Runtime) -> None:
    operator, rider = await people(rt)
    await put_code(rt, operator, "WELCOME")
    redeemed = await redeem(rt, operator, rider.id, "wel-come")
    assert (redeemed.bonus_minor, redeemed.discount, redeemed.title) == (500, None, "Welcome")
    assert await bonus_of(rt, operator, rider.id) == 500
    async with rt.db.read() as tx:
        [(cause,)] = await tx.tuples(
            "select cause from ledger_transaction where operator_id = %(id)s and reason = 'promo'", {"id": operator.id}
        )
        assert len(await find_entries(tx, operator.id, cause, "promo")) == 2
        assert await check_ledger(tx, operator.id) == []


async def test_a_bonus_ends_when_the_code_says_or_else_as_all_bonus(rt: Runtime) -> None:
    operator, rider = await people(rt, Settings(payments=PaymentSettings(bonus_days=90)))
    await put_code(rt, operator, "QUICK", msgspec.structs.replace(BONUS, days=7))
    await put_code(rt, operator, "USUAL")
    for code in ("QUICK", "USUAL"):
        await redeem(rt, operator, rider.id, code)
    async with rt.db.read() as tx:
        ends = await tx.tuples(
            "select expires_at from bonus_lot where operator_id = %(id)s order by id", {"id": operator.id}
        )
    now = rt.clock.now()
    assert [end for (end,) in ends] == [now + timedelta(days=7), now + timedelta(days=90)]


async def test_a_discount_is_for_so_many_rides(rt: Runtime) -> None:
    operator, rider = await people(rt)
    await put_code(rt, operator, "RIDES", msgspec.structs.replace(DISCOUNT, days=10))
    redeemed = await redeem(rt, operator, rider.id, "RIDES")
    assert redeemed.discount is not None
    assert (await read_benefits(rt, operator, rider.id)).discounts == (redeemed.discount,)
    assert (redeemed.discount.pct, redeemed.discount.rides_left) == (20, 2)
    assert redeemed.discount.expires_at == rt.clock.now() + timedelta(days=10)


async def test_every_wrong_code_is_answered_alike(rt: Runtime) -> None:
    operator, rider = await people(rt)
    stranger = (await make_operator(rt)).operator
    now = rt.clock.now()
    await put_code(rt, operator, "ONCE")
    await put_code(rt, operator, "ENDED", msgspec.structs.replace(BONUS, valid_until=now))
    await put_code(rt, operator, "LATER", msgspec.structs.replace(BONUS, valid_from=now + timedelta(days=1)))
    await put_code(rt, operator, "USEDUP", msgspec.structs.replace(BONUS, most=1))
    await put_code(rt, operator, "STOPPED")
    await put_code(rt, stranger, "THEIRS")
    await redeem(rt, operator, (await make_rider(rt, operator)).id, "USEDUP")
    await stop_promo_code(rt, manager(operator), "STOPPED")
    await redeem(rt, operator, rider.id, "ONCE")
    answers = set()
    for code in ("NOSUCH", "nonsense code!", "ONCE", "ENDED", "LATER", "USEDUP", "STOPPED", "THEIRS"):
        no = await refused(rt, operator, rider.id, code)
        assert no is not None, code
        answers.add((no.kind, no.code, str(no.params), str(no.details), no.retry_after_s))
    assert len(answers) == 1
    assert await bonus_of(rt, operator, rider.id) == 500


async def test_the_same_statements_are_run_for_every_wrong_code(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    operator, rider = await people(rt)
    await put_code(rt, operator, "USEDUP", msgspec.structs.replace(BONUS, most=1))
    await redeem(rt, operator, (await make_rider(rt, operator)).id, "USEDUP")
    ran: list[str] = []
    execute: Any = AsyncCursor.execute

    async def noted(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        ran.append(str(query))
        return await execute(self, query, *args, **more)

    monkeypatch.setattr(AsyncCursor, "execute", noted)
    traces = []
    for code in ("NOSUCH", "USEDUP", "?"):
        ran.clear()
        await refused(rt, operator, rider.id, code)
        traces.append(list(ran))
    assert traces[0] == traces[1] == traces[2]
    assert traces[0]


async def test_fifty_riders_at_once_get_ten_redemptions(rt: Runtime) -> None:
    operator, _ = await people(rt)
    await put_code(rt, operator, "FIRST10", msgspec.structs.replace(BONUS, most=10))
    riders = [await make_rider(rt, operator) for _ in range(50)]
    noes = await asyncio.gather(*(refused(rt, operator, rider.id, "FIRST10") for rider in riders))
    assert [no.code for no in noes if no is not None] == ["code_not_valid"] * 40
    given = [await bonus_of(rt, operator, rider.id) for rider in riders]
    assert sorted(given) == [0] * 40 + [500] * 10
    async with rt.db.read() as tx:
        assert await tx.tuples(
            "select redeemed, remaining from promo_code where operator_id = %(id)s", {"id": operator.id}
        ) == [(10, 0)]
        assert await check_ledger(tx, operator.id) == []


async def test_one_rider_redeems_once_however_many_try_at_once(rt: Runtime) -> None:
    operator, rider = await people(rt, Settings(codes=CodeSettings(tries_per_rider=100)))
    await put_code(rt, operator, "ONCE")
    noes = await asyncio.gather(*(refused(rt, operator, rider.id, "ONCE") for _ in range(20)))
    assert sorted("" if no is None else no.code for no in noes) == ["", *["code_not_valid"] * 19]
    assert await bonus_of(rt, operator, rider.id) == 500


async def test_after_too_many_wrong_codes_a_rider_waits(rt: Runtime, clock: SettableClock) -> None:
    operator, rider = await people(rt, Settings(codes=CodeSettings(tries_per_rider=3, window_s=600)))
    await put_code(rt, operator, "RIGHT")
    for _ in range(3):
        no = await refused(rt, operator, rider.id, "WRONG")
        assert no is not None
        assert no.code == "code_not_valid"
        clock.advance(seconds=10)
    # The right one neither: or it could be found out which one it is.
    no = await refused(rt, operator, rider.id, "RIGHT")
    assert no is not None
    assert (no.code, no.retry_after_s) == ("too_many_code_tries", 570)
    clock.advance(seconds=570)
    assert await refused(rt, operator, rider.id, "RIGHT") is None


async def test_an_address_tries_codes_with_many_riders_in_vain(rt: Runtime) -> None:
    operator, _ = await people(rt, Settings(codes=CodeSettings(tries_per_address=4)))
    riders = [await make_rider(rt, operator) for _ in range(12)]
    # Any address of the customer's IPv6 network is the same customer.
    noes = await asyncio.gather(
        *(refused(rt, operator, rider.id, "WRONG", address=f"2001:db8::{nr:x}") for nr, rider in enumerate(riders))
    )
    assert sorted(no.code for no in noes if no is not None) == ["code_not_valid"] * 4 + ["too_many_code_tries"] * 8
    no = await refused(rt, operator, riders[0].id, "WRONG", address="192.0.2.1")
    assert no is not None
    assert no.code == "code_not_valid"


async def test_wrong_codes_are_forgotten_after_a_day(rt: Runtime, clock: SettableClock) -> None:
    operator, rider = await people(rt)
    await refused(rt, operator, rider.id, "WRONG")
    await forget_code_tries(rt)
    counted = "select count(*) from code_try where operator_id = %(id)s"
    async with rt.db.read() as tx:
        assert await tx.scalar(counted, {"id": operator.id}) == 1
    clock.advance(days=1, seconds=1)
    await forget_code_tries(rt)
    async with rt.db.read() as tx:
        assert await tx.scalar(counted, {"id": operator.id}) == 0


async def test_a_blocked_rider_redeems_nothing(rt: Runtime) -> None:
    operator, rider = await people(rt)
    await put_code(rt, operator, "WELCOME")
    async with rt.db.write() as tx:
        await tx.execute(
            "update rider set status = %(status)s where operator_id = %(operator_id)s and id = %(id)s",
            {"status": RiderStatus.BLOCKED, "operator_id": operator.id, "id": rider.id},
        )
    no = await refused(rt, operator, rider.id, "WELCOME")
    assert no is not None
    assert no.code == "rider_blocked"


def manager(operator: Operator, role: Role = Role.MANAGER) -> Manager:
    return Manager(operator=operator, role=role, actor=Actor("staff:1"))


async def test_staff_make_and_stop_codes(rt: Runtime) -> None:
    operator, rider = await people(rt)
    by = manager(operator)
    draft = PromoDraft(code="STAFF1", title="By staff", spec=BONUS)
    made = await make_promo_code(rt, by, draft)
    assert (made.made_by, made.from_folder, made.remaining) == ("staff:1", False, None)
    await redeem(rt, operator, rider.id, "STAFF1")
    stopped = await stop_promo_code(rt, by, "staff-1")
    assert (stopped.redeemed, stopped.retired_by) == (1, "staff:1")
    assert await stop_promo_code(rt, by, "STAFF1") == stopped
    assert await bonus_of(rt, operator, rider.id) == 500
    with pytest.raises(Refusal, match="promo_code_taken"):
        await make_promo_code(rt, by, draft)
    with pytest.raises(Refusal, match="promo_code_not_found"):
        await stop_promo_code(rt, by, "NOSUCH")
    assert [code.code for code in await list_promo_codes(rt, by, None, 10)] == ["STAFF1"]
    for role in (Role.SUPPORT, Role.OPERATOR, Role.READ_ONLY):
        with pytest.raises(Refusal, match="role_not_allowed"):
            await make_promo_code(rt, manager(operator, role), draft)


async def test_a_code_with_a_lower_limit_keeps_what_was_redeemed(rt: Runtime) -> None:
    operator, rider = await people(rt)
    await put_code(rt, operator, "MANY")
    for _ in range(3):
        await redeem(rt, operator, (await make_rider(rt, operator)).id, "MANY")
    await put_code(rt, operator, "MANY", msgspec.structs.replace(BONUS, most=2))
    assert await refused(rt, operator, rider.id, "MANY") is not None
    await put_code(rt, operator, "MANY", msgspec.structs.replace(BONUS, most=4))
    assert await refused(rt, operator, rider.id, "MANY") is None
    assert await refused(rt, operator, (await make_rider(rt, operator)).id, "MANY") is not None
    await put_code(rt, operator, "MANY")
    assert await refused(rt, operator, (await make_rider(rt, operator)).id, "MANY") is None
