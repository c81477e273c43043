"""Receipts: what is billed, to whom, by whom, and what paid it."""

from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from zoneinfo import ZoneInfo

import msgspec

from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.tenants.model import Operator
from isotope.kernel.ids import OperatorId, RiderId

ReceiptId = NewType("ReceiptId", int)


class ReceiptKind(StrEnum):
    """What was settled. A CREDIT_NOTE takes back a part or all of another receipt."""

    RIDE = "RIDE"
    FINE = "FINE"
    SUBSCRIPTION = "SUBSCRIPTION"
    RESERVATION = "RESERVATION"
    BOOKING = "BOOKING"
    TRIP = "TRIP"
    CREDIT_NOTE = "CREDIT_NOTE"


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """What paid a receipt, in minor units. `debt_minor` is still owed.

    `cash_minor` was given to a driver. Of a credit note: where the money went; `debt_minor` is debt that was cancelled.
    """

    bonus_minor: int = 0
    balance_minor: int = 0
    card_minor: int = 0
    debt_minor: int = 0
    cash_minor: int = 0

    @property
    def total_minor(self) -> int:
        return self.bonus_minor + self.balance_minor + self.card_minor + self.debt_minor + self.cash_minor


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """The operator as it stood on the day of issue; `address` has its lines parted by newlines."""

    legal_name: str
    address: str = ""
    tax_number: str = ""
    email: str = ""
    footer: str = ""


class ReceiptDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt that is to be issued.

    Attributes:
        operator: who sells; name, address, time zone and number prefix are taken from its settings as they are now.
        cause: what is settled (`ride:12`, `fine:4`, `subscription:5`, `booking_charge:9`, `trip:8`, `refund:3`); one receipt a cause.
        lines: as on the bill. Amounts of a credit note are positive too: its kind says which way the money went.
        taxes: of the lines; net, tax and total of the receipt are the sums of their columns.
        paid: sums to the same total.
        issued_at: when the money was settled; its year in the operator's time zone is the year of the number.
        corrects: the cause of the receipt that a credit note corrects.
        subject: what the lines are about, for people: the vehicle's number, the reason of a fine or refund, the title of
            a plan. Nothing that tells who the rider is.
        supplied_from, supplied_until: when it was ridden, or what period was bought.
    """

    operator: Operator
    rider_id: RiderId
    kind: ReceiptKind
    cause: str
    currency: str
    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    paid: Paid
    issued_at: datetime
    corrects: str | None = None
    subject: str = ""
    supplied_from: datetime | None = None
    supplied_until: datetime | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt as it is stored. `number` is None for the moment until it is numbered.

    `corrects_number` is the number of the receipt that a credit note corrects, if that one was issued here.
    """

    operator_id: OperatorId
    id: ReceiptId
    rider_id: RiderId
    kind: ReceiptKind
    cause: str
    corrects: str | None
    corrects_number: str | None
    subject: str
    supplied_from: datetime | None
    supplied_until: datetime | None
    currency: str
    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    net_minor: int
    tax_minor: int
    total_minor: int
    paid: Paid
    issued_at: datetime
    time_zone: str
    seller: Seller
    number: str | None

    @property
    def issued_on(self) -> date:
        """The day at the operator's."""
        return self.issued_at.astimezone(ZoneInfo(self.time_zone)).date()


class NumberFault(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong in a year's numbers: `what` is `gap`, `counter`, or `year`."""

    what: str
    year: int
    number: int
