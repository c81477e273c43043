"""Languages of Stripe's pages. Pure. Source: docs.stripe.com/js/appendix/supported_locales."""

from typing import Final

_KNOWN: Final = frozenset(
    (
        *("bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hi-IN", "hr"),
        *(
            "hu",
            "id",
            "it",
            "ja",
            "ko",
            "lt",
            "lv",
            "ms",
            "mt",
            "nb",
            "nl",
            "pl",
            "pt",
            "pt-BR",
            "ro",
            "ru",
            "sk",
            "sl",
        ),
        *("sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW"),
    )
)
_BROWSERS_OWN: Final = "auto"


def page_language(language: str) -> str:
    """Stripe's word for a language tag: the same, or its first part, or the browser's own."""
    for tag in (language, language.partition("-")[0]):
        if tag in _KNOWN:
            return tag
    return _BROWSERS_OWN
