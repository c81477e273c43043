"""A rider is back from their bank and wants to know: ask the provider now, not when the worker next looks."""

import structlog

from isotope.domain.payments import store
from isotope.domain.payments.cards import Cards
from isotope.domain.payments.model import CardPayment, PaymentStatus
from isotope.domain.payments.ports import CardsUnclear
from isotope.domain.payments.usecases.resolve_card_calls import resolve_call
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime

_log = structlog.get_logger(__name__)


async def ask_now(rt: Runtime, cards: Cards, operator: Operator, payment: CardPayment) -> None:
    """What became of a payment that the rider was to confirm is written down, if the provider says.

    Riders ask again and again; the provider is asked every two seconds at most.
    """
    if payment.status is not PaymentStatus.ACTION_REQUIRED or cards.provider is None:
        return
    async with rt.db.write() as tx:
        call = await store.claim_call_now(tx, operator.id, payment.id, rt.clock.now())
    if call is None:
        return
    try:
        await resolve_call(rt, cards, cards.provider, operator, call)
    except CardsUnclear as error:
        _log.warning("cards.still_unclear", call=call.id, kind=call.kind, reason=error.reason)
