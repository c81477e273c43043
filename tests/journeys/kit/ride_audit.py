"""What must hold of every ride when the dust has settled, whatever died, lied or came twice."""

from typing import Any

from isotope.domain.devices import await_outcome, expire_due_commands
from isotope.domain.payments import resolve_card_calls
from isotope.domain.pricing import NOTHING_AT_END, bill
from isotope.domain.sharing import find_ride
from isotope.domain.sharing.model import CLOSED, EventKind, RideEvent, RideStatus
from isotope.domain.sharing.queries import list_events
from isotope.domain.sharing.rules import ride_usage
from isotope.domain.wallet import check_ledger
from isotope.kernel.ids import RideId
from tests.kit.city import City
from tests.kit.clock import SettableClock
from tests.kit.jobs import run_due_jobs
from tests.kit.riders import RiderKit

WAITING = "('ACTIVE', 'PAUSED', 'ENDED', 'FAILED')"


async def worker_goes_on(city: City, clock: SettableClock) -> None:
    """What the worker does, minute by minute, every job twice, until no ride waits for anything."""
    services = city.api.services
    for _ in range(10):
        await commands_are_over(city)
        clock.advance(minutes=1)
        await expire_due_commands(city.rt)
        await run_due_jobs(services, city.kit.operator.id, times=2)
        await resolve_card_calls(city.rt, services.cards, services.operators)
        if not await column(city, f"select id from ride where operator_id = %s and status not in {WAITING}"):
            return
    raise AssertionError("a ride still waits")


async def commands_are_over(city: City) -> None:
    """What was ordered of a vehicle has had its time, which the tests' clock does not give."""
    for command_id in await column(
        city, "select id from device_command where operator_id = %s and finished_at is null"
    ):
        await await_outcome(city.rt, city.kit.operator.id, command_id, 1.5)


async def column(city: City, sql: Any) -> list[Any]:
    """The first column of a query whose only parameter is the operator."""
    async with city.rt.db.read() as tx:
        return [row[0] for row in await tx.tuples(sql, [city.kit.operator.id])]


async def one_outcome_and_the_right_money(city: City, rider: RiderKit, given_minor: int) -> None:
    """Each ride has begun and ended at most once, costs what its events say, and was paid once; nobody has a vehicle."""
    spent = 0
    for ride_id in await column(city, "select id from ride where operator_id = %s order by id"):
        spent += await _audit(city, RideId(ride_id))
    standing = await city.standing(rider)
    assert standing.balance_minor - standing.debt_minor == given_minor - spent
    async with city.rt.db.read() as tx:
        assert await check_ledger(tx, city.kit.operator.id) == []
    assert await column(city, "select held_by from vehicle where operator_id = %s and held_by is not null") == []
    assert await column(city, "select id from device_command where operator_id = %s and finished_at is null") == []


async def _audit(city: City, ride_id: RideId) -> int:
    """What the ride cost."""
    async with city.rt.db.read() as tx:
        ride = await find_ride(tx, city.kit.operator.id, ride_id)
        events = await list_events(tx, city.kit.operator.id, ride_id)
        charged = await tx.scalar(
            """
            select count(distinct t.id) from ledger_transaction t
             where t.operator_id = %(operator_id)s and t.cause = %(cause)s and t.reason = 'ride'
            """,
            {"operator_id": city.kit.operator.id, "cause": f"ride:{ride_id}"},
        )
    assert ride is not None
    assert ride.status in CLOSED, f"ride {ride_id} is {ride.status}"
    assert _count(events, EventKind.ENDED) + _count(events, EventKind.FAILED) == 1
    assert [event.nr for event in events] == list(range(1, len(events) + 1))
    if ride.status is RideStatus.FAILED:
        assert (ride.total_minor, charged) == (None, 0)
        return 0
    assert ride.started_at is not None
    assert ride.ended_at is not None
    assert ride.ended_at >= ride.started_at
    assert _count(events, EventKind.STARTED) == 1
    used = ride_usage(events, ride.ended_at, ride.distance_m or 0)
    priced = bill(ride.terms.agreed, used, ride.at_end or NOTHING_AT_END)
    assert priced.total_minor == ride.total_minor
    assert charged == (1 if ride.total_minor else 0)
    return ride.total_minor or 0


def _count(events: list[RideEvent], kind: EventKind) -> int:
    return sum(event.kind is kind for event in events)
