"""The money of a trip: its fare, or the fee of one that was not driven, inside a transaction.

What is given in cash moves between rider and driver, and stands in the driver's account as money that they owe; what is
not, is taken as for rides: bonus, balance, what is awaited from the card, else debt. The driver's share is posted once,
with the bill.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from isotope.domain.drivers import get_driver
from isotope.domain.payments import (
    Card,
    CardCall,
    Cards,
    Collect,
    Purpose,
    after_spending,
    card_id_of,
    collect,
    list_usable_cards,
    plan_debt_collection,
)
from isotope.domain.pricing import proportional_tax
from isotope.domain.taxi import fares
from isotope.domain.taxi.model import FarePrice, Trip, TripPayment
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import AccountKind, Charge, Entry, Posting, charge, post
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor

BillReason = Literal["trip", "trip_fee"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillTrip:
    """Ask the rider of a trip for a price. `in_cash`: the driver is to be given it, and says so later."""

    operator: Operator
    trip: Trip
    price: FarePrice
    reason: BillReason
    actor: Actor
    now: datetime
    in_cash: bool = False


async def bill_trip(tx: Tx, rt: Runtime, cards: Cards, what: BillTrip) -> tuple[dict[str, Any], list[CardCall]]:
    """What changes of the trip's row, and the calls to carry out after the commit. The caller holds the row.

    What is reserved on a card and not needed is let go.
    """
    price = what.price
    changes: dict[str, Any] = {
        "lines": price.lines,
        "taxes": price.taxes,
        "total_minor": price.total_minor,
        "tax_minor": price.tax_minor,
    }
    if what.in_cash:
        return {**changes, "cash_due_minor": price.total_minor, **await _earn(tx, what)}, []
    charged, calls = await _charge(tx, rt, cards, what, price.total_minor, price.tax_minor)
    return {**changes, **charged, **await _earn(tx, what)}, calls


async def take_cash_part(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, trip: Trip, cash_minor: int, actor: Actor, now: datetime
) -> dict[str, Any]:
    """The driver was given so much of what is due in cash; the rest is the wallet's, or debt. The caller holds the row."""
    due_minor = trip.cash_due_minor
    taxes = proportional_tax(trip.taxes, 0, cash_minor)
    cash_tax_minor = sum(tax.tax_minor for tax in taxes)
    if cash_minor:
        await post(
            tx,
            Posting(
                operator_id=operator.id,
                currency=trip.currency,
                reason="trip_cash",
                actor=actor,
                cause=trip.cause,
                now=now,
                entries=_whole(
                    Entry(kind=AccountKind.DRIVER_BALANCE, amount_minor=-cash_minor, driver_id=trip.driver_id),
                    Entry(kind=AccountKind.REVENUE, amount_minor=cash_minor - cash_tax_minor),
                    Entry(kind=AccountKind.TAX, amount_minor=cash_tax_minor),
                ),
            ),
        )
    what = BillTrip(
        operator=operator,
        trip=trip,
        price=FarePrice(lines=trip.lines, taxes=trip.taxes, net_minor=0, tax_minor=0, total_minor=0),
        reason="trip",
        actor=actor,
        now=now,
    )
    charged, _calls = await _charge(tx, rt, cards, what, due_minor - cash_minor, trip.tax_minor - cash_tax_minor)
    return {"cash_minor": cash_minor, "cash_due_minor": 0, **charged}


async def _charge(
    tx: Tx, rt: Runtime, cards: Cards, what: BillTrip, total_minor: int, tax_minor: int
) -> tuple[dict[str, Any], list[CardCall]]:
    operator, trip = what.operator, what.trip
    card = await _paying_card(tx, cards, trip)
    charged = await charge(
        tx,
        Charge(
            operator_id=operator.id,
            rider_id=trip.rider_id,
            currency=trip.currency,
            total_minor=total_minor,
            tax_minor=tax_minor,
            reason=what.reason,
            actor=what.actor,
            cause=trip.cause,
            now=what.now,
            on_card=card is not None,
        ),
    )
    calls: list[CardCall] = []
    if trip.payment is TripPayment.CARD:
        calls = await collect(
            tx,
            Collect(
                operator_id=operator.id,
                purpose=Purpose.TRIP,
                cause=trip.cause,
                card=card,
                currency=trip.currency,
                due_minor=charged.card_minor,
                actor=what.actor,
                now=what.now,
            ),
        )
    if charged.debt_minor:
        await plan_debt_collection(tx, operator, trip.rider_id, trip.currency, what.now)
    if total_minor:
        await after_spending(tx, rt, operator, trip.rider_id, trip.currency, trip.cause)
    return {
        "charged_bonus_minor": charged.bonus_minor,
        "charged_balance_minor": charged.balance_minor,
        "card_pending_minor": charged.card_minor,
        "debt_minor": charged.debt_minor,
    }, calls


async def _paying_card(tx: Tx, cards: Cards, trip: Trip) -> Card | None:
    """The card that the trip was requested with, if it can still be used."""
    card_id = card_id_of(trip.payment_method_id) if trip.payment is TripPayment.CARD else None
    if card_id is None:
        return None
    usable = await list_usable_cards(tx, cards, trip.operator_id, trip.rider_id)
    return next((card for card in usable if card.id == card_id), None)


async def _earn(tx: Tx, what: BillTrip) -> dict[str, Any]:
    """The driver's share. A fee of a trip that nobody had accepted is the operator's."""
    trip = what.trip
    if trip.driver_id is None or not what.price.total_minor:
        return {}
    driver = await get_driver(tx, trip.operator_id, trip.driver_id)
    commission = driver.commission_pct if driver.commission_pct is not None else Decimal(trip.terms.commission_pct)
    share_minor = fares.earning_minor(what.price.total_minor, commission)
    if share_minor:
        await post(
            tx,
            Posting(
                operator_id=trip.operator_id,
                currency=trip.currency,
                reason="trip_earning",
                actor=what.actor,
                cause=trip.cause,
                now=what.now,
                entries=(
                    Entry(kind=AccountKind.REVENUE, amount_minor=-share_minor),
                    Entry(kind=AccountKind.DRIVER_BALANCE, amount_minor=share_minor, driver_id=trip.driver_id),
                ),
            ),
        )
    return {"earned_minor": share_minor}


def _whole(*entries: Entry) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.amount_minor)
