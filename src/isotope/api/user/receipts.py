"""What a rider gets in writing."""

import asyncio
import re
from decimal import Decimal
from typing import Any, Final

from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark, read_bookmark, write_bookmark
from isotope.api.money_types import (
    Receipt,
    ReceiptLine,
    ReceiptPaid,
    ReceiptPdfRequest,
    ReceiptRequest,
    Receipts,
    ReceiptSeller,
    ReceiptsRequest,
    ReceiptSummary,
    ReceiptTax,
)
from isotope.api.operation import Auth, Call, operation
from isotope.api.pdf import Pdf
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.domain import receipts
from isotope.domain.pricing import Words
from isotope.domain.receipts import ReceiptId
from isotope.kernel.errors import Fault, Kind, Refusal, invalid
from isotope.kernel.money import to_decimal

_NO_RECEIPT: Final = (Kind.NOT_FOUND, "receipt_not_found")
_LIST: Final = "receipts"
_RIDE: Final = re.compile(r"ride:([0-9]{1,19})")
_SUMMARY: Final = {
    "receipt_id": 31,
    "number": "2026-000042",
    "kind": "RIDE",
    "title": "Receipt",
    "subject": "ISO-1001",
    "issued_at": 1_780_000_000,
    "total": 4.4,
    "currency_code": "EUR",
    "ride_id": 12,
}


@operation(
    id="get_receipts",
    tag=TAG,
    title="Get receipts",
    method="POST",
    path=f"{BASE}/get-receipts",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ReceiptsRequest,
    response=Receipts,
    refusals=(NO_RIDER,),
    request_example={"page_length": 20},
    response_example={"receipts": [_SUMMARY], "bookmark_next": None},
)
async def get_receipts(call: Call[ReceiptsRequest]) -> Receipts:
    """The rider's receipts, newest first, page by page: see `get-wallet-entries` for bookmarks."""
    body, operator, rider_id, rt = call.body, call.operator, call.rider_id(), call.services.rt
    sent = chosen_bookmark(body.page_bookmark, body.bookmark_next, body.bookmark)
    before = None
    if sent is not None:
        before = ReceiptId(read_bookmark(sent[1], _LIST, sent[0]))
        async with rt.db.read() as tx:
            try:
                await receipts.get_receipt(tx, operator.id, before, rider_id)
            except Refusal as error:
                raise bookmark_unknown(sent[0]) from error
    page = await receipts.read_receipts(rt, operator.id, rider_id, before, body.page_length)
    older = []
    if page:
        async with rt.db.read() as tx:
            older = await receipts.list_receipts(tx, operator.id, rider_id, page[-1].id, 1)
    return Receipts(
        receipts=[_summary(call, receipt) for receipt in page],
        bookmark_next=write_bookmark(_LIST, page[-1].id) if older else None,
    )


@operation(
    id="get_receipt",
    tag=TAG,
    title="Get receipt",
    method="POST",
    path=f"{BASE}/get-receipt",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ReceiptRequest,
    response=Receipt,
    refusals=(NO_RIDER, _NO_RECEIPT),
    request_example={"receipt_id": 31},
    response_example={
        **_SUMMARY,
        "corrects_number": None,
        "net": 3.51,
        "tax": 0.89,
        "lines": [
            {"code": "unlock", "text": "Unlock", "quantity": 1, "unit_price": 1.0, "amount": 1.0},
            {"code": "ride_minutes", "text": "Riding minutes", "quantity": 17, "unit_price": 0.2, "amount": 3.4},
        ],
        "taxes": [{"rate_pct": "25.5", "net": 3.51, "tax": 0.89, "gross": 4.4}],
        "paid": [{"code": "card", "text": "Card", "amount": 4.4}],
        "seller": {"name": "Demo City", "address": "Mannerheimintie 1\n00100 Helsinki", "tax_number": "", "email": ""},
    },
)
async def get_receipt(call: Call[ReceiptRequest]) -> Receipt:
    """One receipt, by its id or by the ride that it bills. It never changes; a refund has a receipt of its own."""
    return _whole(call, await _find(call, call.body))


