"""Make stored calls to the provider, after the commit that decided them."""

from collections.abc import Sequence

from isotope.domain.payments.cards import Cards
from isotope.domain.payments.model import CardCall
from isotope.domain.payments.usecases.carry_out import carry_out
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime


async def carry_out_all(rt: Runtime, cards: Cards, operator: Operator, calls: Sequence[CardCall]) -> None:
    """One after the other. What stays unclear is the worker's."""
    if cards.are_taken:
        for call in calls:
            await carry_out(rt, cards, operator, call)
