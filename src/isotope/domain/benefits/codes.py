"""Reading and writing promo codes, referral codes and wrong tries."""

import secrets
from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.benefits import errors
from isotope.domain.benefits.model import (
    PromoCode,
    PromoCodeId,
    PromoDraft,
    PromoKind,
    PromoSpec,
    RedemptionId,
    ReferralCode,
    Referrer,
    RideDiscount,
)
from isotope.domain.benefits.rules import CodeFacts, TryFacts
from isotope.domain.tenants.model import CodeSettings
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, RideId, RiderId

MAX_LISTED: Final = 1_000

# Nothing that reads like another character, and no vowels, so that no word is made.
_ALPHABET: Final = "BCDFGHJKMNPQRTVWXYZ2346789"
_LENGTH: Final = 8

_PROMO: Final[LiteralString] = """
    c.id, c.code, c.title, c.spec, c.redeemed, c.remaining, c.from_folder, c.made_by, c.made_at, c.retired_by,
    c.retired_at
"""


async def lock_address(tx: Tx, operator_id: OperatorId, address: str) -> None:
    """Codes from one address are tried one at a time, so that its wrong ones are counted right."""
    await tx.execute(
        "select pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", {"name": f"codes:{operator_id}:{address}"}
    )


async def get_try_facts(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, address: str | None, settings: CodeSettings
) -> TryFacts:
    """What the limits look at; exact while rider and address are locked. One probe of an index each."""
    return await tx.one(
        TryFacts,
        """
        select (select at from code_try where operator_id = %(operator_id)s and rider_id = %(rider_id)s
                 order by at desc offset %(per_rider)s - 1 limit 1) as rider_full_since,
               (select at from code_try where operator_id = %(operator_id)s and address = %(address)s::inet
                 order by at desc offset %(per_address)s - 1 limit 1) as address_full_since
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "address": address,
            "per_rider": settings.tries_per_rider,
            "per_address": settings.tries_per_address,
        },
    )


async def insert_try(tx: Tx, operator_id: OperatorId, rider_id: RiderId, address: str | None, now: datetime) -> None:
    await tx.execute(
        """
        insert into code_try (operator_id, rider_id, address, at)
        values (%(operator_id)s, %(rider_id)s, %(address)s::inet, %(now)s)
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "address": address, "now": now},
    )


async def delete_tries(tx: Tx, before: datetime, limit: int) -> int:
    """Of every operator, the oldest first; how many went."""
    return await tx.execute(
        """
        delete from code_try where (operator_id, id) in
            (select operator_id, id from code_try where at < %(before)s order by at limit %(limit)s)
        """,
        {"before": before, "limit": limit},
    )


