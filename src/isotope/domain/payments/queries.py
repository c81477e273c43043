"""What is read of cards and payments."""

from collections.abc import Sequence

from isotope.domain.payments.cards import Cards
from isotope.domain.payments.model import (
    CARD_PREFIX,
    Card,
    CardCall,
    CardCallId,
    CardId,
    CardPayment,
    CardPaymentId,
)
from isotope.domain.payments.rows import CALL_COLUMNS, CARD_COLUMNS, PAYMENT_COLUMNS, call_row, card_row, payment_row
from isotope.infra.db import Tx
from isotope.kernel.ids import MAX_ID, OperatorId, RiderId

# More cards than this nobody needs; the next is refused.
MOST_CARDS = 20


def card_id_of(method_id: str) -> CardId | None:
    """The card that a `payment_method_id` names; None if it names no card."""
    digits = method_id.removeprefix(CARD_PREFIX)
    if digits == method_id or not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(MAX_ID)):
        return None
    found = int(digits)
    return CardId(found) if found <= MAX_ID else None


async def list_cards(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> list[Card]:
    """The rider's cards that can be used, newest first."""
    return await tx.all(
        card_row,
        f"""
        select {CARD_COLUMNS} from card
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = 'ACTIVE'
         order by id desc limit {MOST_CARDS}
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def list_usable_cards(tx: Tx, cards: Cards, operator_id: OperatorId, rider_id: RiderId) -> list[Card]:
    """The rider's cards at the provider that is in use, newest first."""
    if cards.provider is None:
        return []
    name = cards.provider.name
    return [card for card in await list_cards(tx, operator_id, rider_id) if card.provider == name]


async def find_usable_card(
    tx: Tx, cards: Cards, operator_id: OperatorId, rider_id: RiderId, card_id: int | None
) -> Card | None:
    """The rider's card if it can be charged here."""
    if card_id is None:
        return None
    usable = await list_usable_cards(tx, cards, operator_id, rider_id)
    return next((card for card in usable if card.id == card_id), None)


async def find_card(tx: Tx, operator_id: OperatorId, rider_id: RiderId, card_id: CardId) -> Card | None:
    """A rider's own card, whatever its status."""
    return await tx.find(
        card_row,
        f"""
        select {CARD_COLUMNS} from card
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and id = %(card_id)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "card_id": card_id},
    )


async def find_choice(tx: Tx, operator_id: OperatorId, rider_id: RiderId, flow: str) -> str | None:
    """The payment method that the rider chose for a flow; it may be a card that is gone."""
    found: str | None = await tx.scalar(
        """
        select method_id from payment_choice
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and flow = %(flow)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "flow": flow},
    )
    return found


async def get_payment(tx: Tx, operator_id: OperatorId, payment_id: CardPaymentId) -> CardPayment:
    return await tx.one(
        payment_row,
        f"select {PAYMENT_COLUMNS} from card_payment where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": payment_id},
    )


async def find_payment(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, payment_id: CardPaymentId
) -> CardPayment | None:
    """A rider's own payment."""
    return await tx.find(
        payment_row,
        f"""
        select {PAYMENT_COLUMNS} from card_payment
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and id = %(id)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "id": payment_id},
    )


async def list_payments(tx: Tx, operator_id: OperatorId, cause: str) -> list[CardPayment]:
    """Every payment for a cause, oldest first; few, since each needs a cause of its own or a ride."""
    return await tx.all(
        payment_row,
        f"""
        select {PAYMENT_COLUMNS} from card_payment
         where operator_id = %(operator_id)s and cause = %(cause)s order by id limit 100
        """,
        {"operator_id": operator_id, "cause": cause},
    )


async def get_call(tx: Tx, operator_id: OperatorId, call_id: CardCallId) -> CardCall:
    return await tx.one(
        call_row,
        f"select {CALL_COLUMNS} from card_call where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": call_id},
    )


async def find_open_call(tx: Tx, operator_id: OperatorId, payment_id: CardPaymentId) -> CardCall | None:
    """What is being asked of the provider about a payment now."""
    return await tx.find(
        call_row,
        f"""
        select {CALL_COLUMNS} from card_call
         where operator_id = %(operator_id)s and payment_id = %(payment_id)s and status = 'OPEN'
        """,
        {"operator_id": operator_id, "payment_id": payment_id},
    )


async def get_charge_call_id(tx: Tx, payment: CardPayment) -> CardCallId:
    """The call that took the money of a payment that was charged at once."""
    found: CardCallId = await tx.scalar(
        """
        select id from card_call
         where operator_id = %(operator_id)s and payment_id = %(payment_id)s and kind = 'CHARGE' and status = 'DONE'
        """,
        {"operator_id": payment.operator_id, "payment_id": payment.id},
    )
    return found


async def list_call_causes(tx: Tx, operator_id: OperatorId, call_ids: Sequence[int]) -> dict[int, str]:
    """What calls were for: the cause of the payment, or of the refund."""
    rows = await tx.tuples(
        "select id, cause from card_call where operator_id = %(operator_id)s and id = any(%(ids)s::bigint[])",
        {"operator_id": operator_id, "ids": list(call_ids)},
    )
    return dict(rows)


async def list_asked(tx: Tx, operator_id: OperatorId, cause: str) -> set[CardPaymentId]:
    """The payments for a cause about which the provider is being asked something now."""
    rows = await tx.tuples(
        """
        select c.payment_id from card_payment p
          join card_call c on c.operator_id = p.operator_id and c.payment_id = p.id and c.status = 'OPEN'
         where p.operator_id = %(operator_id)s and p.cause = %(cause)s
        """,
        {"operator_id": operator_id, "cause": cause},
    )
    return {CardPaymentId(payment_id) for (payment_id,) in rows}


async def get_call_with_card(tx: Tx, call: CardCall) -> tuple[CardPayment, Card]:
    """What a call is about."""
    payment = await get_payment(tx, call.operator_id, call.payment_id)
    card = await find_card(tx, call.operator_id, payment.rider_id, payment.card_id)
    if card is None:
        raise LookupError("a payment has a card")
    return payment, card


async def list_refundable(
    tx: Tx, provider_name: str | None, operator_id: OperatorId, cause: str, amount_minor: int
) -> list[tuple[CardPaymentId, int]]:
    """Which payments for a cause give `amount_minor` back, and how much each: the oldest first.

    Less than asked for where some was paid at a provider that this installation has left, or nobody takes cards.
    """
    if provider_name is None:
        return []
    rows = await tx.tuples(
        """
        select p.id, p.captured_minor - p.refunded_minor
          from card_payment p join card c on c.operator_id = p.operator_id and c.id = p.card_id
         where p.operator_id = %(operator_id)s and p.cause = %(cause)s and p.captured_minor > p.refunded_minor
           and c.provider = %(provider)s
         order by p.id limit 100
        """,
        {"operator_id": operator_id, "cause": cause, "provider": provider_name},
    )
    found = []
    for payment_id, left_minor in rows:
        part_minor = min(left_minor, amount_minor)
        if part_minor:
            found.append((CardPaymentId(payment_id), part_minor))
        amount_minor -= part_minor
    return found
