"""From the acceptance to the end, with all that can come between."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from isotope.domain.taxi.model import Outcome, TripStatus
from isotope.domain.taxi.usecases.rate_trip import RateTrip, rate_trip
from isotope.domain.taxi.usecases.reach_stop import ReachStop, reach_stop
from isotope.domain.tenants.model import Settings, TaxiSettings
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, driver_actor, rider_actor
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from tests.kit.cards import SandboxKit
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI
from tests.kit.refusals import refused
from tests.kit.trips import BETWEEN, QUOTED, THERE, Trips, some_trips

pytestmark = pytest.mark.asyncio

S = TripStatus
# 110 m and 90 m from the pick-up.
OUTSIDE, NEAR = Point(60.17089, 24.9384), Point(60.17071, 24.9384)


async def test_a_trip_is_driven_and_each_change_is_written_down(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request()
    ended = await trips.drive(trip, driver)
    assert (ended.status, ended.outcome, ended.total_minor) == (S.ENDED, Outcome.DRIVEN, QUOTED)
    assert ended.closed_by == driver_actor(driver.id)
    changes = [(one.from_status, one.to_status, one.actor) for one in await trips.events(trip) if one.to_status]
    by_driver = driver_actor(driver.id)
    assert changes == [
        (None, S.REQUESTED, rider_actor(trips.rider.id)),
        (S.REQUESTED, S.ACCEPTED, by_driver),
        (S.ACCEPTED, S.ARRIVED, by_driver),
        (S.ARRIVED, S.STARTED, by_driver),
        (S.STARTED, S.ENDED, by_driver),
    ]
    assert (await trips.state(driver)).idle_since == trips.clock.now()


async def test_whoever_has_a_trip_is_busy(trips: Trips) -> None:
    driver = await trips.driver()
    one, other = await trips.request(), await trips.request()
    offer = await trips.offer(other, driver)
    await trips.accept(one, driver)
    assert (await trips.state(driver)).idle_since is None
    # What else they were offered is not theirs any more.
    assert await trips.offers(other) == ["WITHDRAWN"]
    with refused("offer_taken"):
        await trips.take(offer)


async def test_everything_said_twice_is_said_once(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request()
    offer = await trips.offer(trip, driver)
    for _ in range(2):
        assert (await trips.take(offer)).status is S.ACCEPTED
    for _ in range(2):
        assert (await trips.arrive(trip, driver)).status is S.ARRIVED
    for _ in range(2):
        assert (await trips.start(trip, driver)).status is S.STARTED
    ended = [await trips.end(trip, driver) for _ in range(2)]
    assert ended[0] == ended[1]
    assert len([one for one in await trips.events(trip) if one.to_status]) == 5
    await trips.the_books_agree()


async def test_fifty_drivers_accept_one_trip_at_once_and_one_has_it(trips: Trips) -> None:
    drivers = [await trips.driver() for _ in range(50)]
    trip = await trips.request()
    offers = [await trips.offer(trip, driver) for driver in drivers]
    answers = await asyncio.gather(*(trips.take(offer) for offer in offers), return_exceptions=True)
    won = [driver.id for driver, answer in zip(drivers, answers, strict=True) if not isinstance(answer, BaseException)]
    assert len(won) == 1
    assert {answer.code for answer in answers if isinstance(answer, Refusal)} == {"offer_taken"}
    assert sum(isinstance(answer, Refusal) for answer in answers) == 49
    assert (await trips.find(trip)).driver_id == won[0]
    assert sorted(await trips.offers(trip)) == ["ACCEPTED"] + ["WITHDRAWN"] * 49
    busy = [driver.id for driver in drivers if (await trips.state(driver)).idle_since is None]
    assert busy == won


async def test_a_driver_who_accepts_two_trips_at_once_has_one(trips: Trips) -> None:
    driver = await trips.driver()
    offers = [await trips.offer(await trips.request(), driver) for _ in range(3)]
    answers = await asyncio.gather(*(trips.take(offer) for offer in offers), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert all(isinstance(answer, Refusal) for answer in answers if isinstance(answer, BaseException))
    assert sorted(trip.status for trip in await trips.all()) == [S.ACCEPTED, S.REQUESTED, S.REQUESTED]


async def test_an_offer_ends_at_its_time(trips: Trips) -> None:
    driver = await trips.driver()
    offer = await trips.offer(await trips.request(), driver)
    trips.clock.advance(seconds=30)
    with refused("offer_ended"):
        await trips.take(offer)


async def test_a_cancel_and_an_acceptance_at_once_leave_one_truth(trips: Trips) -> None:
    for _ in range(5):
        driver = await trips.driver()
        trip = await trips.request()
        offer = await trips.offer(trip, driver)
        accepted, _canceled = await asyncio.gather(trips.take(offer), trips.cancel(trip), return_exceptions=True)
        now = await trips.find(trip)
        assert now.status is S.CANCELED
        assert (await trips.state(driver)).idle_since is not None
        assert now.driver_id == (None if isinstance(accepted, BaseException) else driver.id)


async def test_arrived_is_said_at_the_pick_up(trips: Trips) -> None:
    driver = await trips.driver(OUTSIDE)
    trip = await trips.request()
    await trips.accept(trip, driver)
    with refused("too_far_from_pick_up") as told:
        await trips.arrive(trip, driver)
    assert told.it.details == {"away_m": 110, "allowed_m": 100}
    trips.clock.advance(seconds=10)
    await trips.at(driver, NEAR)
    assert (await trips.arrive(trip, driver)).arrived_at == trips.clock.now()


async def test_arrived_is_not_said_by_an_old_position(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request()
    await trips.accept(trip, driver)
    trips.clock.advance(seconds=181)
    with refused("driver_position_unknown"):
        await trips.arrive(trip, driver)


async def test_only_its_driver_drives_it(trips: Trips) -> None:
    driver, other = await trips.driver(), await trips.driver()
    trip = await trips.request()
    await trips.accept(trip, driver)
    for act in (trips.arrive, trips.start, trips.end, trips.give_up):
        with refused("trip_not_found"):
            await act(trip, other)


async def test_nothing_is_skipped(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request()
    await trips.accept(trip, driver)
    with refused("trip_status") as told:
        await trips.start(trip, driver)
    assert told.it.details == {"status": "ACCEPTED", "allowed": ["ARRIVED"]}
    with refused("trip_status") as told:
        await trips.end(trip, driver)
    assert told.it.details == {"status": "ACCEPTED", "allowed": ["STARTED"]}
    await trips.arrive(trip, driver)
    await trips.start(trip, driver)
    with refused("trip_status"):
        await trips.cancel(trip)
    with refused("trip_status"):
        await trips.give_up(trip, driver)


async def test_the_rider_reads_four_digits_out(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request(pin="0417")
    await trips.accept(trip, driver)
    await trips.arrive(trip, driver)
    for wrong in (None, "", "0418", "417"):
        with refused("wrong_pin"):
            await trips.start(trip, driver, wrong)
    assert (await trips.start(trip, driver, " 0417 ")).status is S.STARTED


async def test_stops_on_the_way_are_reached_once_each(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request(stops=[BETWEEN, BETWEEN])

    async def reach(nr: int) -> None:
        await reach_stop(trips.rt, ReachStop(operator=trips.operator, driver_id=driver.id, trip_id=trip.id, nr=nr))

    await trips.accept(trip, driver)
    with refused("trip_status"):
        await reach(1)
    await trips.arrive(trip, driver)
    await trips.start(trip, driver)
    for nr in (0, 3, 4):
        with refused("validation_failed"):
            await reach(nr)
    await reach(1)
    await reach(1)
    assert [one.data for one in await trips.events(trip) if one.kind == "stop_reached"] == [{"nr": 1}]


async def test_a_drive_is_measured_and_another_one_is_priced_anew(trips: Trips) -> None:
    await trips.add(10_000)
    driver = await trips.driver()
    trip = await trips.request()
    await trips.accept(trip, driver)
    await trips.arrive(trip, driver)
    await trips.start(trip, driver)
    # North and back three times over: 1,501 m each way.
    await trips.at(driver, THERE, HELSINKI, THERE, HELSINKI, THERE, step_s=100)
    ended = await trips.end(trip, driver)
    assert ended.driven_m == pytest.approx(7_506, abs=5)
    metres = round(ended.driven_m)
    assert ended.total_minor == 400 + (metres * 100 + 500) // 1000 + 500 // 60 * 30 + 10
    await trips.the_books_agree()


async def test_positions_that_jump_or_come_late_are_no_metres(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request()
    await trips.accept(trip, driver)
    await trips.arrive(trip, driver)
    await trips.start(trip, driver)
    await trips.at(driver, BETWEEN, step_s=60)
    before = (await trips.find(trip)).driven_m
    assert before == pytest.approx(678, abs=2)
    await trips.at(driver, Point(61.0, 24.9384), step_s=1)
    # The same moment again.
    await trips.at(driver, THERE)
    assert (await trips.find(trip)).driven_m == before


async def test_a_trip_that_is_given_up_goes_to_others_once_at_its_price(trips: Trips) -> None:
    one, two, three = [await trips.driver() for _ in range(3)]
    trip = await trips.request(surge="1.5")
    await trips.accept(trip, one)
    await trips.arrive(trip, one)
    again = await trips.give_up(trip, one)
    assert (again.status, again.reoffers, again.terms) == (S.REQUESTED, 1, trip.terms)
    assert (again.driver_id, again.vehicle_id, again.arrived_at) == (None, None, None)
    assert again.search_until == trips.clock.now() + timedelta(seconds=120)
    assert (await trips.state(one)).idle_since is not None
    # Who gave it up is not offered it again.
    with pytest.raises(AssertionError):
        await trips.offer(trip, one)
    await trips.accept(trip, two)
    over = await trips.give_up(trip, two)
    assert (over.status, over.outcome, over.total_minor) == (S.CANCELED, Outcome.DRIVER_CANCELED, 0)
    with refused("trip_not_found"):
        await trips.give_up(trip, three)
    await trips.the_books_agree()


async def test_a_promise_that_is_taken_back_leaves_the_trip_to_others(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request(in_h=3)
    promised = await trips.accept(trip, driver)
    assert (promised.status, promised.driver_id) == (S.SCHEDULED, driver.id)
    assert (await trips.state(driver)).idle_since is not None
    free = await trips.give_up(trip, driver)
    assert (free.status, free.driver_id, free.reoffers) == (S.SCHEDULED, None, 0)


async def test_two_promises_of_a_driver_do_not_clash(trips: Trips) -> None:
    driver = await trips.driver()
    await trips.accept(await trips.request(in_h=3), driver)
    with refused("promise_clashes"):
        await trips.accept(await trips.request(in_h=3.5), driver)
    await trips.accept(await trips.request(in_h=3.6), driver)


async def test_nobody_came(trips: Trips) -> None:
    await trips.add(5_000)
    driver = await trips.driver()
    trip = await trips.request()
    await trips.accept(trip, driver)
    with refused("trip_status"):
        await trips.give_up(trip, driver, "no_show")
    await trips.arrive(trip, driver)
    trips.clock.advance(seconds=299)
    with refused("too_early_for_no_show") as told:
        await trips.give_up(trip, driver, "no_show")
    assert told.it.details == {"seconds": 1}
    trips.clock.advance(seconds=1)
    over = await trips.give_up(trip, driver, "no_show")
    assert (over.status, over.outcome, over.total_minor, over.tax_minor) == (S.CANCELED, Outcome.NO_SHOW, 800, 73)
    assert [line.code for line in over.lines] == ["taxi_no_show_fee"]
    assert await trips.has() == (4_200, 0, 0, 0)
    assert await trips.owed_to(driver) == 640
    await trips.the_books_agree()


async def test_a_no_show_counts_from_the_time_that_was_ordered(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request(in_h=1)
    await trips.accept(trip, driver)
    trips.clock.advance(minutes=50)
    await trips.at(driver, HELSINKI)
    async with trips.rt.db.write() as tx:
        await tx.execute(
            """
            update trip set status = 'ACCEPTED', accepted_at = %(now)s, next_at = null
             where operator_id = %(operator_id)s and id = %(id)s
            """,
            {"operator_id": trips.operator.id, "id": trip.id, "now": trips.clock.now()},
        )
    await trips.arrive(trip, driver)
    trips.clock.advance(minutes=10)
    with refused("too_early_for_no_show") as told:
        await trips.give_up(trip, driver, "no_show")
    assert told.it.details == {"seconds": 300}


async def test_a_rider_rates_once_after_the_end(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request()

    async def rate(rating: int, comment: str | None = None) -> None:
        await rate_trip(
            trips.rt,
            RateTrip(
                operator=trips.operator,
                rider_id=trips.rider.id,
                trip_id=trip.id,
                rating=rating,
                comment=comment,
                actor=rider_actor(trips.rider.id),
            ),
        )

    with refused("trip_status"):
        await rate(5)
    await trips.drive(trip, driver)
    await rate(4, "Kind")
    await rate(4, "Kind")
    with refused("trip_already_rated"):
        await rate(5, "Kind")
    rated = await trips.driver_now(driver)
    assert (rated.rating_sum, rated.rating_count) == (4, 1)


async def test_an_active_trip_survives_a_lost_connection(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request()
    await trips.accept(trip, driver)
    await trips.arrive(trip, driver)
    await trips.start(trip, driver)
    trips.clock.advance(hours=1)
    assert (await trips.find(trip)).status is S.STARTED
    # Nobody knows how far it was: it costs what was agreed.
    assert (await trips.end(trip, driver)).total_minor == QUOTED


async def test_the_system_does_not_drive(trips: Trips) -> None:
    trip = await trips.request()
    await trips.accept(trip, await trips.driver())
    assert (await trips.cancel(trip, actor=SYSTEM)).outcome == Outcome.STAFF_CANCELED


async def test_a_trip_can_be_given_up_as_often_as_the_operator_says(
    rt: Runtime, clock: SettableClock, sandbox: SandboxKit
) -> None:
    settings = msgspec.structs.replace(Settings(), taxi=TaxiSettings(reoffers=0))
    async with some_trips(rt, clock, sandbox, settings=settings) as trips:
        trip = await trips.request()
        driver = await trips.driver()
        await trips.accept(trip, driver)
        assert (await trips.give_up(trip, driver)).status is S.CANCELED
