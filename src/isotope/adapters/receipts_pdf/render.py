"""A receipt as PDF."""

from typing import Final
from zoneinfo import ZoneInfo

from isotope.adapters.receipts_pdf.sheet import MARGIN, WIDTH, Sheet
from isotope.domain.pricing import Words, english
from isotope.domain.pricing.model import Line
from isotope.domain.receipts import Receipt, ReceiptKind, ReceiptView, view_receipt
from isotope.kernel.money import exponent, to_decimal

_TEXT_PT: Final = 9.5
_SMALL_PT: Final = 8.5
_TITLE_PT: Final = 20.0
_SELLER_PT: Final = 13.0
_LINE: Final = 5.0
_GAP: Final = 8.0

# Widths of columns, from the left; what comes after the first is set to the right.
_LINE_COLUMNS: Final = (WIDTH - 92.0, 24.0, 34.0, 34.0)
_TAX_COLUMNS: Final = (WIDTH - 102.0, 34.0, 34.0, 34.0)
_FACT_TITLE: Final = 34.0
_RIGHT: Final = 72.0


def render_receipt_pdf(receipt: Receipt, words: Words = english, rider_name: str | None = None) -> bytes:
    """The receipt on A4 pages; the same receipt, words and name give the same bytes.

    Takes some 0.2 s of the processor: call it outside of the event loop.

    Args:
        receipt: numbered.
        words: bound to the rider's languages and the operator's wording.
        rider_name: put on it while the rider lives; None or empty: the rider's number stands there.
    """
    pages = 1
    while True:
        with Sheet(footer_text=receipt.seller.footer, pages=pages, words=words) as sheet:
            _lay_out(sheet, receipt, words, rider_name)
            if sheet.page_no() == pages:
                return bytes(sheet.output())
            # The number of pages stands on the first, so it is laid out again now that they are counted.
            pages = sheet.page_no()


def _lay_out(sheet: Sheet, receipt: Receipt, words: Words, rider_name: str | None) -> None:
    view = view_receipt(receipt, words)
    sheet.set_creation_date(receipt.issued_at)
    sheet.set_title(f"{sheet.shown(view.title)} {receipt.number or ''}".strip())
    sheet.set_author(sheet.shown(receipt.seller.legal_name))
    _head(sheet, receipt, view, words)
    _facts(sheet, receipt, view, words, rider_name)
    _lines(sheet, receipt, view, words)
    _taxes(sheet, receipt, words)
    _paid(sheet, receipt, view)


def _head(sheet: Sheet, receipt: Receipt, view: ReceiptView, words: Words) -> None:
    """Seller on the left; what it is, number and date on the right."""
    top, right = sheet.get_y(), MARGIN + WIDTH - _RIGHT
    sheet.style(_TITLE_PT, bold=True)
    sheet.put(right, top, _RIGHT, sheet.shown(view.title), line_height=9.0, right=True)
    sheet.style(_TEXT_PT)
    facts = (("receipt_number", receipt.number or ""), ("receipt_date", receipt.issued_on.isoformat()))
    for code, value in facts:
        sheet.put(right, sheet.get_y(), _RIGHT, sheet.shown(f"{words(code)}: {value}"), right=True)
    below_right, page = sheet.get_y(), sheet.page_no()

    seller, left_width = receipt.seller, WIDTH - _RIGHT - 4
    sheet.style(_SELLER_PT, bold=True)
    sheet.put(MARGIN, top, left_width, sheet.shown(seller.legal_name), line_height=6.5)
    sheet.style(_TEXT_PT)
    tax_number = f"{words('receipt_tax_number')}: {seller.tax_number}" if seller.tax_number else ""
    for text in (seller.address, seller.email, tax_number):
        if text:
            sheet.put(MARGIN, sheet.get_y(), left_width, sheet.shown(text, keep_lines=True))
    if sheet.page_no() == page:
        sheet.set_y(max(sheet.get_y(), below_right))
    sheet.set_y(sheet.get_y() + _GAP)


def _facts(sheet: Sheet, receipt: Receipt, view: ReceiptView, words: Words, rider_name: str | None) -> None:
    """Who, what, when."""
    facts = [(words("receipt_rider"), rider_name or f"#{receipt.rider_id}")]
    if receipt.subject:
        facts.append((view.subject_title, receipt.subject))
    if receipt.supplied_from is not None and receipt.supplied_until is not None:
        zone = ZoneInfo(receipt.time_zone)
        began, ended = receipt.supplied_from.astimezone(zone), receipt.supplied_until.astimezone(zone)
        until = f"{ended:%H:%M}" if ended.date() == began.date() else f"{ended:%Y-%m-%d %H:%M}"
        is_period = receipt.kind in (ReceiptKind.SUBSCRIPTION, ReceiptKind.BOOKING)
        supplied = "receipt_period" if is_period else "receipt_ridden"
        facts.append((words(supplied), f"{began:%Y-%m-%d %H:%M} \N{EN DASH} {until}"))
    if receipt.corrects_number is not None:
        facts.append((words("receipt_corrects"), receipt.corrects_number))
    for title, value in facts:
        y = sheet.get_y()
        sheet.style(_TEXT_PT, grey=True)
        sheet.put(MARGIN, y, _FACT_TITLE, sheet.shown(title))
        below, page = sheet.get_y(), sheet.page_no()
        sheet.style(_TEXT_PT)
        sheet.put(MARGIN + _FACT_TITLE, y, WIDTH - _FACT_TITLE, sheet.shown(value))
        if sheet.page_no() == page:
            sheet.set_y(max(below, sheet.get_y()))
    sheet.set_y(sheet.get_y() + _GAP)


