"""Which card provider the settings make."""

import pytest

from isotope.adapters.cards import SandboxCards, make_card_provider
from isotope.adapters.cards.stripe import StripeCards
from isotope.infra.config import Config, ConfigError


def test_no_provider() -> None:
    assert make_card_provider(Config()) is None
    assert make_card_provider(Config(mode="demo", cards="none")) is None
    assert make_card_provider(Config(mode="test")) is None, "none runs, and none was asked for"


def test_the_sandbox() -> None:
    made = make_card_provider(Config(mode="demo", sandbox_cards_url="http://127.0.0.1:1", sandbox_cards_key="k"))
    assert isinstance(made, SandboxCards)
    assert made.name == "sandbox"
    with pytest.raises(ConfigError, match="ISOTOPE_SANDBOX_CARDS_URL"):
        make_card_provider(Config(mode="demo", cards="sandbox"))
    with pytest.raises(ConfigError, match="production refuses"):
        make_card_provider(Config(cards="sandbox", sandbox_cards_url="http://127.0.0.1:1"))


def test_stripe() -> None:
    made = make_card_provider(Config(cards="stripe", stripe_secret_key="sk", stripe_webhook_secret="whsec_1, whsec_2"))
    assert isinstance(made, StripeCards)
    assert made.name == "stripe"
    with pytest.raises(ConfigError) as error:
        make_card_provider(Config(cards="stripe"))
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == [
        "ISOTOPE_STRIPE_SECRET_KEY",
        "ISOTOPE_STRIPE_WEBHOOK_SECRET",
    ]
