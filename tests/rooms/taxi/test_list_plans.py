"""Lists and looks read what they show, not all trips or riders: each question is explained on tables of some size."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.pricing import english
from isotope.domain.taxi import list_queries, request_queries, show_queries
from isotope.domain.taxi.fares import quote_price
from isotope.domain.taxi.list_queries import Paging, WhichTrips
from isotope.domain.taxi.model import TaxiTariff, TripStatus, TripTerms
from isotope.domain.taxi.near import list_near_drivers
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit.drivers import HELSINKI, make_driver
from tests.kit.plans import ExplainingTx, nodes
from tests.kit.tenants import make_operator

RIDERS, TRIPS = 30_000, 60_000


async def fill(rt: Runtime) -> tuple[Any, int]:
    """An operator with so many riders and trips; every hundredth trip is not over. The number of one of the riders."""
    kit = await make_operator(rt)
    driver = await make_driver(rt, kit.operator)
    await driver.go_online()
    tariff = TaxiTariff(base_minor=400)
    quoted = quote_price(
        tariff, distance_m=1, duration_s=1, stops=0, surge=Decimal(1), is_scheduled=False, words=english
    )
    terms = TripTerms(
        class_ref="c",
        class_title="C",
        tariff=tariff,
        distance_m=1,
        duration_s=1,
        surge="1",
        quoted=quoted,
        time_zone="Europe/Helsinki",
        commission_pct="20",
    )
    params = {
        "operator_id": kit.operator.id,
        "class_id": driver.class_id,
        "now": rt.clock.now(),
        "riders": RIDERS,
        "trips": TRIPS,
        "terms": Jsonb(msgspec.to_builtins(terms)),
    }
    async with rt.db.write() as tx:
        await tx.execute(
            """
            insert into rider (operator_id, name, email, phone_prefix, phone, language, status, created_at)
            select %(operator_id)s, 'Rider ' || md5(nr::text), md5(nr::text) || '@example.test', '358',
                   (400000000 + nr)::text, 'en', 'ACTIVE', %(now)s
              from generate_series(1, %(riders)s) nr
            """,
            params,
        )
        first = int(await tx.scalar("select min(id) from rider where operator_id = %(operator_id)s", params))
        await tx.execute(
            """
            insert into trip (operator_id, rider_id, class_id, status, quote_id, payment, payment_method_id, currency,
                              terms, requested_at, scheduled_at, closed_at, closed_by, outcome)
            select %(operator_id)s, %(first)s + nr %% %(riders)s, %(class_id)s,
                   case when nr %% 200 = 0 then 'REQUESTED' when nr %% 200 = 100 then 'SCHEDULED' else 'CANCELED' end,
                   gen_random_uuid(), 'CASH', 'cash', 'EUR', %(terms)s, %(now)s - nr * interval '1 minute',
                   case when nr %% 200 = 100 then %(now)s end,
                   case when nr %% 100 = 0 then null else %(now)s end, case when nr %% 100 = 0 then null else 'system' end,
                   case when nr %% 100 = 0 then null else 'no_driver' end
              from generate_series(1, %(trips)s) nr
            """,
            params | {"first": first},
        )
    async with rt.db.write() as tx:
        await tx.execute("analyze")
    return kit, first


async def test_no_question_reads_everything(fresh_database_url: str) -> None:
    db = Database(fresh_database_url, max_size=2)
    await db.open()
    try:
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(fresh_database_url), jobs=Jobs())
        kit, rider_id = await fill(rt)
        operator, now = kit.operator, rt.clock.now()
        async with db.read() as tx:
            explaining = ExplainingTx(tx)
            one = await tx.scalar("select phone from rider where id = %(id)s", {"id": rider_id + 42})
            another = await tx.scalar("select phone from rider where id = %(id)s", {"id": rider_id + 7})
            first = Paging(1, 20)

            async def page(**which: Any) -> int:
                rows, count = await list_queries.list_trips(explaining, operator.id, WhichTrips(**which), first)
                assert len(rows) == min(count, 20)
                return count

            assert await page(search=one) == TRIPS // RIDERS
            assert 50 < await page(since=now - timedelta(hours=1)) <= 60
            assert await page(statuses=[TripStatus.REQUESTED]) == TRIPS // 200
            found, count = await list_queries.list_customers(explaining, operator.id, "EUR", another, first)
            assert (found[0].id, found[0].trips, count) == (rider_id + 7, TRIPS // RIDERS, 1)
            await request_queries.count_open_trips(explaining, operator.id, found[0].id)
            await show_queries.get_scheduled(explaining, operator.id, found[0].id)
            await show_queries.list_scheduled(explaining, operator.id, found[0].id)
            assert len(await list_near_drivers(explaining, operator, HELSINKI, now, is_cash=True)) == 1
    finally:
        await db.close()
    reads = [
        (sql, node)
        for sql, plan in explaining.plans.items()
        for node in nodes(plan)
        if node.get("Relation Name") in {"trip", "rider", "trip_point"}
    ]
    assert len(reads) > 8
    for sql, node in reads:
        assert node["Node Type"] != "Seq Scan", (sql, node)
