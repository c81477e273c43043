"""Cards at Stripe, through its SDK."""

from isotope.adapters.cards.stripe.make import make_stripe_cards
from isotope.adapters.cards.stripe.provider import StripeCards

__all__ = ["StripeCards", "make_stripe_cards"]
