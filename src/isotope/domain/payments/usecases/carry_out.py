"""Make a stored call to the provider, outside any transaction, and write down the answer."""

from typing import Final

import structlog

from isotope.domain.payments import queries
from isotope.domain.payments.cards import Cards, merchant_of
from isotope.domain.payments.model import Answer, CallKind, CallStatus, Card, CardCall, CardPayment, RefusalCode
from isotope.domain.payments.ports import CardProvider, CardsUnclear, ChargeCard, OnPayment
from isotope.domain.payments.usecases.record_answer import record_alone
from isotope.domain.tenants.model import Operator
from isotope.infra.metrics import CARD_CALLS
from isotope.infra.runtime import Runtime

_log = structlog.get_logger(__name__)

# An outcome beside those of an `Answer`, for metrics.
UNCLEAR: Final = "UNCLEAR"


async def carry_out(rt: Runtime, cards: Cards, operator: Operator, call: CardCall) -> Answer | None:
    """What the provider answered, written down; None when nobody knows: the worker finds out.

    Safe to repeat, also at the same time: the provider knows the call by its key, and an answer is recorded once.
    """
    async with rt.db.read() as tx:
        stored = await queries.get_call(tx, operator.id, call.id)
        payment, card = await queries.get_call_with_card(tx, call)
    if stored.status is not CallStatus.OPEN:
        return None
    provider = cards.get_provider()
    if card.provider != provider.name:
        # Cards of a provider that this installation has left cannot be asked any more.
        answer = Answer(outcome="REFUSED", code=RefusalCode.CARD_UNKNOWN)
    else:
        try:
            answer = await send(provider, operator, call, payment, card)
        except CardsUnclear as error:
            CARD_CALLS.labels(call.kind.value, UNCLEAR).inc()
            _log.warning("cards.unclear", call=call.id, kind=call.kind, reason=error.reason)
            return None
    await record(rt, cards, operator, call, payment, answer)
    return answer


async def record(
    rt: Runtime, cards: Cards, operator: Operator, call: CardCall, payment: CardPayment, answer: Answer
) -> None:
    """Write an answer down where it belongs."""
    recorder = cards.recorders.get(payment.purpose, record_alone)
    await recorder(rt, operator, call, answer)
    CARD_CALLS.labels(call.kind.value, answer.outcome).inc()
    _log.info("cards.answered", call=call.id, kind=call.kind, outcome=answer.outcome, code=answer.code)


async def send(provider: CardProvider, operator: Operator, call: CardCall, payment: CardPayment, card: Card) -> Answer:
    """One call. Everything in it is stored, so that a repetition says the same.

    Raises:
        CardsUnclear: as the port says.
    """
    merchant = merchant_of(operator)
    if call.kind in (CallKind.AUTHORISE, CallKind.CHARGE):
        return await provider.charge(
            ChargeCard(
                merchant=merchant,
                key=call.key,
                customer_ref=card.customer_ref,
                card_ref=card.card_ref,
                amount_minor=call.amount_minor,
                currency=payment.currency,
                capture=call.kind is CallKind.CHARGE,
                on_session=payment.on_session,
                return_url=payment.return_url,
                description=payment.cause.partition(":")[0],
            )
        )
    what = OnPayment(
        merchant=merchant,
        key=call.key,
        payment_ref=payment.provider_ref or "",
        amount_minor=call.amount_minor,
        currency=payment.currency,
    )
    match call.kind:
        case CallKind.CAPTURE:
            return await provider.capture(what)
        case CallKind.RELEASE:
            return await provider.release(what)
        case _:
            return await provider.refund(what)
