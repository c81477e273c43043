"""Money that moved at Stripe, read from the account's balance transactions."""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final, TypeVar

import structlog
from stripe import RequestOptions
from stripe.params import BalanceTransactionListParams

from isotope.adapters.cards.stripe.amounts import AmountNotPossible, from_stripe
from isotope.adapters.cards.stripe.line import Line, StripeSaysNo
from isotope.adapters.cards.stripe.shapes import (
    CALL,
    CAPTURE_CALL,
    OPERATOR,
    BalanceTransaction,
    Intent,
    Named,
    Page,
    Source,
)
from isotope.domain.payments.model import Merchant, Movement, MovementKind
from isotope.domain.payments.ports import CardsUnclear

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_PAGE: Final = 100
# Source: docs.stripe.com/reports/reporting-categories. Fees, payouts and what Stripe moves for itself are not ours.
# A refund that the bank sends back days later is money that comes in again: so that the total stays Stripe's, it is
# told as captured, under its own reference.
_CAME_BACK: Final = "refund_failure"
_KINDS: Final = {
    "charge": MovementKind.CAPTURED,
    "refund": MovementKind.REFUNDED,
    _CAME_BACK: MovementKind.CAPTURED,
    "dispute": MovementKind.DISPUTED,
    "dispute_reversal": MovementKind.DISPUTE_WON,
}


async def list_movements(
    line: Line, options: RequestOptions, merchant: Merchant, since: datetime, until: datetime
) -> AsyncIterator[Movement]:
    """`since <= at < until`, oldest first, at most one page in memory.

    Stripe lists the newest first. So the last transaction before the period is looked up, and from there the list is
    read upwards. Amounts are the charge's, refund's or dispute's own, because a transaction's are converted into the
    account's currency. What does not bear this operator's mark is left out: others may use the same account.

    Raises:
        CardsUnclear: Stripe does not answer, or not so that it can be read.
    """
    period = (math.ceil(since.timestamp()), math.ceil(until.timestamp()))
    anchor = await _last_before(line, options, period[0])
    if anchor is None:
        first = await _oldest(line, options, period)
        if first is None:
            return
        anchor = first.id
        if (movement := movement_of(first, merchant)) is not None:
            yield movement
    more = True
    while more:
        page = await _page(line, options, period, {"ending_before": anchor})
        for found in reversed(page.data):
            if (movement := movement_of(found, merchant)) is not None:
                yield movement
        more = page.has_more and bool(page.data)
        anchor = page.data[0].id if page.data else anchor


def movement_of(found: BalanceTransaction, merchant: Merchant) -> Movement | None:
    """What a balance transaction is for us; None: nothing of this operator's cards."""
    kind = _KINDS.get(found.reporting_category)
    source = found.source
    if kind is None or not isinstance(source, Source) or not isinstance(source.payment_intent, Intent):
        return None
    intent = source.payment_intent
    amount = source.amount if source.amount_captured is None else source.amount_captured
    if intent.marked(OPERATOR) != str(merchant.operator_id) or amount is None or source.currency is None:
        return None
    currency = source.currency.upper()
    try:
        amount_minor = from_stripe(amount, currency)
    except AmountNotPossible:
        _log.error("stripe.movement_not_told", transaction=found.id, currency=currency)
        return None
    came_back = found.reporting_category == _CAME_BACK
    return Movement(
        kind=kind,
        ref=found.id if came_back else source.id,
        payment_ref=intent.id,
        amount_minor=amount_minor,
        currency=currency,
        at=datetime.fromtimestamp(found.created, UTC),
        call_key=None if came_back else _call_of(kind, source, intent),
    )


def _call_of(kind: MovementKind, source: Source, intent: Intent) -> str | None:
    if kind is MovementKind.REFUNDED:
        return source.marked(CALL)
    if kind is MovementKind.CAPTURED:
        return intent.marked(CAPTURE_CALL) or intent.marked(CALL)
    return None


async def _last_before(line: Line, options: RequestOptions, second: int) -> str | None:
    found = await _listed(line, options, {"created": {"lt": second}, "limit": 1}, Page[Named])
    return found.data[0].id if found.data else None


async def _oldest(line: Line, options: RequestOptions, period: tuple[int, int]) -> BalanceTransaction | None:
    """The first of a period before which there is nothing: the list is walked down once."""
    oldest: BalanceTransaction | None = None
    more = True
    while more:
        page = await _page(line, options, period, {} if oldest is None else {"starting_after": oldest.id})
        oldest = page.data[-1] if page.data else oldest
        more = page.has_more and bool(page.data)
    return oldest


async def _page(
    line: Line, options: RequestOptions, period: tuple[int, int], cursor: BalanceTransactionListParams
) -> Page[BalanceTransaction]:
    params: BalanceTransactionListParams = {
        **cursor,
        "created": {"gte": period[0], "lt": period[1]},
        "expand": ["data.source.payment_intent"],
        "limit": _PAGE,
    }
    return await _listed(line, options, params, Page[BalanceTransaction])


async def _listed(line: Line, options: RequestOptions, params: BalanceTransactionListParams, shape: type[T]) -> T:
    async with line.asking():
        try:
            return await line.ask(line.v1.balance_transactions.list_async(params, options), shape)
        except StripeSaysNo as no:
            raise CardsUnclear(f"Stripe does not list what moved (code {no.code})") from None