def _lines(sheet: Sheet, receipt: Receipt, view: ReceiptView, words: Words) -> None:
    """What it is for. Tax that is added has no line here: it stands in its own table."""
    heads = [
        words("receipt_description"),
        words("receipt_quantity"),
        words("receipt_unit_price"),
        f"{words('receipt_amount')} ({receipt.currency})",
    ]
    _table_head(sheet, _LINE_COLUMNS, heads)
    for line in view.lines:
        if line.code == "tax":
            continue
        sheet.style(_TEXT_PT)
        text = sheet.shown(line.text)
        height = _LINE * max(1, len(sheet.wrapped(text, _LINE_COLUMNS[0])))
        if sheet.get_y() + height > sheet.bottom:
            # A text that is longer than a page breaks wherever the page ends.
            sheet.add_page()
            _table_head(sheet, _LINE_COLUMNS, heads)
            sheet.style(_TEXT_PT)
        cells = (_quantity(line, words), _amount(receipt, line.unit_price_minor), _amount(receipt, line.amount_minor))
        _row(sheet, _LINE_COLUMNS, text, cells, height=height)
    sheet.rule(sheet.get_y() + 1)
    sheet.set_y(sheet.get_y() + 2)
    _keep_together(sheet, 3 * 6.0)
    _total(sheet, words("receipt_net"), _amount(receipt, receipt.net_minor))
    _total(sheet, words("receipt_tax"), _amount(receipt, receipt.tax_minor))
    _total(sheet, words("receipt_total"), f"{_amount(receipt, receipt.total_minor)} {receipt.currency}", bold=True)
    sheet.set_y(sheet.get_y() + _GAP)


def _taxes(sheet: Sheet, receipt: Receipt, words: Words) -> None:
    if not receipt.taxes:
        return
    _keep_together(sheet, 8.0 + _LINE * len(receipt.taxes))
    heads = [words(code) for code in ("receipt_tax_rate", "receipt_net", "receipt_tax", "receipt_gross")]
    _table_head(sheet, _TAX_COLUMNS, heads)
    for tax in receipt.taxes:
        sheet.style(_TEXT_PT)
        cells = tuple(_amount(receipt, minor) for minor in (tax.net_minor, tax.tax_minor, tax.gross_minor))
        _row(sheet, _TAX_COLUMNS, f"{tax.pct} %", cells)
    sheet.set_y(sheet.get_y() + _GAP)


def _paid(sheet: Sheet, receipt: Receipt, view: ReceiptView) -> None:
    if not view.paid:
        return
    _keep_together(sheet, 8.0 + _LINE * len(view.paid))
    columns = (WIDTH - 50.0, 50.0)
    _table_head(sheet, columns, [view.paid_title, ""])
    for part in view.paid:
        sheet.style(_TEXT_PT)
        _row(sheet, columns, sheet.shown(part.text), (f"{_amount(receipt, part.amount_minor)} {receipt.currency}",))


def _table_head(sheet: Sheet, columns: tuple[float, ...], heads: list[str]) -> None:
    sheet.style(_SMALL_PT, bold=True, grey=True)
    y, x = sheet.get_y(), MARGIN
    for number, (width, head) in enumerate(zip(columns, heads, strict=True)):
        if number:
            sheet.put_number(x, y, width, sheet.shown(head))
        else:
            sheet.set_xy(x, y)
            sheet.cell(width, _LINE, sheet.shown(head))
        x += width
    sheet.rule(y + _LINE + 0.8)
    sheet.set_xy(MARGIN, y + _LINE + 1.8)


def _row(sheet: Sheet, columns: tuple[float, ...], text: str, cells: tuple[str, ...], *, height: float = _LINE) -> None:
    """The text may take several lines, `height` together; the numbers stand beside its first."""
    y = sheet.get_y()
    # Whoever has it read out hears the text first. One that goes on over the page would take the numbers along.
    text_first = y + height <= sheet.bottom
    if text_first:
        sheet.put(MARGIN, y, columns[0], text or " ", line_height=_LINE)
    below, x = sheet.get_y(), MARGIN + columns[0]
    for width, cell in zip(columns[1:], cells, strict=True):
        sheet.put_number(x, y, width, cell, line_height=_LINE)
        x += width
    if text_first:
        sheet.set_xy(MARGIN, below)
    else:
        sheet.put(MARGIN, y, columns[0], text, line_height=_LINE)


def _total(sheet: Sheet, title: str, amount: str, *, bold: bool = False) -> None:
    sheet.style(_TEXT_PT + 1.5 if bold else _TEXT_PT, bold=bold)
    y, x = sheet.get_y(), MARGIN + WIDTH - 100.0
    sheet.put_number(x, y, 66.0, sheet.shown(title), line_height=6.0)
    sheet.put_number(x + 66.0, y, 34.0, amount, line_height=6.0)
    sheet.set_xy(MARGIN, y + 6.0)


def _keep_together(sheet: Sheet, height: float) -> None:
    """On the next page if this one has no room for all of it, unless none would have."""
    if sheet.get_y() + height > sheet.bottom > height + 2 * MARGIN:
        sheet.add_page()


def _quantity(line: Line, words: Words) -> str:
    """Days, hours and the like are what their line is called: a number says enough."""
    if line.unit in ("minute", "km"):
        return words("receipt_minutes" if line.unit == "minute" else "receipt_km", quantity=line.quantity)
    return str(line.quantity)


def _amount(receipt: Receipt, amount_minor: int) -> str:
    """`12.50`, `1250`, `1.250`: as many decimals as the currency has."""
    return f"{to_decimal(amount_minor, receipt.currency):.{exponent(receipt.currency)}f}"
