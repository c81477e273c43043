"""The pictures of the page about money: SVG in the page, in the page's own colours, with a text for who cannot see it."""

from collections.abc import Sequence
from typing import Final

from isotope.api.docs.html import Markup, join, tag

_HEAD: Final = Markup(
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" class="head"/></marker></defs>'
)


def ledger_picture() -> Markup:
    """Which account gives and which receives, by reason."""
    parts = [
        _group(375, 30, 415, 615, "One rider, one currency"),
        _account(410, 80, "IN TRANSIT", "on its way by card", rider=True),
        _account(410, 195, "DEBT", "owed", rider=True),
        _account(410, 310, "BALANCE", "money", rider=True),
        _account(410, 425, "BONUS", "promised rides", rider=True),
        _account(410, 540, "DEPOSIT", "kept of the balance", rider=True),
        _account(25, 140, "PROVIDER CLEARING", "held by the provider"),
        _account(25, 380, "CHARGEBACKS", "taken back by banks"),
        _group(985, 55, 205, 245, "What was earned"),
        _account(1000, 105, "REVENUE", "without tax"),
        _account(1000, 215, "TAX", "owed to the state"),
        _account(1000, 390, "ADJUSTMENTS", "given away"),
        _account(1000, 560, "DRIVER", "earned, less cash"),
        _arrow("M205 155L405 105", "card_captured", 290, 112),
        _arrow("M405 128L205 178", "card_refunded", 320, 157),
        _arrow("M205 190L405 222", "card_captured", 300, 211),
        _arrow("M205 198L405 335", "card_captured", 318, 275),
        _arrow("M500 195L500 145", "card_refused", 507, 175, start=True),
        _arrow("M500 310L500 260", "debt_settled", 507, 290, start=True),
        _arrow("M590 115C655 150 655 300 594 330", "refund_to_wallet", 646, 235, start=True),
        _arrow("M790 90L980 90", "ride, fine, reservation", 886, 82),
        _arrow("M790 120L980 120", "subscription, trip, trip_fee", 886, 112),
        _arrow("M790 150L980 150", "booking, booking_extension", 886, 142),
        _arrow("M790 180L980 180", "booking_settlement, booking_claim", 886, 172),
        _arrow("M985 210L795 210", "refund", 888, 202),
        _arrow("M985 240L795 240", "subscription_unpaid, booking_unpaid", 888, 232),
        _arrow("M985 270L795 270", "booking_refund, trip_refund", 888, 262),
        _arrow("M1000 405L595 350", "money_added", 850, 376),
        _arrow("M1000 425L595 450", "zone_bonus, promo, referral, referral_reward", 800, 428),
        _arrow("M590 475L995 447", "bonus_expired", 850, 478),
        _arrow("M590 330C660 370 660 550 594 580", "deposit_kept", 652, 535, start=True),
        _arrow("M410 575C350 545 350 385 406 352", "", 0, 0),
        _arrow("M410 565C365 500 365 290 406 240", "deposit_returned", 300, 530, start=True),
        _arrow("M1180 140C1207 260 1207 480 1184 580", "trip_earning", 1188, 345, end=True),
        _arrow("M1000 595C955 560 955 330 996 270", "trip_cash", 960, 550, end=True),
        _arrow("M1060 455L1060 556", "driver_adjusted", 1053, 520, end=True),
        _arrow("M1110 560L1110 459", "driver_paid", 1117, 500, start=True),
        _arrow("M85 380L85 205", "disputed", 78, 330, end=True),
        _arrow("M145 205L145 375", "dispute_won", 152, 330, start=True),
    ]
    return _svg(
        "ledger",
        1210,
        665,
        "How money moves between the accounts of the ledger",
        "Arrows go from the account that gives to the one that receives, and carry the reason. The rider's accounts in "
        "transit, debt, balance, bonus and deposit stand in the middle; a deposit is kept of the balance and returned to "
        "debt and balance. Left of them is the provider's clearing account, which "
        "gives what cards paid to in transit, debt and balance, and gets back what is refunded; below it chargebacks. "
        "Right of them are revenue and tax, which rides, fines, reservations, subscriptions, bookings and trips fill and refunds, "
        "unpaid subscriptions and unpaid bookings empty, and adjustments, from where "
        "money and bonus are given; below them a driver's account, which gets a share of the revenue, gives what was taken in "
        "cash, and is adjusted and paid out. The table below says the same.",
        parts,
    )


