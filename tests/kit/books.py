"""Operators and riders that exist only to have wallets, and short words to post with."""

from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

from isotope.domain.tenants.model import Operator, Settings
from isotope.domain.wallet import (
    AccountKind,
    AddMoney,
    Charge,
    Charged,
    Difference,
    Entry,
    MoneyAdded,
    MoneyKind,
    Posted,
    Posting,
    Standing,
    add_money,
    charge,
    check_ledger,
    get_standing,
    post,
    trial_balance,
)
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, SYSTEM
from isotope.kernel.ids import OperatorId, RiderId
from tests.kit.clock import START

_numbers = count(1)


@dataclass(frozen=True)
class Books:
    """The ledger of one fresh operator, with some riders."""

    rt: Runtime
    operator: Operator
    riders: tuple[RiderId, ...]

    @property
    def rider(self) -> RiderId:
        return self.riders[0]

    async def standing(self, rider: RiderId | None = None) -> Standing:
        async with self.rt.db.read() as tx:
            return await get_standing(tx, self.operator.id, rider or self.rider, self.operator.currency)

    async def add(
        self,
        amount_minor: int,
        kind: MoneyKind = MoneyKind.BALANCE,
        *,
        rider: RiderId | None = None,
        key: str | None = None,
    ) -> MoneyAdded:
        return await add_money(
            self.rt,
            AddMoney(
                operator=self.operator,
                rider_id=rider or self.rider,
                amount_minor=amount_minor,
                kind=kind,
                actor=SECRET_KEY,
                idempotency_key=key,
            ),
        )

    async def charge(
        self,
        total_minor: int,
        *,
        tax_minor: int = 0,
        rider: RiderId | None = None,
        cause: str | None = None,
        on_card: bool = False,
        from_bonus: bool = True,
    ) -> Charged:
        async with self.rt.db.write() as tx:
            return await charge(
                tx,
                Charge(
                    operator_id=self.operator.id,
                    rider_id=rider or self.rider,
                    currency=self.operator.currency,
                    total_minor=total_minor,
                    tax_minor=tax_minor,
                    reason="ride_charged",
                    actor=SYSTEM,
                    cause=cause or f"ride:{next(_numbers)}",
                    now=START,
                    on_card=on_card,
                    from_bonus=from_bonus,
                ),
            )

    async def post(self, *entries: Entry, cause: str | None = None, currency: str | None = None) -> Posted:
        async with self.rt.db.write() as tx:
            return await post(tx, self.posting(*entries, cause=cause, currency=currency))

    def posting(self, *entries: Entry, cause: str | None = None, currency: str | None = None) -> Posting:
        return Posting(
            operator_id=self.operator.id,
            currency=currency or self.operator.currency,
            reason="test",
            actor=SYSTEM,
            cause=cause or f"test:{next(_numbers)}",
            now=START,
            entries=entries,
        )

    async def differences(self) -> list[Difference]:
        async with self.rt.db.read() as tx:
            return await check_ledger(tx, self.operator.id)

    async def sums(self) -> dict[AccountKind, int]:
        """The trial balance without what is zero."""
        async with self.rt.db.read() as tx:
            return {kind: total for kind, total in (await trial_balance(tx, self.operator.id)).items() if total}

    async def postings(self) -> int:
        async with self.rt.db.read() as tx:
            return int(
                await tx.scalar("select count(*) from ledger_transaction where operator_id = %s", [self.operator.id])
            )


async def open_books(rt: Runtime, *, currency: str = "EUR", riders: int = 1, settings: Settings | None = None) -> Books:
    """An operator of its own, with riders who have no accounts yet."""
    slug = f"books-{uuid4().hex[:12]}"
    async with rt.db.write() as tx:
        operator_id = OperatorId(await _insert_operator(tx, slug, currency))
        rider_ids = tuple([RiderId(await _insert_rider(tx, operator_id, nr)) for nr in range(riders)])
    operator = Operator(
        id=operator_id,
        slug=slug,
        name=slug,
        currency=currency,
        time_zone="Europe/Helsinki",
        languages=("en",),
        settings=settings or Settings(),
    )
    return Books(rt=rt, operator=operator, riders=rider_ids)


async def _insert_operator(tx: Tx, slug: str, currency: str) -> Any:
    return await tx.scalar(
        """
        insert into operator (slug, name, currency, time_zone, languages, created_at)
        values (%(slug)s, %(slug)s, %(currency)s, 'Europe/Helsinki', '{en}', %(now)s) returning id
        """,
        {"slug": slug, "currency": currency, "now": START},
    )


async def _insert_rider(tx: Tx, operator_id: OperatorId, nr: int) -> Any:
    return await tx.scalar(
        """
        insert into rider (operator_id, name, email, phone_prefix, phone, language, status, created_at)
        values (%(operator_id)s, 'Rider', 'rider@example.test', '358', %(phone)s, 'en', 'ACTIVE', %(now)s) returning id
        """,
        {"operator_id": operator_id, "phone": f"40{nr:07d}", "now": START},
    )
