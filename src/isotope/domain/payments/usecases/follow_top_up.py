"""What follows when money came into a wallet by card, or did not: in the transaction that records it."""

from datetime import datetime

from isotope.domain.payments import auto_topups, debts
from isotope.domain.payments.model import After, CallStatus, CardPayment, Purpose, RefusalCode
from isotope.domain.wallet import get_standing
from isotope.infra.db import Tx


async def follow_top_up(tx: Tx, payment: CardPayment, after: After, now: datetime) -> None:
    """After the posting; the caller holds the payment and, where money moved, the wallet.

    | purpose     | money came                                  | the card said no              |
    |-------------|---------------------------------------------|-------------------------------|
    | TOP_UP      | debt: its collection ends if nothing is left; automatic top-ups work again | (nothing) |
    | DEBT        | debt: its collection ends if nothing is left | (nothing)                    |
    | AUTO_TOP_UP | debt: its collection ends if nothing is left | automatic top-ups are suspended |
    | RIDE, SUBSCRIPTION | (nothing)                            | (nothing here)                |
    """
    key = (payment.operator_id, payment.rider_id, payment.currency)
    if not payment.purpose.fills_wallet:
        return
    if after.collected_minor:
        if (await get_standing(tx, *key)).debt_minor == 0:
            await debts.end(tx, *key)
        if payment.purpose is Purpose.TOP_UP:
            await auto_topups.resume(tx, *key)
    elif payment.purpose is Purpose.AUTO_TOP_UP and after.call is CallStatus.REFUSED:
        await auto_topups.suspend(tx, *key, code=payment.code or RefusalCode.OTHER, now=now)
