"""Cards at Stripe."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog
from stripe import RequestOptions
from stripe.params import PaymentIntentCreateParams
from stripe.params.checkout import SessionCreateParams

from isotope.adapters.cards.stripe import events, finding, movements
from isotope.adapters.cards.stripe.amounts import AmountNotPossible, to_stripe
from isotope.adapters.cards.stripe.answers import (
    capture_answer,
    dispute_answer,
    payment_answer,
    refund_answer,
    refused,
    release_answer,
    setup_answer,
)
from isotope.adapters.cards.stripe.codes import refusal_of_card, refusal_of_request
from isotope.adapters.cards.stripe.languages import page_language
from isotope.adapters.cards.stripe.line import Line, StripeSaysNo
from isotope.adapters.cards.stripe.shapes import (
    CALL,
    CAPTURE_CALL,
    OPERATOR,
    RIDER,
    Dispute,
    Intent,
    Named,
    PaymentMethod,
    Refund,
    Session,
    StartedSession,
)
from isotope.domain.payments.model import (
    Answer,
    CallKind,
    CardEvent,
    DisputeFound,
    Merchant,
    Movement,
    RefusalCode,
)
from isotope.domain.payments.ports import (
    CardsUnclear,
    ChargeCard,
    FindCall,
    OnPayment,
    SetupFound,
    SetupStarted,
    StartSetup,
)

_log = structlog.get_logger(__name__)

BASE_URL: Final = "https://api.stripe.com"
# The port promises an answer within 10 s.
TIMEOUT_S: Final = 8.0


class StripeCards:
    """Implements `CardProvider`.

    A payment is a payment intent with manual capture, or an automatic one for a charge. Saving a card is a Checkout
    session on Stripe's own pages: no number of a card ever comes near this process. Every request that changes
    something bears the call's key twice: as idempotency key, which Stripe keeps for a day, and in the metadata of what
    it makes, which stays and is what `find_call` goes by.

    Amounts that Stripe cannot move (`amounts`) are refused with `processing_error`; nothing is rounded.

    Args:
        secret_key: of the installation's Stripe account, best a restricted one (docs/operate/cards.md).
        webhook_secrets: of the endpoint; several while one is being replaced.
        base_url: Stripe's, or that of a server that speaks its API.
        timeout_s: the longest that one method may take; for `list_movements` one page.
    """

    def __init__(
        self,
        *,
        secret_key: str,
        webhook_secrets: Sequence[str],
        base_url: str = BASE_URL,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._line = Line(secret_key=secret_key, base_url=base_url, timeout_s=timeout_s)
        self._webhook_secrets = tuple(secret for secret in webhook_secrets if secret)

    @property
    def name(self) -> str:
        return "stripe"

    async def start_setup(self, what: StartSetup) -> SetupStarted:
        """A customer that Stripe has lost (deleted in the dashboard) gets a successor."""
        async with self._line.asking():
            try:
                customer = what.customer_ref or await self._make_customer(what)
                try:
                    session = await self._open_session(what, customer, what.key)
                except StripeSaysNo as no:
                    if what.customer_ref is None or not no.missing or no.param != "customer":
                        raise
                    customer = await self._make_customer(what)
                    session = await self._open_session(what, customer, f"{what.key}:again")
            except StripeSaysNo as no:
                raise _unclear(no) from None
        return SetupStarted(setup_ref=session.id, redirect_url=session.url)

    async def find_setup(self, merchant: Merchant, setup_ref: str) -> SetupFound:
        async with self._line.asking():
            question = self._line.v1.checkout.sessions.retrieve_async(
                setup_ref, {"expand": ["setup_intent.payment_method"]}, _options(merchant)
            )
            try:
                return setup_answer(await self._line.ask(question, Session))
            except StripeSaysNo as no:
                if no.missing:
                    return SetupFound(status="FAILED", code=RefusalCode.NOT_POSSIBLE)
                raise _unclear(no) from None

    async def charge(self, what: ChargeCard) -> Answer:
        """An intent that needs the rider while nobody is there is refused by Stripe itself; it stays unconfirmed."""
        try:
            amount = to_stripe(what.amount_minor, what.currency)
        except AmountNotPossible:
            return _not_expressible(what.currency)
        params: PaymentIntentCreateParams = {
            "amount": amount,
            "currency": what.currency.lower(),
            "customer": what.customer_ref,
            "payment_method": what.card_ref,
            "allowed_payment_method_types": ["card"],
            "capture_method": "automatic" if what.capture else "manual",
            "confirm": True,
            "metadata": {CALL: what.key, OPERATOR: str(what.merchant.operator_id)},
        }
        if what.description:
            params["description"] = what.description
        if what.on_session:
            params["return_url"] = what.return_url
        else:
            params["off_session"] = True
        async with self._line.asking():
            question = self._line.v1.payment_intents.create_async(params, _options(what.merchant, what.key))
            try:
                answer = payment_answer(await self._line.ask(question, Intent), what.currency, capture=what.capture)
            except StripeSaysNo as no:
                if no.kind == "card":
                    return refused(refusal_of_card(no.code, no.decline_code), no.ref)
                if not await self._is_kept(what.merchant, what.card_ref, what.customer_ref):
                    return refused(RefusalCode.CARD_UNKNOWN)
                return refused(refusal_of_request("card", no.code, no.param), no.ref)
        if answer.outcome == "ACTION_REQUIRED" and not what.on_session:
            return refused(RefusalCode.AUTHENTICATION_REQUIRED, answer.ref)
        return answer

    async def capture(self, what: OnPayment) -> Answer:
        try:
            amount = to_stripe(what.amount_minor, what.currency)
        except AmountNotPossible:
            return _not_expressible(what.currency)
        async with self._line.asking():
            question = self._line.v1.payment_intents.capture_async(
                what.payment_ref,
                {"amount_to_capture": amount, "metadata": {CAPTURE_CALL: what.key}},
                _options(what.merchant, what.key),
            )
            try:
                captured = await self._line.ask(question, Intent)
            except StripeSaysNo as no:
                found = await self._intent(what.merchant, what.payment_ref)
                if no.kind == "card" or found is None or found.status == "requires_capture":
                    return _refused_payment(no)
                # A day later Stripe has forgotten the key, and says no to what it did itself.
                if found.marked(CAPTURE_CALL) != what.key:
                    return refused(RefusalCode.NOT_POSSIBLE, found.id)
                captured = found
            answer = capture_answer(captured, what.currency, amount)
        if answer is None:
            raise CardsUnclear("Stripe took the capture and shows none")
        return answer

    async def release(self, what: OnPayment) -> Answer:
        options = _options(what.merchant, what.key)
        async with self._line.asking():
            question = self._line.v1.payment_intents.cancel_async(what.payment_ref, {}, options)
            try:
                released = await self._line.ask(question, Intent)
            except StripeSaysNo as no:
                # It may have lapsed or been let go before: its state says it.
                found = await self._intent(what.merchant, what.payment_ref)
                answer = None if found is None else release_answer(found, what.currency)
                return answer or _refused_payment(no)
            return release_answer(released, what.currency) or _still_reserved()

    async def refund(self, what: OnPayment) -> Answer:
        try:
            amount = to_stripe(what.amount_minor, what.currency)
        except AmountNotPossible:
            return _not_expressible(what.currency)
        async with self._line.asking():
            question = self._line.v1.refunds.create_async(
                {
                    "payment_intent": what.payment_ref,
                    "amount": amount,
                    "metadata": {CALL: what.key, OPERATOR: str(what.merchant.operator_id)},
                },
                _options(what.merchant, what.key),
            )
            try:
                return refund_answer(await self._line.ask(question, Refund), what.currency)
            except StripeSaysNo as no:
                return _refused_payment(no)

    async def find_call(self, what: FindCall) -> Answer | None:
        """Lists are up to date at once; Stripe's search is not, so it is not used."""
        async with self._line.asking():
            try:
                return await self._find(what)
            except StripeSaysNo as no:
                raise _unclear(no) from None

    async def _find(self, what: FindCall) -> Answer | None:
        if what.kind in {CallKind.AUTHORISE, CallKind.CHARGE}:
            intent = await finding.find_intent(self._line, _options(what.merchant), what)
            capture = what.kind is CallKind.CHARGE
            return None if intent is None else payment_answer(intent, what.currency, capture=capture)
        if what.payment_ref is None:
            raise CardsUnclear(f"{what.kind} of no payment")
        if what.kind is CallKind.REFUND:
            refund = await finding.find_refund(self._line, _options(what.merchant), what.payment_ref, what.key)
            return None if refund is None else refund_answer(refund, what.currency)
        found = await self._intent(what.merchant, what.payment_ref)
        if found is None:
            return refused(RefusalCode.NOT_POSSIBLE)
        if what.kind is CallKind.RELEASE:
            return release_answer(found, what.currency)
        return capture_answer(found, what.currency, to_stripe(what.amount_minor, what.currency))

    async def forget_card(self, merchant: Merchant, customer_ref: str, card_ref: str) -> None:
        async with self._line.asking():
            question = self._line.v1.payment_methods.detach_async(card_ref, {}, _options(merchant))
            try:
                await self._line.ask(question, Named)
            except StripeSaysNo as no:
                if await self._is_kept(merchant, card_ref, customer_ref):
                    raise _unclear(no) from None

    async def find_dispute(self, merchant: Merchant, dispute_ref: str) -> DisputeFound | None:
        async with self._line.asking():
            question = self._line.v1.disputes.retrieve_async(dispute_ref, {}, _options(merchant))
            try:
                return dispute_answer(await self._line.ask(question, Dispute))
            except StripeSaysNo as no:
                if no.missing:
                    return None
                raise _unclear(no) from None

    def list_movements(self, merchant: Merchant, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        return movements.list_movements(self._line, _options(merchant), merchant, since, until)

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> CardEvent:
        return events.read_event(headers, body, now, self._webhook_secrets)

    async def _make_customer(self, what: StartSetup) -> str:
        options = _options(what.merchant, f"{what.key}:customer")
        made = self._line.v1.customers.create_async({"metadata": _marks(what)}, options)
        return (await self._line.ask(made, Named)).id

    async def _open_session(self, what: StartSetup, customer: str, key: str) -> StartedSession:
        params: SessionCreateParams = {
            "mode": "setup",
            "customer": customer,
            "allowed_payment_method_types": ["card"],
            "success_url": what.return_url,
            "cancel_url": what.cancel_url,
            "locale": page_language(what.language),
            "metadata": _marks(what),
            "setup_intent_data": {"metadata": _marks(what)},
        }
        opened = self._line.v1.checkout.sessions.create_async(params, _options(what.merchant, key))
        return await self._line.ask(opened, StartedSession)

    async def _intent(self, merchant: Merchant, payment_ref: str) -> Intent | None:
        question = self._line.v1.payment_intents.retrieve_async(payment_ref, {}, _options(merchant))
        try:
            return await self._line.ask(question, Intent)
        except StripeSaysNo as no:
            if no.missing:
                return None
            raise _unclear(no) from None

    async def _is_kept(self, merchant: Merchant, card_ref: str, customer_ref: str) -> bool:
        """Whether the card is still the customer's: of one that is not, Stripe says no in several ways."""
        question = self._line.v1.payment_methods.retrieve_async(card_ref, {}, _options(merchant))
        try:
            return (await self._line.ask(question, PaymentMethod)).customer == customer_ref
        except StripeSaysNo as no:
            if no.missing:
                return False
            raise _unclear(no) from None


def _options(merchant: Merchant, key: str | None = None) -> RequestOptions:
    options: RequestOptions = {}
    if merchant.account:
        options["stripe_account"] = merchant.account
    if key is not None:
        options["idempotency_key"] = key
    return options


def _marks(what: StartSetup) -> dict[str, str]:
    return {OPERATOR: str(what.merchant.operator_id), RIDER: str(what.rider_id), CALL: what.key}


def _unclear(no: StripeSaysNo) -> CardsUnclear:
    """For what the port has no refusal for: the call or the settings must be put right, then it goes on."""
    _log.error("stripe.not_understood", code=no.code, param=no.param)
    return CardsUnclear(f"Stripe does not understand the request (code {no.code}, param {no.param})")


def _refused_payment(no: StripeSaysNo) -> Answer:
    if no.kind == "card":
        return refused(refusal_of_card(no.code, no.decline_code))
    if no.missing:
        return refused(RefusalCode.NOT_POSSIBLE)
    return refused(refusal_of_request("payment", no.code, no.param))


def _still_reserved() -> Answer:
    raise CardsUnclear("Stripe took the release and shows none")


def _not_expressible(currency: str) -> Answer:
    _log.warning("stripe.amount_not_possible", currency=currency)
    return refused(RefusalCode.OTHER)
