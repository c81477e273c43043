"""Reading places."""

from math import cos, radians
from typing import Final

from isotope.domain.maps.folding import Asked
from isotope.domain.maps.model import FoundPlace, PlaceSource
from isotope.infra.db import Tx
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId

_METRES_A_DEGREE: Final = 111_195.0
# From here on a name is like what was typed: two letters of seven may be wrong.
_LIKE: Final = "0.45"
# Of one or two letters only beginnings are looked for: every other name is like them. Of more a beginning is like enough.
_BEGINNING: Final = 2
_BEGINS: Final = "p.folded like %(begins)s"
_LIKE_ENOUGH: Final = "p.folded %%> %(words)s"
_CANDIDATES: Final = 40
_AROUND: Final = 60


async def list_like(tx: Tx, operator_id: OperatorId, asked: Asked, near: Point, limit: int) -> list[FoundPlace]:
    """Best first. By place_folded, then place_number.

    A name is compared as a whole, by its parts, and as the beginning of one; what is nearer wins among equals. Of a
    street whose number was typed the addresses come, or the street where it has no such number.
    """
    # A plan for any text whatever would not go by the index: few texts are like many names.
    await tx.execute(
        "select set_config('pg_trgm.word_similarity_threshold', %(like)s, true),"
        " set_config('plan_cache_mode', 'force_custom_plan', true)",
        {"like": _LIKE},
    )
    return await tx.all(
        FoundPlace,
        """
        with hit as materialized (
            select p.source, p.ref, p.kind, p.lat, p.lon, p.titles, p.subtitles,
                   case when %(text)s = %(words)s then word_similarity(%(words)s, p.folded)
                        else greatest(word_similarity(%(words)s, p.folded), 0.9 * word_similarity(%(text)s, p.folded)) end
                   + case when p.folded like %(exact)s then 0.4
                          when p.folded like %(begins)s then 0.25
                          when p.folded like %(within)s then 0.1
                          else 0 end
                   + 0.15 * p.weight
                   + case when string_to_array(p.area, ' ') && string_to_array(%(text)s, ' ') then 0.15 else 0 end
                   - 0.06 * ln(1 + %(km)s * sqrt((p.lat - %(lat)s) ^ 2 + ((p.lon - %(lon)s) * %(narrow)s) ^ 2)) as score
              from place p
             where p.operator_id = %(operator_id)s and p.kind <> 'ADDRESS'
               and """
        + (_LIKE_ENOUGH if len(asked.words) > _BEGINNING else _BEGINS)
        + """
             order by score desc
             limit %(candidates)s
        )
        select coalesce(a.kind, h.kind) as kind, coalesce(a.lat, h.lat) as lat, coalesce(a.lon, h.lon) as lon,
               coalesce(a.titles, h.titles) as titles, coalesce(a.subtitles, h.subtitles) as subtitles
          from hit h
          left join lateral (
                select p.kind, p.lat, p.lon, p.titles, p.subtitles,
                       case when p.number = %(number)s then 0.4 else 0.3 end as more
                  from place p
                 where h.kind = 'STREET' and p.kind = 'ADDRESS' and p.operator_id = %(operator_id)s
                   and p.source = h.source and p.street_ref = h.ref
                   and p.number_from <= %(whole)s and p.number_to >= %(whole)s
                 order by p.number = %(number)s desc, length(p.number), p.number
                 limit 3
               ) a on true
         order by h.score + coalesce(a.more, 0) desc, h.titles ->> '', h.ref, a.titles ->> ''
         limit %(limit)s
        """,
        {
            "operator_id": operator_id,
            "words": asked.words,
            "text": asked.text,
            "exact": f"%|{asked.words}|%",
            "begins": f"%|{asked.words}%",
            "within": f"% {asked.words}%",
            "number": asked.number,
            "whole": None if asked.number is None else int("".join(filter(str.isdecimal, asked.number))),
            "lat": near.lat,
            "lon": near.lon,
            "narrow": cos(radians(near.lat)),
            "km": _METRES_A_DEGREE / 1_000,
            "candidates": _CANDIDATES,
            "limit": limit,
        },
    )


async def list_around(tx: Tx, operator_id: OperatorId, at: Point, radius_m: float) -> list[FoundPlace]:
    """What lies within a box around a point, the nearest first. By place_spot."""
    high = radius_m / _METRES_A_DEGREE
    wide = high / max(0.01, cos(radians(at.lat)))
    return await tx.all(
        FoundPlace,
        """
        select kind, lat, lon, titles, subtitles
          from place
         where operator_id = %(operator_id)s
           and point(lon, lat) <@ box(point(%(west)s, %(south)s), point(%(east)s, %(north)s))
         order by (lat - %(lat)s) ^ 2 + ((lon - %(lon)s) * %(narrow)s) ^ 2, ref
         limit %(limit)s
        """,
        {
            "operator_id": operator_id,
            "lat": at.lat,
            "lon": at.lon,
            "south": at.lat - high,
            "north": at.lat + high,
            "west": at.lon - wide,
            "east": at.lon + wide,
            "narrow": cos(radians(at.lat)),
            "limit": _AROUND,
        },
    )


async def list_place_sources(tx: Tx, operator_id: OperatorId) -> list[PlaceSource]:
    """Where the operator's places came from, the largest first; by the primary key."""
    return await tx.all(
        PlaceSource,
        """
        select name, attribution, run, places, imported_at, lat, lon
          from place_source where operator_id = %(operator_id)s order by places desc, name limit 100
        """,
        {"operator_id": operator_id},
    )
