"""Settings, and that the documentation says what they are."""

import re
import typing
from pathlib import Path

import msgspec
import pytest

from isotope.infra.config import Config, ConfigError, card_provider_of, load_config, public_url_of

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "configuration.md"


def _documented() -> dict[str, tuple[str, str, str]]:
    """Name -> accepted, default, meaning."""
    rows = re.findall(
        r"^\| `(ISOTOPE_\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {name: (accepted, default, meaning) for name, accepted, default, meaning in rows}


def _declared() -> dict[str, tuple[str, str, str]]:
    found = {}
    for setting in msgspec.structs.fields(Config):
        base, *metas = typing.get_args(setting.type)
        meta = next(meta for meta in metas if isinstance(meta, msgspec.Meta))
        if typing.get_origin(base) is typing.Literal:
            accepted = ", ".join(f"`{value}`" for value in typing.get_args(base) if value)
        else:
            accepted = f"{meta.ge} to {meta.le}" if base is int else "text"
        default = f"`{setting.default}`" if setting.default != "" else "empty"
        found[f"ISOTOPE_{setting.name.upper()}"] = (accepted, default, meta.description or "")
    return found


def test_the_page_has_every_setting_as_it_is() -> None:
    assert _documented() == _declared()


def test_settings_come_from_the_environment() -> None:
    config = load_config({"ISOTOPE_PORT": " 9000 ", "ISOTOPE_MODE": "demo", "OTHER": "x"})
    assert (config.port, config.mode, config.data) == (9000, "demo", "data")


def test_every_wrong_setting_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        load_config({"ISOTOPE_PORT": "70000", "ISOTOPE_MODE": "prod", "ISOTOPE_DB_POOL": "many"})
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["ISOTOPE_MODE", "ISOTOPE_PORT", "ISOTOPE_DB_POOL"]
    assert "65535" in lines[1]


def test_production_takes_no_money_with_a_provider_that_takes_none() -> None:
    with pytest.raises(ConfigError, match="ISOTOPE_CARDS"):
        load_config({"ISOTOPE_CARDS": "sandbox"})
    assert load_config({"ISOTOPE_CARDS": "sandbox", "ISOTOPE_MODE": "test"}).cards == "sandbox"


@pytest.mark.parametrize(
    ("mode", "cards", "provider"),
    [
        ("demo", "", "sandbox"),
        ("test", "", "sandbox"),
        ("production", "", "none"),
        ("production", "stripe", "stripe"),
        ("demo", "none", "none"),
    ],
)
def test_who_takes_cards_by_default(mode: str, cards: str, provider: str) -> None:
    assert card_provider_of(load_config({"ISOTOPE_MODE": mode, "ISOTOPE_CARDS": cards})) == provider


def test_where_others_reach_the_api() -> None:
    assert public_url_of(load_config({"ISOTOPE_HOST": "::", "ISOTOPE_PORT": "81"})) == "http://[::1]:81"
    assert public_url_of(load_config({"ISOTOPE_HOST": "::1"})) == "http://[::1]:8080"
    assert public_url_of(load_config({"ISOTOPE_PUBLIC_URL": "https://ride.example/"})) == "https://ride.example"
