"""Everybody at once: one winner, whoever comes; nobody drives two trips; nobody holds more than allowed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from random import Random

import pytest

from isotope.domain.taxi import (
    AcceptOffer,
    DeclineOffer,
    GiveUpTrip,
    accept_offer,
    cancel_trip,
    decline_offer,
    give_up_trip,
)
from isotope.domain.taxi.machine import may_change, role_of
from isotope.domain.taxi.model import OfferStatus, Trip, TripOfferId, TripStatus
from isotope.domain.taxi.usecases.cancel_trip import CancelTrip
from isotope.domain.tenants.model import DispatchMode
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import rider_actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import DriverId
from tests.kit.clock import SettableClock
from tests.kit.taxis import Taxis, make_taxis, north

DRIVERS = 50
STEPS = 25


async def open_offers(taxis: Taxis) -> list[tuple[TripOfferId, DriverId]]:
    async with taxis.rt.db.read() as tx:
        rows = await tx.tuples(
            "select id, driver_id from trip_offer where operator_id = %s and status = 'OPEN' order by id",
            (taxis.operator.id,),
        )
    return [(TripOfferId(offer), DriverId(driver)) for offer, driver in rows]


async def accept(taxis: Taxis, offer: TripOfferId, driver: DriverId) -> Trip:
    return await accept_offer(taxis.rt, AcceptOffer(operator=taxis.operator, driver_id=driver, offer_id=offer))


async def test_fifty_drivers_accept_at_once_and_one_has_it(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, mode=DispatchMode.BROADCAST)
    for nr in range(DRIVERS):
        await taxis.driver(north(10 * nr))
    trip = await taxis.request(await taxis.rider())
    async with rt.db.write() as tx:
        # By hand: a round looks at fewer of them by road.
        await tx.execute(
            """
            insert into trip_offer (operator_id, trip_id, driver_id, status, slot, offered_at, expires_at, eta_s, distance_m)
            select operator_id, %s, id, 'OPEN', 1, %s::timestamptz, %s::timestamptz + interval '30 seconds', 60, 500
              from driver where operator_id = %s
            """,
            (trip.id, clock.now(), clock.now(), taxis.operator.id),
        )
    offers = await open_offers(taxis)
    assert len(offers) == DRIVERS
    answers = await asyncio.gather(*(accept(taxis, *offer) for offer in offers), return_exceptions=True)
    [won] = [answer for answer in answers if isinstance(answer, Trip)]
    assert Counter(answer.code for answer in answers if isinstance(answer, Refusal)) == {"offer_taken": DRIVERS - 1}
    assert (await taxis.trip(trip)).driver_id == won.driver_id
    ended = await taxis.offers(trip)
    assert Counter(ended.values()) == {OfferStatus.ACCEPTED: 1, OfferStatus.WITHDRAWN: DRIVERS - 1}
    assert won.driver_id is not None
    assert ended[won.driver_id] is OfferStatus.ACCEPTED


async def test_a_driver_who_accepts_all_at_once_drives_one(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, mode=DispatchMode.BROADCAST)
    driver = await taxis.driver()
    trips = [await taxis.request(await taxis.rider()) for _ in range(3)]
    assert await taxis.dispatch() == 3
    answers = await asyncio.gather(
        *(accept(taxis, *offer) for offer in await open_offers(taxis)), return_exceptions=True
    )
    assert sum(isinstance(answer, Trip) for answer in answers) == 1
    assert {answer.code for answer in answers if isinstance(answer, Refusal)} <= {"driver_busy", "offer_taken"}
    now = [await taxis.trip(trip) for trip in trips]
    assert Counter(trip.status for trip in now) == {TripStatus.ACCEPTED: 1, TripStatus.REQUESTED: 2}
    assert [trip.driver_id for trip in now if trip.status is TripStatus.ACCEPTED] == [driver.id]


async def test_rounds_at_once_offer_nothing_twice(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, mode=DispatchMode.BROADCAST, offers_per_driver=2)
    for nr in range(4):
        await taxis.driver(north(10 * nr))
    for _ in range(6):
        await taxis.request(await taxis.rider())
    made = await asyncio.gather(*(taxis.dispatch() for _ in range(4)))
    offers = await open_offers(taxis)
    assert sum(made) == len(offers) == 8
    assert set(Counter(driver for _offer, driver in offers).values()) == {2}


async def test_who_is_busy_by_now_is_not_offered_another(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    driver = await taxis.driver()
    await taxis.accept(await taxis.request(await taxis.rider()), driver)
    late = await taxis.request(await taxis.rider())
    with pytest.raises(AssertionError):
        await taxis.offer(late, driver)
    assert await taxis.offers(late) == {}


@pytest.mark.parametrize("mode", [DispatchMode.ASSIGNMENT, DispatchMode.NEAREST, DispatchMode.BROADCAST])
async def test_whatever_they_do_at_once_the_books_of_offers_hold(
    rt: Runtime, clock: SettableClock, mode: DispatchMode
) -> None:
    taxis = await make_taxis(rt, clock, mode=mode, position_s=3_600, heartbeat_s=3_600, search_s=60)
    dice = Random(mode.value)
    drivers = [await taxis.driver(north(dice.uniform(-900, 900))) for _ in range(6)]
    riders = [await taxis.rider() for _ in range(6)]
    asked: list[Trip] = []

    async def answer(offer: TripOfferId, driver: DriverId) -> object:
        if dice.random() < 0.7:
            return await accept(taxis, offer, driver)
        no = DeclineOffer(operator=taxis.operator, driver_id=driver, offer_id=offer, reason="")
        return await decline_offer(rt, no)

    for _ in range(STEPS):
        if dice.random() < 0.6:
            asked.append(await taxis.request(dice.choice(riders)))
        works: list[Awaitable[object]] = [taxis.dispatch(), taxis.dispatch(), taxis.watch()]
        works += [answer(*offer) for offer in await open_offers(taxis) if dice.random() < 0.8]
        if asked:
            trip = dice.choice(asked)
            actor = rider_actor(trip.rider_id)
            over = CancelTrip(operator=taxis.operator, trip_id=trip.id, actor=actor, rider_id=trip.rider_id)
            driver = dice.choice(drivers).id
            gives_up = GiveUpTrip(operator=taxis.operator, driver_id=driver, trip_id=trip.id, reason="ill")
            works += [cancel_trip(rt, taxis.cards, over)] if dice.random() < 0.3 else []
            works += [give_up_trip(rt, taxis.cards, gives_up)]
        dice.shuffle(works)
        for outcome in await asyncio.gather(*works, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, Refusal):
                raise outcome
        clock.advance(seconds=dice.choice([0, 2, 15, 31]))
        await check(taxis)


async def check(taxis: Taxis) -> None:
    """What is never so, of all offers, trips and events of the operator."""
    operator = (taxis.operator.id,)
    async with taxis.rt.db.read() as tx:
        held = await tx.tuples(
            "select driver_id, count(*) from trip_offer where operator_id = %s and status = 'OPEN' group by 1", operator
        )
        twice = await tx.tuples(
            "select trip_id from trip_offer where operator_id = %s and status = 'ACCEPTED' group by 1 having count(*) > 1",
            operator,
        )
        driven = await tx.tuples(
            "select driver_id from trip where operator_id = %s and status in ('ACCEPTED', 'ARRIVED', 'STARTED')",
            operator,
        )
        dead = await tx.tuples(
            """
            select o.id from trip_offer o join trip t on t.operator_id = o.operator_id and t.id = o.trip_id
             where o.operator_id = %s and o.status = 'OPEN' and t.status <> 'REQUESTED'
            """,
            operator,
        )
        busy = await tx.tuples(
            "select driver_id from driver_state where operator_id = %s and is_online and idle_since is null", operator
        )
        moves = await tx.tuples(
            "select from_status, to_status, actor from trip_event where operator_id = %s and kind = 'moved'", operator
        )
    assert all(count <= taxis.operator.settings.taxi.offers_per_driver for _driver, count in held)
    assert twice == []
    assert dead == []
    assert len(driven) == len(set(driven))
    assert sorted(driven) == sorted(busy)
    for before, after, actor in moves:
        assert may_change(TripStatus(before), TripStatus(after), role_of(actor)) is None
