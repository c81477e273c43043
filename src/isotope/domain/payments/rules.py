"""The decisions of payments. Pure.

What an answer makes of a call and its payment:

| call      | answer          | call    | payment         | money                                  |
|-----------|-----------------|---------|-----------------|----------------------------------------|
| AUTHORISE | DONE            | DONE    | AUTHORISED      | none moved                             |
| AUTHORISE | REFUSED         | REFUSED | FAILED          | none moved                             |
| CHARGE    | DONE            | DONE    | CAPTURED        | collected: the answer's amount         |
| CHARGE    | REFUSED         | REFUSED | FAILED          | unpaid: what was asked                 |
| any of the two | ACTION_REQUIRED | OPEN | ACTION_REQUIRED | none moved                           |
| CAPTURE   | DONE            | DONE    | CAPTURED        | collected, and unpaid what is missing  |
| CAPTURE   | REFUSED         | REFUSED | FAILED          | unpaid: what was asked                 |
| RELEASE   | DONE            | DONE    | RELEASED        | none moved                             |
| RELEASE   | REFUSED         | REFUSED | as before       | none moved                             |
| REFUND    | DONE            | DONE    | CAPTURED        | given back: the answer's amount, and kept what is missing |
| REFUND    | REFUSED         | REFUSED | CAPTURED        | kept: what was asked                   |

An answer is never believed to have moved more than was asked.

How a bill's part for the card is collected from what was reserved (first match):

| due  | reserved          | calls                                              |
|------|-------------------|----------------------------------------------------|
| 0    | any               | RELEASE all                                        |
| > 0  | nothing           | CHARGE due                                         |
| > 0  | at least due      | CAPTURE due (the provider lets the rest go), RELEASE the others |
| > 0  | less than due     | CAPTURE all, CHARGE what is missing                |

Source: domain rules, Wallet; issue "the life of a charge".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from isotope.domain.payments.model import (
    After,
    Answer,
    CallKind,
    CallStatus,
    CardCall,
    CardPayment,
    CardPaymentId,
    PaymentStatus,
    RefusalCode,
)


def after_answer(payment: CardPayment, call: CardCall, answer: Answer) -> After:
    """By the first table above.

    Raises:
        ValueError: the rider is to confirm something that asks nothing of them; a bug of the adapter.
    """
    if answer.outcome == "ACTION_REQUIRED":
        if call.kind not in (CallKind.AUTHORISE, CallKind.CHARGE):
            raise ValueError(f"a {call.kind} asks nothing of the rider")
        return After(call=CallStatus.OPEN, payment=PaymentStatus.ACTION_REQUIRED)
    is_done = answer.outcome == "DONE"
    moved_minor = max(0, min(answer.amount_minor, call.amount_minor)) if is_done else 0
    match call.kind:
        case CallKind.AUTHORISE:
            after = After(
                call=_ended(is_done=is_done), payment=PaymentStatus.AUTHORISED if is_done else PaymentStatus.FAILED
            )
        case CallKind.RELEASE:
            after = After(call=_ended(is_done=is_done), payment=PaymentStatus.RELEASED if is_done else payment.status)
        case CallKind.CHARGE | CallKind.CAPTURE:
            after = After(
                call=_ended(is_done=moved_minor > 0),
                payment=PaymentStatus.CAPTURED if moved_minor else PaymentStatus.FAILED,
                collected_minor=moved_minor,
                unpaid_minor=call.amount_minor - moved_minor,
            )
        case CallKind.REFUND:
            after = After(
                call=_ended(is_done=moved_minor > 0),
                payment=payment.status,
                returned_minor=moved_minor,
                kept_minor=call.amount_minor - moved_minor,
            )
    return after


def _ended(*, is_done: bool) -> CallStatus:
    return CallStatus.DONE if is_done else CallStatus.REFUSED


@dataclass(frozen=True, slots=True)
class Step:
    """A call to make; `payment_id` None: a payment that is yet to be made."""

    kind: CallKind
    payment_id: CardPaymentId | None
    amount_minor: int


def plan_collection(reserved: Sequence[tuple[CardPaymentId, int]], due_minor: int) -> list[Step]:
    """By the second table above; `reserved` is what stands AUTHORISED, oldest first."""
    steps: list[Step] = []
    left = due_minor
    for payment_id, amount_minor in reserved:
        taken = min(amount_minor, left)
        if taken:
            steps.append(Step(CallKind.CAPTURE, payment_id, taken))
        else:
            steps.append(Step(CallKind.RELEASE, payment_id, amount_minor))
        left -= taken
    if left:
        steps.append(Step(CallKind.CHARGE, None, left))
    return steps


# A provider ends its own work on a request within minutes; what it has not seen by then it never will.
GIVE_UP_S: Final = 15 * 60.0


def when_not_seen(call: CardCall, age_s: float) -> Answer | Literal["SEND", "WAIT"]:
    """What to do about a call that the provider has not seen.

    A reservation is for a ride that starts now: nobody wants it later, so it is never sent again, and as long as the
    first request may still arrive it stays open. Everything else is still wanted.
    """
    if call.kind is not CallKind.AUTHORISE:
        return "SEND"
    return "WAIT" if age_s < GIVE_UP_S else Answer(outcome="REFUSED", code=RefusalCode.NOT_SENT)
