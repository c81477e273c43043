"""What Stripe's words and amounts mean here: tables, without a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.adapters.cards.stripe.amounts import AmountNotPossible, from_stripe, to_stripe
from isotope.adapters.cards.stripe.answers import (
    capture_answer,
    dispute_answer,
    payment_answer,
    refund_answer,
    release_answer,
    setup_answer,
)
from isotope.adapters.cards.stripe.codes import refusal_of_card, refusal_of_request
from isotope.adapters.cards.stripe.languages import page_language
from isotope.adapters.cards.stripe.shapes import (
    CardFace,
    Dispute,
    Failure,
    Intent,
    NextAction,
    PaymentMethod,
    Redirect,
    Refund,
    Session,
    SetupIntent,
)
from isotope.domain.payments.model import Answer, DisputeStatus, RefusalCode
from isotope.domain.payments.ports import CardsUnclear, SetupFound
from isotope.kernel.money import exponent

CURRENCIES = ["EUR", "USD", "HUF", "JPY", "KRW", "XOF", "ISK", "UGX", "MGA", "KWD", "BHD", "JOD", "OMR", "TND"]


@pytest.mark.parametrize(
    ("currency", "ours", "theirs"),
    [
        ("EUR", 1050, 1050),
        ("JPY", 500, 500),
        ("KRW", 1, 1),
        # 5 ISK and 5 UGX are 500 at Stripe.
        ("ISK", 5, 500),
        ("UGX", 5, 500),
        # 10 MGA are 1000 hundredths here, and 10 at Stripe.
        ("MGA", 1000, 10),
        ("KWD", 1230, 1230),
    ],
)
def test_an_amount_both_ways(currency: str, ours: int, theirs: int) -> None:
    assert to_stripe(ours, currency) == theirs
    assert from_stripe(theirs, currency) == ours


@pytest.mark.parametrize(("currency", "amount"), [("KWD", 1234), ("KWD", 1), ("BHD", 10_005), ("MGA", 150)])
def test_what_stripe_cannot_move_is_never_rounded(currency: str, amount: int) -> None:
    with pytest.raises(AmountNotPossible):
        to_stripe(amount, currency)


def test_what_is_finer_than_ours_is_never_rounded() -> None:
    with pytest.raises(AmountNotPossible):
        from_stripe(150, "ISK")


@given(amount=st.integers(min_value=0, max_value=10**12), currency=st.sampled_from(CURRENCIES))
def test_every_amount_comes_back_or_is_refused(amount: int, currency: str) -> None:
    try:
        theirs = to_stripe(amount, currency)
    except AmountNotPossible:
        assert exponent(currency) == 3 or currency == "MGA"
        assert amount % 10 or amount % 100
        return
    assert from_stripe(theirs, currency) == amount
    if exponent(currency) == 3:
        assert theirs % 10 == 0
    if currency in {"ISK", "UGX"}:
        assert theirs % 100 == 0


@pytest.mark.parametrize(
    ("code", "decline_code", "refusal"),
    [
        ("card_declined", None, RefusalCode.DECLINED),
        ("card_declined", "generic_decline", RefusalCode.DECLINED),
        ("card_declined", "do_not_honor", RefusalCode.DECLINED),
        ("card_declined", "lost_card", RefusalCode.DECLINED),
        ("card_declined", "stolen_card", RefusalCode.DECLINED),
        ("card_declined", "fraudulent", RefusalCode.DECLINED),
        ("card_declined", "insufficient_funds", RefusalCode.NO_FUNDS),
        ("card_declined", "card_velocity_exceeded", RefusalCode.NO_FUNDS),
        ("card_declined", "withdrawal_count_limit_exceeded", RefusalCode.NO_FUNDS),
        ("expired_card", "expired_card", RefusalCode.EXPIRED),
        ("expired_card", None, RefusalCode.EXPIRED),
        ("incorrect_cvc", "incorrect_cvc", RefusalCode.DECLINED),
        ("processing_error", "processing_error", RefusalCode.OTHER),
        ("card_declined", "issuer_not_available", RefusalCode.OTHER),
        ("card_declined", "try_again_later", RefusalCode.OTHER),
        ("authentication_required", "authentication_required", RefusalCode.AUTHENTICATION_REQUIRED),
        ("card_declined", "authentication_not_handled", RefusalCode.AUTHENTICATION_REQUIRED),
        ("payment_intent_authentication_failure", None, RefusalCode.AUTHENTICATION_FAILED),
        ("setup_intent_authentication_failure", None, RefusalCode.AUTHENTICATION_FAILED),
        (None, None, RefusalCode.DECLINED),
        ("a_word_of_next_year", "another", RefusalCode.DECLINED),
    ],
)
def test_why_a_card_is_declined(code: str | None, decline_code: str | None, refusal: RefusalCode) -> None:
    assert refusal_of_card(code, decline_code) is refusal


@pytest.mark.parametrize(
    ("about", "code", "param", "refusal"),
    [
        ("card", "resource_missing", "payment_method", RefusalCode.CARD_UNKNOWN),
        ("card", "resource_missing", "customer", RefusalCode.CARD_UNKNOWN),
        ("card", "amount_too_small", "amount", RefusalCode.OTHER),
        ("card", None, None, RefusalCode.OTHER),
        ("payment", "payment_intent_unexpected_state", None, RefusalCode.NOT_POSSIBLE),
        ("payment", "amount_too_large", "amount_to_capture", RefusalCode.NOT_POSSIBLE),
        ("payment", None, "amount", RefusalCode.NOT_POSSIBLE),
        ("payment", "charge_already_refunded", None, RefusalCode.NOT_POSSIBLE),
        ("payment", "charge_disputed", None, RefusalCode.NOT_POSSIBLE),
        ("payment", "capture_charge_authorization_expired", None, RefusalCode.NOT_POSSIBLE),
        ("payment", "balance_insufficient", None, RefusalCode.OTHER),
    ],
)
def test_why_a_request_is_refused(about: str, code: str | None, param: str | None, refusal: RefusalCode) -> None:
    assert refusal_of_request("card" if about == "card" else "payment", code, param) is refusal


@pytest.mark.parametrize(
    ("language", "page"),
    [("fi", "fi"), ("en", "en"), ("pt-BR", "pt-BR"), ("de-AT", "de"), ("uk", "auto"), ("", "auto"), ("zh-TW", "zh-TW")],
)
def test_languages_of_the_page(language: str, page: str) -> None:
    assert page_language(language) == page


def intent(status: str, *, url: str | None = None, error: Failure | None = None, received: int | None = 0) -> Intent:
    action = None if url is None else NextAction(redirect_to_url=Redirect(url=url))
    return Intent(
        id="pi_1",
        status=status,
        amount=500,
        currency="eur",
        amount_received=received,
        next_action=action,
        last_payment_error=error,
    )


def no(code: RefusalCode) -> Answer:
    return Answer(outcome="REFUSED", ref="pi_1", code=code.value)


def done(amount: int) -> Answer:
    return Answer(outcome="DONE", ref="pi_1", amount_minor=amount)


@pytest.mark.parametrize(
    ("found", "capture", "answer"),
    [
        (intent("requires_capture"), False, done(500)),
        (intent("succeeded", received=320), False, done(500)),
        (intent("succeeded", received=320), True, done(320)),
        (intent("succeeded", received=None), True, done(500)),
        (
            intent("requires_action", url="https://bank"),
            True,
            Answer(outcome="ACTION_REQUIRED", ref="pi_1", redirect_url="https://bank"),
        ),
        (intent("requires_action"), True, no(RefusalCode.AUTHENTICATION_REQUIRED)),
        (
            intent("requires_payment_method", error=Failure("card_declined", "insufficient_funds")),
            True,
            no(RefusalCode.NO_FUNDS),
        ),
        (intent("requires_payment_method"), False, no(RefusalCode.OTHER)),
        (intent("canceled"), False, no(RefusalCode.NOT_POSSIBLE)),
    ],
)
def test_what_became_of_a_payment(found: Intent, *, capture: bool, answer: Answer) -> None:
    assert payment_answer(found, "EUR", capture=capture) == answer


@pytest.mark.parametrize("status", ["processing", "requires_confirmation", "a_state_of_next_year"])
def test_a_payment_of_which_nobody_knows(status: str) -> None:
    with pytest.raises(CardsUnclear):
        payment_answer(intent(status), "EUR", capture=True)


@pytest.mark.parametrize(
    ("status", "captured", "released"),
    [
        ("succeeded", done(320), no(RefusalCode.NOT_POSSIBLE)),
        ("requires_capture", None, None),
        ("requires_action", no(RefusalCode.NOT_POSSIBLE), None),
        ("requires_payment_method", no(RefusalCode.NOT_POSSIBLE), done(500)),
        ("canceled", no(RefusalCode.NOT_POSSIBLE), done(500)),
    ],
)
def test_what_became_of_a_capture_and_a_release(status: str, captured: Answer | None, released: Answer | None) -> None:
    assert capture_answer(intent(status, received=320), "EUR", 320) == captured
    assert release_answer(intent(status), "EUR") == released


def test_a_payment_that_stripe_is_at() -> None:
    with pytest.raises(CardsUnclear):
        capture_answer(intent("processing"), "EUR", 1)
    with pytest.raises(CardsUnclear):
        release_answer(intent("processing"), "EUR")


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        ("succeeded", "DONE", None),
        ("failed", "REFUSED", RefusalCode.OTHER),
        ("canceled", "REFUSED", RefusalCode.NOT_POSSIBLE),
    ],
)
def test_what_became_of_a_refund(status: str, outcome: str, code: RefusalCode | None) -> None:
    answer = refund_answer(Refund(id="re_1", status=status, amount=100, currency="eur"), "EUR")
    assert (answer.outcome, answer.code, answer.ref) == (outcome, code, "re_1")
    assert answer.amount_minor == (100 if outcome == "DONE" else 0)


@pytest.mark.parametrize("status", ["pending", "requires_action", None])
def test_a_refund_that_is_not_decided(status: str | None) -> None:
    with pytest.raises(CardsUnclear):
        refund_answer(Refund(id="re_1", status=status, amount=100, currency="eur"), "EUR")


CARD = PaymentMethod(id="pm_1", customer="cus_1", card=CardFace(brand="visa", last4="4242", exp_month=1, exp_year=2030))


@pytest.mark.parametrize(
    ("session", "setup", "found"),
    [
        ("open", SetupIntent(status="requires_payment_method"), "PENDING"),
        ("open", SetupIntent(status="requires_payment_method", last_setup_error=Failure("card_declined")), "PENDING"),
        ("complete", SetupIntent(status="processing"), "PENDING"),
        ("complete", SetupIntent(status="succeeded", payment_method=CARD), "DONE"),
        ("complete", SetupIntent(status="succeeded", payment_method=PaymentMethod(id="pm_1")), "FAILED"),
        ("expired", SetupIntent(status="requires_action"), "FAILED"),
        ("expired", SetupIntent(status="canceled"), "FAILED"),
        ("expired", None, "FAILED"),
    ],
)
def test_where_saving_a_card_stands(session: str, setup: SetupIntent | None, found: str) -> None:
    answer = setup_answer(Session(status=session, customer="cus_1", setup_intent=setup))
    assert answer.status == found
    assert (answer.card is not None) == (found == "DONE")


def test_why_a_card_could_not_be_saved() -> None:
    setup = SetupIntent(status="canceled", last_setup_error=Failure("card_declined", "insufficient_funds"))
    assert setup_answer(Session(status="expired", setup_intent=setup)) == SetupFound(
        status="FAILED", code=RefusalCode.NO_FUNDS
    )


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("needs_response", DisputeStatus.OPEN),
        ("under_review", DisputeStatus.OPEN),
        ("appeal_under_review", DisputeStatus.OPEN),
        ("won", DisputeStatus.WON),
        ("lost", DisputeStatus.LOST),
        # No money moves for these.
        ("warning_needs_response", None),
        ("warning_under_review", None),
        ("warning_closed", None),
        ("prevented", None),
        ("a_state_of_next_year", None),
    ],
)
def test_where_a_dispute_stands(status: str, ours: DisputeStatus | None) -> None:
    found = dispute_answer(Dispute(id="dp_1", status=status, amount=500, currency="isk", payment_intent="pi_1"))
    assert (None if found is None else found.status) == ours
    if found is not None:
        assert (found.amount_minor, found.currency) == (5, "ISK")


def test_a_dispute_of_a_payment_that_is_not_ours() -> None:
    assert dispute_answer(Dispute(id="dp_1", status="lost", amount=500, currency="eur")) is None
