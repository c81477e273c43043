"""Requests and answers of the section User that are about cards, top-ups, the wallet's history and receipts."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.bookmarks import MOST_BOOKMARK
from isotope.api.fields import Id, UserId
from isotope.api.user_types import Amount

Unix = Annotated[int, Meta(description="Unix seconds.", examples=[1_780_000_000])]
MethodId = Annotated[
    str, Meta(min_length=1, max_length=40, description="Of `get-user-payment-methods`.", examples=["card_12"])
]
CardMethodId = Annotated[str, Meta(min_length=1, max_length=40)]
_Bookmark = Annotated[str, Meta(max_length=MOST_BOOKMARK)]
Bookmark = Annotated[_Bookmark | None, Meta(description="`bookmark_next` of the page before; null: the first page.")]
SameBookmark = Annotated[_Bookmark | None, Meta(description="The same as `page_bookmark`.")]
PageLength = Annotated[int, Meta(ge=1, le=100, description="How many rows at most.", examples=[20])]
NextBookmark = Annotated[str | None, Meta(description="For `page_bookmark` of the next page; null: this was the last.")]
Currency = Annotated[str, Meta(examples=["EUR"])]


class AddPaymentMethodRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rider comes back to."""

    user_id: UserId = None
    return_url: Annotated[
        Annotated[str, Meta(max_length=500)] | None,
        Meta(
            description="Where the browser goes afterwards, with `setup_id` and `status` in its query; begins with one "
            "of the operator's `payments.return_urls`. Null: a page of ours says what came of it.",
        ),
    ] = None


class CardSetup(msgspec.Struct, frozen=True, kw_only=True):
    """The way to the page on which a card is saved."""

    setup_id: int
    redirect_url: Annotated[str, Meta(description="The card provider's page. Open it in a browser.")]
    expires_at: Annotated[Unix, Meta(description="Unix seconds; after that a new page is needed.")]


class ChoosePaymentMethodRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What pays for what."""

    user_id: UserId = None
    flow: Annotated[Literal["SHARING", "TAXI", "RENTAL"], Meta(examples=["SHARING"])]
    payment_method_id: MethodId


class RemovePaymentMethodRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which card."""

    user_id: UserId = None
    payment_method_id: MethodId


class TopUpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How much, and from which card."""

    user_id: UserId = None
    amount: Annotated[
        Decimal,
        Meta(description="Within the operator's limits, with at most the currency's decimals.", examples=[20.0]),
    ]
    payment_method_id: Annotated[
        CardMethodId | None,
        Meta(
            description="A card of `get-user-payment-methods`. Null: the one that rides are paid with, or the newest.",
            examples=["card_12"],
        ),
    ] = None


class GetTopUpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which top-up."""

    user_id: UserId = None
    top_up_id: Id


class PayDebtRequest(msgspec.Struct, frozen=True, kw_only=True):
    """From which card."""

    user_id: UserId = None
    payment_method_id: Annotated[
        CardMethodId | None, Meta(description="A card; null: the one that rides are paid with, or the newest.")
    ] = None


