"""A rider says what to pay with."""

import msgspec

from isotope.domain.identity import lock_rider
from isotope.domain.payments import choices, errors, queries
from isotope.domain.payments.model import CASH, WALLET, CardStatus
from isotope.domain.wallet import Flow
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId


class ChoosePaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """From now on `flow` is paid with `method_id`, unless a ride says otherwise."""

    operator_id: OperatorId
    rider_id: RiderId
    flow: Flow
    method_id: str


async def choose_payment_method(rt: Runtime, command: ChoosePaymentMethod) -> None:
    """The wallet, a card of the rider's own, and in a taxi cash.

    Raises:
        Refusal: `card_not_found`, `unknown_payment_method`, `user_not_found`.
    """
    who = (command.operator_id, command.rider_id)
    card_id = queries.card_id_of(command.method_id)
    allowed = [WALLET, CASH] if command.flow is Flow.TAXI else [WALLET]
    async with rt.db.write() as tx:
        # Whoever removes a card holds the rider too: no choice names a card that goes at this moment.
        await lock_rider(tx, *who)
        if card_id is not None:
            card = await queries.find_card(tx, *who, card_id)
            if card is None or card.status is not CardStatus.ACTIVE:
                raise errors.card_not_found()
            # As we write it: `card_07` is `card_7`.
            await choices.set_choice(tx, *who, command.flow, card.method_id)
            return
        if command.method_id not in allowed:
            saved = await queries.list_cards(tx, *who)
            raise errors.unknown_payment_method([*allowed, *(card.method_id for card in saved)])
        await choices.set_choice(tx, *who, command.flow, command.method_id)
