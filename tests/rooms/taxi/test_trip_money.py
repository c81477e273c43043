"""Who pays a trip, from what, and what its driver earns; whatever dies on the way."""

import asyncio
from typing import NoReturn

import pytest

from isotope.domain.payments import PaymentStatus
from isotope.domain.taxi.holds import TripCardHold, TripHold
from isotope.domain.taxi.model import Outcome, TripPayment, TripStatus
from isotope.domain.taxi.usecases import cancel_trip, end_trip
from isotope.domain.wallet import AccountKind, MoneyKind
from isotope.kernel.actor import Actor
from tests.kit.refusals import refused
from tests.kit.trips import QUOTED, Trips

pytestmark = pytest.mark.asyncio

A = AccountKind
S = TripStatus


class Killed(BaseException):
    """The process died here."""


async def die(*_args: object, **_named: object) -> NoReturn:
    raise Killed


async def test_the_wallet_pays_bonus_first_and_the_driver_earns(trips: Trips) -> None:
    await trips.add(1_000)
    await trips.add(200, MoneyKind.BONUS)
    driver = await trips.driver()
    trip = await trips.drive(await trips.request(), driver)
    assert (trip.charged_bonus_minor, trip.charged_balance_minor, trip.debt_minor) == (200, 550, 0)
    assert await trips.has() == (450, 0, 0, 0)
    assert (trip.earned_minor, await trips.owed_to(driver)) == (600, 600)
    assert await trips.sums() == {
        A.RIDER_BALANCE: 450,
        A.REVENUE: 82,
        A.TAX: 68,
        A.DRIVER_BALANCE: 600,
        A.ADJUSTMENTS: -1_200,
    }
    receipt = await trips.receipt(trip.cause)
    assert receipt is not None
    assert [line.code for line in receipt.lines] == ["taxi_base", "taxi_distance", "taxi_time"]
    await trips.the_books_agree()


async def test_what_the_wallet_does_not_hold_at_the_end_is_debt(trips: Trips) -> None:
    trip = await trips.drive(await trips.request(), await trips.driver())
    assert (trip.debt_minor, await trips.has()) == (QUOTED, (0, 0, QUOTED, 0))
    await trips.the_books_agree()


async def test_a_card_is_reserved_and_taken_at_the_end(trips: Trips) -> None:
    trip = await trips.request(card=await trips.card())
    assert trip.status is S.REQUESTED
    [payment] = await trips.payments(trip)
    assert (payment.status, payment.amount_minor) == (PaymentStatus.AUTHORISED, QUOTED)
    ended = await trips.drive(trip, await trips.driver())
    assert (ended.charged_card_minor, ended.card_pending_minor, ended.debt_minor) == (QUOTED, 0, 0)
    assert trips.sandbox.totals(trips.operator.id).net_minor == QUOTED
    await trips.the_books_agree()


async def test_a_card_that_says_no_ends_the_trip_before_it_began(trips: Trips) -> None:
    trip = await trips.request(card=await trips.card("declined"))
    assert (trip.status, trip.outcome) == (S.CANCELED, Outcome.CARD_REFUSED)
    await trips.the_books_agree()


