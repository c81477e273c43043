"""Card providers: Stripe, and a stand-in that needs no account. Both implement `payments.ports.CardProvider`."""

from isotope.adapters.cards.make import make_card_provider
from isotope.adapters.cards.sandbox import SandboxCards

__all__ = ["SandboxCards", "make_card_provider"]
