"""Deletion: by the rider with days to change their mind, by the operator at once."""

import asyncio
from dataclasses import dataclass

import pytest

from isotope.domain.identity import (
    DeleteRider,
    Deletion,
    Flow,
    LogInRider,
    Phone,
    RefreshToken,
    RegisterRider,
    RiderStatus,
    delete_rider,
    erase_due_riders,
    find_rider_by_token,
    forget_ended_verifications,
    log_in_rider,
    read_rider,
    refresh_token,
    register_rider,
)
from isotope.domain.tenants.model import Operator, Settings
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, SYSTEM, rider_actor
from isotope.kernel.errors import Kind, Refusal
from isotope.kernel.ids import OperatorId, RiderId
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.riders import RiderKit, make_rider
from tests.kit.sms import RecordingSms, verified_token
from tests.kit.tenants import make_operator


@dataclass
class Hold:
    """A `DeletionHold` that holds while it is told to."""

    holds: bool = True

    async def reason(self, _tx: Tx, _operator_id: OperatorId, _rider_id: RiderId) -> Refusal | None:
        return Refusal(Kind.CONFLICT, "debt_open") if self.holds else None


def phone_of(known: RiderKit) -> Phone:
    return Phone(prefix=known.rider.phone_prefix, number=known.rider.phone)


async def ask_deletion(rt: Runtime, operator: Operator, known: RiderKit) -> Deletion:
    return await delete_rider(
        rt, (), DeleteRider(operator=operator, rider_id=known.id, hard=False, actor=rider_actor(known.id))
    )


async def erase(rt: Runtime, operator: Operator, known: RiderKit) -> Deletion:
    return await delete_rider(rt, (), DeleteRider(operator=operator, rider_id=known.id, hard=True, actor=SECRET_KEY))


async def log_of(rt: Runtime, operator: Operator) -> list[tuple[str, str]]:
    async with rt.db.read() as tx:
        rows = await tx.tuples(
            "select kind, actor from deletion_log where operator_id = %s order by id", (operator.id,)
        )
    return [(kind, actor) for kind, actor in rows]


async def test_a_rider_asks_to_be_deleted(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt, settings=Settings(deletion_days=30))).operator
    known = await make_rider(rt, operator)
    deletion = await ask_deletion(rt, operator, known)

    assert deletion.status is RiderStatus.DELETION_REQUESTED
    assert deletion.due_at is not None
    assert (deletion.due_at - clock.now()).days == 30
    assert await find_rider_by_token(rt, operator.id, known.token) is None
    seen = await read_rider(rt, operator.id, known.id)
    assert (seen.status, seen.deletion_due_at, seen.name) == (deletion.status, deletion.due_at, known.rider.name)
    assert await log_of(rt, operator) == [("REQUESTED", f"rider:{known.id}")]


async def tokens_of(rt: Runtime, known: RiderKit) -> int:
    async with rt.db.read() as tx:
        count: int = await tx.scalar(
            "select count(*) from rider_token where operator_id = %s and rider_id = %s",
            (known.rider.operator_id, known.id),
        )
    return count


@pytest.mark.parametrize("hard", [False, True])
async def test_no_token_is_left_in_the_store(rt: Runtime, *, hard: bool) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    await (erase if hard else ask_deletion)(rt, operator, known)
    assert await tokens_of(rt, known) == 0


