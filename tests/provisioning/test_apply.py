"""A folder against the real store."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.fleet import By, change_status, hold_vehicle, lock_vehicle, release_vehicle
from isotope.domain.fleet.model import VehicleStatus
from isotope.domain.tenants import (
    KeyKind,
    LogInStaff,
    Operator,
    RotateKey,
    get_operator_by_slug,
    log_in_staff,
    rotate_key,
)
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token
from isotope.kernel.actor import SYSTEM
from isotope.provisioning import (
    Action,
    Applied,
    FolderRefused,
    Kind,
    Plan,
    PlanOutdatedError,
    apply,
    apply_folder,
    plan_folder,
    read_folder,
)
from tests.kit.clock import SettableClock
from tests.provisioning.folders import ExampleFolder

RETIRED_BENEFITS = {
    ("retired", "package", "hour"),
    ("retired", "discount group", "student"),
    ("retired", "promo code", "HARBOUR5"),
    ("retired", "promo code", "WEEKEND"),
}


@pytest.fixture
def example(tmp_path: Path) -> ExampleFolder:
    return ExampleFolder(tmp_path / "one")


async def put(rt: Runtime, example: ExampleFolder) -> Applied:
    return await apply_folder(rt, read_folder(example.path, example.environ))


async def look(rt: Runtime, example: ExampleFolder) -> Plan:
    return await plan_folder(rt, read_folder(example.path, example.environ))


async def column(rt: Runtime, sql: Any, example: ExampleFolder) -> list[Any]:
    """The first column of a statement that has the operator's slug as %(slug)s."""
    async with rt.db.read() as tx:
        return [row[0] for row in await tx.tuples(sql, {"slug": example.slug})]


def told(plan: Plan) -> set[tuple[str, str, str]]:
    return {(change.action.value, change.kind.value, change.name) for change in plan.changes}


async def operator(rt: Runtime, example: ExampleFolder) -> Operator:
    async with rt.db.read() as tx:
        return await get_operator_by_slug(tx, example.slug)


async def hold(rt: Runtime, example: ExampleFolder, nr: str) -> None:
    """Let a ride have the vehicle."""
    operator_id = (await operator(rt, example)).id
    async with rt.db.write() as tx:
        vehicle = (await lock_vehicle(tx, operator_id, nr=nr)).vehicle
        await hold_vehicle(tx, vehicle, holder="ride:1", status=VehicleStatus.IN_USE, actor=SYSTEM, now=rt.clock.now())


async def release(rt: Runtime, example: ExampleFolder, nr: str) -> None:
    operator_id = (await operator(rt, example)).id
    async with rt.db.write() as tx:
        vehicle = (await lock_vehicle(tx, operator_id, nr=nr)).vehicle
        await release_vehicle(
            tx,
            vehicle,
            holder="ride:1",
            to_status=VehicleStatus.READY,
            actor=SYSTEM,
            cause="ride:1",
            now=rt.clock.now(),
        )


VEHICLES = """
    select v.nr || ' ' || m.ref || ' ' || coalesce(d.identity, '-') || ' ' || v.status
      from vehicle v join operator o on o.id = v.operator_id
      join vehicle_model m on m.operator_id = v.operator_id and m.id = v.model_id
      left join device d on d.operator_id = v.operator_id and d.id = v.device_id
     where o.slug = %(slug)s order by v.nr
"""
ZONE_VERSION = "select s.version from zone_set s join operator o on o.id = s.operator_id where o.slug = %(slug)s"


async def test_everything_of_the_folder_is_in_the_store(rt: Runtime, example: ExampleFolder) -> None:
    applied = await put(rt, example)
    assert applied.made_keys == {}
    found = await operator(rt, example)
    assert (found.id, found.name, found.languages) == (applied.operator_id, "Harbour Bikes", ("en", "fi"))
    assert found.settings.rides.start_distance_m == 150
    assert await column(rt, VEHICLES, example) == [
        f"1001 kite HB-{example.tag}-0001 READY",
        f"1002 kite HB-{example.tag}-0002 READY",
        f"2001 gull HB-{example.tag}-0003 READY",
    ]
    session = await log_in_staff(
        rt, LogInStaff(email=f"OWNER@{example.tag}.test", password=example.environ["HARBOUR_OWNER_PASSWORD"])
    )
    assert session.operator_id == found.id


