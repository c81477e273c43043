"""The tables of `payments.rules`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.payments.model import (
    After,
    Answer,
    CallKind,
    CallStatus,
    CardCall,
    CardCallId,
    CardId,
    CardPayment,
    CardPaymentId,
    PaymentStatus,
    Purpose,
    RefusalCode,
)
from isotope.domain.payments.rules import GIVE_UP_S, Step, after_answer, plan_collection, when_not_seen
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId, RiderId
from tests.kit.clock import START


def _payment(status: PaymentStatus) -> CardPayment:
    return CardPayment(
        operator_id=OperatorId(1),
        id=CardPaymentId(1),
        rider_id=RiderId(1),
        card_id=CardId(1),
        purpose=Purpose.RIDE,
        cause="ride:1",
        currency="EUR",
        amount_minor=1_000,
        status=status,
        actor=SYSTEM,
        created_at=START,
    )


def _call(kind: CallKind, amount_minor: int = 1_000) -> CardCall:
    return CardCall(
        operator_id=OperatorId(1),
        id=CardCallId(1),
        payment_id=CardPaymentId(1),
        kind=kind,
        amount_minor=amount_minor,
        key="key",
        cause="ride:1",
        actor=SYSTEM,
        status=CallStatus.OPEN,
        created_at=START,
    )


DONE, REFUSED, OPEN = CallStatus.DONE, CallStatus.REFUSED, CallStatus.OPEN
S = PaymentStatus


@pytest.mark.parametrize(
    ("kind", "before", "outcome", "moved", "expected"),
    [
        ("AUTHORISE", S.AUTHORISING, "DONE", 1_000, After(call=DONE, payment=S.AUTHORISED)),
        ("AUTHORISE", S.AUTHORISING, "REFUSED", 0, After(call=REFUSED, payment=S.FAILED)),
        ("AUTHORISE", S.AUTHORISING, "ACTION_REQUIRED", 0, After(call=OPEN, payment=S.ACTION_REQUIRED)),
        ("CHARGE", S.AUTHORISING, "DONE", 1_000, After(call=DONE, payment=S.CAPTURED, collected_minor=1_000)),
        ("CHARGE", S.AUTHORISING, "DONE", 0, After(call=REFUSED, payment=S.FAILED, unpaid_minor=1_000)),
        ("CHARGE", S.AUTHORISING, "REFUSED", 0, After(call=REFUSED, payment=S.FAILED, unpaid_minor=1_000)),
        ("CHARGE", S.AUTHORISING, "ACTION_REQUIRED", 0, After(call=OPEN, payment=S.ACTION_REQUIRED)),
        ("CAPTURE", S.AUTHORISED, "DONE", 1_000, After(call=DONE, payment=S.CAPTURED, collected_minor=1_000)),
        (
            "CAPTURE",
            S.AUTHORISED,
            "DONE",
            400,
            After(call=DONE, payment=S.CAPTURED, collected_minor=400, unpaid_minor=600),
        ),
        ("CAPTURE", S.AUTHORISED, "DONE", 9_000, After(call=DONE, payment=S.CAPTURED, collected_minor=1_000)),
        ("CAPTURE", S.AUTHORISED, "REFUSED", 1_000, After(call=REFUSED, payment=S.FAILED, unpaid_minor=1_000)),
        ("RELEASE", S.AUTHORISED, "DONE", 1_000, After(call=DONE, payment=S.RELEASED)),
        ("RELEASE", S.AUTHORISED, "REFUSED", 0, After(call=REFUSED, payment=S.AUTHORISED)),
        ("REFUND", S.CAPTURED, "DONE", 1_000, After(call=DONE, payment=S.CAPTURED, returned_minor=1_000)),
        ("REFUND", S.CAPTURED, "DONE", 300, After(call=DONE, payment=S.CAPTURED, returned_minor=300, kept_minor=700)),
        ("REFUND", S.CAPTURED, "REFUSED", 0, After(call=REFUSED, payment=S.CAPTURED, kept_minor=1_000)),
    ],
)
def test_what_an_answer_makes_of_it(kind: str, before: S, outcome: str, moved: int, expected: After) -> None:
    answer = Answer(outcome=outcome, amount_minor=moved)  # type: ignore[arg-type]
    assert after_answer(_payment(before), _call(CallKind(kind)), answer) == expected


@pytest.mark.parametrize("kind", ["CAPTURE", "RELEASE", "REFUND"])
def test_only_the_first_call_may_ask_something_of_the_rider(kind: str) -> None:
    with pytest.raises(ValueError, match="asks nothing of the rider"):
        after_answer(_payment(S.AUTHORISED), _call(CallKind(kind)), Answer(outcome="ACTION_REQUIRED"))


@given(
    kind=st.sampled_from([CallKind.CHARGE, CallKind.CAPTURE, CallKind.REFUND]),
    outcome=st.sampled_from(["DONE", "REFUSED"]),
    asked=st.integers(1, 10**9),
    said=st.integers(-(10**9), 10**10),
)
def test_all_that_was_asked_for_is_accounted_for(kind: CallKind, outcome: str, asked: int, said: int) -> None:
    answer = Answer(outcome=outcome, amount_minor=said)  # type: ignore[arg-type]
    after = after_answer(_payment(S.CAPTURED), _call(kind, asked), answer)
    parts = (after.collected_minor, after.unpaid_minor, after.returned_minor, after.kept_minor)
    assert sum(parts) == asked
    assert min(parts) >= 0


ONE, TWO = CardPaymentId(1), CardPaymentId(2)


@pytest.mark.parametrize(
    ("reserved", "due", "expected"),
    [
        ([], 0, []),
        ([], 500, [Step(CallKind.CHARGE, None, 500)]),
        ([(ONE, 1_000)], 0, [Step(CallKind.RELEASE, ONE, 1_000)]),
        ([(ONE, 1_000)], 400, [Step(CallKind.CAPTURE, ONE, 400)]),
        ([(ONE, 1_000)], 1_000, [Step(CallKind.CAPTURE, ONE, 1_000)]),
        ([(ONE, 1_000)], 1_300, [Step(CallKind.CAPTURE, ONE, 1_000), Step(CallKind.CHARGE, None, 300)]),
        ([(ONE, 1_000), (TWO, 500)], 1_000, [Step(CallKind.CAPTURE, ONE, 1_000), Step(CallKind.RELEASE, TWO, 500)]),
        ([(ONE, 1_000), (TWO, 500)], 1_200, [Step(CallKind.CAPTURE, ONE, 1_000), Step(CallKind.CAPTURE, TWO, 200)]),
    ],
)
def test_how_a_bill_is_collected(reserved: list[tuple[CardPaymentId, int]], due: int, expected: list[Step]) -> None:
    assert plan_collection(reserved, due) == expected


@given(reserved=st.lists(st.integers(1, 5_000), max_size=4), due=st.integers(0, 20_000))
def test_exactly_what_is_due_is_collected(reserved: list[int], due: int) -> None:
    held = [(CardPaymentId(nr), amount) for nr, amount in enumerate(reserved)]
    steps = plan_collection(held, due)
    taken = [step for step in steps if step.kind is not CallKind.RELEASE]
    assert sum(step.amount_minor for step in taken) == due
    assert all(step.amount_minor > 0 for step in steps)
    assert [step.payment_id for step in steps if step.payment_id is not None] == [payment_id for payment_id, _ in held]
    assert all(step.amount_minor <= dict(held)[step.payment_id] for step in steps if step.payment_id is not None)


@pytest.mark.parametrize("kind", [kind for kind in CallKind if kind is not CallKind.AUTHORISE])
def test_what_the_provider_has_not_seen_is_sent(kind: CallKind) -> None:
    assert when_not_seen(_call(kind), 0) == "SEND"
    assert when_not_seen(_call(kind), 10 * GIVE_UP_S) == "SEND"


def test_a_reservation_that_was_not_seen_is_never_sent_again() -> None:
    assert when_not_seen(_call(CallKind.AUTHORISE), GIVE_UP_S - 1) == "WAIT"
    given_up = when_not_seen(_call(CallKind.AUTHORISE), GIVE_UP_S)
    assert given_up == Answer(outcome="REFUSED", code=RefusalCode.NOT_SENT)
