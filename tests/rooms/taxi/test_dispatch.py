"""Rounds of the dispatcher over a real store, in every mode."""

from datetime import timedelta

import pytest

from isotope.domain.drivers import GoOnline, go_online
from isotope.domain.taxi import (
    AcceptOffer,
    DeclineOffer,
    GiveUpTrip,
    accept_offer,
    cancel_trip,
    decline_offer,
    dispatch_trips,
    give_up_trip,
)
from isotope.domain.taxi.model import OfferStatus, Outcome, TripPayment, TripStatus
from isotope.domain.taxi.usecases.cancel_trip import CancelTrip
from isotope.domain.tenants.model import DispatchMode
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import rider_actor
from isotope.kernel.errors import Refusal
from tests.kit.clock import SettableClock
from tests.kit.drivers import DriverKit
from tests.kit.taxis import Taxis, make_taxis, north


async def decline(taxis: Taxis, driver: DriverKit) -> None:
    async with taxis.rt.db.read() as tx:
        offer_id = await tx.scalar(
            "select id from trip_offer where operator_id = %s and driver_id = %s and status = 'OPEN'",
            (taxis.operator.id, driver.id),
        )
    await decline_offer(
        taxis.rt, DeclineOffer(operator=taxis.operator, driver_id=driver.id, offer_id=offer_id, reason="too far")
    )


async def test_each_request_has_one_driver_and_all_are_served_where_all_can_be(
    rt: Runtime, clock: SettableClock
) -> None:
    taxis = await make_taxis(rt, clock)
    # The first rider's nearest is the only one in the second rider's reach.
    middle, far = await taxis.driver(north(400)), await taxis.driver(north(-900))
    first = await taxis.request(await taxis.rider())
    second = await taxis.request(await taxis.rider(), at=north(1_700))
    assert await taxis.dispatch() == 2
    assert await taxis.offers(first) == {far.id: OfferStatus.OPEN}
    assert await taxis.offers(second) == {middle.id: OfferStatus.OPEN}
    # Whoever holds an offer is waited for.
    assert await taxis.dispatch() == 0


async def test_nearest_first_serves_the_oldest_with_the_nearest(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, mode=DispatchMode.NEAREST)
    near, _far = await taxis.driver(north(400)), await taxis.driver(north(-900))
    first = await taxis.request(await taxis.rider())
    clock.advance(seconds=3)
    second = await taxis.request(await taxis.rider(), at=north(1_700))
    assert await taxis.dispatch() == 1
    assert await taxis.offers(first) == {near.id: OfferStatus.OPEN}
    assert await taxis.offers(second) == {}


async def test_broadcast_asks_several_and_the_first_has_it(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, mode=DispatchMode.BROADCAST, broadcast_drivers=2)
    drivers = [await taxis.driver(north(100 * nr)) for nr in range(1, 4)]
    trip = await taxis.request(await taxis.rider())
    assert await taxis.dispatch() == 2
    assert await taxis.offers(trip) == {driver.id: OfferStatus.OPEN for driver in drivers[:2]}
    async with rt.db.read() as tx:
        offers = await tx.tuples("select id, driver_id from trip_offer where trip_id = %s order by id", (trip.id,))
    for offer_id, driver_id in offers[:1]:
        await accept_offer(rt, AcceptOffer(operator=taxis.operator, driver_id=driver_id, offer_id=offer_id))
    with pytest.raises(Refusal, match="offer_taken"):
        await accept_offer(rt, AcceptOffer(operator=taxis.operator, driver_id=offers[1][1], offer_id=offers[1][0]))
    assert sorted((await taxis.offers(trip)).values()) == [OfferStatus.ACCEPTED, OfferStatus.WITHDRAWN]


async def test_every_operator_has_its_round(rt: Runtime, clock: SettableClock) -> None:
    both = [await make_taxis(rt, clock) for _ in range(2)]
    trips = [await taxis.request(await taxis.rider()) for taxis in both]
    drivers = [await taxis.driver() for taxis in both]
    await dispatch_trips(rt, both[0].roads, both[0].operators)
    for taxis, trip, driver in zip(both, trips, drivers, strict=True):
        assert await taxis.offers(trip) == {driver.id: OfferStatus.OPEN}


