"""Operators in memory: right, and right again soon after something changed."""

import asyncio

import msgspec
import pytest

from isotope.domain.tenants import (
    KeyKind,
    Operator,
    Operators,
    RotateKey,
    Settings,
    UpdateOperator,
    create_operator,
    end_other_keys,
    list_operators,
    list_operators_with_keys,
    put_key,
    queries,
    rotate_key,
    update_operator,
)
from isotope.domain.tenants.usecases.create_operator import CreateOperator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Kind
from isotope.kernel.ids import OperatorId
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.tenants import make_operator
from tests.kit.waiting import until


@pytest.fixture
def operators(rt: Runtime) -> Operators:
    return Operators(rt)


class Looks:
    """Counts how often the store is asked for an operator."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.looked = asyncio.Event()
        plain = queries.find_operator

        async def counted(tx: Tx, operator_id: OperatorId) -> Operator | None:
            self.count += 1
            found = await plain(tx, operator_id)
            self.looked.set()
            await self.gate.wait()
            return found

        monkeypatch.setattr(queries, "find_operator", counted)


async def test_keys_say_whose_they_are(rt: Runtime, operators: Operators) -> None:
    ours, theirs = await make_operator(rt), await make_operator(rt)
    assert await operators.find_by_public_key(ours.public_key) == ours.operator
    assert await operators.find_by_public_key(theirs.public_key) == theirs.operator
    assert await operators.get(ours.operator.id) == ours.operator
    assert await operators.is_secret_key(ours.operator, ours.secret_key)


async def test_keys_are_good_for_their_own_operator_and_kind_only(rt: Runtime, operators: Operators) -> None:
    ours, theirs = await make_operator(rt), await make_operator(rt)
    assert not await operators.is_secret_key(ours.operator, theirs.secret_key)
    assert not await operators.is_secret_key(ours.operator, ours.public_key)
    assert await operators.find_by_public_key(ours.secret_key) is None
    for stranger in ("", "x", "\x00", "\ud800", "k" * 10_000):
        assert await operators.find_by_public_key(stranger) is None
        assert not await operators.is_secret_key(ours.operator, stranger)


async def test_keys_that_nobody_has_leave_nothing_in_memory(rt: Runtime, operators: Operators) -> None:
    await make_operator(rt)
    for nr in range(20):
        await operators.find_by_public_key(f"no-such-key-{nr}")
    assert len(operators._by_public_key) == 0


async def test_the_store_has_hashes_of_keys_only(rt: Runtime) -> None:
    kit = await make_operator(rt)
    async with rt.db.read() as tx:
        rows = await tx.tuples("select k::text from operator_key k where operator_id = %s", (kit.operator.id,))
    assert len(rows) == 2
    assert not [row for (row,) in rows if kit.public_key in row or kit.secret_key in row]


async def test_an_operator_that_is_not_there(operators: Operators) -> None:
    with refused("operator_not_found"):
        await operators.get(OperatorId(2**62))


async def test_the_store_is_asked_once_in_five_seconds(
    rt: Runtime, operators: Operators, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = await make_operator(rt)
    looks = Looks(monkeypatch)
    for _ in range(3):
        await operators.find_by_public_key(kit.public_key)
        await operators.is_secret_key(kit.operator, kit.secret_key)
        clock.advance(seconds=1)
    assert looks.count == 1
    clock.advance(seconds=2)
    await operators.find_by_public_key(kit.public_key)
    assert looks.count == 2


async def test_many_who_wait_share_one_look(rt: Runtime, operators: Operators, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = await make_operator(rt)
    looks = Looks(monkeypatch)
    found = await asyncio.gather(*(operators.get(kit.operator.id) for _ in range(30)))
    assert found == [kit.operator] * 30
    assert looks.count == 1


async def test_a_change_is_seen_as_soon_as_it_is_told(rt: Runtime, operators: Operators) -> None:
    """With the clock standing still, so that only the notification can have done it."""
    kit = await make_operator(rt)
    await rt.hub.start()
    await operators.get(kit.operator.id)
    assert kit.operator.id in operators._known
    renamed = msgspec.structs.replace(kit.operator, name="Renamed", settings=Settings(public_vehicles=True))
    await update_operator(rt, UpdateOperator(operator=renamed))
    await until(lambda: kit.operator.id not in operators._known, "the change is told")
    assert await operators.find_by_public_key(kit.public_key) == renamed


async def test_what_was_read_before_a_change_is_not_kept(
    rt: Runtime, operators: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = await make_operator(rt)
    await rt.hub.start()
    looks = Looks(monkeypatch)
    looks.gate.clear()
    slow = asyncio.create_task(operators.get(kit.operator.id))
    await looks.looked.wait()
    renamed = msgspec.structs.replace(kit.operator, name="Renamed")
    await update_operator(rt, UpdateOperator(operator=renamed))
    await until(lambda: not operators._loading, "the change is told")
    looks.gate.set()
    assert await slow == kit.operator
    assert await operators.get(kit.operator.id) == renamed


async def test_a_lost_connection_forgets_everything(rt: Runtime, operators: Operators) -> None:
    kit = await make_operator(rt)
    await operators.find_by_public_key(kit.public_key)
    await rt.hub.start()  # whoever begins to listen may have missed something
    assert not operators._known
    assert await operators.find_by_public_key(kit.public_key) == kit.operator


async def test_a_rotated_secret_key_works_on_for_the_grace(
    rt: Runtime, operators: Operators, clock: SettableClock
) -> None:
    kit = await make_operator(rt)
    new = await rotate_key(rt, RotateKey(slug=kit.operator.slug, kind=KeyKind.SECRET, grace_s=60))
    assert await operators.is_secret_key(kit.operator, new)
    clock.advance(seconds=59)
    assert await operators.is_secret_key(kit.operator, kit.secret_key)
    clock.advance(seconds=1)
    assert not await operators.is_secret_key(kit.operator, kit.secret_key)
    assert await operators.is_secret_key(kit.operator, new)
    assert await operators.find_by_public_key(kit.public_key) == kit.operator


async def test_a_key_ends_at_its_instant_although_it_is_in_memory(
    rt: Runtime, operators: Operators, clock: SettableClock
) -> None:
    kit = await make_operator(rt)
    await rotate_key(rt, RotateKey(slug=kit.operator.slug, kind=KeyKind.PUBLIC, grace_s=2))
    assert await operators.find_by_public_key(kit.public_key) == kit.operator
    clock.advance(seconds=2)
    assert await operators.find_by_public_key(kit.public_key) is None


async def test_a_stolen_key_ends_at_once(rt: Runtime, operators: Operators) -> None:
    kit = await make_operator(rt)
    await rotate_key(rt, RotateKey(slug=kit.operator.slug, kind=KeyKind.SECRET, grace_s=0))
    assert not await operators.is_secret_key(kit.operator, kit.secret_key)


async def test_a_second_rotation_does_not_prolong_the_first(
    rt: Runtime, operators: Operators, clock: SettableClock
) -> None:
    kit = await make_operator(rt)
    await rotate_key(rt, RotateKey(slug=kit.operator.slug, kind=KeyKind.SECRET, grace_s=60))
    await rotate_key(rt, RotateKey(slug=kit.operator.slug, kind=KeyKind.SECRET, grace_s=600))
    clock.advance(seconds=60)
    assert not await operators.is_secret_key(kit.operator, kit.secret_key)


async def test_another_operators_keys_are_not_touched_or_taken(rt: Runtime, operators: Operators) -> None:
    ours, theirs = await make_operator(rt), await make_operator(rt)
    await rotate_key(rt, RotateKey(slug=ours.operator.slug, kind=KeyKind.SECRET, grace_s=0))
    assert await operators.is_secret_key(theirs.operator, theirs.secret_key)
    for kind, key in ((KeyKind.SECRET, theirs.secret_key), (KeyKind.SECRET, ours.public_key)):
        with refused("key_taken") as told:
            await rotate_key(rt, RotateKey(slug=ours.operator.slug, kind=kind, grace_s=0, key=key))
        assert told.it.kind is Kind.CONFLICT


async def test_provisioning_puts_the_same_key_again(rt: Runtime, operators: Operators, clock: SettableClock) -> None:
    kit = await make_operator(rt)
    new = await rotate_key(rt, RotateKey(slug=kit.operator.slug, kind=KeyKind.SECRET, grace_s=60))
    async with rt.db.write() as tx:
        await put_key(tx, kit.operator.id, KeyKind.SECRET, kit.secret_key, clock.now())
        await end_other_keys(tx, kit.operator.id, KeyKind.SECRET, kit.secret_key, clock.now())
    clock.advance(seconds=60)
    assert await operators.is_secret_key(kit.operator, kit.secret_key)
    assert not await operators.is_secret_key(kit.operator, new)


async def test_well_known_keys_are_found(rt: Runtime, clock: SettableClock) -> None:
    kit = await make_operator(rt)
    await rotate_key(rt, RotateKey(slug=kit.operator.slug, kind=KeyKind.SECRET, grace_s=60))
    async with rt.db.read() as tx:
        assert await list_operators_with_keys(tx, ["nobody-has-it", kit.secret_key], clock.now()) == [kit.operator.slug]
    clock.advance(seconds=60)
    async with rt.db.read() as tx:
        assert await list_operators_with_keys(tx, [kit.secret_key], clock.now()) == []


async def test_operators_come_in_pages(rt: Runtime) -> None:
    made = [(await make_operator(rt)).operator for _ in range(3)]
    async with rt.db.read() as tx:
        assert await list_operators(tx, after=OperatorId(made[0].id - 1), limit=2) == made[:2]
        assert await list_operators(tx, after=made[1].id, limit=2) == made[2:]


async def test_a_slug_is_taken_once_and_faults_come_together(rt: Runtime) -> None:
    kit = await make_operator(rt)
    again = CreateOperator(slug=kit.operator.slug, name="Again", currency="EUR", time_zone="UTC", languages=("en",))
    with refused("operator_exists"):
        await create_operator(rt, again)
    with refused("validation_failed") as told:
        await create_operator(rt, msgspec.structs.replace(again, slug="", currency="euro", secret_key="a b"))
    assert [fault.field for fault in told.it.faults] == ["slug", "currency", "secret_key"]
    with refused("operator_not_found"):
        await rotate_key(rt, RotateKey(slug="nobody", kind=KeyKind.SECRET, grace_s=0))