async def test_a_token_that_was_left_all_the_same_opens_nothing(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    async with rt.db.write() as tx:
        await tx.execute(
            "update rider set status = 'DELETION_REQUESTED', deletion_due_at = %s where operator_id = %s and id = %s",
            (rt.clock.now(), operator.id, known.id),
        )
    assert await tokens_of(rt, known) == 1
    assert await find_rider_by_token(rt, operator.id, known.token) is None


async def test_a_login_takes_it_back(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    await ask_deletion(rt, operator, known)
    clock.advance(days=29)
    token = await verified_token(rt, RecordingSms(), operator, phone_of(known), Flow.LOGIN)
    session = await log_in_rider(rt, LogInRider(operator=operator, phone_token=token))

    assert session.rider_id == known.id
    back = await read_rider(rt, operator.id, known.id)
    assert (back.status, back.deletion_due_at) == (RiderStatus.ACTIVE, None)
    assert [kind for kind, _actor in await log_of(rt, operator)] == ["REQUESTED", "UNDONE"]
    clock.advance(days=365)
    await erase_due_riders(rt, ())
    assert await read_rider(rt, operator.id, known.id) == back


async def test_registering_does_not_take_it_back(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    await ask_deletion(rt, operator, known)
    token = await verified_token(rt, RecordingSms(), operator, phone_of(known), Flow.REGISTER)
    with refused("already_registered"):
        await register_rider(
            rt, RegisterRider(operator=operator, phone_token=token, name="Rita", email="rita@example.test")
        )


async def test_a_blocked_rider_who_comes_back_is_still_blocked(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    async with rt.db.write() as tx:
        await tx.execute(
            "update rider set status = 'BLOCKED' where operator_id = %s and id = %s", (operator.id, known.id)
        )
    await ask_deletion(rt, operator, known)
    token = await verified_token(rt, RecordingSms(), operator, phone_of(known), Flow.LOGIN)
    await log_in_rider(rt, LogInRider(operator=operator, phone_token=token))
    assert (await read_rider(rt, operator.id, known.id)).status is RiderStatus.BLOCKED


async def test_nobody_gets_a_token_for_an_account_that_is_going(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    await ask_deletion(rt, operator, known)
    with refused("deletion_requested"):
        await refresh_token(rt, RefreshToken(operator=operator, rider_id=known.id))


async def test_asking_twice_changes_nothing(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    first = await ask_deletion(rt, operator, known)
    clock.advance(days=1)
    assert await ask_deletion(rt, operator, known) == first


async def test_it_is_erased_when_it_is_due(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt, settings=Settings(deletion_days=30))).operator
    known = await make_rider(rt, operator)
    await ask_deletion(rt, operator, known)
    clock.advance(days=30, seconds=-1)
    await erase_due_riders(rt, ())
    assert (await read_rider(rt, operator.id, known.id)).status is RiderStatus.DELETION_REQUESTED
    clock.advance(seconds=1)
    assert await erase_due_riders(rt, ()) >= 1
    with refused("user_not_found"):
        await read_rider(rt, operator.id, known.id)
    assert (await log_of(rt, operator))[-1] == ("ERASED", SYSTEM)


async def test_the_operator_erases_at_once_and_for_good(rt: Runtime) -> None:
    """Nothing of the person is left in any table; the row that ledger and rides refer to is."""
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator, name="Rita Only-Here", email="only.here@example.test")
    await verified_token(rt, RecordingSms(), operator, phone_of(known), Flow.LOGIN)
    assert await tables_that_tell(rt, known.rider.phone) == {"rider", "phone_verification", "sms_send"}

    deletion = await erase(rt, operator, known)

    assert deletion == Deletion(status=RiderStatus.DELETED, due_at=None)
    for personal in (known.rider.phone, "Only-Here", "only.here"):
        assert await tables_that_tell(rt, personal) == set()
    async with rt.db.read() as tx:
        row = await tx.tuples("select status from rider where operator_id = %s and id = %s", (operator.id, known.id))
    assert row == [("DELETED",)]
    assert await log_of(rt, operator) == [("ERASED", "secret_key")]
    assert await find_rider_by_token(rt, operator.id, known.token) is None
    with refused("user_not_found"):
        await erase(rt, operator, known)


async def tables_that_tell(rt: Runtime, personal: str) -> set[str]:
    """The tables in which this text stands anywhere in a row."""
    async with rt.db.read() as tx:
        tables = await tx.tuples("select tablename from pg_tables where schemaname = 'public'")
        return {
            table
            for (table,) in tables
            if await tx.scalar(
                f'select 1 from "{table}" t where t::text like %(like)s limit 1',
                {"like": f"%{personal}%"},
            )
        }


async def test_an_erased_number_may_register_as_somebody_new(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    await erase(rt, operator, known)
    token = await verified_token(rt, RecordingSms(), operator, phone_of(known), Flow.REGISTER)
    session = await register_rider(
        rt, RegisterRider(operator=operator, phone_token=token, name="New", email="new@example.test")
    )
    assert session.rider_id != known.id


async def test_many_may_be_erased_of_one_operator(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    for known in [await make_rider(rt, operator) for _ in range(2)]:
        await erase(rt, operator, known)


@pytest.mark.parametrize("hard", [False, True])
async def test_a_hold_refuses_with_its_reason_and_nothing_changes(rt: Runtime, *, hard: bool) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    with refused("debt_open"):
        await delete_rider(
            rt,
            (Hold(holds=False), Hold()),
            DeleteRider(operator=operator, rider_id=known.id, hard=hard, actor=SYSTEM),
        )
    assert await find_rider_by_token(rt, operator.id, known.token) == known.rider
    assert await log_of(rt, operator) == []


async def test_who_owes_is_put_off_and_may_come_back(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt, settings=Settings(deletion_days=0))).operator
    known, hold = await make_rider(rt, operator), Hold()
    await ask_deletion(rt, operator, known)
    await erase_due_riders(rt, [hold])
    hold.holds = False
    await erase_due_riders(rt, [hold])  # not asked again before tomorrow
    token = await verified_token(rt, RecordingSms(), operator, phone_of(known), Flow.LOGIN)
    await log_in_rider(rt, LogInRider(operator=operator, phone_token=token))
    assert (await read_rider(rt, operator.id, known.id)).status is RiderStatus.ACTIVE
    await ask_deletion(rt, operator, known)
    clock.advance(days=1)
    await erase_due_riders(rt, [hold])
    with refused("user_not_found"):
        await read_rider(rt, operator.id, known.id)


async def test_another_operators_rider_is_not_deleted(rt: Runtime) -> None:
    ours, theirs = (await make_operator(rt)).operator, (await make_operator(rt)).operator
    known = await make_rider(rt, ours)
    with refused("user_not_found"):
        await erase(rt, theirs, known)
    assert await read_rider(rt, ours.id, known.id) == known.rider


async def test_a_login_and_an_erasure_at_once_end_in_one_of_two_ways(rt: Runtime) -> None:
    """Either the login came first and the erasure ended its token, or it finds nobody; never a deadlock."""
    operator = (await make_operator(rt)).operator
    for _ in range(10):
        known = await make_rider(rt, operator)
        token = await verified_token(rt, RecordingSms(), operator, phone_of(known), Flow.LOGIN)
        logged_in, erased = await asyncio.gather(
            log_in_rider(rt, LogInRider(operator=operator, phone_token=token)),
            erase(rt, operator, known),
            return_exceptions=True,
        )
        assert isinstance(erased, Deletion)
        if isinstance(logged_in, BaseException):
            assert isinstance(logged_in, Refusal)
            assert logged_in.code in {"user_not_found", "phone_token_invalid"}
        else:
            assert await find_rider_by_token(rt, operator.id, logged_in.token) is None


async def test_what_the_code_flow_left_goes_after_a_day(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    await verified_token(rt, RecordingSms(), operator, phone_of(known), Flow.LOGIN)
    clock.advance(hours=23)
    await forget_ended_verifications(rt)
    assert await tables_that_tell(rt, known.rider.phone) == {"rider", "phone_verification", "sms_send"}
    clock.advance(hours=1)
    await forget_ended_verifications(rt)
    assert await tables_that_tell(rt, known.rider.phone) == {"rider"}
