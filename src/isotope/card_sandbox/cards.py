"""The cards that one can pay with here. None has a number: the page offers them by name."""

from collections.abc import Mapping
from typing import Final

import msgspec

from isotope.card_sandbox.faults import Fault


class SandboxCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a card is and does.

    Attributes:
        name: its stable id.
        does: for people.
        at_setup, at_charge, at_capture, at_refund: the code with which that is refused.
        charges: how many payments are good before `at_charge`; None: not even one.
        asks: the holder must confirm each payment; without them it is refused.
        faults: by kind of call (authorise, charge, capture, release, refund), each time with a new key.
        twice: its webhooks come twice and in the wrong order.
        disputed: the holder disputes what was taken, a while later.
    """

    name: str
    does: str
    brand: str = "Visa"
    last4: str
    exp_month: int = 12
    exp_year: int = 2034
    at_setup: str | None = None
    at_charge: str | None = None
    charges: int | None = None
    at_capture: str | None = None
    at_refund: str | None = None
    asks: bool = False
    faults: Mapping[str, Fault] = {}
    twice: bool = False
    disputed: bool = False


def _always(fault: Fault) -> Mapping[str, Fault]:
    return dict.fromkeys(("authorise", "charge", "capture", "release", "refund"), fault)


_ALL: Final = (
    SandboxCard(name="ok", last4="4242", does="Works"),
    SandboxCard(name="ok_mastercard", brand="Mastercard", last4="4444", does="Works"),
    SandboxCard(name="declined", last4="0002", does="Every payment is declined", at_charge="card_declined"),
    SandboxCard(
        name="insufficient_funds", last4="9995", does="Has no money for any payment", at_charge="insufficient_funds"
    ),
    SandboxCard(name="expired", last4="0069", does="Has expired", at_charge="expired_card", exp_month=1, exp_year=2020),
    SandboxCard(name="setup_refused", last4="0341", does="Cannot be saved", at_setup="card_declined"),
    SandboxCard(name="needs_3ds", last4="3220", does="Asks for a confirmation of each payment (3-D Secure)", asks=True),
    SandboxCard(
        name="declined_at_capture",
        last4="0259",
        does="Reserves an amount, then declines to pay it",
        at_capture="card_declined",
    ),
    SandboxCard(
        name="charges_decline_after_first",
        last4="0341",
        does="Pays once, then every payment is declined",
        at_charge="card_declined",
        charges=1,
    ),
    SandboxCard(name="timeout", last4="0119", does="Pays, but the answer never comes", faults=_always("done")),
    SandboxCard(
        name="timeout_lost", last4="0127", does="The request is lost once, then it works", faults=_always("lost")
    ),
    SandboxCard(
        name="timeout_at_capture",
        last4="0135",
        does="Reserves; takes the amount without answering",
        faults={"capture": "done"},
    ),
    SandboxCard(
        name="timeout_at_refund", last4="0143", does="Pays; gives back without answering", faults={"refund": "done"}
    ),
    SandboxCard(name="slow", last4="0077", does="Works, and takes its time", faults=_always("slow")),
    SandboxCard(name="twice", last4="0085", does="Works; its notices come twice and in the wrong order", twice=True),
    SandboxCard(name="refund_refused", last4="5126", does="Works, but takes nothing back", at_refund="not_possible"),
    SandboxCard(name="dispute_later", last4="2685", does="Pays, and disputes it a minute later", disputed=True),
)
CARDS: Final[Mapping[str, SandboxCard]] = {card.name: card for card in _ALL}
