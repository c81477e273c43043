"""Follows what happened, step by step, in the naive model, and holds the ledger and the provider against it.

That something was decided is read from the store. How much money a card gave or took is read from the provider: an
answer that was never heard is known here only once our books say that the call is over.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from isotope.domain.wallet import AccountKind, Standing
from tests.properties.money_model import NEVER, Bill, Model, Purse
from tests.properties.money_town import Seen, Town

WALLET_PURPOSES: Final = frozenset({"TOP_UP", "AUTO_TOP_UP", "DEBT"})
BY_ITSELF: Final = frozenset({"AUTO_TOP_UP", "DEBT"})
UNDECIDED: Final = frozenset({"AUTHORISING", "ACTION_REQUIRED", "AUTHORISED"})

# With which codes a card refuses what, whatever goes wrong on the way; a reservation may also never be sent.
MAY_REFUSE: Final[Mapping[str, Mapping[str, set[str]]]] = {
    "ok": {},
    "timeout": {},
    "declined": {"AUTHORISE": {"card_declined"}, "CHARGE": {"card_declined"}},
    "insufficient_funds": {"AUTHORISE": {"insufficient_funds"}, "CHARGE": {"insufficient_funds"}},
    "charges_decline_after_first": {"AUTHORISE": {"card_declined"}, "CHARGE": {"card_declined"}},
    "declined_at_capture": {"CHARGE": {"card_declined"}, "CAPTURE": {"card_declined"}},
    "refund_refused": {"REFUND": {"not_possible"}},
    "needs_3ds": {
        "AUTHORISE": {"authentication_required"},
        "CHARGE": {"authentication_required", "authentication_failed"},
    },
}


class Audit:
    """The model of a town, and what was seen of the town last."""

    def __init__(self, town: Town, seen: Seen) -> None:
        self.town = town
        self.seen = seen
        self.model = Model([Purse() for _ in town.riders])
        self.place = {rider.id: nr for nr, rider in enumerate(town.riders)}
        # By rider: whether automatic top-ups are on, and the threshold.
        self.auto: dict[int, int] = {}
        self.top_ups: dict[str, int] = {}

    def follow(self, seen: Seen, now: datetime, *, to_wallet: bool = False, in_order: bool = True) -> None:
        """Apply what is new, then compare everything.

        Args:
            seen: as it is now.
            now: the clock, which stood still since the last time.
            to_wallet: what refunds were asked to do with a card's part meanwhile.
            in_order: one thing was done; else several at once, none of which charged the rider for anything new.
        """
        before, self.seen = self.seen, seen
        self._follow_payments(before, in_order=in_order)
        for ride in _new(before.rides, seen.rides, lambda ride: ride["status"] == "ENDED"):
            self._charge_ride(before, ride)
        for fine in _new(before.fines, seen.fines):
            self._charge_fine(before, fine)
        for refund in _new(before.refunds, seen.refunds):
            self._refund(refund, now, to_wallet=to_wallet)
        for call in _new(before.calls, seen.calls, lambda call: call["status"] != "OPEN"):
            self._follow_call(call)
        self._follow_disputes(before)
        self.compare()

    def bonus_until(self, now: datetime) -> datetime:
        days = self.town.operator.settings.payments.bonus_days
        return NEVER if days is None else now + timedelta(days=days)

    def card_name(self, card_id: int) -> str:
        return self.town.card_names[card_id]

    def usable_card(self, seen: Seen, method: str) -> int | None:
        number = method.removeprefix("card_")
        card = None if number == method else int(number)
        return card if card is not None and seen.cards[card]["status"] == "ACTIVE" else None

    def usable_cards(self, rider: int) -> list[int]:
        """Oldest first."""
        rider_id = self.town.riders[rider].id
        cards = self.seen.cards.values()
        return sorted(card["id"] for card in cards if card["rider_id"] == rider_id and card["status"] == "ACTIVE")

    def is_asked(self, cause: str) -> bool:
        """Whether the provider is being asked anything about what pays a bill."""
        return any(call["paid_for"] == cause for call in self.seen.open_calls)

    def _charge_ride(self, before: Seen, ride: dict[str, Any]) -> None:
        by_card = self.usable_card(before, ride["method"]) is not None
        cause = f"ride:{ride['id']}"
        rider = self.place[ride["rider_id"]]
        self.model.charge(cause, rider, ride["total_minor"], ride["tax_minor"], by_card=by_card, with_bonus=True)

    def _charge_fine(self, before: Seen, fine: dict[str, Any]) -> None:
        ride = self.seen.rides[fine["ride_id"]]
        newest = max((card["id"] for card in before.cards.values() if card["rider_id"] == ride["rider_id"]), default=0)
        by_card = any(self.usable_card(before, method) for method in (ride["method"], f"card_{newest}") if newest)
        rider = self.place[ride["rider_id"]]
        self.model.charge(f"fine:{fine['id']}", rider, fine["amount_minor"], 0, by_card=by_card, with_bonus=False)

    def _refund(self, refund: dict[str, Any], now: datetime, *, to_wallet: bool) -> None:
        cause = f"ride:{refund['ride_id']}" if refund["fine_id"] is None else f"fine:{refund['fine_id']}"
        tax = sum(line["tax_minor"] for line in refund["taxes"])
        assert 0 <= tax <= refund["amount_minor"]
        self.model.refund(cause, refund["amount_minor"], tax, to_card=not to_wallet, bonus_until=self.bonus_until(now))
        bill = self.model.bills[cause]
        assert bill.tax_back <= bill.tax
        assert bill.left or bill.tax_back == bill.tax, "all was given back, the tax was not"

    def _follow_call(self, call: dict[str, Any]) -> None:
        moved = self.seen.moved.get(call["key"], 0)
        assert moved <= call["amount_minor"]
        self._may_be_refused(call, moved)
        if call["kind"] == "REFUND":
            self.model.card_takes_back(self.place[call["rider_id"]], call["amount_minor"], moved)
        elif call["kind"] in ("CHARGE", "CAPTURE") and call["purpose"] == "RIDE":
            self.model.card_pays_bill(call["paid_for"], call["amount_minor"], moved)
        elif call["kind"] == "CHARGE":
            self.model.card_pays_in(self.place[call["rider_id"]], moved)
            if call["purpose"] == "AUTO_TOP_UP" and not moved:
                # No loop after a failed charge.
                self.auto.pop(self.place[call["rider_id"]], None)
        else:
            assert moved == 0

    def _may_be_refused(self, call: dict[str, Any], moved: int) -> None:
        if call["status"] == "DONE":
            assert moved == call["amount_minor"] or call["kind"] in ("AUTHORISE", "RELEASE")
            return
        allowed = set(MAY_REFUSE[self.card_name(call["card_id"])].get(call["kind"], ()))
        if call["kind"] == "AUTHORISE":
            allowed.add("not_sent")
        if call["kind"] == "REFUND" and any(
            dispute.payment_ref == self.seen.payments[call["payment_id"]]["provider_ref"]
            for dispute in self.town.sandbox.movements(self.town.operator.id)
            if dispute.kind == "DISPUTED"
        ):
            allowed.add("not_possible")
        assert call["code"] in allowed, f"{call['kind']} refused: {call['code']}"

    def _follow_payments(self, before: Seen, *, in_order: bool) -> None:
        """What is asked of cards was to be asked."""
        debts_paid: Counter[int] = Counter()
        for payment in _new(before.payments, self.seen.payments):
            rider = self.place[payment["rider_id"]]
            if payment["purpose"] in BY_ITSELF:
                others = [
                    other
                    for other in before.payments.values()
                    if other["rider_id"] == payment["rider_id"]
                    and other["purpose"] in BY_ITSELF
                    and other["status"] in UNDECIDED
                ]
                assert not others, "charged by itself twice at once"
            if payment["purpose"] == "DEBT":
                assert payment["amount_minor"] <= -self.model.purses[rider].money
                assert not in_order or payment["amount_minor"] == -self.model.purses[rider].money
                debts_paid[rider] += payment["captured_minor"]
            if payment["purpose"] == "AUTO_TOP_UP":
                assert rider in self.auto, "topped up by itself though that is off, or a card said no"

        for rider, paid in debts_paid.items():
            assert paid <= -self.model.purses[rider].money, "a debt was paid twice"

    def _follow_disputes(self, before: Seen) -> None:
        for dispute in _new(before.disputes, self.seen.disputes):
            self.model.bank_takes(dispute["amount_minor"])
        for dispute in _new(before.disputes, self.seen.disputes, lambda dispute: dispute["status"] == "WON"):
            self.model.bank_takes(-dispute["amount_minor"])

    def compare(self) -> None:
        """Everything that must be so at any moment."""
        self._compare_ledger()
        self._compare_bills()
        self._nothing_is_charged_twice()
        self._provider_and_clearing_agree()
        owing = {self.town.riders[nr].id for nr, purse in enumerate(self.model.purses) if purse.money < 0}
        assert owing <= self.seen.collected, "nobody collects a debt"

    def _compare_ledger(self) -> None:
        seen, model = self.seen, self.model
        assert list(seen.standings) == [
            Standing(
                currency=self.town.operator.currency,
                balance_minor=max(0, purse.money),
                bonus_minor=purse.bonus,
                debt_minor=max(0, -purse.money),
                in_transit_minor=purse.in_transit,
            )
            for purse in model.purses
        ]
        assert list(seen.lots) == [sorted(lot.left for lot in purse.lots if lot.left) for purse in model.purses]
        assert seen.sums == {
            AccountKind.RIDER_BALANCE: sum(max(0, purse.money) for purse in model.purses),
            AccountKind.RIDER_DEBT: sum(min(0, purse.money) for purse in model.purses),
            AccountKind.RIDER_BONUS: sum(purse.bonus for purse in model.purses),
            AccountKind.RIDER_IN_TRANSIT: sum(purse.in_transit for purse in model.purses),
            # Rides and fines know none.
            AccountKind.RIDER_DEPOSIT: 0,
            AccountKind.DRIVER_BALANCE: 0,
            AccountKind.REVENUE: model.revenue,
            AccountKind.TAX: model.tax,
            AccountKind.ADJUSTMENTS: model.adjustments,
            AccountKind.PROVIDER_CLEARING: model.clearing,
            AccountKind.CHARGEBACKS: model.chargebacks,
        }
        assert sum(seen.sums.values()) == 0
        assert all(standing.debt_minor >= 0 for standing in seen.standings)
        # Every transaction sums to zero, every balance is the sum of its entries, lots are the bonus.
        assert list(seen.differences) == []

    def _compare_bills(self) -> None:
        for ride in self.seen.rides.values():
            if ride["status"] == "ENDED":
                _same_parts(self.model.bills[f"ride:{ride['id']}"], ride)
        for fine in self.seen.fines.values():
            _same_parts(self.model.bills[f"fine:{fine['id']}"], fine | {"bonus": 0})

    def _nothing_is_charged_twice(self) -> None:
        calls = {call["key"]: call for call in self.seen.calls.values()}
        taken: Counter[str] = Counter()
        returned: Counter[int] = Counter()
        for key, amount in self.seen.moved.items():
            call = calls[key]
            if call["kind"] == "REFUND":
                returned[call["payment_id"]] += amount
                continue
            taken[call["paid_for"]] += amount
            if call["purpose"] in WALLET_PURPOSES:
                assert taken[call["paid_for"]] == call["amount_minor"] == amount
        for cause, amount in taken.items():
            bill = self.model.bills.get(cause)
            if bill is not None:
                assert amount <= bill.pending + bill.paid["card"], "more was taken than was left to the card"
        for cause, amount in self.top_ups.items():
            assert taken[cause] in (0, amount)
        for payment_id, amount in returned.items():
            captured = sum(
                self.seen.moved.get(call["key"], 0)
                for call in calls.values()
                if call["payment_id"] == payment_id and call["kind"] != "REFUND"
            )
            assert amount <= captured, "more was given back than was taken"

    def _provider_and_clearing_agree(self) -> None:
        """Exactly, but for what nobody knows yet."""
        unknown = sum(call["amount_minor"] for call in self.seen.open_calls)
        there = self.town.sandbox.totals(self.town.operator.id)
        written = sum(row["amount_minor"] for row in self.seen.disputes.values())
        returned = sum(row["amount_minor"] for row in self.seen.disputes.values() if row["status"] == "WON")
        unheard = (there.disputed_minor - written) - (there.dispute_won_minor - returned)
        assert abs(there.net_minor + unheard + self.seen.sums[AccountKind.PROVIDER_CLEARING]) <= unknown


def _same_parts(bill: Bill, row: dict[str, Any]) -> None:
    assert {name: row[name] for name in bill.paid} | {"pending": row["pending"]} == bill.paid | {
        "pending": bill.pending
    }


def _new(
    before: Mapping[int, dict[str, Any]], after: Mapping[int, dict[str, Any]], holds: Any = lambda _row: True
) -> list[dict[str, Any]]:
    """Rows for which something holds that did not before."""
    return [row for id_, row in after.items() if holds(row) and not (id_ in before and holds(before[id_]))]
