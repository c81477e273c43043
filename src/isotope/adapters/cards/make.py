"""The provider that the settings name."""

from isotope.adapters.cards.sandbox import SandboxCards
from isotope.domain.payments.ports import CardProvider
from isotope.infra.config import Config, ConfigError, card_provider_of


def make_card_provider(config: Config) -> CardProvider | None:
    """None: riders pay from their wallets alone.

    Raises:
        ConfigError: what the provider needs is not set.
    """
    name = card_provider_of(config)
    if name == "sandbox":
        return _sandbox(config)
    return _stripe(config) if name == "stripe" else None


def _sandbox(config: Config) -> SandboxCards | None:
    if config.mode == "production":
        raise ConfigError("ISOTOPE_CARDS: sandbox takes no money, so production refuses it; set stripe or none")
    if not config.sandbox_cards_url:
        if config.cards == "sandbox":
            raise ConfigError(
                "ISOTOPE_SANDBOX_CARDS_URL: empty, and no test provider has run on the data folder; "
                "start one with `isotope up` or `isotope sandbox-cards`"
            )
        return None
    return SandboxCards(
        url=config.sandbox_cards_url,
        key=config.sandbox_cards_key,
        webhook_secret=config.sandbox_webhook_secret,
    )


def _stripe(config: Config) -> CardProvider:
    missing = [
        f"ISOTOPE_{name.upper()}: empty, and cards are paid through Stripe"
        for name in ("stripe_secret_key", "stripe_webhook_secret")
        if not getattr(config, name)
    ]
    if missing:
        raise ConfigError("\n".join(missing))
    # Its SDK is heavy, and whoever has another provider does not need it.
    from isotope.adapters.cards.stripe import StripeCards  # noqa: PLC0415

    return StripeCards(
        secret_key=config.stripe_secret_key,
        webhook_secrets=[secret.strip() for secret in config.stripe_webhook_secret.split(",")],
        base_url=config.stripe_url,
    )
