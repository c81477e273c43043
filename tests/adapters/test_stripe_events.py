"""Stripe's webhooks: what each is about, and who may have sent it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import WebhookSignature

from isotope.adapters.cards.stripe.events import read_event
from isotope.domain.payments.model import CardEvent, EventKind
from isotope.domain.payments.ports import EventRefused
from tests.kit.clock import SettableClock
from tests.kit.stripe import WEBHOOK_SECRET, event_body, signed

SECRETS = (WEBHOOK_SECRET,)
INTENT = {"object": "payment_intent", "id": "pi_1", "amount": 500}
CHARGE = {"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}
REFUND = {"object": "refund", "id": "re_1", "payment_intent": "pi_1", "charge": "ch_1"}
DISPUTE = {"object": "dispute", "id": "dp_1", "payment_intent": "pi_1", "charge": "ch_1"}


@pytest.mark.parametrize(
    ("type_", "about", "kind", "ref", "payment_ref"),
    [
        ("payment_intent.succeeded", INTENT, EventKind.PAYMENT, "pi_1", "pi_1"),
        ("payment_intent.amount_capturable_updated", INTENT, EventKind.PAYMENT, "pi_1", "pi_1"),
        ("payment_intent.payment_failed", INTENT, EventKind.PAYMENT, "pi_1", "pi_1"),
        ("payment_intent.canceled", INTENT, EventKind.PAYMENT, "pi_1", "pi_1"),
        ("charge.captured", CHARGE, EventKind.PAYMENT, "pi_1", "pi_1"),
        ("charge.refunded", CHARGE, EventKind.PAYMENT, "pi_1", "pi_1"),
        ("charge.succeeded", CHARGE | {"payment_intent": None}, EventKind.OTHER, "ch_1", None),
        ("charge.refund.updated", REFUND, EventKind.REFUND, "re_1", "pi_1"),
        ("refund.created", REFUND, EventKind.REFUND, "re_1", "pi_1"),
        ("refund.failed", REFUND, EventKind.REFUND, "re_1", "pi_1"),
        ("charge.dispute.created", DISPUTE, EventKind.DISPUTE, "dp_1", "pi_1"),
        ("charge.dispute.funds_reinstated", DISPUTE, EventKind.DISPUTE, "dp_1", "pi_1"),
        ("checkout.session.completed", {"object": "checkout.session", "id": "cs_1"}, EventKind.SETUP, "cs_1", None),
        ("checkout.session.expired", {"object": "checkout.session", "id": "cs_1"}, EventKind.SETUP, "cs_1", None),
        ("setup_intent.setup_failed", {"object": "setup_intent", "id": "seti_1"}, EventKind.SETUP, "seti_1", None),
        ("payout.paid", {"object": "payout", "id": "po_1"}, EventKind.OTHER, "po_1", None),
        ("balance.available", {"object": "balance"}, EventKind.OTHER, "", None),
    ],
)
def test_what_an_event_is_about(
    clock: SettableClock, type_: str, about: dict[str, Any], kind: EventKind, ref: str, payment_ref: str | None
) -> None:
    body = event_body(type_, about, "evt_7")
    found = read_event(signed(body, clock.now()), body, clock.now(), SECRETS)
    assert found == CardEvent(id="evt_7", kind=kind, ref=ref, type=type_, payment_ref=payment_ref)


def test_the_sdk_signs_as_we_read(clock: SettableClock) -> None:
    body = event_body("payment_intent.succeeded", INTENT)
    header = WebhookSignature.generate_signature_header(body.decode(), WEBHOOK_SECRET, int(clock.now().timestamp()))
    assert read_event({"stripe-signature": header}, body, clock.now(), SECRETS).ref == "pi_1"


def test_while_a_secret_is_replaced_both_are_good(clock: SettableClock) -> None:
    body = event_body("payment_intent.succeeded", INTENT)
    now = clock.now()
    old, new = signed(body, now, "whsec_old"), signed(body, now, "whsec_new")
    for headers in (old, new):
        assert read_event(headers, body, now, ("whsec_old", "whsec_new")).ref == "pi_1"
    # Stripe signs with both for a day.
    both = {"stripe-signature": f"{old['stripe-signature']},{new['stripe-signature'].partition(',')[2]},v0=aa"}
    for secret in ("whsec_old", "whsec_new"):
        assert read_event(both, body, now, (secret,)).ref == "pi_1"
    with pytest.raises(EventRefused):
        read_event(both, body, now, ("whsec_another",))


@pytest.mark.parametrize(
    ("age_s", "good"), [(0, True), (300, True), (301, False), (-300, True), (-301, False), (86_400, False)]
)
def test_age_goes_by_the_given_time(clock: SettableClock, age_s: int, *, good: bool) -> None:
    body = event_body("payment_intent.succeeded", INTENT)
    headers = signed(body, clock.now() - timedelta(seconds=age_s))
    if good:
        assert read_event(headers, body, clock.now(), SECRETS).id
    else:
        with pytest.raises(EventRefused, match="too old"):
            read_event(headers, body, clock.now(), SECRETS)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.replace("t=", "t=,t="),
        lambda header: header.replace("v1=", "v2="),
        lambda header: header.replace("v1=", "v1=a"),
        lambda header: header.upper(),
        lambda header: header.replace("t=", "t=+"),
        lambda header: header.replace("t=", "t=0"),
        lambda _: "t=١,v1=aa",
        lambda _: "t=" + "9" * 5000 + ",v1=aa",
        lambda _: "v1=\udcff,t=1",
        lambda header: header.partition(",")[0],
    ],
)
def test_a_header_that_was_tampered_with(clock: SettableClock, change: Any) -> None:
    body = event_body("payment_intent.succeeded", INTENT)
    header = change(signed(body, clock.now())["stripe-signature"])
    with pytest.raises(EventRefused):
        read_event({"stripe-signature": header}, body, clock.now(), SECRETS)


def test_an_event_that_is_deeper_than_anything_of_stripes(clock: SettableClock) -> None:
    deep = b"[" * 50_000 + b"]" * 50_000
    body = (
        b'{"id": "evt_1", "type": "x", "data": {"object": {"object": "refund", "id": "re_1", "items": ' + deep + b"}}}"
    )
    with pytest.raises(EventRefused, match="not readable"):
        read_event(signed(body, clock.now()), body, clock.now(), SECRETS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["id", "type", "data", "object", "payment_intent", "metadata"])
events = st.dictionaries(
    names,
    json_values | st.dictionaries(names, json_values | st.dictionaries(names, json_values, max_size=4), max_size=4),
)


@given(event=events)
def test_whatever_stripe_signs_is_read_or_refused(event: dict[str, Any]) -> None:
    now = SettableClock().now()
    body = json.dumps(event).encode()
    try:
        found = read_event(signed(body, now), body, now, SECRETS)
    except EventRefused:
        return
    assert found.kind is EventKind.OTHER or found.ref
