"""Riders on the dashboard."""

from typing import Any, Final

from isotope.api.admin.lists import days_of, length_of, scope, sees_people, sliders_of
from isotope.api.admin.users_types import AdminUser, AdminUsers, AdminUsersExport, AdminUsersRequest
from isotope.api.keyset import marks_of
from isotope.api.operation import Auth, Call, operation
from isotope.dashboards.masking import masked_email, masked_name, masked_phone
from isotope.dashboards.paging import Paging
from isotope.dashboards.search import read_search
from isotope.dashboards.users import UserRow, WhichUsers, list_users
from isotope.domain.tenants import Right
from isotope.kernel.currency_symbols import symbol_of
from isotope.kernel.money import to_decimal

_MOST_DAYS: Final = 365
_SLIDERS: Final[dict[str, tuple[float, float]]] = {
    "wallet": (-1_000, 1_000),
    "rides": (0, 1_000),
    "feedback": (0, 5),
    "last_ride": (0, 720),
}


@operation(
    id="admin_users",
    tag="Sharing dashboard",
    title="Get user info",
    method="POST",
    path="/api/v2/admin/users",
    auth=Auth.STAFF,
    right=Right.LOOK,
    subaccounts=True,
    request=AdminUsersRequest,
    response=AdminUsers,
    export=AdminUsersExport,
    request_example={"filter": ["ALL"], "page_length": 20},
)
async def admin_users(call: Call[AdminUsersRequest]) -> AdminUsers | AdminUsersExport:
    """Riders, who registered last first, with what they have, owe and rode.

    For staff of a subaccount: those who have begun a ride there, with their rides there. Names, phones and e-mail
    addresses are masked, and not searched, for roles that do not see people.
    """
    body, export = call.body, bool(call.body.export)
    since, until = days_of(call, body.date_range, most_days=_MOST_DAYS)
    sliders = sliders_of(body.sliders, _SLIDERS)
    standings = [] if "ALL" in (body.filter or ()) else list(dict.fromkeys(body.filter or ()))
    which = WhichUsers(
        standings=standings,
        search=read_search(body.search),
        search_people=sees_people(call),
        since=since,
        until=until,
        wallet=sliders.get("wallet"),
        rides=sliders.get("rides"),
        rating=sliders.get("feedback"),
        last_ride_h=sliders.get("last_ride"),
    )
    marks = await marks_of(call, "users")
    paging = Paging(
        length_of(body.page_length, export=export), marks.read(body.page_bookmark, body.bookmark_next, body.bookmark)
    )
    async with call.services.rt.db.read() as tx:
        found = await list_users(tx, scope(call), which, paging, call.services.rt.clock.now())
    page = marks.page(found, lambda row: (row.created_at, row.id))
    answer: dict[str, Any] = {
        "bookmark_next": page.bookmark_next,
        "bookmark_previous": page.bookmark_previous,
        "has_next_page": page.has_next_page,
        "has_previous_page": page.has_previous_page,
        "data": [_user(call, row) for row in page.rows],
    }
    return AdminUsersExport(**answer) if export else AdminUsers(**answer)


def _user(call: Call[Any], row: UserRow) -> AdminUser:
    is_open, currency = sees_people(call), call.operator.currency
    phone = row.phone_prefix + row.phone
    return AdminUser(
        id=row.id,
        name=row.name if is_open else masked_name(row.name),
        email=row.email if is_open else masked_email(row.email),
        phone=phone if is_open else masked_phone(phone),
        document="driving_licence" if row.licence else None,
        document_addition=", ".join(sorted(row.licence)) if row.licence else None,
        document_number=None,
        saved_card="Yes" if row.has_card else "No",
        wallet=to_decimal(row.balance_minor + row.bonus_minor, currency),
        balance=to_decimal(row.balance_minor, currency),
        bonus=to_decimal(row.bonus_minor, currency),
        debt=to_decimal(row.debt_minor, currency),
        rides=row.rides,
        last_ride_at=None if row.last_ride_at is None else int(row.last_ride_at.timestamp()),
        avg_feedback=round(row.rating_sum / row.rating_count, 2) if row.rating_count else None,
        status=row.status,
        blocked=row.status == "BLOCKED",
        registered_at=int(row.created_at.timestamp()),
        currency_symbol=symbol_of(currency),
        currency_code=currency,
    )
