"""The provider that the settings name."""

from isotope.adapters.cards.sandbox import SandboxCards
from isotope.domain.payments.ports import CardProvider
from isotope.infra.config import Config, ConfigError, card_provider_of


def make_card_provider(config: Config) -> CardProvider | None:
    """None: riders pay from their wallets alone.

    Raises:
        ConfigError: what the provider needs is not set.
    """
    if card_provider_of(config) == "sandbox":
        return _sandbox(config)
    return None


def _sandbox(config: Config) -> SandboxCards | None:
    if not config.sandbox_cards_url:
        if config.cards == "sandbox":
            raise ConfigError(
                "ISOTOPE_SANDBOX_CARDS_URL: empty, and no test provider runs on the data folder; "
                "start one with `isotope up` or `isotope sandbox-cards`"
            )
        return None
    return SandboxCards(
        url=config.sandbox_cards_url,
        key=config.sandbox_cards_key,
        webhook_secret=config.sandbox_webhook_secret,
    )
