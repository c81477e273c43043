"""Classes of service as an operator describes them."""

from collections.abc import Collection
from datetime import datetime

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.taxi.model import TaxiClassSpec
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, TaxiClassId


class TaxiClassDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A class as it is to be."""

    ref: str
    title: str
    spec: TaxiClassSpec


async def upsert_class(tx: Tx, operator_id: OperatorId, draft: TaxiClassDraft) -> TaxiClassId:
    """The class as described, under the id that its ref has. Trips keep the terms they were ordered with."""
    params = {
        "operator_id": operator_id,
        "ref": draft.ref,
        "title": draft.title,
        "spec": Jsonb(msgspec.to_builtins(draft.spec)),
    }
    await tx.execute(
        """
        insert into taxi_class as c (operator_id, ref, title, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(spec)s)
        on conflict (operator_id, ref) do update set title = excluded.title, spec = excluded.spec, retired_at = null
         where (c.title, c.spec, c.retired_at) is distinct from (excluded.title, excluded.spec, null)
        """,
        params,
    )
    return TaxiClassId(
        await tx.scalar("select id from taxi_class where operator_id = %(operator_id)s and ref = %(ref)s", params)
    )


async def retire_classes(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """Offer these no longer; how many were offered."""
    return await tx.execute(
        """
        update taxi_class set retired_at = %(now)s
         where operator_id = %(operator_id)s and ref = any(%(refs)s) and retired_at is null
        """,
        {"operator_id": operator_id, "refs": list(refs), "now": now},
    )
