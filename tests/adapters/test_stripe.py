"""What Stripe is asked, and what can happen on the way there and back."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import stripe as sdk
from structlog.testing import capture_logs

from isotope.adapters.cards.stripe import StripeCards, make_stripe_cards
from isotope.adapters.cards.stripe.line import IdempotencyMisusedError
from isotope.domain.payments.model import (
    CallKind,
    DisputeStatus,
    Merchant,
    Movement,
    MovementKind,
    RefusalCode,
    SavedCard,
)
from isotope.domain.payments.ports import CardsUnclear, ChargeCard, FindCall, OnPayment, StartSetup
from isotope.infra.config import Config, ConfigError
from isotope.kernel.ids import OperatorId, RiderId
from tests.kit.clock import SettableClock
from tests.kit.stripe import ACCOUNT, KEY, Fault, Said, StripeKit, running_stripe, said
from tests.kit.waiting import until

OURS = Merchant(operator_id=OperatorId(7))
PARTNERS = Merchant(operator_id=OperatorId(7), account=ACCOUNT)
SHORT_S = 0.3
SECRETS_OF_A_RIDER = ("pm_secret", "4242", "return?token")


@pytest.fixture
def stripe(clock: SettableClock) -> Iterator[StripeKit]:
    with running_stripe(clock) as server:
        yield server


def asked(card: SavedCard, key: str = "k1", **changes: Any) -> ChargeCard:
    values: dict[str, Any] = {
        "merchant": OURS,
        "key": key,
        "customer_ref": card.customer_ref,
        "card_ref": card.card_ref,
        "amount_minor": 500,
        "currency": "EUR",
        "capture": False,
        "on_session": False,
        "return_url": "https://ride.example/return?token=abc",
        "description": "Ride 12",
    }
    return ChargeCard(**(values | changes))


def about(ref: str | None, key: str = "k2", amount: int = 500, **changes: Any) -> OnPayment:
    values: dict[str, Any] = {
        "merchant": OURS,
        "key": key,
        "payment_ref": ref,
        "amount_minor": amount,
        "currency": "EUR",
    }
    return OnPayment(**(values | changes))


def looked_for(card: SavedCard, kind: CallKind, key: str, at: datetime, ref: str | None = None) -> FindCall:
    return FindCall(
        merchant=OURS,
        key=key,
        kind=kind,
        customer_ref=card.customer_ref,
        payment_ref=ref,
        amount_minor=500,
        currency="EUR",
        created_at=at,
    )


def setup(key: str = "s1", **changes: Any) -> StartSetup:
    values: dict[str, Any] = {
        "merchant": OURS,
        "key": key,
        "rider_id": RiderId(3),
        "customer_ref": None,
        "return_url": "https://ride.example/return?token=abc",
        "cancel_url": "https://ride.example/cancel",
        "language": "pt-PT",
    }
    return StartSetup(**(values | changes))


async def moved(cards: StripeCards, since: datetime, until: datetime, merchant: Merchant = OURS) -> list[Movement]:
    return [one async for one in cards.list_movements(merchant, since, until)]


# What it is asked


async def test_what_a_reservation_asks(stripe: StripeKit) -> None:
    await stripe.provider().charge(asked(stripe.save_card()))
    ((method, path, headers, params),) = stripe.requests
    assert (method, path) == ("POST", "/v1/payment_intents")
    assert headers["idempotency-key"] == "k1"
    assert "stripe-account" not in headers
    assert "x-stripe-client-telemetry" not in headers
    assert "telemetry_id" not in headers["x-stripe-client-user-agent"]
    assert params["capture_method"] == "manual"
    assert params["off_session"] == "true"
    assert "return_url" not in params
    assert params["metadata"] == {"isotope_call": "k1", "isotope_operator": "7"}
    assert (params["amount"], params["currency"], params["description"]) == ("500", "eur", "Ride 12")


async def test_what_a_charge_asks_of_who_is_there(stripe: StripeKit) -> None:
    await stripe.provider().charge(asked(stripe.save_card(), capture=True, on_session=True, description=""))
    params = stripe.requests[0][3]
    assert params["capture_method"] == "automatic"
    assert params["return_url"] == "https://ride.example/return?token=abc"
    assert "off_session" not in params
    assert "description" not in params


async def test_a_partners_account_is_named_in_everything(stripe: StripeKit, clock: SettableClock) -> None:
    cards, card = stripe.provider(), stripe.save_card(account=ACCOUNT)
    answer = await cards.charge(asked(card, merchant=PARTNERS, capture=True))
    assert answer.outcome == "DONE"
    await cards.refund(about(answer.ref, merchant=PARTNERS))
    await cards.start_setup(setup(merchant=PARTNERS))
    now = clock.now()
    assert len(await moved(cards, now, now + timedelta(seconds=1), PARTNERS)) == 2
    assert await moved(cards, now, now + timedelta(seconds=1)) == []
    await cards.forget_card(PARTNERS, card.customer_ref, card.card_ref)
    accounts = [headers.get("stripe-account", "") for _, _, headers, _ in stripe.requests]
    assert accounts.count("") == 2, "only the look at our own movements"
    assert set(accounts) == {"", ACCOUNT}


async def test_what_saving_a_card_asks(stripe: StripeKit) -> None:
    cards = stripe.provider()
    started = await cards.start_setup(setup())
    customer, session = stripe.requests
    assert (customer[1], customer[2]["idempotency-key"]) == ("/v1/customers", "s1:customer")
    assert (session[1], session[2]["idempotency-key"]) == ("/v1/checkout/sessions", "s1")
    assert session[3]["locale"] == "pt"
    assert session[3]["metadata"] == {"isotope_operator": "7", "isotope_rider": "3", "isotope_call": "s1"}
    assert started.redirect_url.startswith(stripe.url)
    # The first answer was lost, so it is asked again: one customer, one page.
    assert await cards.start_setup(setup()) == started
    assert len(stripe.api.all_of("customer")) == 1


async def test_a_customer_that_stripe_has_lost_gets_a_successor(stripe: StripeKit) -> None:
    cards = stripe.provider()
    started = await cards.start_setup(setup(customer_ref="cus_gone"))
    assert await cards.start_setup(setup(customer_ref="cus_gone")) == started
    stripe.choose_card(started.redirect_url)
    found = await cards.find_setup(OURS, started.setup_ref)
    assert found.card is not None
    assert [one["id"] for one in stripe.api.all_of("customer")] == [found.card.customer_ref]


async def test_a_page_that_stripe_will_not_open(stripe: StripeKit) -> None:
    with pytest.raises(CardsUnclear, match="url_invalid"):
        await stripe.provider().start_setup(setup(return_url="nowhere"))


async def test_a_page_that_stripe_has_lost(stripe: StripeKit) -> None:
    found = await stripe.provider().find_setup(OURS, "cs_gone")
    assert (found.status, found.code) == ("FAILED", RefusalCode.NOT_POSSIBLE)


async def test_a_declined_rider_may_try_another_card(stripe: StripeKit) -> None:
    cards = stripe.provider()
    started = await cards.start_setup(setup())
    assert stripe.choose_card(started.redirect_url, "setup_refused") == started.redirect_url
    assert (await cards.find_setup(OURS, started.setup_ref)).status == "PENDING"
    stripe.choose_card(started.redirect_url, "ok_mastercard")
    found = await cards.find_setup(OURS, started.setup_ref)
    assert found.card is not None
    assert found.card.brand == "mastercard"


# Amounts


@pytest.mark.parametrize(("currency", "amount", "theirs"), [("ISK", 5, 500), ("UGX", 5, 500), ("KWD", 1_230, 1_230)])
async def test_amounts_cross_the_line_and_come_back(
    stripe: StripeKit, clock: SettableClock, currency: str, amount: int, theirs: int
) -> None:
    cards, card = stripe.provider(), stripe.save_card()
    answer = await cards.charge(asked(card, currency=currency, amount_minor=amount))
    assert answer.amount_minor == amount
    assert stripe.api.all_of("payment_intent")[0]["amount"] == theirs
    assert (await cards.capture(about(answer.ref, amount=amount, currency=currency))).amount_minor == amount
    back = await cards.refund(about(answer.ref, "k3", amount, currency=currency))
    assert back.amount_minor == amount
    found = await moved(cards, clock.now(), clock.now() + timedelta(seconds=1))
    assert [(one.amount_minor, one.currency) for one in found] == [(amount, currency)] * 2


async def test_what_stripe_cannot_move_is_refused_without_asking(stripe: StripeKit) -> None:
    cards, card = stripe.provider(), stripe.save_card()
    answers = [
        await cards.charge(asked(card, currency="KWD", amount_minor=1_234)),
        await cards.capture(about("pi_1", amount=1_234, currency="KWD")),
        await cards.refund(about("pi_1", amount=1_234, currency="KWD")),
    ]
    assert {(one.outcome, one.code) for one in answers} == {("REFUSED", RefusalCode.OTHER)}
    assert stripe.requests == []


# Keys


async def test_a_key_with_another_body_is_a_bug(stripe: StripeKit) -> None:
    cards, card = stripe.provider(), stripe.save_card()
    await cards.charge(asked(card))
    with pytest.raises(IdempotencyMisusedError):
        await cards.charge(asked(card, amount_minor=501))
    assert len(stripe.api.all_of("payment_intent")) == 1


async def test_a_key_that_is_under_way(stripe: StripeKit) -> None:
    stripe.add_fault("authorise", said(409, {"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}))
    with pytest.raises(CardsUnclear, match="409"):
        await stripe.provider().charge(asked(stripe.save_card()))


async def test_a_capture_that_stripe_did_and_forgot(stripe: StripeKit) -> None:
    """After a day the key is gone: the same capture is refused, and yet it is ours that was done."""
    cards, card = stripe.provider(), stripe.save_card()
    ref = (await cards.charge(asked(card))).ref
    done = await cards.capture(about(ref, "k2", 300))
    stripe.forget_keys()
    assert await cards.capture(about(ref, "k2", 300)) == done
    other = await cards.capture(about(ref, "k3", 300))
    assert (other.outcome, other.code) == ("REFUSED", RefusalCode.NOT_POSSIBLE)


# What became of a call


FAULTS: list[tuple[Fault, bool]] = [
    ("done", True),
    ("half", True),
    ("error_done", True),
    ("lost", False),
    ("cut", False),
    ("error", False),
]


@pytest.mark.parametrize(("fault", "was_done"), FAULTS)
@pytest.mark.parametrize("kind", list(CallKind))
async def test_every_call_after_every_silence(
    stripe: StripeKit, clock: SettableClock, kind: CallKind, fault: Fault, *, was_done: bool
) -> None:
    cards, card = stripe.provider(), stripe.save_card()
    hasty = stripe.provider(SHORT_S)
    ref = None
    if kind in {CallKind.CAPTURE, CallKind.RELEASE, CallKind.REFUND}:
        ref = (await cards.charge(asked(card, "k0", capture=kind is CallKind.REFUND))).ref
    stripe.add_fault(kind.value.lower(), fault)

    async def call(at: StripeCards) -> Any:
        if ref is None:
            return await at.charge(asked(card, capture=kind is CallKind.CHARGE))
        return await getattr(at, kind.value.lower())(about(ref, "k1"))

    asked_before = len(stripe.requests)
    with pytest.raises(CardsUnclear):
        await call(hasty)
    await until(lambda: stripe.handled == len(stripe.requests) > asked_before, "the server is done with it")
    found = await cards.find_call(looked_for(card, kind, "k1", clock.now(), ref))
    if was_done:
        assert found is not None
        assert (found.outcome, found.amount_minor) == ("DONE", 500)
    else:
        assert found is None
        answer = await call(cards)
        assert (answer.outcome, answer.amount_minor) == ("DONE", 500)
        assert await cards.find_call(looked_for(card, kind, "k1", clock.now(), ref)) == answer
    payments = [one for one in stripe.api.all_of("payment_intent") if one["metadata"]["isotope_call"] == "k1"]
    assert len(payments) == (1 if ref is None else 0)
    assert len(stripe.api.all_of("refund")) == (kind is CallKind.REFUND)


async def test_the_call_is_found_among_many(stripe: StripeKit, clock: SettableClock) -> None:
    cards, card = stripe.provider(), stripe.save_card()
    wanted = await cards.charge(asked(card, "wanted"))
    began = clock.now()
    for number in range(205):
        stripe.api.create_intent(_intent(card, f"other {number}"), "")
    assert await cards.find_call(looked_for(card, CallKind.AUTHORISE, "wanted", began)) == wanted
    pages = [params for method, path, _, params in stripe.requests if method == "GET"]
    assert len(pages) == 3
    assert {page["customer"] for page in pages} == {card.customer_ref}
    # What is older than the call is not looked through.
    clock.advance(hours=2)
    assert await cards.find_call(looked_for(card, CallKind.AUTHORISE, "wanted", clock.now())) is None
    assert len(stripe.requests) == 5


async def test_there_is_an_end_to_looking(stripe: StripeKit, clock: SettableClock) -> None:
    card = stripe.save_card()
    for number in range(1_001):
        stripe.api.create_intent(_intent(card, f"other {number}"), "")
    with pytest.raises(CardsUnclear, match="too many"):
        await stripe.provider().find_call(looked_for(card, CallKind.AUTHORISE, "wanted", clock.now()))


def _intent(card: SavedCard, key: str) -> dict[str, Any]:
    return {
        "amount": "100",
        "currency": "eur",
        "customer": card.customer_ref,
        "payment_method": card.card_ref,
        "allowed_payment_method_types": ["card"],
        "capture_method": "manual",
        "metadata": {"isotope_call": key},
    }


async def test_a_reservation_that_lapsed(stripe: StripeKit, clock: SettableClock) -> None:
    cards, card = stripe.provider(), stripe.save_card()
    ref = (await cards.charge(asked(card))).ref
    assert ref is not None
    stripe.api.expire_authorisation(ref)
    assert (await cards.capture(about(ref, "k2"))).code == RefusalCode.NOT_POSSIBLE
    assert (await cards.release(about(ref, "k3"))).outcome == "DONE"
    found = await cards.find_call(looked_for(card, CallKind.CAPTURE, "k2", clock.now(), ref))
    assert found is not None
    assert found.code == RefusalCode.NOT_POSSIBLE


async def test_a_refund_that_waits_and_is_decided(stripe: StripeKit, clock: SettableClock) -> None:
    cards, card = stripe.provider(), stripe.save_card("refund_pending")
    ref = (await cards.charge(asked(card, capture=True))).ref
    look = looked_for(card, CallKind.REFUND, "k2", clock.now(), ref)
    with pytest.raises(CardsUnclear, match="pending"):
        await cards.refund(about(ref))
    with pytest.raises(CardsUnclear, match="pending"):
        await cards.find_call(look)
    assert len(await moved(cards, clock.now(), clock.now() + timedelta(seconds=1))) == 1
    stripe.api.settle_refund(stripe.api.all_of("refund")[0]["id"], succeeds=True)
    found = await cards.find_call(look)
    assert found is not None
    assert found.outcome == "DONE"


async def test_nobody_is_sent_to_a_bank_who_is_not_there(stripe: StripeKit) -> None:
    """Stripe refuses such a payment itself; if it did not, nobody could follow."""
    redirect = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example"}}
    intent = {"id": "pi_1", "status": "requires_action", "amount": 500, "currency": "eur", "next_action": redirect}
    stripe.add_fault("authorise", said(200, intent))
    answer = await stripe.provider().charge(asked(stripe.save_card()))
    assert (answer.outcome, answer.code) == ("REFUSED", RefusalCode.AUTHENTICATION_REQUIRED)
    assert answer.redirect_url is None


async def test_a_card_of_another_customer(stripe: StripeKit) -> None:
    theirs, ours = stripe.save_card(), stripe.save_card()
    answer = await stripe.provider().charge(asked(theirs, customer_ref=ours.customer_ref))
    assert (answer.outcome, answer.code) == ("REFUSED", RefusalCode.CARD_UNKNOWN)


async def test_a_card_that_stays_is_not_forgotten_in_silence(stripe: StripeKit) -> None:
    card = stripe.save_card()
    stripe.add_fault(
        f"POST payment_methods/{card.card_ref}/detach", said(400, {"error": {"type": "invalid_request_error"}})
    )
    with pytest.raises(CardsUnclear):
        await stripe.provider().forget_card(OURS, card.customer_ref, card.card_ref)


async def test_an_inquiry_moves_no_money(stripe: StripeKit) -> None:
    cards = stripe.provider()
    ref = (await cards.charge(asked(stripe.save_card(), capture=True))).ref
    assert ref is not None
    inquiry = stripe.api.open_dispute(ref, status="warning_needs_response")
    assert await cards.find_dispute(OURS, inquiry) is None
    found = await cards.find_dispute(OURS, stripe.api.open_dispute(ref, 200))
    assert found is not None
    assert (found.status, found.amount_minor) == (DisputeStatus.OPEN, 200)


# Movements


async def test_only_cards_of_this_operator_are_told(stripe: StripeKit, clock: SettableClock) -> None:
    cards, card, now = stripe.provider(), stripe.save_card(), clock.now()
    other = Merchant(operator_id=OperatorId(8))
    ours = await cards.charge(asked(card, "a", capture=True))
    await cards.charge(asked(card, "b", capture=True, merchant=other, amount_minor=700))
    stripe.api.create_intent(_intent(card, "x") | {"capture_method": "automatic", "metadata": {}}, "")
    stripe.api.add_transaction("payout", "payout", 300)
    # Somebody refunds in the dashboard, so no key of ours is on it.
    stripe.api.create_refund({"payment_intent": ours.ref, "amount": "100"}, "")
    until = now + timedelta(seconds=1)
    assert [(one.kind, one.amount_minor, one.call_key) for one in await moved(cards, now, until)] == [
        (MovementKind.CAPTURED, 500, "a"),
        (MovementKind.REFUNDED, 100, None),
    ]
    assert [one.amount_minor for one in await moved(cards, now, until, other)] == [700]


async def test_a_refund_that_the_bank_sends_back(stripe: StripeKit, clock: SettableClock) -> None:
    cards, now = stripe.provider(), clock.now()
    ref = (await cards.charge(asked(stripe.save_card(), capture=True))).ref
    back = await cards.refund(about(ref))
    assert back.ref is not None
    stripe.api.settle_refund(back.ref, succeeds=False)
    found = await moved(cards, now, now + timedelta(seconds=1))
    assert [one.kind for one in found] == [MovementKind.CAPTURED, MovementKind.REFUNDED, MovementKind.CAPTURED]
    assert found[2].ref.startswith("txn_")
    assert found[2].call_key is None
    assert len({(one.kind, one.ref) for one in found}) == 3


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("count", [1, 99, 100, 101, 200, 201])
async def test_movements_come_page_by_page_from_the_oldest(
    stripe: StripeKit, clock: SettableClock, before: int, count: int
) -> None:
    cards, card = stripe.provider(), stripe.save_card()
    automatic = {"capture_method": "automatic", "metadata": {"isotope_call": "k", "isotope_operator": "7"}}
    for _ in range(before):
        stripe.api.create_intent(_intent(card, "k") | automatic, "")
    clock.advance(hours=1)
    since = clock.now()
    for number in range(count):
        stripe.api.create_intent(_intent(card, "k") | automatic | {"amount": str(100 + number)}, "")
        clock.advance(seconds=1)
    until = clock.now()
    stripe.api.create_intent(_intent(card, "k") | automatic, "")
    found = await moved(cards, since, until)
    assert [one.amount_minor for one in found] == [100 + number for number in range(count)]
    assert [one.at for one in found] == [since + timedelta(seconds=number) for number in range(count)]
    assert all(int(params["limit"]) <= 100 for _, _, _, params in stripe.requests)


async def test_parts_of_a_second_belong_to_the_next(stripe: StripeKit, clock: SettableClock) -> None:
    cards = stripe.provider()
    await cards.charge(asked(stripe.save_card(), capture=True))
    now, part = clock.now(), timedelta(milliseconds=300)
    assert len(await moved(cards, now - part, now + part)) == 1
    assert await moved(cards, now + part, now + timedelta(seconds=1)) == []
    assert await moved(cards, now - timedelta(seconds=1), now) == []


# Faults


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (said(429, {"error": {"type": "rate_limit_error", "code": "rate_limit"}}), "429"),
        (said(500, {"error": {"type": "api_error"}}), "500"),
        (said(503, b"<html>"), "None|503"),
        (said(401, {"error": {"type": "invalid_request_error"}}), "does not accept our key"),
        (said(403, {"error": {"type": "invalid_request_error", "code": "account_invalid"}}), "does not accept our key"),
        (said(302, b""), "."),
        (said(200, b""), "."),
        (said(200, b"null"), "."),
        (said(200, b"[]"), "."),
        (said(200, b"7"), "."),
        (said(200, b'"pi_1"'), "."),
        (said(200, {}), "."),
        (said(200, {"id": 7}), "."),
        (said(200, {"id": "pi_1", "object": "payment_intent", "status": "succeeded"}), "makes no sense"),
        (said(200, {"id": "pi_1", "amount": "500", "currency": "eur", "status": "succeeded"}), "makes no sense"),
        (said(200, b"\xff\xfe"), "."),
        (said(200, b"[" * 100_000), "."),
        (said(200, b'{"a":' * 600 + b"1" + b"}" * 600), "RecursionError"),
        (said(400, {"error": "invalid_client"}), "."),
        (said(400, {"error": []}), "."),
        (said(400, {"error": 7}), "."),
        (said(402, {"error": {"type": 7, "code": [], "decline_code": {}}}), "never"),
        (said(418, {"error": {}}), "418"),
    ],
)
async def test_answers_that_nobody_understands(stripe: StripeKit, answer: Said, reason: str) -> None:
    stripe.add_fault("authorise", answer)
    if reason == "never":
        refused = await stripe.provider().charge(asked(stripe.save_card()))
        assert (refused.outcome, refused.code) == ("REFUSED", RefusalCode.DECLINED)
        return
    with pytest.raises(CardsUnclear, match=reason):
        await stripe.provider().charge(asked(stripe.save_card()))
    assert len(stripe.requests) == 1, "nothing is tried again here"


async def test_all_of_a_method_ends_in_time(stripe: StripeKit) -> None:
    """Two requests, each in time, that are too much together."""
    cards = stripe.provider(0.15)
    stripe.add_fault("POST customers", "slow", 2)
    stripe.slow_s = 0.1
    stripe.add_fault("setup", "slow", 2)
    with pytest.raises(CardsUnclear, match="in time"):
        await cards.start_setup(setup())


async def test_a_wrong_key_is_told_to_the_operator(stripe: StripeKit) -> None:
    with capture_logs() as logs, pytest.raises(CardsUnclear, match="our key"):
        await stripe.provider(key="sk_live_wrong").charge(asked(stripe.save_card()))
    assert [(line["event"], line["log_level"], line["status"]) for line in logs] == [
        ("stripe.misconfigured", "error", 401)
    ]


async def test_nothing_of_a_rider_gets_out(
    stripe: StripeKit, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not from refusals, not from faults, and not from the SDK when it is asked to talk."""
    # As `infra.log` has it: it tells addresses, and those have references in them.
    caplog.set_level(logging.WARNING, "httpx2")
    caplog.set_level(logging.DEBUG)
    cards, card = stripe.provider(SHORT_S), stripe.save_card("declined")
    told: list[str] = []
    with capture_logs() as logs:
        await cards.charge(asked(card, "k0"))
        for answer in (said(400, _loud()), said(500, _loud()), said(401, _loud()), said(200, _loud())):
            stripe.add_fault("authorise", answer)
            try:
                told.append(str(await cards.charge(asked(card, f"k{len(told) + 1}"))))
            except CardsUnclear as unclear:
                told.append(f"{unclear!r} {unclear.__cause__!r} {unclear.__suppress_context__}")
        with pytest.raises(IdempotencyMisusedError) as misused:
            await cards.charge(asked(card, "k0", amount_minor=7))
        told.append(repr(misused.value))
    everything = f"{told} {logs} {caplog.text} {capfd.readouterr()}"
    assert [secret for secret in (*SECRETS_OF_A_RIDER, card.card_ref, KEY) if secret in everything] == []
    assert all("None True" in one for one in told if one.startswith("CardsUnclear"))