class TopUp(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way from a card into the wallet, and the wallet as it is now."""

    top_up_id: int
    status: Annotated[
        Literal["SUCCEEDED", "ACTION_REQUIRED", "PENDING", "FAILED"],
        Meta(
            description="`ACTION_REQUIRED`: open `redirect_url`, then ask `get-top-up`. `PENDING`: the provider has not "
            "answered; ask `get-top-up` in a while. `FAILED`: see `reason`."
        ),
    ]
    amount: Amount
    redirect_url: Annotated[str | None, Meta(description="The bank's page, on which the rider confirms.")]
    reason: Annotated[str | None, Meta(description="Why it failed: the same as `details.reason` of `card_declined`.")]
    message: Annotated[str, Meta(description="What it means, for the rider.")]
    debt_settled: Annotated[Amount, Meta(description="The part of it that settled open debt.")]
    balance: Amount
    bonus: Amount
    debt: Amount
    currency_code: Currency


class SetAutoTopUpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is charged by itself, and when."""

    user_id: UserId = None
    is_on: Annotated[bool, Meta(description="False: nothing is charged by itself.", examples=[True])]
    threshold: Annotated[
        Decimal | None,
        Meta(description="Charge when the balance falls below this; null: as it was set before.", examples=[5.0]),
    ] = None
    amount: Annotated[
        Decimal | None,
        Meta(description="What is charged then, within the limits of a top-up; null: as it was.", examples=[20.0]),
    ] = None
    payment_method_id: Annotated[
        CardMethodId | None, Meta(description="A card; null: the one that rides are paid with, whichever that is then.")
    ] = None


class AutoTopUp(msgspec.Struct, frozen=True, kw_only=True):
    """What is charged by itself, and when."""

    is_on: bool
    threshold: Amount
    amount: Amount
    payment_method_id: Annotated[str | None, Meta(description="Null: the card that rides are paid with.")]
    is_suspended: Annotated[
        bool, Meta(description="A card said no; nothing is charged by itself until it is set again.")
    ]
    reason: Annotated[str | None, Meta(description="Why it is suspended: as `details.reason` of `card_declined`.")]
    message: Annotated[str | None, Meta(description="Why it is suspended, for the rider.")]
    currency_code: Currency


class WalletEntriesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which page."""

    user_id: UserId = None
    page_bookmark: Bookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None
    page_length: PageLength = 20
    currency: Annotated[
        Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None,
        Meta(description="Null: the operator's.", examples=["EUR"]),
    ] = None


class WalletEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the wallet. The amounts are what it changed: above 0 more, below 0 less."""

    id: int
    at: Unix
    title: Annotated[str, Meta(description="What it was, for people.", examples=["Ride"])]
    reason: Annotated[str, Meta(description="What it was, for programs; stable.", examples=["ride"])]
    balance: Amount
    bonus: Amount
    debt: Annotated[Amount, Meta(description="Above 0: more is owed.")]
    pending: Annotated[Amount, Meta(description="Below 0: a card is asked for it. Above 0: it goes back to a card.")]
    ride_id: Annotated[int | None, Meta(description="The ride that it was for.")] = None


class WalletEntries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the wallet's history, newest first."""

    entries: list[WalletEntry]
    currency_code: Currency
    bookmark_next: NextBookmark


class ReceiptsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which page."""

    user_id: UserId = None
    page_bookmark: Bookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None
    page_length: PageLength = 20


class ReceiptRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which receipt: by its id, or the one of a ride; if both are sent, they must fit."""

    user_id: UserId = None
    receipt_id: Id | None = None
    ride_id: Id | None = None


class ReceiptPdfRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which receipt."""

    user_id: UserId = None
    receipt_id: Id


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """`quantity * unit_price = amount`."""

    code: Annotated[str, Meta(examples=["ride_minutes"])]
    text: Annotated[str, Meta(examples=["Riding minutes"])]
    quantity: int
    unit_price: Amount
    amount: Amount


class ReceiptTax(msgspec.Struct, frozen=True, kw_only=True):
    """What was taxed with one rate: `net + tax = gross`."""

    rate_pct: Annotated[str, Meta(examples=["25.5"])]
    net: Amount
    tax: Amount
    gross: Amount


class BillLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what a booking or a trip costs."""

    code: Annotated[str, Meta(description="Stable, for programs.", examples=["rental_days"])]
    text: Annotated[str, Meta(examples=["Days"])]
    quantity: int
    unit_price: Amount
    amount: Annotated[Amount, Meta(description="`quantity` times `unit_price`.")]


class ReceiptPaid(msgspec.Struct, frozen=True, kw_only=True):
    """What paid a part; of a credit note: where the money went."""

    code: Annotated[str, Meta(description="`bonus`, `balance`, `card` or `debt`.", examples=["card"])]
    text: str
    amount: Amount


class ReceiptSeller(msgspec.Struct, frozen=True, kw_only=True):
    """The operator, as it stood on the day of issue."""

    name: str
    address: Annotated[str, Meta(description="Lines parted by newlines.")]
    tax_number: str
    email: str


class ReceiptSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt in a list."""

    receipt_id: int
    number: Annotated[str, Meta(description="Without gaps for each operator and year.", examples=["2026-000042"])]
    kind: Annotated[
        str,
        Meta(
            description="`RIDE`, `FINE`, `SUBSCRIPTION`, `RESERVATION`, `BOOKING` or `CREDIT_NOTE`.", examples=["RIDE"]
        ),
    ]
    title: Annotated[str, Meta(examples=["Receipt"])]
    subject: Annotated[str, Meta(description="The vehicle, or the reason.", examples=["ISO-1001"])]
    issued_at: Unix
    total: Amount
    currency_code: Currency
    ride_id: Annotated[int | None, Meta(description="The ride that it bills.")] = None


class Receipt(ReceiptSummary, frozen=True, kw_only=True):
    """A whole receipt. `total = net + tax`, and so do the columns of `taxes` and the amounts of `paid`."""

    corrects_number: Annotated[str | None, Meta(description="Of a credit note: the receipt that it corrects.")]
    net: Amount
    tax: Amount
    lines: list[ReceiptLine]
    taxes: list[ReceiptTax]
    paid: list[ReceiptPaid]
    seller: ReceiptSeller


class Receipts(msgspec.Struct, frozen=True, kw_only=True):
    """A page of receipts, newest first."""

    receipts: list[ReceiptSummary]
    bookmark_next: NextBookmark
