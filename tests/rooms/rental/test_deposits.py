"""A deposit is reserved or kept before a vehicle is handed out, and pays at most what is owed for the booking."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
import pytest_asyncio

from isotope.domain.payments import RemoveCard, remove_card
from isotope.domain.rental import BookingCardHold, BookingHold
from isotope.domain.rental.model import Booking, BookingStatus, ChargeKind, DepositStatus
from isotope.domain.rental.usecases.record_booking_answer import is_too_late
from isotope.domain.wallet import AccountKind
from isotope.infra.runtime import Runtime
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.renters import DEPOSIT, Renter, a_renter
from tests.rooms.rental.bookings import END, a_booking
from tests.rooms.rental.test_extending import a_charge

D = DepositStatus
DAY_H = 24


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@pytest_asyncio.fixture
async def renter(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> AsyncIterator[Renter]:
    async with a_renter(rt, clock, sandbox, tariff=DEPOSIT) as made:
        yield made


async def driving(renter: Renter, method_id: str | None = None) -> Booking:
    """A booking of 80.00 with a deposit of 50.00 whose vehicle is out."""
    booking = await renter.book(in_h=1, method_id=method_id)
    renter.clock.advance(hours=1)
    picked_up = await renter.pick_up(booking)
    assert (picked_up.status, picked_up.deposit_status) == (BookingStatus.ACTIVE, D.HELD)
    return picked_up


async def back_in_time(renter: Renter, booking: Booking) -> Booking:
    renter.clock.advance(hours=30)
    return await renter.end(booking)


async def inspected(renter: Renter, booking: Booking) -> Booking:
    """The time to look at it is over."""
    await renter.watch(hours=DAY_H * 10)
    return await renter.find(booking)


@pytest.mark.asyncio
async def test_a_card_reserves_it_and_lets_it_go(renter: Renter) -> None:
    await renter.card()
    booking = await driving(renter)
    assert renter.sandbox.open_reservations(renter.operator.id) == 5_000
    assert await renter.has() == (0, 0, 0, 0)
    ended = await back_in_time(renter, booking)
    assert (ended.deposit_status, ended.inspect_until is None) == (D.HELD, False)
    over = await inspected(renter, booking)
    assert (over.deposit_status, over.deposit_captured_minor) == (D.RELEASED, 0)
    assert renter.sandbox.open_reservations(renter.operator.id) == 0
    assert renter.sandbox.totals(renter.operator.id).captured_minor == 8_000
    await renter.the_books_agree()


@pytest.mark.asyncio
async def test_a_wallet_keeps_it_and_has_it_back(renter: Renter) -> None:
    await renter.add(13_000)
    booking = await driving(renter, "wallet")
    assert await renter.has() == (0, 0, 0, 0)
    assert (await renter.sums())[AccountKind.RIDER_DEPOSIT] == 5_000
    await renter.the_books_agree()
    await back_in_time(renter, booking)
    over = await inspected(renter, booking)
    assert (over.deposit_status, over.deposit_captured_minor) == (D.RELEASED, 0)
    assert await renter.has() == (5_000, 0, 0, 0)
    await renter.the_books_agree()


@pytest.mark.asyncio
async def test_a_wallet_with_too_little_gets_no_vehicle(renter: Renter) -> None:
    await renter.add(12_999)
    booking = await renter.book(in_h=1, method_id="wallet")
    renter.clock.advance(hours=1)
    with refused("deposit_too_high"):
        await renter.pick_up(booking)
    assert (await renter.find(booking)).deposit_status is D.DUE
    assert await renter.has() == (4_999, 0, 0, 0)


@pytest.mark.asyncio
async def test_a_card_that_says_no_may_be_asked_again(renter: Renter) -> None:
    await renter.card("charges_decline_after_first")
    booking = await renter.book(in_h=1)
    renter.clock.advance(hours=1)
    for tries in (1, 2):
        left = await renter.pick_up(booking)
        assert (left.status, left.deposit_status) == (BookingStatus.UPCOMING, D.REFUSED)
        assert len(await renter.payments(booking.deposit_cause)) == tries
    await renter.the_books_agree()


@pytest.mark.asyncio
async def test_a_wallet_that_takes_the_place_of_a_card_has_it_back(renter: Renter) -> None:
    """The card refused the deposit and is gone by the next try."""
    card = await renter.card("charges_decline_after_first")
    booking = await renter.book(in_h=1)
    renter.clock.advance(hours=1)
    await renter.pick_up(booking)
    async with renter.rt.db.write() as tx:
        await tx.execute("update card set status = 'LOST' where id = %s", [card.id])
    await renter.add(5_000)
    booking = await renter.pick_up(booking)
    assert (booking.deposit_status, await renter.has()) == (D.HELD, (0, 0, 0, 0))
    await back_in_time(renter, booking)
    assert (await inspected(renter, booking)).deposit_status is D.RELEASED
    assert await renter.has() == (5_000, 0, 0, 0)
    await renter.the_books_agree()


@pytest.mark.asyncio
@pytest.mark.parametrize(("claim_minor", "captured_minor", "owed_minor"), [(1_200, 1_200, 0), (6_000, 5_000, 1_000)])
async def test_a_card_pays_of_it_what_is_owed(
    renter: Renter, claim_minor: int, captured_minor: int, owed_minor: int
) -> None:
    await renter.card()
    booking = await back_in_time(renter, await driving(renter))
    await renter.ask(booking, ChargeKind.CLAIM, claim_minor, reason="A scratch", key="a")
    assert (await renter.standing()).debt_minor == claim_minor
    over = await inspected(renter, booking)
    assert (over.deposit_status, over.deposit_captured_minor) == (D.CAPTURED, captured_minor)
    assert await renter.has() == (0, 0, owed_minor, 0)
    assert renter.sandbox.totals(renter.operator.id).captured_minor == 8_000 + captured_minor
    assert renter.sandbox.open_reservations(renter.operator.id) == 0
    await renter.the_books_agree()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("claim_minor", "captured_minor", "has"),
    [(1_200, 1_200, (3_800, 0, 0, 0)), (6_000, 5_000, (0, 0, 1_000, 0))],
)
async def test_a_wallet_pays_of_it_what_is_owed(
    renter: Renter, claim_minor: int, captured_minor: int, has: tuple[int, int, int, int]
) -> None:
    await renter.add(13_000)
    booking = await back_in_time(renter, await driving(renter, "wallet"))
    await renter.ask(booking, ChargeKind.CLAIM, claim_minor, reason="A scratch", key="a")
    over = await inspected(renter, booking)
    assert (over.deposit_status, over.deposit_captured_minor) == (D.CAPTURED, captured_minor)
    assert await renter.has() == has
    await renter.the_books_agree()


@pytest.mark.asyncio
async def test_what_was_paid_or_forgiven_meanwhile_is_not_taken(renter: Renter) -> None:
    await renter.card()
    booking = await back_in_time(renter, await driving(renter))
    first = await renter.ask(booking, ChargeKind.CLAIM, 1_000, reason="A scratch", key="a")
    await renter.ask(booking, ChargeKind.CLAIM, 2_000, reason="Another", key="b")
    await renter.refund(first, 1_000)
    await renter.add(1_500)
    assert await renter.has() == (0, 0, 500, 0)
    assert (await inspected(renter, booking)).deposit_captured_minor == 500
    assert await renter.has() == (0, 0, 0, 0)
    await renter.the_books_agree()


@pytest.mark.asyncio
async def test_debts_for_other_things_are_none_of_its_business(renter: Renter) -> None:
    await renter.card()
    booking = await back_in_time(renter, await driving(renter))
    claim = await renter.ask(booking, ChargeKind.CLAIM, 1_000, reason="A scratch", key="a")
    await renter.refund(claim, 1_000)
    other = await renter.book(in_h=100, method_id="wallet", allow_debt=True)
    assert (await renter.charge_of(other)).debt_minor == 8_000
    over = await inspected(renter, booking)
    assert (over.deposit_status, over.deposit_captured_minor) == (D.RELEASED, 0)


@pytest.mark.asyncio
async def test_a_reservation_that_has_run_out_leaves_a_debt(renter: Renter) -> None:
    await renter.card("declined_at_capture")
    await renter.add(8_000)
    booking = await back_in_time(renter, await driving(renter))
    await renter.ask(booking, ChargeKind.CLAIM, 1_200, reason="A scratch", key="a")
    over = await inspected(renter, booking)
    assert (over.deposit_status, over.deposit_captured_minor) == (D.RELEASED, 0)
    assert await renter.has() == (0, 0, 1_200, 0)
    await renter.the_books_agree()


@pytest.mark.asyncio
async def test_no_answer_to_the_capture_is_found_out(renter: Renter) -> None:
    await renter.card("timeout_at_capture")
    booking = await back_in_time(renter, await driving(renter))
    await renter.ask(booking, ChargeKind.CLAIM, 1_200, reason="A scratch", key="a")
    assert (await inspected(renter, booking)).deposit_status is D.ENDING
    # While it is being taken nothing else is asked for the debt.
    await renter.collect()
    assert len(renter.sandbox.payments(renter.operator.id)) == 2
    await renter.resolve()
    over = await renter.find(booking)
    assert (over.deposit_status, over.deposit_captured_minor) == (D.CAPTURED, 1_200)
    assert await renter.has() == (0, 0, 0, 0)
    await renter.the_books_agree()


@pytest.mark.asyncio
async def test_it_waits_while_a_card_is_asked_for_the_same(renter: Renter) -> None:
    card = await renter.card()
    booking = await back_in_time(renter, await driving(renter))
    renter.sandbox.add_fault("charge", "done")
    await renter.ask(booking, ChargeKind.SETTLEMENT, 1_200, card)
    assert (await inspected(renter, booking)).deposit_status is D.HELD
    await renter.resolve()
    await renter.watch()
    over = await renter.find(booking)
    assert (over.deposit_status, over.deposit_captured_minor) == (D.RELEASED, 0)
    await renter.the_books_agree()


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", ["done", "lost"])
async def test_a_reservation_that_is_known_too_late_is_let_go(renter: Renter, fault: str) -> None:
    await renter.card()
    booking = await renter.book(in_h=1)
    renter.clock.advance(hours=1)
    renter.sandbox.add_fault("authorise", fault)  # type: ignore[arg-type]
    assert (await renter.pick_up(booking)).deposit_status is D.ASKED
    await renter.cancel(booking)
    await renter.resolve(16 * 60)
    await renter.resolve(16 * 60)
    over = await renter.find(booking)
    assert over.deposit_status is (D.RELEASED if fault == "done" else D.REFUSED)
    assert renter.sandbox.open_reservations(renter.operator.id) == 0
    await renter.the_books_agree()


@pytest.mark.asyncio
@pytest.mark.parametrize("by_card", [True, False])
async def test_who_never_drives_off_has_it_back(renter: Renter, by_card: bool) -> None:
    """Held at a try after which the vehicle did not unlock, and nobody came again."""
    if by_card:
        await renter.card()
    else:
        await renter.add(13_000)
    booking = await renter.book(in_h=1, method_id=None if by_card else "wallet")
    renter.clock.advance(hours=1)
    held = await renter.hold_deposit(booking)
    assert held.deposit_status is D.HELD
    await renter.cancel(booking)
    assert (await renter.find(booking)).deposit_status is D.RELEASED
    assert renter.sandbox.open_reservations(renter.operator.id) == 0
    assert (await renter.sums()).get(AccountKind.RIDER_DEPOSIT) is None
    await renter.the_books_agree()


@pytest.mark.asyncio
async def test_who_has_a_booking_or_a_deposit_stays_and_so_does_the_card(renter: Renter) -> None:
    card = await renter.card()
    booking = await driving(renter)
    for ended in (False, True):
        if ended:
            await back_in_time(renter, booking)
        async with renter.rt.db.read() as tx:
            no = await BookingHold().reason(tx, renter.operator.id, renter.rider.id)
            card_no = await BookingCardHold().reason(tx, card)
        assert no is not None
        assert no.code == ("deposit_held" if ended else "booking_running")
        assert card_no is not None
        assert card_no.code == "payment_method_in_use"
    await inspected(renter, booking)
    async with renter.rt.db.read() as tx:
        assert await BookingHold().reason(tx, renter.operator.id, renter.rider.id) is None
        assert await BookingCardHold().reason(tx, card) is None
    command = RemoveCard(operator_id=renter.operator.id, rider_id=renter.rider.id, method_id=card.method_id)
    await remove_card(renter.rt, (BookingCardHold(),), command)


@pytest.mark.parametrize(
    ("kind", "status", "used", "late"),
    [
        (ChargeKind.BOOKING, "AWAITING_PAYMENT", False, False),
        (ChargeKind.BOOKING, "UPCOMING", False, False),
        (ChargeKind.BOOKING, "ENDED", False, False),
        (ChargeKind.BOOKING, "CANCELLED", False, True),
        (ChargeKind.BOOKING, "NO_SHOW", False, True),
        (ChargeKind.BOOKING, "UNPAID", False, True),
        (ChargeKind.EXTENSION, "UPCOMING", False, False),
        (ChargeKind.EXTENSION, "ACTIVE", False, False),
        (ChargeKind.EXTENSION, "ENDED", True, False),
        (ChargeKind.EXTENSION, "ENDED", False, True),
        (ChargeKind.EXTENSION, "CANCELLED", False, True),
        (ChargeKind.SETTLEMENT, "ENDED", False, False),
        (ChargeKind.CLAIM, "CANCELLED", False, False),
    ],
)
def test_what_is_paid_too_late(kind: ChargeKind, status: str, used: bool, late: bool) -> None:
    returned_at = None
    if status == "ENDED":
        returned_at = END + timedelta(minutes=1) if used else END - timedelta(minutes=1)
    booking = a_booking(status=BookingStatus(status), returned_at=returned_at)
    assert is_too_late(booking, a_charge(kind=kind)) is late
