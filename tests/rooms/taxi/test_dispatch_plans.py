"""A round reads what is open and who is free, however many trips were driven: its questions are explained at some size."""

import time

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.taxi.dispatch import gather
from isotope.domain.taxi.usecases.update_surge import update_surge_of
from isotope.domain.taxi.usecases.watch_trips import watch_trips
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit.clock import SettableClock
from tests.kit.plans import ExplainingTx, nodes
from tests.kit.taxis import Taxis, make_taxis

DRIVERS, ONLINE, TRIPS, OPEN, LATER = 3_000, 1_000, 10_000, 100, 50
SLOWEST_S = 1.0
BY_INDEX = {"trip", "trip_point", "trip_event", "trip_offer"}


async def fill(taxis: Taxis) -> None:
    """Drivers, trips of weeks with two offers each, some that look for a driver now, some for later that are promised."""
    rider = await taxis.rider()
    pattern = await taxis.request(rider)
    values = {
        "operator": taxis.operator.id,
        "class": taxis.class_id,
        "rider": rider.id,
        "now": taxis.clock.now(),
        "terms": Jsonb(msgspec.to_builtins(pattern.terms)),
        "drivers": DRIVERS,
        "online": ONLINE,
        "trips": TRIPS,
        "open": OPEN,
        "later": LATER,
    }
    async with taxis.rt.db.write() as tx:
        await tx.execute(
            """
            with cars as (
                insert into taxi_vehicle (operator_id, plate, title, seats, class_ids)
                select %(operator)s, 'P-' || n, 'Car', 4, array[%(class)s::bigint] from generate_series(1, %(drivers)s::int) n
                returning id
            ), people as (
                insert into driver (operator_id, name, phone_prefix, phone, language, status, cash_allowed, created_at)
                select %(operator)s, 'Driver', '358', '40' || n, 'en', 'ACTIVE', true, %(now)s
                  from generate_series(1, %(drivers)s::int) n returning id
            ), pairs as (
                select p.id as driver_id, c.id as vehicle_id, p.n
                  from (select id, row_number() over (order by id) as n from people) p
                  join (select id, row_number() over (order by id) as n from cars) c on c.n = p.n
            )
            insert into driver_state (operator_id, driver_id, is_online, vehicle_id, class_ids, lat, lon, position_at, seen_at,
                                      online_since, idle_since)
            select %(operator)s, driver_id, n <= %(online)s, vehicle_id, array[%(class)s::bigint], 60.1 + n * 0.00003,
                   24.9 + n * 0.00003, %(now)s, %(now)s, %(now)s, case when n <= %(online)s then %(now)s::timestamptz end
              from pairs
            """,
            values,
        )
        await tx.execute(
            """
            with made as (
                insert into trip (operator_id, rider_id, class_id, status, quote_id, driver_id, vehicle_id, payment,
                                  payment_method_id, currency, terms, requested_at, scheduled_at, search_until, started_at,
                                  ended_at, closed_at, next_at)
                select %(operator)s, %(rider)s, %(class)s,
                       case when n <= %(open)s then 'REQUESTED' when n <= %(open)s + %(later)s then 'SCHEDULED'
                            else 'ENDED' end,
                       gen_random_uuid(), case when n > %(open)s then s.driver_id end,
                       case when n > %(open)s then s.vehicle_id end, 'CASH', 'cash', 'EUR', %(terms)s,
                       %(now)s::timestamptz - case when n <= %(open)s + %(later)s then interval '0' else interval '1 day' end,
                       case when n between %(open)s + 1 and %(open)s + %(later)s
                            then %(now)s::timestamptz + interval '1 hour' end,
                       case when n <= %(open)s then %(now)s::timestamptz + interval '5 minutes' end,
                       case when n > %(open)s + %(later)s then %(now)s::timestamptz end,
                       case when n > %(open)s + %(later)s then %(now)s::timestamptz end,
                       case when n > %(open)s + %(later)s then %(now)s::timestamptz end,
                       case when n <= %(open)s + %(later)s then %(now)s::timestamptz + interval '5 minutes' end
                  from generate_series(1, %(trips)s::int) n
                  join (select driver_id, vehicle_id, row_number() over (order by driver_id) as nr from driver_state
                         where operator_id = %(operator)s) s on s.nr = n %% %(drivers)s::int + 1
                returning id, status
            ), points as (
                insert into trip_point (operator_id, trip_id, nr, lat, lon, title)
                select %(operator)s, id, nr, 60.17 + nr * 0.01, 24.94, 'Place' from made cross join generate_series(0, 1) nr
            ), events as (
                insert into trip_event (operator_id, trip_id, nr, kind, to_status, at, actor)
                select %(operator)s, id, 1, 'moved', status, %(now)s, 'system' from made
            )
            insert into trip_offer (operator_id, trip_id, driver_id, status, slot, offered_at, expires_at, answered_at, eta_s,
                                    distance_m)
            select %(operator)s, m.id, s.driver_id, 'EXPIRED', 1, %(now)s, %(now)s, %(now)s, 60, 500
              from (select id, row_number() over (order by id) as n from made) m
              join (select driver_id, row_number() over (order by driver_id) as nr from driver_state
                     where operator_id = %(operator)s) s on s.nr in (m.n %% %(drivers)s + 1, (m.n + 7) %% %(drivers)s + 1)
            """,
            values,
        )
        await tx.execute("analyze")


async def test_a_round_reads_by_index_what_it_needs(fresh_database_url: str) -> None:
    db = Database(fresh_database_url, max_size=2)
    await db.open()
    clock = SettableClock()
    try:
        rt = Runtime(db=db, clock=clock, hub=Hub(fresh_database_url), jobs=Jobs())
        taxis = await make_taxis(rt, clock)
        await fill(taxis)
        operator, settings = taxis.operator, taxis.operator.settings.taxi
        async with db.read() as tx:
            explaining = ExplainingTx(tx)
            began = time.monotonic()
            assert await gather.list_operators_asked(explaining, clock.now()) == [operator.id]
            requests = await gather.list_requests(explaining, operator.id, settings, clock.now())
            drivers = await gather.list_free_drivers(explaining, operator.id, settings, operator.currency, clock.now())
            took_s = time.monotonic() - began
        assert (len(requests), len(drivers)) == (OPEN + 1, ONLINE)
        assert sum(len(driver.promised) for driver in drivers) == LATER
        clock.advance(minutes=10)
        assert await watch_trips(rt, taxis.cards, taxis.operators) > OPEN
        assert await update_surge_of(rt, operator) == 0
    finally:
        await db.close()

    assert took_s < SLOWEST_S
    reads = [(sql, node) for sql, plan in explaining.plans.items() for node in nodes(plan) if "Relation Name" in node]
    assert {node["Relation Name"] for _sql, node in reads} >= {"trip", "trip_offer", "trip_event", "driver_state"}
    for sql, node in reads:
        if node["Relation Name"] in BY_INDEX:
            assert node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, (sql, node)
