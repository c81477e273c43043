"""Many at once, which only a real database answers."""

import asyncio
import contextvars
import random

import pytest

from isotope.domain.wallet import AccountKind, Charge, Charged, Entry, Standing, charge, lock_standing, post
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from tests.kit.books import open_books
from tests.kit.clock import START


async def test_first_charges_and_top_ups_of_one_rider_make_one_wallet(rt: Runtime) -> None:
    books = await open_books(rt)
    added, charged = 20, 20
    await asyncio.gather(
        *(books.add(100) for _ in range(added)),
        *(books.charge(70, tax_minor=10) for _ in range(charged)),
    )
    standing = await books.standing()
    assert standing.balance_minor - standing.debt_minor == added * 100 - charged * 70
    assert standing.balance_minor == 0 or standing.debt_minor == 0
    assert await books.postings() == added + charged
    assert await books.differences() == []


async def test_many_at_once_charge_one_cause_once(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(1000)
    answers = await asyncio.gather(*(books.charge(300, cause="ride:1") for _ in range(20)))
    assert set(answers) == {Charged(balance_minor=300)}
    assert (await books.standing()).balance_minor == 700


async def test_many_at_once_add_money_with_one_key_once(rt: Runtime) -> None:
    books = await open_books(rt)
    answers = await asyncio.gather(*(books.add(300, key="k") for _ in range(20)))
    assert sorted(answer.is_new for answer in answers) == [False] * 19 + [True]
    assert {answer.standing.balance_minor for answer in answers} == {300}


async def test_one_key_for_two_riders_at_once_pays_one(rt: Runtime) -> None:
    books = await open_books(rt, riders=2)
    answers = await asyncio.gather(
        *(books.add(300, rider=rider, key="k") for rider in books.riders * 5), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(refused) == 5
    assert {answer.code for answer in refused if isinstance(answer, Refusal)} == {"idempotency_key_reused"}
    assert (await books.sums())[AccountKind.RIDER_BALANCE] == 300


async def test_postings_that_cross_riders_never_block_each_other(rt: Runtime) -> None:
    """Transfers in both directions and in rings, between charges and top-ups of the same riders.

    Without one lock order for all, PostgreSQL breaks a deadlock here within the first hundred.
    """
    books = await open_books(rt, riders=4)
    start = 10_000
    for rider in books.riders:
        await books.add(start, rider=rider)
    chance = random.Random(7)

    async def transfer(amount: int) -> None:
        giver, taker = chance.sample(books.riders, 2)
        sides = [
            Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=-amount, rider_id=giver),
            Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=amount, rider_id=taker),
        ]
        chance.shuffle(sides)
        async with rt.db.write() as tx:
            assert (await post(tx, books.posting(*sides))).is_new

    async def ring(amount: int) -> None:
        order = chance.sample(books.riders, 4)
        sides = [Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=-amount * 3, rider_id=order[0])]
        sides += [Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=amount, rider_id=rider) for rider in order[1:]]
        async with rt.db.write() as tx:
            assert (await post(tx, books.posting(*sides))).is_new

    for _round in range(3):  # a round fits into the pool's queue
        await asyncio.gather(
            *(transfer(chance.randint(1, 9)) for _ in range(60)),
            *(ring(chance.randint(1, 3)) for _ in range(30)),
            *(books.add(7, rider=chance.choice(books.riders)) for _ in range(30)),
            *(books.charge(7, rider=chance.choice(books.riders)) for _ in range(30)),
        )

    assert (await books.sums())[AccountKind.RIDER_BALANCE] == 4 * start
    assert await books.postings() == 4 + 3 * 150
    assert await books.differences() == []


async def test_a_locked_standing_stays_true_until_the_transaction_ends(rt: Runtime) -> None:
    books = await open_books(rt)
    await books.add(500)
    operator = books.operator
    async with rt.db.write() as tx:
        seen = await lock_standing(tx, operator.id, books.rider, operator.currency)
        # A context of its own: this task is inside a transaction, that one is somebody else.
        other = asyncio.create_task(books.charge(500), context=contextvars.Context())
        await somebody_waits_for(tx)
        assert await lock_standing(tx, operator.id, books.rider, operator.currency) == seen
        mine = await charge(
            tx,
            Charge(
                operator_id=operator.id,
                rider_id=books.rider,
                currency=operator.currency,
                total_minor=400,
                tax_minor=0,
                reason="ride_charged",
                actor=SYSTEM,
                cause="ride:mine",
                now=START,
            ),
        )
    assert mine == Charged(balance_minor=400)
    assert await other == Charged(balance_minor=100, debt_minor=400)


async def somebody_waits_for(tx: Tx) -> None:
    async with asyncio.timeout(5):
        while not await tx.scalar(  # noqa: ASYNC110 - it happens in another process
            "select exists (select from pg_locks where pg_backend_pid() = any(pg_blocking_pids(pid)))"
        ):
            await asyncio.sleep(0.01)


async def test_what_rolls_back_leaves_nothing(rt: Runtime) -> None:
    books = await open_books(rt)
    operator = books.operator

    async def fail() -> None:
        async with rt.db.write() as tx:
            await lock_standing(tx, operator.id, books.rider, operator.currency)
            await post(
                tx,
                books.posting(
                    Entry(kind=AccountKind.RIDER_BONUS, amount_minor=5, rider_id=books.rider),
                    Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-5),
                ),
            )
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        await fail()
    assert await books.standing() == Standing(currency="EUR")
    assert await books.postings() == 0