async def test_a_dispatcher_assigns_where_the_operator_wants_it(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, mode=DispatchMode.MANUAL)
    await taxis.driver()
    await taxis.request(await taxis.rider())
    assert await taxis.dispatch() == 0


async def test_the_search_grows_with_the_waiting(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, radius_m=1_000, radius_step_m=1_000, radius_maximum_m=3_000, position_s=600)
    driver = await taxis.driver(north(2_500))
    trip = await taxis.request(await taxis.rider())
    for seconds, made in ((0, 0), (10, 0), (10, 1)):
        clock.advance(seconds=seconds)
        assert await taxis.dispatch() == made, seconds
    assert await taxis.offers(trip) == {driver.id: OfferStatus.OPEN}


@pytest.mark.parametrize(
    "why", ["offline", "old_position", "not_heard_of", "busy", "no_cash", "owes", "blocked", "other_class"]
)
async def test_who_is_not_offered_anything(rt: Runtime, clock: SettableClock, why: str) -> None:
    taxis = await make_taxis(rt, clock, driver_debt_minor=100, heartbeat_s=120 if why == "old_position" else 60)
    driver = await taxis.driver()
    async with rt.db.write() as tx:
        match why:
            case "offline":
                await tx.execute(
                    "update driver_state set is_online = false, idle_since = null where driver_id = %s", (driver.id,)
                )
            case "old_position":
                await tx.execute(
                    "update driver_state set position_at = %s where driver_id = %s",
                    (clock.now() - timedelta(seconds=181), driver.id),
                )
            case "not_heard_of":
                await tx.execute(
                    "update driver_state set seen_at = %s where driver_id = %s",
                    (clock.now() - timedelta(seconds=61), driver.id),
                )
            case "no_cash":
                await tx.execute("update driver set cash_allowed = false where id = %s", (driver.id,))
            case "blocked":
                await tx.execute("update driver set status = 'BLOCKED' where id = %s", (driver.id,))
            case "other_class":
                await tx.execute("update driver_state set class_ids = '{999999}' where driver_id = %s", (driver.id,))
            case _:
                pass
    if why in ("busy", "owes"):
        other = await taxis.request(await taxis.rider())
        await taxis.board(other, driver)
        if why == "owes":
            await taxis.end(other, driver)
            clock.advance(minutes=11)
            await taxis.watch()
            await taxis.goes(driver, north(10))
    trip = await taxis.request(await taxis.rider())
    assert await taxis.dispatch() == 0
    assert await taxis.offers(trip) == {}
    if why in ("no_cash", "owes"):
        # What is not paid in cash they are offered.
        by_wallet = await taxis.request(await taxis.rider(2_000), payment=TripPayment.WALLET)
        assert await taxis.dispatch() == 1
        assert await taxis.offers(by_wallet) == {driver.id: OfferStatus.OPEN}


