"""The card provider of this installation, and what its answers do above this room."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from isotope.domain.payments import errors
from isotope.domain.payments.model import Answer, CardCall, Merchant, Purpose
from isotope.domain.payments.ports import CardProvider
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime

# Writes down what the provider answered, in a transaction of its own. Safe to run twice.
Recorder = Callable[[Runtime, Operator, CardCall, Answer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Cards:
    """What use cases are given to move money by card.

    Attributes:
        provider: None where the installation takes no cards.
        recorders: who writes down answers about payments of a purpose, if not this room alone.
        public_url: where browsers and the provider reach the API, without a slash at the end.
    """

    provider: CardProvider | None = None
    recorders: Mapping[Purpose, Recorder] = field(default_factory=dict)
    public_url: str = ""

    @property
    def are_taken(self) -> bool:
        """Whether cards can be saved and used here."""
        return self.provider is not None

    @property
    def provider_name(self) -> str | None:
        """The provider that is in use; None: cards are not taken."""
        return None if self.provider is None else self.provider.name

    @property
    def done_url(self) -> str:
        """Where a rider ends who confirmed a payment at their bank: a page of ours that says so."""
        return f"{self.public_url}/cards/done"

    def get_provider(self) -> CardProvider:
        """The provider.

        Raises:
            Refusal: `cards_unavailable`.
        """
        if self.provider is None:
            raise errors.cards_unavailable()
        return self.provider


NO_CARDS = Cards()


def merchant_of(operator: Operator) -> Merchant:
    """Whose money it is at the provider."""
    return Merchant(operator_id=operator.id, account=operator.settings.payments.provider_account)
