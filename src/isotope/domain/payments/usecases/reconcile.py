"""Compare the ledger with the card provider's own records."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from enum import StrEnum

import msgspec

from isotope.domain.payments import queries, reconciliation
from isotope.domain.payments.cards import Cards, merchant_of
from isotope.domain.payments.model import CallKind, CardCallId, Movement, MovementKind
from isotope.domain.payments.ports import CardProvider, FindCall
from isotope.domain.payments.reconciliation import PAGE, KnownCall, KnownDispute
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime


class DifferenceKind(StrEnum):
    """What does not agree.

    missing_here   money moved at the provider, and no call or dispute of ours is about it
    not_recorded   money moved at the provider, and our call is not written down as done
    amount         both have it, with different amounts or currencies
    not_posted     our call is done, and the ledger says something else
    missing_there  our call is done, and the provider knows nothing of it
    open           nobody knows yet what became of a call; the worker looks after it
    stray_posting  the ledger moved money of the provider without any call
    """

    MISSING_HERE = "missing_here"
    NOT_RECORDED = "not_recorded"
    AMOUNT = "amount"
    NOT_POSTED = "not_posted"
    MISSING_THERE = "missing_there"
    OPEN = "open"
    STRAY_POSTING = "stray_posting"


class CardDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One of them. Amounts are above zero when money came from the card; None: that side has nothing.

    `ref` is the provider's, `ours` is `card_call:12` or the cause of a posting.
    """

    kind: DifferenceKind
    ref: str | None
    ours: str | None
    currency: str
    provider_minor: int | None
    ledger_minor: int | None


class Reconcile(msgspec.Struct, frozen=True, kw_only=True):
    """Everything with `since <= at < until`, of one operator."""

    operator: Operator
    since: datetime
    until: datetime


class Reconciled(msgspec.Struct):
    """Counted while it runs: movements and calls that were looked at, and sums by currency, minor units."""

    movements: int = 0
    calls: int = 0
    differences: int = 0
    provider_minor: dict[str, int] = msgspec.field(default_factory=dict)
    ledger_minor: dict[str, int] = msgspec.field(default_factory=dict)


_SIGN = {
    MovementKind.CAPTURED: 1,
    MovementKind.REFUNDED: -1,
    MovementKind.DISPUTED: -1,
    MovementKind.DISPUTE_WON: 1,
}


async def reconcile(
    rt: Runtime, cards: Cards, command: Reconcile, tell: Callable[[Reconciled], None] = lambda _counted: None
) -> AsyncIterator[CardDifference]:
    """Every difference, as it is found: first what the provider has, then what we have, then what is open.

    A movement is matched by our key, so that clocks and the edges of the period make no difference; of a call of ours
    whose movement is not in the period the provider is asked singly. Memory holds a page, and the numbers of the calls
    that were matched. `tell` is called after every page.

    Raises:
        Refusal: `cards_unavailable`.
        CardsUnclear: the provider does not answer.
    """
    provider = cards.get_provider()
    counted = Reconciled()
    matched: set[int] = set()
    async for page in _pages(provider.list_movements(merchant_of(command.operator), command.since, command.until)):
        for difference in await _compare_movements(rt, command, page, counted, matched):
            counted.differences += 1
            yield difference
        tell(counted)
    async for found in _compare_calls(rt, provider, command, counted, matched, tell):
        counted.differences += 1
        yield found
    async with rt.db.read() as tx:
        strays = await reconciliation.list_stray_postings(tx, command.operator.id, command.since, command.until)
        waiting = await reconciliation.list_open_calls(tx, command.operator.id, command.until)
    for stray in strays:
        counted.differences += 1
        yield CardDifference(
            kind=DifferenceKind.STRAY_POSTING,
            ref=None,
            ours=stray.cause,
            currency=stray.currency,
            provider_minor=None,
            ledger_minor=stray.amount_minor,
        )
    for call in waiting:
        counted.differences += 1
        yield _of_call(DifferenceKind.OPEN, call, None)
    tell(counted)


async def _pages(movements: AsyncIterator[Movement]) -> AsyncIterator[list[Movement]]:
    page: list[Movement] = []
    async for movement in movements:
        page.append(movement)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