def states_picture() -> Markup:
    """The life of a payment by card."""
    parts = [
        _state(20, 115, "AUTHORISING"),
        _state(400, 20, "AUTHORISED"),
        _state(400, 210, "ACTION_REQUIRED"),
        _state(830, 20, "RELEASED", last=True),
        _state(830, 115, "CAPTURED", last=True),
        _state(830, 210, "FAILED", last=True),
        _arrow("M200 128L396 56", "reserved", 285, 82),
        _arrow("M200 138L826 138", "charged at once", 345, 131),
        _arrow("M200 150L396 222", "the bank asks the rider", 262, 205),
        _arrow("M580 38L826 38", "let go", 703, 31),
        _arrow("M580 52L826 122", "captured", 715, 82),
        _arrow("M580 222L826 152", "confirmed", 690, 180),
        _arrow("M580 236L826 236", "declined", 703, 229),
        _arrow("M110 160L110 290L920 290L920 260", "refused, from any of the three on the left", 500, 283),
    ]
    return _svg(
        "states",
        1030,
        310,
        "The states of a payment by card",
        "A payment begins as AUTHORISING. Reserved, it is AUTHORISED, and then CAPTURED or RELEASED. Charged at once, it "
        "goes straight to CAPTURED. Where the bank asks the rider it is ACTION_REQUIRED first. A refusal ends it as FAILED.",
        parts,
    )


def _svg(name: str, width: int, height: int, title: str, text: str, parts: Sequence[Markup]) -> Markup:
    titles = [tag("title", title, id=f"{name}-title"), tag("desc", text, id=f"{name}-text")]
    labels = f"{name}-title {name}-text"
    head = Markup(_HEAD.replace('id="head"', f'id="{name}-head"'))
    drawn = Markup(join(parts).replace("url(#head)", f"url(#{name}-head)"))
    attributes = {"viewBox": f"0 0 {width} {height}", "role": "img", "aria-labelledby": labels}
    return tag("figure", tag("svg", *titles, head, drawn, **attributes), class_="picture")


def _group(x: int, y: int, width: int, height: int, title: str) -> Markup:
    return join(
        [
            _rect(x, y, width, height, "group"),
            tag("text", title, x=str(x + width // 2), y=str(y + 24), class_="of"),
        ]
    )


def _account(x: int, y: int, name: str, text: str, *, rider: bool = False) -> Markup:
    return join(
        [
            _rect(x, y, 180, 65, "rider" if rider else "own"),
            tag("text", name, x=str(x + 90), y=str(y + 29), class_="name"),
            tag("text", text, x=str(x + 90), y=str(y + 49), class_="of"),
        ]
    )


def _state(x: int, y: int, name: str, *, last: bool = False) -> Markup:
    return join(
        [
            _rect(x, y, 180, 45, "own" if last else "rider"),
            tag("text", name, x=str(x + 90), y=str(y + 28), class_="name"),
        ]
    )


def _rect(x: int, y: int, width: int, height: int, kind: str) -> Markup:
    place = {"x": str(x), "y": str(y), "width": str(width), "height": str(height), "rx": "8"}
    return tag("rect", **place, class_=kind)


def _arrow(path: str, label: str, x: int, y: int, *, start: bool = False, end: bool = False) -> Markup:
    line = tag("path", d=path, class_="arrow", **{"marker-end": "url(#head)"})
    if not label:
        return line
    anchor = {"text-anchor": "start"} if start else {"text-anchor": "end"} if end else {}
    return join([line, tag("text", label, x=str(x), y=str(y), class_="reason", **anchor)])
