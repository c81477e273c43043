"""A naive model of an operator's money: numbers that go up and down. It knows none of the code's rules."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

NEVER: Final = datetime.max.replace(tzinfo=UTC)

# Of what was paid, the parts that come back first.
GIVEN_BACK_IN_ORDER: Final = ("debt", "card", "balance", "bonus")


@dataclass
class Lot:
    """Some bonus, and when it ends."""

    ends_at: datetime
    left: int


@dataclass
class Purse:
    """What a rider has: `money` above zero, or below zero owes, but never both.

    `in_transit` is below zero while a card is asked for it, above zero while it is on its way back to one.
    """

    money: int = 0
    in_transit: int = 0
    lots: list[Lot] = field(default_factory=list)

    @property
    def bonus(self) -> int:
        return sum(lot.left for lot in self.lots)

    def spend_bonus(self, most: int) -> int:
        spent = 0
        for lot in sorted(self.lots, key=lambda lot: lot.ends_at):
            part = min(lot.left, most - spent)
            lot.left -= part
            spent += part
        return spent

    def spend_money(self, most: int) -> int:
        """Only what is there."""
        spent = max(0, min(self.money, most))
        self.money -= spent
        return spent


@dataclass
class Bill:
    """A ride's price or a fine: what paid it, what a card is still asked for, and what of each part was given back."""

    rider: int
    total: int
    tax: int
    pending: int
    paid: dict[str, int]
    back: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GIVEN_BACK_IN_ORDER, 0))
    tax_back: int = 0

    @property
    def left(self) -> int:
        return self.total - sum(self.back.values())


@dataclass
class Model:
    """All riders of an operator, and the operator's own accounts; credits are above zero, as in the ledger."""

    purses: list[Purse]
    bills: dict[str, Bill] = field(default_factory=dict)
    revenue: int = 0
    tax: int = 0
    adjustments: int = 0
    clearing: int = 0
    chargebacks: int = 0

    def give(self, rider: int, amount: int, *, bonus_until: datetime | None) -> None:
        """The operator adds money, or bonus that ends."""
        self.adjustments -= amount
        if bonus_until is None:
            self.purses[rider].money += amount
        else:
            self.purses[rider].lots.append(Lot(bonus_until, amount))

    def end_bonus(self, now: datetime) -> None:
        for purse in self.purses:
            for lot in purse.lots:
                if lot.ends_at <= now:
                    self.adjustments += lot.left
                    lot.left = 0

    def charge(self, cause: str, rider: int, total: int, tax: int, *, by_card: bool, with_bonus: bool) -> None:
        """What the rider has pays; the rest is asked of the card, or owed."""
        purse = self.purses[rider]
        bonus = purse.spend_bonus(total) if with_bonus else 0
        balance = purse.spend_money(total - bonus)
        rest = total - bonus - balance
        if by_card:
            purse.in_transit -= rest
        else:
            purse.money -= rest
        self.bills[cause] = Bill(
            rider,
            total,
            tax,
            pending=rest if by_card else 0,
            paid={"bonus": bonus, "balance": balance, "card": 0, "debt": 0 if by_card else rest},
        )
        self.revenue += total - tax
        self.tax += tax

    def card_pays_in(self, rider: int, amount: int) -> None:
        self.purses[rider].money += amount
        self.clearing -= amount

    def card_pays_bill(self, cause: str, asked: int, moved: int) -> None:
        """The card was asked for a part of a bill; what it did not pay is owed."""
        bill = self.bills[cause]
        purse = self.purses[bill.rider]
        bill.pending -= asked
        bill.paid["card"] += moved
        bill.paid["debt"] += asked - moved
        purse.in_transit += asked
        purse.money -= asked - moved
        self.clearing -= moved

    def refund(self, cause: str, amount: int, tax: int, *, to_card: bool, bonus_until: datetime) -> None:
        """The operator gives a part of a bill back: by the way it came, or (`to_card` False) the card's part as money."""
        bill = self.bills[cause]
        purse = self.purses[bill.rider]
        rest = amount
        parts = {}
        for name in GIVEN_BACK_IN_ORDER:
            parts[name] = min(rest, bill.paid[name] - bill.back[name])
            rest -= parts[name]
            bill.back[name] += parts[name]
        assert rest == 0, "more than was paid"
        if parts["bonus"]:
            purse.lots.append(Lot(bonus_until, parts["bonus"]))
        purse.money += parts["debt"] + parts["balance"]
        if to_card:
            purse.in_transit += parts["card"]
        else:
            purse.money += parts["card"]
        bill.tax_back += tax
        self.revenue -= amount - tax
        self.tax -= tax

    def card_takes_back(self, rider: int, asked: int, moved: int) -> None:
        """A card was to get something back; what it did not take is the rider's."""
        purse = self.purses[rider]
        purse.in_transit -= asked
        purse.money += asked - moved
        self.clearing += moved

    def bank_takes(self, amount: int) -> None:
        """A dispute; won, it comes back (below zero)."""
        self.clearing += amount
        self.chargebacks -= amount