@operation(
    id="get_receipt_pdf",
    tag=TAG,
    title="Get receipt as PDF",
    method="POST",
    path=f"{BASE}/get-receipt-pdf",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ReceiptPdfRequest,
    response=Pdf,
    refusals=(NO_RIDER, _NO_RECEIPT),
    request_example={"receipt_id": 31},
)
async def get_receipt_pdf(call: Call[ReceiptPdfRequest]) -> Pdf:
    """One receipt on paper: A4, with lines, tax, and the operator's address. Refusals are JSON as everywhere."""
    found = await receipts.read_receipt(
        call.services.rt, call.operator.id, ReceiptId(call.body.receipt_id), call.rider_id()
    )
    content = await asyncio.to_thread(_print, found, call.text, call.rider().name)
    name = re.sub(r"[^A-Za-z0-9-]", "-", found.number or "")
    return Pdf(content=content, name=f"receipt-{name}.pdf")


def _print(receipt: receipts.Receipt, words: Words, rider_name: str) -> bytes:
    # The printer is 25 MiB of fonts and code, which only processes that print need.
    from isotope.adapters.receipts_pdf import render_receipt_pdf  # noqa: PLC0415

    return render_receipt_pdf(receipt, words, rider_name)


async def _find(call: Call[Any], body: ReceiptRequest) -> receipts.Receipt:
    rt, operator, rider_id = call.services.rt, call.operator, call.rider_id()
    if body.receipt_id is not None:
        receipt_id = ReceiptId(body.receipt_id)
    elif body.ride_id is not None:
        async with rt.db.read() as tx:
            of_ride = await receipts.find_receipt_by_cause(tx, operator.id, f"ride:{body.ride_id}")
        if of_ride is None:
            raise receipts.receipt_not_found()
        receipt_id = of_ride.id
    else:
        raise invalid(Fault("receipt_id", "receipt_id or ride_id is expected"))
    found = await receipts.read_receipt(rt, operator.id, receipt_id, rider_id)
    if body.ride_id is not None and found.cause != f"ride:{body.ride_id}":
        raise receipts.receipt_not_found()
    return found


def _summary(call: Call[Any], receipt: receipts.Receipt) -> ReceiptSummary:
    ride = _RIDE.fullmatch(receipt.cause)
    return ReceiptSummary(
        receipt_id=receipt.id,
        number=receipt.number or "",
        kind=receipt.kind,
        title=receipts.view_receipt(receipt, call.text).title,
        subject=receipt.subject,
        issued_at=int(receipt.issued_at.timestamp()),
        total=to_decimal(receipt.total_minor, receipt.currency),
        currency_code=receipt.currency,
        ride_id=None if ride is None else int(ride[1]),
    )


def _whole(call: Call[Any], receipt: receipts.Receipt) -> Receipt:
    summary, view = _summary(call, receipt), receipts.view_receipt(receipt, call.text)

    def amount(minor: int) -> Decimal:
        return to_decimal(minor, receipt.currency)

    return Receipt(
        receipt_id=summary.receipt_id,
        number=summary.number,
        kind=summary.kind,
        title=summary.title,
        subject=summary.subject,
        issued_at=summary.issued_at,
        total=summary.total,
        currency_code=summary.currency_code,
        ride_id=summary.ride_id,
        corrects_number=receipt.corrects_number,
        net=amount(receipt.net_minor),
        tax=amount(receipt.tax_minor),
        lines=[
            ReceiptLine(
                code=line.code,
                text=line.text,
                quantity=line.quantity,
                unit_price=amount(line.unit_price_minor),
                amount=amount(line.amount_minor),
            )
            for line in view.lines
        ],
        taxes=[
            ReceiptTax(
                rate_pct=tax.pct, net=amount(tax.net_minor), tax=amount(tax.tax_minor), gross=amount(tax.gross_minor)
            )
            for tax in receipt.taxes
        ],
        paid=[ReceiptPaid(code=part.code, text=part.text, amount=amount(part.amount_minor)) for part in view.paid],
        seller=ReceiptSeller(
            name=receipt.seller.legal_name,
            address=receipt.seller.address,
            tax_number=receipt.seller.tax_number,
            email=receipt.seller.email,
        ),
    )
