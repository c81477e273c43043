"""What riders set for automatic top-ups. Rows are locked last, after the wallet."""

from datetime import datetime

from isotope.domain.payments.model import AutoTopUp, CardId
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId

_COLUMNS = (
    "operator_id, rider_id, currency, is_on, threshold_minor, amount_minor, card_id, suspended_at, suspended_code"
)


async def find(tx: Tx, operator_id: OperatorId, rider_id: RiderId, currency: str) -> AutoTopUp | None:
    """None: the rider never set any."""
    return await tx.find(
        AutoTopUp,
        f"""
        select {_COLUMNS} from auto_topup
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "currency": currency},
    )


async def save(
    tx: Tx,
    operator_id: OperatorId,
    rider_id: RiderId,
    currency: str,
    *,
    is_on: bool,
    threshold_minor: int,
    amount_minor: int,
    card_id: CardId | None,
    now: datetime,
) -> AutoTopUp:
    """What the rider wants from now on; nothing is suspended any more."""
    return await tx.one(
        AutoTopUp,
        f"""
        insert into auto_topup (operator_id, rider_id, currency, is_on, threshold_minor, amount_minor, card_id, changed_at)
        values (%(operator_id)s, %(rider_id)s, %(currency)s, %(is_on)s, %(threshold)s, %(amount)s, %(card_id)s, %(now)s)
        on conflict (operator_id, rider_id, currency) do update
           set is_on = excluded.is_on, threshold_minor = excluded.threshold_minor, amount_minor = excluded.amount_minor,
               card_id = excluded.card_id, changed_at = excluded.changed_at, suspended_at = null, suspended_code = null
        returning {_COLUMNS}
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "currency": currency,
            "is_on": is_on,
            "threshold": threshold_minor,
            "amount": amount_minor,
            "card_id": card_id,
            "now": now,
        },
    )


async def suspend(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, currency: str, *, code: str, now: datetime
) -> None:
    """A card said no: nothing more is charged by itself."""
    await tx.execute(
        """
        update auto_topup set suspended_at = %(now)s, suspended_code = %(code)s
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
           and suspended_at is null
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "currency": currency, "code": code, "now": now},
    )


async def resume(tx: Tx, operator_id: OperatorId, rider_id: RiderId, currency: str) -> None:
    """The rider paid by hand: what was suspended works again."""
    await tx.execute(
        """
        update auto_topup set suspended_at = null, suspended_code = null
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
           and suspended_at is not null
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "currency": currency},
    )
