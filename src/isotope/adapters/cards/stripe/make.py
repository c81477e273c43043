"""Stripe as the settings describe it."""

from isotope.adapters.cards.stripe.provider import StripeCards
from isotope.infra.config import Config, ConfigError


def make_stripe_cards(config: Config) -> StripeCards:
    """The provider; several webhook secrets stand with commas between them.

    Raises:
        ConfigError: without a key nothing can be charged, and without a secret no webhook can be believed.
    """
    secrets = [secret for part in config.stripe_webhook_secret.split(",") if (secret := part.strip())]
    missing = [
        name
        for name, given in (
            ("ISOTOPE_STRIPE_SECRET_KEY", config.stripe_secret_key),
            ("ISOTOPE_STRIPE_WEBHOOK_SECRET", secrets),
        )
        if not given
    ]
    if missing:
        raise ConfigError("\n".join(f"{name}: empty, but ISOTOPE_CARDS is stripe" for name in missing))
    return StripeCards(secret_key=config.stripe_secret_key, webhook_secrets=secrets, base_url=config.stripe_url)
