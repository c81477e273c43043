"""What provisioning writes: packages and discount groups; ids are stable by ref, nothing is deleted (as in the fleet)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.benefits.channels import PACKAGES_CHANGED
from isotope.domain.benefits.model import GroupDraft, GroupId, PackageDraft, PackageId
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId


async def upsert_package(tx: Tx, operator_id: OperatorId, draft: PackageDraft) -> PackageId:
    """The package as described, under the id that its ref has. Rides that run keep what was agreed."""
    written = await tx.execute(
        """
        insert into package as t (operator_id, ref, title, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(spec)s)
        on conflict (operator_id, ref) do update set title = excluded.title, spec = excluded.spec, retired_at = null
         where (t.title, t.spec, t.retired_at) is distinct from (excluded.title, excluded.spec, null)
        """,
        _params(operator_id, draft.ref, draft.title, draft.spec),
    )
    await _tell(tx, operator_id, written)
    return PackageId(
        await tx.scalar(
            "select id from package where operator_id = %(operator_id)s and ref = %(ref)s",
            {"operator_id": operator_id, "ref": draft.ref},
        )
    )


async def upsert_group(tx: Tx, operator_id: OperatorId, draft: GroupDraft) -> GroupId:
    """The group as described, under the id that its ref has."""
    await tx.execute(
        """
        insert into discount_group as t (operator_id, ref, title, spec)
        values (%(operator_id)s, %(ref)s, %(title)s, %(spec)s)
        on conflict (operator_id, ref) do update set title = excluded.title, spec = excluded.spec, retired_at = null
         where (t.title, t.spec, t.retired_at) is distinct from (excluded.title, excluded.spec, null)
        """,
        _params(operator_id, draft.ref, draft.title, draft.spec),
    )
    return GroupId(
        await tx.scalar(
            "select id from discount_group where operator_id = %(operator_id)s and ref = %(ref)s",
            {"operator_id": operator_id, "ref": draft.ref},
        )
    )


async def retire_packages(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """Offer these no longer; how many were offered. Running rides keep what was agreed."""
    retired = await tx.execute(
        """
        update package set retired_at = %(now)s
         where operator_id = %(operator_id)s and ref = any(%(refs)s) and retired_at is null
        """,
        {"operator_id": operator_id, "refs": list(refs), "now": now},
    )
    await _tell(tx, operator_id, retired)
    return retired


async def retire_groups(tx: Tx, operator_id: OperatorId, refs: Collection[str], now: datetime) -> int:
    """These take nothing off rides that start from now on; how many there were. Their riders stay in them."""
    return await tx.execute(
        """
        update discount_group set retired_at = %(now)s
         where operator_id = %(operator_id)s and ref = any(%(refs)s) and retired_at is null
        """,
        {"operator_id": operator_id, "refs": list(refs), "now": now},
    )


async def _tell(tx: Tx, operator_id: OperatorId, written: int) -> None:
    if written:
        await tx.notify(PACKAGES_CHANGED, str(operator_id))


def _params(operator_id: OperatorId, ref: str, title: str, spec: msgspec.Struct) -> dict[str, Any]:
    return {"operator_id": operator_id, "ref": ref, "title": title, "spec": Jsonb(msgspec.to_builtins(spec))}
