"""The operator gives a rider money."""

from typing import Final
from uuid import uuid4

from psycopg.errors import ForeignKeyViolation

from isotope.domain.wallet import errors, queries, rules, store
from isotope.domain.wallet.model import MAX_KEY_LENGTH, AccountKind, AddMoney, MoneyAdded, MoneyKind, Posted, Posting
from isotope.domain.wallet.usecases.post import post
from isotope.infra.runtime import Runtime

# One word for both kinds: a key that comes again with the other kind must find what it did the first time.
REASON: Final = "money_added"


async def add_money(rt: Runtime, command: AddMoney) -> MoneyAdded:
    """BALANCE settles debt first and is spendable with what remains; BONUS only ever pays for rides.

    Raises:
        Refusal: `validation_failed` (amount, key), `user_not_found`, `wallet_limit_reached`, and
            `idempotency_key_reused` when the key was used for something else.
    """
    if command.idempotency_key is not None and not 0 < len(command.idempotency_key) <= MAX_KEY_LENGTH:
        raise errors.idempotency_key_invalid()
    if no := rules.may_move(command.amount_minor, command.operator.currency):
        raise no
    now = rt.clock.now()
    cause = f"add_money:{command.actor}:{command.idempotency_key or uuid4()}"
    try:
        async with rt.db.write() as tx:
            operator = command.operator
            standing = await store.lock_standing(tx, operator.id, command.rider_id, operator.currency)
            no = rules.may_add(standing, command.amount_minor, command.kind)
            # A repetition is answered whatever the wallet holds by now.
            if no and not await queries.find_entries(tx, operator.id, cause, REASON):
                raise no
            posted = await post(
                tx,
                Posting(
                    operator_id=operator.id,
                    currency=operator.currency,
                    reason=REASON,
                    actor=command.actor,
                    cause=cause,
                    now=now,
                    entries=rules.gift_entries(command.rider_id, standing, command.amount_minor, command.kind),
                    bonus_expires_at=rules.bonus_expiry(operator.settings.payments, now),
                ),
            )
            if not posted.is_new and not _is_same(posted, command):
                raise errors.idempotency_key_reused()
            return MoneyAdded(
                standing=await queries.get_standing(tx, operator.id, command.rider_id, operator.currency),
                debt_settled_minor=posted.sum_minor(AccountKind.RIDER_DEBT),
                is_new=posted.is_new,
            )
    except ForeignKeyViolation as error:
        raise errors.rider_without_wallet() from error


def _is_same(posted: Posted, command: AddMoney) -> bool:
    """Whether what the key did the first time is what is asked for now."""
    was_bonus = posted.sum_minor(AccountKind.RIDER_BONUS) > 0
    return (
        all(entry.rider_id in (None, command.rider_id) for entry in posted.entries)
        and -posted.sum_minor(AccountKind.ADJUSTMENTS) == command.amount_minor
        and was_bonus == (command.kind is MoneyKind.BONUS)
    )