async def _compare_movements(
    rt: Runtime, command: Reconcile, page: list[Movement], counted: Reconciled, matched: set[int]
) -> list[CardDifference]:
    keys = [movement.call_key for movement in page if movement.call_key is not None]
    disputed = [one.ref for one in page if one.kind in (MovementKind.DISPUTED, MovementKind.DISPUTE_WON)]
    async with rt.db.read() as tx:
        calls = {call.key: call for call in await reconciliation.find_calls(tx, command.operator.id, keys)}
        disputes = {one.ref: one for one in await reconciliation.find_disputes(tx, command.operator.id, disputed)}
    found = []
    moved: dict[str, int] = defaultdict(int, counted.provider_minor)
    for movement in page:
        counted.movements += 1
        moved[movement.currency] += _SIGN[movement.kind] * movement.amount_minor
        if movement.kind in (MovementKind.DISPUTED, MovementKind.DISPUTE_WON):
            difference = _compare_dispute(movement, disputes.get(movement.ref))
        else:
            call = calls.get(movement.call_key or "")
            difference = _compare_movement(movement, call)
            if call is not None:
                matched.add(call.id)
        if difference is not None:
            found.append(difference)
    counted.provider_minor = dict(moved)
    return found


def _compare_movement(movement: Movement, call: KnownCall | None) -> CardDifference | None:
    amount = _SIGN[movement.kind] * movement.amount_minor
    if call is None:
        return _of_movement(DifferenceKind.MISSING_HERE, movement, None, None)
    if call.status != "DONE":
        return _of_movement(DifferenceKind.NOT_RECORDED, movement, f"card_call:{call.id}", call.posted_minor)
    if (call.moved_minor, call.currency) != (amount, movement.currency):
        return _of_movement(DifferenceKind.AMOUNT, movement, f"card_call:{call.id}", call.moved_minor)
    # That the ledger says the same is looked at from our side, once for every call.
    return None


def _compare_dispute(movement: Movement, dispute: KnownDispute | None) -> CardDifference | None:
    if dispute is None:
        return _of_movement(DifferenceKind.MISSING_HERE, movement, None, None)
    posted = dispute.opened_minor if movement.kind is MovementKind.DISPUTED else dispute.won_minor
    if posted == 0:
        return _of_movement(DifferenceKind.NOT_RECORDED, movement, None, None)
    if (posted, dispute.currency) != (movement.amount_minor, movement.currency):
        return _of_movement(DifferenceKind.AMOUNT, movement, None, _SIGN[movement.kind] * posted)
    return None


async def _compare_calls(
    rt: Runtime,
    provider: CardProvider,
    command: Reconcile,
    counted: Reconciled,
    matched: set[int],
    tell: Callable[[Reconciled], None],
) -> AsyncIterator[CardDifference]:
    after: tuple[datetime, int] | None = None
    while True:
        async with rt.db.read() as tx:
            page = await reconciliation.list_done_calls(tx, command.operator.id, command.since, command.until, after)
        for call in page:
            counted.calls += 1
            posted = counted.ledger_minor.get(call.currency, 0) + call.posted_minor
            counted.ledger_minor[call.currency] = posted
            if call.posted_minor != call.moved_minor:
                yield _of_call(DifferenceKind.NOT_POSTED, call, call.moved_minor)
            elif call.id not in matched and not await _is_known_there(rt, provider, command, call):
                yield _of_call(DifferenceKind.MISSING_THERE, call, None)
        tell(counted)
        if len(page) < PAGE:
            return
        last = page[-1]
        if last.answered_at is None:
            raise LookupError("a done call was answered")
        after = (last.answered_at, last.id)


async def _is_known_there(rt: Runtime, provider: CardProvider, command: Reconcile, call: KnownCall) -> bool:
    async with rt.db.read() as tx:
        stored = await queries.get_call(tx, command.operator.id, CardCallId(call.id))
        payment, card = await queries.get_call_with_card(tx, stored)
    if card.provider != provider.name:
        return True
    answer = await provider.find_call(
        FindCall(
            merchant=merchant_of(command.operator),
            key=call.key,
            kind=CallKind(call.kind),
            customer_ref=card.customer_ref,
            payment_ref=payment.provider_ref,
            amount_minor=stored.amount_minor,
            currency=call.currency,
            created_at=stored.created_at,
        )
    )
    return answer is not None and answer.outcome == "DONE" and answer.amount_minor == abs(call.moved_minor)


def _of_movement(
    kind: DifferenceKind, movement: Movement, ours: str | None, ledger_minor: int | None
) -> CardDifference:
    return CardDifference(
        kind=kind,
        ref=movement.ref,
        ours=ours,
        currency=movement.currency,
        provider_minor=_SIGN[movement.kind] * movement.amount_minor,
        ledger_minor=ledger_minor,
    )


def _of_call(kind: DifferenceKind, call: KnownCall, provider_minor: int | None) -> CardDifference:
    return CardDifference(
        kind=kind,
        ref=call.provider_ref,
        ours=f"card_call:{call.id}",
        currency=call.currency,
        provider_minor=provider_minor,
        ledger_minor=call.posted_minor,
    )