async def test_what_a_card_does_not_pay_at_the_end_is_debt(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.drive(await trips.request(card=await trips.card("declined_at_capture")), driver)
    assert (trip.charged_card_minor, trip.debt_minor) == (0, QUOTED)
    assert await trips.has() == (0, 0, QUOTED, 0)
    # What riders do not pay is nothing that drivers lose.
    assert await trips.owed_to(driver) == 600
    await trips.the_books_agree()


async def test_the_wallet_pays_before_the_card_and_the_rest_is_let_go(trips: Trips) -> None:
    await trips.add(500)
    trip = await trips.drive(await trips.request(card=await trips.card()), await trips.driver())
    assert (trip.charged_balance_minor, trip.charged_card_minor) == (500, 250)
    [payment] = await trips.payments(trip)
    assert (payment.status, payment.captured_minor) == (PaymentStatus.CAPTURED, 250)
    await trips.the_books_agree()


@pytest.mark.parametrize("whose", ["rider", "staff"])
async def test_a_cancel_lets_go_what_the_card_reserved(trips: Trips, whose: str) -> None:
    trip = await trips.request(card=await trips.card())
    await trips.cancel(trip, actor=None if whose == "rider" else Actor("staff:1"))
    [payment] = await trips.payments(trip)
    assert payment.status is PaymentStatus.RELEASED
    await trips.the_books_agree()


async def test_a_late_cancel_costs_its_fee_and_no_more_is_taken(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request(card=await trips.card())
    await trips.accept(trip, driver)
    trips.clock.advance(seconds=121)
    over = await trips.cancel(trip)
    assert (over.total_minor, over.tax_minor, over.charged_card_minor, over.earned_minor) == (500, 45, 500, 400)
    assert [line.code for line in over.lines] == ["taxi_cancel_fee"]
    assert (await trips.payments(trip))[0].captured_minor == 500
    # Cancelled twice it is paid once.
    assert await trips.cancel(trip) == over
    assert await trips.has() == (0, 0, 0, 0)
    await trips.the_books_agree()


async def test_a_fee_above_what_was_reserved_is_asked_for_as_well(trips: Trips) -> None:
    driver = await trips.driver()
    trip = await trips.request(card=await trips.card())
    await trips.accept(trip, driver)
    await trips.arrive(trip, driver)
    trips.clock.advance(seconds=300)
    over = await trips.give_up(trip, driver, "no_show")
    assert (over.total_minor, over.charged_card_minor) == (800, 800)
    assert sum(one.captured_minor for one in await trips.payments(trip)) == 800
    await trips.the_books_agree()


async def test_cash_is_the_drivers_debt_and_their_share_is_theirs(trips: Trips) -> None:
    driver = await trips.driver()
    ended = await trips.drive(await trips.request(TripPayment.CASH), driver)
    assert (ended.cash_due_minor, ended.cash_minor) == (QUOTED, 0)
    assert await trips.receipt(ended.cause) is None
    for _ in range(2):
        paid = await trips.cash(ended, driver, QUOTED)
        assert (paid.cash_due_minor, paid.cash_minor, paid.debt_minor) == (0, QUOTED, 0)
    # 6.00 earned, 7.50 taken.
    assert await trips.owed_to(driver) == -150
    assert await trips.sums() == {A.DRIVER_BALANCE: -150, A.REVENUE: 82, A.TAX: 68}
    receipt = await trips.receipt(ended.cause)
    assert receipt is not None
    assert receipt.paid.cash_minor == QUOTED
    with refused("cash_not_due"):
        await trips.cash(ended, driver, 100)
    await trips.the_books_agree()


async def test_what_was_not_given_in_cash_is_the_wallets_or_debt(trips: Trips) -> None:
    await trips.add(100)
    driver = await trips.driver()
    ended = await trips.drive(await trips.request(TripPayment.CASH), driver)
    with refused("validation_failed"):
        await trips.cash(ended, driver, QUOTED + 1)
    paid = await trips.cash(ended, driver, 500)
    assert (paid.cash_minor, paid.charged_balance_minor, paid.debt_minor) == (500, 100, 150)
    assert await trips.has() == (0, 0, 150, 0)
    assert await trips.owed_to(driver) == 100
    await trips.the_books_agree()


async def test_nothing_was_given(trips: Trips) -> None:
    driver = await trips.driver()
    paid = await trips.cash(await trips.drive(await trips.request(TripPayment.CASH), driver), driver, 0)
    assert (paid.cash_minor, paid.debt_minor, await trips.owed_to(driver)) == (0, QUOTED, 600)
    await trips.the_books_agree()


async def test_a_driver_who_says_nothing_was_given_all_of_it(trips: Trips) -> None:
    driver = await trips.driver()
    ended = await trips.drive(await trips.request(TripPayment.CASH), driver)
    assert await trips.settle_cash(minutes=9) == 0
    assert (await trips.find(ended)).cash_due_minor == QUOTED
    assert await trips.settle_cash(minutes=1) == 1
    assert await trips.settle_cash(minutes=1) == 0
    assert (await trips.find(ended)).cash_minor == QUOTED
    assert await trips.owed_to(driver) == -150
    await trips.the_books_agree()


async def test_the_worker_and_the_driver_at_once_settle_cash_once(trips: Trips) -> None:
    driver = await trips.driver()
    ended = await trips.drive(await trips.request(TripPayment.CASH), driver)
    trips.clock.advance(minutes=10)
    await asyncio.gather(trips.settle_cash(), trips.cash(ended, driver, QUOTED), trips.settle_cash())
    assert await trips.owed_to(driver) == -150
    await trips.the_books_agree()


async def test_a_driver_may_have_their_own_commission(trips: Trips) -> None:
    driver = await trips.driver(commission_pct=12.5)
    await trips.add(1_000)
    assert (await trips.drive(await trips.request(), driver)).earned_minor == 656
    await trips.the_books_agree()


async def test_a_process_that_dies_before_it_asks_the_card_leaves_nothing(trips: Trips) -> None:
    trip = await trips.request(card=await trips.card(), carry=False)
    assert trip.status is S.AUTHORISING
    trips.clock.advance(minutes=20)
    await trips.resolve()
    settled = await trips.settle_authorising(trip)
    assert (settled.trip.status, settled.trip.outcome) == (S.CANCELED, Outcome.CARD_REFUSED)
    assert trips.sandbox.totals(trips.operator.id).net_minor == 0
    await trips.the_books_agree()


async def test_a_cancel_while_the_card_is_asked_lets_go_what_it_reserves(trips: Trips) -> None:
    trip = await trips.request(card=await trips.card("timeout"))
    # Nobody heard; the trip is over, what turns out to be reserved is let go.
    assert (trip.status, trip.outcome) == (S.CANCELED, Outcome.CARD_REFUSED)
    for _ in range(3):
        await trips.resolve(60)
    assert {one.status for one in await trips.payments(trip)} <= {PaymentStatus.RELEASED, PaymentStatus.FAILED}
    await trips.the_books_agree()


async def test_a_process_that_dies_after_the_end_is_recorded_takes_the_money_once(
    trips: Trips, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = await trips.driver()
    trip = await trips.request(card=await trips.card())
    await trips.accept(trip, driver)
    await trips.arrive(trip, driver)
    await trips.start(trip, driver)
    trips.clock.advance(seconds=300)
    with monkeypatch.context() as patch:
        patch.setattr(end_trip, "carry_out_all", die)
        with pytest.raises(Killed):
            await trips.end(trip, driver)
    ended = await trips.find(trip)
    assert (ended.status, ended.card_pending_minor) == (S.ENDED, QUOTED)
    assert (await trips.state(driver)).idle_since is not None
    await trips.the_books_agree(settled=False)
    # The driver says it again: nothing is done twice.
    await trips.end(trip, driver)
    await trips.resolve()
    assert (await trips.find(trip)).charged_card_minor == QUOTED
    await trips.the_books_agree()


async def test_a_process_that_dies_in_a_cancel_lets_the_hold_go_later(
    trips: Trips, monkeypatch: pytest.MonkeyPatch
) -> None:
    trip = await trips.request(card=await trips.card())
    with monkeypatch.context() as patch:
        patch.setattr(cancel_trip, "carry_out_all", die)
        with pytest.raises(Killed):
            await trips.cancel(trip)
    assert (await trips.find(trip)).status is S.CANCELED
    await trips.resolve()
    assert (await trips.payments(trip))[0].status is PaymentStatus.RELEASED
    await trips.the_books_agree()


async def test_ends_that_come_at_once_are_one_end(trips: Trips) -> None:
    await trips.add(10_000)
    driver = await trips.driver()
    trip = await trips.request()
    await trips.accept(trip, driver)
    await trips.arrive(trip, driver)
    await trips.start(trip, driver)
    await asyncio.gather(*(trips.end(trip, driver) for _ in range(8)))
    assert await trips.has() == (10_000 - QUOTED, 0, 0, 0)
    await trips.the_books_agree()


async def test_who_has_a_trip_keeps_account_and_card(trips: Trips) -> None:
    card = await trips.card()
    trip = await trips.request(card=card)
    async with trips.rt.db.read() as tx:
        reason = await TripHold().reason(tx, trips.operator.id, trips.rider.id)
        assert reason is not None
        in_use = await TripCardHold().reason(tx, card)
        assert in_use is not None
        assert (reason.code, in_use.code) == ("trip_running", "payment_method_in_use")
    await trips.cancel(trip)
    async with trips.rt.db.read() as tx:
        assert await TripHold().reason(tx, trips.operator.id, trips.rider.id) is None
        assert await TripCardHold().reason(tx, card) is None


async def test_cash_that_nobody_told_of_keeps_the_account(trips: Trips) -> None:
    driver = await trips.driver()
    ended = await trips.drive(await trips.request(TripPayment.CASH), driver)
    async with trips.rt.db.read() as tx:
        assert await TripHold().reason(tx, trips.operator.id, trips.rider.id) is not None
    await trips.cash(ended, driver, QUOTED)
    async with trips.rt.db.read() as tx:
        assert await TripHold().reason(tx, trips.operator.id, trips.rider.id) is None
