"""What the state of something at Stripe means for a call of ours. Pure."""

from typing import Final

from isotope.adapters.cards.stripe.amounts import from_stripe
from isotope.adapters.cards.stripe.codes import refusal_of_card
from isotope.adapters.cards.stripe.shapes import Dispute, Intent, Refund, Session
from isotope.domain.payments.model import Answer, DisputeFound, DisputeStatus, RefusalCode, SavedCard
from isotope.domain.payments.ports import CardsUnclear, SetupFound

_NOT_POSSIBLE: Final = RefusalCode.NOT_POSSIBLE.value
# An appeal follows on a loss: the money is away, and may come back.
_DISPUTES: Final = {
    "appeal_needs_response": DisputeStatus.OPEN,
    "appeal_under_review": DisputeStatus.OPEN,
    "needs_response": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}


def payment_answer(intent: Intent, currency: str, *, capture: bool) -> Answer:
    """A charge (`capture`) or an authorisation, which is answered with what was reserved even when that was taken since.

    | status | answer |
    |---|---|
    | requires_capture | DONE: reserved |
    | succeeded | DONE: taken, or reserved then |
    | requires_action | ACTION_REQUIRED with its address; without one nobody can act: REFUSED |
    | requires_payment_method | REFUSED by the last error |
    | canceled | REFUSED, not possible: it lapsed or was let go |
    | processing, requires_confirmation | nobody knows yet |

    Raises:
        CardsUnclear: see the last line.
    """
    match intent.status:
        case "succeeded" if capture:
            return _taken(intent, currency, intent.amount)
        case "requires_capture" | "succeeded":
            return Answer(outcome="DONE", ref=intent.id, amount_minor=from_stripe(intent.amount, currency))
        case "requires_action":
            redirect = None if intent.next_action is None else intent.next_action.redirect_to_url
            if redirect is None or redirect.url is None:
                return refused(RefusalCode.AUTHENTICATION_REQUIRED, intent.id)
            return Answer(outcome="ACTION_REQUIRED", ref=intent.id, redirect_url=redirect.url)
        case "requires_payment_method":
            error = intent.last_payment_error
            code = RefusalCode.OTHER if error is None else refusal_of_card(error.code, error.decline_code)
            return refused(code, intent.id)
        case "canceled":
            return refused(RefusalCode.NOT_POSSIBLE, intent.id)
        case other:
            raise CardsUnclear(f"the payment is {other} at Stripe")


def capture_answer(intent: Intent, currency: str, asked: int) -> Answer | None:
    """A capture of `asked` (Stripe's unit). None: it has not been done.

    Raises:
        CardsUnclear: Stripe is at it.
    """
    match intent.status:
        case "succeeded":
            return _taken(intent, currency, asked)
        case "requires_capture":
            return None
        case "processing":
            raise CardsUnclear("the payment is processing at Stripe")
        case _:
            return refused(RefusalCode.NOT_POSSIBLE, intent.id)


def release_answer(intent: Intent, currency: str) -> Answer | None:
    """A release. None: it has not been done.

    A payment that failed reserves nothing: there is nothing left to let go.

    Raises:
        CardsUnclear: Stripe is at it.
    """
    match intent.status:
        case "canceled" | "requires_payment_method":
            return Answer(outcome="DONE", ref=intent.id, amount_minor=from_stripe(intent.amount, currency))
        case "succeeded":
            return refused(RefusalCode.NOT_POSSIBLE, intent.id)
        case "processing":
            raise CardsUnclear("the payment is processing at Stripe")
        case _:
            return None


def refund_answer(refund: Refund, currency: str) -> Answer:
    """A refund.

    A pending one (Stripe waits for the account's balance) is neither done nor refused: no money has moved, and it may
    fail yet. It is asked for again until it is decided.

    Raises:
        CardsUnclear: it is pending.
    """
    match refund.status:
        case "succeeded":
            return Answer(outcome="DONE", ref=refund.id, amount_minor=from_stripe(refund.amount, currency))
        case "failed":
            return refused(RefusalCode.OTHER, refund.id)
        case "canceled":
            return refused(RefusalCode.NOT_POSSIBLE, refund.id)
        case other:
            raise CardsUnclear(f"the refund is {other} at Stripe")


def setup_answer(session: Session) -> SetupFound:
    """A rider's visit to the page. One that was declined there may try another card: the session stays open."""
    setup = session.setup_intent
    under_way = setup is not None and setup.status in {"processing", "requires_action"}
    if session.status == "open" or (under_way and session.status == "complete"):
        return SetupFound(status="PENDING")
    method = None if setup is None else setup.payment_method
    if setup is None or setup.status != "succeeded" or method is None or method.card is None:
        error = None if setup is None else setup.last_setup_error
        code = RefusalCode.NOT_POSSIBLE if error is None else refusal_of_card(error.code, error.decline_code)
        return SetupFound(status="FAILED", code=code)
    card = SavedCard(
        customer_ref=method.customer or session.customer or "",
        card_ref=method.id,
        brand=method.card.brand,
        last4=method.card.last4,
        exp_month=method.card.exp_month,
        exp_year=method.card.exp_year,
    )
    return SetupFound(status="DONE", card=card)


def dispute_answer(dispute: Dispute) -> DisputeFound | None:
    """A dispute. None where no money moved: an inquiry (`warning_...`), one that was prevented, no payment of ours."""
    status = _DISPUTES.get(dispute.status)
    if status is None or dispute.payment_intent is None:
        return None
    currency = dispute.currency.upper()
    return DisputeFound(
        ref=dispute.id,
        payment_ref=dispute.payment_intent,
        status=status,
        amount_minor=from_stripe(dispute.amount, currency),
        currency=currency,
    )


def refused(code: RefusalCode, ref: str | None = None) -> Answer:
    return Answer(outcome="REFUSED", code=code.value, ref=ref)


def _taken(intent: Intent, currency: str, otherwise: int) -> Answer:
    taken = otherwise if intent.amount_received is None else intent.amount_received
    return Answer(outcome="DONE", ref=intent.id, amount_minor=from_stripe(taken, currency))
