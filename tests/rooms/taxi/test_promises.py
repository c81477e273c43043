"""Trips for later in the dispatcher: nobody is offered what clashes with a promise; whoever let a promise pass is asked again."""

from datetime import timedelta

import pytest

from isotope.domain.taxi.dispatch.candidates import list_candidates
from isotope.domain.taxi.dispatch.model import FreeDriver, OpenRequest
from isotope.domain.taxi.model import OfferStatus, TripStatus
from isotope.domain.tenants.model import TaxiSettings
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId, TaxiClassId, TripId
from tests.kit.clock import SettableClock
from tests.kit.taxis import PICK_UP, make_taxis, north

# Who promised sets off 20 minutes before, and 30 minutes lie between two promises.
SETTINGS = TaxiSettings(schedule_search_min=20, schedule_gap_min=30)
MINUTE = 60.0
# A trip that was promised in two hours, of ten minutes.
PROMISED = (120 * MINUTE, 130 * MINUTE)


def is_asked(*, is_later: bool, starts_min: float, takes_min: float, away_m: float = 0.0) -> bool:
    class_id = TaxiClassId(1)
    request = OpenRequest(
        trip_id=TripId(1),
        at=PICK_UP,
        class_id=class_id,
        is_cash=False,
        waited_s=0.0,
        is_later=is_later,
        starts_in_s=starts_min * MINUTE,
        duration_s=takes_min * MINUTE,
    )
    driver = FreeDriver(
        driver_id=DriverId(1),
        at=north(away_m),
        class_ids=frozenset([class_id]),
        takes_cash=True,
        idle_s=0.0,
        promised=(PROMISED,),
    )
    return list_candidates([request], [driver], SETTINGS) == [(0, 0)]


@pytest.mark.parametrize(
    ("takes_min", "away_m", "asked"),
    [(99, 0.0, True), (101, 0.0, False), (99, 360.0, True), (99, 380.0, False), (240, 0.0, False)],
)
def test_a_trip_for_now_is_over_before_who_promised_sets_off(takes_min: float, away_m: float, asked: bool) -> None:
    assert is_asked(is_later=False, starts_min=0, takes_min=takes_min, away_m=away_m) is asked


@pytest.mark.parametrize(
    ("starts_min", "takes_min", "asked"),
    [(79, 10, True), (81, 10, False), (120, 10, False), (159, 10, False), (161, 10, True), (60, 200, False)],
)
def test_between_two_promises_lies_a_gap(starts_min: float, takes_min: float, asked: bool) -> None:
    assert is_asked(is_later=True, starts_min=starts_min, takes_min=takes_min) is asked


async def test_a_round_knows_what_was_promised(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, schedule_search_min=20, schedule_offer_min=120, schedule_gap_min=30)
    driver = await taxis.driver()
    # Promised in 26 minutes: the quoted five minutes are over before the driver sets off in six, but not one more.
    promised = await taxis.request(await taxis.rider(), scheduled_at=clock.now() + timedelta(minutes=26))
    await taxis.accept(promised, driver)
    near_in_time = await taxis.request(await taxis.rider(), scheduled_at=clock.now() + timedelta(minutes=50))
    assert await taxis.dispatch() == 0
    assert await taxis.offers(near_in_time) == {}
    clock.advance(seconds=30)
    now = await taxis.request(await taxis.rider())
    assert await taxis.dispatch() == 1
    assert await taxis.offers(now) == {driver.id: OfferStatus.OPEN}
    clock.advance(seconds=31)
    late = await taxis.request(await taxis.rider())
    assert await taxis.dispatch() == 0
    assert await taxis.offers(late) == {}


async def test_who_let_a_promise_pass_is_asked_to_drive_and_who_declined_is_not(
    rt: Runtime, clock: SettableClock
) -> None:
    taxis = await make_taxis(rt, clock, schedule_search_min=20, position_s=3_600, heartbeat_s=3_600)
    passes, declines = await taxis.driver(), await taxis.driver(north(50))
    at = clock.now() + timedelta(minutes=60)
    trip = await taxis.request(await taxis.rider(), scheduled_at=at)
    assert await taxis.dispatch() == 2
    async with rt.db.write() as tx:
        await tx.execute(
            "update trip_offer set status = 'DECLINED', answered_at = offered_at where trip_id = %s and driver_id = %s",
            (trip.id, declines.id),
        )
    clock.advance(seconds=31)
    await taxis.watch()
    assert await taxis.offers(trip) == {passes.id: OfferStatus.EXPIRED, declines.id: OfferStatus.DECLINED}
    # As long as a promise is looked for they are not bothered again.
    assert await taxis.dispatch() == 0
    clock.set(at - timedelta(minutes=20))
    await taxis.watch()
    assert (await taxis.trip(trip)).status is TripStatus.REQUESTED
    assert await taxis.dispatch() == 1
    assert await taxis.offers(trip) == {passes.id: OfferStatus.OPEN, declines.id: OfferStatus.DECLINED}
