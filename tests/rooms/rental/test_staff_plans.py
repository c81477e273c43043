"""Lists of staff read a page of an operator's bookings, not all of them."""

from datetime import timedelta
from typing import Any

from isotope.domain.rental.model import Booking, BookingStatus
from isotope.domain.rental.staff_queries import WhichBookings, list_all_bookings
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit.large_rentals import make_large_rentals
from tests.kit.plans import ExplainingTx, nodes

PAGE = 51


async def test_a_page_of_bookings_is_found_by_an_index(fresh_database_url: str) -> None:
    db = Database(fresh_database_url, max_size=2)
    await db.open()
    try:
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(fresh_database_url), jobs=Jobs())
        large = await make_large_rentals(rt, stations=4, models=2, vehicles=200, bookings_each=30)
        async with db.write() as tx:
            await tx.execute("analyze")
        span: dict[str, Any] = {"since": large.now - timedelta(days=30), "until": large.now + timedelta(days=300)}
        async with db.read() as tx:
            explaining = ExplainingTx(tx)

            async def page(after: Booking | None = None, **which: Any) -> list[Booking]:
                asked = WhichBookings(**(span | which))
                return await list_all_bookings(explaining, large.kit.operator.id, asked, after, PAGE)

            first = await page()
            assert len(first) == PAGE
            assert len(await page(first[-1])) == PAGE
            assert len(await page(station_id=large.station_ids[1])) == PAGE
            assert len(await page(vehicle_id=large.vehicle_ids[7])) == 30
            assert len(await page(statuses=(BookingStatus.UPCOMING,))) == PAGE
            assert len(await page(booking_id=first[0].id)) == 1
    finally:
        await db.close()
    reads = [(sql, node) for sql, plan in explaining.plans.items() for node in nodes(plan) if "Relation Name" in node]
    assert reads
    for sql, node in reads:
        assert node["Node Type"] in {"Index Scan", "Bitmap Heap Scan"}, (sql, node)
