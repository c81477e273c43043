"""No key, token or id of one operator reaches anything of another's.

Every operation of the registry is called with credentials of one operator and ids of another, in every mixture. The
other operator's rows must stay exactly as they are, and nothing of them may stand in an answer. An operation with a
field that `tests/kit/samples.py` does not know fails here, so the walk covers whatever is added.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio
from pypdf import PdfReader

from isotope.api.operation import Auth, Operation
from isotope.api.pdf import Pdf
from isotope.api.streams import EventStream
from isotope.domain.tenants import LogInStaff, log_in_staff
from isotope.domain.tenants.model import Role
from isotope.infra.runtime import Runtime
from tests.kit.http import Api, credentials
from tests.kit.samples import (
    World,
    all_operations,
    as_a_rider,
    body_for,
    known_fields,
    make_world,
    references_of,
    required_body,
)

OPERATIONS = all_operations()
# Ids of the victim start here, so that one in an answer is no accident.
FAR = 5_000_000_000


def by_id(operation: Operation) -> str:
    return operation.id


@dataclass(frozen=True, slots=True)
class Two:
    """The one who tries, and the one who must not notice."""

    attacker: World
    victim: World
    markers: frozenset[str]
    numbers: frozenset[int]
    victim_staff_token: str


@pytest_asyncio.fixture
async def two(api: Api) -> AsyncIterator[Two]:
    rt = api.services.rt
    attacker = await make_world(rt)
    await move_sequences(rt)
    victim = await make_world(rt, staff=Role.OWNER)
    assert victim.kit.staff is not None
    session = await log_in_staff(rt, LogInStaff(email=victim.kit.staff.email, password=victim.kit.staff_password))
    yield Two(attacker, victim, await markers_of(rt, victim), numbers_of(victim), session.access_token)


async def move_sequences(rt: Runtime) -> None:
    """Let the next rows have numbers that nothing else has, in no table: not even what walks before this one left."""
    async with rt.db.write() as tx:
        names = [
            name
            for (name,) in await tx.tuples(
                "select pg_get_serial_sequence(table_name, 'id') from information_schema.columns"
                " where column_name = 'id' and is_identity = 'YES' and table_schema = 'public' and table_name in ("
                " 'operator', 'rider', 'vehicle', 'vehicle_model', 'addon', 'tariff', 'zone', 'ride', 'device', 'staff',"
                " 'card', 'card_payment', 'card_setup', 'receipt', 'ledger_transaction', 'package', 'subscription',"
                " 'subscription_plan', 'rental_zone', 'rental_package', 'rental_addon', 'rental_tariff', 'booking',"
                " 'booking_charge', 'booking_refund', 'staff_task', 'taxi_class', 'taxi_vehicle', 'driver',"
                " 'trip', 'trip_offer', 'driver_document')"
            )
        ]
        used = [await tx.scalar("select nextval(%(name)s::regclass)", {"name": name}) for name in names]
        for name in names:
            await tx.execute(
                "select setval(%(name)s::regclass, %(next)s)", {"name": name, "next": max(FAR, max(used) + 1)}
            )


async def markers_of(rt: Runtime, world: World) -> frozenset[str]:
    """Words that only this operator's rows have."""
    async with rt.db.read() as tx:
        zones = await tx.tuples(
            "select title from zone where operator_id = %(id)s and retired_at is null", {"id": world.kit.operator.id}
        )
    rider = world.rider.rider
    return frozenset(
        {
            world.kit.operator.name,
            world.kit.operator.slug,
            world.kit.secret_key,
            rider.name,
            rider.email,
            world.rider.token,
            *world.fleet.nrs,
            *world.fleet.identities,
            world.group_ref,
            world.promo_code,
            world.station_title,
            *world.rentals.cars.nrs,
            *world.rentals.cars.identities,
            world.trip_title,
            world.driver.driver.name,
            world.driver.driver.email,
            world.driver.token,
            *(title for (title,) in zones),
        }
    )


def numbers_of(world: World) -> frozenset[int]:
    fleet = world.fleet
    return frozenset(
        {
            world.kit.operator.id,
            world.rider.id,
            world.ride_id,
            world.card.id,
            world.top_up_id,
            world.receipt_id,
            world.package_id,
            world.plan_id,
            world.subscription_id,
            world.task_id,
            world.charge.id,
            world.charge.booking_id,
            world.rentals.centre_id,
            world.rentals.airport_id,
            world.rentals.weekend_id,
            world.rentals.child_seat_id,
            world.rentals.car_id,
            *world.rentals.cars.vehicle_ids,
            world.driver.id,
            world.driver.vehicle_id,
            world.driver.class_id,
            world.trip.id,
            world.offer_id,
            world.document_id,
            fleet.model_id,
            fleet.tariff_id,
            *fleet.addon_ids,
            *fleet.vehicle_ids,
            *fleet.device_ids,
        }
    )


async def fingerprint(rt: Runtime, world: World) -> dict[str, str]:
    """Every row of the operator in every table, as a hash each table."""
    prints: dict[str, str] = {}
    async with rt.db.read() as tx:
        tables = await tx.tuples(
            "select c.table_name from information_schema.columns c join information_schema.tables t"
            " on t.table_schema = c.table_schema and t.table_name = c.table_name and t.table_type = 'BASE TABLE'"
            " where c.column_name = 'operator_id' and c.table_schema = 'public' order by 1"
        )
        for (table,) in tables:
            rows = await tx.tuples(
                f"select to_jsonb(t)::text from {table} t where operator_id = %(id)s order by 1",
                {"id": world.kit.operator.id},
            )
            prints[table] = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return prints


