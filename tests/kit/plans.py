"""Plans of what a use case asks the store."""

from collections.abc import Iterator
from typing import Any, LiteralString

from isotope.infra.db import Params, Tx


class ExplainingTx(Tx):
    """Runs what it is asked to run and keeps the plan of each statement."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx.connection)
        self.plans: dict[str, dict[str, Any]] = {}

    async def _explain(self, sql: LiteralString, params: Params) -> None:
        cursor = await self.connection.execute("explain (format json) " + sql, params)
        row = await cursor.fetchone()
        assert row is not None
        self.plans[" ".join(sql.split())] = row[0][0]["Plan"]

    async def execute(self, sql: LiteralString, params: Params = None) -> int:
        await self._explain(sql, params)
        return await super().execute(sql, params)

    async def all(self, row: Any, sql: LiteralString, params: Params = None) -> list[Any]:
        await self._explain(sql, params)
        return await super().all(row, sql, params)

    async def tuples(self, sql: LiteralString, params: Params = None, *, binary: bool = False) -> list[Any]:
        await self._explain(sql, params)
        return await super().tuples(sql, params, binary=binary)

    async def scalar(self, sql: LiteralString, params: Params = None) -> Any:
        await self._explain(sql, params)
        return await super().scalar(sql, params)

    async def find(self, row: Any, sql: LiteralString, params: Params = None) -> Any:
        await self._explain(sql, params)
        return await super().find(row, sql, params)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan and all that is under it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)
