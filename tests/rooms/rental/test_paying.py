"""What bookings cost is paid once, nothing that is bought is owed, and everything that is given back goes the way it came."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import NoReturn

import pytest
import pytest_asyncio

from isotope.domain.payments import PaymentStatus
from isotope.domain.receipts import Paid, ReceiptKind
from isotope.domain.rental.model import BookingStatus, ChargeKind, ChargeStatus, RefundKind
from isotope.domain.rental.usecases import create_booking as creating
from isotope.domain.wallet import AccountKind, MoneyKind
from isotope.infra.runtime import Runtime
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.renters import Renter, a_renter

pytestmark = pytest.mark.asyncio

B = BookingStatus


class Killed(BaseException):
    """The process died here."""


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@pytest_asyncio.fixture
async def renter(rt: Runtime, clock: SettableClock, sandbox: SandboxKit) -> AsyncIterator[Renter]:
    async with a_renter(rt, clock, sandbox) as made:
        yield made


async def die(*_args: object, **_named: object) -> NoReturn:
    raise Killed


async def test_bonus_balance_and_card_pay_in_this_order(renter: Renter) -> None:
    card = await renter.card()
    await renter.add(1_000, MoneyKind.BONUS)
    await renter.add(2_000)
    booking = await renter.book()
    assert (booking.status, booking.payment_method_id) == (B.UPCOMING, card.method_id)
    charge = await renter.charge_of(booking)
    assert (charge.total_minor, charge.charged_bonus_minor, charge.charged_balance_minor) == (8_000, 1_000, 2_000)
    assert (charge.charged_card_minor, charge.debt_minor, charge.status) == (5_000, 0, ChargeStatus.PAID)
    receipt = await renter.receipt(charge.cause)
    assert receipt is not None
    assert (receipt.kind, receipt.paid) == (
        ReceiptKind.BOOKING,
        Paid(bonus_minor=1_000, balance_minor=2_000, card_minor=5_000),
    )
    assert (receipt.supplied_from, receipt.supplied_until) == (booking.starts_at, booking.ends_at)
    await renter.the_books_agree()


async def test_a_declined_card_books_nothing_and_everything_is_given_back(renter: Renter) -> None:
    await renter.card("declined")
    await renter.add(1_000, MoneyKind.BONUS)
    await renter.add(2_000)
    with refused("card_declined"):
        await renter.book()
    [booking] = await renter.all()
    assert (booking.status, await renter.slots(booking)) == (B.UNPAID, [])
    assert await renter.has() == (2_000, 1_000, 0, 0)
    assert (await renter.charge_of(booking)).status is ChargeStatus.FAILED
    await renter.the_books_agree()


@pytest.mark.parametrize("fault", ["done", "lost"])
async def test_no_answer_leaves_it_waiting_and_the_worker_finds_out(renter: Renter, fault: str) -> None:
    await renter.card()
    renter.sandbox.add_fault("charge", fault)  # type: ignore[arg-type]
    booking = await renter.book()
    assert booking.status is B.AWAITING_PAYMENT
    assert (await renter.has())[3] == -8_000
    await renter.resolve()
    assert (await renter.find(booking)).status is B.UPCOMING
    assert renter.sandbox.totals(renter.operator.id).captured_minor == 8_000
    await renter.the_books_agree()


async def test_a_process_that_dies_before_the_card_is_asked_is_finished_by_the_worker(
    renter: Renter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await renter.card()
    with monkeypatch.context() as patch:
        patch.setattr(creating, "carry_out_all", die)
        with pytest.raises(Killed):
            await renter.book()
    [booking] = await renter.all()
    assert booking.status is B.AWAITING_PAYMENT
    assert renter.sandbox.payments(renter.operator.id) == []
    await renter.resolve()
    assert (await renter.find(booking)).status is B.UPCOMING
    await renter.the_books_agree()


async def test_a_process_that_dies_after_the_card_paid_is_finished_by_the_worker(
    renter: Renter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await renter.card()
    with monkeypatch.context() as patch:
        patch.setattr("isotope.domain.payments.usecases.carry_out.record", die)
        with pytest.raises(Killed):
            await renter.book()
    assert renter.sandbox.totals(renter.operator.id).captured_minor == 8_000
    await renter.resolve()
    [booking] = await renter.all()
    assert booking.status is B.UPCOMING
    assert renter.sandbox.totals(renter.operator.id).captured_minor == 8_000
    await renter.the_books_agree()


async def test_what_the_card_pays_after_the_hold_is_given_back_whole(renter: Renter) -> None:
    await renter.card("needs_3ds")
    await renter.add(1_000, MoneyKind.BONUS)
    await renter.add(2_000)
    booking = await renter.book()
    charge = await renter.charge_of(booking)
    await renter.watch(minutes=renter.operator.settings.rentals.hold_min)
    given_up = await renter.find(booking)
    assert (given_up.status, given_up.outcome, await renter.slots(booking)) == (B.UNPAID, "hold_expired", [])
    # Nobody knows yet what the bank says: all of it stays where it is.
    assert await renter.has() == (0, 0, 0, -5_000)
    [payment] = await renter.payments(charge.cause)
    assert payment.redirect_url is not None
    renter.sandbox.confirm_3ds(payment.redirect_url)
    await renter.resolve(600)
    [refund] = await renter.refunds(booking)
    assert (refund.kind, refund.amount_minor, refund.card_pending_minor) == (RefundKind.TOO_LATE, 8_000, 5_000)
    await renter.resolve()
    [refund] = await renter.refunds(booking)
    assert (refund.to_card_minor, refund.to_balance_minor, refund.to_bonus_minor) == (5_000, 2_000, 1_000)
    assert (await renter.find(booking)).status is B.UNPAID
    assert await renter.has() == (2_000, 1_000, 0, 0)
    totals = renter.sandbox.totals(renter.operator.id)
    assert (totals.captured_minor, totals.refunded_minor) == (5_000, 5_000)
    await renter.the_books_agree()


async def test_what_the_card_refuses_after_the_hold_is_posted_back(renter: Renter) -> None:
    await renter.card("needs_3ds")
    await renter.add(2_000)
    booking = await renter.book()
    [payment] = await renter.payments((await renter.charge_of(booking)).cause)
    await renter.watch(minutes=renter.operator.settings.rentals.hold_min)
    assert payment.redirect_url is not None
    renter.sandbox.decline_3ds(payment.redirect_url)
    await renter.resolve(600)
    assert await renter.has() == (2_000, 0, 0, 0)
    assert (await renter.find(booking)).outcome == "hold_expired"
    assert await renter.refunds(booking) == []
    await renter.the_books_agree()


async def test_cancelled_while_the_card_is_asked_costs_nothing(renter: Renter) -> None:
    await renter.card()
    renter.sandbox.add_fault("charge", "done")
    booking = await renter.book()
    await renter.cancel(booking)
    await renter.resolve()
    await renter.resolve()
    assert (await renter.find(booking)).status is B.CANCELLED
    assert renter.sandbox.totals(renter.operator.id).net_minor == 0
    await renter.the_books_agree()


@pytest.mark.parametrize(("in_h", "kept"), [(48, 0), (12, 4_000)])
async def test_cancelled_by_its_terms_what_is_not_kept_goes_back_the_way_it_came(
    renter: Renter, in_h: int, kept: int
) -> None:
    await renter.card()
    await renter.add(1_000, MoneyKind.BONUS)
    await renter.add(2_000)
    booking = await renter.book(in_h=in_h)
    cancelled = await renter.cancel(booking)
    assert (cancelled.fee_minor, cancelled.refunded_minor) == (kept, 8_000 - kept)
    [refund] = await renter.refunds(booking)
    # The card first, then balance, and bonus last.
    assert (refund.to_card_minor, refund.to_balance_minor, refund.to_bonus_minor) == (
        (5_000, 2_000, 1_000) if kept == 0 else (4_000, 0, 0)
    )
    note = await renter.receipt(refund.cause)
    assert note is not None
    assert (note.kind, note.corrects) == (ReceiptKind.CREDIT_NOTE, (await renter.charge_of(booking)).cause)
    await renter.the_books_agree()


async def test_staff_who_cancel_give_all_back(renter: Renter) -> None:
    await renter.add(8_000)
    booking = await renter.book(in_h=1, method_id="wallet")
    await renter.cancel_by_staff(booking)
    assert await renter.has() == (8_000, 0, 0, 0)
    await renter.the_books_agree()


async def test_a_card_that_takes_nothing_back_leaves_it_in_the_wallet(renter: Renter) -> None:
    await renter.card("refund_refused")
    booking = await renter.book()
    await renter.cancel(booking)
    [refund] = await renter.refunds(booking)
    assert (refund.to_card_minor, refund.to_balance_minor, refund.card_pending_minor) == (0, 8_000, 0)
    assert await renter.has() == (8_000, 0, 0, 0)
    await renter.the_books_agree()


async def test_a_refund_while_another_is_under_way_goes_to_the_wallet(renter: Renter) -> None:
    await renter.card("timeout_at_refund")
    booking = await renter.book()
    first = await renter.refund(await renter.charge_of(booking), 1_000)
    assert first.card_pending_minor == 1_000
    await renter.cancel(booking)
    _first, second = await renter.refunds(booking)
    assert (second.amount_minor, second.to_balance_minor, second.card_pending_minor) == (7_000, 7_000, 0)
    await renter.resolve()
    first, _second = await renter.refunds(booking)
    assert (first.to_card_minor, first.card_pending_minor) == (1_000, 0)
    await renter.the_books_agree()


async def test_no_more_is_refunded_than_was_paid(renter: Renter) -> None:
    await renter.add(8_000)
    booking = await renter.book(method_id="wallet")
    charge = await renter.charge_of(booking)
    await renter.refund(charge, 7_999)
    with pytest.raises(ValueError, match="2 of 1"):
        await renter.refund(charge, 2)
    await renter.refund(charge, 1)
    assert await renter.has() == (8_000, 0, 0, 0)
    assert (await renter.sums()).get(AccountKind.TAX) is None
    await renter.the_books_agree()


async def test_more_time_is_bought_and_given_back_newest_first(renter: Renter) -> None:
    await renter.card()
    await renter.add(8_000)
    booking = await renter.book(in_h=12)
    extended = await renter.extend(booking, 20)
    assert extended.charge is not None
    assert (extended.charge.charged_card_minor, extended.charge.status) == (2_000, ChargeStatus.PAID)
    cancelled = await renter.cancel(extended.booking)
    assert (cancelled.paid_minor, cancelled.fee_minor) == (10_000, 5_000)
    refunds = await renter.refunds(booking)
    assert [(one.charge_id, one.amount_minor) for one in refunds] == [
        (extended.charge.id, 2_000),
        ((await renter.charge_of(booking)).id, 3_000),
    ]
    await renter.the_books_agree()


async def test_more_time_that_is_not_paid_is_taken_back(renter: Renter) -> None:
    await renter.card("charges_decline_after_first")
    booking = await renter.book()
    with refused("card_declined"):
        await renter.extend(booking, 20)
    assert (await renter.find(booking)).ends_at == booking.ends_at
    [slot] = await renter.slots(booking)
    assert slot[2] == booking.ends_at + timedelta(minutes=booking.terms.buffer_min)
    assert (await renter.charge_of(booking, ChargeKind.EXTENSION)).status is ChargeStatus.FAILED
    await renter.the_books_agree()


async def test_more_time_that_is_paid_when_the_booking_is_over_unused_is_given_back(renter: Renter) -> None:
    await renter.card()
    booking = await renter.book(in_h=0.1)
    renter.sandbox.add_fault("charge", "done")
    extended = await renter.extend(booking, 20)
    assert extended.charge is not None
    assert extended.charge.status is ChargeStatus.PENDING
    renter.clock.advance(minutes=6)
    await renter.pick_up(booking)
    await renter.end(booking)
    await renter.resolve()
    await renter.resolve()
    [refund] = [one for one in await renter.refunds(booking) if one.kind is RefundKind.TOO_LATE]
    assert (refund.charge_id, refund.to_card_minor) == (extended.charge.id, 2_000)
    await renter.the_books_agree()


async def test_what_comes_up_is_owed_when_nothing_pays_it(renter: Renter) -> None:
    card = await renter.card("charges_decline_after_first")
    booking = await renter.book()
    charge = await renter.ask(booking, ChargeKind.SETTLEMENT, 1_500, card)
    assert (charge.status, charge.debt_minor, charge.charged_card_minor) == (ChargeStatus.PAID, 1_500, 0)
    assert await renter.has() == (0, 0, 1_500, 0)
    receipt = await renter.receipt(charge.cause)
    assert receipt is not None
    assert receipt.paid == Paid(debt_minor=1_500)
    # Forgiven, it is not owed any more.
    refund = await renter.refund(charge, 1_500)
    assert (refund.debt_minor, refund.to_debt_minor) == (1_500, 1_500)
    assert await renter.has() == (0, 0, 0, 0)
    await renter.the_books_agree()


async def test_bonus_pays_what_comes_up_but_no_damage(renter: Renter) -> None:
    await renter.add(8_000)
    booking = await renter.book(method_id="wallet")
    await renter.add(1_000, MoneyKind.BONUS)
    settled = await renter.ask(booking, ChargeKind.SETTLEMENT, 600)
    claimed = await renter.ask(booking, ChargeKind.CLAIM, 600, reason="A scratch", key="a")
    assert (settled.charged_bonus_minor, claimed.charged_bonus_minor, claimed.debt_minor) == (600, 0, 600)
    receipt = await renter.receipt(claimed.cause)
    assert receipt is not None
    assert receipt.subject.endswith(": A scratch")
    await renter.the_books_agree()


async def test_what_may_be_owed_is_booked_on_debt(renter: Renter) -> None:
    await renter.add(1_000)
    booking = await renter.book(method_id="wallet", allow_debt=True)
    assert booking.status is B.UPCOMING
    assert await renter.has() == (0, 0, 7_000, 0)
    await renter.cancel(booking)
    assert await renter.has() == (1_000, 0, 0, 0)
    await renter.the_books_agree()


async def test_what_may_be_owed_and_was_given_up_is_not_owed(renter: Renter) -> None:
    await renter.card("needs_3ds")
    booking = await renter.book(allow_debt=True)
    assert booking.status is B.AWAITING_PAYMENT
    [payment] = await renter.payments((await renter.charge_of(booking)).cause)
    assert payment.status is PaymentStatus.ACTION_REQUIRED
    assert payment.redirect_url is not None
    await renter.watch(minutes=renter.operator.settings.rentals.hold_min)
    renter.sandbox.decline_3ds(payment.redirect_url)
    await renter.resolve(600)
    assert (await renter.find(booking)).status is B.UNPAID
    assert await renter.has() == (0, 0, 0, 0)
    await renter.the_books_agree()
