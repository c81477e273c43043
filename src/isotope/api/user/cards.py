"""With what a rider pays: the wallet, saved cards, and in a taxi cash."""

from typing import Any, Final

from isotope.api.money_types import (
    AddPaymentMethodRequest,
    CardSetup,
    ChoosePaymentMethodRequest,
    RemovePaymentMethodRequest,
)
from isotope.api.operation import Auth, Call, operation
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.api.user_types import Message, PaymentMethod, PaymentMethods, PaymentMethodsRequest
from isotope.domain import payments, wallet
from isotope.kernel.errors import Kind
from isotope.kernel.money import to_decimal

_NO_CARD: Final = (Kind.NOT_FOUND, "card_not_found")
_WALLET: Final = {
    "payment_method_id": "wallet",
    "type": "WALLET",
    "title": "Wallet",
    "is_selected": False,
    "balance": 18.5,
    "bonus": 2.0,
    "currency_code": "EUR",
    "brand": None,
    "last4": None,
    "expiry_month": None,
    "expiry_year": None,
    "is_expired": None,
}
_CARD: Final = {
    "payment_method_id": "card_12",
    "type": "CARD",
    "title": "Visa •••• 4242",
    "is_selected": True,
    "balance": None,
    "bonus": None,
    "currency_code": "EUR",
    "brand": "Visa",
    "last4": "4242",
    "expiry_month": 12,
    "expiry_year": 2031,
    "is_expired": False,
}


@operation(
    id="get_user_payment_methods",
    tag=TAG,
    title="Get user payment methods",
    method="POST",
    path=f"{BASE}/get-user-payment-methods",
    auth=Auth.PUBLIC_AND_CALLER,
    request=PaymentMethodsRequest,
    response=PaymentMethods,
    refusals=(NO_RIDER,),
    request_example={"flow": "SHARING"},
    response_example={"payment_methods": [_CARD, _WALLET]},
)
async def get_user_payment_methods(call: Call[PaymentMethodsRequest]) -> PaymentMethods:
    """With what the rider can pay for a ride, a taxi trip or a rental; the selected one first.

    Bonus and balance of the wallet are spent first whatever is selected; a selected card pays what they do not cover.
    """
    return await _list(call, wallet.Flow(call.body.flow))


@operation(
    id="add_payment_method",
    tag=TAG,
    title="Add payment method",
    method="POST",
    path=f"{BASE}/add-payment-method",
    auth=Auth.PUBLIC_AND_CALLER,
    request=AddPaymentMethodRequest,
    response=CardSetup,
    refusals=(
        NO_RIDER,
        (Kind.CONFLICT, "cards_unavailable"),
        (Kind.CONFLICT, "too_many_cards"),
        (Kind.UNAVAILABLE, "card_page_unavailable"),
    ),
    response_example={
        "setup_id": 3,
        "redirect_url": "https://cards.example/setup/4fzyo82m",
        "expires_at": 1_780_003_600,
    },
    idempotent=True,
)
async def add_payment_method(call: Call[AddPaymentMethodRequest]) -> CardSetup:
    """Begin to save a card: open `redirect_url` in a browser, where the card provider asks for it.

    No card number ever comes here. When the rider is back, the card stands in `get-user-payment-methods`; a rider's
    first card is selected for everything. A page works for an hour.
    """
    setup, redirect_url = await payments.start_card_setup(
        call.services.rt,
        call.services.cards,
        payments.StartCardSetup(
            operator=call.operator,
            rider_id=call.rider_id(),
            language=call.languages[0],
            return_url=call.body.return_url,
        ),
    )
    return CardSetup(setup_id=setup.id, redirect_url=redirect_url, expires_at=int(setup.expires_at.timestamp()))


@operation(
    id="choose_payment_method",
    tag=TAG,
    title="Choose payment method",
    method="POST",
    path=f"{BASE}/choose-payment-method",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ChoosePaymentMethodRequest,
    response=PaymentMethods,
    refusals=(NO_RIDER, _NO_CARD, (Kind.CONFLICT, "unknown_payment_method")),
    request_example={"flow": "SHARING", "payment_method_id": "wallet"},
    response_example={"payment_methods": [_CARD, _WALLET]},
)
async def choose_payment_method(call: Call[ChoosePaymentMethodRequest]) -> PaymentMethods:
    """What pays for rides, taxi trips or rentals from now on. Rides that run keep what they were started with.

    `cash` is for `TAXI` only. Answers as `get-user-payment-methods`.
    """
    flow = wallet.Flow(call.body.flow)
    await payments.choose_payment_method(
        call.services.rt,
        payments.ChoosePaymentMethod(
            operator_id=call.operator.id,
            rider_id=call.rider_id(),
            flow=flow,
            method_id=call.body.payment_method_id,
        ),
    )
    return await _list(call, flow)


@operation(
    id="remove_payment_method",
    tag=TAG,
    title="Remove payment method",
    method="POST",
    path=f"{BASE}/remove-payment-method",
    auth=Auth.PUBLIC_AND_CALLER,
    request=RemovePaymentMethodRequest,
    response=Message,
    refusals=(NO_RIDER, _NO_CARD, (Kind.CONFLICT, "payment_method_in_use")),
    request_example={"payment_method_id": "card_12"},
    response_example={"message": "The card was removed."},
)
async def remove_payment_method(call: Call[RemovePaymentMethodRequest]) -> Message:
    """Forget a card, here and at the card provider. Not one that a running ride or payment needs.

    What was paid with it pays from the wallet until another is chosen. Removing it again is answered the same.
    """
    await payments.remove_card(
        call.services.rt,
        call.services.card_holds,
        payments.RemoveCard(
            operator_id=call.operator.id, rider_id=call.rider_id(), method_id=call.body.payment_method_id
        ),
    )
    return Message(message=call.text("card_removed"))


async def _list(call: Call[Any], flow: wallet.Flow) -> PaymentMethods:
    methods = await payments.read_payment_methods(
        call.services.rt, call.services.cards, call.operator, call.rider_id(), flow
    )
    return PaymentMethods(payment_methods=[payment_method(call, method) for method in methods])


def payment_method(call: Call[Any], method: payments.PaymentMethod) -> PaymentMethod:
    """As it is shown here and in `selected_payment_method`."""
    card = method.card
    return PaymentMethod(
        payment_method_id=method.id,
        type=method.kind,
        title=call.text(f"payment_method_{method.id}") if card is None else f"{card.brand} •••• {card.last4}",
        is_selected=method.is_selected,
        balance=None if method.balance_minor is None else to_decimal(method.balance_minor, method.currency),
        bonus=None if method.bonus_minor is None else to_decimal(method.bonus_minor, method.currency),
        currency_code=method.currency,
        brand=None if card is None else card.brand,
        last4=None if card is None else card.last4,
        expiry_month=None if card is None else card.exp_month,
        expiry_year=None if card is None else card.exp_year,
        is_expired=method.is_expired,
    )
