"""Rider tokens: found, renewed, ended."""

from isotope.domain.identity import (
    RefreshToken,
    find_rider_by_token,
    forget_ended_verifications,
    get_rider,
    hash_token,
    read_rider,
    refresh_token,
)
from isotope.domain.identity.store import TOKENS_PER_RIDER
from isotope.domain.tenants.model import Settings
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Kind
from isotope.kernel.ids import RiderId
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.riders import make_rider
from tests.kit.tenants import make_operator


async def test_a_token_finds_its_rider_until_it_ends(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt, settings=Settings(rider_token_days=2))).operator
    known = await make_rider(rt, operator)
    clock.advance(days=2, seconds=-1)
    assert await find_rider_by_token(rt, operator.id, known.token) == known.rider
    clock.advance(seconds=1)
    assert await find_rider_by_token(rt, operator.id, known.token) is None


async def test_what_is_no_token_finds_nobody(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    await make_rider(rt, operator)
    for token in ("", "x", "\x00", "\ud800", "ä" * 5_000):
        assert await find_rider_by_token(rt, operator.id, token) is None


async def test_a_refresh_gives_a_new_token_and_ends_the_old(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    new = await refresh_token(
        rt, RefreshToken(operator=operator, rider_id=known.id, token_hash=hash_token(known.token))
    )
    assert await find_rider_by_token(rt, operator.id, known.token) is None
    assert await find_rider_by_token(rt, operator.id, new) == known.rider


async def test_the_operator_gets_a_token_for_a_rider_whose_devices_stay_in(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    new = await refresh_token(rt, RefreshToken(operator=operator, rider_id=known.id))
    assert await find_rider_by_token(rt, operator.id, known.token) == known.rider
    assert await find_rider_by_token(rt, operator.id, new) == known.rider


async def test_a_token_renews_its_own_rider_and_operator_only(rt: Runtime) -> None:
    ours, theirs = (await make_operator(rt)).operator, (await make_operator(rt)).operator
    known, other = await make_rider(rt, ours), await make_rider(rt, ours)
    with refused("unauthorized") as told:
        await refresh_token(rt, RefreshToken(operator=ours, rider_id=other.id, token_hash=hash_token(known.token)))
    assert told.it.kind is Kind.UNAUTHORIZED
    with refused("user_not_found"):
        await refresh_token(rt, RefreshToken(operator=theirs, rider_id=known.id))
    assert await find_rider_by_token(rt, ours.id, known.token) == known.rider


async def test_an_ended_token_renews_nothing(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt, settings=Settings(rider_token_days=1))).operator
    known = await make_rider(rt, operator)
    clock.advance(days=1)
    with refused("unauthorized"):
        await refresh_token(rt, RefreshToken(operator=operator, rider_id=known.id, token_hash=hash_token(known.token)))


async def test_somebody_with_many_devices_loses_the_oldest_session(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    tokens = [known.token]
    for _ in range(TOKENS_PER_RIDER):
        clock.advance(seconds=1)
        tokens.append(await refresh_token(rt, RefreshToken(operator=operator, rider_id=known.id)))
    live = [await find_rider_by_token(rt, operator.id, token) is not None for token in tokens]
    assert live == [False] + [True] * TOKENS_PER_RIDER


async def test_a_rider_is_read_by_their_own_operator_only(rt: Runtime) -> None:
    ours, theirs = (await make_operator(rt)).operator, (await make_operator(rt)).operator
    known = await make_rider(rt, ours)
    assert await read_rider(rt, ours.id, known.id) == known.rider
    for operator, rider_id in ((theirs, known.id), (ours, RiderId(2**62))):
        with refused("user_not_found") as told:
            async with rt.db.read() as tx:
                await get_rider(tx, operator.id, rider_id)
        assert told.it.kind is Kind.NOT_FOUND


async def test_ended_tokens_are_forgotten(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt, settings=Settings(rider_token_days=1))).operator
    ended = await make_rider(rt, operator)
    clock.advance(days=1)
    live = await make_rider(rt, operator)
    assert await forget_ended_verifications(rt) >= 1
    async with rt.db.read() as tx:
        kept = await tx.tuples("select token_hash from rider_token where operator_id = %s", (operator.id,))
    assert kept == [(hash_token(live.token),)]
    assert hash_token(ended.token) != hash_token(live.token)
