"""Numbers, sellers, words: what needs no store."""

import msgspec
import pytest

from isotope.domain.pricing import Line
from isotope.domain.receipts import Paid, ReceiptKind, view_receipt
from isotope.domain.receipts.rules import number_text
from tests.kit.receipts import a_receipt, ride_lines


@pytest.mark.parametrize(
    ("prefix", "year", "number", "text"),
    [
        ("ISO", 2026, 1, "ISO-2026-000001"),
        ("", 2026, 1, "2026-000001"),
        ("A-B", 2031, 999_999, "A-B-2031-999999"),
        ("ISO", 2026, 1_000_000, "ISO-2026-1000000"),
    ],
)
def test_how_a_number_is_written(prefix: str, year: int, number: int, text: str) -> None:
    assert number_text(prefix, year, number) == text


def shout(code: str, /, **params: str | int) -> str:
    return code.upper()


def test_lines_of_the_catalogue_are_in_the_readers_words_and_others_stay() -> None:
    free = msgspec.structs.replace(ride_lines()[1], unit_price_minor=0, amount_minor=0)
    fine = Line(code="fine", text="Parked in the pond", quantity=1, unit_price_minor=1, amount_minor=1)
    view = view_receipt(a_receipt(lines=(*ride_lines(), free, fine)), shout)
    assert [line.text for line in view.lines] == [
        "LINE_UNLOCK",
        "LINE_RIDE_MINUTES",
        "Snack",
        "LINE_RIDE_MINUTES_FREE",
        "Parked in the pond",
    ]
    assert view.title == "RECEIPT_TITLE_RIDE"


def test_what_paid_is_told_without_what_did_not() -> None:
    paid = Paid(bonus_minor=1, card_minor=3)
    view = view_receipt(a_receipt(paid=paid))
    assert [(part.code, part.text, part.amount_minor) for part in view.paid] == [
        ("bonus", "Bonus", 1),
        ("card", "Card", 3),
    ]
    assert view.paid_title == "Paid with"
    back = view_receipt(a_receipt(kind=ReceiptKind.CREDIT_NOTE, paid=Paid(debt_minor=4)))
    assert [(part.code, part.text) for part in back.paid] == [("debt", "Debt, which is less by it")]
    assert (back.title, back.paid_title) == ("Credit note", "Returned to")


@pytest.mark.parametrize("kind", list(ReceiptKind))
def test_every_kind_has_its_words(kind: ReceiptKind) -> None:
    view = view_receipt(a_receipt(kind=kind, paid=Paid(bonus_minor=1, balance_minor=1, card_minor=1, debt_minor=1)))
    told = [view.title, view.subject_title, view.paid_title, *(part.text for part in view.paid)]
    assert not any("eceipt " in text for text in told)  # what the catalogue lacks would be its code
