"""How currencies are written in short. Pure."""

from collections.abc import Mapping
from typing import Final

# Where one sign stands for several currencies, it is told which. Source: Unicode CLDR, English.
_SYMBOLS: Final[Mapping[str, str]] = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "CA$",
    "CNY": "CN¥",
    "CZK": "Kč",
    "DKK": "kr",
    "EUR": "€",
    "GBP": "£",
    "GEL": "₾",
    "HKD": "HK$",
    "HUF": "Ft",
    "IDR": "Rp",
    "ILS": "₪",
    "INR": "₹",
    "ISK": "kr",
    "JPY": "¥",
    "KRW": "₩",
    "KZT": "₸",
    "MXN": "MX$",
    "MYR": "RM",
    "NGN": "₦",
    "NOK": "kr",
    "NZD": "NZ$",
    "PHP": "₱",
    "PLN": "zł",
    "RON": "lei",
    "SEK": "kr",
    "THB": "฿",
    "TRY": "₺",
    "TWD": "NT$",
    "UAH": "₴",
    "USD": "$",
    "VND": "₫",
    "ZAR": "R",
}


def symbol_of(currency: str) -> str:
    """The sign; the code itself of a currency that has none of its own."""
    return _SYMBOLS.get(currency, currency)
