"""Finding what a call made, by the key that it left in the metadata.

Stripe's lists are up to date at once; its search is not, so it is not used.
"""

from datetime import timedelta
from typing import Final

from stripe import RequestOptions
from stripe.params import PaymentIntentListParams, RefundListParams

from isotope.adapters.cards.stripe.line import Line
from isotope.adapters.cards.stripe.shapes import CALL, Intent, Page, Refund
from isotope.domain.payments.ports import CardsUnclear, FindCall

# How far Stripe's clock may be behind ours.
_CLOCKS_DIFFER: Final = timedelta(hours=1)
_PAGE: Final = 100
_PAGES: Final = 10


async def find_intent(line: Line, options: RequestOptions, what: FindCall) -> Intent | None:
    """The customer's payment that an authorisation or a charge made; None: there is none.

    Raises:
        CardsUnclear: the customer has more payments since then than are looked through.
        StripeSaysNo: it may not be listed.
    """
    params: PaymentIntentListParams = {
        "customer": what.customer_ref,
        "created": {"gte": int((what.created_at - _CLOCKS_DIFFER).timestamp())},
        "limit": _PAGE,
    }
    for _ in range(_PAGES):
        page = await line.ask(line.v1.payment_intents.list_async(params, options), Page[Intent])
        for intent in page.data:
            if intent.marked(CALL) == what.key:
                return intent
        if not page.has_more or not page.data:
            return None
        params["starting_after"] = page.data[-1].id
    raise CardsUnclear("too many payments to look through")


async def find_refund(line: Line, options: RequestOptions, payment_ref: str, key: str) -> Refund | None:
    """The refund that a call made of a payment; None: there is none. Raises as `find_intent` does."""
    params: RefundListParams = {"payment_intent": payment_ref, "limit": _PAGE}
    for _ in range(_PAGES):
        page = await line.ask(line.v1.refunds.list_async(params, options), Page[Refund])
        for refund in page.data:
            if refund.marked(CALL) == key:
                return refund
        if not page.has_more or not page.data:
            return None
        params["starting_after"] = page.data[-1].id
    raise CardsUnclear("too many refunds to look through")