def _loud() -> dict[str, Any]:
    return {"error": {"type": "x", "message": "pm_secret with 4242 return?token", "param": "payment_method"}}


def test_the_sdk_is_silent_whatever_the_environment_says() -> None:
    """`STRIPE_LOG=debug` makes it print every request."""
    program = (
        "from isotope.adapters.cards.stripe import StripeCards\n"
        "from stripe import _util\n"
        "_util.log_debug('loud'); _util.log_info('loud')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"STRIPE_LOG": "debug"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert (ran.stdout, ran.stderr) == ("", "")
    assert sdk.enable_telemetry is False


async def test_the_event_loop_goes_on_while_stripe_thinks(stripe: StripeKit) -> None:
    cards, card = stripe.provider(SHORT_S), stripe.save_card()
    stripe.add_fault("authorise", "lost", 8)
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.005)

    beating = asyncio.create_task(beat())
    began = asyncio.get_running_loop().time()
    answers = await asyncio.gather(
        *(cards.charge(asked(card, f"k{number}")) for number in range(8)), return_exceptions=True
    )
    took = asyncio.get_running_loop().time() - began
    beating.cancel()
    assert all(isinstance(one, CardsUnclear) for one in answers)
    assert took < 4 * SHORT_S, "they waited beside each other"
    assert beats > 10


