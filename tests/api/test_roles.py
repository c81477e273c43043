"""Roles: the table, the page that is made of it, and that the registry keeps to it."""

from pathlib import Path

import pytest

from isotope.api.docs.roles import render
from isotope.api.operation import Auth, Operation
from isotope.api.sections import operations
from isotope.domain.tenants import MEANS, ROLES, Right
from isotope.domain.tenants.model import Role
from tests.kit.http import Api
from tests.kit.staff import make_desk, make_subaccount
from tests.kit.tenants import make_operator

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "roles.md"
OF_STAFF = [operation for operation in operations() if operation.auth is Auth.STAFF]


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "python -m isotope.api.docs.roles docs/operate/roles.md"


def test_the_table_is_whole() -> None:
    assert set(ROLES) == set(MEANS) == set(Right)
    assert all(Role.OWNER in roles and Role.MANAGER in roles for roles in ROLES.values())
    assert [right for right in Right if Role.READ_ONLY in ROLES[right]] == [Right.LOOK]
    assert {operation.right for operation in OF_STAFF} <= set(Right)


def by_id(operation: Operation) -> str:
    return operation.id


@pytest.mark.parametrize("operation", OF_STAFF, ids=by_id)
async def test_every_role_at_every_operation(api: Api, operation: Operation) -> None:
    """Refused by its role before anything else, or by nothing that is about roles."""
    assert operation.right is not None
    rt = api.services.rt
    kit = await make_operator(rt)
    for role in Role:
        desk = await make_desk(rt, api, kit, role)
        answer = await api.client.request(
            operation.method, operation.path, headers={"Authorization": f"Bearer {desk.token}"}
        )
        refused = answer.status_code == 403 and answer.json()["code"] == "role_not_allowed"
        assert refused is (role not in ROLES[operation.right]), (role, answer.text)
    east = await make_desk(rt, api, kit, Role.OWNER, subaccount_id=await make_subaccount(rt, kit))
    answer = await api.client.request(
        operation.method, operation.path, headers={"Authorization": f"Bearer {east.token}"}
    )
    refused = answer.status_code == 403 and answer.json()["code"] == "whole_operator_only"
    assert refused is not operation.subaccounts, answer.text
