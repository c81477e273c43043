"""The SQL of fines and refunds."""

from datetime import datetime
from typing import Any, Literal, NewType

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.payments import Parts
from isotope.domain.pricing.model import TaxLine
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, RideId

RefundId = NewType("RefundId", int)
FineId = NewType("FineId", int)
# By whom and why: staff, or the second look at a finished ride.
RefundCode = Literal["refund", "failed_ride", "late_report"]


class Fine(msgspec.Struct, frozen=True, kw_only=True):
    """A fine on a ride; its parts are as those of a ride."""

    operator_id: OperatorId
    id: FineId
    ride_id: RideId
    amount_minor: int
    charged_balance_minor: int
    charged_card_minor: int
    card_pending_minor: int
    debt_minor: int
    reason: str
    actor: Actor
    key: str
    at: datetime

    @property
    def cause(self) -> str:
        """What payments, postings and receipts say."""
        return f"fine:{self.id}"

    @property
    def parts(self) -> Parts:
        return Parts(
            balance_minor=self.charged_balance_minor, card_minor=self.charged_card_minor, debt_minor=self.debt_minor
        )


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """What was given back of a ride's price or of a fine, and where it went."""

    operator_id: OperatorId
    id: RefundId
    ride_id: RideId
    fine_id: FineId | None
    amount_minor: int
    taxes: tuple[TaxLine, ...]
    bonus_minor: int
    balance_minor: int
    card_minor: int
    debt_minor: int
    to_bonus_minor: int
    to_balance_minor: int
    to_debt_minor: int
    to_card_minor: int
    card_pending_minor: int
    code: RefundCode = "refund"
    reason: str
    actor: Actor
    key: str
    at: datetime

    @property
    def cause(self) -> str:
        """What calls, postings and receipts say."""
        return f"refund:{self.id}"

    @property
    def parts(self) -> Parts:
        return Parts(
            bonus_minor=self.bonus_minor,
            balance_minor=self.balance_minor,
            card_minor=self.card_minor,
            debt_minor=self.debt_minor,
        )

    @property
    def corrects(self) -> str:
        """The cause of what it gives back."""
        return f"ride:{self.ride_id}" if self.fine_id is None else f"fine:{self.fine_id}"


# Of one ride; nobody fines or refunds one more often.
MOST = 100

_FINE = (
    "operator_id, id, ride_id, amount_minor, charged_balance_minor, charged_card_minor, card_pending_minor,"
    " debt_minor, reason, actor, key, at"
)
_REFUND = (
    "operator_id, id, ride_id, fine_id, amount_minor, taxes, bonus_minor, balance_minor, card_minor, debt_minor,"
    " to_bonus_minor, to_balance_minor, to_debt_minor, to_card_minor, card_pending_minor, code, reason, actor, key, at"
)


def _refund_row(*, taxes: Any, **row: Any) -> Refund:
    return Refund(taxes=msgspec.convert(taxes, tuple[TaxLine, ...]), **row)


async def next_fine_id(tx: Tx) -> FineId:
    """The number of the next fine, which its posting names before its row is there."""
    return FineId(await tx.scalar("select nextval(pg_get_serial_sequence('ride_fine', 'id'))"))


async def next_refund_id(tx: Tx) -> RefundId:
    """As `next_fine_id`."""
    return RefundId(await tx.scalar("select nextval(pg_get_serial_sequence('ride_refund', 'id'))"))


async def insert_fine(tx: Tx, fine: Fine) -> Fine:
    """The index on actor and key refuses a second one."""
    return await tx.one(
        Fine,
        f"""
        insert into ride_fine (operator_id, id, ride_id, amount_minor, charged_balance_minor, charged_card_minor,
                               card_pending_minor, debt_minor, reason, actor, key, at)
        overriding system value
        values (%(operator_id)s, %(id)s, %(ride_id)s, %(amount_minor)s, %(charged_balance_minor)s,
                %(charged_card_minor)s, %(card_pending_minor)s, %(debt_minor)s, %(reason)s, %(actor)s, %(key)s, %(at)s)
        returning {_FINE}
        """,
        msgspec.structs.asdict(fine),
    )


