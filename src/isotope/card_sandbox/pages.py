"""The pages that a card's holder sees. No script, and no field that a card number would fit in."""

import sqlite3
from decimal import Decimal
from html import escape
from typing import Final

from isotope.card_sandbox.cards import CARDS

_STYLE: Final = """
body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#16202c}
main{max-width:34rem;margin:2rem auto;padding:1.5rem;background:#fff;border-radius:.75rem}
h1{font-size:1.4rem;margin-top:0}
fieldset{border:0;padding:0;margin:0}
legend{font-weight:600;margin-bottom:.5rem}
label{display:block;padding:.5rem .6rem;border:1px solid #8793a3;border-radius:.5rem;margin-bottom:.4rem}
label:focus-within{outline:3px solid #1458c8}
small{color:#465264;display:block;margin-left:1.7rem}
button{font:inherit;padding:.6rem 1.2rem;border-radius:.5rem;border:1px solid #1458c8;margin:.6rem .6rem 0 0;cursor:pointer}
button:focus-visible{outline:3px solid #16202c}
.yes{background:#1458c8;color:#fff}.no{background:#fff;color:#1458c8}
.note{background:#fff3d6;padding:.6rem .8rem;border-radius:.5rem}
"""
# Currencies whose minor unit is not a hundredth.
_DECIMALS: Final = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_NOTE: Final = '<p class="note">This is a test provider. No money moves, and it takes no real cards.</p>'


def setup_page(setup: sqlite3.Row, *, fault: str = "") -> str:
    """Choose a test card."""
    if setup["status"] != "pending":
        return ended_page(setup["return_url"])
    choices = "".join(
        f'<label><input type="radio" name="card" value="{escape(card.name)}"{" checked" if card.name == "ok" else ""}> '
        f"{escape(card.brand)} ending in {escape(card.last4)}<small>{escape(card.does)} (<code>{escape(card.name)}</code>)</small></label>"
        for card in CARDS.values()
    )
    alert = f'<p role="alert">{escape(fault)}</p>' if fault else ""
    return _page(
        "Save a card",
        f'{_NOTE}{alert}<form method="post"><fieldset><legend>Which test card?</legend>{choices}</fieldset>'
        '<button class="yes" name="action" value="save">Save this card</button>'
        '<button class="no" name="action" value="cancel">Go back without saving</button></form>',
    )


def confirm_page(payment: sqlite3.Row) -> str:
    """Confirm a payment (3-D Secure)."""
    if payment["status"] != "requires_action":
        return ended_page(payment["return_url"])
    what = f" for {escape(payment['description'].replace('_', ' '))}" if payment["description"] else ""
    return _page(
        "Confirm your payment",
        f"{_NOTE}<p>A payment of <strong>{_amount(payment['amount'], payment['currency'])}</strong>"
        f"{what} needs your confirmation.</p>"
        '<form method="post"><button class="yes" name="action" value="confirm">Confirm</button>'
        '<button class="no" name="action" value="decline">Decline</button></form>',
    )


def ended_page(url: str) -> str:
    """All that could be done here was done; `url` is where the holder came from, empty: nobody knows."""
    back = f' <a href="{escape(url)}">Go back</a>' if url else ""
    return _page("This is done", f"<p>There is nothing left to do here.{back}</p>")


def unknown_page() -> str:
    """There is no such page (any more)."""
    return _page("This page does not exist", "<p>The link is incomplete, or it was made by another test provider.</p>")


def _amount(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-_DECIMALS.get(currency, 2)):f} {escape(currency)}"


def _page(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{content}</main></body></html>"
    )