def leaves(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for inner in value.values():
                yield from leaves(inner)
        case list():
            for inner in value:
                yield from leaves(inner)
        case _:
            yield value


def check_no_trace(two: Two, sent: dict[str, Any], status: int, text: str, where: str) -> None:
    """Nothing of the victim that was not in the request already."""
    told = {str(leaf) for leaf in leaves(sent)}
    for leaf in leaves(json.loads(text)):
        if isinstance(leaf, str):
            found = {marker for marker in two.markers - told if marker in leaf}
            assert not found, f"{where}: {status} tells {found}"
        elif isinstance(leaf, int) and not isinstance(leaf, bool):
            assert leaf not in two.numbers or str(leaf) in told, f"{where}: {status} tells the number {leaf}"


async def call(
    api: Api, operation: Operation, body: dict[str, Any], key: str | None, token: str | None
) -> tuple[int, str]:
    headers = credentials(key, token)
    if operation.method == "GET":
        answer = await api.client.get(operation.path, params=body, headers=headers)
    elif operation.content == "multipart":
        parts = [
            (name, (None, str(item).encode()))
            for name, value in body.items()
            for item in (value if isinstance(value, list) else [value])
        ]
        answer = await api.client.post(operation.path, files=parts, headers=headers)
    else:
        answer = await api.client.request(operation.method, operation.path, json=body, headers=headers)
    if answer.headers["content-type"] == Pdf.MEDIA:
        pages = PdfReader(BytesIO(answer.content)).pages
        return answer.status_code, json.dumps([page.extract_text() for page in pages])
    if answer.headers["content-type"].startswith(EventStream.MEDIA):
        told = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
        return answer.status_code, f"[{','.join(told)}]"
    return answer.status_code, answer.text


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_id)
async def test_own_credentials_with_the_ids_of_another_operator(api: Api, two: Two, operation: Operation) -> None:
    known_fields(operation)
    before = await fingerprint(api.services.rt, two.victim)
    attacker, victim = two.attacker, two.victim
    whole = body_for(operation, attacker, references=victim)
    # Each reference alone too: the first one that is not found must not hide that the next would be.
    required = required_body(operation, attacker)
    bodies = [whole]
    bodies += [required | {"user_id": attacker.rider.id, name: whole[name]} for name in references_of(operation)]
    for body in bodies:
        for token in (attacker.secret, attacker.rider.token, attacker.driver.token, None):
            sent = body if token == attacker.secret else as_a_rider(operation, body)
            if operation.auth is Auth.STAFF:
                continue
            status, text = await call(api, operation, sent, attacker.key, token)
            assert status != 500, text
            check_no_trace(two, sent, status, text, operation.id)
    assert await fingerprint(api.services.rt, two.victim) == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_id)
async def test_credentials_of_another_operator_are_none(api: Api, two: Two, operation: Operation) -> None:
    if operation.auth is Auth.NONE:
        pytest.skip("takes no credentials")
    before = await fingerprint(api.services.rt, two.victim)
    attacker, victim = two.attacker, two.victim
    if operation.auth is Auth.STAFF:
        # No operator's key is read here: only a dashboard token says who calls.
        for token in (
            victim.secret,
            victim.rider.token,
            victim.driver.token,
            attacker.secret,
            attacker.rider.token,
            victim.staff_token[:-1],
        ):
            status, text = await call(api, operation, body_for(operation, victim), victim.key, token)
            assert status == 401, (operation.id, text)
            check_no_trace(two, {}, status, text, operation.id)
        return
    body = body_for(operation, victim)
    # The attacker's app with the victim's credentials, and with the victim's words for everything.
    for token in (victim.secret, victim.rider.token, victim.driver.token, two.victim_staff_token):
        for sent in (body, as_a_rider(operation, body)):
            status, text = await call(api, operation, sent, attacker.key, token)
            if operation.auth is not Auth.PUBLIC:
                assert status == 401, (operation.id, text)
            check_no_trace(two, sent, status, text, operation.id)
    # The victim's app with the attacker's credentials: whoever needs a caller has none.
    if operation.auth is not Auth.PUBLIC:
        for token in (attacker.secret, attacker.rider.token, attacker.driver.token):
            status, text = await call(api, operation, body, victim.key, token)
            assert status == 401, (operation.id, text)
            check_no_trace(two, body, status, text, operation.id)
    assert await fingerprint(api.services.rt, two.victim) == before


async def test_the_walk_would_notice(api: Api, two: Two) -> None:
    """The victim's own calls do leave traces, by the same measures."""
    rt, victim = api.services.rt, two.victim
    before = await fingerprint(rt, victim)
    added = await api.post(
        "/openapi/v1.0/user/add-money",
        {"amount": 1, "money_type": "BONUS", "user_id": victim.rider.id},
        key=victim.key,
        token=victim.secret,
    )
    assert added.status_code == 200
    assert await fingerprint(rt, victim) != before
    data = await api.post("/openapi/v1.0/user/get-user-data", key=victim.key, token=victim.rider.token)
    with pytest.raises(AssertionError, match="tells"):
        check_no_trace(two, {}, data.status_code, data.text, "own data")
    bookings = await api.post(
        "/openapi/v1.0/user/get-user-bookings", {"booking_status": "ALL"}, key=victim.key, token=victim.rider.token
    )
    with pytest.raises(AssertionError, match="tells"):
        check_no_trace(two, {}, bookings.status_code, bookings.text, "own bookings")