async def insert_refund(tx: Tx, refund: Refund) -> Refund:
    """The trigger refuses more than was charged, the index on actor and key a second one."""
    return await tx.one(
        _refund_row,
        f"""
        insert into ride_refund (operator_id, id, ride_id, fine_id, amount_minor, taxes, bonus_minor, balance_minor,
                                 card_minor, debt_minor, to_bonus_minor, to_balance_minor, to_debt_minor,
                                 to_card_minor, card_pending_minor, code, reason, actor, key, at)
        overriding system value
        values (%(operator_id)s, %(id)s, %(ride_id)s, %(fine_id)s, %(amount_minor)s, %(taxes)s, %(bonus_minor)s,
                %(balance_minor)s, %(card_minor)s, %(debt_minor)s, %(to_bonus_minor)s, %(to_balance_minor)s,
                %(to_debt_minor)s, %(to_card_minor)s, %(card_pending_minor)s, %(code)s, %(reason)s, %(actor)s, %(key)s, %(at)s)
        returning {_REFUND}
        """,
        msgspec.structs.asdict(refund) | {"taxes": Jsonb(msgspec.to_builtins(refund.taxes))},
    )


async def list_fines(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> list[Fine]:
    """Of a ride, oldest first."""
    return await tx.all(
        Fine,
        f"""
        select {_FINE} from ride_fine
         where operator_id = %(operator_id)s and ride_id = %(ride_id)s order by id limit {MOST}
        """,
        {"operator_id": operator_id, "ride_id": ride_id},
    )


async def list_refunds(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> list[Refund]:
    """Of a ride and its fines, oldest first."""
    return await tx.all(
        _refund_row,
        f"""
        select {_REFUND} from ride_refund
         where operator_id = %(operator_id)s and ride_id = %(ride_id)s order by id limit {MOST}
        """,
        {"operator_id": operator_id, "ride_id": ride_id},
    )


async def find_fine(tx: Tx, operator_id: OperatorId, fine_id: FineId) -> Fine | None:
    return await tx.find(
        Fine,
        f"select {_FINE} from ride_fine where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": fine_id},
    )


async def find_refund(tx: Tx, operator_id: OperatorId, refund_id: RefundId) -> Refund | None:
    return await tx.find(
        _refund_row,
        f"select {_REFUND} from ride_refund where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": refund_id},
    )


async def find_fine_by_key(tx: Tx, operator_id: OperatorId, actor: Actor, key: str) -> Fine | None:
    """What the same caller did under this key before."""
    return await tx.find(
        Fine,
        f"select {_FINE} from ride_fine where operator_id = %(operator_id)s and actor = %(actor)s and key = %(key)s",
        {"operator_id": operator_id, "actor": actor, "key": key},
    )


async def find_refund_by_key(tx: Tx, operator_id: OperatorId, actor: Actor, key: str) -> Refund | None:
    """As `find_fine_by_key`."""
    return await tx.find(
        _refund_row,
        f"select {_REFUND} from ride_refund where operator_id = %(operator_id)s and actor = %(actor)s and key = %(key)s",
        {"operator_id": operator_id, "actor": actor, "key": key},
    )


async def add_fine_outcome(tx: Tx, fine: Fine, *, collected_minor: int, unpaid_minor: int) -> Fine:
    """Of what the card was asked for: what it paid, and what became debt. The caller holds the ride's row."""
    return await tx.one(
        Fine,
        f"""
        update ride_fine
           set charged_card_minor = charged_card_minor + %(collected)s, debt_minor = debt_minor + %(unpaid)s,
               card_pending_minor = card_pending_minor - %(collected)s - %(unpaid)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {_FINE}
        """,
        {
            "operator_id": fine.operator_id,
            "id": fine.id,
            "collected": collected_minor,
            "unpaid": unpaid_minor,
        },
    )


async def add_refund_outcome(
    tx: Tx, refund: Refund, *, returned_minor: int, to_debt_minor: int, to_balance_minor: int
) -> Refund:
    """Of what was to go to the card: what went there, and what the wallet got instead. The caller holds the ride's row."""
    return await tx.one(
        _refund_row,
        f"""
        update ride_refund
           set to_card_minor = to_card_minor + %(returned)s, to_debt_minor = to_debt_minor + %(debt)s,
               to_balance_minor = to_balance_minor + %(balance)s,
               card_pending_minor = card_pending_minor - %(returned)s - %(debt)s - %(balance)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {_REFUND}
        """,
        {
            "operator_id": refund.operator_id,
            "id": refund.id,
            "returned": returned_minor,
            "debt": to_debt_minor,
            "balance": to_balance_minor,
        },
    )
