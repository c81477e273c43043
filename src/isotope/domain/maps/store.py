"""Writing places."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from isotope.domain.maps.folding import span_of
from isotope.domain.maps.model import KnownPlace
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId


async def begin_run(tx: Tx, operator_id: OperatorId, name: str, attribution: str, now: datetime) -> int:
    """The number of a new import of the source; the source is made if it is new."""
    return int(
        await tx.scalar(
            """
            insert into place_source (operator_id, name, attribution, run, places, imported_at)
            values (%(operator_id)s, %(name)s, %(attribution)s, 1, 0, %(now)s)
            on conflict (operator_id, name) do update
               set run = place_source.run + 1, attribution = excluded.attribution, imported_at = excluded.imported_at
            returning run
            """,
            {"operator_id": operator_id, "name": name, "attribution": attribution, "now": now},
        )
    )


async def save_places(tx: Tx, operator_id: OperatorId, source: str, run: int, places: Sequence[KnownPlace]) -> int:
    """Write them down over what was there; how many were not."""
    spans = [None if place.number is None else span_of(place.number) for place in places]
    rows = await tx.tuples(
        """
        insert into place (operator_id, source, ref, kind, lat, lon, titles, subtitles, folded, area, weight, street_ref,
                           number, number_from, number_to, run)
        select %(operator_id)s, %(source)s, r.*, %(run)s
          from unnest(%(ref)s::text[], %(kind)s::text[], %(lat)s::double precision[], %(lon)s::double precision[],
                      %(titles)s::jsonb[], %(subtitles)s::jsonb[], %(folded)s::text[], %(area)s::text[], %(weight)s::real[],
                      %(street_ref)s::text[], %(number)s::text[], %(number_from)s::int[], %(number_to)s::int[]) as r
        on conflict (operator_id, source, ref) do update
           set kind = excluded.kind, lat = excluded.lat, lon = excluded.lon, titles = excluded.titles,
               subtitles = excluded.subtitles, folded = excluded.folded, area = excluded.area, weight = excluded.weight,
               street_ref = excluded.street_ref, number = excluded.number, number_from = excluded.number_from,
               number_to = excluded.number_to, run = excluded.run
        returning xmax = 0
        """,
        {
            "operator_id": operator_id,
            "source": source,
            "run": run,
            "ref": [place.ref for place in places],
            "kind": [place.kind for place in places],
            "lat": [place.lat for place in places],
            "lon": [place.lon for place in places],
            "titles": [Jsonb(dict(place.titles)) for place in places],
            "subtitles": [Jsonb(dict(place.subtitles)) for place in places],
            "folded": [place.folded for place in places],
            "area": [place.area for place in places],
            "weight": [place.weight for place in places],
            "street_ref": [place.street_ref for place in places],
            "number": [place.number for place in places],
            "number_from": [span and span[0] for span in spans],
            "number_to": [span and span[1] for span in spans],
        },
    )
    return sum(is_new for (is_new,) in rows)


async def forget_places(tx: Tx, operator_id: OperatorId, source: str, run: int, limit: int) -> int:
    """Some of those that an import before this one wrote and this one did not; how many. By place_run."""
    return await tx.execute(
        """
        delete from place
         where operator_id = %(operator_id)s and source = %(source)s and ref in (
               select ref from place
                where operator_id = %(operator_id)s and source = %(source)s and run < %(run)s
                limit %(limit)s)
        """,
        {"operator_id": operator_id, "source": source, "run": run, "limit": limit},
    )


async def end_run(tx: Tx, operator_id: OperatorId, source: str) -> None:
    """Count its places, and find their middle."""
    await tx.execute(
        """
        update place_source s
           set places = p.places, lat = p.lat, lon = p.lon
          from (select count(*) as places, avg(lat) as lat, avg(lon) as lon
                  from place where operator_id = %(operator_id)s and source = %(source)s) p
         where s.operator_id = %(operator_id)s and s.name = %(source)s
        """,
        {"operator_id": operator_id, "source": source},
    )
