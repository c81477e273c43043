"""What every card provider must do, whoever it is: `payments.ports.CardProvider`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isotope.domain.payments.model import (
    Answer,
    CallKind,
    DisputeStatus,
    EventKind,
    Merchant,
    Movement,
    MovementKind,
    RefusalCode,
    SavedCard,
)
from isotope.domain.payments.ports import (
    CardProvider,
    CardsUnclear,
    ChargeCard,
    EventRefused,
    FindCall,
    OnPayment,
    StartSetup,
)
from isotope.infra.outbound import NetworkInTransactionError
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId
from tests.kit.card_providers import PROVIDERS, Ability, ProviderUnderTest, Trait
from tests.kit.clock import SettableClock

RETURN_URL = "https://ride.example/return?token=abc"
CANCEL_URL = "https://ride.example/cancel?token=abc"
SHORT_S = 0.3


@pytest_asyncio.fixture(params=sorted(PROVIDERS))
async def at(request: pytest.FixtureRequest, clock: SettableClock) -> AsyncIterator[ProviderUnderTest]:
    """The provider, and the world around it."""
    async with PROVIDERS[request.param](clock) as under_test:
        yield under_test


def needs(at: ProviderUnderTest, *abilities: Ability) -> None:
    for ability in abilities:
        if ability in at.cannot:
            pytest.skip(f"{ability}: {at.cannot[ability]}")


def new_key() -> str:
    return uuid4().hex


def start(at: ProviderUnderTest, *, key: str = "", customer: str | None = None) -> StartSetup:
    return StartSetup(
        merchant=at.merchant,
        key=key or new_key(),
        rider_id=RiderId(1),
        customer_ref=customer,
        return_url=RETURN_URL,
        cancel_url=CANCEL_URL,
        language="en",
    )


def asked(  # what is asked of a card
    at: ProviderUnderTest,
    card: SavedCard,
    amount: int = 500,
    *,
    capture: bool = False,
    on_session: bool = False,
    currency: str = "EUR",
    key: str = "",
) -> ChargeCard:
    return ChargeCard(
        merchant=at.merchant,
        key=key or new_key(),
        customer_ref=card.customer_ref,
        card_ref=card.card_ref,
        amount_minor=amount,
        currency=currency,
        capture=capture,
        on_session=on_session,
        return_url=RETURN_URL if on_session else "",
        description="Ride 12",
    )


def about(
    at: ProviderUnderTest, ref: str | None, amount: int = 500, *, key: str = "", currency: str = "EUR"
) -> OnPayment:
    assert ref is not None
    return OnPayment(
        merchant=at.merchant, key=key or new_key(), payment_ref=ref, amount_minor=amount, currency=currency
    )


def looked_for(
    at: ProviderUnderTest, kind: CallKind, key: str, card: SavedCard, ref: str | None = None, amount: int = 500
) -> FindCall:
    return FindCall(
        merchant=at.merchant,
        key=key,
        kind=kind,
        customer_ref=card.customer_ref,
        payment_ref=ref,
        amount_minor=amount,
        currency="EUR",
        created_at=at.now(),
    )


async def authorised(at: ProviderUnderTest, amount: int = 500, trait: Trait = "ok") -> str:
    card = await at.save_card(trait)
    answer = await at.provider.charge(asked(at, card, amount))
    assert (answer.outcome, answer.amount_minor) == ("DONE", amount)
    assert answer.ref
    return answer.ref


async def charged(at: ProviderUnderTest, amount: int = 500, trait: Trait = "ok") -> str:
    card = await at.save_card(trait)
    answer = await at.provider.charge(asked(at, card, amount, capture=True))
    assert (answer.outcome, answer.amount_minor) == ("DONE", amount)
    assert answer.ref
    return answer.ref


async def movements(
    at: ProviderUnderTest, since: datetime | None = None, until: datetime | None = None
) -> list[Movement]:
    now = at.now()
    since, until = since or now - timedelta(hours=1), until or now + timedelta(hours=1)
    return [one async for one in at.provider.list_movements(at.merchant, since, until)]


def moved(found: list[Movement]) -> list[tuple[MovementKind, int]]:
    return [(one.kind, one.amount_minor) for one in found]


def refused(answer: Answer | None, *codes: RefusalCode) -> None:
    assert answer is not None
    assert answer.outcome == "REFUSED"
    assert answer.code in codes
    assert answer.amount_minor == 0


# Saving a card


async def test_a_card_is_saved_on_the_providers_page(at: ProviderUnderTest) -> None:
    needs(at, "setup")
    started = await at.provider.start_setup(start(at))
    assert (await at.provider.find_setup(at.merchant, started.setup_ref)).status == "PENDING"
    assert await at.choose_card(started.redirect_url, "ok") == RETURN_URL
    found = await at.provider.find_setup(at.merchant, started.setup_ref)
    assert found.status == "DONE"
    assert found.card is not None
    assert len(found.card.last4) == 4
    assert found.card.last4.isdecimal()
    assert found.card.brand
    assert found.card.exp_year > 2000
    assert 1 <= found.card.exp_month <= 12
    answer = await at.provider.charge(asked(at, found.card))
    assert answer.outcome == "DONE"


async def test_a_second_card_of_the_same_customer(at: ProviderUnderTest) -> None:
    needs(at, "setup")
    first = await at.save_card("ok")
    started = await at.provider.start_setup(start(at, customer=first.customer_ref))
    await at.choose_card(started.redirect_url, "ok")
    found = await at.provider.find_setup(at.merchant, started.setup_ref)
    assert found.card is not None
    assert found.card.customer_ref == first.customer_ref
    assert found.card.card_ref != first.card_ref


async def test_who_turns_back_has_saved_nothing(at: ProviderUnderTest) -> None:
    needs(at, "setup cancelled")
    started = await at.provider.start_setup(start(at))
    assert await at.turn_back(started.redirect_url) == CANCEL_URL
    found = await at.provider.find_setup(at.merchant, started.setup_ref)
    assert found.status in {"PENDING", "FAILED"}
    assert found.card is None


async def test_a_card_that_cannot_be_saved(at: ProviderUnderTest) -> None:
    needs(at, "setup", "cannot_be_saved")
    started = await at.provider.start_setup(start(at))
    await at.choose_card(started.redirect_url, "cannot_be_saved")
    found = await at.provider.find_setup(at.merchant, started.setup_ref)
    assert (found.status, found.card) == ("FAILED", None)
    assert found.code in set(RefusalCode)


async def test_a_setup_asked_for_twice_is_one(at: ProviderUnderTest) -> None:
    needs(at, "setup repeated")
    what = start(at)
    assert await at.provider.start_setup(what) == await at.provider.start_setup(what)


# Reserving, taking, letting go


@pytest.mark.parametrize("part", [500, 1, 320])
async def test_what_is_reserved_is_taken_in_whole_or_in_part(at: ProviderUnderTest, part: int) -> None:
    if part < 500:
        needs(at, "captures in part")
    ref = await authorised(at)
    answer = await at.provider.capture(about(at, ref, part))
    assert (answer.outcome, answer.amount_minor) == ("DONE", part)
    if "movements" not in at.cannot:
        assert moved(await movements(at)) == [(MovementKind.CAPTURED, part)]


async def test_a_reservation_moves_nothing(at: ProviderUnderTest) -> None:
    needs(at, "movements")
    await authorised(at)
    assert await movements(at) == []


async def test_more_than_is_reserved_cannot_be_taken(at: ProviderUnderTest) -> None:
    ref = await authorised(at)
    refused(await at.provider.capture(about(at, ref, 501)), RefusalCode.NOT_POSSIBLE, RefusalCode.OTHER)


async def test_a_reservation_is_taken_once(at: ProviderUnderTest) -> None:
    ref = await authorised(at)
    assert (await at.provider.capture(about(at, ref))).outcome == "DONE"
    refused(await at.provider.capture(about(at, ref)), RefusalCode.NOT_POSSIBLE)


async def test_a_reservation_is_let_go_and_gone(at: ProviderUnderTest) -> None:
    ref = await authorised(at)
    assert (await at.provider.release(about(at, ref))).outcome == "DONE"
    assert (await at.provider.release(about(at, ref))).outcome == "DONE", "letting go again changes nothing"
    refused(await at.provider.capture(about(at, ref)), RefusalCode.NOT_POSSIBLE)


async def test_what_was_taken_cannot_be_let_go(at: ProviderUnderTest) -> None:
    ref = await charged(at)
    refused(await at.provider.release(about(at, ref)), RefusalCode.NOT_POSSIBLE)


async def test_a_card_that_pays_when_reserved_only(at: ProviderUnderTest) -> None:
    needs(at, "refuses_capture")
    ref = await authorised(at, trait="refuses_capture")
    refused(await at.provider.capture(about(at, ref)), RefusalCode.DECLINED)
    assert await movements(at) == []


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 500), ("EUR", 250), ("KWD", 1_500)])
async def test_amounts_are_minor_units_of_their_currency(at: ProviderUnderTest, currency: str, amount: int) -> None:
    card = await at.save_card("ok")
    answer = await at.provider.charge(asked(at, card, amount, capture=True, currency=currency))
    assert (answer.outcome, answer.amount_minor) == ("DONE", amount)
    back = await at.provider.refund(about(at, answer.ref, amount - 100, currency=currency))
    assert (back.outcome, back.amount_minor) == ("DONE", amount - 100)
    if "movements" not in at.cannot:
        found = await movements(at)
        assert moved(found) == [(MovementKind.CAPTURED, amount), (MovementKind.REFUNDED, amount - 100)]
        assert {one.currency for one in found} == {currency}


# Refusals


@pytest.mark.parametrize("capture", [False, True])
@pytest.mark.parametrize(
    ("trait", "code"),
    [
        ("declined", RefusalCode.DECLINED),
        ("insufficient_funds", RefusalCode.NO_FUNDS),
        ("expired", RefusalCode.EXPIRED),
    ],
)
async def test_why_a_card_is_declined(at: ProviderUnderTest, trait: Trait, code: RefusalCode, *, capture: bool) -> None:
    needs(at, trait)  # type: ignore[arg-type]  # each of these traits is an ability
    card = await at.save_card(trait)
    key = new_key()
    refused(await at.provider.charge(asked(at, card, capture=capture, key=key)), code)
    kind = CallKind.CHARGE if capture else CallKind.AUTHORISE
    if "finds authorise" not in at.cannot:
        refused(await at.provider.find_call(looked_for(at, kind, key, card)), code)


async def test_a_payment_that_nobody_knows(at: ProviderUnderTest) -> None:
    for call in (at.provider.capture, at.provider.refund):
        refused(await call(about(at, "pi_unknown_123")), RefusalCode.NOT_POSSIBLE)


async def test_a_card_that_nobody_knows(at: ProviderUnderTest) -> None:
    card = await at.save_card("ok")
    unknown = SavedCard(
        customer_ref=card.customer_ref, card_ref="pm_unknown_123", brand="", last4="0000", exp_month=1, exp_year=2030
    )
    refused(await at.provider.charge(asked(at, unknown)), RefusalCode.CARD_UNKNOWN)


# Confirmation by the rider


@pytest.mark.parametrize("capture", [False, True])
async def test_a_payment_is_confirmed_by_who_is_there(at: ProviderUnderTest, *, capture: bool) -> None:
    needs(at, "needs_3ds", "finds authorise")
    card = await at.save_card("needs_3ds")
    key, kind = new_key(), CallKind.CHARGE if capture else CallKind.AUTHORISE
    answer = await at.provider.charge(asked(at, card, capture=capture, on_session=True, key=key))
    assert answer.outcome == "ACTION_REQUIRED"
    assert answer.redirect_url is not None
    assert answer.redirect_url.startswith("http")
    assert await at.provider.find_call(looked_for(at, kind, key, card)) == answer
    await at.confirm(answer.redirect_url, agrees=True)
    found = await at.provider.find_call(looked_for(at, kind, key, card))
    assert found is not None
    assert (found.outcome, found.amount_minor, found.ref) == ("DONE", 500, answer.ref)
    if "movements" not in at.cannot:
        assert moved(await movements(at)) == ([(MovementKind.CAPTURED, 500)] if capture else [])


async def test_a_payment_that_is_not_confirmed(at: ProviderUnderTest) -> None:
    needs(at, "needs_3ds", "finds authorise")
    card = await at.save_card("needs_3ds")
    key = new_key()
    answer = await at.provider.charge(asked(at, card, on_session=True, key=key))
    assert answer.redirect_url is not None
    await at.confirm(answer.redirect_url, agrees=False)
    found = await at.provider.find_call(looked_for(at, CallKind.AUTHORISE, key, card))
    refused(found, RefusalCode.AUTHENTICATION_FAILED)


async def test_a_confirmation_that_is_waited_for_no_more(at: ProviderUnderTest) -> None:
    needs(at, "needs_3ds", "finds authorise")
    card = await at.save_card("needs_3ds")
    key = new_key()
    answer = await at.provider.charge(asked(at, card, on_session=True, key=key))
    assert (await at.provider.release(about(at, answer.ref))).outcome == "DONE"
    found = await at.provider.find_call(looked_for(at, CallKind.AUTHORISE, key, card))
    assert found is not None
    assert found.outcome == "REFUSED"


async def test_nobody_is_there_to_confirm(at: ProviderUnderTest) -> None:
    needs(at, "needs_3ds")
    card = await at.save_card("needs_3ds")
    refused(await at.provider.charge(asked(at, card, capture=True)), RefusalCode.AUTHENTICATION_REQUIRED)


# Giving back


async def test_what_was_taken_is_given_back_in_parts_and_never_more(at: ProviderUnderTest) -> None:
    needs(at, "limits refunds")
    ref = await charged(at, 500)
    first = await at.provider.refund(about(at, ref, 200))
    assert (first.outcome, first.amount_minor) == ("DONE", 200)
    refused(await at.provider.refund(about(at, ref, 301)), RefusalCode.NOT_POSSIBLE)
    second = await at.provider.refund(about(at, ref, 300))
    assert (second.outcome, second.amount_minor) == ("DONE", 300)
    assert first.ref
    assert second.ref
    assert first.ref != second.ref
    refused(await at.provider.refund(about(at, ref, 1)), RefusalCode.NOT_POSSIBLE)


async def test_of_a_capture_in_part_only_the_part_is_given_back(at: ProviderUnderTest) -> None:
    needs(at, "captures in part")
    ref = await authorised(at, 500)
    await at.provider.capture(about(at, ref, 200))
    refused(await at.provider.refund(about(at, ref, 201)), RefusalCode.NOT_POSSIBLE)
    assert (await at.provider.refund(about(at, ref, 200))).outcome == "DONE"


async def test_what_is_only_reserved_cannot_be_given_back(at: ProviderUnderTest) -> None:
    needs(at, "limits refunds")
    ref = await authorised(at)
    refused(await at.provider.refund(about(at, ref)), RefusalCode.NOT_POSSIBLE)


async def test_a_card_that_takes_nothing_back(at: ProviderUnderTest) -> None:
    needs(at, "refuses_refund")
    ref = await charged(at, trait="refuses_refund")
    answer = await at.provider.refund(about(at, ref))
    assert answer.outcome == "REFUSED"
    assert answer.code in set(RefusalCode)


# The same key again


async def test_the_same_key_does_everything_once(at: ProviderUnderTest) -> None:
    needs(at, "repeats")
    card = await at.save_card("ok")
    reserve = asked(at, card)
    ref = (await at.provider.charge(reserve)).ref
    take, back = about(at, ref, 400), about(at, ref, 100)
    charge = asked(at, card, 300, capture=True)
    let_go = about(at, await authorised(at))
    calls: list[Callable[[], Awaitable[Answer]]] = [
        lambda: at.provider.charge(reserve),
        lambda: at.provider.capture(take),
        lambda: at.provider.refund(back),
        lambda: at.provider.charge(charge),
        lambda: at.provider.release(let_go),
    ]
    for call in calls:
        first = await call()
        assert first.outcome == "DONE"
        assert [await call(), await call()] == [first, first]
    if "movements" not in at.cannot:
        assert sorted(moved(await movements(at))) == [
            (MovementKind.CAPTURED, 300),
            (MovementKind.CAPTURED, 400),
            (MovementKind.REFUNDED, 100),
        ]


async def test_a_refusal_is_repeated_too(at: ProviderUnderTest) -> None:
    needs(at, "repeats", "declined")
    card = await at.save_card("declined")
    what = asked(at, card)
    refused(await at.provider.charge(what), RefusalCode.DECLINED)
    refused(await at.provider.charge(what), RefusalCode.DECLINED)


async def test_the_same_key_at_the_same_time_does_it_once(at: ProviderUnderTest) -> None:
    needs(at, "repeats")
    what = asked(at, await at.save_card("ok"), capture=True)
    answers = await asyncio.gather(*(at.provider.charge(what) for _ in range(5)), return_exceptions=True)
    done = [one for one in answers if isinstance(one, Answer)]
    assert done, answers
    assert all(isinstance(one, Answer | CardsUnclear) for one in answers)
    assert {one.outcome for one in done} == {"DONE"}
    assert len({one.ref for one in done}) == 1
    if "movements" not in at.cannot:
        assert moved(await movements(at)) == [(MovementKind.CAPTURED, 500)]


# What became of a call


async def test_what_became_of_a_reservation(at: ProviderUnderTest) -> None:
    needs(at, "finds authorise")
    card = await at.save_card("ok")
    what = asked(at, card)
    assert await at.provider.find_call(looked_for(at, CallKind.AUTHORISE, what.key, card)) is None
    answer = await at.provider.charge(what)
    found = await at.provider.find_call(looked_for(at, CallKind.AUTHORISE, what.key, card))
    assert found == answer
    assert await at.provider.find_call(looked_for(at, CallKind.AUTHORISE, new_key(), card)) is None


async def test_what_became_of_a_charge(at: ProviderUnderTest) -> None:
    needs(at, "finds charge")
    card = await at.save_card("ok")
    what = asked(at, card, capture=True)
    assert await at.provider.find_call(looked_for(at, CallKind.CHARGE, what.key, card)) is None
    answer = await at.provider.charge(what)
    assert await at.provider.find_call(looked_for(at, CallKind.CHARGE, what.key, card)) == answer


async def test_what_became_of_a_capture(at: ProviderUnderTest) -> None:
    needs(at, "finds capture", "captures in part")
    card = await at.save_card("ok")
    ref = (await at.provider.charge(asked(at, card))).ref
    what = about(at, ref, 300)
    look = looked_for(at, CallKind.CAPTURE, what.key, card, ref, 300)
    assert await at.provider.find_call(look) is None
    answer = await at.provider.capture(what)
    found = await at.provider.find_call(look)
    assert found is not None
    assert (found.outcome, found.amount_minor) == (answer.outcome, 300)


async def test_what_became_of_a_release(at: ProviderUnderTest) -> None:
    needs(at, "finds release")
    card = await at.save_card("ok")
    ref = (await at.provider.charge(asked(at, card))).ref
    what = about(at, ref)
    look = looked_for(at, CallKind.RELEASE, what.key, card, ref)
    assert await at.provider.find_call(look) is None
    assert (await at.provider.release(what)).outcome == "DONE"
    found = await at.provider.find_call(look)
    assert found is not None
    assert found.outcome == "DONE"


async def test_what_became_of_a_refund(at: ProviderUnderTest) -> None:
    needs(at, "finds refund")
    card = await at.save_card("ok")
    ref = (await at.provider.charge(asked(at, card, capture=True))).ref
    first, second = about(at, ref, 100), about(at, ref, 100)
    look = looked_for(at, CallKind.REFUND, second.key, card, ref, 100)
    await at.provider.refund(first)
    assert await at.provider.find_call(look) is None, "another refund of the same amount is another"
    answer = await at.provider.refund(second)
    found = await at.provider.find_call(look)
    assert found is not None
    assert (found.outcome, found.amount_minor, found.ref) == ("DONE", 100, answer.ref)


# Cards that are gone, operators that are others


async def test_a_forgotten_card_pays_no_more(at: ProviderUnderTest) -> None:
    needs(at, "forget")
    card = await at.save_card("ok")
    await at.provider.forget_card(at.merchant, card.customer_ref, card.card_ref)
    await at.provider.forget_card(at.merchant, card.customer_ref, card.card_ref)
    refused(await at.provider.charge(asked(at, card)), RefusalCode.CARD_UNKNOWN)


async def test_another_operator_sees_and_moves_nothing(at: ProviderUnderTest) -> None:
    needs(at, "strangers")
    card = await at.save_card("ok")
    what = asked(at, card, capture=True)
    ref = (await at.provider.charge(what)).ref
    assert ref is not None
    theirs = OnPayment(merchant=at.stranger, key=new_key(), payment_ref=ref, amount_minor=1, currency="EUR")
    refused(await at.provider.refund(theirs), RefusalCode.NOT_POSSIBLE)
    now = at.now()
    hour = timedelta(hours=1)
    assert [one async for one in at.provider.list_movements(at.stranger, now - hour, now + hour)] == []


# Movements


async def test_movements_by_time_and_with_our_keys(at: ProviderUnderTest) -> None:
    needs(at, "movements")
    card = await at.save_card("ok")
    charge = asked(at, card, 500, capture=True)
    ref = (await at.provider.charge(charge)).ref
    reserve = asked(at, card, 400)
    second = (await at.provider.charge(reserve)).ref
    take, back = about(at, second, 400), about(at, ref, 120)
    await at.provider.capture(take)
    returned = (await at.provider.refund(back)).ref
    found = await movements(at)
    assert [(one.kind, one.amount_minor, one.payment_ref, one.call_key) for one in found] == [
        (MovementKind.CAPTURED, 500, ref, charge.key),
        (MovementKind.CAPTURED, 400, second, take.key),
        (MovementKind.REFUNDED, 120, ref, back.key),
    ]
    assert found[2].ref == returned
    assert len({(one.kind, one.ref) for one in found}) == 3
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert all(one.at.utcoffset() == timedelta(0) and one.currency == "EUR" for one in found)


async def test_a_period_begins_with_its_first_instant_and_ends_before_its_last(at: ProviderUnderTest) -> None:
    needs(at, "movements")
    await charged(at)
    instant = (await movements(at))[0].at
    assert len(await movements(at, instant, instant + timedelta(seconds=1))) == 1
    assert await movements(at, instant - timedelta(seconds=1), instant) == []
    assert await movements(at, instant + timedelta(seconds=1), instant + timedelta(seconds=2)) == []


@pytest.mark.parametrize("more", [0, 1])
async def test_movements_of_several_pages(at: ProviderUnderTest, more: int) -> None:
    needs(at, "movements")
    ref = await charged(at, 100_000)
    count = at.page_size * 2 - 1 + more
    for amount in range(100, 100 + count):
        await at.provider.refund(about(at, ref, amount))
    found = await movements(at)
    assert moved(found) == [
        (MovementKind.CAPTURED, 100_000),
        *((MovementKind.REFUNDED, amount) for amount in range(100, 100 + count)),
    ]


# Disputes


@pytest.mark.parametrize("won", [False, True])
async def test_a_dispute_takes_the_money_and_may_bring_it_back(at: ProviderUnderTest, *, won: bool) -> None:
    needs(at, "disputes", "movements")
    ref = await charged(at)
    dispute = await at.dispute(ref)
    found = await at.provider.find_dispute(at.merchant, dispute)
    assert found is not None
    assert (found.ref, found.payment_ref, found.status) == (dispute, ref, DisputeStatus.OPEN)
    assert (found.amount_minor, found.currency) == (500, "EUR")
    await at.end_dispute(dispute, won=won)
    found = await at.provider.find_dispute(at.merchant, dispute)
    assert found is not None
    assert found.status == (DisputeStatus.WON if won else DisputeStatus.LOST)
    expected = [(MovementKind.CAPTURED, 500), (MovementKind.DISPUTED, 500)]
    assert moved(await movements(at)) == expected + ([(MovementKind.DISPUTE_WON, 500)] if won else [])


async def test_a_dispute_that_nobody_knows(at: ProviderUnderTest) -> None:
    needs(at, "disputes")
    assert await at.provider.find_dispute(at.merchant, "dp_unknown_123") is None


# Webhooks


@pytest.mark.parametrize("kind", list(EventKind))
def test_a_signed_event_is_read(at: ProviderUnderTest, clock: SettableClock, kind: EventKind) -> None:
    body = at.event(kind, "ref_1", "pay_1")
    now = clock.now()
    for age_s in (0, 299, -299):
        headers = at.sign(body, now - timedelta(seconds=age_s)) | {"content-type": "application/json"}
        event = at.provider.read_event(headers, body, now)
        assert event.kind == kind
        assert event.id
        if kind is not EventKind.OTHER:
            assert event.ref in {"ref_1", "pay_1"}


def test_a_wrong_signature_is_refused(at: ProviderUnderTest, clock: SettableClock) -> None:
    body = at.event(EventKind.PAYMENT, "pay_1", "pay_1")
    now = clock.now()
    right = at.sign(body, now)
    wrong: list[tuple[dict[str, str], bytes]] = [
        (at.sign(body, now, "another secret"), body),
        (at.sign(body, now, ""), body),
        (right, body + b" "),
        (right, body.replace(b"pay_1", b"pay_2")),
        (right, b""),
        (at.sign(body, now - timedelta(seconds=301)), body),
        (at.sign(body, now + timedelta(seconds=301)), body),
        ({}, body),
        (dict.fromkeys(right, ""), body),
        ({name: value.replace("t=", "t=1") for name, value in right.items()}, body),
        ({name: value.replace("v1=", "v0=") for name, value in right.items()}, body),
    ]
    for headers, sent in wrong:
        with pytest.raises(EventRefused):
            at.provider.read_event(headers, sent, now)


def test_without_a_secret_no_event_is_believed(at: ProviderUnderTest, clock: SettableClock) -> None:
    body = at.event(EventKind.PAYMENT, "pay_1", "pay_1")
    for secret in ("", None):
        with pytest.raises(EventRefused):
            at.without_secret().read_event(at.sign(body, clock.now(), secret), body, clock.now())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"id":1}',
        b'{"id":"","type":"","data":{}}',
        b'{"id":"x"',
        b"[" * 90_000,
    ],
)
def test_signed_nonsense_is_refused(at: ProviderUnderTest, clock: SettableClock, body: bytes) -> None:
    with pytest.raises(EventRefused):
        at.provider.read_event(at.sign(body, clock.now()), body, clock.now())


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), header=st.text(max_size=100), prefix=st.sampled_from(["", "t=1,v1=", "t=²,v1="]))
def test_no_bytes_bring_it_down(
    at: ProviderUnderTest, clock: SettableClock, body: bytes, header: str, prefix: str
) -> None:
    now = clock.now()
    for headers in (dict.fromkeys(at.sign(body, now), prefix + header), at.sign(body, now)):
        with pytest.raises(EventRefused):
            at.provider.read_event(headers, body, now)


# When nobody knows

Call = Callable[[CardProvider, Merchant], Awaitable[Any]]
CARD = SavedCard(customer_ref="cus_1", card_ref="pm_1", brand="visa", last4="4242", exp_month=1, exp_year=2030)


async def _all(provider: CardProvider, merchant: Merchant) -> list[Movement]:
    until = datetime.fromisoformat("2026-06-02T00:00:00+00:00")
    return [one async for one in provider.list_movements(merchant, until - timedelta(days=1), until)]


def _on(merchant: Merchant) -> OnPayment:
    return OnPayment(merchant=merchant, key=new_key(), payment_ref="pi_1", amount_minor=100, currency="EUR")


def _charge(merchant: Merchant) -> ChargeCard:
    return ChargeCard(
        merchant=merchant,
        key=new_key(),
        customer_ref=CARD.customer_ref,
        card_ref=CARD.card_ref,
        amount_minor=100,
        currency="EUR",
        capture=True,
        on_session=False,
        return_url="",
        description="",
    )


def _setup(merchant: Merchant) -> StartSetup:
    return StartSetup(
        merchant=merchant,
        key=new_key(),
        rider_id=RiderId(1),
        customer_ref=None,
        return_url=RETURN_URL,
        cancel_url=CANCEL_URL,
        language="en",
    )


def _find(merchant: Merchant, kind: CallKind) -> FindCall:
    return FindCall(
        merchant=merchant,
        key=new_key(),
        kind=kind,
        customer_ref="cus_1",
        payment_ref=None if kind in {CallKind.AUTHORISE, CallKind.CHARGE} else "pi_1",
        amount_minor=100,
        currency="EUR",
        created_at=datetime.fromisoformat("2026-06-01T12:00:00+00:00"),
    )


CALLS: dict[str, Call] = {
    "start_setup": lambda provider, merchant: provider.start_setup(_setup(merchant)),
    "find_setup": lambda provider, merchant: provider.find_setup(merchant, "set_1"),
    "charge": lambda provider, merchant: provider.charge(_charge(merchant)),
    "capture": lambda provider, merchant: provider.capture(_on(merchant)),
    "release": lambda provider, merchant: provider.release(_on(merchant)),
    "refund": lambda provider, merchant: provider.refund(_on(merchant)),
    "find_charge": lambda provider, merchant: provider.find_call(_find(merchant, CallKind.CHARGE)),
    "find_capture": lambda provider, merchant: provider.find_call(_find(merchant, CallKind.CAPTURE)),
    "find_refund": lambda provider, merchant: provider.find_call(_find(merchant, CallKind.REFUND)),
    "forget_card": lambda provider, merchant: provider.forget_card(merchant, "cus_1", "pm_1"),
    "find_dispute": lambda provider, merchant: provider.find_dispute(merchant, "dp_1"),
    "list_movements": _all,
}
FAULTS: dict[str, bytes | None] = {
    "no answer": None,
    "hung up": b"",
    "half an answer": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"id": "pay_1", ',
    "no HTTP": b"220 mail.example ESMTP\r\n",
    "not JSON": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
    "no object": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]",
    "a fault of its own": b"HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "a gateway's fault": b"HTTP/1.1 502 X\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
    "our key refused": (
        b"HTTP/1.1 401 X\r\nContent-Type: application/json\r\nContent-Length: 35\r\nConnection: close\r\n\r\n"
        b'{"error": {"code": "unauthorized"}}'
    ),
    "sent away": b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}


@asynccontextmanager
async def _answering(answer: bytes | None, *, endless: bool = False) -> AsyncIterator[str]:
    """A server that says this to everybody; None: nothing; endless: a little more again and again."""
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(65_536)
            if answer is None:
                await gone.wait()
            else:
                writer.write(answer)
                await writer.drain()
            while endless and not gone.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        gone.set()
        server.close()
        await server.wait_closed()


async def _what_is_said(at: ProviderUnderTest, url: str) -> dict[str, str]:
    provider = at.elsewhere(url, SHORT_S)

    async def ask(call: Call) -> str:
        try:
            return f"answered: {await call(provider, at.merchant)}"
        except CardsUnclear:
            return "unclear"

    return dict(zip(CALLS, await asyncio.gather(*(ask(call) for call in CALLS.values())), strict=True))


@pytest.mark.parametrize("fault", list(FAULTS))
async def test_what_is_not_known_is_said_to_be_not_known(at: ProviderUnderTest, fault: str) -> None:
    async with _answering(FAULTS[fault]) as url:
        assert await _what_is_said(at, url) == dict.fromkeys(CALLS, "unclear")


async def test_an_answer_that_never_ends_is_not_waited_for(at: ProviderUnderTest) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
    async with asyncio.timeout(10), _answering(head, endless=True) as url:
        assert await _what_is_said(at, url) == dict.fromkeys(CALLS, "unclear")


async def test_who_cannot_be_reached_is_not_known_either(at: ProviderUnderTest) -> None:
    async with _answering(b"") as url:
        pass
    provider = at.elsewhere(url, SHORT_S)
    for call in CALLS.values():
        with pytest.raises(CardsUnclear):
            await call(provider, at.merchant)


@pytest.mark.parametrize("name", list(CALLS))
async def test_nothing_is_asked_inside_a_transaction(at: ProviderUnderTest, rt: Runtime, name: str) -> None:
    async with rt.db.read():
        with pytest.raises(NetworkInTransactionError):
            await CALLS[name](at.provider, at.merchant)