async def test_declined_and_ended_offers_do_not_come_back(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    near, far = await taxis.driver(north(100)), await taxis.driver(north(600))
    trip = await taxis.request(await taxis.rider())
    await taxis.dispatch()
    await decline(taxis, near)
    await taxis.dispatch()
    assert await taxis.offers(trip) == {near.id: OfferStatus.DECLINED, far.id: OfferStatus.OPEN}
    clock.advance(seconds=31)
    await taxis.watch()
    for driver, at in ((near, north(100)), (far, north(600))):
        await taxis.goes(driver, at)
    assert await taxis.dispatch() == 0
    assert await taxis.offers(trip) == {near.id: OfferStatus.DECLINED, far.id: OfferStatus.EXPIRED}


async def test_an_offer_whose_time_is_over_is_not_accepted(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    driver = await taxis.driver()
    trip = await taxis.request(await taxis.rider())
    offer = await taxis.offer(trip, driver)
    clock.advance(seconds=30)
    with pytest.raises(Refusal, match="offer_ended"):
        await accept_offer(rt, AcceptOffer(operator=taxis.operator, driver_id=driver.id, offer_id=offer.id))


async def test_nobody_is_found_in_time(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    rider = await taxis.rider()
    trip = await taxis.request(rider)
    clock.advance(seconds=299)
    await taxis.watch()
    assert (await taxis.trip(trip)).status is TripStatus.REQUESTED
    clock.advance(seconds=1)
    await taxis.watch()
    ended = await taxis.trip(trip)
    assert (ended.status, ended.outcome, ended.total_minor) == (TripStatus.CANCELED, Outcome.NO_DRIVER, 0)


async def test_an_offer_made_last_can_still_be_accepted(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    trip = await taxis.request(await taxis.rider())
    clock.advance(seconds=290)
    driver = await taxis.driver()
    offer = await taxis.offer(trip, driver)
    clock.advance(seconds=15)
    await taxis.watch()
    taken = await accept_offer(rt, AcceptOffer(operator=taxis.operator, driver_id=driver.id, offer_id=offer.id))
    assert taken.status is TripStatus.ACCEPTED


async def test_a_cancelled_request_kills_its_offers(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    driver, rider = await taxis.driver(), await taxis.rider()
    trip = await taxis.request(rider)
    offer = await taxis.offer(trip, driver)
    await cancel_trip(
        rt,
        taxis.cards,
        CancelTrip(operator=taxis.operator, trip_id=trip.id, actor=rider_actor(rider.id), rider_id=rider.id),
    )
    assert await taxis.offers(trip) == {driver.id: OfferStatus.WITHDRAWN}
    with pytest.raises(Refusal, match="offer_taken"):
        await accept_offer(rt, AcceptOffer(operator=taxis.operator, driver_id=driver.id, offer_id=offer.id))


async def test_who_gives_up_is_replaced_once_at_the_same_price(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    first, rider = await taxis.driver(), await taxis.rider()
    trip = await taxis.request(rider)
    await taxis.accept(trip, first)
    give_up = GiveUpTrip(operator=taxis.operator, driver_id=first.id, trip_id=trip.id, reason="flat tyre")
    again = await give_up_trip(rt, taxis.cards, give_up)
    assert (again.status, again.driver_id, again.reoffers) == (TripStatus.REQUESTED, None, 1)
    assert again.terms == trip.terms
    second = await taxis.driver(north(50))
    assert await taxis.dispatch() == 1
    assert await taxis.offers(trip) == {first.id: OfferStatus.GIVEN_UP, second.id: OfferStatus.OPEN}
    async with rt.db.read() as tx:
        offer_id = await tx.scalar(
            "select id from trip_offer where trip_id = %s and driver_id = %s", (trip.id, second.id)
        )
    await accept_offer(rt, AcceptOffer(operator=taxis.operator, driver_id=second.id, offer_id=offer_id))
    last = await give_up_trip(
        rt, taxis.cards, GiveUpTrip(operator=taxis.operator, driver_id=second.id, trip_id=trip.id, reason="ill")
    )
    assert (last.status, last.outcome, last.total_minor) == (TripStatus.CANCELED, Outcome.DRIVER_CANCELED, 0)


async def test_only_the_driver_whom_the_rider_wants(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    await taxis.driver(north(10))
    wanted = await taxis.driver(north(7_000))
    trip = await taxis.request(await taxis.rider(), wanted_driver_id=wanted.id)
    assert await taxis.dispatch() == 1
    assert await taxis.offers(trip) == {wanted.id: OfferStatus.OPEN}


@pytest.mark.parametrize("how", ["declines", "says nothing"])
async def test_nobody_else_is_asked_when_the_wanted_driver_does_not_come(
    rt: Runtime, clock: SettableClock, how: str
) -> None:
    taxis = await make_taxis(rt, clock)
    wanted = await taxis.driver()
    trip = await taxis.request(await taxis.rider(), wanted_driver_id=wanted.id)
    await taxis.dispatch()
    if how == "declines":
        await decline(taxis, wanted)
    else:
        clock.advance(seconds=31)
    await taxis.watch()
    ended = await taxis.trip(trip)
    assert (ended.status, ended.outcome) == (TripStatus.CANCELED, Outcome.NO_DRIVER)


async def test_a_driver_holds_so_many_offers_at_once(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, mode=DispatchMode.BROADCAST, offers_per_driver=3)
    driver = await taxis.driver()
    trips = [await taxis.request(await taxis.rider()) for _ in range(5)]
    await taxis.dispatch()
    held = [await taxis.offers(trip) for trip in trips]
    assert [bool(offers) for offers in held] == [True, True, True, False, False]
    taken = await taxis.trip(trips[0])
    async with rt.db.read() as tx:
        offer_id = await tx.scalar("select id from trip_offer where trip_id = %s", (taken.id,))
    await accept_offer(rt, AcceptOffer(operator=taxis.operator, driver_id=driver.id, offer_id=offer_id))
    # Busy now: the others go to somebody else.
    assert [next(iter((await taxis.offers(trip)).values())) for trip in trips[1:3]] == [OfferStatus.WITHDRAWN] * 2


async def test_a_trip_for_later_is_promised_and_driven(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, schedule_offer_min=120, schedule_search_min=20, remind_min=(60, 15))
    driver = await taxis.driver()
    at = clock.now() + timedelta(hours=3)
    trip = await taxis.request(await taxis.rider(), scheduled_at=at)
    assert await taxis.dispatch() == 0
    clock.advance(minutes=61)
    await taxis.goes(driver, north(10))
    assert await taxis.dispatch() == 1
    async with rt.db.read() as tx:
        offer_id = await tx.scalar("select id from trip_offer where trip_id = %s", (trip.id,))
    promised = await accept_offer(rt, AcceptOffer(operator=taxis.operator, driver_id=driver.id, offer_id=offer_id))
    assert (promised.status, promised.driver_id) == (TripStatus.SCHEDULED, driver.id)
    # Meanwhile they drive others; another promise at that time they cannot give.
    clash = await taxis.request(await taxis.rider(), scheduled_at=at + timedelta(minutes=10))
    other = await taxis.offer(clash, driver)
    with pytest.raises(Refusal, match="promise_clashes"):
        await accept_offer(rt, AcceptOffer(operator=taxis.operator, driver_id=driver.id, offer_id=other.id))
    for minutes, told in ((60, "remind:60"), (15, "remind:15")):
        clock.set(at - timedelta(minutes=minutes))
        await taxis.watch()
        assert told in (await taxis.trip(trip)).told
    off = await taxis.trip(trip)
    assert (off.status, off.driver_id) == (TripStatus.ACCEPTED, driver.id)


async def test_who_promised_and_is_not_there_is_replaced(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    driver = await taxis.driver()
    at = clock.now() + timedelta(minutes=100)
    trip = await taxis.request(await taxis.rider(), scheduled_at=at)
    await taxis.accept(trip, driver)
    async with rt.db.write() as tx:
        await tx.execute(
            "update driver_state set is_online = false, idle_since = null where driver_id = %s", (driver.id,)
        )
    clock.advance(minutes=81)
    await taxis.watch()
    assert (await taxis.trip(trip)).status is TripStatus.SCHEDULED
    clock.advance(minutes=10)
    await taxis.watch()
    searched = await taxis.trip(trip)
    assert (searched.status, searched.driver_id) == (TripStatus.REQUESTED, None)
    assert searched.search_until is not None
    assert searched.search_until >= at


async def test_going_online_again_keeps_what_was_promised(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    driver = await taxis.driver()
    trip = await taxis.request(await taxis.rider(), scheduled_at=clock.now() + timedelta(minutes=60))
    await taxis.accept(trip, driver)
    await go_online(
        rt, GoOnline(operator=taxis.operator, driver_id=driver.id, vehicle_id=driver.vehicle_id, point=north(5))
    )
    assert (await taxis.trip(trip)).driver_id == driver.id
