"""With what a rider can pay."""

from collections.abc import Mapping

from isotope.domain.wallet.model import Flow, PaymentMethod, Standing
from isotope.texts import FALLBACK_LANGUAGE, catalogue


def list_payment_methods(standing: Standing, flow: Flow, texts: Mapping[str, str] | None = None) -> list[PaymentMethod]:
    """The wallet, which pays for everything and is the one that is used; cash in a taxi."""
    words = catalogue(FALLBACK_LANGUAGE) if texts is None else texts
    methods = [
        PaymentMethod(
            id="wallet",
            kind="WALLET",
            title=words["payment_method_wallet"],
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
                title=words["payment_method_cash"],
                currency=standing.currency,
                is_selected=False,
            )
        )
    return methods
