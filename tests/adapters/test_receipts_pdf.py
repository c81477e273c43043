"""Receipts on paper, read back with another library."""

import io
import re
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from isotope.adapters.receipts_pdf import render_receipt_pdf
from isotope.domain.pricing import Line, TaxLine, Words
from isotope.domain.receipts import Paid, Receipt, ReceiptKind, Seller
from isotope.kernel.texts import Texts
from tests.kit.clock import START
from tests.kit.receipts import a_receipt, ride_lines


def pages(pdf: bytes) -> list[str]:
    return [re.sub(r"[ \t]+", " ", page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


def printed(receipt: Receipt, rider_name: str | None = None) -> list[str]:
    return "\n".join(pages(render_receipt_pdf(receipt, rider_name=rider_name))).splitlines()


def test_everything_of_a_receipt_stands_on_one_page() -> None:
    receipt = a_receipt(paid=Paid(bonus_minor=100, balance_minor=50, card_minor=340, debt_minor=9))
    (page,) = pages(render_receipt_pdf(receipt, rider_name="Rita Rider"))
    for text in (
        "Receipt",
        "Number: ISO-2026-000123",
        "Date: 2026-06-01",
        "Isotope Mobility Oy",
        "Mannerheimintie 1",
        "00100 Helsinki",
        "Tax number: FI12345678",
        "Rita Rider",
        "A-1023",
        "2026-06-01 14:50 – 15:00",
        "Amount (EUR)",
        "4.99 EUR",
        "Still to be paid",
        "0.09 EUR",
        "Domicile Helsinki",
        "Page 1 of 1",
    ):
        assert text in page
    rows = page.splitlines()
    assert "Riding minutes 10 min 0.20 2.00" in rows
    assert {"14 % 1.75 0.24 1.99", "25.5 % 2.39 0.61 3.00"} < set(rows)


def test_the_day_and_the_times_are_the_operators() -> None:
    late = START + timedelta(hours=11)
    receipt = a_receipt(issued_at=late, supplied_from=late - timedelta(hours=3), supplied_until=late)
    text = "\n".join(printed(receipt))
    assert "Date: 2026-06-02" in text
    assert "2026-06-01 23:00 – 2026-06-02 02:00" in text


def test_without_a_name_the_riders_number_stands_there() -> None:
    assert any("#77" in line for line in printed(a_receipt()))
    assert any("#77" in line for line in printed(a_receipt(), ""))


def test_a_credit_note_says_what_it_corrects_and_where_the_money_went() -> None:
    receipt = a_receipt(
        kind=ReceiptKind.CREDIT_NOTE, corrects="ride:1", corrects_number="ISO-2026-000001", subject="The lock stuck"
    )
    text = "\n".join(printed(receipt))
    for part in ("Credit note", "Corrects receipt", "ISO-2026-000001", "Reason", "The lock stuck", "Returned to"):
        assert part in text


def test_tax_that_is_added_stands_in_the_tax_table_only() -> None:
    lines = (
        Line(code="unlock", text="Unlock", quantity=1, unit_price_minor=1000, amount_minor=1000, tax_rate="0.255"),
        Line(code="tax", text="Tax 25.5 %", quantity=1, unit_price_minor=255, amount_minor=255),
    )
    taxes = (TaxLine(rate="0.255", net_minor=1000, tax_minor=255, gross_minor=1255),)
    text = "\n".join(printed(a_receipt(lines=lines, taxes=taxes)))
    assert "Tax 25.5 %" not in text
    assert text.count("25.5 %") == 1
    assert "12.55 EUR" in text


def test_a_booking_is_priced_by_days_hours_and_points() -> None:
    sold = (("rental_days", "Days", "day", 2), ("rental_hours", "Hours", "hour", 6), ("rental_km", "Far", "km", 14))
    lines = tuple(
        Line(
            code=code,
            text=text,
            unit=unit,  # type: ignore[arg-type]
            quantity=quantity,
            unit_price_minor=100,
            amount_minor=100 * quantity,
            tax_rate="0",
            params={"included_km": 200} if unit == "km" else {},
        )
        for code, text, unit, quantity in sold
    )
    taxes = (TaxLine(rate="0", net_minor=2_200, tax_minor=0, gross_minor=2_200),)
    rows = printed(a_receipt(kind=ReceiptKind.BOOKING, lines=lines, taxes=taxes, paid=Paid(card_minor=2_200)))
    assert {"Days 2 1.00 2.00", "Hours 6 1.00 6.00"} < set(rows)
    assert "Kilometres beyond 200 km 14 km 1.00 14.00" in rows
    assert any(row.startswith("Period") for row in rows)


@pytest.mark.parametrize(
    ("currency", "total"), [("JPY", "499 JPY"), ("EUR", "4.99 EUR"), ("KWD", "0.499 KWD"), ("XXX", "4.99 XXX")]
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, total: str) -> None:
    assert any(total in line for line in printed(a_receipt(currency=currency)))


def test_it_speaks_the_riders_language_and_the_operators_words() -> None:
    texts = Texts({"en": {"receipt_title_ride": "Receipt"}, "fi": {"receipt_title_ride": "Kuitti"}})

    def finnish(code: str, /, **params: str | int) -> str:
        wording = {"fi": {"line_unlock": "Lukon avaus", "receipt_page": "Sivu {page}/{pages}"}}
        return texts.render(code, params, languages=("fi",), overrides=wording)

    words: Words = finnish
    text = "\n".join(pages(render_receipt_pdf(a_receipt(), words)))
    for part in ("Kuitti", "Lukon avaus", "Sivu 1/1", "Snack"):
        assert part in text


@pytest.mark.parametrize(
    "name",
    [
        "Äijä Øst",
        "Ελλάδα",
        "Привет",
        "ქართული",
        "Việt Nguyễn",
        "first office fjord",
        "ไทย",
        "Łódź żółć",
        "IJsselstein €",
    ],
)
def test_names_of_many_scripts_can_be_read_back(name: str) -> None:
    assert name in "\n".join(printed(a_receipt(), name))


@pytest.mark.parametrize("name", ["שלום", "مرحبا", "हिन्दी"])
def test_scripts_that_are_shaped_have_every_sign(name: str) -> None:
    """The order in which a reader gives them back is its own."""
    assert set(name) <= set("".join(printed(a_receipt(), name)))


def test_what_the_font_has_not_is_a_lozenge_and_what_is_unseen_is_nothing() -> None:
    text = "\n".join(printed(a_receipt(), "東京 \U0001f6f4 a\u200bb\x00c\ud800d {nb}"))
    assert "◊◊ ◊ abc◊d {nb}" in text


def test_the_same_receipt_gives_the_same_bytes() -> None:
    one = render_receipt_pdf(a_receipt(), rider_name="Rita")
    assert render_receipt_pdf(a_receipt(), rider_name="Rita") == one
    assert render_receipt_pdf(a_receipt(), rider_name="Rida") != one
    facts = PdfReader(io.BytesIO(one)).metadata
    assert facts is not None
    assert facts.creation_date == START
    assert facts.title == "Receipt ISO-2026-000123"


def test_five_hundred_lines_go_over_pages_with_their_head() -> None:
    lines = tuple(msgspec.structs.replace(ride_lines()[1], text=f"Stretch no. {nr:03d}") for nr in range(500))
    lines = tuple(msgspec.structs.replace(line, code="stretch") for line in lines)
    texts = pages(render_receipt_pdf(a_receipt(lines=lines)))
    assert 8 < len(texts) < 20
    whole = "\n".join(texts)
    assert [f"Stretch no. {nr:03d}" in whole for nr in range(500)] == [True] * 500
    for nr, text in enumerate(texts, 1):
        assert f"Page {nr} of {len(texts)}" in text
        assert ("Stretch" in text) == ("Unit price" in text)
        assert "Domicile Helsinki" in text


def test_a_text_longer_than_a_page_goes_on_over_the_next() -> None:
    longest = " ".join(f"word{nr}" for nr in range(3_000))
    line = msgspec.structs.replace(ride_lines()[0], code="addon_fixed", text=longest)
    texts = pages(render_receipt_pdf(a_receipt(lines=(line, *ride_lines()))))
    assert len(texts) > 3
    assert "word2999" in "".join(texts)
    assert f"Page {len(texts)} of {len(texts)}" in texts[-1]


def test_the_largest_amounts_fit_their_columns() -> None:
    line = Line(
        code="ride_minutes",
        text="Riding minutes",
        unit="minute",
        quantity=10_000_000,
        unit_price_minor=900_000_000,
        amount_minor=9_000_000_000_000_000,
        tax_rate="0.255001",
    )
    text = "\n".join(printed(a_receipt(lines=(line,), currency="KWD")))
    assert "9000000000000.000 KWD" in text
    assert "25.5001 %" in text


anything = st.text(max_size=60) | st.text(
    st.sampled_from("aA \n\tוeאعب\u0915\u094d\u200d\ud83d\U0001f600￿{}"), max_size=300
)


@settings(max_examples=25)
@given(anything, anything, anything, anything, st.lists(anything, max_size=3))
def test_any_text_at_all_is_rendered(name: str, address: str, subject: str, footer: str, texts: list[str]) -> None:
    lines = tuple(msgspec.structs.replace(ride_lines()[2], text=text) for text in texts)
    seller = Seller(legal_name=name, address=address, tax_number=subject, email=name, footer=footer)
    pdf = render_receipt_pdf(a_receipt(lines=lines, subject=subject, seller=seller), rider_name=name)
    assert "ISO-2026-000123" in "\n".join(pages(pdf))
