"""Members of staff at work, without a login, which takes its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2

from isotope.domain.tenants.model import Role
from isotope.domain.tenants.store import insert_staff, insert_staff_token
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token, new_token
from isotope.kernel.ids import SubaccountId, VehicleId
from tests.kit.http import Api
from tests.kit.tenants import OperatorKit


@dataclass(frozen=True, slots=True)
class Desk:
    """A member of staff in front of a dashboard."""

    api: Api
    role: Role
    token: str

    async def ask(self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None) -> httpx2.Response:
        """A call such as `bookings/get`."""
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        return await self.api.client.post(f"/api/v2/admin/{path}", json=body or {}, headers=headers)

    async def ok(self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None) -> Any:
        """What it answers; it must not refuse."""
        answer = await self.ask(path, body, key=key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        """What a GET such as `dashboard/statistics` answers; it must not refuse."""
        answer = await self.api.client.get(
            f"/api/v2/admin/{path}", params=query, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        answer = await self.ask(path, body)
        return answer.status_code, answer.json()["code"]


async def make_subaccount(rt: Runtime, kit: OperatorKit, ref: str = "east") -> SubaccountId:
    """A new part of the operator."""
    async with rt.db.write() as tx:
        found = await tx.scalar(
            "insert into subaccount (operator_id, ref, name) values (%(operator_id)s, %(ref)s, %(ref)s) returning id",
            {"operator_id": kit.operator.id, "ref": ref},
        )
    return SubaccountId(found)


async def give_to_subaccount(
    rt: Runtime, kit: OperatorKit, subaccount_id: SubaccountId | None, vehicle_ids: Sequence[VehicleId]
) -> None:
    """These vehicles are the subaccount's from now on."""
    async with rt.db.write() as tx:
        await tx.execute(
            "update vehicle set subaccount_id = %(s)s where operator_id = %(o)s and id = any(%(ids)s)",
            {"o": kit.operator.id, "s": subaccount_id, "ids": list(vehicle_ids)},
        )


async def make_desk(
    rt: Runtime, api: Api, kit: OperatorKit, role: Role = Role.OWNER, subaccount_id: SubaccountId | None = None
) -> Desk:
    """Somebody new of the operator's staff, or of a subaccount's, whose token outlasts the test."""
    now, token = rt.clock.now(), new_token()
    async with rt.db.write() as tx:
        staff = await insert_staff(
            tx,
            operator_id=kit.operator.id,
            email=f"{uuid4().hex}@example.test",
            name="Sam",
            role=role,
            password_hash="none",
            now=now,
        )
        await tx.execute(
            "update staff set subaccount_id = %(s)s where operator_id = %(o)s and id = %(id)s",
            {"o": kit.operator.id, "s": subaccount_id, "id": staff.id},
        )
        await insert_staff_token(
            tx,
            operator_id=kit.operator.id,
            staff_id=staff.id,
            token_hash=hash_token(token),
            now=now,
            expires_at=now + timedelta(days=400),
        )
    return Desk(api, role, token)