async def test_no_secret_is_stored(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    async with rt.db.read() as tx:
        rows = [
            str(row)
            for table in ("operator", "operator_key", "staff", "device", "vehicle")
            for row in await tx.tuples(f"select t::text from {table} t")
        ]
    secrets = [*example.environ.values(), f"harbour-app-{example.tag}", "f3a9c2d47b1e"]
    assert not [secret for secret in secrets if any(secret in row for row in rows)]


TABLES = (
    "operator_key",
    "staff",
    "tariff",
    "addon",
    "vehicle_model",
    "subscription_plan",
    "zone",
    "zone_set",
    "device",
    "vehicle",
    "vehicle_state",
)


async def row_versions(rt: Runtime, example: ExampleFolder) -> list[tuple[str, ...]]:
    """Which version of each row is there: any write makes another one."""
    operator_id = (await operator(rt, example)).id
    async with rt.db.read() as tx:
        found = await tx.tuples("select 'operator', ctid::text, xmin::text from operator where id = %s", [operator_id])
        for table in TABLES:
            sql: Any = f"select '{table}', ctid::text, xmin::text from {table} where operator_id = %s"
            found += await tx.tuples(sql, [operator_id])
    return sorted(found)


async def test_applying_again_writes_nothing(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    before = await row_versions(rt, example)
    assert len({row[0] for row in before}) == len(TABLES) + 1
    assert (await put(rt, example)).plan.changes == ()
    assert await row_versions(rt, example) == before


async def test_changes_are_told_and_made(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    example.replace("operator.yaml", "start_distance_m: 150", "start_distance_m: 250")
    example.replace("operator.yaml", "role: owner", "role: manager")
    example.replace("pricing.yaml", "price_minor: 22", "price_minor: 25")
    example.replace("pricing.yaml", "pct: 20", "pct: 25")
    example.replace("models.yaml", "price_minor: 50", "price_minor: 60")
    example.replace("models.yaml", "addons: [helmet, insurance]", "addons: [insurance]")
    example.replace("zones.geojson", '"radius_m": 120', '"radius_m": 130')
    example.replace("vehicles.csv", "1002,kite", "1002,gull")
    example.replace("vehicles.csv", "f3a9c2d47b1e", "another-secret")
    plan = (await put(rt, example)).plan
    assert told(plan) == {
        ("changed", "operator", example.slug),
        ("changed", "staff", f"owner@{example.tag}.test"),
        ("changed", "tariff", "scooter"),
        ("changed", "add-on", "helmet"),
        ("changed", "model", "kite"),
        ("changed", "subscription", "commuter"),
        ("changed", "zone", "station"),
        ("changed", "device", f"HB-{example.tag}-0001"),
        ("changed", "vehicle", "1002"),
    }
    fields = {change.kind: [(f.field, f.before, f.after) for f in change.fields] for change in plan.changes}
    assert fields[Kind.OPERATOR] == [("settings.rides.start_distance_m", 150, 250)]
    assert fields[Kind.MODEL] == [("addons", ["helmet", "insurance"], ["insurance"])]
    assert fields[Kind.VEHICLE] == [("model", "kite", "gull")]
    assert fields[Kind.DEVICE] == []
    assert (await look(rt, example)).changes == ()
    assert (await operator(rt, example)).settings.rides.start_distance_m == 250
    assert (await column(rt, VEHICLES, example))[1] == f"1002 gull HB-{example.tag}-0002 READY"


async def test_what_is_no_longer_named_is_retired_and_comes_back_under_its_id(
    rt: Runtime, example: ExampleFolder
) -> None:
    example.without_rentals()
    await put(rt, example)
    ids = "select v.id from vehicle v join operator o on o.id = v.operator_id where o.slug = %(slug)s order by v.nr"
    before = await column(rt, ids, example)
    whole = {name: example.read(name) for name in ("pricing.yaml", "models.yaml", "zones.geojson", "vehicles.csv")}
    example.write("pricing.yaml", whole["pricing.yaml"].split("  e-bike:")[0])
    example.write("models.yaml", whole["models.yaml"].split("  gull:")[0])
    document = json.loads(whole["zones.geojson"])
    document["features"].pop()
    example.write("zones.geojson", json.dumps(document))
    example.write("vehicles.csv", whole["vehicles.csv"].split("2001,")[0])
    plan = (await put(rt, example)).plan
    assert told(plan) == {
        ("retired", "tariff", "e-bike"),
        ("retired", "model", "gull"),
        ("retired", "subscription", "commuter"),
        *RETIRED_BENEFITS,
        ("retired", "zone", "square"),
        ("retired", "vehicle", "2001"),
    }
    assert (await column(rt, VEHICLES, example))[2] == "2001 gull - DEPRECATED"
    assert (await look(rt, example)).changes == ()

    for name, text in whole.items():
        example.write(name, text)
    plan = (await put(rt, example)).plan
    assert {change.action for change in plan.changes} == {Action.RESTORED}
    assert len(plan.changes) == 9
    assert (await column(rt, VEHICLES, example))[2] == f"2001 gull HB-{example.tag}-0003 READY"
    assert await column(rt, ids, example) == before
    assert (await look(rt, example)).changes == ()


async def test_a_vehicle_on_a_ride_waits(rt: Runtime, example: ExampleFolder) -> None:
    example.without_rentals()
    await put(rt, example)
    await hold(rt, example, "1001")
    await hold(rt, example, "2001")
    # One gets another model and its unit another secret, the other leaves the folder with its model and tariff.
    example.replace("vehicles.csv", "1001,kite", "1001,heron")
    example.replace("vehicles.csv", "f3a9c2d47b1e", "another-secret")
    example.write("vehicles.csv", example.read("vehicles.csv").split("2001,")[0])
    example.write(
        "models.yaml",
        example.read("models.yaml").split("  gull:")[0]
        + "  heron: {title: Heron, vehicle_type: BIKE, tariff: scooter}\n",
    )
    example.write("pricing.yaml", example.read("pricing.yaml").split("  e-bike:")[0])
    before = await column(rt, VEHICLES, example)
    plan = (await put(rt, example)).plan
    assert told(plan) == {
        ("created", "model", "heron"),
        ("waiting", "device", f"HB-{example.tag}-0001"),
        ("waiting", "vehicle", "1001"),
        ("waiting", "vehicle", "2001"),
        ("waiting", "model", "gull"),
        ("waiting", "tariff", "e-bike"),
        # Nothing on the road is made of a subscription plan.
        ("retired", "subscription", "commuter"),
        *RETIRED_BENEFITS,
    }
    assert await column(rt, VEHICLES, example) == before
    assert (await look(rt, example)).is_empty

    await release(rt, example, "1001")
    await release(rt, example, "2001")
    plan = (await put(rt, example)).plan
    assert told(plan) == {
        ("changed", "device", f"HB-{example.tag}-0001"),
        ("changed", "vehicle", "1001"),
        ("retired", "vehicle", "2001"),
        ("retired", "model", "gull"),
        ("retired", "tariff", "e-bike"),
    }
    assert (await look(rt, example)).changes == ()


async def test_vehicles_swap_their_units(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    one, two = "0001,f3a9c2d47b1e", "0002,0b7d91e6ac35"
    text = example.read("vehicles.csv")
    example.write("vehicles.csv", text.replace(one, "THERE").replace(two, one).replace("THERE", two))
    assert told((await put(rt, example)).plan) == {("changed", "vehicle", "1001"), ("changed", "vehicle", "1002")}
    assert [row.split()[2][-4:] for row in await column(rt, VEHICLES, example)] == ["0002", "0001", "0003"]
    assert (await look(rt, example)).changes == ()


async def test_who_is_to_get_the_unit_of_a_ridden_vehicle_waits_with_it(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    await hold(rt, example, "1001")
    lines = example.read("vehicles.csv").splitlines()
    unit = {line.split(",")[0]: line.split(",")[5:7] for line in lines[1:]}
    # Each gets the unit of the one before it; the first one's own goes on.
    places = {"1002": unit["1001"], "2001": unit["1002"], "3001": unit["2001"]}
    rows = [f"{nr},kite,60.17,24.94,,{','.join(given)}," for nr, given in places.items()]
    example.write("vehicles.csv", "\n".join([lines[0], "1001,kite,60.17,24.94,,,,", *rows]) + "\n")
    before = await column(rt, VEHICLES, example)
    plan = (await put(rt, example)).plan
    assert {name for action, kind, name in told(plan) if (action, kind) == ("waiting", "vehicle")} == {
        "1001",
        "1002",
        "2001",
        "3001",
    }
    assert await column(rt, VEHICLES, example) == before
    await release(rt, example, "1001")
    await put(rt, example)
    assert [row.split()[2][-4:] for row in await column(rt, VEHICLES, example)] == ["-", "0001", "0002", "0003"]


async def test_a_ride_that_starts_after_the_plan_was_shown_stops_the_apply(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    example.replace("vehicles.csv", "1001,kite", "1001,gull")
    shown = await look(rt, example)
    await hold(rt, example, "1001")
    folder = read_folder(example.path, example.environ)
    with pytest.raises(PlanOutdatedError):
        await apply_folder(rt, folder, expected=shown)
    assert (await column(rt, VEHICLES, example))[0].startswith("1001 kite")


async def test_a_ride_that_starts_while_it_is_applied_is_not_disturbed(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    example.replace("vehicles.csv", "1001,kite", "1001,gull")
    operator_id = (await operator(rt, example)).id
    has_vehicle = asyncio.Event()

    async def apply_then() -> Applied:
        await has_vehicle.wait()
        return await put(rt, example)

    applying = asyncio.create_task(apply_then())
    async with rt.db.write() as tx:
        vehicle = (await lock_vehicle(tx, operator_id, nr="1001")).vehicle
        await hold_vehicle(tx, vehicle, holder="ride:1", status=VehicleStatus.IN_USE, actor=SYSTEM, now=rt.clock.now())
        has_vehicle.set()
        ours = await tx.scalar("select pg_backend_pid()")
        async with asyncio.timeout(4):
            while not await tx.scalar(  # noqa: ASYNC110 - the store has no event for it
                "select exists (select from pg_locks where not granted and %s = any(pg_blocking_pids(pid)))", [ours]
            ):
                await asyncio.sleep(0.01)
    assert told((await applying).plan) == {("waiting", "vehicle", "1001")}
    assert (await column(rt, VEHICLES, example))[0] == f"1001 kite HB-{example.tag}-0001 IN_USE"


async def test_a_vehicle_that_staff_took_out_of_service_stays_out(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    operator_id = (await operator(rt, example)).id
    async with rt.db.write() as tx:
        vehicle = (await lock_vehicle(tx, operator_id, nr="1001")).vehicle
        await change_status(
            tx,
            vehicle,
            to_status=VehicleStatus.DEPRECATED,
            by=By.PERSON,
            actor=SYSTEM,
            cause="dashboard",
            now=rt.clock.now(),
        )
    assert (await look(rt, example)).changes == ()
    example.replace("vehicles.csv", "1001,kite", "1001,gull")
    plan = (await put(rt, example)).plan
    assert told(plan) == {("left", "vehicle", "1001")}
    assert plan.is_empty
    assert (await column(rt, VEHICLES, example))[0].startswith("1001 kite")


@pytest.mark.parametrize(
    "verb", ["upsert_tariff", "upsert_devices", "upsert_vehicles", "retire_vehicles", "replace_zones"]
)
async def test_a_failure_in_the_middle_leaves_nothing(
    rt: Runtime, example: ExampleFolder, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    await put(rt, example)
    state = "select o::text from operator o where slug = %(slug)s"
    before = [await column(rt, sql, example) for sql in (state, VEHICLES, ZONE_VERSION)]
    example.replace("operator.yaml", "name: Harbour Bikes", "name: Half Applied")
    example.replace("pricing.yaml", "price_minor: 22", "price_minor: 23")
    example.replace("vehicles.csv", "1001,kite", "1003,kite")
    example.replace("vehicles.csv", "0b7d91e6ac35", "another-secret")
    example.replace("zones.geojson", '"radius_m": 120', '"radius_m": 130')
    original: Callable[..., Any] = getattr(apply, verb)

    async def fails_after(*args: Any, **kwargs: Any) -> Any:
        await original(*args, **kwargs)
        raise RuntimeError("the lights went out")

    monkeypatch.setattr(apply, verb, fails_after)
    with pytest.raises(RuntimeError, match="lights"):
        await put(rt, example)
    assert [await column(rt, sql, example) for sql in (state, VEHICLES, ZONE_VERSION)] == before
    assert len((await look(rt, example)).changes) == 6

    monkeypatch.undo()
    await put(rt, example)
    assert (await look(rt, example)).changes == ()


async def test_two_operators_side_by_side(rt: Runtime, tmp_path: Path) -> None:
    one, two = ExampleFolder(tmp_path / "one"), ExampleFolder(tmp_path / "two")
    await put(rt, one)
    before = [await column(rt, sql, one) for sql in (VEHICLES, ZONE_VERSION)]
    await put(rt, two)
    two.write("vehicles.csv", two.read("vehicles.csv").splitlines()[0] + "\n")
    two.replace("zones.geojson", '"radius_m": 120', '"radius_m": 130')
    two.replace("pricing.yaml", "price_minor: 22", "price_minor: 99")
    await put(rt, two)
    assert (await look(rt, one)).changes == ()
    assert [await column(rt, sql, one) for sql in (VEHICLES, ZONE_VERSION)] == before


async def test_what_belongs_to_another_operator_is_refused_at_its_line(rt: Runtime, tmp_path: Path) -> None:
    one, two = ExampleFolder(tmp_path / "one"), ExampleFolder(tmp_path / "two")
    await put(rt, one)
    two.write("operator.yaml", one.read("operator.yaml").replace(one.slug, two.slug))
    two.write("vehicles.csv", one.read("vehicles.csv"))
    with pytest.raises(FolderRefused) as refused:
        await apply_folder(rt, read_folder(two.path, one.environ))
    places = [(fault.file, fault.line, fault.reason) for fault in refused.value.faults]
    assert places == [
        ("operator.yaml", 8, "this key is in use already"),
        ("operator.yaml", 9, "this key is in use already"),
        ("operator.yaml", 12, "this address is staff of another operator"),
        ("vehicles.csv", 2, "this unit belongs to another operator"),
        ("vehicles.csv", 3, "this unit belongs to another operator"),
        ("vehicles.csv", 4, "this unit belongs to another operator"),
    ]
    assert await column(rt, "select id from operator where slug = %(slug)s", two) == []


async def test_what_is_new_needs_its_secret(rt: Runtime, example: ExampleFolder) -> None:
    example.replace("operator.yaml", "    password_env: HARBOUR_OWNER_PASSWORD\n", "")
    example.replace("vehicles.csv", "f3a9c2d47b1e", "")
    with pytest.raises(FolderRefused) as refused:
        await put(rt, example)
    assert [(fault.file, fault.line) for fault in refused.value.faults] == [("operator.yaml", 12), ("vehicles.csv", 2)]


async def test_secrets_may_leave_the_file_once_they_are_known(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    example.replace("operator.yaml", "    password_env: HARBOUR_OWNER_PASSWORD\n", "")
    example.replace("operator.yaml", "  secret_env: HARBOUR_SECRET_KEY\n", "")
    example.replace("vehicles.csv", "f3a9c2d47b1e", "")
    assert (await look(rt, example)).changes == ()


async def test_keys_that_are_not_given_are_made_once(rt: Runtime, example: ExampleFolder) -> None:
    example.replace("operator.yaml", f"  public: harbour-app-{example.tag}\n  secret_env: HARBOUR_SECRET_KEY\n", "")
    example.replace("operator.yaml", "keys:\n", "")
    made = (await put(rt, example)).made_keys
    assert set(made) == {KeyKind.PUBLIC, KeyKind.SECRET}
    assert (await put(rt, example)).made_keys == {}


LIVE_KEYS = """
    select coalesce(to_char(k.expires_at - '2026-06-01 12:00Z', 'HH24'), 'lives') from operator_key k
      join operator o on o.id = k.operator_id where o.slug = %(slug)s and k.kind = 'public' order by k.id
"""


async def test_a_new_key_ends_the_one_before_after_a_while(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    example.replace("operator.yaml", "harbour-app-", "harbour-new-app-")
    example.replace("operator.yaml", "keys:\n", "keys:\n  old_valid_hours: 3\n")
    assert told((await put(rt, example)).plan) == {("changed", "key", "public")}
    assert await column(rt, LIVE_KEYS, example) == ["03", "lives"]


async def test_a_key_that_was_rotated_out_is_not_taken_back(
    rt: Runtime, example: ExampleFolder, clock: SettableClock
) -> None:
    await put(rt, example)
    await rotate_key(rt, RotateKey(slug=example.slug, kind=KeyKind.PUBLIC, grace_s=3_600))
    for moment in (clock.now(), clock.now() + timedelta(hours=2)):
        clock.set(moment)
        plan = (await put(rt, example)).plan
        assert told(plan) == {("left", "key", "public")}
        assert plan.is_empty
        assert await column(rt, LIVE_KEYS, example) == ["01", "lives"]


async def test_the_currency_stays_once_there_is_money(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    example.replace("operator.yaml", "currency: EUR", "currency: SEK")
    assert told(await look(rt, example)) == {("changed", "operator", example.slug)}
    operator_id = (await operator(rt, example)).id
    async with rt.db.write() as tx:
        await tx.execute(
            "insert into ledger_account (operator_id, kind, currency) values (%s, 'REVENUE', 'EUR')", [operator_id]
        )
    with pytest.raises(FolderRefused, match=r"operator\.yaml:3: currency: riders have money in EUR"):
        await put(rt, example)


async def test_two_applies_at_once_both_end_well(rt: Runtime, example: ExampleFolder) -> None:
    one, two = await asyncio.gather(put(rt, example), put(rt, example))
    assert one.operator_id == two.operator_id
    assert sorted([one.plan.is_empty, two.plan.is_empty]) == [False, True]


async def test_a_file_that_moves_a_vehicle_does_not_move_one_that_reported(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    operator_id = (await operator(rt, example)).id
    async with rt.db.write() as tx:
        await tx.execute(
            "update vehicle_state set lat = 60.2, fix_at = %s where operator_id = %s", [rt.clock.now(), operator_id]
        )
    example.replace("vehicles.csv", "1001,kite,60.171100", "1001,gull,60.190000")
    await put(rt, example)
    places = await column(
        rt,
        "select distinct s.lat from vehicle_state s join operator o on o.id = s.operator_id where o.slug = %(slug)s",
        example,
    )
    assert places == [60.2]


async def test_stored_keys_are_hashes_of_those_in_the_folder(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    hashes = await column(
        rt,
        "select k.key_hash from operator_key k join operator o on o.id = k.operator_id where o.slug = %(slug)s",
        example,
    )
    keys = [f"harbour-app-{example.tag}", example.environ["HARBOUR_SECRET_KEY"]]
    assert {bytes(key_hash) for key_hash in hashes} == {hash_token(key) for key in keys}