async def get_code_facts(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, code: str | None, *, has_ridden: bool
) -> CodeFacts:
    """Everything about the code and the rider, in one statement, which is the same for every code."""
    rows = await tx.dicts(
        f"""
        select {_PROMO}, f.rider_id as referrer_id, f.referees,
               exists (select from promo_redemption r
                        where r.operator_id = %(operator_id)s and r.rider_id = %(rider_id)s and r.promo_code_id = c.id)
                   as is_redeemed,
               exists (select from referral r
                        where r.operator_id = %(operator_id)s and r.referee_id = %(rider_id)s) as was_referred
          from (select %(operator_id)s::bigint as operator_id, %(code)s::text as code) asked
          left join promo_code c on c.operator_id = asked.operator_id and c.code = asked.code
          left join (referral_code f
                     join rider o on o.operator_id = f.operator_id and o.id = f.rider_id and o.status = 'ACTIVE')
            on f.operator_id = asked.operator_id and f.code = asked.code
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "code": code},
    )
    row = rows[0]
    return CodeFacts(
        rider_id=rider_id,
        promo=None if row["id"] is None else _promo(operator_id, row),
        is_redeemed=row["is_redeemed"],
        referrer=None
        if row["referrer_id"] is None
        else Referrer(rider_id=RiderId(row["referrer_id"]), referees=row["referees"]),
        was_referred=row["was_referred"],
        has_ridden=has_ridden,
    )


async def take_promo(
    tx: Tx, promo: PromoCode, rider_id: RiderId, now: datetime, expires_at: datetime | None
) -> RedemptionId | None:
    """One redemption of what remains, whoever else takes one now; None: nothing remains, or it was stopped."""
    spec = promo.spec
    is_discount = spec.kind is PromoKind.RIDE_DISCOUNT
    taken: RedemptionId | None = await tx.scalar(
        """
        with taken as (
            update promo_code set redeemed = redeemed + 1, remaining = remaining - 1
             where operator_id = %(operator_id)s and id = %(promo_code_id)s and retired_at is null
               and (remaining is null or remaining > 0)
            returning operator_id, id
        )
        insert into promo_redemption (operator_id, promo_code_id, rider_id, at, pct, rides, rides_left, expires_at)
        select operator_id, id, %(rider_id)s, %(now)s, %(pct)s, %(rides)s, %(rides)s, %(expires_at)s from taken
        returning id
        """,
        {
            "operator_id": promo.operator_id,
            "promo_code_id": promo.id,
            "rider_id": rider_id,
            "now": now,
            "pct": spec.pct if is_discount else None,
            "rides": spec.rides if is_discount else None,
            "expires_at": expires_at,
        },
    )
    return taken


async def take_referral(
    tx: Tx,
    operator_id: OperatorId,
    referee_id: RiderId,
    referrer_id: RiderId,
    *,
    most: int,
    referrer_minor: int,
    now: datetime,
) -> bool:
    """The rider came by this one's code; False: it brought as many as it may meanwhile."""
    taken = await tx.execute(
        """
        with taken as (
            update referral_code set referees = referees + 1
             where operator_id = %(operator_id)s and rider_id = %(referrer_id)s and referees < %(most)s
            returning operator_id, rider_id
        )
        insert into referral (operator_id, referee_id, referrer_id, at, referrer_minor)
        select operator_id, %(referee_id)s, rider_id, %(now)s, %(referrer_minor)s from taken
        """,
        {
            "operator_id": operator_id,
            "referee_id": referee_id,
            "referrer_id": referrer_id,
            "most": most,
            "referrer_minor": referrer_minor,
            "now": now,
        },
    )
    return bool(taken)


async def set_paid_ride(tx: Tx, operator_id: OperatorId, referee_id: RiderId, ride_id: RideId, now: datetime) -> bool:
    """The referee's first paid ride is this one; whether somebody is to be rewarded for it now."""
    minor: int | None = await tx.scalar(
        """
        update referral set ride_id = %(ride_id)s, settled_at = case when referrer_minor = 0 then %(now)s::timestamptz end
         where operator_id = %(operator_id)s and referee_id = %(referee_id)s and ride_id is null
        returning referrer_minor
        """,
        {"operator_id": operator_id, "referee_id": referee_id, "ride_id": ride_id, "now": now},
    )
    return bool(minor)


async def find_referrer(tx: Tx, operator_id: OperatorId, referee_id: RiderId) -> RiderId | None:
    """Who is to be rewarded for this one's first paid ride and was not yet."""
    found: RiderId | None = await tx.scalar(
        """
        select referrer_id from referral
         where operator_id = %(operator_id)s and referee_id = %(referee_id)s and ride_id is not null
           and settled_at is null
        """,
        {"operator_id": operator_id, "referee_id": referee_id},
    )
    return found


async def settle_referral(tx: Tx, operator_id: OperatorId, referee_id: RiderId, now: datetime) -> int | None:
    """The reward is given, or came to nothing, from now on; how much it is. None: it was settled before."""
    minor: int | None = await tx.scalar(
        """
        update referral set settled_at = %(now)s
         where operator_id = %(operator_id)s and referee_id = %(referee_id)s and ride_id is not null
           and settled_at is null
        returning referrer_minor
        """,
        {"operator_id": operator_id, "referee_id": referee_id, "now": now},
    )
    return minor


async def make_referral_code(tx: Tx, operator_id: OperatorId, rider_id: RiderId, now: datetime) -> ReferralCode:
    """The rider's code, made when it is first asked for."""
    while (found := await find_referral_code(tx, operator_id, rider_id)) is None:
        # Somebody else's code, or this rider's own made a moment ago: look again.
        await tx.execute(
            """
            insert into referral_code (operator_id, rider_id, code, made_at)
            values (%(operator_id)s, %(rider_id)s, %(code)s, %(now)s) on conflict do nothing
            """,
            {
                "operator_id": operator_id,
                "rider_id": rider_id,
                "code": "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)),
                "now": now,
            },
        )
    return found


async def find_referral_code(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> ReferralCode | None:
    return await tx.find(
        ReferralCode,
        """
        select f.code, f.referees,
               (select count(*) from referral r
                 where r.operator_id = f.operator_id and r.referrer_id = f.rider_id and r.settled_at is not null
                   and r.referrer_minor > 0) as rewarded
          from referral_code f where f.operator_id = %(operator_id)s and f.rider_id = %(rider_id)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def delete_referral_code(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> None:
    await tx.execute(
        "delete from referral_code where operator_id = %(operator_id)s and rider_id = %(rider_id)s",
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def delete_tries_of(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> None:
    await tx.execute(
        "delete from code_try where operator_id = %(operator_id)s and rider_id = %(rider_id)s",
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def list_ride_discounts(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, now: datetime
) -> tuple[RideDiscount, ...]:
    """What redeemed codes still take off rides, in the order in which rides use them; at most `MAX_LISTED`."""
    found = await tx.all(
        RideDiscount,
        """
        select r.id, c.title, r.pct, r.rides_left, r.expires_at
          from promo_redemption r
          join promo_code c on c.operator_id = r.operator_id and c.id = r.promo_code_id
         where r.operator_id = %(operator_id)s and r.rider_id = %(rider_id)s and r.rides_left > 0
           and (r.expires_at is null or r.expires_at > %(now)s)
         order by r.pct desc, coalesce(r.expires_at, 'infinity'), r.id limit %(limit)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "now": now, "limit": MAX_LISTED},
    )
    return tuple(found)


async def upsert_promo(tx: Tx, operator_id: OperatorId, draft: PromoDraft, actor: Actor, now: datetime) -> None:
    """The folder's code as described; one that staff made becomes the folder's. What was redeemed counts on."""
    await tx.execute(
        """
        insert into promo_code as c (operator_id, code, title, spec, remaining, from_folder, made_by, made_at)
        values (%(operator_id)s, %(code)s, %(title)s, %(spec)s, %(most)s::int, true, %(actor)s, %(now)s)
        on conflict (operator_id, code) do update set
            title = excluded.title, spec = excluded.spec, from_folder = true, retired_at = null, retired_by = null,
            remaining = case when %(most)s::int is not null then greatest(0, %(most)s::int - c.redeemed) end
        """,
        _promo_params(operator_id, draft, actor, now),
    )


async def insert_promo(tx: Tx, operator_id: OperatorId, draft: PromoDraft, actor: Actor, now: datetime) -> PromoCode:
    """A code that staff make.

    Raises:
        Refusal: `promo_code_taken`.
    """
    rows = await tx.dicts(
        f"""
        insert into promo_code as c (operator_id, code, title, spec, remaining, from_folder, made_by, made_at)
        values (%(operator_id)s, %(code)s, %(title)s, %(spec)s, %(most)s::int, false, %(actor)s, %(now)s)
        on conflict (operator_id, code) do nothing returning {_PROMO}
        """,
        _promo_params(operator_id, draft, actor, now),
    )
    if not rows:
        raise errors.promo_code_taken(draft.code)
    return _promo(operator_id, rows[0])


async def retire_promos(
    tx: Tx, operator_id: OperatorId, codes: list[str], actor: Actor, now: datetime
) -> list[PromoCode]:
    """These are redeemed no more; those that could be until now. What riders redeemed they keep."""
    rows = await tx.dicts(
        f"""
        update promo_code c set retired_at = %(now)s, retired_by = %(actor)s
         where operator_id = %(operator_id)s and code = any(%(codes)s) and retired_at is null
        returning {_PROMO}
        """,
        {"operator_id": operator_id, "codes": codes, "actor": str(actor), "now": now},
    )
    return [_promo(operator_id, row) for row in rows]


async def find_promo(tx: Tx, operator_id: OperatorId, code: str) -> PromoCode | None:
    rows = await tx.dicts(
        f"select {_PROMO} from promo_code c where operator_id = %(operator_id)s and code = %(code)s",
        {"operator_id": operator_id, "code": code},
    )
    return _promo(operator_id, rows[0]) if rows else None


async def list_promos(
    tx: Tx, operator_id: OperatorId, *, before_id: PromoCodeId | None = None, limit: int = MAX_LISTED
) -> list[PromoCode]:
    """Newest first, stopped ones too; at most `MAX_LISTED`."""
    rows = await tx.dicts(
        f"""
        select {_PROMO} from promo_code c
         where operator_id = %(operator_id)s and (%(before_id)s::bigint is null or id < %(before_id)s)
         order by id desc limit %(limit)s
        """,
        {"operator_id": operator_id, "before_id": before_id, "limit": min(limit, MAX_LISTED)},
    )
    return [_promo(operator_id, row) for row in rows]


def _promo_params(operator_id: OperatorId, draft: PromoDraft, actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "operator_id": operator_id,
        "code": draft.code,
        "title": draft.title,
        "spec": Jsonb(msgspec.to_builtins(draft.spec)),
        "most": draft.spec.most,
        "actor": str(actor),
        "now": now,
    }


def _promo(operator_id: OperatorId, row: dict[str, Any]) -> PromoCode:
    return PromoCode(
        operator_id=operator_id,
        id=PromoCodeId(row["id"]),
        code=row["code"],
        title=row["title"],
        spec=msgspec.convert(row["spec"], PromoSpec),
        redeemed=row["redeemed"],
        remaining=row["remaining"],
        from_folder=row["from_folder"],
        made_by=row["made_by"],
        made_at=row["made_at"],
        retired_by=row["retired_by"],
        retired_at=row["retired_at"],
    )
