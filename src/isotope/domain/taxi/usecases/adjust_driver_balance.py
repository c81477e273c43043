"""Staff book what moved between the operator and a driver outside of trips."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from isotope.domain.drivers import driver_not_found, find_driver
from isotope.domain.taxi import staff_rules
from isotope.domain.taxi.usecases.locking import must
from isotope.domain.tenants.model import Operator, Role
from isotope.domain.wallet import AccountKind, Entry, Posting, get_driver_balance, idempotency_key_reused, post
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Fault, invalid
from isotope.kernel.ids import DriverId

_MOST_MINOR: Final = 10**9


class DriverMoney(StrEnum):
    """PAID: the operator paid the driver, or below zero the driver handed cash over. ADJUSTED: a gift, or a correction."""

    PAID = "PAID"
    ADJUSTED = "ADJUSTED"


_REASONS: Final = {DriverMoney.PAID: "driver_paid", DriverMoney.ADJUSTED: "driver_adjusted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustDriverBalance:
    """`amount_minor`: of PAID what the driver was given; of ADJUSTED what is added to the balance. Not zero.

    The same `key` by the same actor is the same booking.
    """

    operator: Operator
    role: Role
    driver_id: DriverId
    kind: DriverMoney
    amount_minor: int
    reason: str
    actor: Actor
    key: str


async def adjust_driver_balance(rt: Runtime, command: AdjustDriverBalance) -> int:
    """The driver's balance after it, minor units: what they are owed; below zero what they owe.

    Raises:
        Refusal: `role_not_allowed`, `driver_not_found`, `validation_failed`, `idempotency_key_reused`.
    """
    must(staff_rules.may_move_balances(command.role))
    if not 0 < abs(command.amount_minor) <= _MOST_MINOR:
        raise invalid(Fault("amount", "an amount other than 0, of at most 9 digits in minor units, is expected"))
    operator = command.operator
    added_minor = command.amount_minor if command.kind is DriverMoney.ADJUSTED else -command.amount_minor
    async with rt.db.write() as tx:
        if await find_driver(tx, operator.id, command.driver_id) is None:
            raise driver_not_found()
        number = await _insert(tx, command, added_minor, rt.clock.now())
        if number is not None:
            await post(
                tx,
                Posting(
                    operator_id=operator.id,
                    currency=operator.currency,
                    reason=_REASONS[command.kind],
                    actor=command.actor,
                    cause=f"driver_money:{number}",
                    now=rt.clock.now(),
                    entries=(
                        Entry(kind=AccountKind.DRIVER_BALANCE, amount_minor=added_minor, driver_id=command.driver_id),
                        Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-added_minor),
                    ),
                ),
            )
        elif await _find(tx, command) != (command.driver_id, command.kind, added_minor):
            raise idempotency_key_reused()
        return await get_driver_balance(tx, operator.id, command.driver_id, operator.currency)


async def _insert(tx: Tx, command: AdjustDriverBalance, added_minor: int, now: datetime) -> int | None:
    """Its number; None: the key was used before."""
    number: int | None = await tx.scalar(
        """
        insert into driver_money (operator_id, driver_id, kind, amount_minor, reason, actor, key, at)
        values (%(operator_id)s, %(driver_id)s, %(kind)s, %(amount)s, %(reason)s, %(actor)s, %(key)s, %(now)s)
        on conflict (operator_id, actor, key) do nothing
        returning id
        """,
        {
            "operator_id": command.operator.id,
            "driver_id": command.driver_id,
            "kind": command.kind,
            "amount": added_minor,
            "reason": command.reason,
            "actor": command.actor,
            "key": command.key,
            "now": now,
        },
    )
    return number


async def _find(tx: Tx, command: AdjustDriverBalance) -> tuple[int, str, int]:
    """What the key did the first time."""
    [(driver_id, kind, amount)] = await tx.tuples(
        """
        select driver_id, kind, amount_minor from driver_money
         where operator_id = %(operator_id)s and actor = %(actor)s and key = %(key)s
        """,
        {"operator_id": command.operator.id, "actor": command.actor, "key": command.key},
    )
    return driver_id, kind, amount
