"""Packages, groups and promo codes of a folder against the real store."""

from pathlib import Path
from typing import Any

import pytest

from isotope.domain.benefits import Manager, PromoDraft, list_promo_codes, make_promo_code, stop_promo_code
from isotope.domain.benefits.model import PromoCode
from isotope.domain.tenants import Operator, get_operator_by_slug
from isotope.domain.tenants.model import Role
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.provisioning import Action, FolderRefused, Kind, Plan, apply_folder, plan_folder, read_folder
from tests.kit.codes import BONUS, redeem, refused
from tests.kit.riders import make_rider
from tests.provisioning.folders import ExampleFolder

FILE = "pricing.yaml"


@pytest.fixture
def example(tmp_path: Path) -> ExampleFolder:
    return ExampleFolder(tmp_path / "one")


async def put(rt: Runtime, example: ExampleFolder) -> Operator:
    await apply_folder(rt, read_folder(example.path, example.environ))
    async with rt.db.read() as tx:
        return await get_operator_by_slug(tx, example.slug)


async def look(rt: Runtime, example: ExampleFolder) -> Plan:
    return await plan_folder(rt, read_folder(example.path, example.environ))


async def rows(rt: Runtime, operator: Operator, sql: Any) -> list[Any]:
    async with rt.db.read() as tx:
        return await tx.tuples(sql, {"id": operator.id})


def owner(operator: Operator) -> Manager:
    return Manager(operator=operator, role=Role.OWNER, actor=Actor("staff:1"))


async def code_of(rt: Runtime, operator: Operator, text: str) -> PromoCode:
    return next(code for code in await list_promo_codes(rt, owner(operator), None, 100) if code.code == text)


async def test_what_the_folder_names_is_there_and_a_second_time_nothing_changes(
    rt: Runtime, example: ExampleFolder
) -> None:
    operator = await put(rt, example)
    assert (await look(rt, example)).is_empty
    assert await rows(rt, operator, "select ref from package where operator_id = %(id)s") == [("hour",)]
    assert await rows(rt, operator, "select ref from discount_group where operator_id = %(id)s") == [("student",)]
    harbour = await code_of(rt, operator, "HARBOUR5")
    assert (harbour.made_by, harbour.remaining, harbour.from_folder) == ("apply", 1000, True)
    rider = await make_rider(rt, operator)
    assert (await redeem(rt, operator, rider.id, "harbour 5")).bonus_minor == 500


async def test_what_it_no_longer_names_is_retired_and_comes_back_as_it_was(rt: Runtime, example: ExampleFolder) -> None:
    operator = await put(rt, example)
    await redeem(rt, operator, (await make_rider(rt, operator)).id, "HARBOUR5")
    before = example.read(FILE)
    example.write(FILE, before.partition("packages:")[0])
    plan = await look(rt, example)
    assert plan.names(Kind.PACKAGE, Action.RETIRED) == {"hour"}
    assert plan.names(Kind.GROUP, Action.RETIRED) == {"student"}
    assert plan.names(Kind.PROMO, Action.RETIRED) == {"HARBOUR5", "WEEKEND"}
    await put(rt, example)
    assert (await look(rt, example)).is_empty
    assert await refused(rt, operator, (await make_rider(rt, operator)).id, "HARBOUR5") is not None

    example.write(FILE, before)
    plan = await look(rt, example)
    assert plan.names(Kind.PROMO, Action.RESTORED) == {"HARBOUR5", "WEEKEND"}
    await put(rt, example)
    assert (await code_of(rt, operator, "HARBOUR5")).remaining == 999


async def test_a_code_that_staff_stopped_stays_stopped(rt: Runtime, example: ExampleFolder) -> None:
    operator = await put(rt, example)
    await stop_promo_code(rt, owner(operator), "WEEKEND")
    plan = await look(rt, example)
    assert plan.is_empty
    assert plan.names(Kind.PROMO, Action.LEFT) == {"WEEKEND"}
    await put(rt, example)
    assert (await code_of(rt, operator, "WEEKEND")).retired_by == "staff:1"


async def test_staffs_codes_are_left_alone_unless_the_folder_names_them(rt: Runtime, example: ExampleFolder) -> None:
    operator = await put(rt, example)
    for code in ("STAFF1", "STAFF2"):
        await make_promo_code(rt, owner(operator), PromoDraft(code=code, title="By staff", spec=BONUS))
    assert (await look(rt, example)).is_empty
    example.replace(FILE, "  WEEKEND:", "  STAFF1: {title: By staff, kind: BONUS, amount_minor: 500}\n  WEEKEND:")
    assert (await look(rt, example)).names(Kind.PROMO, Action.CHANGED) == {"STAFF1"}
    await put(rt, example)
    assert (await look(rt, example)).is_empty
    assert (await code_of(rt, operator, "STAFF1")).from_folder
    assert not (await code_of(rt, operator, "STAFF2")).from_folder


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("models: [kite]\n    windows", "models: [kit]\n    windows", "there is no model"),
        ("quota: {unlocks: 1, ride_min: 60, pause_min: 15}", "quota: {}", "includes something"),
        ("WEEKEND:", "weekend:", "does not fit"),
        ("pct: 20, rides: 2", "pct: 20", "RIDE_DISCOUNT has per cent and rides"),
        ("2027-01-01T00:00:00+02:00", "2027-01-01", "does not fit"),
        ("pct: 15}", "pct: 101}", "does not fit"),
    ],
)
def test_faults_are_told_with_their_place(example: ExampleFolder, old: str, new: str, reason: str) -> None:
    example.replace(FILE, old, new)
    with pytest.raises(FolderRefused) as refused:
        read_folder(example.path, example.environ)
    [fault] = refused.value.faults
    assert reason in fault.reason
    assert fault.file == FILE
    assert fault.line
