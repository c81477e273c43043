"""Nothing that a driver's app asks every few seconds reads all drivers, trips or offers."""

from datetime import timedelta

from isotope.domain.drivers import queries, store
from isotope.domain.drivers.model import DriverDocumentId
from isotope.domain.taxi import driver_queries
from isotope.domain.wallet import get_driver_balance, list_driver_entries
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database, Tx
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId, TripId
from tests.kit.drivers import HELSINKI, DriverKit, make_driver, make_request
from tests.kit.plans import ExplainingTx, nodes
from tests.kit.riders import make_rider
from tests.kit.tenants import make_operator

DRIVERS, TRIPS = 3_000, 20_000
SMALL = {
    "driver_document_image",
    "taxi_vehicle",
    "driver_vehicle",
    "ledger_account",
    "ledger_entry",
    "ledger_transaction",
}


async def fill(tx: Tx, dora: DriverKit, trip_id: TripId) -> None:
    """Many drivers beside one, and many trips of them all."""
    given = {"operator_id": dora.operator.id, "drivers": DRIVERS, "trips": TRIPS, "model": trip_id, "dora": dora.id}
    for sql in (
        """
        insert into driver (operator_id, name, phone_prefix, phone, language, status, cash_allowed, created_at)
        select operator_id, name, phone_prefix, (500000000 + nr)::text, language, status, cash_allowed, created_at
          from driver, generate_series(1, %(drivers)s) nr where operator_id = %(operator_id)s and id = %(dora)s
        """,
        """
        insert into driver_state (operator_id, driver_id) select operator_id, id from driver
         where operator_id = %(operator_id)s on conflict do nothing
        """,
        """
        insert into driver_token (token_hash, operator_id, driver_id, created_at, expires_at)
        select sha256(id::text::bytea), operator_id, id, created_at, created_at + interval '30 days' from driver
         where operator_id = %(operator_id)s
        """,
        """
        insert into driver_document (operator_id, driver_id, kind, status, created_at)
        select operator_id, id, kind, 'APPROVED', created_at from driver, unnest('{licence,permit}'::text[]) kind
         where operator_id = %(operator_id)s
        """,
        """
        insert into trip (operator_id, rider_id, class_id, status, quote_id, driver_id, vehicle_id, payment, payment_method_id,
                          currency, terms, requested_at, accepted_at, started_at, ended_at, closed_at, outcome, closed_by,
                          total_minor, cash_minor)
        select t.operator_id, t.rider_id, t.class_id, 'ENDED', gen_random_uuid(), d.id, v.vehicle_id, t.payment,
               t.payment_method_id, t.currency, t.terms, t.requested_at, t.requested_at, t.requested_at, t.requested_at,
               t.requested_at - nr * interval '1 minute', 'driven', 'system', 1000, 1000
          from generate_series(1, %(trips)s) nr
          join trip t on t.operator_id = %(operator_id)s and t.id = %(model)s
          join lateral (select id from driver where operator_id = %(operator_id)s order by id offset nr %% 200 limit 1) d
            on true
          join driver_vehicle v on v.operator_id = %(operator_id)s
        """,
        """
        insert into trip_offer (operator_id, trip_id, driver_id, status, slot, offered_at, expires_at, answered_at, eta_s,
                                distance_m)
        select operator_id, id, driver_id, 'ACCEPTED', 1, requested_at, requested_at, requested_at, 60, 400
          from trip where operator_id = %(operator_id)s and driver_id is not null
        """,
        """
        insert into trip_offer (operator_id, trip_id, driver_id, status, slot, offered_at, expires_at, eta_s, distance_m)
        select operator_id, %(model)s, id, 'OPEN', 1, created_at, created_at + interval '1 hour', 60, 400
          from driver where operator_id = %(operator_id)s
        """,
        """
        insert into trip_point (operator_id, trip_id, nr, lat, lon, title)
        select operator_id, id, nr, 60, 24, 'x' from trip, generate_series(0, 1) nr
         where operator_id = %(operator_id)s and driver_id is not null
        """,
    ):
        await tx.execute(sql, given)


async def ask_everything(tx: Tx, dora: DriverKit, trip_id: TripId) -> None:
    operator_id, now = dora.operator.id, dora.rt.clock.now()
    await queries.find_driver(tx, operator_id, dora.id)
    await queries.get_drivers(tx, operator_id, [dora.id])
    await queries.find_driver_by_token_hash(tx, operator_id, b"x" * 32, now)
    await queries.find_state(tx, operator_id, dora.id)
    await queries.list_vehicles_of(tx, operator_id, dora.id)
    await queries.list_held_kinds(tx, operator_id, dora.id, now.date())
    await queries.count_pending(tx, operator_id, dora.id)
    await queries.list_documents_of(tx, operator_id, dora.id)
    await queries.list_pending_documents(tx, operator_id, DriverDocumentId(1), 20)
    await queries.list_settled_documents(tx, operator_id, now - timedelta(days=60), 200)
    await queries.list_online_drivers(tx, operator_id, DriverId(0), 200)
    await store.save_position(tx, operator_id, dora.id, HELSINKI, 90, now, now)
    await store.delete_ended_tokens(tx, now - timedelta(days=1), 100)
    await driver_queries.list_open_offers(tx, operator_id, dora.id, now)
    await driver_queries.find_current_trip(tx, operator_id, dora.id)
    await driver_queries.list_promised_trips(tx, operator_id, dora.id)
    await driver_queries.get_trips(tx, operator_id, [trip_id])
    await driver_queries.get_stops(tx, operator_id, [trip_id])
    assert len(await driver_queries.list_trips_of_driver(tx, operator_id, dora.id, None, 20)) == 20
    earned = await driver_queries.sum_earnings(tx, operator_id, dora.id, now - timedelta(days=1), now, "EUR")
    assert 0 < earned.trips < TRIPS // 200
    await get_driver_balance(tx, operator_id, dora.id, "EUR")
    await list_driver_entries(tx, operator_id, dora.id, "EUR", limit=20)


async def test_everything_is_found_by_an_index(fresh_database_url: str) -> None:
    db = Database(fresh_database_url, max_size=2)
    await db.open()
    try:
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(fresh_database_url), jobs=Jobs())
        operator = (await make_operator(rt)).operator
        dora = await make_driver(rt, operator)
        await dora.go_online()
        trip = await make_request(rt, operator, (await make_rider(rt, operator)).id, dora.class_id)
        async with db.write() as tx:
            await fill(tx, dora, trip.id)
        async with db.write() as tx:
            await tx.execute("analyze")
        async with db.write() as tx:
            explaining = ExplainingTx(tx)
            await ask_everything(explaining, dora, trip.id)
    finally:
        await db.close()

    reads = [(sql, node) for sql, plan in explaining.plans.items() for node in nodes(plan) if "Relation Name" in node]
    assert {node["Relation Name"] for _sql, node in reads} >= {
        "driver",
        "driver_state",
        "driver_token",
        "trip",
        "trip_offer",
    }
    slow = [
        (sql, node["Relation Name"])
        for sql, node in reads
        if node["Relation Name"] not in SMALL and node["Node Type"] == "Seq Scan"
    ]
    assert slow == []
    # By whom, and not all of the operator's that are left after.
    filtered = [
        (sql, node["Filter"])
        for sql, node in reads
        if node["Relation Name"] not in SMALL
        and "driver_id" in str(node.get("Filter", "")).replace("driver_id IS NOT NULL", "")
    ]
    assert filtered == []
