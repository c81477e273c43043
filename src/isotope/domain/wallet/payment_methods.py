"""With what a rider can pay."""

from isotope.domain.wallet.model import Flow, PaymentMethod, Standing


def list_payment_methods(standing: Standing, flow: Flow) -> list[PaymentMethod]:
    """The wallet, which pays for everything and is the one that is used; cash in a taxi.

    Their titles are the texts `payment_method_<id>`.
    """
    methods = [
        PaymentMethod(
            id="wallet",
            kind="WALLET",
            currency=standing.currency,
            is_selected=True,
            balance_minor=standing.balance_minor,
            bonus_minor=standing.bonus_minor,
            debt_minor=standing.debt_minor,
        )
    ]
    if flow is Flow.TAXI:
        methods.append(
            PaymentMethod(
                id="cash",
                kind="CASH",
                currency=standing.currency,
                is_selected=False,
            )
        )
    return methods
