"""Find out what became of calls that nobody recorded: the process died, or the provider did not answer."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from isotope.domain.payments import queries, store
from isotope.domain.payments.cards import Cards, merchant_of
from isotope.domain.payments.model import Answer, CallStatus, CardCall, CardPayment, PaymentStatus, RefusalCode
from isotope.domain.payments.ports import CardProvider, CardsUnclear, FindCall, OnPayment
from isotope.domain.payments.rules import when_not_seen
from isotope.domain.payments.usecases.carry_out import UNCLEAR, record, send
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.infra.metrics import CARD_CALLS, CARD_CALLS_OPEN
from isotope.infra.runtime import Runtime

_log = structlog.get_logger(__name__)

BATCH: Final = 50
AT_ONCE: Final = 8
# How long a rider may take to confirm a payment at their bank.
ACTION_LIFE: Final = timedelta(hours=1)


async def resolve_card_calls(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """How many calls were looked at. One that stays unclear comes again, ever more rarely."""
    if cards.provider is None:
        return 0
    provider = cards.provider
    async with rt.db.write() as tx:
        calls = await store.claim_due_calls(tx, rt.clock.now(), BATCH)
        CARD_CALLS_OPEN.set(await store.count_open_calls(tx))
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(call: CardCall) -> None:
        async with slots:
            try:
                await resolve_call(rt, cards, provider, await operators.get(call.operator_id), call)
            except CardsUnclear as error:
                CARD_CALLS.labels(call.kind.value, UNCLEAR).inc()
                _log.warning("cards.still_unclear", call=call.id, kind=call.kind, reason=error.reason)
            except Exception:  # noqa: BLE001 - a bug about one call must not keep the others waiting
                _log.exception("cards.resolving_failed", call=call.id, kind=call.kind)

    await asyncio.gather(*(one(call) for call in calls))
    return len(calls)


async def resolve_call(
    rt: Runtime, cards: Cards, provider: CardProvider, operator: Operator, call: CardCall
) -> Answer | None:
    """Ask the provider what became of a call and write it down; what it has not seen is sent, if it is still wanted.

    Raises:
        CardsUnclear: it does not say.
    """
    async with rt.db.read() as tx:
        stored = await queries.get_call(tx, operator.id, call.id)
        payment, card = await queries.get_call_with_card(tx, call)
    if stored.status is not CallStatus.OPEN:
        return None
    if card.provider != provider.name:
        _log.error("cards.other_provider", call=call.id, provider=card.provider)
        return None
    merchant, now = merchant_of(operator), rt.clock.now()
    found = await provider.find_call(
        FindCall(
            merchant=merchant,
            key=call.key,
            kind=call.kind,
            customer_ref=card.customer_ref,
            payment_ref=payment.provider_ref,
            amount_minor=call.amount_minor,
            currency=payment.currency,
            created_at=call.created_at,
        )
    )
    answer: Answer | None
    if found is None:
        todo = when_not_seen(call, (now - call.created_at).total_seconds())
        if todo == "WAIT":
            return None
        answer = await send(provider, operator, call, payment, card) if todo == "SEND" else todo
    elif found.outcome == "ACTION_REQUIRED":
        if now - call.created_at <= ACTION_LIFE:
            if payment.status is not PaymentStatus.ACTION_REQUIRED:
                await record(rt, cards, operator, call, payment, found)
            return found
        answer = await _withdraw(provider, operator, call, payment, found)
    else:
        answer = found
    if answer is not None:
        await record(rt, cards, operator, call, payment, answer)
    return answer


async def _withdraw(
    provider: CardProvider, operator: Operator, call: CardCall, payment: CardPayment, found: Answer
) -> Answer | None:
    """The rider never came back to confirm: the payment must not happen any more."""
    what = OnPayment(
        merchant=merchant_of(operator),
        key=f"{call.key}-release",
        payment_ref=found.ref or payment.provider_ref or "",
        amount_minor=call.amount_minor,
        currency=payment.currency,
    )
    released = await provider.release(what)
    if released.outcome != "DONE":
        return None
    return Answer(outcome="REFUSED", code=RefusalCode.AUTHENTICATION_FAILED, ref=what.payment_ref)
