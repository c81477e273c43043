"""Take the price of something from a rider."""

from isotope.domain.wallet import queries, rules, store
from isotope.domain.wallet.model import AccountKind, Charge, Charged, Posting
from isotope.domain.wallet.usecases.post import post
from isotope.infra.db import Tx


async def charge(tx: Tx, charge: Charge) -> Charged:
    """Bonus, then balance; what is missing becomes debt, or is awaited `on_card`. Nothing is posted for a price of nothing.

    The same cause and reason again return what was taken the first time.

    Raises:
        Refusal: `validation_failed` above the largest amount, `wallet_limit_reached`.
        ValueError: the cause was charged to another rider; a bug of the caller.
    """
    if charge.total_minor == 0:
        return Charged()
    if no := rules.may_move(charge.total_minor, charge.currency):
        raise no
    standing = await store.lock_standing(tx, charge.operator_id, charge.rider_id, charge.currency)
    no = rules.may_charge(standing, charge)
    # A repetition is answered whatever the wallet holds by now.
    if no and not await queries.find_entries(tx, charge.operator_id, charge.cause, charge.reason):
        raise no
    split = rules.split_charge(standing, charge)
    posted = await post(
        tx,
        Posting(
            operator_id=charge.operator_id,
            currency=charge.currency,
            reason=charge.reason,
            actor=charge.actor,
            cause=charge.cause,
            now=charge.now,
            entries=rules.charge_entries(charge, split),
        ),
    )
    if any(entry.rider_id not in (None, charge.rider_id) for entry in posted.entries):
        raise ValueError(f"{charge.cause} was charged to another rider")
    return Charged(
        bonus_minor=-posted.sum_minor(AccountKind.RIDER_BONUS),
        balance_minor=-posted.sum_minor(AccountKind.RIDER_BALANCE),
        debt_minor=-posted.sum_minor(AccountKind.RIDER_DEBT),
        card_minor=-posted.sum_minor(AccountKind.RIDER_IN_TRANSIT),
    )
