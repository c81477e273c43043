"""Whom and what a search finds, for lists of what belongs to them."""

from typing import Final

from isotope.dashboards.scope import Scope
from isotope.dashboards.search import Search
from isotope.infra.db import Tx

MOST_FOUND: Final = 1_000
"""Of so many riders or vehicles the rows are looked for one by one; of more, each row of the list is looked at: there is
one of theirs among a few hundred."""

RIDER_TEXT: Final = "fold(u.name || ' ' || u.email || ' ' || u.phone_prefix || u.phone)"
"""As index rider_search has it; `u` is the rider."""


async def find_riders(tx: Tx, scope: Scope, search: Search) -> list[int] | None:
    """Those whose name, e-mail address or phone has all words; None: more than `MOST_FOUND`. By rider_search.

    Of a subaccount those who have begun a ride there. Short words find nobody.
    """
    if search.is_short:
        return []
    seen = ""
    if scope.subaccount_id is not None:
        seen = """
            and exists (select from rider_total t
                         where t.operator_id = u.operator_id and t.subaccount_id = %(subaccount_id)s and t.rider_id = u.id)
        """
    rows = await tx.tuples(
        f"""
        select u.id from rider u
         where u.operator_id = %(operator_id)s and u.status <> 'DELETED' and {search.matches(RIDER_TEXT)}{seen}
         limit %(most)s
        """,
        {**scope.params, **search.params, "most": MOST_FOUND + 1},
    )
    return None if len(rows) > MOST_FOUND else [row_id for (row_id,) in rows]


async def find_vehicles(tx: Tx, scope: Scope, search: Search) -> list[int] | None:
    """Those whose printed number or whose unit's IMEI has all words; None: more than `MOST_FOUND`.

    By vehicle_search and device_search. Of short words only the printed number that is exactly they.
    """
    own = "" if scope.subaccount_id is None else " and v.subaccount_id = %(subaccount_id)s"
    if search.is_short:
        found = "v.nr = %(searched)s"
    else:
        found = f"""
            ({search.matches("fold(v.nr)")}
             or v.device_id in (select d.id from device d
                                 where d.operator_id = %(operator_id)s and {search.matches("fold(d.identity)")}))
        """
    rows = await tx.tuples(
        f"select v.id from vehicle v where v.operator_id = %(operator_id)s and {found}{own} limit %(most)s",
        {**scope.params, **search.params, "most": MOST_FOUND + 1},
    )
    return None if len(rows) > MOST_FOUND else [row_id for (row_id,) in rows]
