"""What staff do about bookings: by role, of their own operator, and never more money than there was."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from isotope.domain.evidence import Image, PictureOf, Shows, Taken, insert_picture, keep_images
from isotope.domain.rental import staff_rules, watch_bookings
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingRefund,
    BookingStatus,
    ChargeId,
    ChargeKind,
    ChargeStatus,
    DepositStatus,
    OrderKind,
    RefundId,
    RefundKind,
)
from isotope.domain.tenants.model import PaymentSettings, RentalSettings, Role
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import BookingId, OperatorId
from tests.kit.cards import SandboxKit, make_card, running_sandbox
from tests.kit.clock import START as NOW
from tests.kit.clock import SettableClock
from tests.kit.drives import Town, a_town
from tests.kit.http import Api, run_api
from tests.kit.rentals import RENTALS
from tests.kit.riders import make_rider
from tests.kit.staff import make_desk
from tests.kit.tenants import make_operator
from tests.rooms.rental.bookings import a_booking

SETTINGS = replace(
    RENTALS,
    payments=PaymentSettings(support_refund_minor=1_000),
    rentals=replace(RENTALS.rentals, claim_maximum_minor=100_000),
)
GET, CANCEL, CHARGE, REFUND = "bookings/get", "bookings/cancel", "bookings/charge", "bookings/refund"
WHY = "The brake was broken"
TREATING = {Role.OWNER, Role.MANAGER, Role.SUPPORT}


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock) as running:
        yield running


@asynccontextmanager
async def served(
    rt: Runtime, clock: SettableClock, folder: Path, *, cars: int = 1, balance_minor: int = 100_000
) -> AsyncIterator[tuple[Town, Api]]:
    async with a_town(rt, clock, cars=cars, settings=SETTINGS) as town, run_api(rt, folder) as api:
        if balance_minor:
            await town.give(balance_minor)
        yield town, api


async def bought(town: Town, **booked: Any) -> Booking:
    """8 hours for 40.00, which is a day."""
    booking = await town.book(**booked)
    await town.buy(booking)
    return booking


async def ended(town: Town, clock: SettableClock, **booked: Any) -> Booking:
    """One that was picked up and brought back in time."""
    booking = await bought(town, **booked)
    await town.pick_up(booking)
    clock.advance(hours=2)
    await town.beat()
    return await town.bring_back(booking)


# -- Tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_who_treats_bookings(role: Role) -> None:
    no = staff_rules.may_treat(role)
    assert (no is None) is (role in TREATING)
    assert no is None or no.code == "role_not_allowed"
    assert staff_rules.sees_riders(role) is (role in TREATING)


@pytest.mark.parametrize(
    ("booking", "code"),
    [
        (a_booking(), None),
        (a_booking(status=BookingStatus.AWAITING_PAYMENT, hold_until=NOW), None),
        (a_booking(status=BookingStatus.ACTIVE), "booking_status"),
        (a_booking(status=BookingStatus.ENDED), "booking_status"),
        (a_booking(status=BookingStatus.CANCELLED), "booking_status"),
        (a_booking(status=BookingStatus.NO_SHOW), "booking_status"),
        (a_booking(status=BookingStatus.UNPAID), "booking_status"),
        (a_booking(order_kind=OrderKind.PICK_UP), "booking_busy"),
        (a_booking(deposit_status=DepositStatus.ASKED), "booking_busy"),
        (a_booking(deposit_status=DepositStatus.HELD), None),
    ],
)
@pytest.mark.parametrize("role", list(Role))
def test_what_is_cancelled(role: Role, booking: Booking, code: str | None) -> None:
    no = staff_rules.may_cancel(role, booking)
    assert (None if no is None else no.code) == (code if role in TREATING else "role_not_allowed")


@pytest.mark.parametrize(
    ("role", "status", "amount_minor", "code"),
    [
        (Role.OWNER, BookingStatus.ENDED, 1, None),
        (Role.OWNER, BookingStatus.ENDED, 100_000, None),
        (Role.MANAGER, BookingStatus.ENDED, 100_000, None),
        (Role.OWNER, BookingStatus.ENDED, 100_001, "validation_failed"),
        (Role.OWNER, BookingStatus.ENDED, 0, "validation_failed"),
        (Role.OWNER, BookingStatus.ACTIVE, 1, "booking_status"),
        (Role.OWNER, BookingStatus.UPCOMING, 1, "booking_status"),
        (Role.OWNER, BookingStatus.NO_SHOW, 1, "booking_status"),
        (Role.SUPPORT, BookingStatus.ENDED, 1_000, None),
        (Role.SUPPORT, BookingStatus.ENDED, 1_001, "role_limit_reached"),
        (Role.OPERATOR, BookingStatus.ENDED, 1, "role_not_allowed"),
        (Role.READ_ONLY, BookingStatus.ENDED, 1, "role_not_allowed"),
    ],
)
def test_what_is_claimed(role: Role, status: BookingStatus, amount_minor: int, code: str | None) -> None:
    no = staff_rules.may_claim(SETTINGS, role, a_booking(status=status), amount_minor)
    assert (None if no is None else no.code) == code


def a_charge(**changes: Any) -> BookingCharge:
    fields: dict[str, Any] = {
        "operator_id": OperatorId(1),
        "id": ChargeId(8),
        "booking_id": BookingId(7),
        "kind": ChargeKind.BOOKING,
        "status": ChargeStatus.PAID,
        "currency": "EUR",
        "lines": (),
        "taxes": (),
        "total_minor": 5_000,
        "tax_minor": 0,
        "charged_bonus_minor": 0,
        "charged_balance_minor": 5_000,
        "charged_card_minor": 0,
        "card_pending_minor": 0,
        "debt_minor": 0,
        "ends_at": None,
        "ended_at_before": None,
        "code": None,
        "reason": None,
        "actor": SYSTEM,
        "key": None,
        "opened_at": NOW,
        "settled_at": NOW,
    }
    return BookingCharge(**(fields | changes))


def a_refund(amount_minor: int, **changes: Any) -> BookingRefund:
    fields: dict[str, Any] = {
        "operator_id": OperatorId(1),
        "id": RefundId(1),
        "booking_id": BookingId(7),
        "charge_id": ChargeId(8),
        "kind": RefundKind.STAFF,
        "amount_minor": amount_minor,
        "taxes": (),
        "bonus_minor": 0,
        "balance_minor": amount_minor,
        "card_minor": 0,
        "debt_minor": 0,
        "to_bonus_minor": 0,
        "to_balance_minor": amount_minor,
        "to_debt_minor": 0,
        "to_card_minor": 0,
        "card_pending_minor": 0,
        "reason": WHY,
        "actor": SYSTEM,
        "key": "k",
        "at": NOW,
    }
    return BookingRefund(**(fields | changes))


def verdict(role: Role, charge: BookingCharge, refunds: list[BookingRefund], amount_minor: int | None) -> str | None:
    facts = staff_rules.RefundFacts(
        settings=SETTINGS, role=role, charge=charge, refunds=refunds, amount_minor=amount_minor
    )
    no = staff_rules.may_refund(facts)
    return None if no is None else no.code


@pytest.mark.parametrize(
    ("role", "charge", "refunds", "amount_minor", "code"),
    [
        (Role.OWNER, a_charge(), [], None, None),
        (Role.OWNER, a_charge(), [], 5_000, None),
        (Role.OWNER, a_charge(), [], 5_001, "refund_too_high"),
        (Role.OWNER, a_charge(), [], 0, "refund_too_high"),
        (Role.OWNER, a_charge(), [a_refund(5_000)], None, "refund_too_high"),
        (Role.OWNER, a_charge(), [a_refund(4_000)], 1_000, None),
        (Role.OWNER, a_charge(), [a_refund(4_000)], 1_001, "refund_too_high"),
        (Role.OWNER, a_charge(), [a_refund(4_000, charge_id=ChargeId(9))], 5_000, None),
        (Role.OWNER, a_charge(status=ChargeStatus.PENDING), [], 1, "charge_not_settled"),
        (Role.OWNER, a_charge(status=ChargeStatus.FAILED), [], 1, "refund_too_high"),
        (Role.OWNER, a_charge(), [a_refund(1_000, card_pending_minor=1_000)], 1, "refund_running"),
        (Role.SUPPORT, a_charge(), [], 1_000, None),
        (Role.SUPPORT, a_charge(), [], 1_001, "role_limit_reached"),
        (Role.SUPPORT, a_charge(), [], None, "role_limit_reached"),
        (Role.SUPPORT, a_charge(), [a_refund(600, charge_id=ChargeId(9))], 401, "role_limit_reached"),
        (Role.SUPPORT, a_charge(), [a_refund(600, key=None, kind=RefundKind.EARLY_RETURN)], 1_000, None),
        (Role.OPERATOR, a_charge(), [], 1, "role_not_allowed"),
        (Role.READ_ONLY, a_charge(), [], 1, "role_not_allowed"),
    ],
)
def test_what_is_given_back(
    role: Role, charge: BookingCharge, refunds: list[BookingRefund], amount_minor: int | None, code: str | None
) -> None:
    assert verdict(role, charge, refunds, amount_minor) == code


@given(
    st.sampled_from(Role),
    st.integers(0, 10_000),
    st.lists(st.integers(1, 3_000), max_size=4),
    st.none() | st.integers(-10, 12_000),
)
def test_nothing_is_given_back_twice(role: Role, total: int, done: list[int], amount: int | None) -> None:
    charge = a_charge(total_minor=total)
    refunds = [a_refund(one) for one in done]
    if verdict(role, charge, refunds, amount) is None:
        wanted = total - sum(done) if amount is None else amount
        assert 0 < wanted <= total - sum(done)
        assert role is not Role.SUPPORT or sum(done) + wanted <= 1_000


# -- Cancelling -----------------------------------------------------------------------------------------------------


async def test_cancelled_by_staff_all_goes_back_and_the_vehicle_is_free(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        desk = await make_desk(rt, api, town.kit, Role.SUPPORT)
        # Minutes before the start, when a rider would get nothing back.
        booking = await bought(town, in_min=5)
        assert (await town.standing()).balance_minor == 96_000
        for _twice in range(2):
            shown = await desk.ok(CANCEL, {"booking_id": booking.id, "reason": WHY})
            assert (shown["booking_status"], shown["outcome"]) == ("CANCELLED", "by_staff")
            assert [(one["kind"], one["amount"], one["reason"]) for one in shown["refunds"]] == [
                ("CANCELLED", 40.0, WHY)
            ]
        assert (await town.standing()).balance_minor == 100_000
        assert await town.slot(booking) is None
        assert await town.messages() == ["booking_cancelled_by_staff"]
        await town.books_agree()
        assert await desk.refused(CHARGE, {"booking_id": booking.id, "amount": 1, "reason": WHY}) == (
            409,
            "booking_status",
        )


async def test_what_was_prepared_is_let_go(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        desk = await make_desk(rt, api, town.kit)
        booking = await bought(town, in_min=30)
        await watch_bookings(rt, town.cards, api.services.operators)
        assert await town.vehicle() == ("RESERVED", booking.holder)
        await desk.ok(CANCEL, {"booking_id": booking.id, "reason": WHY})
        assert await town.vehicle() == ("READY", None)


async def test_what_is_under_way_is_not_cancelled(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        desk = await make_desk(rt, api, town.kit)
        booking = await bought(town)
        await town.pick_up(booking)
        body = {"booking_id": booking.id, "reason": WHY}
        assert await desk.refused(CANCEL, body) == (409, "booking_status")
        assert await desk.refused(CHARGE, {**body, "amount": 10}) == (409, "booking_status")


# -- Claims ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed_minor", "balance_minor", "captured_minor", "debt_minor", "left_minor"),
    [
        # Nothing is claimed: the deposit of 200.00 goes back.
        (0, 24_000, 0, 0, 20_000),
        # Less than the deposit, equal to it, more than it.
        (15_000, 24_000, 15_000, 0, 5_000),
        (20_000, 24_000, 20_000, 0, 0),
        (35_000, 24_000, 20_000, 15_000, 0),
        # The wallet pays before the deposit does.
        (15_000, 34_000, 5_000, 0, 15_000),
    ],
)
async def test_the_deposit_pays_what_is_claimed(
    rt: Runtime,
    clock: SettableClock,
    tmp_path: Path,
    claimed_minor: int,
    balance_minor: int,
    captured_minor: int,
    debt_minor: int,
    left_minor: int,
) -> None:
    async with served(rt, clock, tmp_path, balance_minor=balance_minor) as (town, api):
        desk = await make_desk(rt, api, town.kit)
        booking = await ended(town, clock, deposit_minor=20_000)
        assert booking.deposit_status is DepositStatus.HELD
        if claimed_minor:
            body = {"booking_id": booking.id, "amount": claimed_minor / 100, "reason": "A scratch"}
            first = await desk.ok(CHARGE, body, key="once")
            assert (first["kind"], first["total"], first["tax"]) == ("CLAIM", claimed_minor / 100, 0.0)
            assert await desk.ok(CHARGE, body, key="once") == first
        clock.advance(hours=25)
        await watch_bookings(rt, town.cards, api.services.operators)
        over = await town.find(booking)
        status = DepositStatus.CAPTURED if captured_minor else DepositStatus.RELEASED
        assert (over.deposit_status, over.deposit_captured_minor) == (status, captured_minor)
        standing = await town.standing()
        assert (standing.balance_minor, standing.debt_minor) == (left_minor, debt_minor)
        await town.books_agree()


async def test_after_the_inspection_it_is_debt_and_can_be_given_back(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with served(rt, clock, tmp_path, balance_minor=5_000) as (town, api):
        desk, support = await make_desk(rt, api, town.kit), await make_desk(rt, api, town.kit, Role.SUPPORT)
        booking = await ended(town, clock)
        clock.advance(days=40)
        body = {"booking_id": booking.id, "amount": 50, "reason": "Found later"}
        assert await support.refused(CHARGE, body) == (403, "role_limit_reached")
        claim = await desk.ok(CHARGE, body)
        assert (claim["paid_by"]["balance"], claim["paid_by"]["debt"]) == (10.0, 40.0)
        assert claim["reason"] == "Found later"
        back = {"booking_id": booking.id, "charge_id": claim["charge_id"], "reason": WHY}
        assert await support.refused(REFUND, back) == (403, "role_limit_reached")
        refund = await support.ok(REFUND, {**back, "amount": 10}, key="k")
        assert await support.ok(REFUND, {**back, "amount": 10}, key="k") == refund
        assert (refund["went_to"]["debt"], refund["kind"]) == (10.0, "STAFF")
        assert await support.refused(REFUND, {**back, "amount": 0.01}) == (403, "role_limit_reached")
        assert await desk.refused(REFUND, {**back, "amount": 40.01}) == (409, "refund_too_high")
        await desk.ok(REFUND, back)
        assert await desk.refused(REFUND, back) == (409, "refund_too_high")
        standing = await town.standing()
        assert (standing.balance_minor, standing.debt_minor) == (1_000, 0)
        # And the price itself, which is what no charge_id means.
        price = await desk.ok(REFUND, {"booking_id": booking.id, "reason": WHY})
        assert (price["amount"], price["went_to"]["balance"]) == (40.0, 40.0)
        assert (await town.standing()).balance_minor == 5_000
        await town.books_agree()
        assert await desk.refused(REFUND, {**back, "charge_id": 10**9}) == (404, "charge_not_found")


async def test_a_card_is_asked_for_a_claim_once_by_the_deposit_or_by_itself(
    rt: Runtime, clock: SettableClock, tmp_path: Path, sandbox: SandboxKit
) -> None:
    async with (
        a_town(rt, clock, settings=SETTINGS, sandbox=sandbox) as town,
        run_api(rt, tmp_path) as api,
    ):
        api.services.cards = town.cards
        desk = await make_desk(rt, api, town.kit)
        card = await make_card(rt, town.kit.operator, town.rider, sandbox, "ok")
        operator_id = town.kit.operator.id
        booking = await ended(town, clock, deposit_minor=20_000, method=card.method_id)
        assert (sandbox.open_reservations(operator_id), sandbox.totals(operator_id).captured_minor) == (20_000, 4_000)
        first = await desk.ok(CHARGE, {"booking_id": booking.id, "amount": 50, "reason": "A scratch"})
        assert first["paid_by"]["debt"] == 50.0
        assert sandbox.totals(operator_id).captured_minor == 4_000
        clock.advance(hours=25)
        await watch_bookings(rt, town.cards, api.services.operators)
        assert (sandbox.open_reservations(operator_id), sandbox.totals(operator_id).captured_minor) == (0, 9_000)
        standing = await town.standing()
        assert (standing.balance_minor, standing.debt_minor) == (0, 0)
        # Nothing is held any more: what is found now the card pays at once.
        second = await desk.ok(CHARGE, {"booking_id": booking.id, "amount": 30, "reason": "A dent"})
        assert second["paid_by"]["card"] == 30.0
        assert sandbox.totals(operator_id).captured_minor == 12_000
        # And gets it back.
        back = {"booking_id": booking.id, "charge_id": second["charge_id"], "reason": "It was there before"}
        refund = await desk.ok(REFUND, back)
        assert refund["went_to"]["card"] == 30.0
        assert sandbox.totals(operator_id).net_minor == 9_000
        await town.books_agree()


# -- Roles, other operators, lists ------------------------------------------------------------------------------------


async def test_by_role_and_of_ones_own_operator(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        booking = await bought(town, in_min=600)
        body = {"booking_id": booking.id, "reason": WHY}
        for role in (Role.OPERATOR, Role.READ_ONLY):
            desk = await make_desk(rt, api, town.kit, role)
            for call, more in ((CANCEL, {}), (CHARGE, {"amount": 1}), (REFUND, {})):
                assert await desk.refused(call, body | more) == (403, "role_not_allowed")
            [shown] = (await desk.ok(GET))["data"]
            assert (shown["booking_id"], shown["vehicle_id"]) == (booking.id, booking.vehicle_id)
            assert (shown["user_id"], shown["charges"], shown["deposit"]) == (None, [], None)
            # Nor can it be asked whose it is.
            assert (await desk.ok(GET, {"rider_id": town.rider.id}))["data"] == []
        stranger = await make_desk(rt, api, await make_operator(rt))
        for call, more in ((CANCEL, {}), (CHARGE, {"amount": 1}), (REFUND, {})):
            assert await stranger.refused(call, body | more) == (404, "booking_not_found")
        for which in ({}, {"booking_id": booking.id}, {"rider_id": town.rider.id}, {"vehicle_id": booking.vehicle_id}):
            assert (await stranger.ok(GET, which))["data"] == []
        assert (await town.find(booking)).status is BookingStatus.UPCOMING


async def test_bookings_by_filters_and_pages(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with served(rt, clock, tmp_path, cars=2) as (town, api):
        desk = await make_desk(rt, api, town.kit)
        other = await make_rider(rt, town.kit.operator)
        made = [
            await town.book(in_min=600 * (nr + 1), hours=5, car=nr % 2, rider=other if nr == 3 else None)
            for nr in range(5)
        ]
        newest_first, seen, mark = [one.id for one in reversed(made)], [], None
        while True:
            page = await desk.ok(GET, {"page_length": 2, "page_bookmark": mark})
            seen += [one["booking_id"] for one in page["data"]]
            mark = page["bookmark_next"]
            if mark is None:
                break
        assert seen == newest_first
        await desk.ok(CANCEL, {"booking_id": made[0].id, "reason": WHY})
        hour = int(timedelta(hours=1).total_seconds())
        start = int(made[2].starts_at.timestamp())
        for which, expected in (
            ({"vehicle_id": town.rentals.car(1)}, [3, 1]),
            ({"rider_id": other.id}, [3]),
            ({"zone_id": town.rentals.centre_id}, [4, 3, 2, 1, 0]),
            ({"zone_id": town.rentals.airport_id}, []),
            ({"booking_id": made[2].id}, [2]),
            ({"booking_statuses": ["CANCELLED"]}, [0]),
            ({"booking_statuses": ["CANCELLED", "UPCOMING"], "vehicle_id": town.rentals.car(0)}, [4, 2, 0]),
            ({"since": start, "until": start + hour}, [2]),
            ({"since": start, "until": start}, []),
            ({"until": start}, [1, 0]),
        ):
            found = [one["booking_id"] for one in (await desk.ok(GET, which))["data"]]
            assert found == [made[nr].id for nr in expected], which
        clock.advance(days=40)
        assert (await desk.ok(GET))["data"] == []
        assert len((await desk.ok(GET, {"booking_id": made[2].id}))["data"]) == 1
        assert await desk.refused(GET, {"bookmark": "c3RhZmZfYm9va2luZ3M6OTk5OTk5"}) == (400, "validation_failed")


async def test_pictures_of_a_booking_behind_links(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        desk = await make_desk(rt, api, town.kit)
        booking = await bought(town, in_min=600)
        for nr, taken in enumerate(Taken):
            shows = Shows(PictureOf.BOOKING, booking.id, taken)
            image = Image(f"{taken}".encode(), "image/jpeg", digest=bytes([nr]) * 32)
            [kept] = await keep_images(rt, api.services.blobs, town.kit.operator.id, [image], shows)
            async with rt.db.write() as tx:
                await insert_picture(tx, town.kit.operator.id, shows, kept, clock.now())
        [shown] = (await desk.ok(GET))["data"]
        assert [one["taken"] for one in shown["photos"]] == ["BEFORE", "AFTER"]
        for one in shown["photos"]:
            opened = await api.client.get(one["url"])
            assert (opened.status_code, opened.content) == (200, one["taken"].encode())


def test_the_settings_say_how_much_can_be_claimed() -> None:
    assert RentalSettings().claim_maximum_minor == 200_000