async def test_who_gives_up_leaves_nothing_open(stripe: StripeKit) -> None:
    stripe.add_fault("authorise", "lost")
    asking = asyncio.create_task(stripe.provider().charge(asked(stripe.save_card())))
    await until(lambda: stripe.requests, "the request arrives")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


# Settings


def test_settings_make_the_provider() -> None:
    cards = make_stripe_cards(
        Config(stripe_secret_key="sk", stripe_webhook_secret=" whsec_a , whsec_b,", stripe_url="http://x/")
    )
    assert isinstance(cards, StripeCards)
    assert cards.name == "stripe"
    assert cards._webhook_secrets == ("whsec_a", "whsec_b")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["ISOTOPE_STRIPE_SECRET_KEY", "ISOTOPE_STRIPE_WEBHOOK_SECRET"]),
        ({"stripe_secret_key": "sk"}, ["ISOTOPE_STRIPE_WEBHOOK_SECRET"]),
        ({"stripe_secret_key": "sk", "stripe_webhook_secret": " , "}, ["ISOTOPE_STRIPE_WEBHOOK_SECRET"]),
    ],
)
def test_what_is_missing_is_said(given: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(ConfigError) as wrong:
        make_stripe_cards(Config(**given))  # type: ignore[arg-type]
    assert [line.partition(":")[0] for line in str(wrong.value).splitlines()] == missing
